//! Who is signed in.

use sqlx::{Row as _, SqliteConnection, SqlitePool};

use super::{count, writer::WriterState};
use crate::{
    relay::time::Time,
    store::{
        StoreError,
        sessions::{Digest, SESSIONS_PER_TOKEN, Session, SessionChange},
        signals::TouchedTopics,
    },
};

pub async fn one(pool: &SqlitePool, id: &Digest) -> Result<Option<Session>, StoreError> {
    let sql = "SELECT token, created_at, used_at FROM sessions WHERE id = $1";
    let Some(row) = sqlx::query(sql).bind(id.as_str()).fetch_optional(pool).await? else { return Ok(None) };
    let time = |at: usize| row.try_get(at).map(Time::from_micros);
    let token = Digest(row.try_get(0)?);
    Ok(Some(Session { id: id.clone(), token, created_at: time(1)?, used_at: time(2)? }))
}

pub async fn change(
    connection: &mut SqliteConnection,
    known: &mut WriterState,
    change: SessionChange,
) -> Result<(), StoreError> {
    known.touch(TouchedTopics::by_session(&change));
    match change {
        SessionChange::Begin(session) => begin(connection, &session).await?,
        SessionChange::Used(id, at) => {
            let sql = "UPDATE sessions SET used_at = MAX(used_at, $1) WHERE id = $2";
            let used = sqlx::query(sql).bind(at.as_micros()).bind(id.as_str());
            used.execute(&mut *connection).await?;
        }
        SessionChange::End(id) => {
            let end = sqlx::query("DELETE FROM sessions WHERE id = $1").bind(id.as_str());
            end.execute(&mut *connection).await?;
        }
        SessionChange::KeepOf(tokens) => {
            let tokens: Vec<&str> = tokens.iter().map(Digest::as_str).collect();
            let sql = "DELETE FROM sessions WHERE token NOT IN (SELECT value FROM json_each($1))";
            let keep = sqlx::query(sql).bind(serde_json::to_string(&tokens)?);
            keep.execute(&mut *connection).await?;
        }
    }
    Ok(())
}

async fn begin(connection: &mut SqliteConnection, session: &Session) -> Result<(), StoreError> {
    let sql = "INSERT INTO sessions (id, token, created_at, used_at) VALUES ($1, $2, $3, $4)";
    sqlx::query(sql)
        .bind(session.id.as_str())
        .bind(session.token.as_str())
        .bind(session.created_at.as_micros())
        .bind(session.used_at.as_micros())
        .execute(&mut *connection)
        .await?;
    let sql = "DELETE FROM sessions WHERE token = $1 AND id <> $2 AND id NOT IN \
        (SELECT id FROM sessions WHERE token = $1 AND id <> $2 ORDER BY used_at DESC, id LIMIT $3)";
    let others = sqlx::query(sql).bind(session.token.as_str()).bind(session.id.as_str());
    others.bind(count(SESSIONS_PER_TOKEN - 1)).execute(&mut *connection).await?;
    Ok(())
}
