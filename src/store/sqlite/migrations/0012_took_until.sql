-- When a handoff took its last message, by Ada's clock if that is known, so that a conversation's are found by time.
ALTER TABLE handoffs ADD COLUMN took_until BIGINT;
UPDATE handoffs SET took_until = COALESCE(json_extract(doc, '$.status.ada.at'), ended_at)
    WHERE status = 'ended' AND json_extract(doc, '$.status.ada.ada_end') <> 'unsettled';

-- A handoff knows whether an earlier one has shown that Ada has such a conversation.
UPDATE handoffs SET doc = json_set(doc, '$.is_heard_of', json('true')) WHERE EXISTS (
    SELECT 1 FROM handoffs AS earlier WHERE earlier.ai_agent = handoffs.ai_agent
        AND earlier.conversation = handoffs.conversation AND earlier.position < handoffs.position
        AND (json_extract(earlier.doc, '$.ledger.taken') > 0 OR json_extract(earlier.doc, '$.ledger.sent') > 0
            OR json_extract(earlier.doc, '$.status.ada.ada_end') = 'told'));
