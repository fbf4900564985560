-- The team whose agents are to answer, and the route by which a handoff came to it.
ALTER TABLE handoffs ADD COLUMN team TEXT;
ALTER TABLE handoffs ADD COLUMN route TEXT;
CREATE INDEX handoffs_of_team ON handoffs (team, status, position) WHERE team IS NOT NULL;

-- What agents have decided about a team.
CREATE TABLE teams (
    name TEXT NOT NULL PRIMARY KEY,
    doc  TEXT NOT NULL
);
