//! Calls that go wrong, and rate limits.

mod common;

use std::time::{Duration, Instant};

use common::{Ada, KEY, error_type, human_says, soon};
use sandbox::{Call, Fault, RateHeaders, RateLimits};
use serde_json::json;

const BRIEF: Duration = Duration::from_millis(300);

/// An Ada, a conversation in handoff and the number of its messages.
async fn ready() -> (Ada, String, usize) {
    let ada = Ada::start().await;
    let id = ada.handed_off().await;
    let count = ada.sandbox.messages(&id).len();
    (ada, id, count)
}

fn post(ada: &Ada, id: &str) -> reqwest::RequestBuilder {
    ada.http.post(ada.api(&format!("{id}/messages/"))).bearer_auth(KEY).json(&human_says("Hi"))
}

async fn send(ada: &Ada, id: &str) -> reqwest::Result<reqwest::Response> {
    soon("an end", post(ada, id).send()).await
}

#[tokio::test]
async fn a_status_stores_nothing_or_something() {
    let (ada, id, count) = ready().await;
    ada.sandbox.fault_next(Call::SendMessage, Fault::Status { status: 429, retry_after: Some(7) });
    ada.sandbox.fault_next(Call::SendMessage, Fault::Status { status: 99, retry_after: None });
    ada.sandbox.fault_next(Call::SendMessage, Fault::StoredThenStatus(502));
    let answer = send(&ada, &id).await.expect("an answer");
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (429, &"7".parse().expect("7")));
    assert_eq!(error_type(&answer.json().await.expect("JSON")), "rate_limit_exceeded");
    assert_eq!(send(&ada, &id).await.expect("an answer").status(), 500);
    assert_eq!(ada.sandbox.messages(&id).len(), count);
    assert_eq!(send(&ada, &id).await.expect("an answer").status(), 502);
    assert_eq!(ada.sandbox.messages(&id).len(), count + 1);
    assert_eq!(send(&ada, &id).await.expect("an answer").status(), 201);
}

#[tokio::test]
async fn a_call_that_hangs_is_recorded_and_never_answered() {
    let (ada, id, count) = ready().await;
    for (fault, stored) in [(Fault::Hang, 0), (Fault::StoredThenHang, 1)] {
        ada.sandbox.fault_next(Call::SendMessage, fault);
        let calls = ada.sandbox.calls().len();
        let error = post(&ada, &id).timeout(BRIEF).send().await.expect_err("no answer");
        assert!(error.is_timeout(), "{error:?}");
        let recorded = ada.sandbox.calls().split_off(calls);
        assert_eq!(recorded.iter().map(|call| call.status).collect::<Vec<_>>(), [0]);
        assert_eq!(ada.sandbox.messages(&id).len(), count + stored);
    }
}

#[tokio::test]
async fn a_dropped_call_ends_without_a_byte() {
    let (ada, id, count) = ready().await;
    for (fault, stored) in [(Fault::Dropped, 0), (Fault::StoredThenDropped, 1)] {
        ada.sandbox.fault_next(Call::SendMessage, fault);
        let error = send(&ada, &id).await.expect_err("no answer");
        assert!(!error.is_timeout() && !error.is_connect(), "{error:?}");
        assert_eq!(ada.sandbox.messages(&id).len(), count + stored);
        assert_eq!(ada.sandbox.calls().last().map(|call| call.status), Some(0));
    }
    assert_eq!(send(&ada, &id).await.expect("a new connection").status(), 201);
}

#[tokio::test]
async fn a_slow_call_is_stored_at_once_and_answered_later() {
    let (ada, id, count) = ready().await;
    ada.sandbox.fault_next(Call::SendMessage, Fault::Slow(BRIEF));
    let sent = Instant::now();
    let mut answer = tokio::spawn(post(&ada, &id).send());
    soon("the message", ada.sandbox.until(|ada| ada.messages(&id).len() > count)).await;
    assert!(!answer.is_finished());
    let answer = soon("the answer", &mut answer).await.expect("no panic").expect("an answer");
    assert_eq!(answer.status(), 201);
    assert!(sent.elapsed() >= BRIEF);
}

#[tokio::test]
async fn a_broken_body_is_no_json() {
    let (ada, id, count) = ready().await;
    ada.sandbox.fault_next(Call::SendMessage, Fault::BrokenBody);
    let answer = send(&ada, &id).await.expect("an answer");
    assert_eq!(answer.status(), 201);
    let body = answer.bytes().await.expect("the body arrives as announced");
    assert!(!body.is_empty() && serde_json::from_slice::<serde_json::Value>(&body).is_err());
    assert_eq!(ada.sandbox.messages(&id).len(), count + 1);
}

#[tokio::test]
async fn a_standing_fault_stays_and_others_calls_are_spared() {
    let (ada, id, _) = ready().await;
    ada.sandbox.fault_always(Call::EndHandoff, Some(Fault::Status { status: 500, retry_after: None }));
    ada.sandbox.fault_next(Call::EndHandoff, Fault::Status { status: 503, retry_after: None });
    let path = format!("{id}/end-handoff/");
    for status in [503, 500, 500] {
        assert_eq!(ada.post(&path, &json!({})).await.0, status);
    }
    assert_eq!(send(&ada, &id).await.expect("an answer").status(), 201);
    ada.sandbox.fault_always(Call::EndHandoff, None);
    assert_eq!(ada.post(&path, &json!({})).await.0, 200);
}

#[tokio::test]
async fn a_hung_call_does_not_hold_up_the_end() {
    let (ada, id, _) = ready().await;
    ada.sandbox.fault_always(Call::SendMessage, Some(Fault::Hang));
    ada.sandbox.fault_always(Call::GetConversation, Some(Fault::Slow(Duration::from_secs(3600))));
    let hung = tokio::spawn(post(&ada, &id).send());
    let slow = tokio::spawn(ada.http.get(ada.api(&id)).bearer_auth(KEY).send());
    soon("the calls", ada.sandbox.until(|ada| ada.calls().len() == 2)).await;
    ada.stop.cancel();
    soon("the end", ada.served).await.expect("no panic").expect("no error");
    soon("a closed connection", hung).await.expect("no panic").expect_err("no answer");
    assert_eq!(soon("an answer", slow).await.expect("no panic").expect("an answer").status(), 200);
}

#[tokio::test]
async fn limits_are_told_in_headers() {
    let (ada, id, count) = ready().await;
    // A minute is long enough for a busy machine.
    ada.sandbox.set_rate_limits(Some(RateLimits {
        per_second: 1000,
        per_minute: 2,
        headers: RateHeaders::Full,
    }));
    let mut told = Vec::new();
    for _ in 0..3 {
        let answer = send(&ada, &id).await.expect("an answer");
        let number = |name: &str| {
            let value = answer.headers().get(name)?.to_str().ok()?;
            value.parse::<u64>().ok()
        };
        let wait = number("retry-after");
        assert!(number("x-ratelimit-reset").is_some_and(|reset| (50..=60).contains(&reset)));
        told.push((answer.status().as_u16(), number("x-ratelimit-remaining"), wait.is_some()));
        assert_eq!(number("x-ratelimit-limit"), Some(2));
    }
    assert_eq!(told, [(201, Some(1), false), (201, Some(0), false), (429, Some(0), true)]);
    assert_eq!(ada.sandbox.messages(&id).len(), count + 2);
    assert_eq!(ada.sandbox.most_calls_in(Duration::from_secs(60)), 3);
}

#[tokio::test]
async fn limits_without_headers_are_a_bare_429() {
    let (ada, id, _) = ready().await;
    let limits = RateLimits { per_second: 1000, per_minute: 1, headers: RateHeaders::None };
    ada.sandbox.set_rate_limits(Some(limits));
    // A call without the key neither passes nor counts.
    let stranger = ada.http.get(ada.api(&id)).send();
    assert_eq!(soon("an answer", stranger).await.expect("an answer").status(), 401);
    ada.sandbox.fault_next(Call::ListMessages, Fault::BrokenBody);
    for (status, kind) in [(201, ""), (429, "rate_limit_exceeded")] {
        let answer = send(&ada, &id).await.expect("an answer");
        assert_eq!(answer.status(), status);
        let names = answer.headers().keys().map(|name| name.as_str());
        assert!(names.into_iter().all(|name| !name.starts_with("x-ratelimit") && name != "retry-after"));
        assert_eq!(error_type(&answer.json().await.expect("JSON")), kind);
    }
    assert_eq!(ada.get(&format!("{id}/messages/")).await.0, 429);
    ada.sandbox.set_rate_limits(None);
    assert!(ada.get(&format!("{id}/messages/")).await.1.is_null(), "the fault has waited for its call");
    assert_eq!(ada.sandbox.most_calls_in(Duration::from_secs(60)), 4);
}
