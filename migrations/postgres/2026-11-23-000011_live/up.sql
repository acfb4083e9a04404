-- Before dialling: which live calls are there, whose are they, and who is on the phone? Few at any time, of however many calls.
CREATE INDEX calls_live ON calls (agent) WHERE ended_at IS NULL;
CREATE INDEX legs_live ON legs (address) WHERE ended_at IS NULL AND status <> 'unplaced';
