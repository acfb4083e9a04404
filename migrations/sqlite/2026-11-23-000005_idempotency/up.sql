-- What was answered to requests that bore an Idempotency-Key. A row without a status is being worked on.
CREATE TABLE idempotency_keys (
    api_key_id TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    claim TEXT NOT NULL,
    claimed_until TIMESTAMP NOT NULL,
    status INTEGER,
    headers TEXT,
    body TEXT,
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (api_key_id, key)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
CREATE UNIQUE INDEX idempotency_keys_claim ON idempotency_keys (claim);

-- The answer is kept there now, for every request and not only for new calls.
DROP INDEX call_requests_idempotency;
ALTER TABLE call_requests DROP COLUMN idempotency_key;
ALTER TABLE call_requests DROP COLUMN request_hash;
