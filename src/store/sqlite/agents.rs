//! What is known of agents.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::query::Query;
use crate::{
    relay::{duty::AgentState, time::Time},
    store::{StoreError, unsigned},
};

pub fn all(connection: &Connection) -> Result<Vec<AgentState>, StoreError> {
    connection.all("SELECT name, is_away, seen_at FROM agents ORDER BY name", (), |row| {
        Ok(AgentState { name: row.get(0)?, is_away: row.get(1)?, seen_at: Time::from_micros(row.get(2)?) })
    })
}

pub fn loads(connection: &Connection) -> Result<BTreeMap<String, u64>, StoreError> {
    let sql =
        "SELECT agent, count(*) FROM handoffs WHERE status = 'active' AND agent IS NOT NULL GROUP BY agent";
    let loads = connection.all(sql, (), |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?;
    Ok(loads.into_iter().collect())
}

pub fn seen(connection: &Connection, name: &str, at: Time) -> Result<(), StoreError> {
    let sql = "INSERT INTO agents (name, is_away, seen_at) VALUES (?1, 0, ?2) \
               ON CONFLICT (name) DO UPDATE SET seen_at = max(seen_at, excluded.seen_at)";
    connection.run(sql, params![name, at.as_micros()]).map(drop)
}

pub fn set_away(connection: &Connection, name: &str, is_away: bool, at: Time) -> Result<(), StoreError> {
    let sql = "INSERT INTO agents (name, is_away, seen_at) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE \
               SET is_away = excluded.is_away, seen_at = max(seen_at, excluded.seen_at)";
    connection.run(sql, params![name, is_away, at.as_micros()]).map(drop)
}
