//! How fast the page is, and how much of it there is.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::{
    desk::Desk,
    slow_line::SlowLine,
    support::{
        events::{customer_says, from_now, says_at},
        eventually,
        relay::{Relay, Setup},
    },
};

const MANY: i64 = 5_000;
/// Requests at once while things are set up.
const AT_ONCE: usize = 16;

/// From the sign-in link to the queue, with nothing in the browser's cache.
#[tokio::test]
async fn the_first_view_takes_less_than_100_kb() {
    let relay = Relay::start().await;
    relay.hand_off().await;
    let desk = Desk::open(&relay).await;
    desk.sees("#sign-in").await;
    desk.driver().goto("about:blank").await.unwrap();
    desk.devtools("Network.clearBrowserCache", json!({})).await;
    desk.network().await;
    desk.goes_to(relay.sign_in_link.trim_start_matches(&desk.url)).await;
    desk.is_signed_in("Alex").await;
    desk.sees("#queue-list .row").await;
    let events = desk.network().await;
    let loaded = events.iter().filter(|event| event["method"] == "Network.loadingFinished");
    let sizes: Vec<f64> =
        loaded.map(|event| event["params"]["encodedDataLength"].as_f64().unwrap()).collect();
    let total: f64 = sizes.iter().sum();
    println!("{} answers, {total} bytes with their headers", sizes.len());
    assert!(sizes.len() > 10 && total < 100_000.0, "{total} bytes");
    desk.closes().await;
}

/// Says when the queue's first row is there, from the start of the page on.
const WATCH: &str = "new MutationObserver((_, observer) => {
        if (!document.querySelector('#queue-list .row')) return;
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => { window.shownAt = performance.now(); }));
    }).observe(document, {childList: true, subtree: true});";

/// `scripts/test --test console -- --ignored --nocapture figures`.
#[tokio::test]
#[ignore = "takes a minute, and only reports"]
async fn the_first_view_over_slow_lines() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/console");
    for (files, setup) in [("joined", Setup::new()), ("one by one", Setup::new().set("CONSOLE_DIR", folder))]
    {
        let relay = setup.start().await;
        relay.hand_off().await;
        for round_trip in [0, 40, 150].map(Duration::from_millis) {
            let line = SlowLine::to(&relay.agents_url, round_trip).await;
            let desk = Desk::at(&line.url).await;
            desk.signs_in("Alex").await;
            desk.devtools("Page.enable", json!({})).await;
            desk.devtools("Page.addScriptToEvaluateOnNewDocument", json!({"source": WATCH})).await;
            let shown = async || {
                let at =
                    desk.until("a row", async || desk.js::<Option<f64>>("return window.shownAt", &[]).await);
                at.await.round()
            };
            let (mut cold, mut reload) = (Vec::new(), Vec::new());
            for _ in 0..5 {
                desk.driver().goto("about:blank").await.unwrap();
                desk.devtools("Network.clearBrowserCache", json!({})).await;
                line.cut();
                desk.goes_to("/").await;
                cold.push(shown().await);
                desk.reloads().await;
                reload.push(shown().await);
            }
            println!("{files}, round trip {round_trip:?}: cold {cold:?} ms, reload {reload:?} ms");
            desk.closes().await;
        }
        relay.finish().await;
    }
}

/// `scripts/test --test console -- --ignored --nocapture figures`.
#[tokio::test]
#[ignore = "takes a minute, and only reports"]
async fn the_first_view_and_long_lists() {
    let relay = Relay::start().await;
    let handoffs: Vec<String> = stream::iter(0..MANY)
        .map(async |_| {
            let conversation = relay.ada.open_conversation();
            let context = json!({"name": format!("Customer {conversation}")});
            relay.ada.start_handoff(&conversation, context).await.unwrap();
            conversation
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let handoff = relay.alex().handoff_of(&handoffs[0]).await["id"].as_str().unwrap().to_owned();
    stream::iter(0..MANY)
        .for_each_concurrent(AT_ONCE, |number| {
            let text = format!("Message {number}. {}", "All of it is text. ".repeat((number % 7) as usize));
            let (relay, conversation) = (&relay, &handoffs[0]);
            async move { relay.gets(&says_at(conversation, &text, from_now(number - MANY))).await }
        })
        .await;
    relay.gets(&customer_says(&handoffs[0], "The last one")).await;
    eventually("the last one", async || {
        let shown = relay.alex().handoff(&handoff).await;
        (shown["last_message"]["content"]["body"] == "The last one").then_some(())
    })
    .await;

    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.until("all handoffs", async || {
        (desk.texts("#tab-waiting .number").await == [MANY.to_string()]).then_some(())
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
        let timeouts =
            thirtyfour::TimeoutConfiguration::new(Some(std::time::Duration::from_secs(120)), None, None);
        self.driver().update_timeouts(timeouts).await.unwrap();
        self.driver().execute_async(SCROLL, vec![json!(id), json!(direction)]).await.unwrap().json().clone()
    }
}
