//! A database of PostgreSQL for one measurement, on the server that `--postgres` names.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};

/// A new database. Dropped with this value.
pub struct Database {
    /// Its URL.
    pub url: String,
    name: String,
    server: Client,
    /// Somebody else's transaction, which does nothing and does not end.
    idle: Option<Client>,
    runtime: Runtime,
}

impl Database {
    /// A new one on a server, whose URL is that of any database there.
    ///
    /// # Errors
    /// The server can't be reached, or its user may not make databases.
    pub fn new(server: &str) -> Result<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("bench_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let client = runtime.block_on(connect(server))?;
        runtime.block_on(
            client.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")),
        )?;
        let (base, options) =
            server.split_once('?').map_or((server, String::new()), |(base, rest)| (base, format!("?{rest}")));
        let (address, _) = base.rsplit_once('/').context("--postgres must name a database")?;
        Ok(Self { url: format!("{address}/{name}{options}"), name, server: client, idle: None, runtime })
    }

    /// Somebody begins a transaction that writes, and leaves it open.
    ///
    /// # Errors
    /// The server says why.
    pub fn leave_a_transaction_open(&mut self) -> Result<()> {
        let client = self.runtime.block_on(connect(&self.url))?;
        self.runtime.block_on(client.batch_execute("BEGIN; SELECT pg_current_xact_id()"))?;
        self.idle = Some(client);
        Ok(())
    }

    /// Does what PostgreSQL does by itself some time after much was written, so that it does not do so meanwhile.
    ///
    /// # Errors
    /// The server says why.
    pub fn tidy(&self) -> Result<()> {
        let client = self.runtime.block_on(connect(&self.url))?;
        Ok(self.runtime.block_on(client.batch_execute("VACUUM (ANALYZE)"))?)
    }

    /// The number that a query gives.
    ///
    /// # Errors
    /// The server says why.
    pub fn number(&self, query: &str) -> Result<u64> {
        let client = self.runtime.block_on(connect(&self.url))?;
        let row = self.runtime.block_on(client.query_one(query, &[]))?;
        Ok(row.try_get::<_, i64>(0)?.try_into()?)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        drop(self.idle.take());
        let gone = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        if let Err(error) = self.runtime.block_on(self.server.batch_execute(&gone)) {
            eprintln!("{} stays: {error}", self.name);
        }
    }
}

/// A connection to a database, kept going by the runtime.
///
/// # Errors
/// The server says why.
pub async fn connect(url: &str) -> Result<Client> {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.context("PostgreSQL can't be reached")?;
    tokio::runtime::Handle::current().spawn(connection);
    Ok(client)
}
