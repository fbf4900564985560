//! What agents and workers read, beside decisions.

use std::sync::Arc;

use tokio_postgres::Row as SqlRow;

use super::{
    connection::Connection,
    deliveries,
    handoffs::{self, documents},
    query::{Value, all, doc, first, key, list, number, optional_key, time, values},
    sample::Samples,
    search, text,
};
use crate::{
    metrics::Depths,
    relay::{
        changes::DeadLetter,
        handoff::Handoff,
        id::{AiAgentId, ConversationId, ConversationKey, HandoffId, RowId, TeamName},
        sight::Sight,
        thread::Row,
        time::Time,
    },
    store::{
        Due, FeedItem, HandoffQuery, IdleHandoff, IdlePlace, LetterPage, Order, Page, Since, StatusFilter,
        StoreError, or_note, page, placeholder, search::Wanted, signed, unsigned,
    },
};

pub async fn idle_handoffs(
    client: &Connection,
    status: StatusFilter,
    until: Time,
    after: Option<IdlePlace>,
    limit: usize,
) -> Result<Due<IdleHandoff>, StoreError> {
    let sql = "SELECT id, idle_since, position, route, team, ai_agent FROM handoffs \
               WHERE status = $1 AND idle_since IS NOT NULL AND (idle_since, position) > ($2, $3) \
               ORDER BY idle_since, position LIMIT $4";
    let mut due = Due { items: Vec::new(), next: None };
    let (since, number) =
        after.map_or((i64::MIN, 0), |after| (after.since.as_micros(), signed(after.number)));
    for row in all(client, sql, values![status.as_str(), since, number, limit.saturating_add(1)]).await? {
        let place = IdlePlace { since: time(&row, 1)?, number: unsigned(row.try_get(2)?) };
        if place.since > until || due.items.len() == limit {
            due.next = Some(place.since);
            break;
        }
        let (route, team) = (optional_key(&row, 3)?, optional_key(&row, 4)?.map(TeamName));
        let (id, ai_agent) = (HandoffId(key(&row, 0)?), AiAgentId(key(&row, 5)?));
        due.items.push(IdleHandoff { id, place, ai_agent, route, team });
    }
    Ok(due)
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

pub async fn handoff(client: &Connection, id: &HandoffId) -> Result<Option<Handoff>, StoreError> {
    let row = first(client, concat!(handoff!(), "id = $1"), vec![Value::key(id.as_str())]).await?;
    row.map(|row| shown(&row)).transpose()
}

/// The handoff, or what stands in its place.
fn shown(row: &SqlRow) -> Result<Handoff, StoreError> {
    if let Some(handoff) = or_note(handoffs::handoff(row), "handoff")? {
        return Ok(handoff);
    }
    let (ai_agent, conversation) = (AiAgentId(key(row, 4)?), ConversationId(key(row, 5)?));
    let agent = row.try_get::<_, Option<&str>>(7)?.map(text::read);
    let key_of_it = ConversationKey { ai_agent, conversation };
    let team = optional_key(row, 8)?.map(TeamName);
    Ok(Handoff { team, ..placeholder::handoff(HandoffId(key(row, 3)?), key_of_it, row.try_get(6)?, agent) })
}

pub async fn handoffs(
    client: &Connection,
    samples: &Samples,
    query: &HandoffQuery,
) -> Result<Page, StoreError> {
    if let Some(wanted) = query.text.as_deref().and_then(Wanted::new) {
        return search::page(client, samples, query, &wanted).await;
    }
    let (handoffs, next) =
        page(listed(client, query, None, query.limit.saturating_add(1)).await?, query.limit);
    Ok(Page { handoffs, next, found: Vec::new() })
}

/// The first `most` handoffs of a list, each with its position; only those at some positions, if these are given.
pub async fn listed(
    client: &Connection,
    query: &HandoffQuery,
    among: Option<&[i64]>,
    most: usize,
) -> Result<Vec<(Handoff, u64)>, StoreError> {
    let (mut sql, mut wanted) = (concat!(handoff!(), "TRUE").to_owned(), Vec::<Value>::new());
    let mut only = |condition: &str, value: Value| {
        wanted.push(value);
        sql.push_str(&condition.replace('?', &format!("${}", wanted.len())));
    };
    if let Some(status) = query.status {
        only(" AND status = ?", status.as_str().into());
    }
    if let Some(conversation) = &query.conversation {
        only(" AND conversation = ?", Value::key(conversation));
    }
    if query.missed {
        only(" AND missed = ?", 1_i64.into());
    }
    if let Some(end_user) = &query.end_user {
        only(" AND end_user = ?", Value::key(end_user));
    }
    if let Some(agent) = &query.agent {
        only(" AND agent = ?", Value::key(agent));
    }
    if let Some(team) = &query.team {
        only(" AND team = ?", Value::key(team.as_str()));
    }
    if let Sight::Of { teams, agent } = &query.sight {
        let teams = Value::keys(teams.iter().map(TeamName::as_str));
        only(" AND (team IS NULL OR team = ANY(?)", teams);
        only(" OR agent = ?)", Value::key(agent.as_str()));
    }
    if let Some(platform) = &query.platform {
        only(" AND strpos(platforms, ?) > 0", format!(" {platform} ").into());
    }
    if let Some(among) = among {
        only(" AND position = ANY(?)", Value::Numbers(among.to_vec()));
    }
    let (behind, order) = match query.order {
        Order::Newest => (" AND position < ?", " ORDER BY position DESC LIMIT ?"),
        Order::Oldest => (" AND position > ?", " ORDER BY position LIMIT ?"),
    };
    if let Some(after) = query.after {
        only(behind, signed(after).into());
    }
    only(order, most.into());
    let rows = list(client, &sql, wanted).await?;
    rows.iter().map(|row| Ok((shown(row)?, unsigned(row.try_get(2)?)))).collect()
}

pub async fn rows(
    client: &Connection,
    id: &HandoffId,
    after: u64,
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    let sql = "SELECT doc, id, seq FROM thread_rows WHERE handoff = $1 AND seq > $2 ORDER BY seq LIMIT $3";
    let mut thread: Vec<Row> = Vec::new();
    for row in all(client, sql, values![Value::key(id.as_str()), after, limit]).await? {
        let at = thread.last().map_or_else(Time::default, |before| before.at);
        let read = match or_note(doc(&row, 0), "row")? {
            Some(read) => read,
            None => placeholder::row(RowId(key(&row, 1)?), id, unsigned(row.try_get(2)?), at),
        };
        thread.push(read);
    }
    Ok(thread)
}

pub async fn row(client: &Connection, id: &RowId) -> Result<Option<Row>, StoreError> {
    let row =
        first(client, "SELECT doc FROM thread_rows WHERE id = $1", vec![Value::key(id.as_str())]).await?;
    row.map(|row| doc(&row, 0)).transpose()
}

pub async fn changes_since(client: &Connection, after: u64, limit: usize) -> Result<Since, StoreError> {
    // One statement, so that all is of one moment: a purge may run beside it.
    let sql = "WITH bounds AS (SELECT last, COALESCE((SELECT MIN(number) FROM changes), last + 1) AS oldest FROM feed), \
                   page AS (SELECT changes.number, changes.handoff = '' AS is_replies, changes.row_id, \
                           COALESCE(thread_rows.doc, handoffs.doc) AS doc, CASE WHEN changes.row_id IS NULL \
                           THEN (SELECT contexts.doc FROM contexts WHERE contexts.handoff = handoffs.id) END AS context \
                       FROM changes LEFT JOIN handoffs ON handoffs.id = changes.handoff \
                           LEFT JOIN thread_rows ON thread_rows.id = changes.row_id \
                       WHERE changes.number > $1 AND (handoffs.id IS NOT NULL OR changes.handoff = '') \
                       ORDER BY changes.number LIMIT $2) \
               SELECT page.doc, page.context, page.number, page.row_id IS NOT NULL, page.is_replies, bounds.last, \
                   bounds.oldest \
               FROM bounds LEFT JOIN page ON TRUE ORDER BY page.number";
    let rows = all(client, sql, values![after, limit]).await?;
    let Some(bounds) = rows.first() else { return Ok(Since::Reset(0)) };
    let (newest, oldest) = (unsigned(bounds.try_get(5)?), unsigned(bounds.try_get(6)?));
    if after.saturating_add(1) < oldest || after > newest {
        return Ok(Since::Reset(newest));
    }
    let mut changes = Vec::with_capacity(rows.len());
    for row in &rows {
        let Some(number) = row.try_get::<_, Option<i64>>(2)? else { continue };
        let changed = match (row.try_get(3)?, row.try_get(4)?) {
            (_, true) => Some(FeedItem::CannedReplies),
            (true, _) => or_note(doc(row, 0), "row")?.map(|row| FeedItem::Row(Arc::new(row))),
            (false, _) => or_note(handoffs::handoff(row), "handoff")?
                .map(|handoff| FeedItem::Handoff(Arc::new(handoff))),
        };
        changes.extend(changed.map(|changed| (unsigned(number), changed)));
    }
    Ok(Since::Changes(changes))
}

pub async fn dead_letters(
    client: &Connection,
    after: Option<u64>,
    limit: usize,
) -> Result<LetterPage, StoreError> {
    let sql = "SELECT doc, position FROM dead_letters WHERE position < $1 ORDER BY position DESC LIMIT $2";
    let behind = after.map_or(i64::MAX, signed);
    let rows = all(client, sql, values![behind, limit.saturating_add(1)]).await?;
    let found = rows.iter().map(|row| Ok((or_note(doc(row, 0), "dead letter")?, unsigned(row.try_get(1)?))));
    let (letters, next) = page(found.collect::<Result<Vec<_>, StoreError>>()?, limit);
    Ok(LetterPage { letters: letters.into_iter().flatten().collect(), next })
}

pub async fn dead_letter(client: &Connection, id: &str) -> Result<Option<DeadLetter>, StoreError> {
    let letter = first(client, "SELECT doc FROM dead_letters WHERE id = $1", vec![Value::key(id)]).await?;
    letter.map(|row| doc(&row, 0)).transpose()
}

/// The conversations that have an open handoff.
pub async fn open_conversations(client: &Connection) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT DISTINCT conversation FROM handoffs WHERE status IN ('waiting', 'active')";
    all(client, sql, values![]).await?.iter().map(|row| key(row, 0)).collect()
}

/// How many handoffs are waiting, active, ended.
async fn counts(client: &Connection) -> Result<[u64; 3], StoreError> {
    let sql = "SELECT status, COUNT(*) FROM handoffs GROUP BY status";
    let mut counts = [0; 3];
    for row in all(client, sql, values![]).await? {
        let place = [StatusFilter::Waiting, StatusFilter::Active, StatusFilter::Ended]
            .iter()
            .position(|status| row.try_get::<_, &str>(0).is_ok_and(|name| name == status.as_str()));
        if let Some(place) = place {
            counts[place] = unsigned(row.try_get(1)?);
        }
    }
    Ok(counts)
}

pub async fn depths(client: &Connection) -> Result<Depths, StoreError> {
    let inbox = "SELECT COUNT(*), MIN(sort_time) FROM journal WHERE doc <> ''";
    let oldest = "SELECT MIN(queued_at) FROM outbox WHERE split_part(destination, ' ', 1) IN ('writes', 'reads', 'updates')";
    let (inbox, queued, oldest, handoffs, unreadable) = tokio::try_join!(
        first(client, inbox, values![]),
        deliveries::depths(client),
        first(client, oldest, values![]),
        counts(client),
        deliveries::unreadable(client),
    )?;
    let number_in = |row: &Option<SqlRow>, column: usize| match row {
        Some(row) => row.try_get::<_, Option<i64>>(column),
        None => Ok(None),
    };
    Ok(Depths {
        inbox: number_in(&inbox, 0)?.map_or(0, unsigned),
        inbox_oldest: number_in(&inbox, 1)?.map(Time::from_micros),
        queued,
        outbox_oldest: number_in(&oldest, 0)?.map(Time::from_micros),
        handoffs,
        unreadable,
    })
}

/// The number of the newest change that has one.
pub async fn newest_change(client: &Connection) -> Result<u64, StoreError> {
    number(client, "SELECT last FROM feed", values![]).await
}
