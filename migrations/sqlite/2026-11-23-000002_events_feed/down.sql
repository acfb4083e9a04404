DROP TABLE event_feed;
DROP INDEX events_call;
DROP INDEX events_unpublished;
DROP INDEX events_position;
ALTER TABLE events DROP COLUMN position;
CREATE INDEX events_call ON events (call_id, id);
