//! `migrate`: a relay on SQLite stops, and goes on where it was on PostgreSQL.

use std::path::Path;

use axum::http::StatusCode;
use serde_json::json;

use crate::{
    ada::{Ada, Refusing},
    postgres,
    process::{Ended, run},
    relay::{Relay, folder, said},
};

/// Long enough to stop while events wait for quiet.
const QUIET: [(&str, &str); 3] =
    [("DEBOUNCE_MS", "6000"), ("DEBOUNCE_MAX_MS", "6000"), ("RUST_LOG", "info,handoff_relay=debug")];
const QUESTIONS: [&str; 3] = ["Is anybody there?", "My parcel is late.", "Order A-1042."];
const ANSWERS: [&str; 3] = ["Hello, this is Alex.", "I'm looking.", "It arrives tomorrow."];
const FROM: &str = "sqlite://handoffs.db";
const PASSWORD: &str = "5eCr3tMark";

async fn migrates(folder: &Path, args: &[&str], env: &[(&str, &str)]) -> Ended {
    let args: Vec<&str> = ["migrate"].iter().chain(args).copied().collect();
    let ended = run(folder, &args, env).await;
    ended.never_says(&[PASSWORD]);
    ended
}

async fn is_refused(folder: &Path, args: &[&str], code: i32, words: &str) {
    let ended = migrates(folder, args, &[]).await;
    assert_eq!(ended.code, Some(code), "{args:?}: {:#?}", ended.stderr);
    assert!(ended.stdout.is_empty(), "{:#?}", ended.stdout);
    let said = ended.stderr.last().unwrap();
    assert!(said.contains(words), "{args:?}: {said}");
}

async fn new_database() -> String {
    let url = postgres::shared().database().await;
    url.replace("relay@", &format!("relay:{PASSWORD}@"))
}

#[tokio::test]
async fn a_relay_goes_on_in_postgresql_and_nothing_is_doubled_or_lost() {
    let (ada, refusing, folder) =
        (Ada::start().await, Refusing::start(StatusCode::SERVICE_UNAVAILABLE).await, folder());
    let to = new_database().await;
    let relay = Relay::start(folder.path(), &refusing.url, &QUIET).await;
    ada.meets(&relay.url);
    let chat = ada.hands_off().await;
    let handoff = relay.handoff().await;
    for (question, answer) in QUESTIONS.iter().zip(ANSWERS) {
        ada.customer_says(&chat, question).await;
        relay.writes(&handoff, answer).await;
    }
    let reply = json!({ "title": "Hello", "text": "Hello!" });
    relay.post("/api/canned-replies", &reply).await;
    let kept = |line: &str| (line.contains("\"webhook\"") && line.contains("\"Kept\"")).then_some(());
    relay.process.stderr.find(QUESTIONS.len(), "events that wait", kept).await;
    is_refused(folder.path(), &["--from", FROM, "--to", &to], 1, "is in use by another handoff-relay").await;
    let (ended, _) = relay.process.stopped().await;
    assert_eq!(ended.code, Some(0));

    let ended = migrates(folder.path(), &["--from", FROM], &[("MIGRATE_TO", &to)]).await;
    assert_eq!(ended.code, Some(0), "{:#?}", ended.stderr);
    let told = ended.stdout.join("\n");
    assert!(told.starts_with("handoffs.db is moved to PostgreSQL at "), "{told}");
    assert!(told.contains("1 handoffs with ") && told.contains("Set DATABASE_URL"), "{told}");
    assert_eq!(ended.stderr.len(), 1, "progress is for terminals: {:#?}", ended.stderr);
    is_refused(folder.path(), &["--from", FROM, "--to", &to], 1, "is not empty").await;

    let settings: Vec<_> = QUIET.iter().copied().chain([("DATABASE_URL", &*to)]).collect();
    let relay = Relay::start(folder.path(), &ada.url, &settings).await;
    ada.meets(&relay.url);
    assert_eq!(relay.handoff().await, handoff);
    // An answer has its place when Ada has said when it was sent.
    let all = |rows: &[serde_json::Value], questions: usize, answers: usize| {
        let is_confirmed = |row: &&serde_json::Value| row["delivery"]["state"] == "confirmed";
        said(rows, "end_user").len() == questions && rows.iter().filter(is_confirmed).count() == answers
    };
    let (asked, answered) = (QUESTIONS.len(), ANSWERS.len());
    let rows = relay.thread_with(&handoff, "everything arrives", |rows| all(rows, asked, answered)).await;
    assert_eq!((said(&rows, "end_user"), said(&rows, "human_agent")), (named(&QUESTIONS), named(&ANSWERS)));
    ada.customer_says(&chat, "Thanks.").await;
    relay.writes(&handoff, "Bye.").await;
    let after = |rows: &[serde_json::Value]| all(rows, asked + 1, answered + 1);
    let rows = relay.thread_with(&handoff, "what comes after it", after).await;
    assert_eq!(said(&rows, "end_user"), named(&[&QUESTIONS[..], &["Thanks."]].concat()));
    assert_eq!(ada.agents_said(&chat), named(&[&ANSWERS[..], &["Bye."]].concat()));
    let replies = relay.get("/api/canned-replies").await;
    assert_eq!(replies["data"][0]["title"], "Hello", "{replies}");
    let (ended, _) = relay.process.stopped().await;
    assert_eq!(ended.code, Some(0));
    ended.never_says(&[PASSWORD]);
}

fn named(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_without_the_password() {
    let folder = folder();
    let to = format!("postgres://relay:{PASSWORD}@127.0.0.1:9/relay?sslmode=disable");
    let wrong = format!("postgres://relay:{PASSWORD}@127.0.0.1:nine/relay");
    for (args, code, words) in [
        (&["--from", FROM, "--to", FROM][..], 2, "moves from SQLite to PostgreSQL alone"),
        (&["--from", &to, "--to", &to], 2, "moves from SQLite to PostgreSQL alone"),
        (&["--from", &to, "--to", FROM], 2, "moves from SQLite to PostgreSQL alone"),
        (&["--from", "memory:", "--to", &to], 2, "moves from SQLite to PostgreSQL alone"),
        (&["--from", "handoffs.db", "--to", &to], 2, "--from must be sqlite://path"),
        (&["--from", FROM, "--to", &wrong], 2, "--to can't be read as a URL of PostgreSQL"),
        (&["--from", FROM, "--to", &to, &to], 2, "migrate takes --from URL and --to URL"),
        (&["--from", FROM, "--to", &to], 1, "there is no database at handoffs.db"),
    ] {
        is_refused(folder.path(), args, code, words).await;
    }
    // Nothing is told of what was not asked for.
    let missing = migrates(folder.path(), &["--from", FROM, &to], &[]).await;
    assert_eq!(missing.code, Some(2), "{:#?}", missing.stderr);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
