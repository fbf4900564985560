//! How long it takes until there is something to see, and how much is loaded for it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    desk::Desk,
    slow_line::SlowLine,
    support::relay::{Relay, Setup},
};

/// What the browser's network log has from the sign-in link to the queue, with nothing in the browser's cache.
pub async fn network_of_first_view(desk: &Desk, relay: &Relay) -> Vec<Value> {
    desk.sees("#sign-in").await;
    desk.driver().goto("about:blank").await.unwrap();
    desk.devtools("Network.clearBrowserCache", json!({})).await;
    desk.network().await;
    desk.goes_to(relay.sign_in_link.trim_start_matches(&desk.url)).await;
    desk.is_signed_in("Alex").await;
    desk.sees("#queue-list .row").await;
    desk.network().await
}

#[tokio::test]
async fn the_first_view_takes_less_than_100_kb() {
    let relay = Relay::start().await;
    relay.hand_off().await;
    let desk = Desk::open(&relay).await;
    let events = network_of_first_view(&desk, &relay).await;
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

/// With nothing in the browser's cache, and again.
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
