-- A message changes its handoff, and never what the start call said: that is apart, and written only when it changes.
CREATE TABLE contexts (
    handoff TEXT NOT NULL PRIMARY KEY,
    search  TEXT NOT NULL,
    doc     TEXT NOT NULL
);
INSERT INTO contexts (handoff, search, doc)
    SELECT id, search, json_object('v', 1, 'context', json(COALESCE(json_extract(doc, '$.context'), '{}'))) FROM handoffs
    WHERE json_valid(doc);
UPDATE handoffs SET doc = json_remove(doc, '$.context') WHERE json_valid(doc);
ALTER TABLE handoffs DROP COLUMN search;

-- What a row is found by when it comes again: Ada's ids of it, and what it says. One b-tree in place of three.
CREATE TABLE row_marks (
    handoff TEXT NOT NULL,
    mark    TEXT NOT NULL,
    row_id  TEXT NOT NULL,
    PRIMARY KEY (handoff, mark, row_id)
) WITHOUT ROWID;
INSERT INTO row_marks (handoff, mark, row_id) SELECT handoff, 'id ' || ada_id, row_id FROM row_ids;
INSERT INTO row_marks (handoff, mark, row_id) SELECT handoff, 'like ' || fingerprint, id FROM thread_rows;
DROP TABLE row_ids;
DROP INDEX thread_rows_alike;
DROP INDEX thread_rows_unread;

-- Health asks for these.
CREATE INDEX outbox_unreadable ON outbox (queue) WHERE queue = 'unreadable';
UPDATE compatibility SET minimum = 16, relay = '0.2.0';
