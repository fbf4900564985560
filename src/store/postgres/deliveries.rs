//! The outbox. Of each lane the next deliveries are marked (`is_next`), so that what is due is found without looking at
//! what waits behind it.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Row;

use super::{
    connection::Connection,
    query::{Statement, Value, all, doc, first, key, number, run, run_together, time, values},
    view::columns,
};
use crate::{
    relay::{
        changes::{NOTICE_PAGE, NoticeScope},
        delivery::{Claim, Delivery, Destination, Lane, Queue},
        id::{ConversationKey, DeliveryId, HandoffId, HolderId},
        time::Time,
    },
    store::{Due, StoreError, document, or_note, unsigned},
};

/// A delivery, of `doc`, `holder` and `leased_until`.
fn delivery(row: &Row) -> Result<Delivery, StoreError> {
    let mut delivery: Delivery = doc(row, 0)?;
    let holder: &str = row.try_get(1)?;
    if !holder.is_empty() {
        delivery.claim = Some(Claim { holder: holder.into(), until: time(row, 2)? });
    }
    Ok(delivery)
}

/// See [`Store::due_deliveries`](crate::store::Store::due_deliveries).
///
/// Also gives the ids of those that can't be read.
pub async fn due(
    client: &Connection,
    now: Time,
    queues: &[(Queue, usize)],
) -> Result<(Vec<Due<Delivery>>, Vec<DeliveryId>), StoreError> {
    let sql = "SELECT doc, holder, leased_until, ready_at, id FROM outbox \
               WHERE destination = $1 AND queue = $2 AND is_next ORDER BY ready_at, position LIMIT $3";
    let statements = queues.iter().map(|(queue, limit)| {
        let destination = Value::key(&queue.destination.name());
        Statement::new(sql, values![destination, queue.class.as_str(), limit.saturating_add(1)])
    });
    let found = run_together(client, statements.collect()).await?;
    let mut unreadable = Vec::new();
    let due = found.iter().zip(queues).map(|(rows, (_, limit))| due_of(rows, now, *limit, &mut unreadable));
    Ok((due.collect::<Result<_, _>>()?, unreadable))
}

fn due_of(
    rows: &[Row],
    now: Time,
    limit: usize,
    unreadable: &mut Vec<DeliveryId>,
) -> Result<Due<Delivery>, StoreError> {
    let mut due = Due { items: Vec::new(), next: None };
    for row in rows {
        let ready_at = time(row, 3)?;
        if ready_at > now || due.items.len() == limit {
            due.next = Some(ready_at);
            break;
        }
        match delivery(row) {
            Ok(delivery) => due.items.push(delivery),
            Err(StoreError::Unreadable(_)) => unreadable.push(DeliveryId(key(row, 4)?)),
            Err(error) => return Err(error),
        }
    }
    Ok(due)
}

/// A conversation's deliveries, in their order, except those to platforms. What can't be read stands still in its lane, and
/// is nothing that a rule could change.
pub async fn of_conversation(
    client: &Connection,
    key: &ConversationKey,
) -> Result<Vec<Delivery>, StoreError> {
    let sql = "SELECT doc, holder, leased_until FROM outbox WHERE ai_agent = $1 AND conversation = $2 \
               AND NOT is_notice ORDER BY position";
    readable(&all(client, sql, columns(key)).await?)
}

fn readable(rows: &[Row]) -> Result<Vec<Delivery>, StoreError> {
    let read = rows.iter().map(|row| or_note(delivery(row), "delivery"));
    Ok(read.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// The deliveries to platforms that a decision needs.
pub async fn notices(
    client: &Connection,
    scope: Option<&NoticeScope>,
) -> Result<Option<Vec<Delivery>>, StoreError> {
    macro_rules! notices {
        ($which:literal) => {
            concat!("SELECT doc, holder, leased_until FROM outbox WHERE ", $which)
        };
    }
    let notices = match scope {
        None => return Ok(None),
        Some(scope @ (NoticeScope::NextOf(lane) | NoticeScope::FirstOf(lane))) => {
            let sql =
                notices!("ai_agent = $1 AND conversation = $2 AND lane = $3 ORDER BY position LIMIT $4");
            let mut wanted = lane_columns(lane);
            wanted.push(if let NoticeScope::NextOf(_) = scope { 1_usize } else { NOTICE_PAGE }.into());
            all(client, sql, wanted).await?.iter().map(delivery).collect::<Result<_, _>>()?
        }
        Some(NoticeScope::One(id)) => {
            let one = all(client, notices!("id = $1"), vec![Value::key(id.as_str())]).await?;
            one.iter().map(delivery).collect::<Result<_, _>>()?
        }
        Some(NoticeScope::Expired { handoff, at }) => {
            let sql = notices!(
                "expires_at <= $2 AND handoff = $1 AND is_notice ORDER BY expires_at, position LIMIT $3"
            );
            let expired = values![Value::key(handoff.as_str()), *at, NOTICE_PAGE];
            readable(&all(client, sql, expired).await?)?
        }
    };
    Ok(Some(notices))
}

fn lane_columns(lane: &Lane) -> Vec<Value> {
    let mut wanted = columns(&lane.key);
    wanted.push(Value::key(&lane.name()));
    wanted
}

/// How many deliveries can't be read.
pub async fn unreadable(client: &Connection) -> Result<u64, StoreError> {
    number(client, "SELECT COUNT(*) FROM outbox WHERE queue = 'unreadable' AND is_next", values![]).await
}

/// Deliveries that can't be read are set apart: each stops its own lane alone. The next process looks at them anew.
pub async fn set_apart(client: &Connection, unreadable: &[DeliveryId]) -> Result<(), StoreError> {
    let ids = Value::keys(unreadable.iter().map(DeliveryId::as_str));
    run(client, "UPDATE outbox SET queue = 'unreadable' WHERE id = ANY($1)", vec![ids]).await?;
    for id in unreadable {
        tracing::error!(delivery.id = %id, "a delivery can't be read, and its lane stands still");
    }
    Ok(())
}

/// What another process could not read this one may.
pub async fn look_anew(client: &Connection) -> Result<(), StoreError> {
    run(client, "UPDATE outbox SET queue = 'fresh' WHERE queue = 'unreadable'", values![]).await.map(drop)
}

/// See [`Store::expired`](crate::store::Store::expired).
pub async fn expired(client: &Connection, now: Time, limit: usize) -> Result<Due<HandoffId>, StoreError> {
    let sql = "SELECT handoff FROM outbox WHERE expires_at <= $1 GROUP BY handoff \
               ORDER BY MIN(expires_at), MIN(position) LIMIT $2";
    let next = "SELECT MIN(expires_at) FROM outbox WHERE expires_at > $1";
    let (expired, next) =
        tokio::try_join!(all(client, sql, values![now, limit]), first(client, next, values![now]))?;
    let items = expired.iter().map(|row| Ok(HandoffId(key(row, 0)?))).collect::<Result<_, StoreError>>()?;
    let next = next.map_or(Ok(None), |row| row.try_get::<_, Option<i64>>(0))?;
    Ok(Due { items, next: next.map(Time::from_micros) })
}

/// See [`Store::renew_claims`](crate::store::Store::renew_claims).
pub async fn renew(
    client: &Connection,
    holder: &HolderId,
    deliveries: &[DeliveryId],
    until: Time,
) -> Result<(), StoreError> {
    let sql = "UPDATE outbox SET leased_until = $1, ready_at = GREATEST($1, due_at) WHERE holder = $2 AND id = ANY($3)";
    let ids = Value::keys(deliveries.iter().map(DeliveryId::as_str));
    run(client, sql, values![until, holder.as_str(), ids]).await.map(drop)
}

/// See [`Store::waits_untroubled`](crate::store::Store::waits_untroubled).
pub async fn waits_untroubled(client: &Connection, delivery: &DeliveryId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM outbox AS waits WHERE id = $1 AND queue = 'fresh' \
               AND NOT EXISTS (SELECT 1 FROM outbox AS first WHERE first.ai_agent = waits.ai_agent \
                   AND first.conversation = waits.conversation AND first.lane = waits.lane \
                   AND first.position < waits.position AND first.queue <> 'fresh')";
    Ok(first(client, sql, vec![Value::key(delivery.as_str())]).await?.is_some())
}

/// Writes a delivery: a new one joins the end of its lane, a known one keeps its place. Its row says whether it is new.
pub fn put(delivery: &Delivery) -> Result<Statement, StoreError> {
    let (holder, until) = match &delivery.claim {
        Some(claim) => (claim.holder.as_str(), claim.until),
        None => ("", Time::default()),
    };
    let sql = "INSERT INTO outbox (id, handoff, ai_agent, conversation, lane, queue, destination, is_notice, queued_at, \
                   due_at, holder, leased_until, ready_at, expires_at, doc, is_next) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, \
                   NOT EXISTS (SELECT 1 FROM outbox WHERE ai_agent = $3 AND conversation = $4 AND lane = $5)) \
               ON CONFLICT (id) DO UPDATE SET queue = excluded.queue, due_at = excluded.due_at, \
                   holder = excluded.holder, leased_until = excluded.leased_until, ready_at = excluded.ready_at, \
                   expires_at = excluded.expires_at, doc = excluded.doc \
               RETURNING xmax = 0";
    let lane = delivery.lane();
    let mut values = vec![Value::key(delivery.id.as_str()), Value::key(delivery.handoff.as_str())];
    values.extend(lane_columns(&lane));
    values.extend(values![
        delivery.class().as_str(),
        Value::key(&lane.destination.name()),
        delivery.job.notice().is_some(),
        delivery.queued_at,
        delivery.due_at,
        holder,
        until,
        delivery.ready_at(),
        delivery.fails_at(),
        document::write(delivery)?,
    ]);
    Ok(Statement::new(sql, values))
}

/// Removes a delivery. Its row, if it was there, is for [`Lanes::left`].
pub fn remove(id: &DeliveryId) -> Statement {
    let sql = "DELETE FROM outbox WHERE id = $1 RETURNING ai_agent, conversation, lane, is_next, destination";
    Statement::new(sql, vec![Value::key(id.as_str())])
}

/// Lanes whose next deliveries are to be chosen anew.
#[derive(Default)]
pub struct Lanes(BTreeSet<(String, String, String)>);

impl Lanes {
    /// A delivery of a lane was put.
    pub fn joined(&mut self, delivery: &Delivery) {
        let lane = delivery.lane();
        // Of other lanes the first stays the first.
        let name = lane.name();
        if Lane::at_once_without_order(&name).is_some() {
            let [ai_agent, conversation] = [lane.key.ai_agent.as_str(), lane.key.conversation.as_str()]
                .map(|text| super::text::column(text).into_owned());
            self.0.insert((ai_agent, conversation, name));
        }
    }

    /// A delivery was removed, as its row says. Gives where it was to go.
    pub fn left(&mut self, row: &Row) -> Result<Option<Destination>, StoreError> {
        if row.try_get(3)? {
            self.0.insert((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
        }
        Ok(Destination::of_name(&key(row, 4)?))
    }

    /// The statements that choose: of an ordered lane the first, from `now` on; of others those that are held, and those that
    /// can be tried soonest.
    pub fn choices(self, now: Time) -> Vec<Statement> {
        let of_soonest = "WITH next AS (SELECT position FROM outbox WHERE ai_agent = $1 AND conversation = $2 \
                            AND lane = $3 ORDER BY holder = '', ready_at, position LIMIT $4) \
                        UPDATE outbox SET is_next = NOT is_next WHERE ai_agent = $1 AND conversation = $2 \
                            AND lane = $3 AND is_next <> (position IN (SELECT position FROM next))";
        let of_ordered = "UPDATE outbox SET is_next = TRUE, ready_at = GREATEST(ready_at, $4) \
                          WHERE NOT is_next AND position = (SELECT MIN(position) FROM outbox \
                              WHERE ai_agent = $1 AND conversation = $2 AND lane = $3)";
        let choose =
            |(ai_agent, conversation, lane): (String, String, String)| match Lane::at_once_without_order(
                &lane,
            ) {
                Some(at_once) => Statement::new(of_soonest, values![ai_agent, conversation, lane, at_once]),
                None => Statement::new(of_ordered, values![ai_agent, conversation, lane, now]),
            };
        self.0.into_iter().map(choose).collect()
    }
}

/// How many wait for each destination. What this relay doesn't know nobody asks it for.
pub async fn depths(client: &Connection) -> Result<BTreeMap<Destination, u64>, StoreError> {
    let sql = "SELECT destination, COUNT(*) FROM outbox GROUP BY destination";
    let mut depths = BTreeMap::new();
    for row in all(client, sql, values![]).await? {
        if let Some(destination) = Destination::of_name(&key(&row, 0)?) {
            depths.insert(destination, unsigned(row.try_get(1)?));
        }
    }
    Ok(depths)
}
