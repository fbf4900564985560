//! Ada's rate limits: who may call when.
//!
//! A call takes a [`Permit`] first. Permits are given out so that no window of a second or of a minute holds
//! more calls than the limits, whoever measures it: a call counts from when it is sent until a whole window
//! after its answer (or after two seconds, if it hangs), and Ada sees it somewhere in between. Writes go before
//! reads, and reads leave room for them; so does what is tried again, for both, so that conversations that Ada
//! doesn't answer use up nobody else's calls. Among equals whoever has waited longest goes first.

mod line;
mod pace;
mod shared;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use reqwest::StatusCode;
use tokio::sync::Notify;

use crate::{environment::Environment, relay::time::Time};
pub use line::Priority;
use line::{Line, Ticket};
use pace::{CallNumber, Pace, Room};
pub use shared::{CountedCall, SharedCount};

/// How often a refused key is tried again.
pub const DENIED_PAUSE: Duration = Duration::from_secs(30);
/// How much of the limits may be used by all but new writes, and among these by what is tried again, by reads, and
/// by recovery, by strangers and by banners alone: the rest is kept for what people write.
const PERCENT: [u32; PACES - 1] = [80, 60, 70, 20, 30, 20];
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
pub struct LimitHeaders {
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
    environment: Arc<dyn Environment>,
    state: Mutex<State>,
    moved: Notify,
    /// Where several relays call one AI Agent.
    shared: Option<Arc<dyn SharedCount>>,
}

struct State {
    /// Of all calls; of all but new writes; of those tried again; of reads; of recovery alone; of strangers alone;
    /// of banners alone.
    paces: [Pace; PACES],
    line: Line,
    /// Why the key is refused, and the last call that had left when it was.
    denied: Option<(String, CallNumber)>,
    bare_refusals: u32,
}

/// What an answer shows of the key that was not known before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyNews {
    /// Ada refuses it. Nothing is sent until Ada accepts it.
    Refused,
    /// Ada accepts it again.
    Accepted,
}

/// Leave to make one call. Dropped without an answer, it counts as a call that got none.
pub struct Permit {
    limits: Arc<Limits>,
    /// Taken when the call is over.
    calls: Option<Calls>,
}

/// The number of a call in each pace that it counts in.
type Calls = [Option<CallNumber>; PACES];

const PACES: usize = 7;

impl Rates {
    /// This part of the rates, but at least one call.
    const fn part(self, percent: u32) -> Self {
        const fn of(rate: u32, percent: u32) -> u32 {
            let part = rate.saturating_mul(percent) / 100;
            if part == 0 { 1 } else { part }
        }
        Self { per_second: of(self.per_second, percent), per_minute: of(self.per_minute, percent) }
    }
}

/// In which of the paces a call counts.
const fn counts_in(priority: Priority) -> &'static [usize] {
    match priority {
        Priority::Check | Priority::Write => &[0],
        Priority::Retry => &[0, 1, 2],
        Priority::Read => &[0, 1, 3],
        Priority::Recover => &[0, 1, 3, 4],
        Priority::Stranger => &[0, 1, 3, 5],
        Priority::Banner => &[0, 1, 6],
    }
}

impl Limits {
    /// Limits that nothing has counted against.
    pub fn new(rates: Rates, environment: Arc<dyn Environment>) -> Arc<Self> {
        Self::shared_by(rates, environment, None)
    }

    /// The same, which calls of other relays count against, too.
    pub fn shared_by(
        rates: Rates,
        environment: Arc<dyn Environment>,
        shared: Option<Arc<dyn SharedCount>>,
    ) -> Arc<Self> {
        let [others, again, reads, recovery, strangers, banners] = PERCENT.map(|percent| rates.part(percent));
        let paces = [rates, others, again, reads, recovery, strangers, banners].map(Pace::new);
        let state = State { paces, line: Line::default(), denied: None, bare_refusals: 0 };
        Arc::new(Self { environment, state: Mutex::new(state), moved: Notify::new(), shared })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why Ada refuses our key, if it does.
    pub fn denied(&self) -> Option<String> {
        self.lock().denied.as_ref().map(|(reason, _)| reason.clone())
    }

    /// Waits in line until a call may be made. Leaving early gives the place up.
    pub async fn turn(self: &Arc<Self>, priority: Priority) -> Permit {
        loop {
            let permit = self.own_turn(priority).await;
            match &self.shared {
                None => return permit,
                Some(shared) => {
                    if let Some(permit) = self.count(&**shared, permit).await {
                        return permit;
                    }
                }
            }
        }
    }

    /// Waits until a call may be made, as far as this relay's own calls are concerned.
    async fn own_turn(self: &Arc<Self>, priority: Priority) -> Permit {
        let ticket = self.lock().line.join(priority);
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
                    return Permit { limits: Arc::clone(self), calls: Some(call) };
                }
                Taken::NotBefore(at) => at,
            };
            match until {
                Some(at) => {
                    let wait = at.since(self.environment.now());
                    // In a fixed order, so that a simulation replays exactly.
                    tokio::select! { biased; () = moved => {}, () = tokio::time::sleep(wait) => {} }
                }
                None => moved.await,
            }
        }
    }

    fn try_take(&self, place: &Place<'_>) -> Taken {
        let mut state = self.lock();
        let now = self.environment.now();
        let Some(ticket) = place.ticket.as_ref() else { return Taken::NotBefore(None) };
        let State { paces, line, .. } = &mut *state;
        if !line.is_head(ticket) {
            return Taken::NotBefore(None);
        }
        // Who is before it may have no room where it has.
        let next =
            line.heads().find(|head| *head == ticket || room(paces, head.priority(), now) == Room::Now);
        if next != Some(ticket) {
            return Taken::NotBefore(None);
        }
        match room(paces, ticket.priority(), now) {
            Room::At(at) | Room::WhenAnswered(at) => Taken::NotBefore(Some(at)),
            Room::Now => {
                line.leave(ticket);
                let mut calls: Calls = [None; PACES];
                for pace in counts_in(ticket.priority()) {
                    calls[*pace] = Some(paces[*pace].sent(now));
                }
                Taken::Yes(calls)
            }
        }
    }

    fn given_back(&self, calls: Calls) {
        let mut state = self.lock();
        for (pace, call) in state.paces.iter_mut().zip(calls) {
            if let Some(call) = call {
                pace.taken_back(call);
            }
        }
        drop(state);
        self.moved.notify_waiters();
    }

    fn answered(&self, calls: Calls, headers: LimitHeaders, reason: Option<&str>) -> Option<KeyNews> {
        let news = self.lock().learn(calls, headers, reason, self.environment.now());
        self.moved.notify_waiters();
        news
    }
}

/// Whether a call may be made, in all the paces that it counts in.
fn room(paces: &mut [Pace; PACES], priority: Priority, now: Time) -> Room {
    let rooms = counts_in(priority).iter().map(|pace| paces[*pace].room(now));
    rooms.max_by_key(pace::severity).unwrap_or(Room::Now)
}

enum Taken {
    Yes(Calls),
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
    /// No call is made after all: somebody else may make one.
    pub fn give_back(mut self) {
        if let Some(calls) = self.calls.take() {
            self.limits.given_back(calls);
        }
    }

    /// The call was answered, or got no answer; `reason` is Ada's, for people. Gives what is new of the key.
    pub fn answered(mut self, headers: LimitHeaders, reason: Option<&str>) -> Option<KeyNews> {
        self.limits.answered(self.calls.take()?, headers, reason)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(calls) = self.calls.take() {
            self.limits.answered(calls, LimitHeaders::default(), None);
        }
    }
}

impl State {
    fn learn(
        &mut self,
        calls: Calls,
        headers: LimitHeaders,
        reason: Option<&str>,
        now: Time,
    ) -> Option<KeyNews> {
        let mut news = None;
        for (pace, call) in self.paces.iter_mut().zip(calls) {
            if let Some(call) = call {
                pace.answered(call, now);
            }
        }
        if let (Some(remaining), Some(reset_in)) = (headers.remaining, headers.reset_in) {
            self.paces[0].limit_headers(remaining, now + reset_in);
        }
        match headers.status.map(|status| status.as_u16()) {
            None => return None,
            Some(429) => self.throttled(headers.retry_after, now),
            Some(401 | 403) => {
                news = self.denied.is_none().then_some(KeyNews::Refused);
                let reason = reason.unwrap_or("no reason given").to_owned();
                self.denied = Some((reason, self.paces[0].last_call()));
                self.paces[0].close(now + DENIED_PAUSE);
            }
            Some(500..) => {
                if let Some(wait) = headers.retry_after {
                    self.paces[0].close(now + wait);
                }
                return None;
            }
            Some(_) => {
                // What had left before the refusal proves nothing about what comes after it.
                let newer = |(_, last): &mut (String, CallNumber)| calls[0] > Some(*last);
                news = self.denied.take_if(newer).map(|_| KeyNews::Accepted);
                self.bare_refusals = 0;
            }
        }
        self.paces[0].probe(self.denied.is_some());
        news
    }

    /// Ada wants less. Its word on when counts; without one the pauses grow.
    fn throttled(&mut self, retry_after: Option<Duration>, now: Time) {
        if retry_after.is_none() && self.paces[0].is_closed(now) {
            // Sent together, refused together: one refusal.
            return;
        }
        let pause = retry_after.unwrap_or_else(|| {
            self.bare_refusals = self.bare_refusals.saturating_add(1);
            let doublings = (self.bare_refusals - 1).min(5);
            (BARE_PAUSE * (1 << doublings)).min(MAX_BARE_PAUSE)
        });
        self.paces[0].close(now + pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Machine;

    #[tokio::test]
    async fn a_server_that_asks_for_a_pause_gets_it() {
        let rates = Rates { per_second: 10, per_minute: 100 };
        for (status, closed) in [
            (StatusCode::SERVICE_UNAVAILABLE, true),
            (StatusCode::TOO_MANY_REQUESTS, true),
            (StatusCode::OK, false),
        ] {
            let limits = Limits::new(rates, Arc::new(Machine));
            let permit = limits.turn(Priority::Write).await;
            let retry_after = Some(Duration::from_secs(60));
            permit.answered(
                LimitHeaders { status: Some(status), retry_after, ..LimitHeaders::default() },
                None,
            );
            assert_eq!(limits.lock().paces[0].is_closed(limits.environment.now()), closed, "{status}");
        }
    }

    #[tokio::test]
    async fn what_is_tried_again_and_strangers_leave_room_for_the_others() {
        use Priority::{Banner, Read, Retry, Stranger, Write};
        for (greedy, takes, others) in [
            (Retry, 6, &[Read, Read, Write, Write][..]),
            (Stranger, 3, &[Retry, Read, Write, Write, Write, Write, Write]),
            (Banner, 2, &[Retry, Read, Read, Write, Write, Write, Write, Write]),
        ] {
            let limits = Limits::new(Rates { per_second: 10, per_minute: 10 }, Arc::new(Machine));
            for _ in 0..takes {
                drop(limits.turn(greedy).await);
            }
            let mut next = std::pin::pin!(limits.turn(greedy));
            assert!(futures_util::poll!(&mut next).is_pending());
            for other in others {
                let turn = tokio::time::timeout(Duration::from_secs(5), limits.turn(*other)).await;
                assert!(turn.is_ok(), "{greedy:?} leaves room for {other:?}");
            }
            assert!(futures_util::poll!(&mut next).is_pending());
        }
    }

    #[tokio::test]
    async fn a_permit_that_was_given_back_counts_as_no_call() {
        let limits = Limits::new(Rates { per_second: 1, per_minute: 1 }, Arc::new(Machine));
        for _ in 0..3 {
            limits.turn(Priority::Write).await.give_back();
        }
        drop(limits.turn(Priority::Write).await);
        let mut next = std::pin::pin!(limits.turn(Priority::Write));
        assert!(futures_util::poll!(&mut next).is_pending());
    }

    #[tokio::test]
    async fn only_what_left_after_a_refusal_proves_that_the_key_is_good() {
        let limits = Limits::new(Rates { per_second: 10, per_minute: 100 }, Arc::new(Machine));
        let turn = || limits.turn(Priority::Write);
        let (before, refused) = (turn().await, turn().await);
        let limit_headers = |status| LimitHeaders { status: Some(status), ..LimitHeaders::default() };
        let [again, after] = [turn().await, turn().await];
        let refusal = limit_headers(StatusCode::UNAUTHORIZED);
        assert_eq!(refused.answered(refusal, Some("wrong key")), Some(KeyNews::Refused));
        assert_eq!(again.answered(refusal, Some("wrong key")), None, "that is known");
        assert_eq!(before.answered(limit_headers(StatusCode::OK), None), None);
        assert_eq!(after.answered(limit_headers(StatusCode::OK), None), None, "it had left before");
        assert_eq!(limits.denied().as_deref(), Some("wrong key"));
    }

    /// Calls of other relays, as a store would tell them.
    #[derive(Default)]
    struct Others(Mutex<(Vec<CountedCall>, Vec<u64>)>);

    #[async_trait::async_trait]
    impl SharedCount for Others {
        async fn count(&self) -> Option<CountedCall> {
            // As a store's answer takes its time.
            tokio::task::yield_now().await;
            let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Some(told.0.pop().unwrap_or(CountedCall { number: 9, others: Vec::new() }))
        }

        async fn take_back(&self, call: CountedCall) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).1.push(call.number);
        }
    }

    #[tokio::test]
    async fn who_has_taken_a_turn_before_others_are_heard_of_may_give_it_back() {
        let rates = Rates { per_second: 10, per_minute: 10 };
        let calls = CountedCall { number: 1, others: vec![Duration::from_secs(30); 9] };
        let shared: Arc<dyn SharedCount> = Arc::new(Others(Mutex::new((vec![calls], Vec::new()))));
        let limits = Limits::shared_by(rates, Arc::new(Machine), Some(shared));
        let mut turns: Vec<_> = (0..3).map(|_| Box::pin(limits.turn(Priority::Write))).collect();
        // Each is polled no more once it is there.
        let mut given = Vec::new();
        for _ in 0..5 {
            for index in (0..turns.len()).rev() {
                if let std::task::Poll::Ready(permit) = futures_util::poll!(&mut turns[index]) {
                    given.push(permit);
                    drop(turns.remove(index));
                }
            }
        }
        assert_eq!(given.len(), 1, "nine calls of others and one of this relay");
    }

    #[tokio::test]
    async fn calls_of_other_relays_count_against_the_limits() {
        let rates = Rates { per_second: 10, per_minute: 10 };
        for (others, own) in [(0, 10), (3, 7), (9, 1), (10, 0), (12, 0)] {
            let calls = CountedCall { number: 1, others: vec![Duration::from_secs(30); others] };
            let count = Arc::new(Others(Mutex::new((vec![calls], Vec::new()))));
            let shared: Arc<dyn SharedCount> = Arc::<Others>::clone(&count);
            let limits = Limits::shared_by(rates, Arc::new(Machine), Some(shared));
            for _ in 0..own {
                drop(limits.turn(Priority::Write).await);
            }
            let mut next = std::pin::pin!(limits.turn(Priority::Write));
            for _ in 0..3 {
                assert!(futures_util::poll!(&mut next).is_pending(), "beside {others}");
            }
            let taken_back = count.0.lock().unwrap_or_else(PoisonError::into_inner).1.len();
            assert_eq!(taken_back, usize::from(own == 0), "what doesn't fit is not made");
        }
    }
}
