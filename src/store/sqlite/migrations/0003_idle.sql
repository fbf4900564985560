-- Since when a handoff has been idle, where a timeout may count from it. For those that are open already it counts
-- from now on: since when they have been is not known.

ALTER TABLE handoffs ADD COLUMN idle_since BIGINT;
UPDATE handoffs SET idle_since = CAST(strftime('%s', 'now') AS INTEGER) * 1000000 WHERE status <> 'ended';
UPDATE handoffs SET doc = json_set(doc, '$.idle', json_object('since', idle_since, 'asks_ada', json('false')))
    WHERE idle_since IS NOT NULL;
CREATE INDEX handoffs_by_idle ON handoffs (status, idle_since, position) WHERE idle_since IS NOT NULL;
