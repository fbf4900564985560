-- When a message's time is over. Those that are queued already learn it as soon as that is looked at.

ALTER TABLE outbox ADD COLUMN expires_at BIGINT;
UPDATE outbox SET expires_at = 0 WHERE json_extract(doc, '$.task.task') = 'send';
CREATE INDEX outbox_by_expiry ON outbox (expires_at) WHERE expires_at IS NOT NULL;
