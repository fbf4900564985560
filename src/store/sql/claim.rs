//! Claiming deliveries: of each lane only the first, of each conversation only some files, for as long as a lease.

use std::time::Duration;

use sqlx::{Row as _, SqliteConnection};

use super::{count, view::doc};
use crate::{
    relay::{
        delivery::{Delivery, Queue},
        time::Time,
    },
    store::{Due, FILES_OF_A_CONVERSATION, StoreError},
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

/// The same of files, which have a lane each: of each conversation those that can be tried, as many as its share leaves.
const FILES: &str = "SELECT doc, ready_at FROM ( \
        SELECT doc, ready_at, position, ai_agent, conversation, \
            ROW_NUMBER() OVER (PARTITION BY ai_agent, conversation ORDER BY ready_at, position) AS place \
        FROM outbox AS head WHERE queue = $1 AND ready_at <= $3 \
            AND NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.handoff = head.handoff \
                AND earlier.lane = head.lane AND earlier.position < head.position)) AS file \
    WHERE place <= $4 AND place + (SELECT COUNT(*) FROM outbox AS claimed WHERE claimed.queue = $1 \
        AND claimed.ai_agent = file.ai_agent AND claimed.conversation = file.conversation \
        AND claimed.leased_until > $3) <= $4 \
    ORDER BY ready_at, position LIMIT $2";

const NEXT_FILE: &str = "SELECT MIN(ready_at) FROM outbox WHERE queue = $1 AND ready_at > $2";

pub async fn due(connection: &mut SqliteConnection, asked: &Asked) -> Result<Due<Delivery>, StoreError> {
    let (queue, limit) = (asked.queue.as_str(), count(asked.limit.saturating_add(1)));
    let heads = match asked.queue {
        Queue::Files => sqlx::query(FILES)
            .bind(queue)
            .bind(limit)
            .bind(asked.now.as_micros())
            .bind(count(FILES_OF_A_CONVERSATION)),
        _ => sqlx::query(HEADS).bind(queue).bind(limit),
    };
    let heads = heads.fetch_all(&mut *connection).await?;
    let mut due = Due { items: Vec::new(), next: next_file(connection, asked).await? };
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

/// When the next file can be tried that can't yet: those that wait for their share are not among the heads.
async fn next_file(connection: &mut SqliteConnection, asked: &Asked) -> Result<Option<Time>, StoreError> {
    if asked.queue != Queue::Files {
        return Ok(None);
    }
    let next = sqlx::query_scalar::<_, Option<i64>>(NEXT_FILE);
    let next = next.bind(asked.queue.as_str()).bind(asked.now.as_micros());
    Ok(next.fetch_one(connection).await?.map(Time::from_micros))
}
