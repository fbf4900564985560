//! The schema. Relays of the version before may be running while it changes, so a step adds, and takes nothing away that they
//! need.

use super::{
    connect::{Connections, Transaction},
    connection::Connection,
    privileges,
    query::{Value, all, first, number, values},
    text,
};
use crate::{
    relay::id::AiAgentId,
    store::{StoreError, at_work::AT_WORK, unsigned},
};

/// The newest schema that this relay knows.
pub const NEWEST: u64 = 5;

const STEPS: [&str; 5] = [
    include_str!("migrations/0001_begin.sql"),
    include_str!("migrations/0002_quotas_and_history.sql"),
    include_str!("migrations/0003_search.sql"),
    include_str!("migrations/0004_teams.sql"),
    include_str!("migrations/0005_missed.sql"),
];

/// One relay at a time changes the schema. Numbers below 2^32 are no conversation's lock.
pub const LOCK: &str = "SELECT pg_advisory_xact_lock(17, 1)";

/// Brings the database to the newest schema: all of it or nothing. Another relay may take its time with it, so the connections
/// have no limits.
///
/// # Errors
/// It can't be reached, stores text in another encoding than UTF-8, or a newer relay has changed it in a way that this one
/// can't live with. The text says which, and names that relay.
pub async fn run(connections: &Connections) -> Result<(), StoreError> {
    let change = connections.begin().await?;
    change.client().batch("SET LOCAL client_min_messages = warning").await?;
    match upgrade(change.client()).await {
        Ok(()) => change.commit().await,
        Err(error) => {
            Transaction::roll_back(change).await;
            Err(error)
        }
    }
}

/// The schema of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatabaseState {
    /// Its own; 0 if it has none.
    pub schema: u64,
    /// The newest that this relay knows.
    pub newest: u64,
}

/// See [`PostgresStore::inspect`](super::PostgresStore::inspect).
pub async fn inspect(connections: &Connections) -> Result<DatabaseState, StoreError> {
    Ok(DatabaseState { schema: schema(&*connections.get().await?).await?, newest: NEWEST })
}

/// The schema that the database has, 0 if it has none, once it is clear that a relay can use it.
async fn schema(client: &Connection) -> Result<u64, StoreError> {
    let sql = "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean, \
                   (SELECT pg_encoding_to_char(encoding) = 'UTF8' FROM pg_database WHERE datname = current_database()), \
                   COALESCE(has_schema_privilege(current_schema(), 'CREATE'), FALSE), \
                   to_regclass('relay_schema') IS NOT NULL, \
                   (SELECT string_agg(name, ', ' ORDER BY name) FROM unnest($1) AS ours (name) \
                    WHERE to_regclass(quote_ident(current_schema()) || '.' || name) IS NOT NULL)";
    let row = first(client, sql, vec![Value::keys(privileges::TABLES)]).await?;
    let Some(row) = row else { return Err(StoreError::Unavailable("PostgreSQL does not answer".to_owned())) };
    let (is_read_only, is_utf8, may_create, is_made): (bool, bool, bool, bool) =
        (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
    if is_read_only {
        return Err(privileges::read_only());
    }
    let refused = |why: String| Err(StoreError::Unavailable(why));
    if !is_utf8 {
        return refused("the database of DATABASE_URL must have the encoding UTF8".to_owned());
    }
    if let (false, Some(tables)) = (is_made, row.try_get::<_, Option<String>>(4)?) {
        return refused(format!(
            "the database of DATABASE_URL has tables of something else: {tables}; name a database of the relay's own"
        ));
    }
    let schema = if is_made {
        privileges::check(client).await?;
        check(client).await?;
        number(client, "SELECT max(step) FROM relay_schema", values![]).await?
    } else {
        0
    };
    if schema < NEWEST && !may_create {
        return refused("the user of DATABASE_URL may not create tables there".to_owned());
    }
    Ok(schema)
}

/// See [`PostgresStore::ai_agents_at_work`](super::PostgresStore::ai_agents_at_work).
pub async fn ai_agents_at_work(connections: &Connections) -> Result<Vec<AiAgentId>, StoreError> {
    if inspect(connections).await?.schema == 0 {
        return Ok(Vec::new());
    }
    let rows = all(&*connections.get().await?, AT_WORK, values![]).await?;
    rows.iter().map(|row| Ok(AiAgentId(text::read(row.try_get(0)?)))).collect()
}

/// The same in a transaction of the caller's. Until that ends, no relay starts on the database.
pub async fn upgrade(client: &Connection) -> Result<(), StoreError> {
    all(client, LOCK, values![]).await?;
    let schema = schema(client).await?;
    if schema == 0 {
        let make = "CREATE TABLE IF NOT EXISTS relay_schema (step bigint PRIMARY KEY, \
                        made_at timestamptz NOT NULL DEFAULT now())";
        client.batch(make).await?;
    }
    for (number, step) in (1_u64..).zip(STEPS).skip(usize::try_from(schema).unwrap_or(usize::MAX)) {
        client.batch(step).await?;
        all(client, "INSERT INTO relay_schema (step) VALUES ($1)", values![number]).await?;
    }
    Ok(())
}

/// Refuses a database that this relay would misread.
async fn check(client: &Connection) -> Result<(), StoreError> {
    let newest = "SELECT minimum, relay FROM compatibility ORDER BY minimum DESC LIMIT 1";
    let rows = all(client, newest, values![]).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    if unsigned(row.try_get(0)?) <= NEWEST {
        return Ok(());
    }
    let (relay, own): (String, _) = (row.try_get(1)?, env!("CARGO_PKG_VERSION"));
    Err(StoreError::Unavailable(format!(
        "handoff-relay {relay} has changed the database of DATABASE_URL, and this is {own}: use {relay} or a newer one"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_that_is_made_is_checked() {
        let made = STEPS.iter().flat_map(|step| step.lines()).filter_map(|line| {
            let table = line.strip_prefix("CREATE TABLE ").or(line.strip_prefix("CREATE UNLOGGED TABLE "));
            table?.strip_suffix(" (")
        });
        let mut made: Vec<&str> = made.collect();
        made.sort_unstable();
        assert_eq!(made, privileges::TABLES);
    }
}
