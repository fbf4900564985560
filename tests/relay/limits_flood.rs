//! Many agents at once against Ada's limits: nothing fails, nothing is lost, everybody has their turn.

use std::time::Duration;

use sandbox::{RateHeaders, RateLimits, Role};
use tokio::time::Instant;

use crate::support::relay::{Relay, Setup};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// What Ada bears, what it says about it, and what is asked of it.
struct Flood {
    name: &'static str,
    limits: RateLimits,
    chats: usize,
    lines: usize,
    deadline: Duration,
}

/// What came of it.
struct Outcome {
    refused: usize,
    per_second: usize,
    per_minute: usize,
}

impl Flood {
    async fn run(&self) -> Outcome {
        let relay =
            Setup::new().set("ADA_RATE_PER_SECOND", "10").set("ADA_RATE_PER_MINUTE", "100").start().await;
        relay.ada.set_rate_limits(Some(self.limits));
        let mut chats = Vec::new();
        for _ in 0..self.chats {
            chats.push(relay.hand_off().await);
        }
        let began = Instant::now();
        for number in 0..self.lines {
            for (_, id) in &chats {
                relay.alex().writes(id, &line(number)).await;
            }
        }
        let all = |ada: &sandbox::Sandbox| chats.iter().all(|(chat, _)| lines(ada, chat).len() == self.lines);
        tokio::time::timeout(self.deadline, relay.ada.until(all)).await.expect("everything arrives");
        let took = began.elapsed();
        for (chat, _) in &chats {
            let wanted: Vec<String> = (0..self.lines).map(line).collect();
            assert_eq!(lines(&relay.ada, chat), wanted, "in order, once");
        }
        self.outcome(&relay, took)
    }

    fn outcome(&self, relay: &Relay, took: Duration) -> Outcome {
        let calls = relay.ada.calls();
        let refused = calls.iter().filter(|call| call.status == 429).count();
        let (per_second, per_minute) = (relay.ada.most_calls_in(SECOND), relay.ada.most_calls_in(MINUTE));
        println!(
            "flood, {}: {} messages of {} handoffs in {took:.0?}; {} calls, {refused} refused; \
             at most {per_second} in a second, {per_minute} in a minute; Ada bears {} and {}",
            self.name,
            self.chats * self.lines,
            self.chats,
            calls.len(),
            self.limits.per_second,
            self.limits.per_minute,
        );
        Outcome { refused, per_second, per_minute }
    }
}

fn line(number: usize) -> String {
    format!("Line {number}")
}

fn lines(ada: &sandbox::Sandbox, chat: &str) -> Vec<String> {
    let said = ada.messages(chat).into_iter().filter(|said| said.role == Role::HumanAgent);
    said.filter_map(|said| said.text().map(str::to_owned)).collect()
}

const fn limits(per_second: u32, per_minute: u32, headers: RateHeaders) -> RateLimits {
    RateLimits { per_second, per_minute, headers }
}

#[tokio::test]
async fn ada_may_take_less_than_we_think_and_say_so() {
    let limits = limits(4, 10_000, RateHeaders::Full);
    Flood { name: "headers say less", limits, chats: 4, lines: 4, deadline: MINUTE }.run().await;
}

#[tokio::test]
async fn ada_may_take_less_than_we_think_and_only_refuse() {
    let limits = limits(4, 10_000, RateHeaders::None);
    Flood { name: "bare refusals", limits, chats: 4, lines: 4, deadline: MINUTE }.run().await;
}

/// Minutes long: `scripts/test --test relay -- --ignored --nocapture flood`.
#[tokio::test]
#[ignore = "takes minutes"]
async fn thirty_agents_at_once() {
    let flood = |name, limits| Flood { name, limits, chats: 30, lines: 10, deadline: MINUTE * 20 };
    let default = flood("the documented limits", limits(10, 100, RateHeaders::Full));
    let told = flood("headers say less", limits(6, 60, RateHeaders::Full));
    let bare = flood("bare refusals", limits(6, 60, RateHeaders::None));
    let (default, _, _) = tokio::join!(default.run(), told.run(), bare.run());
    assert_eq!(default.refused, 0);
    assert!(default.per_second <= 10 && default.per_minute <= 100);
}
