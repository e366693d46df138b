-- Events. An id is ordered by the time of receipt, which it holds; a number is given once and none is left out, so that
-- the end of the journal is known. `body` says what became of the bodies: 0 there were none, 1 they are in `bodies`, 2 they
-- were removed. `in_quota` is 1 while they count against the quota of unauthenticated bodies. `size` is the bytes of
-- headers and bodies.
CREATE TABLE events (
    number        INTEGER PRIMARY KEY AUTOINCREMENT,
    id            BLOB NOT NULL,
    project       TEXT NOT NULL,
    route         TEXT NOT NULL,
    disposition   INTEGER NOT NULL,
    authenticated INTEGER NOT NULL,
    body          INTEGER NOT NULL,
    in_quota      INTEGER NOT NULL,
    size          INTEGER NOT NULL,
    ran           INTEGER
) STRICT;

CREATE UNIQUE INDEX events_by_id ON events (project, id);
CREATE INDEX events_by_route ON events (project, route, body, id);
CREATE INDEX events_unauthenticated ON events (project, route, id) WHERE authenticated = 0;
CREATE INDEX events_in_quota ON events (project) WHERE in_quota = 1;

-- What an event is beside its bodies: its record as JSON, the head of its request as it came, and that of what was made of
-- it if it differs. By the event's number, like the bodies.
CREATE TABLE contents (
    event    INTEGER PRIMARY KEY,
    record   TEXT NOT NULL,
    received BLOB NOT NULL,
    made     BLOB,
    checksum INTEGER NOT NULL
) STRICT;

-- `made` only if it differs.
CREATE TABLE bodies (
    event    INTEGER PRIMARY KEY,
    received BLOB,
    made     BLOB,
    checksum INTEGER NOT NULL
) STRICT;

CREATE TABLE labels (
    project TEXT NOT NULL,
    name    TEXT NOT NULL,
    value   TEXT NOT NULL,
    id      BLOB NOT NULL,
    PRIMARY KEY (project, name, value, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX labels_by_event ON labels (project, id);

-- The sets of modules and configurations that events and deliveries ran on, and how many of them did. `digests` is each
-- with its kind before it: 0 for a module, 1 for a configuration.
CREATE TABLE ran (
    number  INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    digests BLOB NOT NULL,
    uses    INTEGER NOT NULL,
    UNIQUE (project, digests)
) STRICT;

-- `due` is when something is to be done, the end of a lease included; none if it is decided or waits behind another one of
-- its lane. `earliest` is when it was due before it was leased, or may be when it is no longer behind. `fence` is the number
-- of the newest lease. `place` is 0 for the one of its lane that the others wait for, 1 for those, none if it is in none.
CREATE TABLE deliveries (
    number      INTEGER PRIMARY KEY,
    id          BLOB NOT NULL UNIQUE,
    event       BLOB NOT NULL,
    project     TEXT NOT NULL,
    route       TEXT NOT NULL,
    destination TEXT NOT NULL,
    target      TEXT NOT NULL,
    status      INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    due         INTEGER,
    earliest    INTEGER,
    leased      INTEGER NOT NULL,
    fence       INTEGER NOT NULL,
    lane        TEXT,
    place       INTEGER,
    replay      INTEGER NOT NULL,
    reason      TEXT
) STRICT;

CREATE INDEX deliveries_due ON deliveries (project, target, due) WHERE due IS NOT NULL;
CREATE INDEX deliveries_leased ON deliveries (leased) WHERE leased = 1;
CREATE INDEX deliveries_in_lanes ON deliveries (project, destination, lane, place) WHERE place IS NOT NULL;
CREATE INDEX deliveries_by_event ON deliveries (event, id);
CREATE INDEX deliveries_by_route ON deliveries (project, route, id);
CREATE INDEX deliveries_by_destination ON deliveries (project, destination, status, id);
CREATE INDEX deliveries_by_status ON deliveries (project, status, id);

-- JSON, by the delivery's number.
CREATE TABLE attempts (
    number   INTEGER PRIMARY KEY,
    delivery INTEGER NOT NULL,
    attempt  TEXT NOT NULL
) STRICT;

CREATE INDEX attempts_by_delivery ON attempts (delivery);

-- What a destination's filters made, by the delivery's number. `runs` is JSON.
CREATE TABLE prepared (
    delivery INTEGER PRIMARY KEY,
    head     BLOB NOT NULL,
    body     BLOB,
    runs     TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    ran      INTEGER
) STRICT;

CREATE TABLE idempotency (
    project TEXT NOT NULL,
    route   TEXT NOT NULL,
    key     TEXT NOT NULL,
    event   BLOB NOT NULL,
    until   INTEGER NOT NULL,
    PRIMARY KEY (project, route, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_by_end ON idempotency (until);

-- JSON.
CREATE TABLE conditions (
    project     TEXT NOT NULL,
    destination TEXT NOT NULL,
    condition   TEXT NOT NULL,
    PRIMARY KEY (project, destination)
) STRICT, WITHOUT ROWID;

-- What each route keeps, and the unauthenticated bodies that each project keeps: counted where they come and go.
CREATE TABLE totals (
    project TEXT NOT NULL,
    route   TEXT NOT NULL,
    events  INTEGER NOT NULL,
    bytes   INTEGER NOT NULL,
    PRIMARY KEY (project, route)
) STRICT, WITHOUT ROWID;

CREATE TABLE quotas (
    project TEXT PRIMARY KEY,
    bytes   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Events that were found to be lost and that nobody has taken note of, and how often writing was probed.
CREATE TABLE state (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    lost   INTEGER NOT NULL,
    probes INTEGER NOT NULL
) STRICT;

INSERT INTO state (one, lost, probes) VALUES (1, 0, 0);
