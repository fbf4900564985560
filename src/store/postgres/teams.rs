//! What is known of teams.

use super::{
    connection::Connection,
    query::{Value, all, doc, number, run, values},
};
use crate::{
    relay::id::{HandoffId, TeamName},
    store::{StoreError, document, or_note, teams::TeamState},
};

pub async fn all_states(client: &Connection) -> Result<Vec<TeamState>, StoreError> {
    let rows = all(client, "SELECT doc FROM teams ORDER BY name", values![]).await?;
    let states = rows.iter().map(|row| or_note(doc(row, 0), "team"));
    Ok(states.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

pub async fn put(client: &Connection, state: &TeamState) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO teams (name, doc) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET doc = excluded.doc";
    run(client, sql, values![Value::key(state.name.as_str()), document::write(state)?]).await.map(drop)
}

pub async fn waiting(
    client: &Connection,
    team: Option<&TeamName>,
    up_to: Option<&HandoffId>,
) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM handoffs WHERE status = 'waiting' AND team IS NOT DISTINCT FROM $1 \
               AND position <= coalesce((SELECT position FROM handoffs WHERE id = $2), 9223372036854775807)";
    let (team, up_to) = (team.map(TeamName::as_str), up_to.map(HandoffId::as_str));
    number(client, sql, values![Value::optional_key(team), Value::optional_key(up_to)]).await
}
