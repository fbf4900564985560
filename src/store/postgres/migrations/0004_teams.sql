-- The team whose agents are to answer, and the route by which a handoff came to it. Relays of the version before write
-- neither.
ALTER TABLE handoffs ADD COLUMN team text COLLATE "C";
ALTER TABLE handoffs ADD COLUMN route text COLLATE "C";
CREATE INDEX handoffs_of_team ON handoffs (team, status, position) WHERE team IS NOT NULL;

-- What agents have decided about a team.
CREATE TABLE teams (
    name text COLLATE "C" PRIMARY KEY,
    doc  text NOT NULL
);
