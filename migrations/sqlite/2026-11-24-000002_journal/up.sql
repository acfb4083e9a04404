-- What Twilio was answered: the status, the document as sent (none if the answer is empty), and how long it took. Where the
-- answer is known only after what was sent is kept, these are filled in beside. A callback's answer waits for its own row,
-- so that there is no time of it.
ALTER TABLE webhooks ADD COLUMN answer_status INTEGER;
ALTER TABLE webhooks ADD COLUMN answer TEXT;
ALTER TABLE webhooks ADD COLUMN answered_ms INTEGER;

-- What Twilio was asked over REST, one row for each attempt, and what it answered. No secret is in it: a path begins below
-- the account, and who asks stands in a header, which is not kept.
CREATE TABLE twilio_requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    call_id TEXT NOT NULL,
    command_id TEXT,
    sent_at TIMESTAMP NOT NULL,
    duration_ms INTEGER NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    form TEXT,
    status INTEGER,
    body TEXT,
    error TEXT
);
CREATE INDEX twilio_requests_call ON twilio_requests (call_id, id);

-- Whose calls? Ids of calls are in the order of their making.
CREATE INDEX legs_address ON legs (address, call_id);
