-- Numbers that are not to be called; an entry that has expired counts as none.
CREATE TABLE do_not_call (
    number TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    reason TEXT NOT NULL,
    added_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP
);

-- Before dialling: how often was this customer called, is this agent on the phone, how many calls are there?
CREATE INDEX legs_address ON legs (address, call_id);
CREATE INDEX calls_live ON calls (id) WHERE ended_at IS NULL;
