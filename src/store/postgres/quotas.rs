//! What has been done under a quota, counted one after another by all relays, by the database's clock.

use std::time::Duration;

use super::{
    connect::Connections,
    connection::Connection,
    query::{Statement, Value, all, run, run_together, values},
};
use crate::store::{
    StoreError,
    quota::{Place, QUOTA_LONGEST, Quota},
    signed, unsigned,
};

/// In one order, so that two relays can't wait for each other.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended(name, 23)) \
                    FROM (SELECT name FROM unnest($1) AS name ORDER BY name) AS names";
/// How long until each quota has a place, in microseconds; null if all have one.
const WAIT: &str = "SELECT max(quota.within - (extract(epoch FROM clock_timestamp() - taken.oldest) * 1000000)::bigint) \
                    FROM unnest($1, $2, $3) AS quota (name, times, within), \
                    LATERAL (SELECT count(*) AS times, min(at) AS oldest FROM places WHERE places.name = quota.name \
                        AND at > clock_timestamp() - quota.within * interval '1 microsecond') AS taken \
                    WHERE taken.times >= quota.times";
const TAKE: &str =
    "INSERT INTO places (name, at) SELECT name, clock_timestamp() FROM unnest($1) AS name RETURNING id";
const GIVE_BACK: &str = "DELETE FROM places WHERE id = ANY($1)";
const OLD: &str = "DELETE FROM places WHERE at < clock_timestamp() - $1 * interval '1 microsecond'";

/// See [`Store::take_place`](crate::store::Store::take_place).
pub async fn take(connections: &Connections, quotas: &[Quota]) -> Result<Place, StoreError> {
    let names = || Value::keys(quotas.iter().map(|quota| quota.name.as_str()));
    let times = Value::Numbers(quotas.iter().map(|quota| quota.times.into()).collect());
    let within = Value::Numbers(quotas.iter().map(|quota| micros(quota.within)).collect());
    let statements =
        vec![Statement::new(LOCK, vec![names()]), Statement::new(WAIT, vec![names(), times, within])];
    let (transaction, waits) =
        connections.begin_with(async |client| run_together(client, statements).await).await?;
    let wait: Option<i64> = waits[1].first().map_or(Ok(None), |row| row.try_get(0))?;
    if let Some(wait) = wait {
        transaction.roll_back().await;
        return Ok(Place::NoneFor(Duration::from_micros(unsigned(wait))));
    }
    let taken = all(transaction.client(), TAKE, vec![names()]).await?;
    transaction.commit().await?;
    let numbers = taken.iter().map(|row| Ok(unsigned(row.try_get(0)?)));
    Ok(Place::Taken(numbers.collect::<Result<_, StoreError>>()?))
}

/// See [`Store::give_back_place`](crate::store::Store::give_back_place).
pub async fn give_back(connections: &Connections, numbers: &[u64]) -> Result<(), StoreError> {
    let numbers = Value::Numbers(numbers.iter().copied().map(signed).collect());
    run(&*connections.get().await?, GIVE_BACK, vec![numbers]).await.map(drop)
}

/// Forgets what no quota counts any more.
pub async fn purge(client: &Connection) -> Result<(), StoreError> {
    run(client, OLD, values![micros(QUOTA_LONGEST)]).await.map(drop)
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
