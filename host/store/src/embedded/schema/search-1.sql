-- The texts of events, to be searched. All of it can be made again from events.db.
--
-- The texts themselves are not kept, only where their words are. Words are taken apart at everything that is no letter
-- and no digit: who searches an identifier searches its parts one after the other, and finds it whole or by a part of it.
CREATE VIRTUAL TABLE texts USING fts5 (
    project, route, path, labels, body,
    content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
);

-- As much of a transaction as fits is written at once.
INSERT INTO texts (texts, rank) VALUES ('hashsize', 8388608);

-- Events that have a text. `place` is the text's rowid: the first 63 bits of the event's id, or the next place that is free,
-- so that texts are in the order of ids. `number` is the event's in events.db, `route` is of the table below.
CREATE TABLE entries (
    place  INTEGER PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    route  INTEGER NOT NULL,
    id     BLOB NOT NULL
) STRICT;

CREATE INDEX entries_by_route ON entries (route);

-- Routes whose events are searched. `older` is the id below which events are still to be looked at that were there before
-- the route was, none if there are no more; `waiting` says how many these are, about. `leaving` is 1 if it is a route no
-- longer, and its entries are removed.
CREATE TABLE routes (
    number  INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    route   TEXT NOT NULL,
    older   BLOB,
    waiting INTEGER NOT NULL,
    leaving INTEGER NOT NULL,
    UNIQUE (project, route)
) STRICT;

-- The number of the newest event that was looked at.
CREATE TABLE state (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    looked INTEGER NOT NULL
) STRICT;

INSERT INTO state (one, looked) VALUES (1, 0);
