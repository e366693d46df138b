-- Configuration. Each row belongs to a project, and says which revision last changed it.
CREATE TABLE projects (
    name     TEXT PRIMARY KEY,
    created  INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO projects (name, created, revision) VALUES ('default', 0, 0);

-- Every change. `writes` is JSON.
CREATE TABLE revisions (
    number  INTEGER PRIMARY KEY,
    time    INTEGER NOT NULL,
    project TEXT NOT NULL REFERENCES projects (name),
    actor   TEXT NOT NULL,
    writes  TEXT NOT NULL
) STRICT;

CREATE INDEX revisions_by_project ON revisions (project, number);

-- The bytes of modules, of all projects, once each.
CREATE TABLE blobs (
    digest BLOB NOT NULL UNIQUE,
    bytes  BLOB NOT NULL
) STRICT;

-- The number that was given last, so that none is given twice.
CREATE TABLE module_names (
    project TEXT NOT NULL REFERENCES projects (name),
    name    TEXT NOT NULL,
    newest  INTEGER NOT NULL,
    PRIMARY KEY (project, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE modules (
    project    TEXT NOT NULL,
    name       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    digest     BLOB NOT NULL REFERENCES blobs (digest),
    size       INTEGER NOT NULL,
    created    INTEGER NOT NULL,
    inspection TEXT NOT NULL,
    revision   INTEGER NOT NULL,
    PRIMARY KEY (project, name, version),
    FOREIGN KEY (project, name) REFERENCES module_names (project, name)
) STRICT;

CREATE INDEX modules_by_digest ON modules (digest, project);

CREATE TABLE aliases (
    project  TEXT NOT NULL REFERENCES projects (name),
    module   TEXT NOT NULL,
    alias    TEXT NOT NULL,
    version  INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (project, module, alias)
) STRICT, WITHOUT ROWID;

CREATE TABLE destinations (
    project  TEXT NOT NULL REFERENCES projects (name),
    name     TEXT NOT NULL,
    spec     TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (project, name)
) STRICT;

CREATE TABLE secrets (
    project  TEXT NOT NULL REFERENCES projects (name),
    name     TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (project, name)
) STRICT, WITHOUT ROWID;

-- The valid values, sealed; a greater id is newer. Project, name and id are authenticated with the value.
CREATE TABLE secret_values (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    project    TEXT NOT NULL,
    name       TEXT NOT NULL,
    created    INTEGER NOT NULL,
    key_id     BLOB NOT NULL,
    nonce      BLOB NOT NULL,
    ciphertext BLOB NOT NULL,
    FOREIGN KEY (project, name) REFERENCES secrets (project, name) ON DELETE CASCADE
) STRICT;

CREATE INDEX secret_values_by_name ON secret_values (project, name, id);

CREATE TABLE routes (
    project  TEXT NOT NULL REFERENCES projects (name),
    name     TEXT NOT NULL,
    spec     TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (project, name)
) STRICT;

-- Configurations of filters by the SHA-256 of their text, for explaining and repeating what a filter did.
CREATE TABLE configurations (
    project TEXT NOT NULL REFERENCES projects (name),
    digest  BLOB NOT NULL,
    text    TEXT NOT NULL,
    PRIMARY KEY (project, digest)
) STRICT;

-- The filters of a route: what their references came to, and what `configure` returned.
CREATE TABLE attachments (
    project       TEXT NOT NULL,
    route         TEXT NOT NULL,
    position      INTEGER NOT NULL,
    active        BLOB NOT NULL,
    candidate     BLOB,
    previous      BLOB,
    configuration BLOB NOT NULL,
    prepared      BLOB NOT NULL,
    PRIMARY KEY (project, route, position),
    FOREIGN KEY (project, route) REFERENCES routes (project, name) ON DELETE CASCADE,
    FOREIGN KEY (project, configuration) REFERENCES configurations (project, digest)
) STRICT;

CREATE INDEX attachments_by_configuration ON attachments (project, configuration);

-- What routes name. Whether it is there is checked at the end of each change, because the order of its writes is free.
CREATE TABLE route_destinations (
    project     TEXT NOT NULL,
    route       TEXT NOT NULL,
    destination TEXT NOT NULL,
    PRIMARY KEY (project, route, destination),
    FOREIGN KEY (project, route) REFERENCES routes (project, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE route_secrets (
    project TEXT NOT NULL,
    route   TEXT NOT NULL,
    secret  TEXT NOT NULL,
    PRIMARY KEY (project, route, secret),
    FOREIGN KEY (project, route) REFERENCES routes (project, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
