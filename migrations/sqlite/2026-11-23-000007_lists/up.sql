-- Whom a call is for and who makes it, where lists look for them; the legs have the same.
ALTER TABLE calls ADD COLUMN agent TEXT NOT NULL DEFAULT '';
ALTER TABLE calls ADD COLUMN customer TEXT NOT NULL DEFAULT '';
UPDATE calls SET
    agent = COALESCE((SELECT address FROM legs WHERE call_id = calls.id AND role = 'first_agent'), ''),
    customer = COALESCE((SELECT address FROM legs WHERE call_id = calls.id AND role = 'customer'), '');
DROP INDEX calls_status;
CREATE INDEX calls_status ON calls (status, created_at, id);
CREATE INDEX calls_agent ON calls (agent, created_at, id);
CREATE INDEX calls_customer ON calls (customer, created_at, id);

-- The CRM's id again, if it asked that none of its calls have the same.
ALTER TABLE call_requests ADD COLUMN unique_external_id TEXT;
CREATE UNIQUE INDEX call_requests_unique_external ON call_requests (api_key_id, unique_external_id);

-- What came of a conversation, in the words of whoever had it.
CREATE TABLE outcomes (
    call_id TEXT PRIMARY KEY NOT NULL REFERENCES calls (id),
    disposition TEXT NOT NULL,
    notes TEXT,
    set_by TEXT NOT NULL,
    set_at TIMESTAMP NOT NULL
);
