//! Conversations whose start was refused: for an hour their messages adopt nothing.

use super::{
    connection::Connection,
    query::{Statement, first, run, time, values},
    view::columns,
};
use crate::{
    relay::{id::ConversationKey, time::Time},
    store::StoreError,
};

pub async fn until(client: &Connection, key: &ConversationKey) -> Result<Option<Time>, StoreError> {
    let sql = "SELECT until FROM refused_starts WHERE ai_agent = $1 AND conversation = $2";
    first(client, sql, columns(key)).await?.map(|row| time(&row, 0)).transpose()
}

pub fn put(key: &ConversationKey, until: Option<Time>) -> Statement {
    let mut wanted = columns(key);
    let Some(until) = until else {
        let sql = "DELETE FROM refused_starts WHERE ai_agent = $1 AND conversation = $2";
        return Statement::new(sql, wanted);
    };
    wanted.push(until.into());
    let sql = "INSERT INTO refused_starts (ai_agent, conversation, until) VALUES ($1, $2, $3) \
               ON CONFLICT (ai_agent, conversation) DO UPDATE SET until = excluded.until";
    Statement::new(sql, wanted)
}

pub async fn purge(client: &Connection, now: Time) -> Result<(), StoreError> {
    run(client, "DELETE FROM refused_starts WHERE until <= $1", values![now]).await.map(drop)
}
