-- Whose phone a leg rings, so that a call is shown to, and steered by, those who are on it; phones may change hands.
ALTER TABLE legs ADD COLUMN agent_id TEXT;
CREATE INDEX legs_agent ON legs (agent_id, call_id) WHERE agent_id IS NOT NULL;
CREATE INDEX agents_address ON agents (address);

-- What a supervisor does in the room.
ALTER TABLE legs ADD COLUMN monitor TEXT;
