DROP INDEX webhook_deliveries_call;
DROP TABLE standings;
