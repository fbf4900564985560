//! What agents feel of the console, in figures: how fast the page is, and what it costs. Nothing here fails a build but the size
//! of the first view; the rest reports, and takes minutes:
//!
//! ```sh
//! RUST_TEST_THREADS=1 cargo test --release --locked --test console -- --ignored --nocapture figures
//! ```
//!
//! The relay is in the test's process, built as the test is. `docs/console.md` has the figures.

pub mod first_view;
mod large;
mod live;
mod scrolling;
mod shift;

use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use crate::{
    desk::Desk,
    support::{events::customer_says, relay::Relay},
};

/// Requests at once while things are set up.
const AT_ONCE: usize = 16;

/// Median, 99th of a hundred, and the longest, in milliseconds.
fn spread(mut times: Vec<f64>) -> String {
    times.sort_unstable_by(f64::total_cmp);
    let at = |part: f64| times[((times.len() - 1) as f64 * part).round() as usize];
    format!("p50 {:.0} ms, p99 {:.0} ms, longest {:.0} ms of {}", at(0.5), at(0.99), at(1.0), times.len())
}

/// So many customers are handed off. Gives their conversations.
async fn hands_off(relay: &Relay, many: i64) -> Vec<String> {
    stream::iter(0..many)
        .map(async |_| {
            let conversation = relay.ada.open_conversation();
            let context = json!({"name": format!("Customer {conversation}")});
            relay.ada.start_handoff(&conversation, context).await.unwrap();
            conversation
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

/// Customers write at a steady pace, each in turn; `sent` is told before each message when it ought to leave.
async fn write_steadily(
    relay: &Relay,
    conversations: &[String],
    a_second: u32,
    lasts: Duration,
    sent: impl Fn(u32, &str),
) {
    let (began, pause) = (Instant::now(), Duration::from_secs(1) / a_second);
    let many = u32::try_from(lasts.as_secs()).unwrap() * a_second;
    let numbered = stream::iter(0..many).then(async |number| {
        sleep_until(began + pause * number).await;
        number
    });
    numbered
        .for_each_concurrent(AT_ONCE * 4, |number| {
            let conversation = &conversations[number as usize % conversations.len()];
            let text = format!("Message {number} of many.");
            sent(number, conversation);
            async move { relay.gets(&customer_says(conversation, &text)).await }
        })
        .await;
}

impl Desk {
    /// What a script gives that calls its last argument when it is done.
    async fn waits_for(&self, script: &str, arguments: &[serde_json::Value]) -> serde_json::Value {
        self.waits_at_most(Duration::from_secs(300)).await;
        self.driver().execute_async(script, arguments.to_vec()).await.unwrap().json().clone()
    }
}
