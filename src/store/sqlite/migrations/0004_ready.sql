-- When a delivery can be tried: what is due and claimed by nobody is found without looking at all the others.

ALTER TABLE outbox ADD COLUMN ready_at BIGINT NOT NULL DEFAULT 0;
UPDATE outbox SET ready_at = MAX(due_at, leased_until);
DROP INDEX outbox_by_due;
CREATE INDEX outbox_by_ready ON outbox (lane, ready_at, position);
