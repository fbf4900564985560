-- When a handoff took its last message, by Ada's clock if that is known, so that a conversation's are found by time.
ALTER TABLE handoffs ADD COLUMN took_until BIGINT;
UPDATE handoffs SET took_until = COALESCE(json_extract(doc, '$.status.ada.at'), ended_at)
    WHERE status = 'ended' AND json_extract(doc, '$.status.ada.ada_end') <> 'unsettled';
CREATE INDEX handoffs_by_last_message ON handoffs (ai_agent, conversation, took_until, position);
