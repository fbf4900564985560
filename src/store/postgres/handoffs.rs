//! A handoff is stored in two parts: what a message changes, and apart from that what the start call said.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use tokio_postgres::Row;

use super::query::{Statement, Value, doc, values};
use crate::{
    relay::{handoff::Handoff, id::TeamName},
    store::{
        StatusFilter, StoreError,
        document::{self, Document},
    },
};

/// The columns of a handoff's documents.
macro_rules! documents {
    () => {
        "handoffs.doc, (SELECT contexts.doc FROM contexts WHERE contexts.handoff = handoffs.id)"
    };
}
pub(super) use documents;

/// What the start call said.
#[derive(Serialize, Deserialize)]
struct Context {
    context: Map<String, Json>,
}

impl Document for Context {}

/// A handoff, of its [`documents!`] in the first two columns.
pub fn handoff(row: &Row) -> Result<Handoff, StoreError> {
    let handoff: Handoff = doc(row, 0)?;
    let Some(context) = row.try_get::<_, Option<&str>>(1)? else { return Ok(handoff) };
    let Context { context } = document::read(context)?;
    Ok(Handoff { context, ..handoff })
}

/// Writes a handoff. Its context leaves it.
pub fn put(handoff: &mut Handoff) -> Result<[Statement; 2], StoreError> {
    let context = put_context(handoff)?;
    let sql = "INSERT INTO handoffs (id, ai_agent, conversation, status, agent, platforms, ended_at, idle_since, \
                   took_until, last_seq, doc, team, route, end_user, missed) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
               ON CONFLICT (id) DO UPDATE SET status = excluded.status, agent = excluded.agent, \
                   ended_at = excluded.ended_at, idle_since = excluded.idle_since, \
                   took_until = excluded.took_until, last_seq = excluded.last_seq, doc = excluded.doc, \
                   team = excluded.team, route = excluded.route, \
                   end_user = excluded.end_user, missed = excluded.missed";
    let platforms: String = handoff.platforms.keys().map(|id| format!(" {id} ")).collect();
    let values = values![
        Value::key(handoff.id.as_str()),
        Value::key(handoff.key.ai_agent.as_str()),
        Value::key(handoff.key.conversation.as_str()),
        StatusFilter::of(handoff).as_str(),
        Value::optional_key(handoff.agent()),
        platforms,
        handoff.end().map(|end| end.at),
        handoff.idle_since(),
        handoff.took_until(),
        handoff.last_seq,
        document::write(handoff)?,
        Value::optional_key(handoff.team.as_ref().map(TeamName::as_str)),
        Value::optional_key(handoff.route.as_deref()),
        Value::optional_key(handoff.end_user.id.as_deref()),
        Value::Number(handoff.missed.as_ref().map(|_| 1)),
    ];
    Ok([Statement::new(sql, values), context])
}

fn put_context(handoff: &mut Handoff) -> Result<Statement, StoreError> {
    let sql = "INSERT INTO contexts (handoff, doc) VALUES ($1, $2) \
               ON CONFLICT (handoff) DO UPDATE SET doc = excluded.doc WHERE contexts.doc <> excluded.doc";
    let context = document::write(&Context { context: std::mem::take(&mut handoff.context) })?;
    Ok(Statement::new(sql, values![Value::key(handoff.id.as_str()), context]))
}
