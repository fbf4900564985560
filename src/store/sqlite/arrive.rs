//! An event arrives: one statement keeps it, unless there is something to decide.

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    journal,
    writer::{self, Job, WriterState},
};
use crate::{
    relay::delivery::Destination,
    store::{Arrived, Arriving, StoreError, document, signals::TouchedTopics},
};

type Outcome = Result<Arrived, StoreError>;

struct Arrival {
    arriving: Option<Arriving>,
    document: String,
    outcome: Outcome,
    tell: oneshot::Sender<Outcome>,
}

/// A job that keeps an event, and where what it came to is told.
pub fn job(arriving: Arriving) -> Result<(Box<dyn Job>, oneshot::Receiver<Outcome>), StoreError> {
    let (tell, told) = oneshot::channel();
    let document = document::write(&arriving.event)?;
    let job = Arrival { arriving: Some(arriving), document, outcome: Err(StoreError::Stopped), tell };
    Ok((Box::new(job), told))
}

impl Job for Arrival {
    fn run_alone(
        &mut self,
        connection: &Connection,
        state: &mut WriterState,
    ) -> Option<Result<(), StoreError>> {
        let arriving = self.arriving.take()?;
        match keep(connection, state, &arriving, &self.document) {
            Ok(true) => {
                state.once_committed([arriving.kept]);
                self.outcome = Ok(Arrived::Kept);
                Some(Ok(()))
            }
            Ok(false) => {
                self.arriving = Some(arriving);
                None
            }
            Err(error) => {
                self.outcome = Err(error);
                Some(writer::copy(&self.outcome))
            }
        }
    }

    fn run(&mut self, connection: &Connection, state: &mut WriterState) -> Result<(), StoreError> {
        if let Some(Arriving { event, rule, kept, .. }) = self.arriving.take() {
            drop(kept);
            let (scope, decision) = rule(event);
            let decided = writer::decide(connection, scope, decision, state);
            self.outcome = decided.map(|()| Arrived::Decided);
        }
        writer::copy(&self.outcome)
    }

    fn tell(self: Box<Self>, lost: Option<&str>) {
        let was_run = self.arriving.is_none();
        drop(self.tell.send(writer::unless_lost(self.outcome, was_run, lost)));
    }
}

/// Keeps the event if there is nothing to decide; says whether it has.
fn keep(
    connection: &Connection,
    state: &mut WriterState,
    arriving: &Arriving,
    document: &str,
) -> Result<bool, StoreError> {
    let event = &arriving.event;
    let reads = Destination::Reads(event.key.ai_agent.clone());
    let queued = state.known.queued.of(&reads);
    if queued >= arriving.outbox_limit || state.known.waiting.lock().events() >= arriving.inbox_limit {
        return Ok(false);
    }
    let Some(seq) = journal::append(connection, event, document)? else { return Ok(false) };
    state.appended();
    let mut waiting = state.known.waiting.lock();
    waiting.add(&event.key, journal::waiting_event(event, seq));
    let is_due_earlier = waiting.arrived(&event.key, event.received_at, &arriving.timings);
    drop(waiting);
    if state.inbox_changes.is_watched() && state.known.open.has(event.key.conversation.as_str()) {
        state.changes_inbox(Some(event.key.clone()));
    }
    if is_due_earlier {
        state.touch(TouchedTopics::inbox());
    }
    Ok(true)
}
