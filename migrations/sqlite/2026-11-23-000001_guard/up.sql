-- Numbers that are not to be called; an entry that has expired counts as none.
CREATE TABLE do_not_call (
    number TEXT PRIMARY KEY NOT NULL,
    reason TEXT NOT NULL,
    added_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP
) WITHOUT ROWID;
