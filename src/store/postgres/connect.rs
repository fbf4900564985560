//! Connections: how they are made, how many there are, and how long a statement may take.

use std::time::Duration;

use deadpool::{
    Runtime,
    managed::{self, Metrics, Object, Pool, PoolError, QueueMode, RecycleError, RecycleResult, TimeoutType},
};
use tokio::time::timeout;

use super::{
    connection::{Connection, DrivenConnection},
    limits::{Limits, Silences},
    tls,
};
use crate::{settings::Postgres, store::StoreError};

/// A caller waits so long for a connection of the pool, and a connection at least so long to be made.
const PATIENCE: Duration = Duration::from_secs(5);
/// An address has so long to accept a connection, unless the URL says otherwise: then comes the next one.
const ACCEPTS: Duration = Duration::from_secs(2);
/// A transaction that does nothing for so long is undone by PostgreSQL: its relay stands still, or is cut off, and others wait
/// for what it has locked.
const IDLE: Duration = Duration::from_secs(3);

/// Whatever a role or database has by default: what waits for a lock sees what was committed meanwhile.
pub const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
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
    /// Where to, for people.
    place: String,
    /// How long it may take.
    patience: Duration,
    tls: tls::Connector,
    limits: Limits,
    silences: Silences,
}

impl Connector {
    fn of(settings: &Postgres, limits: Limits) -> Result<Self, StoreError> {
        let mut config = settings.config();
        if config.get_application_name().is_none() {
            config.application_name("handoff-relay");
        }
        let accepts = *config.get_connect_timeout().unwrap_or(&ACCEPTS);
        config.connect_timeout(accepts);
        notice_silence(&mut config);
        // One more than there are hosts: a name may have two addresses.
        let addresses = config.get_hosts().len().max(config.get_hostaddrs().len()) + 1;
        let patience = PATIENCE.max(accepts.saturating_mul(u32::try_from(addresses).unwrap_or(u32::MAX)));
        let (place, tls) = (settings.place(), tls::connector(settings)?);
        Ok(Self { config, place, patience, tls, limits, silences: Silences::default() })
    }

    fn no_answer(&self) -> StoreError {
        let (place, patience) = (&self.place, self.patience.as_secs());
        StoreError::Unavailable(format!("PostgreSQL at {place} has made no connection within {patience} s"))
    }

    /// An error of PostgreSQL says by itself what is wrong. Where there is none, people look for the place first.
    fn failed(&self, error: tokio_postgres::Error) -> StoreError {
        let is_of_server = error.as_db_error().is_some();
        match StoreError::from(error) {
            StoreError::Unavailable(why) if !is_of_server => StoreError::Unavailable(why.replacen(
                "PostgreSQL",
                &format!("PostgreSQL at {}", self.place),
                1,
            )),
            other => other,
        }
    }
}

impl managed::Manager for Connector {
    type Type = Connection;
    type Error = tokio_postgres::Error;

    async fn create(&self) -> Result<Connection, tokio_postgres::Error> {
        // Boxed: it is rare and large, and a part of whatever asks for a connection.
        Box::pin(Connection::connect(&self.config, self.tls.clone(), self.limits, &self.silences)).await
    }

    async fn recycle(
        &self,
        connection: &mut Connection,
        _: &Metrics,
    ) -> RecycleResult<tokio_postgres::Error> {
        if connection.is_over() { Err(RecycleError::message("it is over")) } else { Ok(()) }
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
            && connection.is_over().await
        {
            self.connection = None;
        }
        if self.connection.is_none() {
            let Connector { config, tls, limits, silences, patience, .. } = &self.connector;
            let connecting = Box::pin(DrivenConnection::connect(config, tls.clone(), *limits, silences));
            let connected = timeout(*patience, connecting).await.map_err(|_| self.connector.no_answer())?;
            self.connection = Some(connected.map_err(|error| self.connector.failed(error))?);
        }
        self.connection.as_mut().ok_or(StoreError::Stopped)
    }
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
        Self::with(settings, Limits::of(settings))
    }

    /// The same for what takes as long as it takes.
    pub fn without_limits(settings: &Postgres) -> Result<Self, StoreError> {
        Self::with(settings, Limits::NONE)
    }

    fn with(settings: &Postgres, limits: Limits) -> Result<Self, StoreError> {
        let connector = Connector::of(settings, limits)?;
        let pool = Pool::builder(connector.clone())
            .max_size(settings.max_connections)
            // What ran last is in PostgreSQL's caches, and has names for what it runs.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(connector.patience))
            .build()
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let limits = format!(
            "{}; SET LOCAL idle_in_transaction_session_timeout = {}",
            limits.set("SET LOCAL"),
            IDLE.as_millis()
        );
        let begin = format!("{BEGIN}; {limits}");
        // Whoever reads for long reads much of the tables.
        let begin_reading = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL enable_seqscan = on; {limits}"
        );
        Ok(Self { pool, begin, begin_reading, connector })
    }

    /// One of the pool's, until it is dropped.
    pub async fn get(&self) -> Result<Pooled, StoreError> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => self.connector.failed(error),
            PoolError::Timeout(TimeoutType::Wait) => {
                let waited = PATIENCE.as_secs();
                StoreError::Unavailable(format!("PostgreSQL: no connection was free within {waited} s"))
            }
            PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle) => self.connector.no_answer(),
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
        let (begun, asked) = tokio::join!(client.batch(begin), first(client));
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

    /// A connection that belongs to nobody else, and what must run for it to work: it gives what it is told. Its answers may take
    /// as long as they take.
    pub async fn alone(
        &self,
    ) -> Result<(Connection, tokio_postgres::Connection<tokio_postgres::Socket, tls::Stream>), StoreError>
    {
        let Connector { config, tls, silences, patience, .. } = &self.connector;
        match timeout(*patience, config.connect(tls.clone())).await {
            Ok(Ok((client, connection))) => Ok((Connection::of(client, Limits::NONE, silences), connection)),
            Ok(Err(error)) => Err(self.connector.failed(error)),
            Err(_) => Err(self.connector.no_answer()),
        }
    }

    /// Returns when an answer has not come in time.
    pub async fn silence(&self) {
        self.connector.silences.next().await;
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
        self.client().batch("COMMIT").await?;
        // It goes back into the pool.
        drop(self.client.take());
        Ok(())
    }

    /// Undoes it, and keeps its connection if it still works.
    pub async fn roll_back(mut self) {
        if self.client().batch("ROLLBACK").await.is_ok() {
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
