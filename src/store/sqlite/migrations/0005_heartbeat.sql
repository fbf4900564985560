-- What the relay writes to find out whether it can.

CREATE TABLE heartbeat (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    at     BIGINT NOT NULL,
    filler BLOB NOT NULL
);
INSERT INTO heartbeat (id, at, filler) VALUES (1, 0, zeroblob(0));
