//! Loading what a decision needs to see.

use sqlx::{Row as _, SqliteConnection};

use super::{
    count,
    documents::{doc, docs, or_note},
    outbox, signed, unsigned,
};
use crate::{
    relay::{
        buffer::Buffer,
        changes::{INBOX_PAGE, IdempotencyScope, Idempotent, Of, Scope, UnreadableEvent, View},
        delivery::Delivery,
        event::Event,
        handoff::Handoff,
        id::{AiAgentId, ConversationId, ConversationKey, HandoffId},
        thread::Row,
    },
    store::{StoreError, handoffs_by_id, match_keys, rows_by_id, takes_from},
};

pub async fn load(connection: &mut SqliteConnection, scope: &Scope) -> Result<View, StoreError> {
    let mut view = View::new(scope);
    if let Some(svix_id) = &scope.svix_id {
        let row = sqlx::query("SELECT 1 FROM seen WHERE svix_id = $1").bind(svix_id);
        *view.seen = row.fetch_optional(&mut *connection).await?.is_some();
    }
    if let Some(id) = &scope.dead_letter {
        let row = sqlx::query("SELECT doc FROM dead_letters WHERE id = $1").bind(id);
        view.dead_letter = row.fetch_optional(&mut *connection).await?.as_ref().map(doc).transpose()?;
    }
    let Some(key) = key_of(connection, &scope.of).await? else { return Ok(view) };
    view.buffer = buffer(connection, &key).await?;
    if scope.with_inbox {
        (*view.inbox, view.unreadable) = inbox(connection, &key).await?;
    }
    if scope.with_outbox {
        *view.outbox = deliveries(connection, &key).await?;
    }
    view.handoffs = handoffs(connection, &key, scope, &view).await?;
    if let (Some(seq), Of::Handoff(id)) = (scope.unread_behind, &scope.of) {
        *view.unread_behind = unread_behind(connection, id, seq).await?;
    }
    if let Some(asked) = &scope.idempotency {
        view.idempotent = idempotent(connection, asked).await?;
    }
    view.rows = rows(connection, scope, &view).await?;
    Ok(view)
}

async fn key_of(connection: &mut SqliteConnection, of: &Of) -> Result<Option<ConversationKey>, StoreError> {
    match of {
        Of::Conversation(key) => Ok(Some(key.clone())),
        Of::Handoff(id) => {
            let row =
                sqlx::query("SELECT ai_agent, conversation FROM handoffs WHERE id = $1").bind(id.as_str());
            let Some(row) = row.fetch_optional(&mut *connection).await? else { return Ok(None) };
            let (ai_agent, conversation) = (AiAgentId(row.try_get(0)?), ConversationId(row.try_get(1)?));
            Ok(Some(ConversationKey { ai_agent, conversation }))
        }
    }
}

/// The handoffs from the last one on that took no message any more at `$3`.
macro_rules! recent {
    () => {
        "position >= COALESCE((SELECT position FROM handoffs WHERE ai_agent = $1 AND conversation = $2 \
             AND took_until < $3 ORDER BY position DESC LIMIT 1), 0)"
    };
}

const RECENT: &str = concat!(
    "SELECT doc FROM handoffs WHERE ai_agent = $1 AND conversation = $2 AND ",
    recent!(),
    " ORDER BY position"
);
/// The same, and `$4`, and those beside `$5`.
const RECENT_AND_OTHERS: &str = concat!(
    "SELECT doc FROM handoffs WHERE ai_agent = $1 AND conversation = $2 AND (",
    recent!(),
    " OR position IN (SELECT position FROM handoffs WHERE id IN (SELECT value FROM json_each($4))) \
      OR position = (SELECT before.position FROM handoffs AS asked JOIN handoffs AS before \
          ON before.ai_agent = $1 AND before.conversation = $2 AND before.position < asked.position \
          WHERE asked.id = $5 ORDER BY before.position DESC LIMIT 1) \
      OR position = (SELECT behind.position FROM handoffs AS asked JOIN handoffs AS behind \
          ON behind.ai_agent = $1 AND behind.conversation = $2 AND behind.position > asked.position \
          WHERE asked.id = $5 ORDER BY behind.position LIMIT 1) \
     ) ORDER BY position"
);

/// See [`View::handoffs`].
async fn handoffs(
    connection: &mut SqliteConnection,
    key: &ConversationKey,
    scope: &Scope,
    view: &View,
) -> Result<Vec<Handoff>, StoreError> {
    let others = handoffs_by_id(scope, view);
    let sql = if others.is_empty() { RECENT } else { RECENT_AND_OTHERS };
    let rows = sqlx::query(sql).bind(key.ai_agent.as_str()).bind(key.conversation.as_str());
    let mut rows = rows.bind(takes_from(scope, view).as_micros());
    if !others.is_empty() {
        let asked = match &scope.of {
            Of::Handoff(id) => Some(id.as_str()),
            Of::Conversation(_) => None,
        };
        rows = rows.bind(serde_json::to_string(&others)?).bind(asked);
    }
    docs(&rows.fetch_all(&mut *connection).await?)
}

async fn buffer(
    connection: &mut SqliteConnection,
    key: &ConversationKey,
) -> Result<Option<Buffer>, StoreError> {
    let sql = "SELECT doc FROM buffers WHERE ai_agent = $1 AND conversation = $2";
    let row = sqlx::query(sql).bind(key.ai_agent.as_str()).bind(key.conversation.as_str());
    row.fetch_optional(&mut *connection).await?.as_ref().map(doc).transpose()
}

/// The buffered events, and those that can't be read.
async fn inbox(
    connection: &mut SqliteConnection,
    key: &ConversationKey,
) -> Result<(Vec<Event>, Vec<UnreadableEvent>), StoreError> {
    let sql = "SELECT doc, svix_id FROM inbox WHERE ai_agent = $1 AND conversation = $2 \
               ORDER BY sort_time, sort_created, sort_id LIMIT $3";
    let rows =
        sqlx::query(sql).bind(key.ai_agent.as_str()).bind(key.conversation.as_str()).bind(count(INBOX_PAGE));
    let (mut events, mut unreadable) = (Vec::new(), Vec::new());
    for row in &rows.fetch_all(&mut *connection).await? {
        match doc(row) {
            Ok(event) => events.push(event),
            Err(StoreError::Unreadable(reason)) => {
                unreadable.push(UnreadableEvent {
                    svix_id: row.try_get(1)?,
                    stored: row.try_get(0)?,
                    reason,
                });
            }
            Err(error) => return Err(error),
        }
    }
    Ok((events, unreadable))
}

async fn deliveries(
    connection: &mut SqliteConnection,
    key: &ConversationKey,
) -> Result<Vec<Delivery>, StoreError> {
    let sql = "SELECT doc, holder, leased_until FROM outbox WHERE ai_agent = $1 AND conversation = $2 \
               ORDER BY position";
    let rows = sqlx::query(sql).bind(key.ai_agent.as_str()).bind(key.conversation.as_str());
    let rows = rows.fetch_all(&mut *connection).await?;
    // What can't be read stands still in its lane, and is nothing that a rule could change.
    Ok(rows.iter().filter_map(|row| or_note(outbox::delivery(row), "delivery")).collect())
}

async fn unread_behind(
    connection: &mut SqliteConnection,
    id: &HandoffId,
    seq: u64,
) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) FROM thread_rows WHERE handoff = $1 AND seq > $2 AND unread = 1";
    let row = sqlx::query(sql).bind(id.as_str()).bind(signed(seq));
    Ok(unsigned(row.fetch_one(&mut *connection).await?.try_get(0)?))
}

async fn idempotent(
    connection: &mut SqliteConnection,
    asked: &IdempotencyScope,
) -> Result<Option<Idempotent>, StoreError> {
    let sql = "SELECT doc FROM idempotency WHERE agent = $1 AND handoff = $2 AND key = $3";
    let row = sqlx::query(sql).bind(&asked.agent).bind(asked.handoff.as_str()).bind(&asked.key);
    row.fetch_optional(&mut *connection).await?.as_ref().map(doc).transpose()
}

/// The rows asked for, and those that could be what the messages of the view are.
async fn rows(connection: &mut SqliteConnection, scope: &Scope, view: &View) -> Result<Vec<Row>, StoreError> {
    let ids: Vec<String> = rows_by_id(scope, view).into_iter().map(|id| id.0).collect();
    let keys = match_keys(scope, view);
    if ids.is_empty() && keys.is_empty() {
        return Ok(Vec::new());
    }
    let ada_ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
    let fingerprints: Vec<&str> = keys.iter().flat_map(|key| &key.fingerprints).map(String::as_str).collect();
    let handoffs: Vec<&str> = view.handoffs.iter().map(|handoff| handoff.id.as_str()).collect();
    let sql = "SELECT doc FROM thread_rows WHERE id IN ( \
                   SELECT value FROM json_each($1) \
                   UNION SELECT row_id FROM row_ids \
                       WHERE handoff IN (SELECT value FROM json_each($2)) \
                       AND ada_id IN (SELECT value FROM json_each($3)) \
                   UNION SELECT id FROM thread_rows \
                       WHERE handoff IN (SELECT value FROM json_each($2)) \
                       AND fingerprint IN (SELECT value FROM json_each($4)) \
               ) ORDER BY handoff, seq";
    let rows = sqlx::query(sql)
        .bind(serde_json::to_string(&ids)?)
        .bind(serde_json::to_string(&handoffs)?)
        .bind(serde_json::to_string(&ada_ids)?)
        .bind(serde_json::to_string(&fingerprints)?);
    docs(&rows.fetch_all(&mut *connection).await?)
}
