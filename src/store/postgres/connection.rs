//! A connection, and the statements that have a name on it: what it runs again, PostgreSQL need not parse and plan again.
//!
//! Each statement is answered in time, or the connection is given up: what stands between, such as a pooler, may keep a
//! connection open at whose other end there is no server any more.

use std::{
    collections::HashMap,
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::join;
use tokio::{
    task::{AbortHandle, JoinSet},
    time::timeout,
};
use tokio_postgres::{
    Client, Error, Row, Statement,
    error::SqlState,
    types::{ToSql, Type},
};

use super::{
    backend,
    limits::{Limits, Silences},
    tls,
};

/// So many statements are known of a connection. Filters make more of them than would be of use again.
const KNOWN: usize = 256;
/// For a backend of our own. A statement's plan is kept while its tables grow: it should use an index also if it was made when
/// there was nothing. What has no index is read as a whole all the same; that it then counts as very expensive is no reason to
/// compile it. A role may have another isolation by default; with it, statements would fail.
const SET: &str =
    "SET enable_seqscan = off; SET jit = off; SET default_transaction_isolation = 'read committed'";

/// How often a connection is asked whether anything has come.
const STEP: Duration = Duration::from_secs(1);

/// See the module.
pub struct Connection {
    client: Client,
    /// None where a pooler may give the next transaction another backend, which doesn't know the names.
    statements: Option<Mutex<HashMap<String, Known>>>,
    limits: Limits,
    silences: Silences,
    /// See [`Silences::number`].
    made_after: u64,
    /// How many answers have come.
    heard: AtomicU64,
    /// None has come for too long.
    is_silent: Arc<AtomicBool>,
    /// Ends the task below.
    end: Option<AbortHandle>,
    /// It ends with this, at once: PostgreSQL then undoes a transaction that is under way.
    running: JoinSet<()>,
}

/// A connection without a task of its own: whoever uses it carries its statements and their answers, too. That spares two changes of
/// task for each.
pub struct DrivenConnection {
    connection: Connection,
    /// None once the connection is over.
    driver: Option<Driver>,
}

/// What carries statements to PostgreSQL, and answers back, until the connection is over.
type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

enum Known {
    /// It has run once.
    Run,
    /// It is being given a name.
    Naming,
    Named(Statement),
}

/// A value and its type.
pub type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// As PostgreSQL gives them.
    pub async fn connect(
        config: &tokio_postgres::Config,
        tls: tls::Connector,
        limits: Limits,
        silences: &Silences,
    ) -> Result<Self, Error> {
        let (client, driver) = open(config, tls).await?;
        let mut made = Self::of(client, limits, silences);
        made.end = Some(made.running.spawn(driver));
        made.set_up_if_ours().await?;
        Ok(made)
    }

    /// One on which nothing has a name, and which somebody else runs.
    pub fn of(client: Client, limits: Limits, silences: &Silences) -> Self {
        Self {
            client,
            statements: None,
            limits,
            silences: silences.clone(),
            made_after: silences.number(),
            heard: AtomicU64::default(),
            is_silent: Arc::default(),
            end: None,
            running: JoinSet::new(),
        }
    }

    /// If its backend is its own, which PostgreSQL is asked for, that is set up, and statements may have names.
    async fn set_up_if_ours(&mut self) -> Result<(), Error> {
        if backend::is_ours(&self.client).await? {
            self.client.batch_execute(&format!("{SET}; {}", self.limits.set("SET"))).await?;
            self.statements = Some(Mutex::default());
        }
        Ok(())
    }

    /// Whether nothing should be asked of it any more: it is closed, or one that is as old as it has gone silent.
    pub fn is_over(&self) -> bool {
        self.client.is_closed() || self.made_after != self.silences.number()
    }

    /// Waits for an answer. If nothing comes for as long as one may take, the connection is closed, which is what the answer comes
    /// to.
    async fn in_time<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let Some(limit) = self.limits.answer() else { return answer.await };
        let mut answer = pin!(answer);
        // Many may have been sent together. In steps: a process that stood still has not heard what has come meanwhile.
        let (mut heard, mut silent) = (self.heard.load(Ordering::Relaxed), Duration::ZERO);
        while silent < limit {
            if let Ok(answered) = timeout(STEP, &mut answer).await {
                self.heard.fetch_add(1, Ordering::Relaxed);
                return answered;
            }
            let before = std::mem::replace(&mut heard, self.heard.load(Ordering::Relaxed));
            silent = if heard == before { silent + STEP } else { Duration::ZERO };
        }
        if self.silences.note(self.made_after) {
            let waited = limit.as_secs();
            tracing::warn!("PostgreSQL has not answered for {waited} s: its connections are made anew");
        }
        self.is_silent.store(true, Ordering::Relaxed);
        self.end.iter().for_each(AbortHandle::abort);
        answer.await
    }

    /// Runs statements that have no values, one after another.
    ///
    /// # Errors
    /// As PostgreSQL gives them.
    pub async fn batch(&self, sql: &str) -> Result<(), Error> {
        Box::pin(self.in_time(self.client.batch_execute(sql))).await
    }

    /// The rows of a statement that is planned for these values each time.
    ///
    /// # Errors
    /// As PostgreSQL gives them.
    pub async fn rows_planned_anew(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Error> {
        Box::pin(self.in_time(self.client.query_typed(sql, parameters))).await
    }

    /// The rows that a statement gives. It is sent at once when this is polled: statements that are polled one after another run
    /// one after another.
    ///
    /// # Errors
    /// As PostgreSQL gives them.
    pub async fn rows(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, Error> {
        // Boxed: much is built of these.
        Box::pin(self.in_time(async {
            match self.named(sql) {
                Some(statement) => self.checked(self.client.query(&statement, &values(parameters)).await),
                None => join(self.client.query_typed(sql, parameters), self.learn(sql, parameters)).await.0,
            }
        }))
        .await
    }

    /// The same, and gives how many rows it has changed.
    ///
    /// # Errors
    /// As PostgreSQL gives them.
    pub async fn changed(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<u64, Error> {
        Box::pin(self.in_time(async {
            match self.named(sql) {
                Some(statement) => self.checked(self.client.execute(&statement, &values(parameters)).await),
                None => join(self.client.execute_typed(sql, parameters), self.learn(sql, parameters)).await.0,
            }
        }))
        .await
    }

    fn known(&self) -> Option<MutexGuard<'_, HashMap<String, Known>>> {
        Some(self.statements.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn named(&self, sql: &str) -> Option<Statement> {
        match self.known()?.get(sql)? {
            Known::Named(statement) => Some(statement.clone()),
            Known::Run | Known::Naming => None,
        }
    }

    /// Gives a statement a name that runs for the second time.
    async fn learn(&self, sql: &str, parameters: &[Parameter<'_>]) {
        if !self.is_second(sql) {
            return;
        }
        let types: Vec<Type> = parameters.iter().map(|(_, of)| of.clone()).collect();
        // Where the transaction has failed, it has no name, and needs none.
        let prepared = self.client.prepare_typed(sql, &types).await;
        let Some(mut known) = self.known() else { return };
        let is = prepared.map_or(Known::Run, Known::Named);
        known.insert(sql.to_owned(), is);
    }

    fn is_second(&self, sql: &str) -> bool {
        let Some(mut known) = self.known() else { return false };
        match known.get_mut(sql) {
            Some(is @ Known::Run) => {
                *is = Known::Naming;
                true
            }
            Some(_) => false,
            None => {
                if known.len() < KNOWN {
                    known.insert(sql.to_owned(), Known::Run);
                }
                false
            }
        }
    }

    /// Forgets all names if PostgreSQL doesn't know one any more, or if a table has changed too much for its plan.
    fn checked<T>(&self, done: Result<T, Error>) -> Result<T, Error> {
        let is_lost = |code: &SqlState| {
            [SqlState::INVALID_SQL_STATEMENT_NAME, SqlState::FEATURE_NOT_SUPPORTED].contains(code)
        };
        if let (Err(error), Some(mut known)) = (&done, self.known())
            && error.code().is_some_and(is_lost)
        {
            known.clear();
        }
        done
    }
}

impl DrivenConnection {
    /// Connects.
    ///
    /// # Errors
    /// As PostgreSQL gives them.
    pub async fn connect(
        config: &tokio_postgres::Config,
        tls: tls::Connector,
        limits: Limits,
        silences: &Silences,
    ) -> Result<Self, Error> {
        let (client, driver) = open(config, tls).await?;
        let mut made = Self { connection: Connection::of(client, limits, silences), driver: Some(driver) };
        let is_silent = Arc::clone(&made.connection.is_silent);
        drive(&mut made.driver, &is_silent, made.connection.set_up_if_ours()).await?;
        Ok(made)
    }

    /// As [`Connection::is_over`]. PostgreSQL may have ended it since it was used.
    pub async fn is_over(&mut self) -> bool {
        self.run(async |connection| connection.is_over()).await || self.driver.is_none()
    }

    /// Has this done with it.
    pub async fn run<T>(&mut self, work: impl AsyncFnOnce(&Connection) -> T) -> T {
        drive(&mut self.driver, &self.connection.is_silent, work(&self.connection)).await
    }
}

async fn open(config: &tokio_postgres::Config, tls: tls::Connector) -> Result<(Client, Driver), Error> {
    let (client, connection) = config.connect(tls).await?;
    let driver = async move {
        if let Err(error) = connection.await {
            tracing::debug!(error = %error, "a connection to PostgreSQL has ended");
        }
    };
    Ok((client, Box::pin(driver)))
}

/// Does something while the driver runs. Once that has ended, or an answer has not come in time, what waits for PostgreSQL
/// fails.
async fn drive<T>(driver: &mut Option<Driver>, is_silent: &AtomicBool, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(|context| {
        if driver.as_mut().is_some_and(|driver| driver.as_mut().poll(context).is_ready()) {
            *driver = None;
        }
        let worked = work.as_mut().poll(context);
        if worked.is_pending() && driver.is_some() && is_silent.load(Ordering::Relaxed) {
            *driver = None;
            return work.as_mut().poll(context);
        }
        worked
    })
    .await
}

fn values<'a>(parameters: &[Parameter<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    parameters.iter().map(|(value, _)| *value).collect()
}
