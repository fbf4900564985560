//! Claiming deliveries: of each lane only the first, for as long as a lease.

use std::time::Duration;

use sqlx::{Row as _, SqliteConnection};

use super::{count, view::doc};
use crate::{
    relay::{delivery::Delivery, time::Time},
    store::{Due, StoreError},
};

/// The first delivery of each lane, by when it can be tried.
const HEADS: &str = "SELECT doc, MAX(due_at, leased_until) AS ready_at FROM outbox AS head \
    WHERE NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.handoff = head.handoff \
        AND earlier.lane = head.lane AND earlier.position < head.position) \
    ORDER BY ready_at, position LIMIT $1";

pub async fn due(
    connection: &mut SqliteConnection,
    now: Time,
    lease: Duration,
    limit: usize,
) -> Result<Due<Delivery>, StoreError> {
    let heads = sqlx::query(HEADS).bind(count(limit.saturating_add(1)));
    let heads = heads.fetch_all(&mut *connection).await?;
    let mut due = Due { items: Vec::new(), next: None };
    for head in &heads {
        let ready_at = Time::from_micros(head.try_get(1)?);
        if ready_at > now || due.items.len() == limit {
            due.next = Some(ready_at);
            break;
        }
        let mut delivery: Delivery = doc(head)?;
        delivery.attempts += 1;
        hold(connection, &delivery, now + lease).await?;
        due.items.push(delivery);
    }
    Ok(due)
}

async fn hold(connection: &mut SqliteConnection, delivery: &Delivery, until: Time) -> Result<(), StoreError> {
    let hold = sqlx::query("UPDATE outbox SET leased_until = $1, doc = $2 WHERE id = $3");
    let hold = hold.bind(until.as_micros()).bind(serde_json::to_string(delivery)?);
    hold.bind(delivery.id.as_str()).execute(&mut *connection).await?;
    Ok(())
}
