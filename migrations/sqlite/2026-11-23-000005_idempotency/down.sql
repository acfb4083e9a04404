ALTER TABLE call_requests ADD COLUMN idempotency_key TEXT;
ALTER TABLE call_requests ADD COLUMN request_hash TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX call_requests_idempotency ON call_requests (api_key_id, idempotency_key);
DROP TABLE idempotency_keys;
