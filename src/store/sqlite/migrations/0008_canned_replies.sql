-- Texts that agents use again and again. A row of `changes` without a handoff stands for a change of theirs.

CREATE TABLE canned_replies (
    id        TEXT NOT NULL PRIMARY KEY,
    title_key TEXT NOT NULL UNIQUE,
    doc       TEXT NOT NULL
);
