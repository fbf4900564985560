//! Ada's rate limits: who may call when.
//!
//! A call takes a [`Permit`] first. Permits are given out so that no window of a second or of a minute holds
//! more calls than the limits, whoever measures it: a call counts from when it is sent until a whole window
//! after its answer (or after two seconds, if it hangs), and Ada sees it somewhere in between. Writes go before reads; among equals the
//! conversation that was served longest ago goes first, so that one busy chat starves no other.

mod line;
mod pace;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use reqwest::StatusCode;
use tokio::sync::Notify;

use crate::relay::{id::ConversationId, time::Time};
pub use line::Priority;
use line::{Line, Ticket};
use pace::{CallNumber, Pace};

/// How often a refused key is tried again.
pub const DENIED_PAUSE: Duration = Duration::from_secs(30);
/// The wait after a 429 without `Retry-After`; doubles while they go on, to 30 s.
const BARE_PAUSE: Duration = Duration::from_secs(1);
const MAX_BARE_PAUSE: Duration = Duration::from_secs(30);

/// Calls per second and per minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// In any second.
    pub per_second: u32,
    /// In any minute.
    pub per_minute: u32,
}

/// What an answer says about limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The status; `None` when no answer came.
    pub status: Option<StatusCode>,
    /// `Retry-After`.
    pub retry_after: Option<Duration>,
    /// `X-RateLimit-Remaining`.
    pub remaining: Option<u32>,
    /// `X-RateLimit-Reset`, from now.
    pub reset_in: Option<Duration>,
}

/// The limits of one AI Agent, shared by all its calls.
pub struct Limits {
    state: Mutex<State>,
    moved: Notify,
}

struct State {
    pace: Pace,
    line: Line,
    denied: Option<String>,
    bare_refusals: u32,
}

/// Leave to make one call. Dropped without an answer, it counts as a call that got none.
pub struct Permit {
    limits: Arc<Limits>,
    /// Taken when the call is over.
    call: Option<CallNumber>,
}

impl Limits {
    /// Limits that nothing has counted against.
    pub fn new(rates: Rates) -> Arc<Self> {
        let state = State { pace: Pace::new(rates), line: Line::default(), denied: None, bare_refusals: 0 };
        Arc::new(Self { state: Mutex::new(state), moved: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why Ada refuses our key, if it does.
    pub fn denied(&self) -> Option<String> {
        self.lock().denied.clone()
    }

    /// Waits in line until a call may be made. Leaving early gives the place up.
    pub async fn turn(self: &Arc<Self>, priority: Priority, conversation: &ConversationId) -> Permit {
        let ticket = self.lock().line.join(priority, conversation);
        let mut place = Place { limits: self, ticket: Some(ticket) };
        loop {
            // Registered before looking, so that no move between the two is missed.
            let moved = self.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            let until = match self.try_take(&place) {
                Taken::Yes(call) => {
                    place.ticket = None;
                    self.moved.notify_waiters();
                    return Permit { limits: Arc::clone(self), call: Some(call) };
                }
                Taken::NotBefore(at) => at,
            };
            match until {
                Some(at) => {
                    let wait = at.since(Time::now());
                    tokio::select! { () = moved => {}, () = tokio::time::sleep(wait) => {} }
                }
                None => moved.await,
            }
        }
    }

    fn try_take(&self, place: &Place<'_>) -> Taken {
        let mut state = self.lock();
        let now = Time::now();
        let Some(ticket) = place.ticket.as_ref() else { return Taken::NotBefore(None) };
        if !state.line.is_first(ticket) {
            return Taken::NotBefore(None);
        }
        match state.pace.room(now) {
            pace::Room::Now => {
                state.line.serve(ticket, now);
                Taken::Yes(state.pace.sent(now))
            }
            pace::Room::At(at) | pace::Room::WhenAnswered(at) => Taken::NotBefore(Some(at)),
        }
    }

    fn answered(&self, call: CallNumber, told: Told, reason: Option<&str>) {
        self.lock().learn(call, told, reason, Time::now());
        self.moved.notify_waiters();
    }
}

enum Taken {
    Yes(CallNumber),
    NotBefore(Option<Time>),
}

/// A place in line, given up when dropped.
struct Place<'a> {
    limits: &'a Limits,
    ticket: Option<Ticket>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.limits.lock().line.leave(&ticket);
            self.limits.moved.notify_waiters();
        }
    }
}

impl Permit {
    /// The call was answered, or got no answer; `reason` is Ada's, for people.
    pub fn answered(mut self, told: Told, reason: Option<&str>) {
        if let Some(call) = self.call.take() {
            self.limits.answered(call, told, reason);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.limits.answered(call, Told::default(), None);
        }
    }
}

impl State {
    fn learn(&mut self, call: CallNumber, told: Told, reason: Option<&str>, now: Time) {
        self.pace.answered(call, now);
        if let (Some(remaining), Some(reset_in)) = (told.remaining, told.reset_in) {
            self.pace.told(remaining, now + reset_in);
        }
        match told.status.map(|status| status.as_u16()) {
            None => return,
            Some(429) => self.throttled(told.retry_after, now),
            Some(401 | 403) => {
                if self.denied.is_none() {
                    tracing::error!("Ada refuses ADA_API_KEY; nothing is sent until it does not");
                }
                self.denied = Some(reason.unwrap_or("no reason given").to_owned());
                self.pace.close(now + DENIED_PAUSE);
            }
            Some(500..) => return,
            Some(_) => {
                if self.denied.take().is_some() {
                    tracing::info!("Ada accepts ADA_API_KEY again");
                }
                self.bare_refusals = 0;
            }
        }
        self.pace.probe(self.denied.is_some());
    }

    /// Ada wants less. Its word on when counts; without one the pauses grow.
    fn throttled(&mut self, retry_after: Option<Duration>, now: Time) {
        if retry_after.is_none() && self.pace.is_closed(now) {
            // Sent together, refused together: one refusal.
            return;
        }
        let pause = retry_after.unwrap_or_else(|| {
            self.bare_refusals = self.bare_refusals.saturating_add(1);
            let doublings = (self.bare_refusals - 1).min(5);
            (BARE_PAUSE * (1 << doublings)).min(MAX_BARE_PAUSE)
        });
        self.pace.close(now + pause);
    }
}
