ALTER TABLE calls DROP COLUMN end_detail;
ALTER TABLE calls DROP COLUMN end_code;
DROP TABLE pacing;
DROP TABLE dial_queue;
