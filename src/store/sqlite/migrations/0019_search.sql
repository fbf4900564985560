-- What a search looks through, folded, by `position << 24 | seq` of its handoff and row; 0 for the handoff itself. So the index
-- gives what it finds in the order of lists.
CREATE TABLE search_texts (
    id   INTEGER PRIMARY KEY,
    text TEXT NOT NULL
);
CREATE VIRTUAL TABLE search USING fts5 (
    text, content = 'search_texts', content_rowid = 'id', columnsize = 0, detail = none,
    tokenize = 'trigram case_sensitive 1'
);
CREATE TRIGGER search_texts_new AFTER INSERT ON search_texts BEGIN
    INSERT INTO search (rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER search_texts_changed AFTER UPDATE ON search_texts BEGIN
    INSERT INTO search (search, rowid, text) VALUES ('delete', old.id, old.text);
    INSERT INTO search (rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER search_texts_gone AFTER DELETE ON search_texts BEGIN
    INSERT INTO search (search, rowid, text) VALUES ('delete', old.id, old.text);
END;

-- The change up to which everything is in the index, and the id below which nothing is that was there before: it is filled
-- beside other work.
CREATE TABLE search_state (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    change INTEGER NOT NULL,
    filled INTEGER NOT NULL
);
INSERT INTO search_state (id, change, filled)
    SELECT 1, COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0),
        COALESCE((SELECT (MAX(position) + 1) << 24 FROM handoffs), 0);
ALTER TABLE contexts DROP COLUMN search;

-- An agent's own list.
CREATE INDEX handoffs_of_agent ON handoffs (agent, position) WHERE agent IS NOT NULL;
CREATE INDEX handoffs_of_agent_by_status ON handoffs (agent, status, position) WHERE agent IS NOT NULL;
UPDATE compatibility SET minimum = 19, relay = '0.2.0';
