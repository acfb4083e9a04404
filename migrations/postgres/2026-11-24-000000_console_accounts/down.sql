DROP TABLE console_sessions;
ALTER TABLE agents DROP COLUMN presence_since;
ALTER TABLE agents DROP COLUMN presence;
ALTER TABLE agents DROP COLUMN password_hash;
