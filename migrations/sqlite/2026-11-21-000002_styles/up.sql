-- Styles of transfer: who waits where, who is on hold, and several second agents for one transfer.
ALTER TABLE calls ADD COLUMN agent_caller_id TEXT NOT NULL DEFAULT '';
ALTER TABLE calls ADD COLUMN next_in TEXT;
UPDATE calls SET agent_caller_id = caller_id;

ALTER TABLE legs ADD COLUMN transfer_id TEXT;
ALTER TABLE legs ADD COLUMN sent_to TEXT NOT NULL DEFAULT 'start';
ALTER TABLE legs ADD COLUMN on_hold BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE legs ADD COLUMN muted BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE legs SET transfer_id = (SELECT id FROM transfers WHERE transfers.leg_id = legs.id);
UPDATE legs SET sent_to = 'room'
WHERE role = 'customer' AND call_id IN (SELECT id FROM calls WHERE move_sent);
ALTER TABLE calls DROP COLUMN move_sent;

ALTER TABLE transfers ADD COLUMN ring TEXT NOT NULL DEFAULT 'in_turn';
ALTER TABLE transfers ADD COLUMN require_accept BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE transfers ADD COLUMN taken BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE transfers ADD COLUMN completing BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE transfers ADD COLUMN recall BOOLEAN NOT NULL DEFAULT FALSE;
