//! The outbox. Of each lane the next deliveries are marked (`is_next`), so that what is due is found without looking at
//! what waits behind it.

use std::collections::BTreeMap;

use sqlx::{Row as _, SqliteConnection, SqliteExecutor, SqlitePool, sqlite::SqliteRow};

use super::{count, documents::doc, unsigned};
use crate::{
    relay::{
        delivery::{Claim, Delivery, Destination, Lane, Queue},
        id::{ConversationKey, DeliveryId, HandoffId, HolderId},
        time::Time,
    },
    store::{Due, StoreError, Unreadable, document},
};

type Done = Result<(), StoreError>;

/// The name of the lanes that are in no order.
const FILES: &str = "files";

/// A delivery, of `doc`, `holder` and `leased_until`.
pub fn delivery(row: &SqliteRow) -> Result<Delivery, StoreError> {
    let mut delivery: Delivery = doc(row)?;
    let holder: &str = row.try_get(1)?;
    if !holder.is_empty() {
        let until = Time::from_micros(row.try_get(2)?);
        delivery.claim = Some(Claim { holder: holder.into(), until });
    }
    Ok(delivery)
}

/// See [`Store::due_deliveries`](crate::store::Store::due_deliveries).
///
/// Also gives the ids of those that can't be read.
pub async fn due(
    readers: &SqlitePool,
    now: Time,
    queue: &Queue,
    limit: usize,
) -> Result<(Due<Delivery>, Vec<DeliveryId>), StoreError> {
    let sql = "SELECT doc, holder, leased_until, ready_at, id FROM outbox \
               WHERE destination = $1 AND queue = $2 AND is_next = 1 ORDER BY ready_at, position LIMIT $3";
    let next = sqlx::query(sql).bind(queue.destination.name()).bind(queue.class.as_str());
    let next = next.bind(count(limit.saturating_add(1)));
    let (mut due, mut unreadable) = (Due { items: Vec::new(), next: None }, Vec::new());
    for row in &next.fetch_all(readers).await? {
        let ready_at = Time::from_micros(row.try_get(3)?);
        if ready_at > now || due.items.len() == limit {
            due.next = Some(ready_at);
            break;
        }
        match delivery(row) {
            Ok(delivery) => due.items.push(delivery),
            Err(StoreError::Unreadable(_)) => unreadable.push(DeliveryId(row.try_get(4)?)),
            Err(error) => return Err(error),
        }
    }
    Ok((due, unreadable))
}

/// See [`Store::unreadable`](crate::store::Store::unreadable).
pub async fn unreadable(readers: &SqlitePool) -> Result<Unreadable, StoreError> {
    // Each was the next of its lane when that was found out.
    let sql = "SELECT (SELECT COUNT(*) FROM outbox WHERE queue = 'unreadable' AND is_next = 1), \
               (SELECT COUNT(*) FROM buffers WHERE is_apart = 1)";
    let row = sqlx::query(sql).fetch_one(readers).await?;
    Ok(Unreadable { deliveries: unsigned(row.try_get(0)?), conversations: unsigned(row.try_get(1)?) })
}

/// See [`Store::set_apart`](crate::store::Store::set_apart).
pub async fn set_conversation_apart(
    connection: &mut SqliteConnection,
    key: ConversationKey,
    until: Time,
) -> Done {
    let sql = "UPDATE buffers SET due_at = $1, is_apart = 1 WHERE ai_agent = $2 AND conversation = $3";
    let apart = sqlx::query(sql).bind(until.as_micros()).bind(key.ai_agent.as_str());
    apart.bind(key.conversation.as_str()).execute(&mut *connection).await?;
    Ok(())
}

/// Deliveries that can't be read are set apart: each stops its own lane alone. The next process looks at them anew.
pub async fn set_apart(connection: &mut SqliteConnection, unreadable: Vec<DeliveryId>) -> Done {
    let sql = "UPDATE outbox SET queue = 'unreadable' WHERE id IN (SELECT value FROM json_each($1))";
    sqlx::query(sql).bind(serde_json::to_string(&unreadable)?).execute(&mut *connection).await?;
    for id in unreadable {
        tracing::error!(delivery.id = %id, "a delivery can't be read, and its lane stands still");
    }
    Ok(())
}

/// See [`Store::expired`](crate::store::Store::expired).
pub async fn expired(readers: &SqlitePool, now: Time, limit: usize) -> Result<Due<HandoffId>, StoreError> {
    let sql = "SELECT handoff FROM outbox WHERE expires_at <= $1 GROUP BY handoff \
               ORDER BY MIN(expires_at), MIN(position) LIMIT $2";
    let expired = sqlx::query_scalar::<_, String>(sql).bind(now.as_micros()).bind(count(limit));
    let items = expired.fetch_all(readers).await?.into_iter().map(HandoffId).collect();
    let next =
        sqlx::query_scalar::<_, Option<i64>>("SELECT MIN(expires_at) FROM outbox WHERE expires_at > $1");
    let next = next.bind(now.as_micros()).fetch_one(readers).await?.map(Time::from_micros);
    Ok(Due { items, next })
}

/// See [`Store::renew_claims`](crate::store::Store::renew_claims).
pub struct Renewal {
    pub holder: HolderId,
    pub deliveries: Vec<DeliveryId>,
    pub until: Time,
}

pub async fn renew(connection: &mut SqliteConnection, renewal: Renewal) -> Done {
    let sql = "UPDATE outbox SET leased_until = $1, ready_at = MAX($1, due_at) \
               WHERE holder = $2 AND id IN (SELECT value FROM json_each($3))";
    let renew = sqlx::query(sql).bind(renewal.until.as_micros()).bind(renewal.holder.as_str());
    renew.bind(serde_json::to_string(&renewal.deliveries)?).execute(&mut *connection).await?;
    Ok(())
}

/// Nobody holds anything any more: the file is one process's, and the one before is gone. What it could not read this one
/// may.
pub async fn void_claims(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let void = "UPDATE outbox SET holder = '', leased_until = 0, ready_at = due_at WHERE holder <> ''";
    sqlx::query(void).execute(&mut *connection).await?;
    for anew in [
        "UPDATE outbox SET queue = 'fresh' WHERE queue = 'unreadable'",
        "UPDATE buffers SET due_at = 0, is_apart = 0 WHERE is_apart = 1",
    ] {
        sqlx::query(anew).execute(&mut *connection).await?;
    }
    Ok(())
}

/// A new delivery joins the end of its lane; a known one keeps its place. Says whether it is new.
pub async fn put(connection: &mut SqliteConnection, delivery: &Delivery) -> Result<bool, StoreError> {
    let (holder, until) = match &delivery.claim {
        Some(claim) => (claim.holder.as_str(), claim.until.as_micros()),
        None => ("", 0),
    };
    let lane = delivery.lane();
    let (destination, lane) = (lane.destination.name(), LaneRow::from(lane));
    let sql = "UPDATE outbox SET due_at = $1, holder = $2, leased_until = $3, ready_at = $4, queue = $5, doc = $6, \
                   expires_at = $7 WHERE id = $8";
    let known = sqlx::query(sql)
        .bind(delivery.due_at.as_micros())
        .bind(holder)
        .bind(until)
        .bind(delivery.ready_at().as_micros())
        .bind(delivery.class().as_str())
        .bind(document::write(delivery)?)
        .bind(delivery.fails_at().map(Time::as_micros))
        .bind(delivery.id.as_str())
        .execute(&mut *connection)
        .await?;
    if known.rows_affected() > 0 {
        if !lane.is_ordered() {
            choose_files(connection, &lane).await?;
        }
        return Ok(false);
    }
    let sql = "INSERT INTO outbox (id, handoff, lane, queue, ai_agent, conversation, due_at, holder, leased_until, \
                   ready_at, doc, expires_at, destination, is_next) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, \
                   NOT EXISTS (SELECT 1 FROM outbox WHERE ai_agent = $5 AND conversation = $6 AND lane = $3))";
    sqlx::query(sql)
        .bind(delivery.id.as_str())
        .bind(delivery.handoff.as_str())
        .bind(&lane.name)
        .bind(delivery.class().as_str())
        .bind(&lane.ai_agent)
        .bind(&lane.conversation)
        .bind(delivery.due_at.as_micros())
        .bind(holder)
        .bind(until)
        .bind(delivery.ready_at().as_micros())
        .bind(document::write(delivery)?)
        .bind(delivery.fails_at().map(Time::as_micros))
        .bind(destination)
        .execute(&mut *connection)
        .await?;
    if !lane.is_ordered() {
        choose_files(connection, &lane).await?;
    }
    Ok(true)
}

/// A delivery is over: the one behind it is the next of its lane, from `now` on. Gives where it was
/// to go, if it was there.
pub async fn remove(
    connection: &mut SqliteConnection,
    id: &DeliveryId,
    now: Time,
) -> Result<Option<Destination>, StoreError> {
    let sql = "DELETE FROM outbox WHERE id = $1 RETURNING ai_agent, conversation, lane, is_next, destination";
    let gone = sqlx::query(sql).bind(id.as_str()).fetch_optional(&mut *connection).await?;
    let Some(gone) = gone else { return Ok(None) };
    let lane = LaneRow { ai_agent: gone.try_get(0)?, conversation: gone.try_get(1)?, name: gone.try_get(2)? };
    match (gone.try_get(3)?, lane.is_ordered()) {
        (true, true) => choose_first(connection, &lane, now).await?,
        (true, false) => choose_files(connection, &lane).await?,
        (false, _) => {}
    }
    Ok(Destination::of_name(gone.try_get(4)?))
}

/// How many wait for each destination. What this relay doesn't know nobody asks it for.
pub async fn depths<'c>(
    connection: impl SqliteExecutor<'c>,
) -> Result<BTreeMap<Destination, u64>, sqlx::Error> {
    let rows = sqlx::query("SELECT destination, COUNT(*) FROM outbox GROUP BY destination");
    let rows = rows.fetch_all(connection).await?;
    let depth = |row: &SqliteRow| Some((Destination::of_name(row.get(0))?, unsigned(row.get(1))));
    Ok(rows.iter().filter_map(depth).collect())
}

/// A lane, as it is stored.
struct LaneRow {
    ai_agent: String,
    conversation: String,
    name: String,
}

impl From<Lane> for LaneRow {
    fn from(lane: Lane) -> Self {
        let name = lane.name();
        Self { ai_agent: lane.key.ai_agent.0, conversation: lane.key.conversation.0, name }
    }
}

impl LaneRow {
    fn is_ordered(&self) -> bool {
        self.name != FILES
    }
}

/// The first of an ordered lane becomes the next.
async fn choose_first(connection: &mut SqliteConnection, lane: &LaneRow, now: Time) -> Done {
    let sql = "UPDATE outbox SET is_next = 1, ready_at = MAX(ready_at, $4) WHERE position = \
                   (SELECT MIN(position) FROM outbox WHERE ai_agent = $1 AND conversation = $2 AND lane = $3)";
    let choose = sqlx::query(sql).bind(&lane.ai_agent).bind(&lane.conversation).bind(&lane.name);
    choose.bind(now.as_micros()).execute(&mut *connection).await?;
    Ok(())
}

/// Of a conversation's files those that are held are the next, and those that can be tried soonest.
async fn choose_files(connection: &mut SqliteConnection, lane: &LaneRow) -> Done {
    let sql = "SELECT position FROM outbox WHERE ai_agent = $1 AND conversation = $2 AND lane = 'files' \
               ORDER BY holder = '', ready_at, position LIMIT $3";
    let first = sqlx::query_scalar::<_, i64>(sql).bind(&lane.ai_agent).bind(&lane.conversation);
    let first = first.bind(count(Destination::Files.at_once_in_lane())).fetch_all(&mut *connection).await?;
    let sql = "UPDATE outbox SET is_next = 0 WHERE ai_agent = $1 AND conversation = $2 AND lane = 'files' \
               AND is_next = 1 AND position NOT IN (SELECT value FROM json_each($3))";
    let first = serde_json::to_string(&first)?;
    let others = sqlx::query(sql).bind(&lane.ai_agent).bind(&lane.conversation).bind(&first);
    others.execute(&mut *connection).await?;
    let sql =
        "UPDATE outbox SET is_next = 1 WHERE is_next = 0 AND position IN (SELECT value FROM json_each($1))";
    sqlx::query(sql).bind(&first).execute(&mut *connection).await?;
    Ok(())
}
