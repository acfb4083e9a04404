DROP INDEX legs_address;
DROP TABLE twilio_requests;
ALTER TABLE webhooks DROP COLUMN answered_ms;
ALTER TABLE webhooks DROP COLUMN answer;
ALTER TABLE webhooks DROP COLUMN answer_status;
