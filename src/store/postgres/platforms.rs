//! What is known of agent platforms.

use super::{
    connection::Connection,
    query::{Value, all, doc, run, values},
};
use crate::store::{StoreError, document, or_note, platforms::PlatformState};

pub async fn all_states(client: &Connection) -> Result<Vec<PlatformState>, StoreError> {
    let rows = all(client, "SELECT doc FROM platforms ORDER BY id", values![]).await?;
    let states = rows.iter().map(|row| or_note(doc(row, 0), "platform"));
    Ok(states.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

pub async fn put(client: &Connection, state: &PlatformState) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO platforms (id, doc) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET doc = excluded.doc";
    run(client, sql, values![Value::key(state.id.as_str()), document::write(state)?]).await.map(drop)
}
