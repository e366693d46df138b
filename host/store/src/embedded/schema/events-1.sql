-- What filters keep. `place` is route, filter and namespace, with slashes between.
-- Kind 0 is a value, kind 1 a key that an accepted event reserved, with the event's id as its value.
CREATE TABLE kv (
    project TEXT NOT NULL,
    place   TEXT NOT NULL,
    kind    INTEGER NOT NULL,
    key     TEXT NOT NULL,
    value   BLOB NOT NULL,
    expires INTEGER,
    PRIMARY KEY (project, place, kind, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX kv_by_expiry ON kv (project, expires) WHERE expires IS NOT NULL;

-- Keys of each project, counted where they come and go.
CREATE TABLE kv_counts (
    project TEXT PRIMARY KEY,
    keys    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER kv_added AFTER INSERT ON kv BEGIN
    INSERT INTO kv_counts (project, keys) VALUES (new.project, 1)
        ON CONFLICT (project) DO UPDATE SET keys = keys + 1;
END;

CREATE TRIGGER kv_removed AFTER DELETE ON kv BEGIN
    UPDATE kv_counts SET keys = keys - 1 WHERE project = old.project;
END;
