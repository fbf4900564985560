//! What the page asks for before its modules are there.

use serde_json::json;

use crate::{
    desk::{Desk, row},
    support::relay::Relay,
};

/// The calls of the API since the last look, but for the event stream.
async fn calls(desk: &Desk) -> Vec<String> {
    let events = desk.network().await.into_iter();
    let requests = events.filter(|event| event["method"] == "Network.requestWillBeSent");
    let urls = requests.map(|event| event["params"]["request"]["url"].as_str().unwrap().to_owned());
    urls.filter_map(|url| Some(url.split_once("/api/")?.1.to_owned())).collect()
}

const LISTS: [&str; 2] =
    ["handoffs?status=waiting&sort=oldest&limit=200", "handoffs?status=active&limit=200"];

#[tokio::test]
async fn what_is_shown_first_is_asked_for_at_once_and_once() {
    let relay = Relay::start().await;
    let (_, handoff) = relay.hand_off().await;
    let desk = Desk::open(&relay).await;
    desk.sees("#token:focus").await;
    assert_eq!(calls(&desk).await, Vec::<String>::new(), "nobody has signed in with this browser");
    desk.signs_in("Alex").await;
    desk.network().await;
    desk.reloads().await;
    desk.is_signed_in("Alex").await;
    desk.sees(&row(&handoff)).await;
    let asked = calls(&desk).await;
    assert_eq!(asked[..3], ["session", LISTS[0], LISTS[1]], "before the modules");
    for one in &asked {
        assert_eq!(asked.iter().filter(|other| *other == one).count(), 1, "{one} in {asked:?}");
    }
    desk.closes().await;
}

#[tokio::test]
async fn what_happens_before_the_stream_is_open_is_shown_without_loading_again() {
    let relay = Relay::start().await;
    let (_, first) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.devtools("Network.enable", json!({})).await;
    desk.devtools("Network.setBlockedURLs", json!({"urls": ["*/api/events"]})).await;
    desk.network().await;
    desk.reloads().await;
    desk.sees(&row(&first)).await;
    let (_, second) = relay.hand_off().await;
    desk.misses(&row(&second)).await;
    desk.devtools("Network.setBlockedURLs", json!({"urls": []})).await;
    desk.sees(&row(&second)).await;
    let lists = calls(&desk).await.into_iter().filter(|path| path.starts_with("handoffs?"));
    assert_eq!(lists.collect::<Vec<_>>(), LISTS);
    desk.closes_after(&["ERR_BLOCKED_BY_CLIENT"]).await;
}

/// An answer that a session had is nothing for the next one.
#[tokio::test]
async fn an_ended_session_leaves_nothing_behind() {
    let relay = Relay::start().await;
    let (_, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.driver().delete_all_cookies().await.unwrap();
    desk.reloads().await;
    desk.sees("#token:focus").await;
    assert!(!desk.js::<String>("return document.body.textContent", &[]).await.contains("Maria"));
    desk.signs_in("Sam").await;
    desk.sees(&row(&handoff)).await;
    desk.closes_after(&["status of 401"]).await;
}
