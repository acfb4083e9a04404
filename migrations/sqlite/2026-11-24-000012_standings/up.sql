-- How everybody of a call was and what they heard, whenever that changed: what the bars of a call's page are drawn from.
CREATE TABLE standings (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    call_id TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    people TEXT NOT NULL
);
CREATE INDEX standings_call ON standings (call_id, id);

-- What were CRMs told about a call?
CREATE INDEX webhook_deliveries_call ON webhook_deliveries (call_id, id);
