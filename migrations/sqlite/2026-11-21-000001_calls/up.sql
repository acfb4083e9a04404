-- One conversation, and the state its flow is in.
CREATE TABLE calls (
    id TEXT PRIMARY KEY NOT NULL,
    stage TEXT NOT NULL,
    status TEXT NOT NULL,
    bridge TEXT NOT NULL,
    caller_id TEXT NOT NULL,
    room TEXT NOT NULL UNIQUE,
    conference_sid TEXT,
    ring_timeout_secs INTEGER NOT NULL,
    time_limit_secs INTEGER NOT NULL,
    holder TEXT NOT NULL,
    move_sent BOOLEAN NOT NULL,
    dial_ended BOOLEAN NOT NULL,
    pending_words TEXT,
    ended_by TEXT,
    ended_by_certain BOOLEAN NOT NULL,
    end_reason TEXT,
    created_at TIMESTAMP NOT NULL,
    connected_at TIMESTAMP,
    ended_at TIMESTAMP
);
CREATE INDEX calls_created ON calls (created_at, id);
CREATE INDEX calls_status ON calls (status, created_at);

-- What the CRM said of a call when it asked for it; the flow never reads it.
CREATE TABLE call_requests (
    call_id TEXT PRIMARY KEY NOT NULL REFERENCES calls (id),
    api_key_id TEXT NOT NULL,
    external_id TEXT,
    metadata TEXT,
    idempotency_key TEXT,
    request_hash TEXT NOT NULL
);
CREATE UNIQUE INDEX call_requests_idempotency ON call_requests (api_key_id, idempotency_key);
CREATE INDEX call_requests_external ON call_requests (external_id);

-- Each Twilio call once.
CREATE TABLE legs (
    id TEXT PRIMARY KEY NOT NULL,
    call_id TEXT NOT NULL REFERENCES calls (id),
    position INTEGER NOT NULL,
    role TEXT NOT NULL,
    address TEXT NOT NULL,
    name TEXT NOT NULL,
    call_sid TEXT UNIQUE,
    parent_call_sid TEXT,
    status TEXT NOT NULL,
    sequence BIGINT,
    failure TEXT,
    in_room BOOLEAN NOT NULL,
    room_sequence BIGINT,
    ends_room BOOLEAN NOT NULL,
    gone BOOLEAN NOT NULL,
    end_wanted BOOLEAN NOT NULL,
    answered_at TIMESTAMP,
    ended_at TIMESTAMP
);
CREATE INDEX legs_call ON legs (call_id, position);

CREATE TABLE transfers (
    id TEXT PRIMARY KEY NOT NULL,
    call_id TEXT NOT NULL REFERENCES calls (id),
    position INTEGER NOT NULL,
    leg_id TEXT NOT NULL REFERENCES legs (id),
    style TEXT NOT NULL,
    briefing TEXT,
    status TEXT NOT NULL,
    failure TEXT,
    failure_detail TEXT,
    caller_id TEXT NOT NULL,
    ring_timeout_secs INTEGER NOT NULL,
    requested_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP
);
CREATE INDEX transfers_call ON transfers (call_id, position);

-- The timeline of each call, for people and programs.
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    call_id TEXT NOT NULL REFERENCES calls (id),
    at TIMESTAMP NOT NULL,
    kind TEXT NOT NULL,
    leg_id TEXT,
    detail TEXT NOT NULL
);
CREATE INDEX events_call ON events (call_id, id);

-- What Twilio sent, as it sent it.
CREATE TABLE webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    received_at TIMESTAMP NOT NULL,
    call_id TEXT,
    method TEXT NOT NULL,
    path_and_query TEXT NOT NULL,
    form TEXT NOT NULL,
    idempotency_token TEXT
);
CREATE INDEX webhooks_call ON webhooks (call_id, id);

-- What Twilio is to be asked, and what came of it. A row is claimed before it is carried out.
CREATE TABLE commands (
    id TEXT PRIMARY KEY NOT NULL,
    call_id TEXT NOT NULL REFERENCES calls (id),
    leg_id TEXT,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    uncertain BOOLEAN NOT NULL,
    claimed_by TEXT,
    due_at TIMESTAMP NOT NULL,
    outcome TEXT,
    created_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP
);
CREATE INDEX commands_open ON commands (due_at) WHERE finished_at IS NULL;
CREATE INDEX commands_call ON commands (call_id, id);

-- When a call's flow is to be woken. Firing one deletes it in the transaction that takes the step.
CREATE TABLE timers (
    id TEXT PRIMARY KEY NOT NULL,
    call_id TEXT NOT NULL REFERENCES calls (id),
    timer TEXT NOT NULL,
    due_at TIMESTAMP NOT NULL
);
CREATE INDEX timers_due ON timers (due_at);
