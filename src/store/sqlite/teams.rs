//! What is known of teams.

use rusqlite::{Connection, params};

use super::query::{Query, doc};
use crate::{
    relay::id::{HandoffId, TeamName},
    store::{StoreError, document, or_note, teams::TeamState},
};

pub fn all(connection: &Connection) -> Result<Vec<TeamState>, StoreError> {
    let all = connection.all("SELECT doc FROM teams ORDER BY name", (), |row| or_note(doc(row), "team"))?;
    Ok(all.into_iter().flatten().collect())
}

pub fn put(connection: &Connection, state: &TeamState) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO teams (name, doc) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET doc = excluded.doc";
    connection.run(sql, params![state.name.as_str(), document::write(state)?]).map(drop)
}

pub fn waiting(
    connection: &Connection,
    team: Option<&TeamName>,
    up_to: Option<&HandoffId>,
) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM handoffs WHERE status = 'waiting' AND team IS ?1 \
               AND position <= coalesce((SELECT position FROM handoffs WHERE id = ?2), 9223372036854775807)";
    connection.number(sql, params![team.map(TeamName::as_str), up_to.map(HandoffId::as_str)])
}
