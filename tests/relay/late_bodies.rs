//! What a request may do is judged when all of it is there: its sender or the handoff may have changed since it began.

use futures_util::future::join_all;
use handoff_relay::store::sessions::Digest;
use serde_json::json;

use crate::{
    support::{
        answer::Answer,
        raw::{Begun, Raw},
        relay::{Relay, Setup, token_of},
        stream::Event,
    },
    teams::{hand_off, hand_over, start},
};

/// Each call about a handoff that has a body, with a body for it.
const CALLS: [(&str, &str, &str); 9] = [
    ("POST", "accept", "{}"),
    ("POST", "release", "{}"),
    ("POST", "hand-over", r#"{"agent": "Alex"}"#),
    ("POST", "read", r#"{"seq": 1}"#),
    ("POST", "messages", r#"{"text": "written"}"#),
    ("POST", "notes", r#"{"text": "noted"}"#),
    ("PUT", "presence", r#"{"state": "writing"}"#),
    ("POST", "end", r#"{"outcome": "ended"}"#),
    ("POST", "files", ""),
];

/// The same about no handoff.
const OTHERS: [(&str, &str, &str); 3] = [
    ("POST", "/api/canned-replies", r#"{"title": "added", "text": "added"}"#),
    ("PUT", "/api/session/duty", r#"{"state": "away"}"#),
    ("PUT", "/api/teams/Support/opening", r#"{"state": "closed"}"#),
];

fn upload(request: Raw) -> Raw {
    let form = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\
                content-type: text/plain\r\n\r\nsent\r\n--b--\r\n";
    request.header("content-type", "multipart/form-data; boundary=b").body(form)
}

async fn begin(url: &str, method: &str, path: &str, body: &str, signed: impl Fn(Raw) -> Raw) -> Begun {
    let request = signed(Raw::new(method, path));
    let request = match path.ends_with("/files") {
        true => upload(request),
        false => request.header("content-type", "application/json").body(body),
    };
    request.begin(url).await
}

/// All calls about a handoff, begun by whoever `signed` says.
async fn begin_all(relay: &Relay, handoff: &str, signed: impl Fn(Raw) -> Raw) -> Vec<Begun> {
    let begin = |(method, call, body): (&'static str, &str, &'static str)| {
        let (path, signed) = (format!("/api/handoffs/{handoff}/{call}"), &signed);
        async move { begin(&relay.agents_url, method, &path, body, signed).await }
    };
    join_all(CALLS.map(begin)).await
}

#[tokio::test]
async fn who_loses_sight_of_a_handoff_while_they_send_does_nothing_in_it() {
    let relay = start("").await;
    let kim = relay.agent("Kim");
    let (_, handoff) = hand_off(&relay, "shipping").await;
    let begun = begin_all(&relay, &handoff, |request| request.bearer(token_of("Alex"))).await;
    hand_over(&kim, &handoff, json!({ "team": "Billing" })).await;
    let (before, handed) = (kim.rows(&handoff).await, kim.handoff(&handoff).await);
    for request in begun {
        let what = request.what.clone();
        let answer = request.finish().await;
        assert_eq!(answer.status, 404, "{what}: {}", answer.text());
        assert!(answer.problem(404).starts_with("no such handoff"), "{what}");
    }
    assert_eq!(kim.rows(&handoff).await, before);
    assert_eq!(kim.handoff(&handoff).await, handed);
}

/// Kim leads, and Alex is in this team or is not known.
fn file(alex: Option<&str>) -> String {
    let agent = |name: &str, rest: &str| {
        let digest = Digest::of(token_of(name));
        format!("[[agents]]\nname = \"{name}\"\ntoken_sha256 = \"{}\"\n{rest}\n", digest.as_str())
    };
    let kim = agent("Kim", "role = \"lead\"");
    let alex = alex.map(|rest| agent("Alex", rest)).unwrap_or_default();
    format!(
        "default_team = \"Support\"\n[[teams]]\nname = \"Support\"\n[[teams]]\nname = \"Billing\"\n{kim}{alex}"
    )
}

const OPERATOR: &str = "token-of-olga-0123456789";

async fn with_file(text: &str) -> Relay {
    let mut relay = Setup::new().set("OPERATOR_TOKENS", &format!("Olga={OPERATOR}")).start().await;
    relay.stop().await;
    relay.lists_agents(text);
    relay.start_again().await;
    relay
}

async fn reloads(relay: &Relay, text: &str) {
    relay.rewrites(text);
    let url = format!("{}/api/settings/reload", relay.agents_url);
    Answer::to(relay.http.post(url).bearer_auth(OPERATOR)).await.good(200);
}

async fn started(relay: &Relay) -> String {
    let conversation = relay.ada.open_conversation();
    assert_eq!(relay.ada.start_handoff(&conversation, json!({})).await.unwrap(), 200);
    relay.agent("Kim").handoff_of(&conversation).await["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn who_leaves_a_team_or_the_settings_while_they_send_does_nothing() {
    for (later, status) in [(Some("teams = [\"Billing\"]"), 404), (None, 401)] {
        let relay = with_file(&file(Some("teams = [\"Support\"]"))).await;
        let (kim, handoff) = (relay.agent("Kim"), started(&relay).await);
        let signed = |request: Raw| request.bearer(token_of("Alex"));
        let mut begun = begin_all(&relay, &handoff, signed).await;
        if later.is_none() {
            let others =
                OTHERS.map(|(method, path, body)| begin(&relay.agents_url, method, path, body, signed));
            begun.extend(join_all(others).await);
        }
        let (before, handed) = (kim.rows(&handoff).await, kim.handoff(&handoff).await);
        reloads(&relay, &file(later)).await;
        for request in begun {
            let what = request.what.clone();
            let answer = request.finish().await;
            assert_eq!(answer.status, status, "{what}: {}", answer.text());
        }
        assert_eq!(kim.rows(&handoff).await, before);
        assert_eq!(kim.handoff(&handoff).await, handed);
        let replies = kim.get("/canned-replies").await.good(200);
        assert_eq!(replies["data"], json!([]));
    }
}

#[tokio::test]
async fn who_signs_out_while_they_send_does_nothing() {
    let relay = Relay::start().await;
    let (_, handoff) = relay.hand_off().await;
    let token = json!({ "token": token_of("Sam") });
    let page = relay.http.post(format!("{}/api/session", relay.agents_url)).json(&token);
    let signed_in = Answer::to(page).await;
    let cookie = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
    let begun = begin_all(&relay, &handoff, |request| {
        request.header("cookie", &cookie).header("sec-fetch-site", "same-origin")
    })
    .await;
    let alex = relay.alex();
    let before = alex.rows(&handoff).await;
    let out = relay.http.delete(format!("{}/api/session", relay.agents_url));
    let out = out.header("cookie", &cookie).header("sec-fetch-site", "same-origin");
    assert_eq!(Answer::to(out).await.status, 204);
    for request in begun {
        let what = request.what.clone();
        assert_eq!(request.finish().await.status, 401, "{what}");
    }
    assert_eq!(alex.rows(&handoff).await, before);
    relay.finish().await;
}

/// A client that comes back is told to load everything again if it sees something else than before.
#[tokio::test]
async fn a_stream_goes_on_only_where_the_same_is_seen() {
    let mut relay = with_file(&file(Some("teams = [\"Support\"]"))).await;
    let alex = relay.agent("Alex");
    let mut stream = alex.stream(None).await.ready().await;
    let opened = stream.last_place.clone();
    let first = started(&relay).await;
    stream.until(|event| event.data["id"] == first).await;
    let marked = stream.mark().await;
    let list = alex.get("/handoffs").await.good(200);
    let known = list["last_event_id"].as_str().unwrap().to_owned();
    let second = started(&relay).await;
    for place in [&opened, &marked, &known] {
        let mut back = alex.stream(Some(place)).await;
        let seen = back.until(|event| event.data["id"] == second).await;
        assert!(seen.iter().all(|event| event.kind != "reset"), "nothing has changed: {seen:?}");
    }
    drop(stream);

    let is_reset = |event: Option<Event>| event.is_some_and(|event| event.kind == "reset");
    reloads(&relay, &file(Some("teams = [\"Billing\"]"))).await;
    let mut back = alex.stream(Some(&known)).await;
    assert!(is_reset(back.next().await), "another team");
    drop(back);
    relay.stop().await;
    relay.rewrites(&file(Some("role = \"lead\"")));
    relay.start_again().await;
    let alex = relay.agent("Alex");
    let mut back = alex.stream(Some(&known)).await;
    assert!(is_reset(back.next().await), "all teams, after a restart");
    let known = alex.get("/handoffs").await.good(200)["last_event_id"].as_str().unwrap().to_owned();
    reloads(&relay, &file(Some("teams = [\"Support\"]"))).await;
    let mut back = alex.stream(Some(&known)).await;
    assert!(is_reset(back.next().await), "one team again");
}
