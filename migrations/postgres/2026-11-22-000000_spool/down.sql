DROP INDEX webhooks_arrival;
ALTER TABLE webhooks DROP COLUMN arrival;
