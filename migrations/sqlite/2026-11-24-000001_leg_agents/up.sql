-- Whose phone a leg rings, so that a call is shown to, and steered by, those who are on it; phones may change hands.
ALTER TABLE legs ADD COLUMN agent_id TEXT;
CREATE INDEX legs_agent ON legs (agent_id, call_id) WHERE agent_id IS NOT NULL;
CREATE INDEX agents_address ON agents (address);

-- What a supervisor does in the room.
ALTER TABLE legs ADD COLUMN monitor TEXT;

-- Consoles show calls that have just ended to whoever is to say what came of them.
CREATE INDEX calls_ended ON calls (ended_at) WHERE ended_at IS NOT NULL;
