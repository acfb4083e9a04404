-- Ids of events are given before their transactions commit, so a reader that asks for "more than the last I had" could miss
-- some. The position is given after the commit, by one publisher at a time: consecutive, and the same for every reader.
ALTER TABLE events ADD COLUMN position BIGINT;
UPDATE events SET position = numbered.number
FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM events) AS numbered
WHERE events.id = numbered.id;
CREATE UNIQUE INDEX events_position ON events (position);
CREATE INDEX events_unpublished ON events (id) WHERE position IS NULL;
DROP INDEX events_call;
CREATE INDEX events_call ON events (call_id, position);

-- One row: the last position that was given. Whoever publishes holds it.
CREATE TABLE event_feed (
    id INTEGER PRIMARY KEY NOT NULL,
    last_position BIGINT NOT NULL
);
INSERT INTO event_feed (id, last_position) SELECT 1, coalesce(max(position), 0) FROM events;
