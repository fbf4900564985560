//! What is known of agents.

use std::collections::BTreeMap;

use super::{
    connection::Connection,
    query::{Value, all, key, run, time, values},
};
use crate::{
    relay::{duty::AgentState, time::Time},
    store::{StoreError, unsigned},
};

pub async fn all_states(client: &Connection) -> Result<Vec<AgentState>, StoreError> {
    let rows = all(client, "SELECT name, is_away, seen_at FROM agents ORDER BY name", values![]).await?;
    let state = |row| Ok(AgentState { name: key(row, 0)?, is_away: row.try_get(1)?, seen_at: time(row, 2)? });
    rows.iter().map(state).collect()
}

pub async fn loads(client: &Connection) -> Result<BTreeMap<String, u64>, StoreError> {
    let sql =
        "SELECT agent, count(*) FROM handoffs WHERE status = 'active' AND agent IS NOT NULL GROUP BY agent";
    let rows = all(client, sql, values![]).await?;
    rows.iter().map(|row| Ok((key(row, 0)?, unsigned(row.try_get(1)?)))).collect()
}

pub async fn seen(client: &Connection, name: &str, at: Time) -> Result<(), StoreError> {
    let sql = "INSERT INTO agents (name, is_away, seen_at) VALUES ($1, FALSE, $2) \
               ON CONFLICT (name) DO UPDATE SET seen_at = greatest(agents.seen_at, excluded.seen_at)";
    run(client, sql, values![Value::key(name), at]).await.map(drop)
}

pub async fn set_away(client: &Connection, name: &str, is_away: bool, at: Time) -> Result<(), StoreError> {
    let sql = "INSERT INTO agents (name, is_away, seen_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE \
               SET is_away = excluded.is_away, seen_at = greatest(agents.seen_at, excluded.seen_at)";
    run(client, sql, values![Value::key(name), Value::Flag(is_away), at]).await.map(drop)
}
