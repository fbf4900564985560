-- Of each lane the next deliveries are marked: what is due is found without looking at what waits behind it. A lane's
-- name says whose it is: a handoff's, or with files its conversation's.

ALTER TABLE outbox ADD COLUMN holder TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN is_next INTEGER NOT NULL DEFAULT 0;

UPDATE outbox SET is_next = 1 WHERE lane NOT LIKE 'file %' AND NOT EXISTS (SELECT 1 FROM outbox AS earlier
    WHERE earlier.handoff = outbox.handoff AND earlier.lane = outbox.lane AND earlier.position < outbox.position);
UPDATE outbox SET is_next = 1 WHERE position IN (SELECT position FROM (SELECT position,
    ROW_NUMBER() OVER (PARTITION BY ai_agent, conversation ORDER BY due_at, position) AS place
    FROM outbox WHERE lane LIKE 'file %') WHERE place <= 4);
UPDATE outbox SET leased_until = 0, ready_at = due_at,
    lane = CASE WHEN lane LIKE 'file %' THEN 'files' ELSE lane || ' ' || handoff END;

DROP INDEX outbox_lanes;
DROP INDEX outbox_by_ready;
CREATE INDEX outbox_by_ready ON outbox (queue, ready_at, position) WHERE is_next = 1;
CREATE INDEX outbox_lanes ON outbox (ai_agent, conversation, lane, position);
CREATE INDEX outbox_files ON outbox (ai_agent, conversation, holder = '', ready_at, position) WHERE lane = 'files';
CREATE INDEX outbox_next_files ON outbox (ai_agent, conversation) WHERE lane = 'files' AND is_next = 1;
CREATE INDEX outbox_of_handoff ON outbox (handoff);
