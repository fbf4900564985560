//! Long lists: whether they scroll without a hitch, also while messages arrive.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::{AT_ONCE, hands_off, write_steadily};
use crate::{
    desk::Desk,
    support::{
        events::{customer_says, from_now, says_at},
        eventually,
        relay::Relay,
    },
};

const MANY: i64 = 5_000;
const A_SECOND: u32 = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes, and only reports"]
async fn long_lists() {
    let relay = Relay::start().await;
    let conversations = hands_off(&relay, MANY).await;
    let long = &conversations[0];
    let handoff = relay.alex().handoff_of(long).await["id"].as_str().unwrap().to_owned();
    stream::iter(0..MANY)
        .for_each_concurrent(AT_ONCE, |number| {
            let text = format!("Message {number}. {}", "All of it is text. ".repeat((number % 7) as usize));
            let relay = &relay;
            async move { relay.gets(&says_at(long, &text, from_now(number - MANY))).await }
        })
        .await;
    relay.gets(&customer_says(long, "The last one")).await;
    eventually("the last one", async || {
        let shown = relay.alex().handoff(&handoff).await;
        (shown["last_message"]["content"]["body"] == "The last one").then_some(())
    })
    .await;

    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.until("all handoffs", async || {
        (desk
            .js::<usize>("return Number(document.querySelector('#tab-waiting .number').dataset.number)", &[])
            .await
            == conversations.len())
        .then_some(())
    })
    .await;
    for _ in 0..5 {
        desk.reloads().await;
        desk.is_signed_in("Alex").await;
        let paint: f64 =
            desk.js("return performance.getEntriesByName('first-contentful-paint')[0].startTime", &[]).await;
        println!("first view after {paint:.0} ms, with {MANY} handoffs in the queue");
    }
    println!("scrolling the queue: {}", desk.scrolls("queue-scroller", 1).await);
    let busy = write_steadily(&relay, &conversations[1..], A_SECOND, Duration::from_secs(20), |_, _| {});
    let (scrolled, ()) = tokio::join!(desk.scrolls("queue-scroller", 1), busy);
    println!("the same while {A_SECOND} messages a second arrive: {scrolled}");
    desk.opens(&handoff).await;
    // It opens at what is unread.
    desk.clicks("#new-messages").await;
    desk.shows("#messages .bubble", "The last one").await;
    desk.misses("#thread-top").await;
    println!("scrolling the thread: {}", desk.scrolls("thread", -1).await);
    desk.closes().await;
}

/// Scrolls to the end and back, 400 pixels with each frame; counts what took longer than 50 ms.
const SCROLL: &str = "const [id, direction, done] = arguments;
    const scroller = document.getElementById(id);
    const [frames, long] = [[], []];
    const observer = new PerformanceObserver((list) => long.push(...list.getEntries().map((entry) => entry.duration)));
    observer.observe({type: 'long-animation-frame'});
    let last = performance.now();
    let way = direction;
    const step = (now) => {
        frames.push(now - last);
        last = now;
        const before = scroller.scrollTop;
        scroller.scrollTop += 400 * way;
        if (scroller.scrollTop === before || frames.length > 3000) {
            if (way !== direction || frames.length > 3000) {
                return setTimeout(() => {
                    observer.disconnect();
                    frames.sort((one, other) => one - other);
                    const at = (part) => Math.round(frames[Math.floor((frames.length - 1) * part)]);
                    done({frames: frames.length, median: at(0.5), p99: at(0.99), longest: at(1), over50: long.length});
                }, 200);
            }
            way = -direction;
        }
        requestAnimationFrame(step);
    };
    requestAnimationFrame(step);";

impl Desk {
    async fn scrolls(&self, id: &str, direction: i32) -> Value {
        self.waits_for(SCROLL, &[json!(id), json!(direction)]).await
    }
}
