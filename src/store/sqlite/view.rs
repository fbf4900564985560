//! Loading what a decision needs to see.

use rusqlite::{Connection, params};

use super::{
    contacts,
    handoffs::{self, documents},
    journal, outbox,
    query::{Query, doc},
    refused_starts,
    waiting::{SharedWaiting, WaitingEvent},
};
use crate::{
    relay::{
        buffer::Buffer,
        changes::{INBOX_PAGE, IdempotencyScope, Idempotent, Of, Scope, View},
        delivery::Delivery,
        handoff::Handoff,
        id::{AiAgentId, ConversationId, ConversationKey, HandoffId},
        thread::Row,
    },
    store::{StoreError, handoffs_by_id, marks, match_keys, or_note, rows_by_id, signed, takes_from},
};

/// What the process knows to be buffered of a conversation.
#[derive(Default)]
struct Buffered {
    buffer: Option<Buffer>,
    page: Vec<WaitingEvent>,
}

/// Gives the view, and the key of the conversation if there is one.
pub fn load(
    connection: &Connection,
    waiting: &SharedWaiting,
    scope: &Scope,
) -> Result<(View, Option<ConversationKey>), StoreError> {
    let key = key_of(connection, &scope.of)?;
    let of_key = |key| {
        let waiting = waiting.lock();
        Buffered { buffer: waiting.buffer(key), page: waiting.page(key, INBOX_PAGE) }
    };
    let buffered = key.as_ref().map(of_key).unwrap_or_default();
    Ok((view(connection, scope, key.as_ref(), buffered)?, key))
}

/// Gives the view that a reader has, as it was at one moment.
pub fn load_beside(
    connection: &Connection,
    waiting: &SharedWaiting,
    scope: &Scope,
) -> Result<View, StoreError> {
    let key = key_of(connection, &scope.of)?;
    // Before the moment: what has left by then is known to the journal.
    let of_key = |key| {
        let waiting = waiting.lock();
        Buffered { buffer: waiting.buffer(key), page: waiting.page_beside(key, INBOX_PAGE) }
    };
    let buffered = key.as_ref().map(of_key).unwrap_or_default();
    let moment = connection.unchecked_transaction()?;
    view(&moment, scope, key.as_ref(), buffered)
}

fn view(
    connection: &Connection,
    scope: &Scope,
    key: Option<&ConversationKey>,
    buffered: Buffered,
) -> Result<View, StoreError> {
    let mut view = View::new(scope);
    if let Some(svix_id) = &scope.svix_id {
        *view.seen = journal::remembers(connection, svix_id)?;
    }
    if let Some(id) = &scope.dead_letter {
        view.dead_letter = connection.first("SELECT doc FROM dead_letters WHERE id = ?1", [id], doc)?;
    }
    if let Some(notices) = &scope.notices {
        *view.notices = outbox::notices(connection, notices)?;
    }
    let Some(key) = key else { return Ok(view) };
    view.buffer = buffered.buffer;
    if scope.with_inbox {
        (*view.inbox, view.unreadable) = journal::read_page(connection, buffered.page)?;
        view.start_refused_until = refused_starts::until(connection, key)?;
    }
    if scope.with_outbox {
        *view.outbox = deliveries(connection, key)?;
    }
    view.handoffs = recent(connection, key, scope, &view)?;
    if let (true, Of::Handoff(id)) = (scope.with_contact, &scope.of) {
        *view.contact = contacts::one(connection, id)?;
    }
    if let (Some(seq), Of::Handoff(id)) = (scope.unread_behind, &scope.of) {
        *view.unread_behind = unread_behind(connection, id, seq)?;
    }
    if let Some(asked) = &scope.idempotency {
        view.idempotent = idempotent(connection, asked)?;
    }
    view.rows = rows(connection, scope, &view)?;
    Ok(view)
}

fn key_of(connection: &Connection, of: &Of) -> Result<Option<ConversationKey>, StoreError> {
    match of {
        Of::Conversation(key) => Ok(Some(key.clone())),
        Of::Handoff(id) => {
            let sql = "SELECT ai_agent, conversation FROM handoffs WHERE id = ?1";
            connection.first(sql, [id.as_str()], |row| {
                let (ai_agent, conversation) = (AiAgentId(row.get(0)?), ConversationId(row.get(1)?));
                Ok(ConversationKey { ai_agent, conversation })
            })
        }
    }
}

/// The handoffs from the last one on that took no message any more at `?3`.
macro_rules! recent {
    () => {
        "position >= COALESCE((SELECT position FROM handoffs WHERE ai_agent = ?1 AND conversation = ?2 \
             AND took_until < ?3 ORDER BY position DESC LIMIT 1), 0)"
    };
}

const RECENT: &str = concat!(
    "SELECT ",
    documents!(),
    " FROM handoffs WHERE ai_agent = ?1 AND conversation = ?2 AND ",
    recent!(),
    " ORDER BY position"
);
/// The same, and `?4`, and those beside `?5`.
const RECENT_AND_OTHERS: &str = concat!(
    "SELECT ",
    documents!(),
    " FROM handoffs WHERE ai_agent = ?1 AND conversation = ?2 AND (",
    recent!(),
    " OR position IN (SELECT position FROM handoffs WHERE id IN (SELECT value FROM json_each(?4))) \
      OR position = (SELECT before.position FROM handoffs AS asked JOIN handoffs AS before \
          ON before.ai_agent = ?1 AND before.conversation = ?2 AND before.position < asked.position \
          WHERE asked.id = ?5 ORDER BY before.position DESC LIMIT 1) \
      OR position = (SELECT behind.position FROM handoffs AS asked JOIN handoffs AS behind \
          ON behind.ai_agent = ?1 AND behind.conversation = ?2 AND behind.position > asked.position \
          WHERE asked.id = ?5 ORDER BY behind.position LIMIT 1) \
     ) ORDER BY position"
);

/// See [`View::handoffs`].
fn recent(
    connection: &Connection,
    key: &ConversationKey,
    scope: &Scope,
    view: &View,
) -> Result<Vec<Handoff>, StoreError> {
    let others = handoffs_by_id(scope, view);
    let (ai_agent, conversation) = (key.ai_agent.as_str(), key.conversation.as_str());
    let from = takes_from(scope, view).as_micros();
    if others.is_empty() {
        return connection.all(RECENT, params![ai_agent, conversation, from], handoffs::handoff);
    }
    let asked = match &scope.of {
        Of::Handoff(id) => Some(id.as_str()),
        Of::Conversation(_) => None,
    };
    let others = serde_json::to_string(&others)?;
    connection.all(RECENT_AND_OTHERS, params![ai_agent, conversation, from, others, asked], handoffs::handoff)
}

fn deliveries(connection: &Connection, key: &ConversationKey) -> Result<Vec<Delivery>, StoreError> {
    let sql = "SELECT doc, holder, leased_until FROM outbox WHERE ai_agent = ?1 AND conversation = ?2 \
               AND is_notice = 0 ORDER BY position";
    // What can't be read stands still in its lane, and is nothing that a rule could change.
    let deliveries = connection.all(sql, [key.ai_agent.as_str(), key.conversation.as_str()], |row| {
        or_note(outbox::delivery(row), "delivery")
    })?;
    Ok(deliveries.into_iter().flatten().collect())
}

fn unread_behind(connection: &Connection, id: &HandoffId, seq: u64) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) FROM thread_rows WHERE handoff = ?1 AND seq > ?2 AND unread = 1";
    connection.number(sql, params![id.as_str(), signed(seq)])
}

fn idempotent(connection: &Connection, asked: &IdempotencyScope) -> Result<Option<Idempotent>, StoreError> {
    let sql = "SELECT doc FROM idempotency WHERE agent = ?1 AND handoff = ?2 AND key = ?3";
    connection.first(sql, params![asked.agent, asked.handoff.as_str(), asked.key], doc)
}

/// The rows asked for, and those that could be what the messages of the view are.
fn rows(connection: &Connection, scope: &Scope, view: &View) -> Result<Vec<Row>, StoreError> {
    let ids: Vec<String> = rows_by_id(scope, view).into_iter().map(|id| id.0).collect();
    let keys = match_keys(scope, view);
    if ids.is_empty() && keys.is_empty() {
        return Ok(Vec::new());
    }
    let of_ids = keys.iter().map(|key| marks::id(key.id.as_str()));
    let fingerprints = keys.iter().flat_map(|key| &key.fingerprints);
    let marks: Vec<String> =
        of_ids.chain(fingerprints.map(|fingerprint| marks::alike(fingerprint))).collect();
    let handoffs: Vec<&str> = view.handoffs.iter().map(|handoff| handoff.id.as_str()).collect();
    let sql = "SELECT doc FROM thread_rows WHERE id IN ( \
                   SELECT value FROM json_each(?1) \
                   UNION SELECT row_id FROM row_marks \
                       WHERE handoff IN (SELECT value FROM json_each(?2)) \
                       AND mark IN (SELECT value FROM json_each(?3)) \
               ) ORDER BY handoff, seq";
    let wanted = params![
        serde_json::to_string(&ids)?,
        serde_json::to_string(&handoffs)?,
        serde_json::to_string(&marks)?,
    ];
    connection.all(sql, wanted, doc)
}
