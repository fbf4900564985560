//! Who is signed in.

use super::{
    connection::Connection,
    query::{Statement, Value, first, run, time, values},
};
use crate::{
    relay::time::Time,
    store::{
        StoreError,
        sessions::{Digest, SESSIONS_PER_TOKEN, Session, SessionChange, SignInCode},
    },
};

pub async fn one(client: &Connection, id: &Digest) -> Result<Option<Session>, StoreError> {
    let sql = "SELECT token, created_at, used_at FROM sessions WHERE id = $1";
    let Some(row) = first(client, sql, values![id.as_str()]).await? else { return Ok(None) };
    let (created_at, used_at): (Time, Time) = (time(&row, 1)?, time(&row, 2)?);
    Ok(Some(Session { id: id.clone(), token: Digest(row.try_get(0)?), created_at, used_at }))
}

/// See [`Store::put_code`](crate::store::Store::put_code).
pub async fn put_code(client: &Connection, code: &SignInCode) -> Result<(), StoreError> {
    let sql = "INSERT INTO sign_in_codes (id, token, made_at) VALUES ($1, $2, $3)";
    run(client, sql, values![code.id.as_str(), code.token.as_str(), code.made_at]).await.map(drop)
}

/// See [`Store::take_code`](crate::store::Store::take_code).
pub async fn take_code(client: &Connection, id: &Digest) -> Result<Option<SignInCode>, StoreError> {
    let sql = "DELETE FROM sign_in_codes WHERE id = $1 RETURNING token, made_at";
    let Some(row) = first(client, sql, values![id.as_str()]).await? else { return Ok(None) };
    Ok(Some(SignInCode { id: id.clone(), token: Digest(row.try_get(0)?), made_at: time(&row, 1)? }))
}

/// The statements of a change.
pub fn change(change: SessionChange) -> Vec<Statement> {
    match change {
        SessionChange::Begin(session) => begin(&session),
        SessionChange::Used(id, at) => {
            let sql = "UPDATE sessions SET used_at = GREATEST(used_at, $1) WHERE id = $2";
            vec![Statement::new(sql, values![at, id.as_str()])]
        }
        SessionChange::End(id) => {
            vec![Statement::new("DELETE FROM sessions WHERE id = $1", values![id.as_str()])]
        }
        SessionChange::KeepOf(tokens) => {
            let tokens = Value::keys(tokens.iter().map(Digest::as_str));
            vec![Statement::new("DELETE FROM sessions WHERE token <> ALL($1)", vec![tokens])]
        }
    }
}

fn begin(session: &Session) -> Vec<Statement> {
    let (id, token) = (session.id.as_str(), session.token.as_str());
    let put = "INSERT INTO sessions (id, token, created_at, used_at) VALUES ($1, $2, $3, $4)";
    let too_many = "DELETE FROM sessions WHERE token = $1 AND id <> $2 AND id NOT IN \
                    (SELECT id FROM sessions WHERE token = $1 AND id <> $2 ORDER BY used_at DESC, id LIMIT $3)";
    vec![
        Statement::new(put, values![id, token, session.created_at, session.used_at]),
        Statement::new(too_many, values![token, id, SESSIONS_PER_TOKEN - 1]),
    ]
}
