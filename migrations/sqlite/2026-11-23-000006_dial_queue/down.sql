ALTER TABLE calls DROP COLUMN end_detail;
DROP TABLE pacing;
DROP TABLE dial_queue;
