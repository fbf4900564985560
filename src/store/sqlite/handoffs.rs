//! A handoff is stored in two parts: what a message changes, and apart from that what the start call said. That may be
//! large, and is written only when it changes.

use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::query::{Query, doc};
use crate::{
    relay::{handoff::Handoff, id::TeamName, time::Time},
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
    context: Map<String, Value>,
}

impl Document for Context {}

/// A handoff, of its [`documents!`].
pub fn handoff(row: &Row<'_>) -> Result<Handoff, StoreError> {
    let handoff: Handoff = doc(row)?;
    let no_text = |_| StoreError::Unreadable("a context is no text".to_owned());
    let Some(context) = row.get_ref(1)?.as_str_or_null().map_err(no_text)? else { return Ok(handoff) };
    let Context { context } = document::read(context)?;
    Ok(Handoff { context, ..handoff })
}

/// What a handoff that was written is.
pub struct Put {
    pub is_new: bool,
    /// Of its documents.
    pub bytes: usize,
}

/// Writes a handoff, and gives it back.
pub fn put(connection: &Connection, mut handoff: Handoff) -> Result<(Handoff, Put), StoreError> {
    let context = Context { context: std::mem::take(&mut handoff.context) };
    let put = put_parts(connection, &handoff, &context)?;
    Ok((Handoff { context: context.context, ..handoff }, put))
}

fn put_parts(connection: &Connection, handoff: &Handoff, context: &Context) -> Result<Put, StoreError> {
    let (document, context) = (document::write(handoff)?, document::write(context)?);
    let bytes = document.len() + context.len();
    let sql = "INSERT INTO contexts (handoff, doc) VALUES (?1, ?2) \
               ON CONFLICT (handoff) DO UPDATE SET doc = excluded.doc WHERE doc <> excluded.doc";
    connection.run(sql, params![handoff.id.as_str(), context])?;
    let changes = params![
        handoff.id.as_str(),
        StatusFilter::of(handoff).as_str(),
        handoff.agent(),
        document,
        handoff.end().map(|end| end.at.as_micros()),
        handoff.idle_since().map(Time::as_micros),
        handoff.took_until().map(Time::as_micros),
        handoff.team.as_ref().map(TeamName::as_str),
        handoff.route,
        handoff.end_user.id,
        handoff.missed.as_ref().map(|_| 1_i64),
    ];
    // A column that is set has its indexes written, also where it stays as it is. A message changes few of them.
    let as_a_message = "UPDATE handoffs SET doc = ?4, idle_since = ?6, took_until = ?7 \
                        WHERE id = ?1 AND status = ?2 AND agent IS ?3 AND ended_at IS ?5 AND team IS ?8 AND route IS ?9 \
                            AND end_user IS ?10 AND missed IS ?11";
    let all = "UPDATE handoffs SET status = ?2, agent = ?3, doc = ?4, ended_at = ?5, idle_since = ?6, took_until = ?7, \
                   team = ?8, route = ?9, end_user = ?10, missed = ?11 \
               WHERE id = ?1";
    if connection.run(as_a_message, changes)? > 0 || connection.run(all, changes)? > 0 {
        return Ok(Put { is_new: false, bytes });
    }
    let sql = "INSERT INTO handoffs (id, status, agent, doc, ended_at, idle_since, took_until, team, route, end_user, \
                   missed, ai_agent, conversation, platforms) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    let (ai_agent, conversation) = (handoff.key.ai_agent.as_str(), handoff.key.conversation.as_str());
    let platforms = platforms(handoff);
    let never_changes = params![ai_agent, conversation, platforms];
    connection.run(sql, &*[changes, never_changes].concat())?;
    Ok(Put { is_new: true, bytes })
}

/// The platforms that got it, for a filter.
fn platforms(handoff: &Handoff) -> String {
    handoff.platforms.keys().map(|id| format!(" {id} ")).collect()
}
