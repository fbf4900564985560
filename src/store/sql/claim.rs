//! Claiming deliveries: of each lane only the first, for as long as a lease.

use std::time::Duration;

use sqlx::{Row as _, SqliteConnection};

use super::{count, view::doc};
use crate::{
    relay::{
        delivery::{Delivery, Queue},
        time::Time,
    },
    store::{Due, StoreError},
};

/// See [`Store::claim_due`](crate::store::Store::claim_due).
pub struct Asked {
    pub now: Time,
    pub lease: Duration,
    pub queue: Queue,
    pub limit: usize,
}

/// The first delivery of each lane, by when it can be tried.
const HEADS: &str = "SELECT doc, ready_at FROM outbox AS head \
    WHERE queue = $1 AND NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.handoff = head.handoff \
        AND earlier.lane = head.lane AND earlier.position < head.position) \
    ORDER BY ready_at, position LIMIT $2";

pub async fn due(connection: &mut SqliteConnection, asked: &Asked) -> Result<Due<Delivery>, StoreError> {
    let heads = sqlx::query(HEADS).bind(asked.queue.as_str()).bind(count(asked.limit.saturating_add(1)));
    let heads = heads.fetch_all(&mut *connection).await?;
    let mut due = Due { items: Vec::new(), next: None };
    for head in &heads {
        let ready_at = Time::from_micros(head.try_get(1)?);
        if ready_at > asked.now || due.items.len() == asked.limit {
            due.next = Some(ready_at);
            break;
        }
        let delivery: Delivery = doc(head)?;
        let hold = sqlx::query("UPDATE outbox SET leased_until = $1, ready_at = $1 WHERE id = $2");
        let hold = hold.bind((asked.now + asked.lease).as_micros()).bind(delivery.id.as_str());
        hold.execute(&mut *connection).await?;
        due.items.push(delivery);
    }
    Ok(due)
}
