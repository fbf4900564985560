//! Calls to AI Agents' APIs, counted one after another by all relays, by the database's clock. So Ada's limits hold in sum,
//! whichever relay calls.

use std::time::Duration;

use super::{
    connect::Connections,
    query::{Statement, Value, run, run_together, values},
};
use crate::{
    relay::id::AiAgentId,
    store::{SharedCalls, StoreError, unsigned},
};

/// Calls of one AI Agent are counted one after another: who counts sees all that were counted before.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended($1, 19))";
const COUNT: &str = "INSERT INTO calls (ai_agent, relay, at) VALUES ($1, $2, clock_timestamp()) RETURNING id";
/// Ada sees a call up to two seconds after it was counted, and a minute counts.
const OTHERS: &str = "SELECT id, (extract(epoch FROM clock_timestamp() - at) * 1000000)::bigint FROM calls \
                      WHERE ai_agent = $1 AND relay <> $2 AND id > $3 \
                      AND at > clock_timestamp() - interval '62 seconds' ORDER BY id";
const OLD: &str = "DELETE FROM calls WHERE at < clock_timestamp() - interval '2 minutes'";

/// See [`Store::count_call`](crate::store::Store::count_call).
pub async fn count(
    connections: &Connections,
    relay: &str,
    ai_agent: &AiAgentId,
    known: u64,
) -> Result<SharedCalls, StoreError> {
    let ai_agent = || Value::key(ai_agent.as_str());
    let statements = vec![
        Statement::new(LOCK, vec![ai_agent()]),
        Statement::new(COUNT, values![ai_agent(), relay]),
        Statement::new(OTHERS, values![ai_agent(), relay, known]),
    ];
    let (transaction, counted) =
        connections.begin_with(async |client| run_together(client, statements).await).await?;
    transaction.commit().await?;
    let mut calls = SharedCalls { known, ..SharedCalls::default() };
    for row in &counted[1] {
        calls.number = unsigned(row.try_get(0)?);
    }
    for row in &counted[2] {
        calls.known = unsigned(row.try_get(0)?);
        calls.others.push(Duration::from_micros(unsigned(row.try_get(1)?)));
    }
    Ok(calls)
}

/// See [`Store::take_back_call`](crate::store::Store::take_back_call).
pub async fn take_back(connections: &Connections, number: u64) -> Result<(), StoreError> {
    let client = connections.get().await?;
    run(&client, "DELETE FROM calls WHERE id = $1", values![number]).await.map(drop)
}

/// Forgets those that no window has any more.
pub async fn purge(connections: &Connections) -> Result<(), StoreError> {
    run(&*connections.get().await?, OLD, values![]).await.map(drop)
}
