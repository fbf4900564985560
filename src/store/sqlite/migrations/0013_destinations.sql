-- A delivery names its destination: each has a budget and places of its own, for each AI Agent.
ALTER TABLE outbox ADD COLUMN destination TEXT NOT NULL DEFAULT '';
UPDATE outbox SET destination = CASE WHEN lane = 'files' THEN 'files'
        WHEN lane LIKE 'ada_reads %' THEN 'reads ' || ai_agent ELSE 'writes ' || ai_agent END,
    queue = CASE queue WHEN 'again' THEN 'retries' WHEN 'strangers' THEN 'strangers'
        WHEN 'unreadable' THEN 'unreadable' ELSE 'fresh' END;
DROP INDEX outbox_by_ready;
CREATE INDEX outbox_by_ready ON outbox (destination, queue, ready_at, position) WHERE is_next = 1;
