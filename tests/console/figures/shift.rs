//! A page that is open for a whole shift: what it keeps in memory.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::json;
use thirtyfour::Key;

use super::{AT_ONCE, hands_off, write_steadily};
use crate::{desk::Desk, support::relay::Relay};

const HOURS: u32 = 8;
/// In each hour so many are handed off and have 12 messages each, sped up, and agents end them.
const AN_HOUR: i64 = 120;
const A_SECOND: u32 = 60;
const LASTS: Duration = Duration::from_secs(24);
/// Alex answers so many of them; Sam has the others.
const OPENED: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes, and only reports"]
async fn the_memory_of_eight_busy_hours() {
    let relay = Relay::start().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    for domain in ["HeapProfiler.enable", "Performance.enable"] {
        desk.devtools(domain, json!({})).await;
    }
    desk.says_its_size(0).await;
    for hour in 1..=HOURS {
        let conversations = hands_off(&relay, AN_HOUR).await;
        let mut handoffs = Vec::new();
        for conversation in &conversations {
            handoffs.push(relay.alex().handoff_of(conversation).await["id"].as_str().unwrap().to_owned());
        }
        let sam = relay.agent("Sam");
        for handoff in &handoffs[OPENED..] {
            sam.accepts(handoff).await;
        }
        let busy = write_steadily(&relay, &conversations, A_SECOND, LASTS, |_, _| {});
        let answers = async {
            for handoff in &handoffs[..OPENED] {
                desk.answers(handoff).await;
            }
        };
        tokio::join!(busy, answers);
        stream::iter(&handoffs)
            .enumerate()
            .for_each_concurrent(AT_ONCE, |(place, handoff)| {
                let agent = if place < OPENED { relay.alex() } else { sam.clone() };
                async move {
                    agent.ends(handoff).await;
                }
            })
            .await;
        desk.comes_to("return document.querySelectorAll('#queue-list .row').length", json!(0)).await;
        desk.goes_to("/#/").await;
        desk.says_its_size(hour).await;
    }
    // An hour takes half a minute: the page says oftener than it may which conversation its agent looks at.
    desk.closes_after(&["status of 429"]).await;
}

impl Desk {
    /// In a conversation that waits. What a driver has found, it keeps from being collected: so nothing is clicked.
    async fn answers(&self, handoff: &str) {
        self.js::<()>("location.hash = `#/c/${arguments[0]}`", &[json!(handoff)]).await;
        let accept = format!("#conversation[data-handoff-id='{handoff}'] [data-action=accept]");
        self.sees(&accept).await;
        let script = "const button = document.querySelector(arguments[0]); button.focus(); button.click()";
        self.js::<()>(script, &[json!(accept)]).await;
        self.sees("#composer-text:focus").await;
        self.pastes("Hello, let me see.").await;
        self.presses(Key::Enter).await;
        self.shows("#messages .bubble", "Hello, let me see.").await;
    }

    /// Once what nobody needs has been collected.
    async fn says_its_size(&self, hour: u32) {
        for _ in 0..2 {
            self.devtools("HeapProfiler.collectGarbage", json!({})).await;
        }
        let metrics = self.devtools("Performance.getMetrics", json!({})).await;
        let of = |name: &str| {
            let all = metrics["metrics"].as_array().unwrap();
            all.iter().find(|one| one["name"] == name).unwrap()["value"].as_f64().unwrap()
        };
        let shown: u64 = self.js("return document.querySelectorAll('*').length", &[]).await;
        println!(
            "after hour {hour}: {:.1} MB of JavaScript, {} nodes, {shown} elements on the page, {} listeners",
            of("JSHeapUsedSize") / 1e6,
            of("Nodes"),
            of("JSEventListeners")
        );
    }
}
