-- Calls that wait for their turn to be dialled. Who has many takes a turn a round, like everybody else.
CREATE TABLE dial_queue (
    call_id TEXT PRIMARY KEY NOT NULL REFERENCES calls (id),
    api_key_id TEXT NOT NULL,
    round BIGINT NOT NULL
);
CREATE INDEX dial_queue_order ON dial_queue (round, call_id);
CREATE INDEX dial_queue_key ON dial_queue (api_key_id, round);

-- One row: when the account may dial again, and the round of the call that was dialled last.
CREATE TABLE pacing (
    id INTEGER PRIMARY KEY NOT NULL,
    next_at TIMESTAMP NOT NULL,
    round BIGINT NOT NULL
);
INSERT INTO pacing (id, next_at, round) VALUES (1, '2000-01-01 00:00:00', 0);

-- Why a call was never dialled: the code of the refusal, and a sentence.
ALTER TABLE calls ADD COLUMN end_code TEXT;
ALTER TABLE calls ADD COLUMN end_detail TEXT;
