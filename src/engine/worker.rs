//! One loop for all workers.

use std::{collections::BTreeMap, error::Error, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    environment::Environment,
    relay::{id::HandoffId, time::Time},
    store::StoreError,
};

/// How long a worker rests when a step has failed. What the store commits doesn't wake it then.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// If nothing is due, a worker looks again after this time, because the clock may have been changed.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// A step failed. The next step does the rest.
pub type StepError = Box<dyn Error + Send + Sync>;

/// Does what is due, step by step.
#[async_trait]
pub trait Worker: Send {
    /// The name of its task, for people.
    fn name(&self) -> &'static str;

    /// Does what is due, and says when something will be, unless something wakes it before.
    ///
    /// # Errors
    /// The step failed. The next step does the rest.
    async fn step(&mut self) -> Result<Option<Time>, StepError>;

    /// Waits until something may have become due. The future may be dropped.
    async fn woken(&mut self) {
        std::future::pending().await
    }

    /// Stops: work under way may finish.
    async fn finish(&mut self) {}
}

/// Waits for a signal of the store's, which outlives its workers.
pub(super) async fn signal(of: &mut watch::Receiver<()>) {
    if of.changed().await.is_err() {
        std::future::pending().await
    }
}

/// Runs a worker until it is stopped.
pub async fn run(mut worker: impl Worker, environment: Arc<dyn Environment>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match worker.step().await {
            Ok(next) => {
                // In a fixed order, so that a simulation replays exactly.
                tokio::select! {
                    biased;
                    () = stop.cancelled() => {}
                    () = worker.woken() => {}
                    () = rest(&*environment, next) => {}
                }
            }
            Err(error) => {
                tracing::error!(worker = worker.name(), error = &*error, "a step of a worker failed");
                stop.run_until_cancelled(tokio::time::sleep(AFTER_FAILURE)).await;
            }
        }
    }
    worker.finish().await;
}

/// Handoffs that a worker skips for a while. They fail as long as this process runs, and must not block the others.
#[derive(Default)]
pub struct LeftAlone(BTreeMap<HandoffId, Time>);

/// How long a handoff is skipped.
const LEFT_ALONE_FOR: Duration = Duration::from_secs(60);

impl LeftAlone {
    /// How many to ask for at `now`, so that `at_once` others can be among them.
    pub fn limit(&mut self, now: Time, at_once: usize) -> usize {
        self.0.retain(|_, until| *until > now);
        self.0.len() + at_once
    }

    /// Whether this handoff is skipped.
    pub fn has(&self, id: &HandoffId) -> bool {
        self.0.contains_key(id)
    }

    /// Skips a handoff from `now` on if the result `done` is a lasting error.
    ///
    /// # Errors
    /// A temporary error: it may succeed later.
    pub fn record(
        &mut self,
        id: HandoffId,
        done: Result<(), StoreError>,
        now: Time,
    ) -> Result<(), StoreError> {
        match done {
            Err(error) if error.is_lasting() => {
                tracing::error!(handoff.id = %id, error = %error, "a handoff could not be processed and is left unchanged");
                self.0.insert(id, now + LEFT_ALONE_FOR);
                Ok(())
            }
            done => done,
        }
    }
}

/// Waits until `next` by our clock, which may be changed meanwhile.
async fn rest(environment: &dyn Environment, next: Option<Time>) {
    let began = environment.now();
    loop {
        let now = environment.now();
        let left = next.map_or(LOOK_AGAIN, |next| next.since(now).min(LOOK_AGAIN));
        tokio::time::sleep(left).await;
        let now = environment.now();
        if next.is_none_or(|next| next <= now) || now < began {
            return;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicI64, Ordering},
    };

    use tokio::{sync::mpsc, time::Instant};

    use super::*;

    /// The runtime's clock, and what it was set by.
    struct Clock {
        began: Instant,
        set_by: AtomicI64,
    }

    impl Environment for Clock {
        fn now(&self) -> Time {
            let set_by = self.set_by.load(Ordering::Relaxed);
            Time::from_micros((Time::from_millis(1_000_000) + self.began.elapsed()).as_micros() + set_by)
        }

        fn new_id(&self) -> String {
            String::new()
        }

        fn jitter(&self) -> f64 {
            0.0
        }
    }

    /// Notes when it steps, in seconds, and answers what it is told to.
    struct Fake {
        answers: Vec<Result<Option<i64>, &'static str>>,
        steps: Arc<Mutex<Vec<u64>>>,
        wakes: mpsc::UnboundedReceiver<()>,
        began: Instant,
    }

    #[async_trait]
    impl Worker for Fake {
        fn name(&self) -> &'static str {
            "fake"
        }

        async fn step(&mut self) -> Result<Option<Time>, StepError> {
            self.steps.lock().unwrap().push(self.began.elapsed().as_secs());
            match if self.answers.is_empty() { Ok(None) } else { self.answers.remove(0) } {
                Ok(at) => Ok(at.map(|at| Time::from_millis(1_000_000 + at * 1_000))),
                Err(error) => Err(error.into()),
            }
        }

        async fn woken(&mut self) {
            if self.wakes.recv().await.is_none() {
                std::future::pending().await
            }
        }
    }

    /// When a worker steps within ten minutes that answers this, is woken at `wakes`, and whose clock is set at `set`.
    async fn steps(
        answers: Vec<Result<Option<i64>, &'static str>>,
        wakes: &[u64],
        set: Option<(u64, i64)>,
    ) -> Vec<u64> {
        let (began, steps) = (Instant::now(), Arc::<Mutex<Vec<u64>>>::default());
        let (wake, woken) = mpsc::unbounded_channel();
        let clock = Arc::new(Clock { began, set_by: AtomicI64::new(0) });
        let worker = Fake { answers, steps: Arc::clone(&steps), wakes: woken, began };
        let environment: Arc<dyn Environment> = Arc::<Clock>::clone(&clock);
        let stop = CancellationToken::new();
        let running = run(worker, environment, stop.clone());
        let story = async {
            for second in 0..600 {
                tokio::time::sleep_until(began + Duration::from_secs(second)).await;
                if wakes.contains(&second) {
                    wake.send(()).unwrap();
                }
                if let Some((_, by)) = set.filter(|(at, _)| *at == second) {
                    clock.set_by.store(by * 1_000_000, Ordering::Relaxed);
                }
            }
            stop.cancel();
        };
        tokio::join!(running, story);
        let steps = steps.lock().unwrap();
        steps.clone()
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_steps_when_something_is_due_or_wakes_it() {
        let never = Ok(Some(100_000));
        assert_eq!(steps(vec![Ok(Some(100)), Ok(Some(130)), never], &[], None).await, [0, 100, 130]);
        assert_eq!(steps(vec![never, never, never], &[7, 50], None).await, [0, 7, 50]);
        assert_eq!(
            steps(vec![Ok(None), Ok(None), never], &[10], None).await,
            [0, 10, 40],
            "a look now and then"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_that_failed_is_made_again_soon() {
        let never = Ok(Some(100_000));
        assert_eq!(steps(vec![Err("full"), Err("full"), never], &[], None).await, [0, 1, 2]);
        assert_eq!(steps(vec![never, Err("full"), never], &[100], None).await, [0, 100, 101]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_is_noticed() {
        let (at, never) = (Ok(Some(500)), Ok(Some(100_000)));
        assert_eq!(steps(vec![at, never], &[], Some((100, 450))).await, [0, 120]);
        assert_eq!(steps(vec![at, never], &[], Some((100, -3_000))).await, [0, 120]);
    }
}
