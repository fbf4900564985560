-- Whose handoff it is, by Ada's id of the end user, and whether it ran out before they had an answer.
ALTER TABLE handoffs ADD COLUMN end_user TEXT;
ALTER TABLE handoffs ADD COLUMN missed INTEGER;
UPDATE handoffs SET end_user = json_extract(doc, '$.end_user.id') WHERE json_valid(doc);
CREATE INDEX handoffs_by_end_user ON handoffs (end_user, position) WHERE end_user IS NOT NULL;
CREATE INDEX handoffs_missed ON handoffs (missed, position) WHERE missed IS NOT NULL;

-- Those that ran out before this was recorded, and what was said then.
UPDATE handoffs SET missed = 1, doc = json_set(doc, '$.missed', json_object('at', ended_at, 'told', json((
        SELECT json_object('row', id, 'text', json_extract(doc, '$.content.body'),
            'in_vain', json(CASE WHEN json_extract(doc, '$.sending.state') IN ('failed', 'dropped') THEN 'true'
                ELSE 'false' END))
        FROM thread_rows WHERE handoff = handoffs.id AND json_valid(doc)
            AND json_extract(doc, '$.source') = 'relay' AND json_extract(doc, '$.content.type') = 'text'
        ORDER BY seq DESC LIMIT 1))))
    WHERE status = 'ended' AND agent IS NULL AND json_valid(doc) AND EXISTS (
        SELECT 1 FROM thread_rows WHERE handoff = handoffs.id AND json_valid(doc)
            AND json_extract(doc, '$.content.event') = 'timed_out');
