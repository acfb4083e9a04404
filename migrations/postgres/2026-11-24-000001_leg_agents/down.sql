DROP INDEX calls_ended;
ALTER TABLE legs DROP COLUMN monitor;
DROP INDEX agents_address;
DROP INDEX legs_agent;
ALTER TABLE legs DROP COLUMN agent_id;
