//! The event stream.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{
    agent::Agent,
    answer::Answer,
    events::customer_says,
    relay::{Relay, Setup},
    settles,
    stream::{Event, Stream},
};

/// The numbers of changes.
fn ids(events: &[Event]) -> Vec<u64> {
    events.iter().filter(|event| event.kind != "arriving").map(|event| event.id).collect()
}

/// The line of the thread that says so. The handoff itself is shown as it is now, ended or not.
fn is_end(event: &Event) -> bool {
    event.kind == "message" && event.data["content"]["event"] == "ended"
}

#[tokio::test]
async fn everything_new_and_changed_comes_in_order_as_it_is_read() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let mut stream = alex.stream(None).await.ready().await;
    assert_eq!(stream.response_headers["content-type"], "text/event-stream");
    assert_eq!(stream.response_headers["cache-control"], "no-store");
    let before = stream.last_id;
    let (chat, id) = relay.hand_off().await;
    relay.gets(&customer_says(&chat, "Hello")).await;
    let mut events = stream.until(|event| event.says("Hello")).await;
    alex.writes(&id, "Hi").await;
    events.extend(
        stream.until(|event| event.says("Hi") && event.data["delivery"]["state"] == "confirmed").await,
    );

    assert!(events[0].id > before);
    assert!(ids(&events).is_sorted_by(|one, next| one < next), "{:?}", ids(&events));
    assert_eq!((events[0].kind.as_str(), &events[0].data["id"]), ("handoff", &Value::from(id.clone())));
    assert!(events.iter().all(|event| ["handoff", "message", "arriving"].contains(&event.kind.as_str())));
    // The last word of the stream about each row is what a reader gets.
    for row in alex.rows(&id).await {
        let told = events.iter().rfind(|event| event.data["id"] == row["id"]).expect("each row was told");
        assert_eq!(told.kind, "message");
        assert_eq!(told.data, row);
    }
    relay.finish().await;
}

/// What a client that lost its stream gets instead of it.
async fn replay(alex: &Agent, after: u64, last: impl Fn(&Event) -> bool) -> Vec<Event> {
    alex.stream(Some(&after.to_string())).await.until(last).await
}

/// A silent stream has a comment every 15 s.
const LONG_BEFORE_A_COMMENT: Duration = Duration::from_secs(10);

/// What is loaded first and followed then has no gap.
#[tokio::test]
async fn a_list_says_where_a_stream_goes_on() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let (_, seen) = relay.hand_off().await;
    let list = alex.get("/handoffs?status=waiting").await.good(200);
    assert_eq!(list["data"][0]["id"], seen);
    let place: u64 = list["last_event_id"].as_str().unwrap().parse().unwrap();
    assert!(alex.get("/handoffs?limit=1").await.good(200)["last_event_id"].is_string());

    let (_, missed) = relay.hand_off().await;
    let events = replay(&alex, place, |event| event.data["id"] == missed).await;
    assert_eq!(events[0].id, place + 1);

    // Some browsers tell the page that it is open only when there is something in it.
    let began = Instant::now();
    let stream = alex.stream(Some(&events.last().unwrap().id.to_string())).await.begun().await;
    assert!(began.elapsed() < LONG_BEFORE_A_COMMENT, "{:?}", began.elapsed());
    assert!(stream.raw.starts_with(':'), "no comment: {}", stream.raw);
    let list = alex.get("/handoffs?status=waiting").await.good(200);
    assert!(list["last_event_id"].as_str().unwrap().parse::<u64>().unwrap() >= events.last().unwrap().id);
    relay.finish().await;
}

#[tokio::test]
async fn last_event_id_replays_all_changes_since_also_over_a_restart() {
    let mut relay = Relay::start().await;
    let alex = relay.alex();
    let mut stream = alex.stream(None).await.ready().await;
    let (chat, id) = relay.hand_off().await;
    relay.gets(&customer_says(&chat, "One")).await;
    let seen = stream.until(|event| event.says("One")).await;
    let place = seen.last().unwrap().id;
    drop(stream);

    relay.gets(&customer_says(&chat, "Two")).await;
    settles(&true, || async { alex.reads(&id).await.contains(&"Two".to_owned()) }).await;
    alex.ends(&id).await;
    let missed = replay(&alex, place, is_end).await;
    assert_eq!(missed[0].id, place + 1, "nothing was left out");
    assert!(ids(&missed).is_sorted_by(|one, next| one < next));
    assert!(missed.iter().any(|event| event.says("Two")));
    relay.ada.until(|ada| !ada.in_handoff(&chat)).await;
    settles(&(0, 0), || relay.left_over()).await;

    relay.restart().await;
    let (_, later) = relay.hand_off().await;
    let is_later = |event: &Event| event.data["id"] == later.as_str();
    let after_restart = replay(&relay.alex(), place, is_later).await;
    assert_eq!(after_restart[0].id, place + 1);
    assert!(ids(&after_restart).is_sorted_by(|one, next| one < next));
    assert!(after_restart.iter().any(|event| event.says("Two")) && after_restart.iter().any(is_end));
    // From the very end there is nothing to replay, and the next thing comes.
    let newest = after_restart.last().unwrap().id;
    let mut stream = relay.alex().stream(Some(&(newest + 2).to_string())).await;
    let next = stream.next().await.unwrap();
    assert!(next.id > newest);
    settles(&(0, 0), || relay.left_over()).await;
    relay.finish().await;
}

#[tokio::test]
async fn an_id_that_leads_nowhere_says_reset_and_then_goes_on() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    relay.hand_off().await;
    for wrong in ["garbage", "-1", "1.5", "", "0", "1", "18446744073709551615", "99999999999999999999999"] {
        let mut stream = alex.stream(Some(wrong)).await;
        let reset = stream.next().await.expect("an answer");
        assert_eq!((reset.kind.as_str(), &reset.data), ("reset", &serde_json::json!({})), "{wrong}");
        assert!(reset.id > 1);
        let (_, id) = relay.hand_off().await;
        let next = stream.until(|event| event.data["id"] == id.as_str()).await;
        assert!(next[0].id > reset.id, "{wrong}");
        assert!(next.iter().all(|event| event.kind != "reset"), "{wrong}: once is enough");
    }
    relay.finish().await;
}

#[tokio::test]
async fn the_stream_ends_when_the_relay_stops() {
    let mut relay = Relay::start().await;
    let mut streams: Vec<Stream> = Vec::new();
    for _ in 0..3 {
        streams.push(relay.alex().stream(None).await.ready().await);
    }
    let took = relay.stop().await;
    assert!(took < std::time::Duration::from_secs(3), "{took:?}");
    for mut stream in streams {
        assert!(stream.next().await.is_none());
    }
}

#[tokio::test]
async fn an_agent_may_have_64_streams_and_all_together_512() {
    let names: Vec<String> = (0..9).map(|number| format!("Agent {number}")).collect();
    let token = |name: &str| format!("token-of-{}-0123456789", name.replace(' ', "-"));
    let tokens: Vec<String> = names.iter().map(|name| format!("{name}={}", token(name))).collect();
    let relay = Setup::new().set("AGENT_TOKENS", &tokens.join(",")).start().await;
    let of = |name: &str| relay.http.get(format!("{}/api/events", relay.agents_url)).bearer_auth(token(name));
    let mut open = join_all((0..64).map(|_| of(&names[0]).send())).await;
    let one_more = Answer::to(of(&names[0])).await;
    assert_eq!(one_more.problem(429), "you have 64 open event streams, which is the limit");
    for name in &names[1..8] {
        open.extend(join_all((0..64).map(|_| of(name).send())).await);
    }
    assert!(open.iter().all(|answer| answer.as_ref().unwrap().status() == 200));
    assert_eq!(
        Answer::to(of(&names[8])).await.problem(503),
        "there are too many open event streams; try again"
    );
    drop(open.pop());
    settles(&200, || async { of(&names[8]).send().await.unwrap().status().as_u16() }).await;
}

/// What came over a stream from one message on up to another, without comments.
async fn bytes_between(mut stream: Stream, first: &str, last: &str) -> String {
    stream.until(|event| event.says(last)).await;
    let (is_first, is_last) = (format!("\"{first}\""), format!("\"{last}\""));
    let mut blocks = Vec::new();
    let all = stream.raw.split("\n\n").skip_while(|block| !block.contains(&is_first));
    for block in all.filter(|block| !block.starts_with(':')) {
        blocks.push(block);
        if block.contains("event: message") && block.contains(&is_last) {
            break;
        }
    }
    blocks.join("\n\n")
}

#[tokio::test]
async fn all_streams_get_the_same_bytes() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let (chat, id) = relay.hand_off().await;
    let streams = join_all((0..50).map(|_| async { alex.stream(None).await.ready().await })).await;
    // What is read of the conversation's history may come before some of them are open.
    notes(&alex, &id, "the first").await;
    for number in 0..20 {
        relay.gets(&customer_says(&chat, &format!("message {number}"))).await;
        notes(&alex, &id, &format!("note {number}")).await;
    }
    settles(&true, || async { alex.reads(&id).await.contains(&"message 19".to_owned()) }).await;
    notes(&alex, &id, "the last").await;
    let told =
        join_all(streams.into_iter().map(|stream| bytes_between(stream, "the first", "the last"))).await;
    assert!(told[0].contains("message 19") && told[0].contains("note 0"));
    assert!(told.iter().all(|bytes| *bytes == told[0]));
    relay.finish().await;
}

async fn notes(alex: &Agent, id: &str, text: &str) {
    alex.post(&format!("/handoffs/{id}/notes"), &json!({ "text": text })).await.good(201);
}

#[tokio::test]
async fn who_comes_back_from_anywhere_sees_each_change_once() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let mut stream = alex.stream(None).await.ready().await;
    let begin = stream.last_id;
    let (_, id) = relay.hand_off().await;
    for number in 0..20 {
        notes(&alex, &id, &format!("note {number}")).await;
    }
    let last = stream.until(|event| event.says("note 19")).await.last().unwrap().id;
    let back = (begin..=last).map(|place| {
        let alex = alex.clone();
        async move { (place, alex.stream(Some(&place.to_string())).await) }
    });
    let mut streams = join_all(back).await;
    // What comes while they catch up comes once, too.
    for number in 0..20 {
        notes(&alex, &id, &format!("later {number}")).await;
    }
    let newest = stream.until(|event| event.says("later 19")).await.last().unwrap().id;
    for (place, stream) in &mut streams {
        let events = stream.until(|event| event.says("later 19")).await;
        assert_eq!(ids(&events), (*place + 1..=newest).collect::<Vec<_>>(), "behind {place}");
    }
    settles(&(0, 0), || relay.left_over()).await;
    relay.finish().await;
}

#[tokio::test]
async fn a_stream_that_is_slow_holds_up_nobody_and_catches_up_whole() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let (_, id) = relay.hand_off().await;
    let mut slow = alex.stream(None).await.ready().await;
    let mut quick = alex.stream(None).await.ready().await;
    let begin = slow.last_id;
    // More than buffers between the two, and what is kept for streams that are a little behind.
    let long = "😀".repeat(49_000);
    for number in 0..120 {
        notes(&alex, &id, &format!("{number} {long}")).await;
        quick
            .until(|event| {
                event.data["content"]["body"]
                    .as_str()
                    .is_some_and(|body| body.starts_with(&format!("{number} ")))
            })
            .await;
    }
    notes(&alex, &id, "the last").await;
    let newest = quick.until(|event| event.says("the last")).await.last().unwrap().id;
    let events = slow.until(|event| event.says("the last")).await;
    assert_eq!(ids(&events), (begin + 1..=newest).collect::<Vec<_>>());
    let numbers: Vec<String> = events
        .iter()
        .filter_map(|event| Some(event.data["content"]["body"].as_str()?.split_once(' ')?.0.to_owned()))
        .filter(|number| number.parse::<u32>().is_ok())
        .collect();
    assert_eq!(numbers, (0..120).map(|number| number.to_string()).collect::<Vec<_>>());
    relay.finish().await;
}
