//! Events arrive: what has gathered is kept in one statement, unless there is something to decide.

use std::sync::Arc;

use futures_util::{FutureExt, future::join};
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::error::SqlState;

use super::{
    Shared,
    connect::OwnConnection,
    decide::decide,
    journal,
    ready::{Trial, try_to_write},
};
use crate::{
    relay::event::Event,
    store::{
        Arrived, Arriving, StoreError, document,
        signals::{FeedPosition, TouchedTopics},
    },
};

/// What other transactions are in the way of is tried so often.
const TRIES: u32 = 3;
/// How many events share one statement at most.
const BATCH: usize = 256;
/// How many may wait before callers wait themselves.
pub const QUEUE: usize = 1_024;

/// An event that waits to be kept.
pub struct Arrival {
    arriving: Arriving,
    document: String,
    tell: oneshot::Sender<Result<Arrived, StoreError>>,
}

impl Arrival {
    /// One, and where what it came to is told.
    ///
    /// # Errors
    /// It can't be written as JSON.
    pub fn new(
        arriving: Arriving,
    ) -> Result<(Self, oneshot::Receiver<Result<Arrived, StoreError>>), StoreError> {
        let (tell, told) = oneshot::channel();
        let document = document::write(&*arriving.event)?;
        Ok((Self { arriving, document, tell }, told))
    }

    fn fails(self, error: &StoreError) {
        drop(self.tell.send(Err(error.clone())));
    }

    /// Lets the rule decide.
    fn decide(self, shared: &Arc<Shared>) {
        let tasks = shared.decisions.clone();
        let shared = Arc::clone(shared);
        tasks.spawn(async move {
            let Self { arriving: Arriving { event, rule, .. }, tell, .. } = self;
            let (scope, decision) = rule(event);
            let decided = decide(&shared, scope, decision).await;
            drop(tell.send(decided.map(|()| Arrived::Decided)));
        });
    }
}

/// Keeps what arrives, until nobody can send any more.
pub async fn run(shared: Arc<Shared>, mut queue: mpsc::Receiver<Arrival>, mut trials: mpsc::Receiver<Trial>) {
    let (mut arrivals, mut kept) = (Vec::with_capacity(BATCH), Vec::new());
    let mut connection = shared.connections.own();
    loop {
        while let Ok(trial) = trials.try_recv() {
            try_one(&shared, &mut connection, trial).await;
        }
        if kept.is_empty() {
            tokio::select! {
                biased;
                taken = queue.recv_many(&mut arrivals, BATCH) => if taken == 0 { return },
                Some(trial) = trials.recv() => {
                    try_one(&shared, &mut connection, trial).await;
                    continue;
                }
            }
        }
        // Whoever has something for this statement comes first: fuller ones cost less.
        tokio::task::yield_now().await;
        let room = BATCH - arrivals.len();
        queue.recv_many(&mut arrivals, room).now_or_never();
        let (keep, decide): (Vec<_>, Vec<_>) =
            arrivals.drain(..).partition(|arrival| has_room(&shared, arrival));
        decide.into_iter().for_each(|arrival| arrival.decide(&shared));
        // The senders of the last ones are told while PostgreSQL has the next ones already.
        let telling = async {
            tokio::task::yield_now().await;
            std::mem::take(&mut kept).into_iter().for_each(|arrival| tell(&shared, arrival));
        };
        kept = join(keep_all(&shared, &mut connection, keep), telling).await.0;
    }
}

/// Tries the same way that what arrives goes.
async fn try_one(shared: &Shared, own: &mut OwnConnection, trial: Trial) {
    let tried = match own.get().await {
        Ok(connection) => connection.run(async |client| try_to_write(client).await).await,
        Err(error) => Err(error),
    };
    shared.writes.end(tried.is_ok());
    drop(trial.send(tried));
}

fn has_room(shared: &Shared, arrival: &Arrival) -> bool {
    let arriving = &arrival.arriving;
    shared.hints.reads(&arriving.event.key.ai_agent) < arriving.outbox_limit
        && shared.hints.inbox() < arriving.inbox_limit
}

/// Keeps them, and gives those that are new. The others are decided, or have failed.
async fn keep_all(shared: &Arc<Shared>, own: &mut OwnConnection, mut arrivals: Vec<Arrival>) -> Vec<Arrival> {
    if arrivals.is_empty() {
        return Vec::new();
    }
    // Two instances that are sent the same events wait for each other in one order.
    arrivals.sort_by(|one, other| one.arriving.event.svix_id.cmp(&other.arriving.event.svix_id));
    shared.writes.begin();
    let events: Vec<_> =
        arrivals.iter().map(|arrival| (&*arrival.arriving.event, &*arrival.document)).collect();
    let appended = append(own, &events).await;
    shared.writes.end(appended.is_ok());
    match appended {
        Ok(new) => {
            let (kept, known): (Vec<_>, Vec<_>) =
                arrivals.into_iter().zip(new).partition(|(_, is_new)| *is_new);
            known.into_iter().for_each(|(arrival, _)| arrival.decide(shared));
            kept.into_iter().map(|(arrival, _)| arrival).collect()
        }
        // One that can't be stored spoils nothing but itself.
        Err(Refused { is_about_values: true, .. }) if arrivals.len() > 1 => {
            let mut kept = Vec::new();
            for arrival in arrivals {
                kept.extend(Box::pin(keep_all(shared, own, vec![arrival])).await);
            }
            kept
        }
        Err(Refused { error, .. }) => fail(arrivals, &error),
    }
}

/// Why nothing could be kept.
struct Refused {
    error: StoreError,
    is_about_values: bool,
}

/// Says of each whether it is new.
async fn append(own: &mut OwnConnection, events: &[(&Event, &str)]) -> Result<Vec<bool>, Refused> {
    let mut tries = 1;
    loop {
        let connection = match own.get().await {
            Ok(connection) => connection,
            Err(error) => return Err(Refused { error, is_about_values: false }),
        };
        match connection.run(async |client| journal::append(client, events).await).await {
            Ok(new) => return Ok(new),
            Err(error) if is_about_others(&error) && tries < TRIES => tries += 1,
            Err(error) => {
                return Err(Refused { is_about_values: is_about_values(&error), error: error.into() });
            }
        }
    }
}

fn fail(arrivals: Vec<Arrival>, error: &StoreError) -> Vec<Arrival> {
    arrivals.into_iter().for_each(|arrival| arrival.fails(error));
    Vec::new()
}

/// Whether another transaction was in the way: a deadlock, or a serialization failure.
fn is_about_others(error: &tokio_postgres::Error) -> bool {
    let codes = [SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE];
    error.code().is_some_and(|code| codes.contains(code))
}

/// Whether PostgreSQL can't store one of the values: a data exception, or a limit.
fn is_about_values(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| ["22", "54"].iter().any(|class| code.code().starts_with(class)))
}

/// An event is kept: its timer begins, and its sender is told.
fn tell(shared: &Shared, arrival: Arrival) {
    let Arrival { arriving: Arriving { event, timings, kept, .. }, tell, .. } = arrival;
    if shared.hints.arrived(&event.key, event.received_at, &timings) {
        shared.signals.committed(TouchedTopics::inbox(), FeedPosition::Same);
    }
    shared.inbox_changed(event.key);
    kept();
    drop(tell.send(Ok(Arrived::Kept)));
}
