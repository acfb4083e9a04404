DROP TABLE outcomes;
DROP INDEX call_requests_unique_external;
ALTER TABLE call_requests DROP COLUMN unique_external_id;
DROP INDEX calls_customer;
DROP INDEX calls_agent;
DROP INDEX calls_status;
CREATE INDEX calls_status ON calls (status, created_at);
ALTER TABLE calls DROP COLUMN customer;
ALTER TABLE calls DROP COLUMN agent;
