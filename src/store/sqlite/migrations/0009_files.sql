-- Files whose bytes may belong to no row, and from when on that is looked into.

CREATE TABLE file_checks (
    handoff TEXT NOT NULL,
    row_id  TEXT NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (handoff, row_id)
);
CREATE INDEX file_checks_by_age ON file_checks (at, row_id);

-- Files that came before any were fetched.
UPDATE thread_rows SET doc = json_set(doc, '$.content.bytes', json_object(
    'are', 'missing', 'why', 'gone', 'error', 'it came before the relay could fetch files; try again'))
    WHERE json_extract(doc, '$.content.type') = 'file';
