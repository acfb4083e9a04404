ALTER TABLE transfers DROP COLUMN recall;
ALTER TABLE transfers DROP COLUMN completing;
ALTER TABLE transfers DROP COLUMN taken;
ALTER TABLE transfers DROP COLUMN require_accept;
ALTER TABLE transfers DROP COLUMN ring;

ALTER TABLE calls ADD COLUMN move_sent BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE calls SET move_sent = TRUE
WHERE id IN (SELECT call_id FROM legs WHERE role = 'customer' AND sent_to <> 'start');
ALTER TABLE legs DROP COLUMN muted;
ALTER TABLE legs DROP COLUMN on_hold;
ALTER TABLE legs DROP COLUMN sent_to;
ALTER TABLE legs DROP COLUMN transfer_id;

ALTER TABLE calls DROP COLUMN next_in;
ALTER TABLE calls DROP COLUMN agent_caller_id;
