-- When what is kept for a time only began to be old.

ALTER TABLE handoffs ADD COLUMN ended_at BIGINT;
UPDATE handoffs SET ended_at = json_extract(doc, '$.status.at') WHERE status = 'ended';
CREATE INDEX handoffs_by_end ON handoffs (ended_at) WHERE ended_at IS NOT NULL;

ALTER TABLE dead_letters ADD COLUMN at BIGINT NOT NULL DEFAULT 0;
UPDATE dead_letters SET at = json_extract(doc, '$.at');
CREATE INDEX dead_letters_by_age ON dead_letters (at);

CREATE INDEX idempotency_of_handoff ON idempotency (handoff);
