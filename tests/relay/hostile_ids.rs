//! Conversation ids that look like something else: they reach Ada in one segment of a path, and nothing more.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::{all_hold, events::customer_says, eventually, relay::Setup};

/// Ids, and how they stand in a path.
fn table() -> Vec<(String, String)> {
    let mut table: Vec<_> = [
        ("../../v2/x", "..%2F..%2Fv2%2Fx"),
        ("..\\..\\x", "..%5C..%5Cx"),
        ("a/b?c=d#e", "a%2Fb%3Fc%3Dd%23e"),
        ("/", "%2F"),
        ("%2e%2e", "%252e%252e"),
        ("%", "%25"),
        ("...", "..."),
        ("' OR 1=1 --", "%27%20OR%201%3D1%20--"),
        ("<img src=x onerror=alert(1)>", "%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E"),
        ("{{7*7}};$(id)", "%7B%7B7%2A7%7D%7D%3B%24%28id%29"),
        ("user:word@evil.example", "user%3Aword%40evil.example"),
        ("a +b", "a%20%2Bb"),
        ("😀", "%F0%9F%98%80"),
        ("e\u{301}\u{202e}\u{2028}", "e%CC%81%E2%80%AE%E2%80%A8"),
        ("Nulla", "Nulla"),
    ]
    .map(|(id, segment)| (id.to_owned(), segment.to_owned()))
    .into();
    table.push(("x".repeat(200), "x".repeat(200)));
    table.push(("ß".repeat(200), "%C3%9F".repeat(200)));
    table
}

#[tokio::test]
async fn they_stay_in_their_segment_of_the_path() {
    let relay = Setup::new().with_a_road().start().await;
    let alex = relay.alex();
    all_hold(table().into_iter().map(|(id, segment)| {
        let (relay, alex, name) = (&relay, &alex, id.clone());
        let story = async move {
            let handoff = relay.start_call(&id).await;
            assert_eq!(alex.handoff(&handoff).await["conversation_id"], id);
            let query =
                percent_encoding::utf8_percent_encode(&id, percent_encoding::NON_ALPHANUMERIC).to_string();
            let found = alex.handoffs_of(&query).await;
            assert_eq!(found.iter().map(|found| &found["id"]).collect::<Vec<_>>(), [&json!(handoff)]);
            alex.writes(&handoff, "Hello").await;
            let path = format!("/api/v2/conversations/{segment}/messages/");
            for request in [format!("GET {path}?limit=100"), format!("POST {path}")] {
                eventually(&request, || async { relay.road().passed().contains(&request).then_some(()) })
                    .await;
            }
        };
        (name, story)
    }))
    .await;
    let known: BTreeSet<String> = table().into_iter().map(|(_, segment)| segment).collect();
    for request in relay.road().passed() {
        let rest = request.split_once(" /api/v2/conversations/").map(|(_, rest)| rest);
        let segment = rest.and_then(|rest| rest.split_once("/messages/")).map(|(segment, _)| segment);
        assert!(segment.is_some_and(|segment| known.contains(segment)), "{request}");
    }
}

/// No encoding keeps these from being taken for a step up. One that a webhook brings is kept, and not asked about.
#[tokio::test]
async fn those_that_can_not_stand_in_a_path_are_not_asked_about() {
    let relay = Setup::new().with_a_road().set("UNKNOWN_HOLD_MS", "100").start().await;
    let alex = relay.alex();
    for id in [".", ".."] {
        relay.post_start(&json!({ "conversation_id": id })).await.problem(400);
        relay.gets(&customer_says(id, "Anybody?")).await;
        let handoff = alex.handoff_of(id).await["id"].as_str().unwrap().to_owned();
        alex.writes(&handoff, "Hello").await;
        let row = alex.sees(&handoff, "Hello", &["failed"]).await;
        assert_eq!(row["delivery"]["error"], "the conversation's id can't be used in a URL");
    }
    let mut asked = relay.road().passed();
    // Who the customer is can be asked: that id is another one.
    asked.retain(|call| !call.contains("/v2/end-users/maria"));
    assert_eq!(asked, Vec::<String>::new());
}
