//! What agents and workers read, beside the writer.

use std::sync::Arc;

use rusqlite::{Connection, Row as SqlRow, params, params_from_iter, types::Value};

use super::{
    handoffs::{self, documents},
    known::Known,
    outbox,
    query::{Query, doc, text},
    search,
};
use crate::{
    metrics::Depths,
    relay::{
        changes::DeadLetter,
        handoff::Handoff,
        id::{AiAgentId, ConversationId, ConversationKey, DeliveryId, HandoffId, RowId, TeamName},
        sight::Sight,
        thread::Row,
        time::Time,
    },
    store::{
        Due, FeedItem, HandoffQuery, IdleHandoff, IdlePlace, LetterPage, Order, Page, Since, StatusFilter,
        StoreError, count, or_note, page, placeholder, search::Wanted, signed, unsigned,
    },
};

pub fn idle_handoffs(
    connection: &Connection,
    status: StatusFilter,
    until: Time,
    after: Option<IdlePlace>,
    limit: usize,
) -> Result<Due<IdleHandoff>, StoreError> {
    let sql = "SELECT id, idle_since, position, route, team, ai_agent FROM handoffs \
               WHERE status = ?1 AND idle_since IS NOT NULL AND (idle_since, position) > (?2, ?3) \
               ORDER BY idle_since, position LIMIT ?4";
    let mut due = Due { items: Vec::new(), next: None };
    let (since, number) =
        after.map_or((i64::MIN, 0), |after| (after.since.as_micros(), signed(after.number)));
    connection.each(sql, params![status.as_str(), since, number, count(limit.saturating_add(1))], |row| {
        let place = IdlePlace { since: Time::from_micros(row.get(1)?), number: unsigned(row.get(2)?) };
        if due.next.is_some() {
        } else if place.since > until || due.items.len() == limit {
            due.next = Some(place.since);
        } else {
            let team = row.get::<_, Option<String>>(4)?.map(TeamName);
            let (id, ai_agent) = (HandoffId(row.get(0)?), AiAgentId(row.get(5)?));
            due.items.push(IdleHandoff { id, place, ai_agent, route: row.get(3)?, team });
        }
        Ok(())
    })?;
    Ok(due)
}

pub fn waits_untroubled(connection: &Connection, delivery: &DeliveryId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM outbox AS waits WHERE id = ?1 AND queue = 'fresh' \
               AND NOT EXISTS (SELECT 1 FROM outbox AS first WHERE first.ai_agent = waits.ai_agent \
                   AND first.conversation = waits.conversation AND first.lane = waits.lane \
                   AND first.position < waits.position AND first.queue <> 'fresh')";
    connection.exists(sql, [delivery.as_str()])
}

/// What is read of a handoff, also of one whose document can't be.
macro_rules! handoff {
    () => {
        concat!(
            "SELECT ",
            documents!(),
            ", position, id, ai_agent, conversation, status, agent, team FROM handoffs WHERE "
        )
    };
}

pub fn handoff(connection: &Connection, id: &HandoffId) -> Result<Option<Handoff>, StoreError> {
    connection.first(concat!(handoff!(), "id = ?1"), [id.as_str()], shown)
}

/// The handoff, or what stands in its place.
fn shown(row: &SqlRow<'_>) -> Result<Handoff, StoreError> {
    if let Some(handoff) = or_note(handoffs::handoff(row), "handoff")? {
        return Ok(handoff);
    }
    let (ai_agent, conversation) = (AiAgentId(row.get(4)?), ConversationId(row.get(5)?));
    let key = ConversationKey { ai_agent, conversation };
    let team = row.get::<_, Option<String>>(8)?.map(TeamName);
    Ok(Handoff { team, ..placeholder::handoff(HandoffId(row.get(3)?), key, text(row, 6)?, row.get(7)?) })
}

pub fn handoffs(connection: &Connection, query: &HandoffQuery) -> Result<Page, StoreError> {
    if let Some(wanted) = query.text.as_deref().and_then(Wanted::new) {
        return search::page(connection, query, &wanted);
    }
    let found = listed(connection, query, None, query.limit.saturating_add(1))?;
    let (handoffs, next) = page(found, query.limit);
    Ok(Page { handoffs, next, found: Vec::new() })
}

/// The first `most` handoffs of a list, each with its position; only those at some positions, if these are given.
pub fn listed(
    connection: &Connection,
    query: &HandoffQuery,
    among: Option<&[i64]>,
    most: usize,
) -> Result<Vec<(Handoff, u64)>, StoreError> {
    let (mut sql, mut wanted) = (concat!(handoff!(), "1 = 1").to_owned(), Vec::<Value>::new());
    let mut only = |condition: &str, value: Value| {
        wanted.push(value);
        sql.push_str(&condition.replace('?', &format!("?{}", wanted.len())));
    };
    if let Some(status) = query.status {
        only(" AND status = ?", status.as_str().to_owned().into());
    }
    if let Some(conversation) = &query.conversation {
        only(" AND conversation = ?", conversation.clone().into());
    }
    if query.missed {
        only(" AND missed = ?", 1_i64.into());
    }
    if let Some(end_user) = &query.end_user {
        only(" AND end_user = ?", end_user.clone().into());
    }
    if let Some(agent) = &query.agent {
        only(" AND agent = ?", agent.clone().into());
    }
    if let Some(team) = &query.team {
        only(" AND team = ?", team.as_str().to_owned().into());
    }
    if let Sight::Of { teams, agent } = &query.sight {
        let teams: serde_json::Value = teams.iter().map(TeamName::as_str).collect();
        only(" AND (team IS NULL OR team IN (SELECT value FROM json_each(?))", teams.to_string().into());
        only(" OR agent = ?)", agent.clone().into());
    }
    if let Some(platform) = &query.platform {
        only(" AND instr(platforms, ?) > 0", format!(" {platform} ").into());
    }
    if let Some(among) = among {
        only(" AND position IN (SELECT value FROM json_each(?))", serde_json::to_string(among)?.into());
    }
    let (behind, order) = match query.order {
        Order::Newest => (" AND position < ?", " ORDER BY position DESC LIMIT ?"),
        Order::Oldest => (" AND position > ?", " ORDER BY position LIMIT ?"),
    };
    if let Some(after) = query.after {
        only(behind, signed(after).into());
    }
    only(order, count(most).into());
    connection.all(&sql, params_from_iter(wanted), |row| Ok((shown(row)?, unsigned(row.get(2)?))))
}

pub fn rows(
    connection: &Connection,
    id: &HandoffId,
    after: u64,
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    let sql = "SELECT doc, id, seq FROM thread_rows WHERE handoff = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
    let mut thread: Vec<Row> = Vec::new();
    connection.each(sql, params![id.as_str(), signed(after), count(limit)], |row| {
        let at = thread.last().map_or_else(Time::default, |before| before.at);
        let read = match or_note(doc(row), "row")? {
            Some(read) => read,
            None => placeholder::row(RowId(row.get(1)?), id, unsigned(row.get(2)?), at),
        };
        thread.push(read);
        Ok(())
    })?;
    Ok(thread)
}

pub fn row(connection: &Connection, id: &RowId) -> Result<Option<Row>, StoreError> {
    connection.first("SELECT doc FROM thread_rows WHERE id = ?1", [id.as_str()], doc)
}

pub fn changes_since(connection: &Connection, after: u64, limit: usize) -> Result<Since, StoreError> {
    // Both are read of one moment.
    let moment = connection.unchecked_transaction()?;
    let sql = "SELECT seq, (SELECT MIN(id) FROM changes) FROM sqlite_sequence WHERE name = 'changes'";
    let bounds = moment.first(sql, (), |row| Ok((unsigned(row.get(0)?), row.get::<_, Option<i64>>(1)?)))?;
    let (newest, oldest) = bounds.unwrap_or_default();
    let oldest = oldest.map_or(newest + 1, unsigned);
    if after.saturating_add(1) < oldest || after > newest {
        return Ok(Since::Reset(newest));
    }
    let sql = "SELECT COALESCE(thread_rows.doc, handoffs.doc), CASE WHEN changes.row_id IS NULL \
                   THEN (SELECT contexts.doc FROM contexts WHERE contexts.handoff = handoffs.id) END, changes.id, changes.row_id IS NOT NULL, \
                   changes.handoff = '' \
               FROM changes LEFT JOIN handoffs ON handoffs.id = changes.handoff \
               LEFT JOIN thread_rows ON thread_rows.id = changes.row_id \
               WHERE changes.id > ?1 AND (handoffs.id IS NOT NULL OR changes.handoff = '') ORDER BY changes.id LIMIT ?2";
    let mut changes = Vec::new();
    moment.each(sql, params![signed(after), count(limit)], |row| {
        let changed = match (row.get(3)?, row.get(4)?) {
            (_, true) => Some(FeedItem::CannedReplies),
            (true, _) => or_note(doc(row), "row")?.map(|row| FeedItem::Row(Arc::new(row))),
            (false, _) => or_note(handoffs::handoff(row), "handoff")?
                .map(|handoff| FeedItem::Handoff(Arc::new(handoff))),
        };
        let number = unsigned(row.get(2)?);
        changes.extend(changed.map(|changed| (number, changed)));
        Ok(())
    })?;
    Ok(Since::Changes(changes))
}

pub fn dead_letters(
    connection: &Connection,
    after: Option<u64>,
    limit: usize,
) -> Result<LetterPage, StoreError> {
    let sql = "SELECT doc, position FROM dead_letters WHERE position < ?1 ORDER BY position DESC LIMIT ?2";
    let behind = params![after.map_or(i64::MAX, signed), count(limit.saturating_add(1))];
    let found =
        connection.all(sql, behind, |row| Ok((or_note(doc(row), "dead letter")?, unsigned(row.get(1)?))))?;
    let (letters, next) = page(found, limit);
    Ok(LetterPage { letters: letters.into_iter().flatten().collect(), next })
}

pub fn dead_letter(connection: &Connection, id: &str) -> Result<Option<DeadLetter>, StoreError> {
    connection.first("SELECT doc FROM dead_letters WHERE id = ?1", [id], doc)
}

pub fn depths(connection: &Connection, known: &Known) -> Result<Depths, StoreError> {
    let queued = known.queued.all();
    let mut outbox_oldest = None;
    for destination in queued.keys().filter(|destination| destination.ai_agent().is_some()) {
        // The first of each lane, as the index has them: positions are in the order in which deliveries were queued.
        let oldest = "SELECT json_extract(doc, '$.queued_at') FROM outbox \
                      WHERE position = (SELECT MIN(position) FROM outbox WHERE destination = ?1 AND is_next = 1)";
        let oldest =
            connection.first(oldest, [destination.name()], |row| Ok(row.get::<_, Option<i64>>(0)?))?;
        outbox_oldest = [outbox_oldest, oldest.flatten()].into_iter().flatten().min();
    }
    let (inbox, inbox_oldest) = {
        let waiting = known.waiting.lock();
        (waiting.events(), waiting.oldest())
    };
    Ok(Depths {
        inbox,
        inbox_oldest,
        queued,
        outbox_oldest: outbox_oldest.map(Time::from_micros),
        handoffs: known.open.counts(),
        unreadable: outbox::unreadable(connection)?,
    })
}
