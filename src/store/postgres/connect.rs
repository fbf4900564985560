//! Connections: how they are made, how many there are, and how long a statement may take.

use std::time::Duration;

use deadpool::{
    Runtime,
    managed::{self, Metrics, Object, Pool, PoolError, QueueMode, RecycleError, RecycleResult},
};
use tokio::time::timeout;

use super::{
    connection::{Connection, DrivenConnection},
    tls,
};
use crate::{settings::Postgres, store::StoreError};

/// A caller waits so long for a connection of the pool, and a connection so long to be made.
const PATIENCE: Duration = Duration::from_secs(5);
/// A transaction that does nothing for so long is undone by PostgreSQL: its relay stands still, or is cut off, and others wait
/// for what it has locked.
const IDLE: Duration = Duration::from_secs(3);

/// A server is gone that has not acknowledged for so long what it was sent, or that nothing is heard of.
const SILENCE: Duration = Duration::from_secs(10);

/// A server may go without a word, as with its machine or its network. Left to itself, the system notices that after hours.
/// What the URL says of it counts.
fn notice_silence(config: &mut tokio_postgres::Config) {
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_idle(SILENCE / 2).keepalives_interval(SILENCE / 5).keepalives_retries(3);
    }
}

/// The connections of one relay.
pub struct Connections {
    pool: Pool<Connector>,
    /// Begins a transaction with its limits. They are set within it: a pooler may give the next one another connection.
    begin: String,
    begin_reading: String,
    connector: Connector,
}

/// Makes connections.
#[derive(Clone)]
pub struct Connector {
    config: tokio_postgres::Config,
    tls: tls::Connector,
}

impl managed::Manager for Connector {
    type Type = Connection;
    type Error = tokio_postgres::Error;

    async fn create(&self) -> Result<Connection, tokio_postgres::Error> {
        // Boxed: it is rare and large, and a part of whatever asks for a connection.
        Box::pin(Connection::connect(&self.config, self.tls.clone())).await
    }

    async fn recycle(
        &self,
        connection: &mut Connection,
        _: &Metrics,
    ) -> RecycleResult<tokio_postgres::Error> {
        if connection.is_closed() { Err(RecycleError::message("it is closed")) } else { Ok(()) }
    }
}

/// A connection beside the pool, for one that uses it all the time.
pub struct OwnConnection {
    connector: Connector,
    /// None until it is needed.
    connection: Option<DrivenConnection>,
}

impl OwnConnection {
    /// It, made anew if it is over.
    ///
    /// # Errors
    /// PostgreSQL can't be reached.
    pub async fn get(&mut self) -> Result<&mut DrivenConnection, StoreError> {
        if let Some(connection) = &mut self.connection
            && connection.is_closed().await
        {
            self.connection = None;
        }
        if self.connection.is_none() {
            let Connector { config, tls } = &self.connector;
            let connecting = timeout(PATIENCE, Box::pin(DrivenConnection::connect(config, tls.clone())));
            self.connection = Some(connecting.await.map_err(|_| no_answer())??);
        }
        self.connection.as_mut().ok_or(StoreError::Stopped)
    }
}

fn no_answer() -> StoreError {
    StoreError::Unavailable("PostgreSQL does not answer".to_owned())
}

/// A connection of the pool's.
pub type Pooled = Object<Connector>;

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        // Details may hold what is stored.
        Self::Unavailable(match error.as_db_error() {
            Some(error) => format!("PostgreSQL: {} ({})", error.message(), error.code().code()),
            None => match std::error::Error::source(&error) {
                Some(source) => format!("PostgreSQL: {error}: {source}"),
                None => format!("PostgreSQL: {error}"),
            },
        })
    }
}

impl Connections {
    /// For the database of the settings. Makes no connection yet.
    ///
    /// # Errors
    /// The certificates that the URL names can't be read.
    pub fn new(settings: &Postgres) -> Result<Self, StoreError> {
        let mut config = settings.config();
        config.connect_timeout(PATIENCE).application_name("handoff-relay");
        notice_silence(&mut config);
        let tls = tls::connector(settings)?;
        let connector = Connector { config, tls };
        let pool = Pool::builder(connector.clone())
            .max_size(settings.max_connections)
            // What ran last is in PostgreSQL's caches, and has names for what it runs.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .build()
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let begin = format!(
            "BEGIN; SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}; \
             SET LOCAL idle_in_transaction_session_timeout = {}",
            settings.statement_timeout.as_millis(),
            settings.lock_timeout.as_millis(),
            IDLE.as_millis()
        );
        // Whoever reads for long reads much of the tables.
        let begin_reading = begin.replacen(
            "BEGIN;",
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL enable_seqscan = on;",
            1,
        );
        Ok(Self { pool, begin, begin_reading, connector })
    }

    /// One of the pool's, until it is dropped.
    pub async fn get(&self) -> Result<Pooled, StoreError> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error.into(),
            PoolError::Timeout(_) => {
                let waited = PATIENCE.as_secs();
                StoreError::Unavailable(format!("PostgreSQL: no connection was free within {waited} s"))
            }
            other => StoreError::Unavailable(format!("PostgreSQL: {other}")),
        })
    }

    /// Begins a transaction on a connection of the pool.
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        Ok(self.begin_with(async |_| Ok(())).await?.0)
    }

    /// The same, and sends what `first` asks for with it.
    pub async fn begin_with<T>(
        &self,
        first: impl AsyncFnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<(Transaction, T), StoreError> {
        self.begins(&self.begin, first).await
    }

    /// The same, for a transaction that reads what there was at one moment, and writes nothing.
    pub async fn begin_reading_with<T>(
        &self,
        first: impl AsyncFnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<(Transaction, T), StoreError> {
        self.begins(&self.begin_reading, first).await
    }

    async fn begins<T>(
        &self,
        begin: &str,
        first: impl AsyncFnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<(Transaction, T), StoreError> {
        let transaction = Transaction { client: Some(self.get().await?) };
        let client = transaction.client();
        // The first that is polled is sent first.
        let (begun, asked) = tokio::join!(client.batch_execute(begin), first(client));
        match (begun, asked) {
            (Ok(()), Ok(asked)) => Ok((transaction, asked)),
            (begun, asked) => {
                let error = begun.err().map(StoreError::from).or(asked.err());
                transaction.roll_back().await;
                Err(error.unwrap_or(StoreError::Stopped))
            }
        }
    }

    /// A connection beside the pool.
    pub fn own(&self) -> OwnConnection {
        OwnConnection { connector: self.connector.clone(), connection: None }
    }

    /// A connection that belongs to nobody else, and what must run for it to work: it gives what it is told.
    pub async fn alone(
        &self,
    ) -> Result<(Connection, tokio_postgres::Connection<tokio_postgres::Socket, tls::Stream>), StoreError>
    {
        let Connector { config, tls } = &self.connector;
        match timeout(PATIENCE, config.connect(tls.clone())).await {
            Ok(connected) => {
                let (client, connection) = connected?;
                Ok((client.into(), connection))
            }
            Err(_) => Err(no_answer()),
        }
    }

    /// Closes them.
    pub fn close(&self) {
        self.pool.close();
    }
}

/// A transaction. Without [`commit`](Self::commit) its connection is closed, which undoes it.
pub struct Transaction {
    client: Option<Pooled>,
}

impl Transaction {
    /// What runs its statements.
    pub fn client(&self) -> &Connection {
        self.client.as_deref().expect("a transaction has a connection until it ends")
    }

    /// Commits it.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        self.client().batch_execute("COMMIT").await?;
        // It goes back into the pool.
        drop(self.client.take());
        Ok(())
    }

    /// Undoes it, and keeps its connection if it still works.
    pub async fn roll_back(mut self) {
        if self.client().batch_execute("ROLLBACK").await.is_ok() {
            drop(self.client.take());
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            drop(Object::take(client));
        }
    }
}
