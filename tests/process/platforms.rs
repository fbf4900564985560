//! Agents work in a platform: the examples hold conversations, and the conformance kit tells receivers apart.

use std::{collections::HashSet, future::IntoFuture, sync::Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use sandbox::Role;
use serde_json::Value;
use std::sync::Arc;
use svix::webhooks::Webhook;
use tokio::net::TcpListener;

use crate::{
    ada::Ada,
    parcel::Parcel,
    platform::{Example, SECRET, TOKEN, settings},
    process::{Ended, run},
    relay::{Relay, client, folder},
    until,
};

const EXAMPLES: [&str; 2] = ["receiver.rs", "receiver.py"];

/// A port for a relay that must be known before it starts.
pub async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn the_examples_hold_a_whole_conversation() {
    for name in EXAMPLES {
        let (ada, folder) = (Ada::start().await, folder());
        let public = format!("http://127.0.0.1:{}", free_port().await);
        let mut desk = Example::start(name, &public, false).await;
        let listen = public.trim_start_matches("http://");
        let platform = settings(&desk.url, &public);
        let mut more: Vec<(&str, &str)> =
            platform.iter().map(|(name, value)| (*name, value.as_str())).collect();
        more.extend([
            ("LISTEN", listen),
            ("AGENT_LISTEN", listen),
            ("FILES_ALLOW_PRIVATE", "on"),
            ("DEBOUNCE_MS", "50"),
        ]);
        let relay = Relay::start(folder.path(), &ada.url, &more).await;
        ada.meets(&relay.url);
        let chat = ada.hands_off().await;
        desk.shows("waits: {").await;
        ada.customer_says(&chat, "Where is my parcel?").await;
        desk.shows("Where is my parcel?").await;
        desk.types("It comes tomorrow.").await;
        desk.shows("It comes tomorrow.: confirmed").await;
        let photo = Parcel::new("photo.png", 12_345);
        ada.customer_sends(&chat, &photo).await;
        desk.shows("photo.png: 12345 bytes").await;
        let bill = folder.path().join("bill.txt");
        std::fs::write(&bill, "12.50 EUR\n").unwrap();
        desk.types(&format!("/file {}", bill.display())).await;
        desk.shows("bill.txt").await;
        desk.types("/note A patient customer").await;
        desk.shows("A patient customer").await;
        let has_file = || async {
            let files = ada.sandbox.files_sent_to(&chat);
            files.iter().any(|file| file.filename == "bill.txt").then_some(())
        };
        until("the bill", has_file).await;
        desk.types("/end").await;
        desk.shows("has ended, by").await;
        until("the AI Agent is back", || async { (!ada.sandbox.in_handoff(&chat)).then_some(()) }).await;
        let said = ada.sandbox.messages(&chat);
        let by_people: Vec<_> = said.iter().filter(|message| message.role == Role::HumanAgent).collect();
        assert_eq!(by_people[0].display_name.as_deref(), Some("Ann"), "{name}");
        assert_eq!(ada.agents_said(&chat)[..1], ["It comes tomorrow."], "{name}");
        let (ended, _) = relay.process.stopped().await;
        assert_eq!(ended.code, Some(0), "{:#?}", ended.stderr);
        ended.never_says(&[SECRET, TOKEN]);
    }
}

async fn conformance(url: &str, listen: &str) -> Ended {
    let here = folder();
    let args = ["conformance", "--url", url, "--secret", SECRET, "--listen", listen, "--api-token", TOKEN];
    run(here.path(), &args, &[]).await
}

#[tokio::test]
async fn the_examples_conform() {
    for name in EXAMPLES {
        let listen = format!("127.0.0.1:{}", free_port().await);
        let desk = Example::start(name, &format!("http://{listen}"), true).await;
        let ended = conformance(&desk.url, &listen).await;
        let failed: Vec<&String> = ended.stdout.iter().filter(|line| line.starts_with("FAIL")).collect();
        assert!(failed.is_empty() && ended.code == Some(0), "{name}: {:#?}", ended.stdout);
        assert!(
            ended.stdout.iter().any(|line| line.contains("answers, none of them twice")),
            "{:#?}",
            ended.stdout
        );
        assert!(ended.stdout.iter().any(|line| line.contains("it fetched the file")), "{:#?}", ended.stdout);
        ended.never_says(&[SECRET, TOKEN]);
    }
}

/// What a receiver does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    TakesAnyEvent,
    AnswersTwice,
    RefusesTheUnknown,
    AsksWithoutToken,
}

#[derive(Clone)]
struct Flawed {
    flaw: Flaw,
    relay: String,
    seen: Arc<Mutex<HashSet<String>>>,
}

impl Flawed {
    async fn start(flaw: Flaw, relay: String) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/ada", listener.local_addr().unwrap());
        let state = Self { flaw, relay, seen: Arc::default() };
        let door = Router::new().route("/ada", post(Self::take)).with_state(state);
        tokio::spawn(axum::serve(listener, door).into_future());
        url
    }

    async fn take(State(desk): State<Self>, headers: HeaderMap, body: Bytes) -> StatusCode {
        let is_signed = Webhook::new(SECRET).unwrap().verify(&body, &headers).is_ok();
        if !is_signed && desk.flaw != Flaw::TakesAnyEvent {
            return StatusCode::UNAUTHORIZED;
        }
        let event: Value = serde_json::from_slice(&body).unwrap();
        let kind = event["type"].as_str().unwrap();
        if desk.flaw == Flaw::RefusesTheUnknown && kind.ends_with("of_a_later_relay") {
            return StatusCode::BAD_REQUEST;
        }
        let is_new = desk.seen.lock().unwrap().insert(headers["webhook-id"].to_str().unwrap().to_owned());
        let is_text = event["data"]["content"]["type"] == "text";
        if kind == "handoff.message" && is_text && (is_new || desk.flaw == Flaw::AnswersTwice) {
            let id = event["data"]["handoff_id"].as_str().unwrap();
            let url = format!("{}/platform/handoffs/{id}/messages", desk.relay);
            let words = &event["data"]["content"]["body"];
            let token = if desk.flaw == Flaw::AsksWithoutToken { "none" } else { TOKEN };
            let answer = client().post(url).bearer_auth(token).json(&serde_json::json!({ "text": words }));
            let _ = answer.send().await;
        }
        StatusCode::NO_CONTENT
    }
}

#[tokio::test]
async fn what_a_receiver_does_wrong_is_told() {
    let forged = ["wrong signature", "other body", "old signature", "signature of tomorrow", "no signature"];
    for (flaw, wrong) in [
        (Flaw::TakesAnyEvent, &forged[..]),
        (Flaw::AnswersTwice, &["answers once"]),
        (Flaw::RefusesTheUnknown, &["unknown type"]),
        (Flaw::AsksWithoutToken, &["its calls"]),
    ] {
        let listen = format!("127.0.0.1:{}", free_port().await);
        let url = Flawed::start(flaw, format!("http://{listen}")).await;
        let ended = conformance(&url, &listen).await;
        let failed = ended.stdout.iter().filter_map(|line| line.strip_prefix("FAIL  "));
        let failed: Vec<&str> = failed.map(|line| line[..22].trim_end()).collect();
        assert_eq!((&failed[..], ended.code), (wrong, Some(1)), "{flaw:?}: {:#?}", ended.stdout);
    }
}

#[tokio::test]
async fn what_is_no_receiver_is_told() {
    let here = folder();
    let play = async |url: &str, secret: &str| {
        run(here.path(), &["conformance", "--url", url, "--secret", secret], &[]).await
    };
    let ended = play("http://127.0.0.1:9/", SECRET).await;
    assert!(ended.stdout[0].contains("the receiver can't be reached"), "{:#?}", ended.stdout);
    let ended = play("http://127.0.0.1:9/", "secret?").await;
    assert_eq!((ended.code, &*ended.stderr[0]), (Some(1), "--secret must be whsec_ followed by base64"));
}
