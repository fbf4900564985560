-- The oldest schema whose relays may still use this file, and the name of the oldest such relay. A migration that an older
-- relay can't live with raises both; one that adds what has a default leaves them.
CREATE TABLE compatibility (
    minimum BIGINT NOT NULL,
    relay   TEXT NOT NULL
);
INSERT INTO compatibility (minimum, relay) VALUES (14, '0.1.0');

-- Whether what is stored of the conversation can't be read, so that its events wait.
ALTER TABLE buffers ADD COLUMN is_apart BIGINT NOT NULL DEFAULT 0;
CREATE INDEX buffers_apart ON buffers (is_apart) WHERE is_apart = 1;
