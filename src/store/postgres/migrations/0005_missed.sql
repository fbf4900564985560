-- Whose handoff it is, by Ada's id of the end user, and whether it ran out before they had an answer.
ALTER TABLE handoffs ADD COLUMN end_user text COLLATE "C", ADD COLUMN missed bigint;
-- An id with an escaped character is left for the next change of its handoff.
UPDATE handoffs SET end_user = substring(doc FROM '"end_user":\{"id":"([^"\\]{1,200})"');
CREATE INDEX handoffs_by_end_user ON handoffs (end_user, position) WHERE end_user IS NOT NULL;
CREATE INDEX handoffs_missed ON handoffs (missed, position) WHERE missed IS NOT NULL;
