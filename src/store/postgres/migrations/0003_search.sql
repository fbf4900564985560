-- What a search looks through, folded: of a handoff itself with the seq 0, and of its rows. Its index, `search_trigrams`, needs
-- the extension pg_trgm and is made apart from this.
CREATE TABLE search_texts (
    position bigint NOT NULL,
    seq      bigint NOT NULL,
    text     text NOT NULL,
    PRIMARY KEY (position, seq)
);
CREATE INDEX search_handoffs ON search_texts (position) WHERE seq = 0;

-- The change up to which everything is there, and the place before which nothing is that was there before: it is filled beside
-- other work.
CREATE TABLE search_state (
    id       integer PRIMARY KEY CHECK (id = 1),
    change   bigint NOT NULL,
    position bigint NOT NULL,
    seq      bigint NOT NULL
);
INSERT INTO search_state (id, change, position, seq)
    SELECT 1, (SELECT last FROM feed), coalesce(max(position) + 1, 0), 0 FROM handoffs;
-- Relays of the version before look through it.
ALTER TABLE contexts ALTER COLUMN search SET DEFAULT '';

-- An agent's own list.
CREATE INDEX handoffs_of_agent ON handoffs (agent, position) WHERE agent IS NOT NULL;
CREATE INDEX handoffs_of_agent_by_status ON handoffs (agent, status, position) WHERE agent IS NOT NULL;
