//! A circuit breaker: a platform that has taken nothing for long is asked now and then, by one delivery at a time.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use crate::{environment::Environment, relay::time::Time};

/// Nothing has succeeded for so long: the circuit opens.
pub const OPENS_AFTER: Duration = Duration::from_secs(5 * 60);
/// How often a platform is tried while its circuit is open.
pub const TRY_EVERY: Duration = Duration::from_secs(30);

/// See the module.
pub struct Circuit {
    state: Mutex<State>,
    changed: Notify,
    environment: Arc<dyn Environment>,
}

#[derive(Default)]
struct State {
    last_success: Option<Time>,
    /// Since when nothing has succeeded, if something has failed since.
    failing_since: Option<Time>,
    last_error: Option<(Time, String)>,
    /// Since when nothing is sent at all, and why.
    disabled: Option<(Time, String)>,
    /// The one try of an open circuit is under way.
    is_trying: bool,
    /// When the next one may begin.
    next_try: Time,
}

/// How a platform is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// When it took an event last, in this process.
    pub last_success: Option<Time>,
    /// When an attempt failed last, and why.
    pub last_error: Option<(Time, String)>,
    /// Since when it has taken nothing, if its circuit is open.
    pub open_since: Option<Time>,
    /// Since when it is disabled, and why.
    pub disabled: Option<(Time, String)>,
}

/// A turn to call the platform. Dropped without a result, it leaves its place to the next.
pub struct Permit<'c> {
    circuit: &'c Circuit,
    is_try: bool,
}

impl Circuit {
    /// A closed one, unless the platform was `disabled` before.
    pub fn new(environment: Arc<dyn Environment>, disabled: Option<(Time, String)>) -> Self {
        let state = State { last_error: disabled.clone(), disabled, ..State::default() };
        Self { state: Mutex::new(state), changed: Notify::new(), environment }
    }

    /// How the platform is doing.
    pub fn health(&self) -> Health {
        let now = self.environment.now();
        let state = self.state();
        Health {
            last_success: state.last_success,
            last_error: state.last_error.clone(),
            open_since: state.failing_since.filter(|_| state.is_open(now)),
            disabled: state.disabled.clone(),
        }
    }

    /// Waits until the platform may be called: at once if its circuit is closed; in turn, and seldom, if it is open; not
    /// before it is enabled if it is disabled.
    pub async fn turn(&self) -> Permit<'_> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // What changes from now on is noticed.
            changed.as_mut().enable();
            let wait = match self.try_turn() {
                Ok(permit) => return permit,
                Err(wait) => wait,
            };
            match wait {
                Some(wait) => drop(tokio::time::timeout(wait, changed).await),
                None => changed.await,
            }
        }
    }

    /// A permit, or how long to wait for one.
    fn try_turn(&self) -> Result<Permit<'_>, Option<Duration>> {
        let now = self.environment.now();
        let mut state = self.state();
        if state.disabled.is_some() || (state.is_open(now) && state.is_trying) {
            return Err(None);
        }
        if !state.is_open(now) {
            return Ok(Permit { circuit: self, is_try: false });
        }
        if now < state.next_try {
            return Err(Some(state.next_try.since(now)));
        }
        state.is_trying = true;
        state.next_try = now + TRY_EVERY;
        Ok(Permit { circuit: self, is_try: true })
    }

    /// The platform has taken something.
    pub fn succeeded(&self) {
        let now = self.environment.now();
        let mut state = self.state();
        state.last_success = Some(now);
        let was_failing = state.failing_since.take().is_some();
        drop(state);
        if was_failing {
            self.changed.notify_waiters();
        }
    }

    /// The platform could not be reached, or had trouble.
    pub fn failed(&self, reason: &str) {
        let now = self.environment.now();
        let mut state = self.state();
        state.last_error = Some((now, reason.to_owned()));
        let since = *state.failing_since.get_or_insert(now);
        if now.since(since) < OPENS_AFTER {
            state.next_try = now + TRY_EVERY;
        }
    }

    /// The platform refused one event, which says nothing about others.
    pub fn refused(&self, reason: &str) {
        let now = self.environment.now();
        self.state().last_error = Some((now, reason.to_owned()));
    }

    /// Nothing is sent from now on.
    pub fn disable(&self, at: Time, reason: &str) {
        let error = Some((at, reason.to_owned()));
        let mut state = self.state();
        (state.last_error, state.disabled) = (error.clone(), error);
    }

    /// Events are sent again, from now on.
    pub fn enable(&self) {
        let mut state = self.state();
        (state.disabled, state.failing_since) = (None, None);
        drop(state);
        self.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_open(&self, now: Time) -> bool {
        self.failing_since.is_some_and(|since| now.since(since) >= OPENS_AFTER)
    }
}

impl Permit<'_> {
    /// The platform was not called after all: another may try at once.
    pub fn give_back(self) {
        if self.is_try {
            self.circuit.state().next_try = Time::default();
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.is_try {
            self.circuit.state().is_trying = false;
            self.circuit.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    struct Clock(Mutex<Time>);

    impl Environment for Clock {
        fn now(&self) -> Time {
            *self.0.lock().unwrap()
        }

        fn new_id(&self) -> String {
            String::new()
        }

        fn jitter(&self) -> f64 {
            0.0
        }
    }

    fn circuit() -> (Arc<Clock>, Circuit) {
        let clock = Arc::new(Clock(Mutex::new(Time::from_millis(1_000_000))));
        let environment: Arc<dyn Environment> = Arc::<Clock>::clone(&clock);
        (clock, Circuit::new(environment, None))
    }

    fn pass(clock: &Clock, time: Duration) {
        let mut now = clock.0.lock().unwrap();
        *now = *now + time;
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_five_minutes_without_success_and_one_tries_at_a_time() {
        let (clock, circuit) = circuit();
        circuit.failed("refused");
        pass(&clock, OPENS_AFTER / 2);
        circuit.failed("refused");
        assert!(circuit.turn().now_or_never().is_some(), "closed");
        pass(&clock, OPENS_AFTER / 2);
        circuit.failed("refused");
        assert!(circuit.health().open_since.is_some());
        let permit = circuit.turn().now_or_never().unwrap();
        assert!(circuit.turn().now_or_never().is_none(), "another tries");
        circuit.failed("refused");
        drop(permit);
        assert!(circuit.turn().now_or_never().is_none(), "not before half a minute");
        pass(&clock, TRY_EVERY);
        circuit.turn().now_or_never().unwrap().give_back();
        let permit = circuit.turn().now_or_never().expect("nobody was called");
        circuit.succeeded();
        drop(permit);
        assert_eq!(circuit.health().open_since, None);
        assert!(circuit.turn().now_or_never().is_some() && circuit.turn().now_or_never().is_some());
    }

    #[tokio::test]
    async fn success_between_failures_keeps_it_closed() {
        let (clock, circuit) = circuit();
        for _ in 0..10 {
            circuit.failed("busy");
            pass(&clock, OPENS_AFTER / 2);
            circuit.succeeded();
        }
        assert_eq!(circuit.health().open_since, None);
    }

    #[tokio::test]
    async fn a_disabled_one_waits_until_it_is_enabled() {
        let (clock, circuit) = circuit();
        circuit.failed("busy");
        pass(&clock, OPENS_AFTER);
        let gone = (clock.now(), "gone".to_owned());
        circuit.disable(gone.0, &gone.1);
        let waits = circuit.turn();
        tokio::pin!(waits);
        assert!(waits.as_mut().now_or_never().is_none());
        pass(&clock, Duration::from_hours(24));
        assert!(waits.as_mut().now_or_never().is_none());
        circuit.enable();
        assert!(waits.now_or_never().is_some());
        let health = circuit.health();
        assert_eq!((health.disabled, health.last_error), (None, Some(gone)), "what failed last stays known");
    }
}
