-- Chat contacts in Amazon Connect, one for a handoff at most.
CREATE TABLE contacts (
    handoff TEXT NOT NULL PRIMARY KEY,
    -- The id that the contact began with, once it is known.
    contact TEXT,
    -- When somebody must look at it.
    due_at  INTEGER,
    doc     TEXT NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX contacts_by_id ON contacts (contact) WHERE contact IS NOT NULL;
CREATE INDEX contacts_due ON contacts (due_at) WHERE due_at IS NOT NULL;

-- Conversations whose start was refused: their messages adopt nothing until then.
CREATE TABLE refused_starts (
    ai_agent     TEXT NOT NULL,
    conversation TEXT NOT NULL,
    until        INTEGER NOT NULL,
    PRIMARY KEY (ai_agent, conversation)
) WITHOUT ROWID;
