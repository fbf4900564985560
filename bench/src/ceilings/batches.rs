//! Events in PostgreSQL, by the shortest way there is: one connection, and what has come meanwhile is one statement.

use anyhow::Result;
use tokio::sync::mpsc;

use super::arrival::Arrival;
use crate::database::connect;

/// As many in one statement as the relay takes.
const BATCH: usize = 256;

/// Keeps what arrives, in a table of the database that several servers may share.
///
/// # Errors
/// PostgreSQL says why; then nothing more is acknowledged.
pub async fn write(url: String, mut queue: mpsc::Receiver<Arrival>) -> Result<()> {
    let client = connect(&url).await?;
    client
        .batch_execute(
            "SELECT pg_advisory_xact_lock(1); \
             CREATE TABLE IF NOT EXISTS arrivals (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, svix_id text NOT NULL UNIQUE, \
             conversation text NOT NULL, created_at text NOT NULL, body text NOT NULL)",
        )
        .await?;
    let insert = client
        .prepare(
            "INSERT INTO arrivals (svix_id, conversation, created_at, body) \
             SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING RETURNING svix_id",
        )
        .await?;
    let mut batch = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        let column = |of: fn(&Arrival) -> &str| batch.iter().map(of).collect::<Vec<&str>>();
        let columns = [
            column(|arrival| &arrival.svix_id),
            column(|arrival| &arrival.conversation),
            column(|arrival| &arrival.created_at),
            column(|arrival| &arrival.body),
        ];
        let [ids, conversations, times, bodies] = &columns;
        client.query(&insert, &[ids, conversations, times, bodies]).await?;
        for arrival in batch.drain(..) {
            // Whoever asked may have gone.
            let _ = arrival.tell.send(());
        }
    }
    Ok(())
}
