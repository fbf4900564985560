-- Who is signed in with a browser. Of the cookie's secret and of the agent's token there are digests alone.

CREATE TABLE sessions (
    id         TEXT NOT NULL PRIMARY KEY,
    token      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL
);
CREATE INDEX sessions_of_token ON sessions (token, used_at);
