//! The journal of what has arrived: inbox and memory of ids in one. An event waits as long as its document is there.
//!
//! Most events are appended without a lock on their conversation, by any instance. So a debounce has two parts: what a
//! decision has made of it is in `buffers`, and what has come since are the events that are not `counted`. A decision that
//! sets the debounce counts those that it has seen.

use std::collections::HashSet;

use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};

use super::{
    connection::Connection,
    query::{Statement, Value, all, doc, first, key, run, time, values},
    text,
    view::{columns, key_of},
};
use crate::{
    relay::{
        buffer::Buffer,
        changes::{INBOX_PAGE, UnreadableEvent, WriteSet},
        event::{Event, SortKey},
        id::ConversationKey,
        time::Time,
    },
    store::{PURGE_STEP, StoreError, document},
};

/// What is buffered of one conversation.
#[derive(Default)]
pub struct Buffered {
    /// Its debounce.
    pub buffer: Option<Buffer>,
    /// The first events, in their order, if they were asked for, and those of them that can't be read.
    pub events: Vec<Event>,
    pub unreadable: Vec<UnreadableEvent>,
    /// Events that the debounce takes into account, and that are not counted yet.
    uncounted: Vec<i64>,
}

/// What is buffered of a conversation.
pub async fn buffered(
    client: &Connection,
    with_events: bool,
    key: Option<&ConversationKey>,
) -> Result<Buffered, StoreError> {
    let Some(key) = key else { return Ok(Buffered::default()) };
    let (buffer, waiting) = tokio::try_join!(stored(client, key), waiting(client, key, with_events))?;
    let mut buffered = Buffered { buffer, ..Buffered::default() };
    for row in &waiting {
        buffered.count(row)?;
        if with_events {
            buffered.read(row)?;
        }
    }
    Ok(buffered)
}

/// What a decision has made of a debounce.
async fn stored(client: &Connection, key: &ConversationKey) -> Result<Option<Buffer>, StoreError> {
    let sql = "SELECT doc FROM buffers WHERE ai_agent = $1 AND conversation = $2";
    first(client, sql, columns(key)).await?.map(|row| doc(&row, 0)).transpose()
}

/// The first events that wait, or those that are not counted, without their documents. They are read of one moment: an event
/// that comes meanwhile is not counted, and so comes due by itself.
async fn waiting(
    client: &Connection,
    key: &ConversationKey,
    with_events: bool,
) -> Result<Vec<Row>, StoreError> {
    let sql = if with_events {
        "SELECT seq, received_at, counted, svix_id, doc FROM journal WHERE ai_agent = $1 AND conversation = $2 \
         AND doc <> '' ORDER BY sort_time, sort_created, sort_id, svix_id LIMIT $3"
    } else {
        "SELECT seq, received_at, counted FROM journal WHERE ai_agent = $1 AND conversation = $2 \
         AND doc <> '' AND NOT counted ORDER BY seq LIMIT $3"
    };
    let mut wanted = columns(key);
    wanted.push(INBOX_PAGE.into());
    all(client, sql, wanted).await
}

impl Buffered {
    fn count(&mut self, row: &Row) -> Result<(), StoreError> {
        if row.try_get(2)? {
            return Ok(());
        }
        self.uncounted.push(row.try_get(0)?);
        let received_at = time(row, 1)?;
        let buffer = self.buffer.get_or_insert_default();
        let (first, last) = buffer.arrivals.unwrap_or((received_at, received_at));
        buffer.arrivals = Some((first.min(received_at), last.max(received_at)));
        Ok(())
    }

    fn read(&mut self, row: &Row) -> Result<(), StoreError> {
        match doc(row, 4) {
            Ok(event) => self.events.push(event),
            Err(StoreError::Unreadable(reason)) => {
                let (svix_id, stored) = (key(row, 3)?, row.try_get(4)?);
                self.unreadable.push(UnreadableEvent { svix_id, stored, reason });
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Whether a statement of [`changes`] has put an event into the inbox, or taken events out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moves {
    In,
    Out,
    Nothing,
}

/// The statements that write what a decision has changed. Those that move events give a row for each.
pub fn changes(changes: &WriteSet, buffered: &Buffered) -> Result<Vec<(Moves, Statement)>, StoreError> {
    let mut statements = Vec::new();
    let remembered = changes.remember.iter().map(String::as_str);
    let ids: Vec<&str> =
        remembered.filter(|id| !changes.inbox.iter().any(|event| event.svix_id == *id)).collect();
    if !ids.is_empty() {
        let sql = "INSERT INTO journal (svix_id, at, ai_agent, conversation, sort_time, sort_created, sort_id, \
                       received_at, counted, doc) \
                   SELECT unnest($1), $2, '', '', 0, 0, '', 0, TRUE, '' ON CONFLICT DO NOTHING";
        let statement = Statement::new(sql, values![Value::keys(ids), changes.at]);
        statements.push((Moves::Nothing, statement));
    }
    for event in &changes.inbox {
        // One that is taken in again has been there, and gets a new number, as it is new.
        let sql = "INSERT INTO journal (svix_id, at, ai_agent, conversation, sort_time, sort_created, sort_id, \
                       received_at, counted, doc) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, TRUE, $9) \
                   ON CONFLICT (svix_id) DO UPDATE SET seq = DEFAULT, at = excluded.at, \
                       ai_agent = excluded.ai_agent, conversation = excluded.conversation, \
                       sort_time = excluded.sort_time, sort_created = excluded.sort_created, \
                       sort_id = excluded.sort_id, received_at = excluded.received_at, counted = TRUE, \
                       doc = excluded.doc \
                   RETURNING 1";
        statements.push((Moves::In, Statement::new(sql, columns_of(event, changes.at)?)));
    }
    if !changes.inbox_done.is_empty() {
        let sql = "UPDATE journal SET doc = '' WHERE svix_id = ANY($1) AND doc <> '' RETURNING 1";
        let done = Value::keys(changes.inbox_done.iter().map(String::as_str));
        statements.push((Moves::Out, Statement::new(sql, vec![done])));
    }
    if let Some((key, buffer)) = &changes.buffer {
        statements.push((Moves::Nothing, set_buffer(key, buffer.as_ref())?));
        if !buffered.uncounted.is_empty() {
            let sql = "UPDATE journal SET counted = TRUE WHERE seq = ANY($1) AND doc <> ''";
            let counted = vec![Value::Numbers(buffered.uncounted.clone())];
            statements.push((Moves::Nothing, Statement::new(sql, counted)));
        }
    }
    Ok(statements)
}

fn columns_of(event: &Event, at: Time) -> Result<Vec<Value>, StoreError> {
    let sort_key = event.sort_key();
    Ok(values![
        Value::key(&event.svix_id),
        at,
        Value::key(event.key.ai_agent.as_str()),
        Value::key(event.key.conversation.as_str()),
        sort_key.0,
        sort_key.1,
        Value::key(&sort_key.2),
        event.received_at,
        document::write(event)?,
    ])
}

fn set_buffer(key: &ConversationKey, buffer: Option<&(Buffer, Time)>) -> Result<Statement, StoreError> {
    let mut wanted = columns(key);
    let Some((buffer, due)) = buffer else {
        return Ok(Statement::new("DELETE FROM buffers WHERE ai_agent = $1 AND conversation = $2", wanted));
    };
    wanted.extend(values![*due, document::write(buffer)?]);
    let sql = "INSERT INTO buffers (ai_agent, conversation, due_at, doc) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (ai_agent, conversation) DO UPDATE SET due_at = excluded.due_at, doc = excluded.doc";
    Ok(Statement::new(sql, wanted))
}

/// Appends events in one statement, and says of each whether it is new. Of two with one id the first is.
///
/// # Errors
/// As PostgreSQL gives them: one event that can't be stored fails all of them.
pub async fn append(
    client: &Connection,
    events: &[(&Event, &str)],
) -> Result<Vec<bool>, tokio_postgres::Error> {
    // Mostly all are new: then the answer names none.
    let sql = "WITH new AS ( \
                   INSERT INTO journal (svix_id, at, ai_agent, conversation, sort_time, sort_created, sort_id, \
                       received_at, counted, doc) \
                   SELECT svix_id, received_at, ai_agent, conversation, sort_time, sort_created, sort_id, received_at, \
                       FALSE, doc \
                   FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS arriving (svix_id, received_at, ai_agent, \
                       conversation, sort_time, sort_created, sort_id, doc) \
                   ON CONFLICT DO NOTHING RETURNING svix_id) \
               SELECT CASE WHEN count(*) < cardinality($1) THEN coalesce(array_agg(svix_id), '{}') END FROM new";
    let sort_keys: Vec<SortKey> = events.iter().map(|(event, _)| event.sort_key()).collect();
    let svix_ids: Vec<_> = events.iter().map(|(event, _)| text::column(&event.svix_id)).collect();
    let received: Vec<_> = events.iter().map(|(event, _)| event.received_at.as_micros()).collect();
    let ai_agents: Vec<_> =
        events.iter().map(|(event, _)| text::column(event.key.ai_agent.as_str())).collect();
    let conversations: Vec<_> =
        events.iter().map(|(event, _)| text::column(event.key.conversation.as_str())).collect();
    let sort_times: Vec<_> = sort_keys.iter().map(|key| key.0.as_micros()).collect();
    let sort_created: Vec<_> = sort_keys.iter().map(|key| key.1.as_micros()).collect();
    let sort_ids: Vec<_> = sort_keys.iter().map(|key| text::column(&key.2)).collect();
    let documents: Vec<_> = events.iter().map(|(_, document)| *document).collect();
    let parameters: [(&(dyn ToSql + Sync), Type); 8] = [
        (&svix_ids, Type::TEXT_ARRAY),
        (&received, Type::INT8_ARRAY),
        (&ai_agents, Type::TEXT_ARRAY),
        (&conversations, Type::TEXT_ARRAY),
        (&sort_times, Type::INT8_ARRAY),
        (&sort_created, Type::INT8_ARRAY),
        (&sort_ids, Type::TEXT_ARRAY),
        (&documents, Type::TEXT_ARRAY),
    ];
    let rows = client.rows(sql, &parameters).await?;
    let some: Option<Vec<&str>> = rows.first().map_or(Ok(Some(Vec::new())), |row| row.try_get(0))?;
    let Some(some) = some else { return Ok(vec![true; events.len()]) };
    let mut new: HashSet<&str> = some.into_iter().collect();
    Ok(svix_ids.iter().map(|svix_id| new.remove(&**svix_id)).collect())
}

/// Conversations of which events wait, at most `limit`.
pub async fn conversations(client: &Connection, limit: usize) -> Result<Vec<ConversationKey>, StoreError> {
    let sql = "SELECT DISTINCT ai_agent, conversation FROM journal WHERE doc <> '' LIMIT $1";
    all(client, sql, values![limit]).await?.iter().map(key_of).collect()
}

/// How many events wait.
pub const DEPTH: &str = "SELECT COUNT(*) FROM journal WHERE doc <> ''";

/// Conversations that wait, for which nobody may have a timer: of those that were last heard of before `before` and, with
/// what was held, are due by `now`, the first so many.
pub async fn left(client: &Connection, now: Time, before: Time) -> Result<Vec<ConversationKey>, StoreError> {
    let sql = "SELECT ai_agent, conversation FROM journal LEFT JOIN buffers USING (ai_agent, conversation) \
               WHERE journal.doc <> '' GROUP BY ai_agent, conversation, buffers.due_at \
               HAVING (NOT bool_and(counted) AND max(received_at) FILTER (WHERE NOT counted) <= $2) \
                   OR (bool_and(counted) AND COALESCE(buffers.due_at, 0) <= $1) \
               LIMIT $3";
    let rows = all(client, sql, values![now, before, PURGE_STEP]).await?;
    rows.iter().map(key_of).collect()
}

/// Forgets ids that came before a time, the oldest first, at most [`PURGE_STEP`]. Gives how many.
pub async fn purge(client: &Connection, before: i64) -> Result<u64, StoreError> {
    // Numbers are in about the order in which events came. What waits is passed over.
    let sql = "DELETE FROM journal WHERE seq IN (SELECT seq FROM (SELECT seq, at, doc FROM journal ORDER BY seq \
                   LIMIT $2 + (SELECT COUNT(*) FROM journal WHERE doc <> '')) AS oldest \
               WHERE at < $1 AND doc = '' LIMIT $2)";
    run(client, sql, values![before, PURGE_STEP]).await
}
