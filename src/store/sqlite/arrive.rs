//! An event arrives: one statement keeps it, unless there is something to decide.

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    journal,
    writer::{self, Job, WriterState},
};
use crate::store::{Arrived, Arriving, StoreError, document, signals::TouchedTopics};

type Outcome = Result<Arrived, StoreError>;

/// An event that waits to be kept. Whoever asked for it gets it back with what it came to: so it is dropped there, and not
/// by the one thread that writes.
pub struct Arrival {
    /// Gone once a rule has decided.
    arriving: Option<Arriving>,
    document: String,
    /// What it came to, once it was run.
    outcome: Option<Outcome>,
    /// Where it is sent then.
    asker: Option<oneshot::Sender<Box<Self>>>,
}

/// Where a job comes back.
pub type Back = oneshot::Receiver<Box<Arrival>>;

/// A job that keeps an event, and where it comes back.
pub fn job(arriving: Arriving) -> Result<(Box<dyn Job>, Back), StoreError> {
    let (asker, back) = oneshot::channel();
    let document = document::write(&*arriving.event)?;
    let job = Arrival { arriving: Some(arriving), document, outcome: None, asker: Some(asker) };
    Ok((Box::new(job), back))
}

/// What an event came to, of which the job is back.
pub async fn outcome(back: Back) -> Outcome {
    let arrival = back.await.map_err(|_| StoreError::Stopped)?;
    arrival.outcome.unwrap_or(Err(StoreError::Stopped))
}

impl Job for Arrival {
    fn run_alone(
        &mut self,
        connection: &Connection,
        state: &mut WriterState,
    ) -> Option<Result<(), StoreError>> {
        let kept = keep(connection, state, self.arriving.as_ref()?, &self.document);
        let outcome = kept.map(|kept| kept.then_some(Arrived::Kept)).transpose()?;
        let result = writer::copy(&outcome);
        self.outcome = Some(outcome);
        Some(result)
    }

    fn run(&mut self, connection: &Connection, state: &mut WriterState) -> Result<(), StoreError> {
        let Some(Arriving { event, rule, kept, .. }) = self.arriving.take() else { return Ok(()) };
        // The rule accounts for the event from now on, also if it panics.
        drop(kept);
        let (scope, decision) = rule(event);
        let decided = writer::decide(connection, scope, decision, state);
        let result = writer::copy(&decided);
        self.outcome = Some(decided.map(|()| Arrived::Decided));
        result
    }

    fn committed(&self) {
        if let (Some(Ok(Arrived::Kept)), Some(arriving)) = (&self.outcome, &self.arriving) {
            (arriving.kept)();
        }
    }

    fn tell(mut self: Box<Self>, lost: Option<&str>) {
        let was_run = self.outcome.is_some();
        let outcome = self.outcome.take().unwrap_or(Err(StoreError::Stopped));
        self.outcome = Some(writer::unless_lost(outcome, was_run, lost));
        if let Some(asker) = self.asker.take() {
            drop(asker.send(self));
        }
    }
}

/// Keeps the event if there is nothing to decide; says whether it has.
fn keep(
    connection: &Connection,
    state: &mut WriterState,
    arriving: &Arriving,
    document: &str,
) -> Result<bool, StoreError> {
    let (event, known) = (&arriving.event, &state.known);
    if known.queued.reads(&event.key.ai_agent) >= arriving.outbox_limit
        || known.waiting.lock().events() >= arriving.inbox_limit
    {
        return Ok(false);
    }
    let Some(seq) = journal::append(connection, event, document)? else { return Ok(false) };
    let waiting = journal::waiting_event(event, seq);
    let is_due_earlier =
        known.waiting.lock().arrived(&event.key, waiting, event.received_at, &arriving.timings);
    state.appended();
    if state.inbox_changes.is_watched() && state.known.open.has(event.key.conversation.as_str()) {
        state.changes_inbox(Some(event.key.clone()));
    }
    if is_due_earlier {
        state.touch(TouchedTopics::inbox());
    }
    Ok(true)
}
