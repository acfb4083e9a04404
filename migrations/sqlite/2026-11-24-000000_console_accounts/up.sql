-- Accounts of the console: whoever has a password may log in. Presence is what they chose, and since when.
ALTER TABLE agents ADD COLUMN password_hash TEXT;
ALTER TABLE agents ADD COLUMN presence TEXT NOT NULL DEFAULT 'away';
ALTER TABLE agents ADD COLUMN presence_since TIMESTAMP;

-- Who is logged in, and where. The token itself is in the browser's cookie alone.
CREATE TABLE console_sessions (
    id TEXT PRIMARY KEY NOT NULL,
    agent_id TEXT NOT NULL REFERENCES agents (id),
    token_hash TEXT NOT NULL UNIQUE,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    seen_at TIMESTAMP NOT NULL,
    revoked_at TIMESTAMP
);
CREATE INDEX console_sessions_agent ON console_sessions (agent_id);
