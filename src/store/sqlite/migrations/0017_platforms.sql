-- Which agent platforms got a handoff, as ' webhook webhook-2 ', so that lists are filtered by one.
ALTER TABLE handoffs ADD COLUMN platforms TEXT NOT NULL DEFAULT '';

-- Events for platforms are apart from a conversation's other deliveries: no decision loads them, however many wait.
ALTER TABLE outbox ADD COLUMN is_notice INTEGER NOT NULL DEFAULT 0;
DROP INDEX outbox_of_conversation;
CREATE INDEX outbox_of_conversation ON outbox (ai_agent, conversation, position) WHERE is_notice = 0;

-- What is known of a platform beyond the settings.
CREATE TABLE platforms (
    id  TEXT NOT NULL PRIMARY KEY,
    doc TEXT NOT NULL
);

-- An older relay would not know what to do with an event for a platform, and load all of them.
UPDATE compatibility SET minimum = 17, relay = '0.2.0';
