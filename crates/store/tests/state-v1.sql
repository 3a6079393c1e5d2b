CREATE TABLE producers (
    zone BLOB NOT NULL,
    id INTEGER NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (zone, id)
) WITHOUT ROWID;
CREATE INDEX producers_by_use ON producers (used);
CREATE TABLE bindings (
    zone BLOB NOT NULL,
    consumer_group TEXT NOT NULL,
    backing TEXT NOT NULL,
    alias TEXT NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (zone, consumer_group, backing)
) WITHOUT ROWID;
INSERT INTO producers VALUES (x'01010101010101010101010101010101', 7, 10);
PRAGMA user_version = 1;
