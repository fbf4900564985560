//! The outbox. Of each lane the next deliveries are marked (`is_next`), so that what is due is found without looking at
//! what waits behind it.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params};

use super::query::{Query, doc, text};
use crate::{
    relay::{
        changes::{NOTICE_PAGE, NoticeScope},
        delivery::{Claim, Delivery, Destination, Lane, Queue},
        id::{DeliveryId, HandoffId, HolderId},
        time::Time,
    },
    store::{Due, StoreError, count, document, or_note, unsigned},
};

type Done = Result<(), StoreError>;

/// A delivery, of `doc`, `holder` and `leased_until`.
pub fn delivery(row: &Row<'_>) -> Result<Delivery, StoreError> {
    let mut delivery: Delivery = doc(row)?;
    let holder = text(row, 1)?;
    if !holder.is_empty() {
        let until = Time::from_micros(row.get(2)?);
        delivery.claim = Some(Claim { holder: holder.into(), until });
    }
    Ok(delivery)
}

/// See [`Store::due_deliveries`](crate::store::Store::due_deliveries).
///
/// Also gives the ids of those that can't be read.
pub fn due(
    connection: &Connection,
    now: Time,
    queues: &[(Queue, usize)],
) -> Result<(Vec<Due<Delivery>>, Vec<DeliveryId>), StoreError> {
    let mut unreadable = Vec::new();
    let due = queues.iter().map(|(queue, limit)| due_in(connection, now, queue, *limit, &mut unreadable));
    Ok((due.collect::<Result<_, _>>()?, unreadable))
}

fn due_in(
    connection: &Connection,
    now: Time,
    queue: &Queue,
    limit: usize,
    unreadable: &mut Vec<DeliveryId>,
) -> Result<Due<Delivery>, StoreError> {
    let sql = "SELECT doc, holder, leased_until, ready_at, id FROM outbox \
               WHERE destination = ?1 AND queue = ?2 AND is_next = 1 ORDER BY ready_at, position LIMIT ?3";
    let next = params![queue.destination.name(), queue.class.as_str(), count(limit.saturating_add(1))];
    let mut due = Due { items: Vec::new(), next: None };
    connection.each(sql, next, |row| {
        let ready_at = Time::from_micros(row.get(3)?);
        if due.next.is_some() {
        } else if ready_at > now || due.items.len() == limit {
            due.next = Some(ready_at);
        } else {
            match delivery(row) {
                Ok(delivery) => due.items.push(delivery),
                Err(StoreError::Unreadable(_)) => unreadable.push(DeliveryId(row.get(4)?)),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    })?;
    Ok(due)
}

/// How many deliveries can't be read.
pub fn unreadable(connection: &Connection) -> Result<u64, StoreError> {
    // Each was the next of its lane when that was found out.
    connection.number("SELECT COUNT(*) FROM outbox WHERE queue = 'unreadable' AND is_next = 1", ())
}

/// Deliveries that can't be read are set apart: each stops its own lane alone. The next process looks at them anew.
pub fn set_apart(connection: &Connection, unreadable: Vec<DeliveryId>) -> Done {
    let sql = "UPDATE outbox SET queue = 'unreadable' WHERE id IN (SELECT value FROM json_each(?1))";
    connection.run(sql, [serde_json::to_string(&unreadable)?])?;
    for id in unreadable {
        tracing::error!(delivery.id = %id, "a delivery can't be read, and its lane stands still");
    }
    Ok(())
}

/// See [`Store::expired`](crate::store::Store::expired).
pub fn expired(connection: &Connection, now: Time, limit: usize) -> Result<Due<HandoffId>, StoreError> {
    let sql = "SELECT handoff FROM outbox WHERE expires_at <= ?1 GROUP BY handoff \
               ORDER BY MIN(expires_at), MIN(position) LIMIT ?2";
    let expired = params![now.as_micros(), count(limit)];
    let items = connection.all(sql, expired, |row| Ok(HandoffId(row.get(0)?)))?;
    let sql = "SELECT MIN(expires_at) FROM outbox WHERE expires_at > ?1";
    let next = connection.first(sql, [now.as_micros()], |row| Ok(row.get::<_, Option<i64>>(0)?))?;
    let next = next.flatten().map(Time::from_micros);
    Ok(Due { items, next })
}

/// See [`Store::renew_claims`](crate::store::Store::renew_claims).
pub struct Renewal {
    pub holder: HolderId,
    pub deliveries: Vec<DeliveryId>,
    pub until: Time,
}

pub fn renew(connection: &Connection, renewal: Renewal) -> Done {
    let sql = "UPDATE outbox SET leased_until = ?1, ready_at = MAX(?1, due_at) \
               WHERE holder = ?2 AND id IN (SELECT value FROM json_each(?3))";
    let (until, deliveries) = (renewal.until.as_micros(), serde_json::to_string(&renewal.deliveries)?);
    connection.run(sql, params![until, renewal.holder.as_str(), deliveries]).map(drop)
}

/// Nobody holds anything any more: the file is one process's, and the one before is gone. What it could not read this one
/// may.
pub fn void_claims(connection: &Connection) -> Done {
    let void = "UPDATE outbox SET holder = '', leased_until = 0, ready_at = due_at WHERE holder <> ''";
    connection.run(void, ())?;
    connection.run("UPDATE outbox SET queue = 'fresh' WHERE queue = 'unreadable'", ())?;
    Ok(())
}

/// A new delivery joins the end of its lane; a known one keeps its place. Says whether it is new.
pub fn put(connection: &Connection, delivery: &Delivery) -> Result<bool, StoreError> {
    let (holder, until) = match &delivery.claim {
        Some(claim) => (claim.holder.as_str(), claim.until.as_micros()),
        None => ("", 0),
    };
    let lane = delivery.lane();
    let (destination, lane) = (lane.destination.name(), LaneRow::from(lane));
    let sql = "UPDATE outbox SET due_at = ?1, holder = ?2, leased_until = ?3, ready_at = ?4, queue = ?5, doc = ?6, \
                   expires_at = ?7 WHERE id = ?8";
    let known = params![
        delivery.due_at.as_micros(),
        holder,
        until,
        delivery.ready_at().as_micros(),
        delivery.class().as_str(),
        document::write(delivery)?,
        delivery.fails_at().map(Time::as_micros),
        delivery.id.as_str(),
    ];
    if connection.run(sql, known)? > 0 {
        if let Some(at_once) = lane.at_once_without_order() {
            choose_soonest(connection, &lane, at_once)?;
        }
        return Ok(false);
    }
    let sql = "INSERT INTO outbox (id, handoff, lane, queue, ai_agent, conversation, due_at, holder, leased_until, \
                   ready_at, doc, expires_at, destination, is_notice, is_next) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, \
                   NOT EXISTS (SELECT 1 FROM outbox WHERE ai_agent = ?5 AND conversation = ?6 AND lane = ?3))";
    let new = params![
        delivery.id.as_str(),
        delivery.handoff.as_str(),
        lane.name,
        delivery.class().as_str(),
        lane.ai_agent,
        lane.conversation,
        delivery.due_at.as_micros(),
        holder,
        until,
        delivery.ready_at().as_micros(),
        document::write(delivery)?,
        delivery.fails_at().map(Time::as_micros),
        destination,
        delivery.job.notice().is_some(),
    ];
    connection.run(sql, new)?;
    if let Some(at_once) = lane.at_once_without_order() {
        choose_soonest(connection, &lane, at_once)?;
    }
    Ok(true)
}

/// A delivery is over: the one behind it is the next of its lane, from `now` on. Gives where it was
/// to go, if it was there.
pub fn remove(
    connection: &Connection,
    id: &DeliveryId,
    now: Time,
) -> Result<Option<Destination>, StoreError> {
    let sql = "DELETE FROM outbox WHERE id = ?1 RETURNING ai_agent, conversation, lane, is_next, destination";
    let gone = connection.first(sql, [id.as_str()], |row| {
        let lane = LaneRow { ai_agent: row.get(0)?, conversation: row.get(1)?, name: row.get(2)? };
        Ok((lane, row.get(3)?, Destination::of_name(text(row, 4)?)))
    })?;
    let Some((lane, was_next, destination)) = gone else { return Ok(None) };
    match (was_next, lane.at_once_without_order()) {
        (true, None) => choose_first(connection, &lane, now)?,
        (true, Some(at_once)) => choose_soonest(connection, &lane, at_once)?,
        (false, _) => {}
    }
    Ok(destination)
}

/// The deliveries to platforms that a decision needs.
pub fn notices(connection: &Connection, scope: &NoticeScope) -> Result<Vec<Delivery>, StoreError> {
    macro_rules! notices {
        ($which:literal) => {
            concat!("SELECT doc, holder, leased_until FROM outbox ", $which)
        };
    }
    match scope {
        NoticeScope::NextOf(lane) | NoticeScope::FirstOf(lane) => {
            let sql = notices!(
                "WHERE ai_agent = ?1 AND conversation = ?2 AND lane = ?3 ORDER BY position LIMIT ?4"
            );
            let limit = if let NoticeScope::NextOf(_) = scope { 1 } else { NOTICE_PAGE };
            let lane = LaneRow::from(lane.clone());
            let wanted = params![lane.ai_agent, lane.conversation, lane.name, count(limit)];
            connection.all(sql, wanted, delivery)
        }
        NoticeScope::One(id) => connection.all(notices!("WHERE id = ?1"), [id.as_str()], delivery),
        NoticeScope::Expired { handoff, at } => {
            let sql = notices!(
                "INDEXED BY outbox_by_expiry WHERE expires_at <= ?2 AND handoff = ?1 AND is_notice = 1 \
                 ORDER BY expires_at, position LIMIT ?3"
            );
            let expired = params![handoff.as_str(), at.as_micros(), count(NOTICE_PAGE)];
            let expired = connection.all(sql, expired, |row| or_note(delivery(row), "delivery"))?;
            Ok(expired.into_iter().flatten().collect())
        }
    }
}

/// How many wait for each destination. What this relay doesn't know nobody asks it for.
pub fn depths(connection: &Connection) -> Result<BTreeMap<Destination, u64>, StoreError> {
    let sql = "SELECT destination, COUNT(*) FROM outbox GROUP BY destination";
    let depths = connection
        .all(sql, (), |row| Ok(Destination::of_name(text(row, 0)?).zip(Some(unsigned(row.get(1)?)))))?;
    Ok(depths.into_iter().flatten().collect())
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
    fn at_once_without_order(&self) -> Option<usize> {
        Lane::at_once_without_order(&self.name)
    }
}

/// The first of an ordered lane becomes the next.
fn choose_first(connection: &Connection, lane: &LaneRow, now: Time) -> Done {
    let sql = "UPDATE outbox SET is_next = 1, ready_at = MAX(ready_at, ?4) WHERE position = \
                   (SELECT MIN(position) FROM outbox WHERE ai_agent = ?1 AND conversation = ?2 AND lane = ?3)";
    let first = params![lane.ai_agent, lane.conversation, lane.name, now.as_micros()];
    connection.run(sql, first).map(drop)
}

/// Of a lane without order those that are held are the next, and those that can be tried soonest.
fn choose_soonest(connection: &Connection, lane: &LaneRow, at_once: usize) -> Done {
    // Indexes of files are used only where the statement names their lane.
    let of_lane = if lane.name == "files" {
        "ai_agent = ?1 AND conversation = ?2 AND lane = 'files'"
    } else {
        "ai_agent = ?1 AND conversation = ?2 AND lane = ?3"
    };
    let sql = format!(
        "SELECT position FROM outbox WHERE {of_lane} ORDER BY holder = '', ready_at, position LIMIT ?4"
    );
    let soonest = params![lane.ai_agent, lane.conversation, lane.name, count(at_once)];
    let first = connection.all(&sql, soonest, |row| Ok(row.get::<_, i64>(0)?))?;
    let first = serde_json::to_string(&first)?;
    let sql = format!(
        "UPDATE outbox SET is_next = 0 WHERE {of_lane} \
         AND is_next = 1 AND position NOT IN (SELECT value FROM json_each(?4))"
    );
    connection.run(&sql, params![lane.ai_agent, lane.conversation, lane.name, first])?;
    let sql =
        "UPDATE outbox SET is_next = 1 WHERE is_next = 0 AND position IN (SELECT value FROM json_each(?1))";
    connection.run(sql, [first]).map(drop)
}
