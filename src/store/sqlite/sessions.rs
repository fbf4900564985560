//! Who is signed in.

use rusqlite::{Connection, params};

use super::{query::Query, writer::WriterState};
use crate::{
    relay::time::Time,
    store::{
        StoreError, count,
        sessions::{Digest, SESSIONS_PER_TOKEN, Session, SessionChange},
        signals::TouchedTopics,
    },
};

pub fn one(connection: &Connection, id: &Digest) -> Result<Option<Session>, StoreError> {
    let sql = "SELECT token, created_at, used_at FROM sessions WHERE id = ?1";
    connection.first(sql, [id.as_str()], |row| {
        let (created_at, used_at) = (Time::from_micros(row.get(1)?), Time::from_micros(row.get(2)?));
        Ok(Session { id: id.clone(), token: Digest(row.get(0)?), created_at, used_at })
    })
}

pub fn change(
    connection: &Connection,
    state: &mut WriterState,
    change: SessionChange,
) -> Result<(), StoreError> {
    state.touch(TouchedTopics::by_session(&change));
    match change {
        SessionChange::Begin(session) => begin(connection, &session),
        SessionChange::Used(id, at) => {
            let sql = "UPDATE sessions SET used_at = MAX(used_at, ?1) WHERE id = ?2";
            connection.run(sql, params![at.as_micros(), id.as_str()]).map(drop)
        }
        SessionChange::End(id) => {
            connection.run("DELETE FROM sessions WHERE id = ?1", [id.as_str()]).map(drop)
        }
        SessionChange::KeepOf(tokens) => {
            let tokens: Vec<&str> = tokens.iter().map(Digest::as_str).collect();
            let sql = "DELETE FROM sessions WHERE token NOT IN (SELECT value FROM json_each(?1))";
            connection.run(sql, [serde_json::to_string(&tokens)?]).map(drop)
        }
    }
}

fn begin(connection: &Connection, session: &Session) -> Result<(), StoreError> {
    let sql = "INSERT INTO sessions (id, token, created_at, used_at) VALUES (?1, ?2, ?3, ?4)";
    let (id, token) = (session.id.as_str(), session.token.as_str());
    let (created_at, used_at) = (session.created_at.as_micros(), session.used_at.as_micros());
    connection.run(sql, params![id, token, created_at, used_at])?;
    let sql = "DELETE FROM sessions WHERE token = ?1 AND id <> ?2 AND id NOT IN \
        (SELECT id FROM sessions WHERE token = ?1 AND id <> ?2 ORDER BY used_at DESC, id LIMIT ?3)";
    connection.run(sql, params![token, id, count(SESSIONS_PER_TOKEN - 1)]).map(drop)
}
