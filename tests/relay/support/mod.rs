//! What the stories need: a relay, a stand-in Ada, agents, and ways to wait. Only this folder ever pauses.

pub mod agent;
pub mod answer;
pub mod browser;
pub mod connect;
pub mod events;
pub mod log;
pub mod platform;
#[path = "../../support/postgres.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
pub mod postgres;
pub mod raw;
pub mod relay;
pub mod road;
pub mod stream;

use std::{future::Future, panic::AssertUnwindSafe, time::Duration};

use futures_util::{FutureExt, StreamExt, stream as streams};
use tokio::time::Instant;

/// Nothing here takes this long unless it is broken.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// Between two looks at something that can't be awaited.
pub const LOOK_AGAIN: Duration = Duration::from_millis(15);

/// Asks until there is an answer.
pub async fn eventually<T, F, A>(what: &str, ask: F) -> T
where
    F: Fn() -> A,
    A: Future<Output = Option<T>>,
{
    soon(what, async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    })
    .await
}

/// Asks until the answer is `wanted`; at the deadline says what it is instead.
pub async fn settles<T, F, A>(wanted: &T, ask: F)
where
    T: PartialEq + std::fmt::Debug,
    F: Fn() -> A,
    A: Future<Output = T>,
{
    let deadline = Instant::now() + DEADLINE;
    loop {
        let answer = ask().await;
        if answer == *wanted {
            return;
        }
        assert!(Instant::now() < deadline, "never came to be {wanted:?}\nbut is {answer:?}");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// So many stories are told beside each other: each has a relay to start, and they share a thread.
const AT_ONCE: usize = 12;

/// Tells stories beside each other, and then which of them went wrong.
pub async fn all_hold<S: Future<Output = ()>>(stories: impl IntoIterator<Item = (String, S)>) {
    let told = stories.into_iter().map(|(name, story)| async {
        // Not boxed, the stories of a table would make one huge future.
        let held = AssertUnwindSafe(Box::pin(story)).catch_unwind().await;
        held.err().map(|_| name)
    });
    let held = streams::iter(told).buffered(AT_ONCE).collect::<Vec<_>>().await;
    let wrong: Vec<String> = held.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "went wrong: {wrong:#?}");
}

/// Waits for what must happen.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let outcome = tokio::time::timeout(DEADLINE, future).await;
    outcome.unwrap_or_else(|_| panic!("never happened: {what}"))
}

/// Waits for a moment of a script.
pub async fn moment(at: Instant) {
    tokio::time::sleep_until(at).await;
}

/// Waits until Ada's clock is well inside a second, so that its `Date` header is clearly behind.
pub async fn late_in_a_second() {
    let millis = || jiff::Timestamp::now().as_millisecond().rem_euclid(1_000);
    eventually("the middle of a second", || async { (400..600).contains(&millis()).then_some(()) }).await;
}

/// Waits until an end event can't be taken for an earlier handoff's: 2 s of doubt, and half a second of
/// `Date` headers.
pub async fn past_the_doubt(began: Instant) {
    moment(began + Duration::from_millis(2_600)).await;
}

/// The same numbers for every run: what fails once fails again.
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(1))
    }

    /// A number below `below`.
    pub const fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}
