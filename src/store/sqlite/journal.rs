//! The journal of what has arrived: an append-only table that is inbox and memory of ids in one. An event waits as long as
//! its document is there.

use std::collections::HashSet;

use rusqlite::{Connection, Row, params};

use super::{
    query::{Query, doc, text},
    waiting::{SharedWaiting, Waiting, WaitingEvent},
};
use crate::{
    relay::{
        changes::{UnreadableEvent, WriteSet},
        event::{Event, SortKey},
        id::{AiAgentId, ConversationId, ConversationKey},
        time::Time,
    },
    store::{PURGE_STEP, StoreError, count, document},
};

/// So many events may have left since the floor was written: a start looks at hardly more than these and what waits.
const FLOOR_STEP: i64 = 1_000;

/// Appends an event that arrives, with its `document`. Gives its number, or nothing if the journal has it already.
pub fn append(connection: &Connection, event: &Event, document: &str) -> Result<Option<i64>, StoreError> {
    let sql = "INSERT INTO journal (svix_id, at, ai_agent, conversation, doc) VALUES (?1, ?2, ?3, ?4, ?5) \
               ON CONFLICT DO NOTHING";
    let (ai_agent, conversation) = (event.key.ai_agent.as_str(), event.key.conversation.as_str());
    let at = event.received_at.as_micros();
    let new = connection.run(sql, params![event.svix_id, at, ai_agent, conversation, document])? > 0;
    Ok(new.then(|| connection.last_insert_rowid()))
}

/// Whether an id is remembered.
pub fn remembers(connection: &Connection, svix_id: &str) -> Result<bool, StoreError> {
    connection.exists("SELECT 1 FROM journal WHERE svix_id = ?1", [svix_id])
}

/// What a decision has changed: ids to remember, events that wait or do so no longer, and the debounce. `key` is that of
/// the decision's conversation.
pub fn change(
    connection: &Connection,
    waiting: &SharedWaiting,
    key: Option<&ConversationKey>,
    changes: &WriteSet,
) -> Result<(), StoreError> {
    let at = changes.at.as_micros();
    for svix_id in &changes.remember {
        if !changes.inbox.iter().any(|event| event.svix_id == *svix_id) {
            let sql =
                "INSERT INTO journal (svix_id, at, ai_agent, conversation, doc) VALUES (?1, ?2, '', '', '')";
            connection.run(sql, params![svix_id, at])?;
        }
    }
    let mut added = Vec::with_capacity(changes.inbox.len());
    for event in &changes.inbox {
        // One that is taken in again has been there, and gets a new number: what is behind the floor waits no longer.
        let sql = "INSERT OR REPLACE INTO journal (svix_id, at, ai_agent, conversation, doc) \
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        let (ai_agent, conversation) = (event.key.ai_agent.as_str(), event.key.conversation.as_str());
        let doc = document::write(event)?;
        connection.run(sql, params![event.svix_id, at, ai_agent, conversation, doc])?;
        added.push((&event.key, waiting_event(event, connection.last_insert_rowid())));
    }
    let done = places(connection, waiting, key, &changes.inbox_done)?;
    if !done.is_empty() {
        let sql = "UPDATE journal SET ai_agent = '', conversation = '', doc = '' \
                   WHERE seq IN (SELECT value FROM json_each(?1))";
        let seqs: Vec<i64> = done.iter().map(|(_, seq)| *seq).collect();
        connection.run(sql, [serde_json::to_string(&seqs)?])?;
    }
    let mut waiting = waiting.lock();
    added.into_iter().for_each(|(key, event)| waiting.add(key, event));
    for of_conversation in done.chunk_by(|(key, _), (other, _)| key == other) {
        let seqs: HashSet<i64> = of_conversation.iter().map(|(_, seq)| *seq).collect();
        waiting.remove(&of_conversation[0].0, &seqs);
    }
    if let Some((key, buffer)) = &changes.buffer {
        waiting.set_buffer(key, *buffer);
    }
    Ok(())
}

/// Where events are in the journal: most are of the conversation `key`, and the process knows them.
fn places(
    connection: &Connection,
    waiting: &SharedWaiting,
    key: Option<&ConversationKey>,
    svix_ids: &[String],
) -> Result<Vec<(ConversationKey, i64)>, StoreError> {
    if svix_ids.is_empty() {
        return Ok(Vec::new());
    }
    let known = key.map(|key| waiting.lock().seqs(key, svix_ids)).unwrap_or_default();
    let mut places = Vec::with_capacity(svix_ids.len());
    for svix_id in svix_ids {
        let place = match (key, known.get(svix_id)) {
            (Some(key), Some(seq)) => Some((key.clone(), *seq)),
            _ => {
                let sql = "SELECT ai_agent, conversation, seq FROM journal WHERE svix_id = ?1";
                connection.first(sql, [svix_id], |row| Ok((key_of(row, 0)?, row.get(2)?)))?
            }
        };
        places.extend(place);
    }
    Ok(places)
}

/// The key in a column and the one behind it.
fn key_of(row: &Row<'_>, column: usize) -> Result<ConversationKey, StoreError> {
    let (ai_agent, conversation) = (AiAgentId(row.get(column)?), ConversationId(row.get(column + 1)?));
    Ok(ConversationKey { ai_agent, conversation })
}

/// An event that the journal has under `seq`.
pub fn waiting_event(event: &Event, seq: i64) -> WaitingEvent {
    WaitingEvent { seq, svix_id: event.svix_id.clone(), sort_key: event.sort_key() }
}

/// Those of these events that wait, and those of them that can't be read.
pub fn read_page(
    connection: &Connection,
    page: Vec<WaitingEvent>,
) -> Result<(Vec<Event>, Vec<UnreadableEvent>), StoreError> {
    let (mut events, mut unreadable) = (Vec::with_capacity(page.len()), Vec::new());
    for WaitingEvent { seq, svix_id, .. } in page {
        let sql = "SELECT doc FROM journal WHERE seq = ?1 AND doc <> ''";
        let read = connection.first(sql, [seq], |row| match doc(row) {
            Ok(event) => Ok(Ok(event)),
            Err(StoreError::Unreadable(reason)) => {
                Ok(Err(UnreadableEvent { svix_id, stored: text(row, 0)?.to_owned(), reason }))
            }
            Err(error) => Err(error),
        })?;
        match read {
            Some(Ok(event)) => events.push(event),
            Some(Err(event)) => unreadable.push(event),
            None => {}
        }
    }
    Ok((events, unreadable))
}

/// What waits in the journal.
pub fn read(connection: &Connection) -> Result<Waiting, StoreError> {
    let sql = "SELECT doc, seq, svix_id, ai_agent, conversation, at FROM journal \
               WHERE seq >= (SELECT seq FROM journal_floor) AND doc <> '' ORDER BY seq";
    let mut waiting = Waiting::default();
    connection.each(sql, (), |row| {
        let key = key_of(row, 3)?;
        let (seq, svix_id) = (row.get(1)?, row.get(2)?);
        let (sort_key, received_at) = match doc::<Event>(row) {
            Ok(event) => (event.sort_key(), event.received_at),
            // Whoever looks at it says what becomes of it.
            Err(StoreError::Unreadable(_)) => (SortKey::default(), Time::from_micros(row.get(5)?)),
            Err(error) => return Err(error),
        };
        waiting.found(&key, WaitingEvent { seq, svix_id, sort_key }, received_at);
        Ok(())
    })?;
    Ok(waiting)
}

/// Nothing before the floor waits. It is raised when that spares a start enough.
pub fn raise_floor(connection: &Connection, waiting: &SharedWaiting) -> Result<(), StoreError> {
    let newest = "SELECT max(seq) FROM journal";
    let newest =
        connection.first(newest, (), |row| Ok(row.get::<_, Option<i64>>(0)?))?.flatten().unwrap_or(0);
    let sql = "SELECT seq FROM journal_floor";
    let floor = connection.first(sql, (), |row| Ok(row.get::<_, i64>(0)?))?.unwrap_or(0);
    if newest - floor < FLOOR_STEP {
        return Ok(());
    }
    let first = waiting.lock().first_seq().unwrap_or(newest + 1);
    if first - floor >= FLOOR_STEP {
        connection.run("UPDATE journal_floor SET seq = ?1", [first])?;
    }
    Ok(())
}

/// Forgets ids that came before a time, the oldest first, at most [`PURGE_STEP`]. Gives how many.
pub fn purge(connection: &Connection, waiting: &SharedWaiting, before: i64) -> Result<usize, StoreError> {
    let sql = "DELETE FROM journal WHERE seq IN ( \
                   SELECT seq FROM (SELECT seq, at, doc FROM journal ORDER BY seq LIMIT ?2) \
                   WHERE at < ?1 AND doc = '' LIMIT ?3)";
    // What waits is passed over.
    let first = count(PURGE_STEP).saturating_add_unsigned(waiting.lock().events());
    let forgotten = connection.run(sql, params![before, first, count(PURGE_STEP)])?;
    if forgotten > 0 {
        // Without the newest its number is given again, and must not be below the floor.
        let sql = "UPDATE journal_floor SET seq = MIN(seq, COALESCE((SELECT max(seq) FROM journal), 0) + 1)";
        connection.run(sql, ())?;
    }
    Ok(forgotten)
}
