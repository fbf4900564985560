-- What is tried again waits apart from the rest. What has been tried already finds that out when it is again.

ALTER TABLE outbox ADD COLUMN queue TEXT NOT NULL DEFAULT '';
UPDATE outbox SET queue = CASE lane WHEN 'ada' THEN 'writes' ELSE 'reads' END;
DROP INDEX outbox_by_ready;
CREATE INDEX outbox_by_ready ON outbox (queue, ready_at, position);
