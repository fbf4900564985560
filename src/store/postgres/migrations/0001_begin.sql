-- Each table keeps its subject whole, as JSON in `doc`, beside the columns it is found by. Documents are text: they may hold
-- characters that PostgreSQL's own JSON refuses. Times are microseconds since the epoch.

CREATE TABLE handoffs (
    position     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           text COLLATE "C" NOT NULL UNIQUE,
    ai_agent     text COLLATE "C" NOT NULL,
    conversation text COLLATE "C" NOT NULL,
    status       text COLLATE "C" NOT NULL,
    agent        text COLLATE "C",
    -- The agent platforms that got it, as ' webhook webhook-2 '.
    platforms    text NOT NULL,
    ended_at     bigint,
    -- Since when a timeout counts.
    idle_since   bigint,
    -- When it took its last message, by Ada's clock if that is known.
    took_until   bigint,
    last_seq     bigint NOT NULL,
    doc          text NOT NULL
);
CREATE INDEX handoffs_of_conversation ON handoffs (ai_agent, conversation, position);
CREATE INDEX handoffs_by_conversation ON handoffs (conversation);
CREATE INDEX handoffs_by_status ON handoffs (status, position);
CREATE INDEX handoffs_by_end ON handoffs (ended_at, position) WHERE ended_at IS NOT NULL;
CREATE INDEX handoffs_by_idle ON handoffs (status, idle_since, position) WHERE idle_since IS NOT NULL;

-- What the start call said: no message changes it.
CREATE TABLE contexts (
    handoff text COLLATE "C" PRIMARY KEY,
    search  text NOT NULL,
    doc     text NOT NULL
);

CREATE TABLE thread_rows (
    id          text COLLATE "C" PRIMARY KEY,
    handoff     text COLLATE "C" NOT NULL,
    seq         bigint NOT NULL,
    fingerprint text COLLATE "C" NOT NULL,
    unread      boolean NOT NULL,
    is_file     boolean NOT NULL,
    doc         text NOT NULL,
    UNIQUE (handoff, seq)
);

-- What a row is found by when it comes again: Ada's ids of it, and what it says.
CREATE TABLE row_marks (
    handoff text COLLATE "C" NOT NULL,
    mark    text COLLATE "C" NOT NULL,
    row_id  text COLLATE "C" NOT NULL,
    PRIMARY KEY (handoff, mark, row_id)
);

-- What has arrived: inbox and memory of ids in one. An event waits as long as its document is there.
CREATE TABLE journal (
    seq          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    svix_id      text COLLATE "C" NOT NULL UNIQUE,
    at           bigint NOT NULL,
    ai_agent     text COLLATE "C" NOT NULL,
    conversation text COLLATE "C" NOT NULL,
    sort_time    bigint NOT NULL,
    sort_created bigint NOT NULL,
    sort_id      text COLLATE "C" NOT NULL,
    received_at  bigint NOT NULL,
    -- Whether the debounce of its conversation, in `buffers`, has taken it into account.
    counted      boolean NOT NULL,
    doc          text NOT NULL
);
CREATE INDEX journal_waiting ON journal (ai_agent, conversation) WHERE doc <> '';

-- The debounce of conversations, as far as a decision has set it. What arrives later is in the journal alone.
CREATE TABLE buffers (
    ai_agent     text COLLATE "C" NOT NULL,
    conversation text COLLATE "C" NOT NULL,
    due_at       bigint NOT NULL,
    doc          text NOT NULL,
    PRIMARY KEY (ai_agent, conversation)
);
CREATE INDEX buffers_by_due ON buffers (due_at);

CREATE TABLE outbox (
    position     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           text COLLATE "C" NOT NULL UNIQUE,
    handoff      text COLLATE "C" NOT NULL,
    lane         text COLLATE "C" NOT NULL,
    queue        text COLLATE "C" NOT NULL,
    destination  text COLLATE "C" NOT NULL,
    ai_agent     text COLLATE "C" NOT NULL,
    conversation text COLLATE "C" NOT NULL,
    is_notice    boolean NOT NULL,
    -- Whether it is among the next of its lane.
    is_next      boolean NOT NULL,
    queued_at    bigint NOT NULL,
    due_at       bigint NOT NULL,
    holder       text COLLATE "C" NOT NULL,
    leased_until bigint NOT NULL,
    ready_at     bigint NOT NULL,
    expires_at   bigint,
    doc          text NOT NULL
);
CREATE INDEX outbox_by_ready ON outbox (destination, queue, ready_at, position) WHERE is_next;
CREATE INDEX outbox_lanes ON outbox (ai_agent, conversation, lane, position);
CREATE INDEX outbox_of_handoff ON outbox (handoff);
CREATE INDEX outbox_by_expiry ON outbox (expires_at) WHERE expires_at IS NOT NULL;

-- What agents were shown, for streams that catch up. A number is given once the change is committed, so that numbers are in
-- the order of commits: `feed` has the newest.
CREATE TABLE changes (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number  bigint UNIQUE,
    -- Empty where the canned replies have changed.
    handoff text COLLATE "C" NOT NULL,
    row_id  text COLLATE "C"
);
CREATE INDEX changes_without_number ON changes (id) WHERE number IS NULL;
CREATE INDEX changes_of_handoff ON changes (handoff);
CREATE TABLE feed (
    id   integer PRIMARY KEY CHECK (id = 1),
    last bigint NOT NULL
);
-- Numbers start high, so that those of a deleted database look old to its successor.
INSERT INTO feed (id, last) VALUES (1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);

-- Which relay carries the deliveries to an AI Agent's API: one at a time, so that they don't compete for turns.
CREATE TABLE lines (
    ai_agent text COLLATE "C" PRIMARY KEY,
    holder   text COLLATE "C" NOT NULL,
    until    timestamptz NOT NULL
);

-- Calls to the APIs of AI Agents, of the last minutes.
CREATE TABLE calls (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ai_agent text COLLATE "C" NOT NULL,
    relay    text COLLATE "C" NOT NULL,
    at       timestamptz NOT NULL
);
CREATE INDEX calls_of_ai_agent ON calls (ai_agent, id);

CREATE TABLE dead_letters (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id       text COLLATE "C" NOT NULL UNIQUE,
    at       bigint NOT NULL,
    doc      text NOT NULL
);
CREATE INDEX dead_letters_by_age ON dead_letters (at, position);

CREATE TABLE idempotency (
    agent   text COLLATE "C" NOT NULL,
    handoff text COLLATE "C" NOT NULL,
    key     text COLLATE "C" NOT NULL,
    at      bigint NOT NULL,
    doc     text NOT NULL,
    PRIMARY KEY (handoff, agent, key)
);
CREATE INDEX idempotency_by_age ON idempotency (at);

CREATE TABLE sessions (
    id         text COLLATE "C" PRIMARY KEY,
    token      text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    used_at    bigint NOT NULL
);
CREATE INDEX sessions_of_token ON sessions (token, used_at);

CREATE TABLE canned_replies (
    id        text COLLATE "C" PRIMARY KEY,
    title_key text COLLATE "C" NOT NULL UNIQUE,
    doc       text NOT NULL
);

-- Files whose bytes may belong to no row, and from when on that is looked into.
CREATE TABLE file_checks (
    handoff text COLLATE "C" NOT NULL,
    row_id  text COLLATE "C" NOT NULL,
    at      bigint NOT NULL,
    PRIMARY KEY (handoff, row_id)
);
CREATE INDEX file_checks_by_age ON file_checks (at, row_id);

-- What is known of an agent platform beyond the settings.
CREATE TABLE platforms (
    id  text COLLATE "C" PRIMARY KEY,
    doc text NOT NULL
);

-- Chat contacts in Amazon Connect, one for a handoff at most.
CREATE TABLE contacts (
    handoff   text COLLATE "C" PRIMARY KEY,
    -- The id that the contact began with, once it is known.
    contact   text COLLATE "C",
    -- When somebody must look at it.
    due_at    bigint,
    is_closed boolean NOT NULL,
    doc       text NOT NULL
);
CREATE UNIQUE INDEX contacts_by_id ON contacts (contact) WHERE contact IS NOT NULL;
CREATE INDEX contacts_due ON contacts (due_at, handoff) WHERE due_at IS NOT NULL;

-- Conversations whose start was refused: their messages adopt nothing until then.
CREATE TABLE refused_starts (
    ai_agent     text COLLATE "C" NOT NULL,
    conversation text COLLATE "C" NOT NULL,
    until        bigint NOT NULL,
    PRIMARY KEY (ai_agent, conversation)
);

-- The oldest schema whose relays may still use this database, and the name of the oldest such relay. A migration that an
-- older relay can't live with raises both; one that adds what has a default leaves them.
CREATE TABLE compatibility (
    minimum bigint NOT NULL,
    relay   text NOT NULL
);
INSERT INTO compatibility (minimum, relay) VALUES (1, '0.2.0');

-- Empty after a crash, since it is not logged: so it tells whether the server has died since it was written.
CREATE UNLOGGED TABLE server_life (
    id   integer PRIMARY KEY CHECK (id = 1),
    name text NOT NULL
);
