-- Each table keeps its subject whole, as JSON in `doc`, beside the columns it is found by.
-- Times are microseconds since the epoch.

CREATE TABLE handoffs (
    position     INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT NOT NULL UNIQUE,
    ai_agent     TEXT NOT NULL,
    conversation TEXT NOT NULL,
    status       TEXT NOT NULL,
    agent        TEXT,
    search       TEXT NOT NULL,
    doc          TEXT NOT NULL
);
CREATE INDEX handoffs_of_conversation ON handoffs (ai_agent, conversation, position);
CREATE INDEX handoffs_by_conversation ON handoffs (conversation);
CREATE INDEX handoffs_by_status ON handoffs (status, position);

CREATE TABLE thread_rows (
    id          TEXT NOT NULL PRIMARY KEY,
    handoff     TEXT NOT NULL,
    seq         BIGINT NOT NULL,
    fingerprint TEXT NOT NULL,
    unread      BIGINT NOT NULL,
    doc         TEXT NOT NULL,
    UNIQUE (handoff, seq)
);
CREATE INDEX thread_rows_alike ON thread_rows (handoff, fingerprint);
CREATE INDEX thread_rows_unread ON thread_rows (handoff, seq) WHERE unread = 1;

-- Ada's ids of a row; one message may have several.
CREATE TABLE row_ids (
    handoff TEXT NOT NULL,
    ada_id  TEXT NOT NULL,
    row_id  TEXT NOT NULL,
    PRIMARY KEY (handoff, ada_id, row_id)
);

CREATE TABLE inbox (
    svix_id      TEXT NOT NULL PRIMARY KEY,
    ai_agent     TEXT NOT NULL,
    conversation TEXT NOT NULL,
    sort_time    BIGINT NOT NULL,
    sort_created BIGINT NOT NULL,
    sort_id      TEXT NOT NULL,
    doc          TEXT NOT NULL
);
CREATE INDEX inbox_in_order ON inbox (ai_agent, conversation, sort_time, sort_created, sort_id);

CREATE TABLE buffers (
    ai_agent     TEXT NOT NULL,
    conversation TEXT NOT NULL,
    due_at       BIGINT NOT NULL,
    doc          TEXT NOT NULL,
    PRIMARY KEY (ai_agent, conversation)
);
CREATE INDEX buffers_by_due ON buffers (due_at);

-- svix-ids that were handled.
CREATE TABLE seen (
    svix_id TEXT NOT NULL PRIMARY KEY,
    at      BIGINT NOT NULL
);
CREATE INDEX seen_by_age ON seen (at);

CREATE TABLE outbox (
    position     INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT NOT NULL UNIQUE,
    handoff      TEXT NOT NULL,
    lane         TEXT NOT NULL,
    ai_agent     TEXT NOT NULL,
    conversation TEXT NOT NULL,
    due_at       BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    doc          TEXT NOT NULL
);
CREATE INDEX outbox_lanes ON outbox (handoff, lane, position);
CREATE INDEX outbox_by_due ON outbox (due_at);
CREATE INDEX outbox_of_conversation ON outbox (ai_agent, conversation, position);

-- What agents were shown, for streams that catch up.
CREATE TABLE changes (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    handoff TEXT NOT NULL,
    row_id  TEXT
);

CREATE TABLE dead_letters (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT NOT NULL UNIQUE,
    doc      TEXT NOT NULL
);

CREATE TABLE idempotency (
    agent   TEXT NOT NULL,
    handoff TEXT NOT NULL,
    key     TEXT NOT NULL,
    at      BIGINT NOT NULL,
    doc     TEXT NOT NULL,
    PRIMARY KEY (agent, handoff, key)
);
CREATE INDEX idempotency_by_age ON idempotency (at);
