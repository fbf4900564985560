-- A journal of what has arrived: inbox and memory of ids in one. What waits and when it is due a process knows by itself;
-- an event's document is emptied when it has left. Ids are forgotten in the order in which they came.

CREATE TABLE journal (
    seq          INTEGER PRIMARY KEY,
    svix_id      TEXT NOT NULL UNIQUE,
    at           BIGINT NOT NULL,
    ai_agent     TEXT NOT NULL,
    conversation TEXT NOT NULL,
    doc          TEXT NOT NULL
);
INSERT INTO journal (svix_id, at, ai_agent, conversation, doc)
    SELECT svix_id, at, '', '', '' FROM seen WHERE svix_id NOT IN (SELECT svix_id FROM inbox) ORDER BY at, svix_id;
INSERT INTO journal (svix_id, at, ai_agent, conversation, doc)
    SELECT svix_id, COALESCE(seen.at, sort_time), ai_agent, conversation, doc
    FROM inbox LEFT JOIN seen USING (svix_id) ORDER BY 2, svix_id;

-- Nothing before it waits: a start needn't look there.
CREATE TABLE journal_floor (
    id  INTEGER PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL
);
INSERT INTO journal_floor (id, seq)
    SELECT 1, COALESCE((SELECT min(seq) FROM journal WHERE doc <> ''), (SELECT max(seq) + 1 FROM journal), 0);

DROP TABLE inbox;
DROP TABLE seen;
DROP TABLE buffers;
DROP TABLE IF EXISTS _sqlx_migrations;
UPDATE compatibility SET minimum = 15, relay = '0.2.0';
