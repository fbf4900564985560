//! The simulation: engine, rules and a store with a simulated clock and a simulated Ada, in one thread. The store is memory's,
//! and now and then one with a database.
//!
//! A seed draws a schedule: start calls, events that come late, twice, out of order or never, agents at work,
//! calls that go wrong in every way, crashes, a store that fails, callers that leave, restored
//! backups, documents of another version. Then it grows calm, and the promises must hold. A seed always
//! replays the same run:
//!
//! ```text
//! SIM_SEED=1000 SIM_SCHEDULES=10000 scripts/test --test simulation -- --nocapture   many others
//! SIM_SEED=17 SIM_SCHEDULES=1 scripts/test --test simulation -- --nocapture   one, with what happened
//! ```
//!
//! Beside these, scenes of many handoffs at once at an Ada that is broken in one certain way: `isolation`, `outage`,
//! and one whose process stands still: `stillness`. And `days` at a desk.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a test"
)]

mod ada;
mod clock;
mod days;
mod desk;
mod dice;
mod isolation;
mod kept;
mod outage;
mod poison;
mod post;
#[allow(dead_code, reason = "made for other tests")]
#[path = "../support/postgres.rs"]
mod postgres;
mod promises;
mod relay;
mod shaky;
mod stillness;
mod story;

use std::{
    future::Future,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use kept::Kind;
use story::Story;

/// Unless `SIM_SCHEDULES` says otherwise.
const SCHEDULES: u64 = 400;
const STEPS: u64 = 60;
/// Of so many schedules one is played on each store with a database.
const SLOWER: u64 = 50;

/// Time stands still unless everybody waits.
fn in_simulated_time<T>(story: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .enable_io()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(story)
}

/// Runs one schedule; gives what happened, and what went wrong.
fn run(kind: Kind, seed: u64) -> (Vec<String>, Result<(), String>) {
    in_simulated_time(async {
        let mut story = Story::new(kind, seed).await;
        let outcome = story.runs(STEPS).await;
        (std::mem::take(&mut story.trace), outcome)
    })
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn the_promises_hold() {
    hold(Kind::Memory, number("SIM_SCHEDULES").unwrap_or(SCHEDULES));
}

#[test]
fn the_promises_hold_on_sqlite() {
    hold(Kind::Sqlite, number("SIM_SCHEDULES").unwrap_or(SCHEDULES).div_ceil(SLOWER));
}

#[test]
fn the_promises_hold_on_postgresql() {
    hold(Kind::Postgres, number("SIM_SCHEDULES").unwrap_or(SCHEDULES).div_ceil(SLOWER));
}

fn hold(kind: Kind, schedules: u64) {
    let seed = number("SIM_SEED").unwrap_or(1);
    let (began, next) = (Instant::now(), AtomicU64::new(seed));
    let play = || {
        while let Some(seed) =
            Some(next.fetch_add(1, Ordering::Relaxed)).filter(|next| *next < seed + schedules)
        {
            let (trace, outcome) = run(kind, seed);
            if let Err(wrong) = outcome {
                println!("{}", trace.join("\n"));
                panic!(
                    "{kind:?}, seed {seed}: {wrong}\nSIM_SEED={seed} SIM_SCHEDULES=1 scripts/test --test simulation"
                );
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(play))));
    let seconds = began.elapsed().as_secs_f64();
    let rate = schedules as f64 / seconds;
    println!("{kind:?}: {schedules} schedules from seed {seed} in {seconds:.1} s: {rate:.0} in a second");
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 0..10 {
        assert_eq!(run(Kind::Memory, seed), run(Kind::Memory, seed), "seed {seed}");
    }
}
