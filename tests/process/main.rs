//! The binary as a process of its own: settings, start line, signals, and what survives a sudden end.
//!
//! Children listen on free loopback ports, run in folders of their own with nothing of this environment, and
//! are killed by their handle when a test ends. Each waits, up to a deadline, for what it wants to see; only
//! `crash` and `cluster` let time pass, because people and death take their time. To add one: a function in the file of its subject.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failed test is a panic"
)]

mod ada;
mod ai_agents;
mod browser;
mod check;
/// As the console's tests drive it.
#[allow(dead_code, reason = "made for other tests")]
#[path = "../console/chromium.rs"]
mod chromium;
#[cfg(target_os = "linux")]
mod cluster;
mod crash;
mod dead_letters;
mod demo;
#[cfg(target_os = "linux")]
mod descriptors;
#[cfg(target_os = "linux")]
mod disk;
#[cfg(target_os = "linux")]
mod files;
mod forged;
#[allow(dead_code, reason = "made for other tests")]
#[path = "../support/history/mod.rs"]
mod history;
mod init;
mod keep;
#[cfg(target_os = "linux")]
mod memory;
mod migrate;
#[cfg(target_os = "linux")]
mod overload;
mod parcel;
#[cfg(target_os = "linux")]
#[path = "../support/pgbouncer.rs"]
mod pgbouncer;
mod platform;
mod platforms;
#[allow(dead_code, reason = "made for other tests")]
#[path = "../support/postgres.rs"]
mod postgres;
mod process;
mod relay;
#[cfg(target_os = "linux")]
#[allow(dead_code, reason = "made for other tests")]
#[path = "../support/road.rs"]
mod road;
mod secrets;
mod settings;
mod setup;
#[cfg(target_os = "linux")]
mod slow_disk;
mod start;
mod stop;
mod survive;
mod teams;
mod way_in;
mod webhooks;

use std::{
    future::Future,
    time::{Duration, Instant},
};

/// Longer than anything takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);
/// Between two looks at something that can't tell when it changes.
const PAUSE: Duration = Duration::from_millis(25);

/// What `future` gives, if it does before the deadline.
async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("never happened: {what}"))
}

/// Asks again and again until there is an answer.
async fn until<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    soon(what, async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
    .await
}

/// Waits for a moment of a script.
async fn moment(at: Instant) {
    tokio::time::sleep_until(at.into()).await;
}
