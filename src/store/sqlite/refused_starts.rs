//! Conversations whose start was refused: for an hour their messages adopt nothing.

use rusqlite::{Connection, params};

use super::query::Query;
use crate::{
    relay::{id::ConversationKey, time::Time},
    store::StoreError,
};

pub fn until(connection: &Connection, key: &ConversationKey) -> Result<Option<Time>, StoreError> {
    let sql = "SELECT until FROM refused_starts WHERE ai_agent = ?1 AND conversation = ?2";
    let key = [key.ai_agent.as_str(), key.conversation.as_str()];
    connection.first(sql, key, |row| Ok(Time::from_micros(row.get(0)?)))
}

pub fn put(connection: &Connection, key: &ConversationKey, until: Option<Time>) -> Result<(), StoreError> {
    let (ai_agent, conversation) = (key.ai_agent.as_str(), key.conversation.as_str());
    let done = match until {
        Some(until) => connection.run(
            "INSERT OR REPLACE INTO refused_starts (ai_agent, conversation, until) VALUES (?1, ?2, ?3)",
            params![ai_agent, conversation, until.as_micros()],
        ),
        None => connection.run(
            "DELETE FROM refused_starts WHERE ai_agent = ?1 AND conversation = ?2",
            params![ai_agent, conversation],
        ),
    };
    done.map(drop)
}

pub fn purge(connection: &Connection, now: Time) -> Result<(), StoreError> {
    connection.run("DELETE FROM refused_starts WHERE until <= ?1", [now.as_micros()]).map(drop)
}
