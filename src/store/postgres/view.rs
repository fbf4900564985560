//! Loading what a decision needs to see. Its conversation is locked, so all but the journal stays as it is meanwhile.

use std::collections::BTreeSet;

use super::{
    connect::Connections,
    connection::Connection,
    contacts, deliveries,
    handoffs::{self, documents},
    journal::{self, Buffered},
    query::{Value, all, doc, first, key, number, values},
    refused_starts,
};
use crate::{
    relay::{
        changes::{DeadLetter, Idempotent, NoticeScope, Of, Scope, View},
        contact::Contact,
        delivery::Delivery,
        handoff::Handoff,
        id::{AiAgentId, ConversationId, ConversationKey, HandoffId},
        thread::Row,
        time::Time,
    },
    store::{StoreError, handoffs_by_id, marks, match_keys, rows_by_id, takes_from},
};

type Loads<T> = Result<T, StoreError>;
type Key<'a> = Option<&'a ConversationKey>;

/// What a decision has locked.
#[derive(Default)]
pub struct Locked {
    /// The key of its conversation, if its scope names one.
    pub key: Option<ConversationKey>,
    /// The conversation that is locked: that one, or the one of the deliveries to platforms that it needs.
    conversation: Option<ConversationKey>,
}

impl Locked {
    /// Locks conversations whose lanes get deliveries, if that one is another: a dead letter is one of no conversation. Who
    /// has a conversation locked waits for no dead letter, so none waits in a circle.
    pub async fn extend(&self, client: &Connection, deliveries: &[Delivery]) -> Loads<()> {
        let keys: BTreeSet<&ConversationKey> = deliveries.iter().map(|delivery| &delivery.key).collect();
        for key in keys.into_iter().filter(|key| self.conversation.as_ref() != Some(*key)) {
            lock_conversation(client, key).await?;
        }
        Ok(())
    }
}

/// Locks what a decision is about until the transaction ends.
pub async fn lock(client: &Connection, scope: &Scope) -> Loads<Locked> {
    let key = key_of_scope(client, scope).await?;
    let conversation = match (&key, &scope.notices) {
        (Some(key), _) if !key.conversation.as_str().is_empty() => Some(key.clone()),
        (_, Some(notices)) => key_of_notices(client, notices).await?,
        _ => None,
    };
    match &conversation {
        Some(key) => lock_conversation(client, key).await?,
        None => {
            for id in [&scope.dead_letter, &scope.svix_id].into_iter().flatten() {
                let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 18))";
                all(client, sql, vec![Value::key(id)]).await?;
            }
        }
    }
    Ok(Locked { key, conversation })
}

async fn lock_conversation(client: &Connection, key: &ConversationKey) -> Loads<()> {
    // Two that share a number wait for each other, and nothing else.
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1 || E'\\n' || $2, 17))";
    all(client, sql, columns(key)).await.map(drop)
}

async fn key_of_scope(client: &Connection, scope: &Scope) -> Loads<Option<ConversationKey>> {
    match &scope.of {
        Of::Conversation(key) => Ok(Some(key.clone())),
        Of::Handoff(id) => key_of_handoff(client, id).await,
    }
}

async fn key_of_handoff(client: &Connection, id: &HandoffId) -> Loads<Option<ConversationKey>> {
    let sql = "SELECT ai_agent, conversation FROM handoffs WHERE id = $1";
    first(client, sql, vec![Value::key(id.as_str())]).await?.map(|row| key_of(&row)).transpose()
}

async fn key_of_notices(client: &Connection, notices: &NoticeScope) -> Loads<Option<ConversationKey>> {
    match notices {
        NoticeScope::NextOf(lane) | NoticeScope::FirstOf(lane) => Ok(Some(lane.key.clone())),
        NoticeScope::Expired { handoff, .. } => key_of_handoff(client, handoff).await,
        NoticeScope::One(id) => {
            let sql = "SELECT ai_agent, conversation FROM outbox WHERE id = $1";
            first(client, sql, vec![Value::key(id.as_str())]).await?.map(|row| key_of(&row)).transpose()
        }
    }
}

/// The key in the first two columns.
pub fn key_of(row: &tokio_postgres::Row) -> Loads<ConversationKey> {
    let (ai_agent, conversation) = (AiAgentId(key(row, 0)?), ConversationId(key(row, 1)?));
    Ok(ConversationKey { ai_agent, conversation })
}

/// The columns of a key.
pub fn columns(key: &ConversationKey) -> Vec<Value> {
    vec![Value::key(key.ai_agent.as_str()), Value::key(key.conversation.as_str())]
}

/// Gives the view as it was at one moment, and locks nothing.
pub async fn at_one_moment(connections: &Connections, scope: &Scope) -> Loads<View> {
    let first = async |client: &Connection| key_of_scope(client, scope).await;
    let (transaction, key) = connections.begin_reading_with(first).await?;
    let loaded = load(transaction.client(), scope, key.as_ref()).await;
    transaction.roll_back().await;
    Ok(loaded?.0)
}

/// Gives the view, and what was buffered of its conversation.
pub async fn load(client: &Connection, scope: &Scope, key: Key<'_>) -> Loads<(View, Buffered)> {
    let mut view = View::new(scope);
    // What is polled together is sent together.
    let (seen, letter, notices, buffered, refused, outbox, contact, unread, idempotent) = tokio::try_join!(
        seen(client, scope),
        dead_letter(client, scope),
        deliveries::notices(client, scope.notices.as_ref()),
        journal::buffered(client, scope.with_inbox, key),
        refused(client, scope, key),
        outbox(client, scope, key),
        contact(client, scope, key),
        unread_behind(client, scope, key),
        known_request(client, scope, key),
    )?;
    let mut buffered = buffered;
    seen.into_iter().for_each(|seen| *view.seen = seen);
    notices.into_iter().for_each(|notices| *view.notices = notices);
    outbox.into_iter().for_each(|outbox| *view.outbox = outbox);
    contact.into_iter().for_each(|contact| *view.contact = contact);
    unread.into_iter().for_each(|unread| *view.unread_behind = unread);
    (view.dead_letter, view.start_refused_until, view.idempotent) = (letter, refused, idempotent);
    view.buffer = buffered.buffer;
    if scope.with_inbox {
        *view.inbox = std::mem::take(&mut buffered.events);
        view.unreadable = std::mem::take(&mut buffered.unreadable);
    }
    if let Some(key) = key {
        view.handoffs = recent(client, key, scope, &view).await?;
        view.rows = rows(client, scope, &view).await?;
    }
    Ok((view, buffered))
}

async fn seen(client: &Connection, scope: &Scope) -> Loads<Option<bool>> {
    let Some(svix_id) = &scope.svix_id else { return Ok(None) };
    let sql = "SELECT 1 FROM journal WHERE svix_id = $1";
    Ok(Some(first(client, sql, vec![Value::key(svix_id)]).await?.is_some()))
}

async fn dead_letter(client: &Connection, scope: &Scope) -> Loads<Option<DeadLetter>> {
    let Some(id) = &scope.dead_letter else { return Ok(None) };
    let letter = first(client, "SELECT doc FROM dead_letters WHERE id = $1", vec![Value::key(id)]).await?;
    letter.map(|row| doc(&row, 0)).transpose()
}

async fn refused(client: &Connection, scope: &Scope, key: Key<'_>) -> Loads<Option<Time>> {
    match key.filter(|_| scope.with_inbox) {
        Some(key) => refused_starts::until(client, key).await,
        None => Ok(None),
    }
}

async fn outbox(client: &Connection, scope: &Scope, key: Key<'_>) -> Loads<Option<Vec<Delivery>>> {
    match key.filter(|_| scope.with_outbox) {
        Some(key) => Ok(Some(deliveries::of_conversation(client, key).await?)),
        None => Ok(None),
    }
}

async fn contact(client: &Connection, scope: &Scope, key: Key<'_>) -> Loads<Option<Option<Contact>>> {
    match &scope.of {
        Of::Handoff(id) if scope.with_contact && key.is_some() => Ok(Some(contacts::one(client, id).await?)),
        _ => Ok(None),
    }
}

async fn unread_behind(client: &Connection, scope: &Scope, key: Key<'_>) -> Loads<Option<u64>> {
    let (Some(seq), Of::Handoff(id), Some(_)) = (scope.unread_behind, &scope.of, key) else {
        return Ok(None);
    };
    let sql = "SELECT COUNT(*) FROM thread_rows WHERE handoff = $1 AND seq > $2 AND unread";
    Ok(Some(number(client, sql, values![Value::key(id.as_str()), seq]).await?))
}

async fn known_request(client: &Connection, scope: &Scope, key: Key<'_>) -> Loads<Option<Idempotent>> {
    let (Some(asked), Some(_)) = (&scope.idempotency, key) else { return Ok(None) };
    let sql = "SELECT doc FROM idempotency WHERE handoff = $1 AND agent = $2 AND key = $3";
    let asked = [asked.handoff.as_str(), &asked.agent, &asked.key].map(Value::key);
    first(client, sql, asked.into()).await?.map(|row| doc(&row, 0)).transpose()
}

/// The handoffs from the last one on that took no message any more at `$3`, those of `$4`, and those beside `$5`.
const RECENT: &str = concat!(
    "SELECT ",
    documents!(),
    " FROM handoffs WHERE ai_agent = $1 AND conversation = $2 AND ( \
      position >= COALESCE((SELECT position FROM handoffs WHERE ai_agent = $1 AND conversation = $2 \
          AND took_until < $3 ORDER BY position DESC LIMIT 1), 0) \
      OR id = ANY($4) \
      OR position = (SELECT before.position FROM handoffs AS asked JOIN handoffs AS before \
          ON before.ai_agent = $1 AND before.conversation = $2 AND before.position < asked.position \
          WHERE asked.id = $5 ORDER BY before.position DESC LIMIT 1) \
      OR position = (SELECT behind.position FROM handoffs AS asked JOIN handoffs AS behind \
          ON behind.ai_agent = $1 AND behind.conversation = $2 AND behind.position > asked.position \
          WHERE asked.id = $5 ORDER BY behind.position LIMIT 1) \
     ) ORDER BY position"
);

/// See [`View::handoffs`].
async fn recent(
    client: &Connection,
    key: &ConversationKey,
    scope: &Scope,
    view: &View,
) -> Loads<Vec<Handoff>> {
    let others = handoffs_by_id(scope, view);
    let asked = match &scope.of {
        Of::Handoff(id) => id.as_str(),
        Of::Conversation(_) => "",
    };
    let others = Value::keys(others.iter().map(|id| id.as_str()));
    let mut wanted = columns(key);
    wanted.extend(values![takes_from(scope, view), others, Value::key(asked)]);
    all(client, RECENT, wanted).await?.iter().map(handoffs::handoff).collect()
}

/// The rows asked for, and those that could be what the messages of the view are.
async fn rows(client: &Connection, scope: &Scope, view: &View) -> Loads<Vec<Row>> {
    let (ids, keys) = (rows_by_id(scope, view), match_keys(scope, view));
    if ids.is_empty() && keys.is_empty() {
        return Ok(Vec::new());
    }
    let of_ids = keys.iter().map(|key| marks::id(key.id.as_str()));
    let fingerprints = keys.iter().flat_map(|key| &key.fingerprints);
    let marks: Vec<String> =
        of_ids.chain(fingerprints.map(|fingerprint| marks::alike(fingerprint))).collect();
    // One array: with an `OR` beside a query, PostgreSQL reads the whole table.
    let sql = "SELECT doc FROM thread_rows WHERE id = ANY($1 || ARRAY( \
                   SELECT row_id FROM row_marks WHERE handoff = ANY($2) AND mark = ANY($3) \
               )) ORDER BY handoff, seq";
    let wanted = vec![
        Value::keys(ids.iter().map(|id| id.as_str())),
        Value::keys(view.handoffs.iter().map(|handoff| handoff.id.as_str())),
        Value::keys(marks.iter().map(String::as_str)),
    ];
    all(client, sql, wanted).await?.iter().map(|row| doc(row, 0)).collect()
}
