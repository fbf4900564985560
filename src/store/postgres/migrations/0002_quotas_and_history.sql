-- What relays have done under a quota, each time once.
CREATE TABLE places (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    at   timestamptz NOT NULL
);
CREATE INDEX places_of_name ON places (name, at);

-- Digests of the codes of sign-in links that nobody has used yet.
CREATE TABLE sign_in_codes (
    id      text COLLATE "C" PRIMARY KEY,
    token   text COLLATE "C" NOT NULL,
    made_at bigint NOT NULL
);

-- The timeline of the server, and since when it is this one. Another one begins where a standby has taken over.
CREATE TABLE history (
    id       integer PRIMARY KEY CHECK (id = 1),
    timeline text COLLATE "C" NOT NULL,
    since    bigint NOT NULL
);
