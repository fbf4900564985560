//! What agents and workers read, beside the writer.

use sqlx::{QueryBuilder, Row as _, Sqlite, SqlitePool, sqlite::SqliteRow};

use super::{
    count,
    documents::{doc, or_note, readable},
    outbox, signed, unsigned,
};
use crate::{
    metrics::Depths,
    relay::{
        changes::DeadLetter,
        handoff::{AdaEnd, End, EndedBy, Handoff, Status},
        id::{AiAgentId, ConversationId, ConversationKey, DeliveryId, HandoffId, RowId},
        thread::{AdaIds, Author, Content, Role, Row, Source},
        time::Time,
    },
    store::{Due, FeedItem, HandoffQuery, LetterPage, Order, Page, Since, StatusFilter, StoreError},
};

pub async fn due_conversations(
    pool: &SqlitePool,
    now: Time,
    limit: usize,
) -> Result<Due<ConversationKey>, StoreError> {
    let sql = "SELECT ai_agent, conversation, due_at FROM buffers ORDER BY due_at LIMIT $1";
    let rows = sqlx::query(sql).bind(count(limit.saturating_add(1))).fetch_all(pool).await?;
    let mut due = Due { items: Vec::new(), next: None };
    for row in &rows {
        let due_at = Time::from_micros(row.try_get(2)?);
        if due_at > now || due.items.len() == limit {
            due.next = Some(due_at);
            break;
        }
        let (ai_agent, conversation) = (AiAgentId(row.try_get(0)?), ConversationId(row.try_get(1)?));
        due.items.push(ConversationKey { ai_agent, conversation });
    }
    Ok(due)
}

pub async fn idle_handoffs(
    pool: &SqlitePool,
    status: StatusFilter,
    until: Time,
    limit: usize,
) -> Result<Due<HandoffId>, StoreError> {
    let sql = "SELECT id, idle_since FROM handoffs WHERE status = $1 AND idle_since IS NOT NULL \
               ORDER BY idle_since, position LIMIT $2";
    let rows = sqlx::query(sql).bind(status.as_str()).bind(count(limit.saturating_add(1)));
    let mut due = Due { items: Vec::new(), next: None };
    for row in &rows.fetch_all(pool).await? {
        let since = Time::from_micros(row.try_get(1)?);
        if since > until || due.items.len() == limit {
            due.next = Some(since);
            break;
        }
        due.items.push(HandoffId(row.try_get(0)?));
    }
    Ok(due)
}

pub async fn waits_untroubled(pool: &SqlitePool, delivery: &DeliveryId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM outbox AS waits WHERE id = $1 AND queue = 'fresh' \
               AND NOT EXISTS (SELECT 1 FROM outbox AS first WHERE first.ai_agent = waits.ai_agent \
                   AND first.conversation = waits.conversation AND first.lane = waits.lane \
                   AND first.position < waits.position AND first.queue <> 'fresh')";
    let row = sqlx::query(sql).bind(delivery.as_str());
    Ok(row.fetch_optional(pool).await?.is_some())
}

/// What is read of a handoff, also of one whose document can't be.
const HANDOFF: &str = "SELECT doc, position, id, ai_agent, conversation, status, agent FROM handoffs";

pub async fn handoff(pool: &SqlitePool, id: &HandoffId) -> Result<Option<Handoff>, StoreError> {
    let mut sql = QueryBuilder::<Sqlite>::new(HANDOFF);
    sql.push(" WHERE id = ").push_bind(id.as_str());
    sql.build().fetch_optional(pool).await?.as_ref().map(shown).transpose()
}

/// The handoff, or what stands in its place.
fn shown(row: &SqliteRow) -> Result<Handoff, StoreError> {
    if let Some(handoff) = or_note(doc(row), "handoff") {
        return Ok(handoff);
    }
    let (ai_agent, conversation) = (AiAgentId(row.try_get(3)?), ConversationId(row.try_get(4)?));
    let id = HandoffId(row.try_get(2)?);
    let status = match (row.try_get(5)?, row.try_get::<Option<String>, _>(6)?) {
        ("active", Some(agent)) => Status::Active { agent },
        ("ended", agent) => Status::Ended(End {
            at: Time::default(),
            by: EndedBy::System,
            agent,
            ada: AdaEnd::Unknown,
            row: RowId(String::new()),
        }),
        _ => Status::Waiting,
    };
    let last_message = Some(unreadable(RowId(format!("{id}-unreadable")), &id, 0, Time::default()));
    let key = ConversationKey { ai_agent, conversation };
    Ok(Handoff { status, last_message, ..Handoff::blank(id, key) })
}

pub async fn handoffs(pool: &SqlitePool, query: &HandoffQuery) -> Result<Page, StoreError> {
    let mut sql = QueryBuilder::<Sqlite>::new(HANDOFF);
    sql.push(" WHERE 1 = 1");
    if let Some(status) = query.status {
        sql.push(" AND status = ").push_bind(status.as_str());
    }
    if let Some(conversation) = &query.conversation {
        sql.push(" AND conversation = ").push_bind(conversation);
    }
    if let Some(agent) = &query.agent {
        sql.push(" AND agent = ").push_bind(agent);
    }
    if let Some(text) = &query.text {
        sql.push(" AND instr(search, ").push_bind(text.to_lowercase()).push(") > 0");
    }
    let (behind, order) = match query.order {
        Order::Newest => (" AND position < ", " ORDER BY position DESC LIMIT "),
        Order::Oldest => (" AND position > ", " ORDER BY position LIMIT "),
    };
    if let Some(after) = query.after {
        sql.push(behind).push_bind(signed(after));
    }
    sql.push(order).push_bind(count(query.limit.saturating_add(1)));
    let rows = sql.build().fetch_all(pool).await?;
    let (on_page, next) = page(&rows, query.limit)?;
    Ok(Page { handoffs: on_page.iter().map(shown).collect::<Result<_, _>>()?, next })
}

/// The rows to show, and where the rest begins: rows of one more than `limit`, their position second.
fn page(rows: &[SqliteRow], limit: usize) -> Result<(&[SqliteRow], Option<u64>), StoreError> {
    let (shown, rest) = rows.split_at(limit.min(rows.len()));
    let last = shown.last().filter(|_| !rest.is_empty());
    Ok((shown, last.map(|row| row.try_get(1).map(unsigned)).transpose()?))
}

pub async fn rows(
    pool: &SqlitePool,
    id: &HandoffId,
    after: u64,
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    let sql = "SELECT doc, id, seq FROM thread_rows WHERE handoff = $1 AND seq > $2 ORDER BY seq LIMIT $3";
    let rows = sqlx::query(sql).bind(id.as_str()).bind(signed(after)).bind(count(limit));
    let mut thread: Vec<Row> = Vec::new();
    for row in &rows.fetch_all(pool).await? {
        let at = thread.last().map_or_else(Time::default, |before| before.at);
        let read = match or_note(doc(row), "row") {
            Some(read) => read,
            None => unreadable(RowId(row.try_get(1)?), id, unsigned(row.try_get(2)?), at),
        };
        thread.push(read);
    }
    Ok(thread)
}

/// What stands in the place of a row of which no more is known, behind the one at `at`.
fn unreadable(id: RowId, handoff: &HandoffId, seq: u64, at: Time) -> Row {
    Row {
        id,
        handoff: handoff.clone(),
        seq,
        at,
        ids: AdaIds::default(),
        author: Author { role: Role::Unknown, display_name: None, avatar: None },
        content: Content::Unreadable { reason: "what is stored of it can't be read".to_owned() },
        created_at: at,
        created_by_ada: false,
        source: Source::Relay,
        sending: None,
        tried_at: None,
        late: false,
    }
}

pub async fn row(pool: &SqlitePool, id: &RowId) -> Result<Option<Row>, StoreError> {
    let row = sqlx::query("SELECT doc FROM thread_rows WHERE id = $1").bind(id.as_str());
    row.fetch_optional(pool).await?.as_ref().map(doc).transpose()
}

pub async fn changes_since(pool: &SqlitePool, after: u64, limit: usize) -> Result<Since, StoreError> {
    let mut read = pool.begin().await?;
    let sql = "SELECT seq, (SELECT MIN(id) FROM changes) FROM sqlite_sequence WHERE name = 'changes'";
    let bounds = sqlx::query(sql).fetch_one(&mut *read).await?;
    let newest = unsigned(bounds.try_get(0)?);
    let oldest = bounds.try_get::<Option<i64>, _>(1)?.map_or(newest + 1, unsigned);
    if after.saturating_add(1) < oldest || after > newest {
        return Ok(Since::Reset(newest));
    }
    let sql = "SELECT COALESCE(thread_rows.doc, handoffs.doc), changes.id, changes.row_id IS NOT NULL, \
                   changes.handoff = '' \
               FROM changes LEFT JOIN handoffs ON handoffs.id = changes.handoff \
               LEFT JOIN thread_rows ON thread_rows.id = changes.row_id \
               WHERE changes.id > $1 AND (handoffs.id IS NOT NULL OR changes.handoff = '') ORDER BY changes.id LIMIT $2";
    let rows = sqlx::query(sql).bind(signed(after)).bind(count(limit)).fetch_all(&mut *read).await?;
    let mut changes = Vec::with_capacity(rows.len());
    for row in &rows {
        let changed = match (row.try_get(2)?, row.try_get(3)?) {
            (_, true) => Some(FeedItem::CannedReplies),
            (true, _) => or_note(doc(row), "row").map(|row| FeedItem::Row(Box::new(row))),
            (false, _) => or_note(doc(row), "handoff").map(|handoff| FeedItem::Handoff(Box::new(handoff))),
        };
        let number = unsigned(row.try_get(1)?);
        changes.extend(changed.map(|changed| (number, changed)));
    }
    Ok(Since::Changes(changes))
}

pub async fn dead_letters(
    pool: &SqlitePool,
    after: Option<u64>,
    limit: usize,
) -> Result<LetterPage, StoreError> {
    let sql = "SELECT doc, position FROM dead_letters WHERE position < $1 ORDER BY position DESC LIMIT $2";
    let rows = sqlx::query(sql).bind(after.map_or(i64::MAX, signed)).bind(count(limit.saturating_add(1)));
    let rows = rows.fetch_all(pool).await?;
    let (shown, next) = page(&rows, limit)?;
    Ok(LetterPage { letters: readable(shown, "dead letter"), next })
}

pub async fn dead_letter(pool: &SqlitePool, id: &str) -> Result<Option<DeadLetter>, StoreError> {
    let row = sqlx::query("SELECT doc FROM dead_letters WHERE id = $1").bind(id);
    row.fetch_optional(pool).await?.as_ref().map(doc).transpose()
}

pub async fn depths(pool: &SqlitePool) -> Result<Depths, StoreError> {
    let sql = "SELECT (SELECT COUNT(*) FROM inbox), (SELECT MIN(sort_time) FROM inbox), \
               (SELECT MIN(json_extract(doc, '$.queued_at')) FROM outbox WHERE destination <> 'files'), \
               (SELECT COUNT(*) FROM handoffs WHERE status = 'waiting'), \
               (SELECT COUNT(*) FROM handoffs WHERE status = 'active'), \
               (SELECT COUNT(*) FROM handoffs WHERE status = 'ended'), \
               (SELECT COUNT(*) FROM outbox WHERE queue = 'unreadable')";
    let row = sqlx::query(sql).fetch_one(pool).await?;
    let time = |at: usize| row.try_get::<Option<i64>, _>(at).map(|micros| micros.map(Time::from_micros));
    Ok(Depths {
        inbox: unsigned(row.try_get(0)?),
        inbox_oldest: time(1)?,
        queued: outbox::depths(pool).await?,
        outbox_oldest: time(2)?,
        handoffs: [unsigned(row.try_get(3)?), unsigned(row.try_get(4)?), unsigned(row.try_get(5)?)],
        unreadable: unsigned(row.try_get(6)?),
    })
}
