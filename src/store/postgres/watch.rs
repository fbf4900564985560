//! What other instances have done: told by PostgreSQL where that works, and looked for in any case.
//!
//! Behind a pooler that gives each transaction another connection, nothing is told. Whether it works is found out: each
//! instance tells itself something, and listens.

use std::{
    fmt,
    future::poll_fn,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout},
};
use tokio_postgres::AsyncMessage;

use super::{
    Shared, calls, commit, deliveries,
    inbox_news::{self, InboxNews},
    journal,
    presence::PresenceNews,
    query::{Value, all, first, number, values},
    read,
};
use crate::{
    relay::time::Time,
    store::{
        StoreError,
        signals::{FeedPosition, TouchedTopics},
        signed, unsigned,
    },
};

/// Where commits are told.
pub const CHANNEL: &str = "handoff_relay";
/// How often the database is looked at where nothing is told, and where that works.
const LOOK: Duration = Duration::from_millis(250);
const LOOK_WHEN_TOLD: Duration = Duration::from_secs(2);
/// What an instance tells itself must be there within this time.
const ECHO: Duration = Duration::from_secs(2);
/// A connection that listens is made again after this time.
const LISTEN_AGAIN: Duration = Duration::from_secs(5);
/// Where nothing is told, that is tried again so seldom: a pooler stays one.
const TRY_AGAIN: Duration = Duration::from_mins(1);

/// What one instance tells the others of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    pub from: String,
    pub touched: TouchedTopics,
    /// The newest change.
    pub newest: u64,
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.from, self.touched.code(), self.newest)
    }
}

impl News {
    fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let from = words.next()?.to_owned();
        let touched = TouchedTopics::of_code(words.next()?);
        Some(Self { from, touched, newest: words.next()?.parse().ok()? })
    }
}

/// Passes on what is told, and looks for what is not, for as long as it is polled.
pub async fn run(shared: &Shared) {
    let is_told = AtomicBool::new(false);
    tokio::join!(listen(shared, &is_told), look(shared, &is_told));
}

async fn listen(shared: &Shared, is_told: &AtomicBool) {
    loop {
        let again = match listen_once(shared, is_told).await {
            Ok(()) => {
                tracing::info!(
                    "PostgreSQL tells nothing here, as behind a pooler: the relay looks 4 times a second"
                );
                TRY_AGAIN
            }
            Err(error) => {
                tracing::warn!(error = %error, "the connection that listens to PostgreSQL is gone");
                LISTEN_AGAIN
            }
        };
        is_told.store(false, Ordering::Relaxed);
        // What was told meanwhile is not known.
        shared.signals.committed(TouchedTopics::all(), FeedPosition::Unknown);
        sleep(again).await;
    }
}

/// Listens until the connection is gone. Returns without an error if nothing is told.
async fn listen_once(shared: &Shared, is_told: &AtomicBool) -> Result<(), StoreError> {
    let (client, mut connection) = shared.connections.alone().await?;
    let (pass, mut told) = mpsc::unbounded_channel();
    let messages = async move {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(notification) = message? {
                drop(pass.send(notification.payload().to_owned()));
            }
        }
        Ok::<(), StoreError>(())
    };
    let listens = async {
        let listening = timeout(ECHO, client.batch(&format!("LISTEN {CHANNEL}"))).await;
        listening.map_err(|_| StoreError::Unavailable("PostgreSQL does not answer".to_owned()))??;
        shared.number(TouchedTopics::default()).await?;
        let mut next = timeout(ECHO, told.recv()).await;
        if next.is_err() {
            return Ok(());
        }
        is_told.store(true, Ordering::Relaxed);
        while let Ok(Some(text)) = next {
            News::read(&text).into_iter().for_each(|news| shared.pass_on(&news));
            InboxNews::read(&text).into_iter().for_each(|news| shared.take_inbox_news(news));
            PresenceNews::read(&text).into_iter().for_each(|news| shared.take_presence(news));
            next = Ok(told.recv().await);
        }
        Err(StoreError::Unavailable("PostgreSQL has closed it".to_owned()))
    };
    tokio::select! {
        ended = messages => ended.and(Err(StoreError::Unavailable("PostgreSQL has closed it".to_owned()))),
        listened = listens => listened,
        () = shared.connections.silence() => Err(StoreError::Unavailable("PostgreSQL does not answer".to_owned())),
    }
}

impl Shared {
    /// Tells the other instances these texts, in one statement.
    pub async fn notify(&self, news: Vec<String>) -> Result<(), StoreError> {
        let client = self.connections.get().await?;
        let sql = "SELECT pg_notify($1, news) FROM unnest($2) AS told (news)";
        all(&client, sql, vec![CHANNEL.into(), Value::Texts(news)]).await.map(drop)
    }

    fn pass_on(&self, news: &News) {
        if news.from != self.instance {
            self.signals.committed(news.touched, FeedPosition::At(news.newest));
        }
    }
}

/// What was found when the database was last looked at.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Found {
    newest_change: u64,
    newest_delivery: u64,
    has_unnumbered: bool,
}

async fn look(shared: &Shared, is_told: &AtomicBool) {
    let mut found = Found::default();
    let mut waiting = inbox_news::Waiting::new();
    let mut swept = Instant::now();
    loop {
        let pause = if is_told.load(Ordering::Relaxed) { LOOK_WHEN_TOLD } else { LOOK };
        sleep(pause).await;
        let looked = async {
            found = look_once(shared, found).await?;
            waiting = inbox_news::look(shared, std::mem::take(&mut waiting)).await?;
            shared.renew_lines().await?;
            if swept.elapsed() >= shared.sweep_every {
                swept = Instant::now();
                sweep(shared).await?;
            }
            Ok::<(), StoreError>(())
        };
        if let Err(error) = looked.await {
            tracing::warn!(error = %error, "PostgreSQL can't be looked at");
        }
    }
}

async fn look_once(shared: &Shared, before: Found) -> Result<Found, StoreError> {
    let sql = "SELECT (SELECT last FROM feed), (SELECT MAX(position) FROM outbox), \
                   EXISTS (SELECT 1 FROM changes WHERE number IS NULL)";
    let client = shared.connections.get().await?;
    let Some(row) = first(&client, sql, values![]).await? else { return Ok(before) };
    drop(client);
    let number_in = |column| Ok::<_, StoreError>(row.try_get::<_, Option<i64>>(column)?.map_or(0, unsigned));
    let found = Found {
        newest_change: number_in(0)?,
        newest_delivery: number_in(1)?,
        has_unnumbered: row.try_get(2)?,
    };
    // Twice: those of a commit that has just been made get them in a moment.
    if found.has_unnumbered && before.has_unnumbered {
        shared.number(TouchedTopics::of_feed()).await?;
    }
    if (found.newest_change, found.newest_delivery) != (before.newest_change, before.newest_delivery) {
        let touched = TouchedTopics::all_but_inbox();
        shared.signals.committed(touched, FeedPosition::At(found.newest_change));
    }
    Ok(found)
}

/// Finds what an instance that has died had taken in, and counts what all have done.
pub async fn sweep(shared: &Shared) -> Result<(), StoreError> {
    let client = shared.connections.get().await?;
    commit::name_life(&client).await?;
    let now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    let now = Time::from_micros(signed(number(&client, now, values![]).await?));
    let left = journal::left(&client, now, now - shared.overdue_after).await?;
    let (inbox, queued, open) = tokio::try_join!(
        number(&client, journal::DEPTH, values![]),
        deliveries::depths(&client),
        read::open_conversations(&client),
    )?;
    drop(client);
    calls::purge(&shared.connections).await?;
    shared.hints.counted(inbox, queued, open);
    for key in &left {
        shared.hints.found(key, now);
    }
    if !left.is_empty() {
        shared.signals.committed(TouchedTopics::inbox(), FeedPosition::Same);
    }
    Ok(())
}
