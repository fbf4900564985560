//! Files of a relay that dies, or whose disk takes no more: each is there once and whole, or not at all.

use std::{fs, path::Path};

use bytes::Bytes;
use futures_util::{StreamExt, future::join_all, stream};
use reqwest::{
    Method,
    multipart::{Form, Part},
};
use sandbox::{Call, EchoTiming, Fault, FileFault, IdScheme, Role, Sandbox};
use serde_json::Value;
use tokio::net::TcpStream;

use crate::{
    PAUSE,
    ada::{Ada, Silent},
    parcel::{Parcel, kept, sha256},
    process::{Env, Process},
    relay::{Relay, folder},
    soon, until,
};

/// Files may come from the stand-in Ada, and calls to it take as long as they like.
const SETTINGS: Env<'_> =
    &[("FILES_ALLOW_PRIVATE", "on"), ("ADA_TIMEOUT_MS", "120000"), ("DEBOUNCE_MS", "50")];
const LENGTH: usize = 300_000;

#[tokio::test]
async fn a_file_half_fetched_at_sigkill_is_fetched_again_and_whole() {
    let faults = [FileFault::HangAfter(0), FileFault::HangAfter(120_000), FileFault::Slow(100_000)];
    join_all(faults.map(dies_while_fetching)).await;
}

async fn dies_while_fetching(fault: FileFault) {
    let (ada, folder) = (Ada::start().await, folder());
    let (relay, chat, handoff) = begin(&ada, folder.path()).await;
    let file = Parcel::new("shot.png", LENGTH);
    ada.sandbox.file_fault_next(fault);
    let message = ada.customer_sends(&chat, &file).await;
    soon("a fetch", ada.sandbox.until(|ada| !ada.file_fetches(&message).is_empty())).await;
    spooled(&relay.process, if fault == FileFault::HangAfter(0) { 0 } else { 10_000 }).await;
    relay.process.kill().await;
    assert!(kept(folder.path()).is_empty(), "{fault:?}: {:?}", kept(folder.path()));

    let relay = start(&ada, folder.path()).await;
    is_there_once(&relay, folder.path(), &handoff, &file).await;
    assert_eq!(ada.sandbox.file_fetches(&message), [200, 200], "{fault:?}");
}

/// The bytes are kept, and the disk has no room left to note it in the thread.
#[tokio::test]
async fn a_file_kept_and_not_noted_at_sigkill_is_there_once() {
    let (ada, folder) = (Ada::start().await, folder());
    let relay = Relay::start_on_a_small_disk(folder.path(), &ada.url, SETTINGS).await;
    ada.meets(&relay.url);
    let chat = ada.hands_off().await;
    let handoff = relay.handoff().await;
    let file = Parcel::new("shot.png", 60_000);
    ada.sandbox.file_fault_next(FileFault::Slow(40_000));
    let message = ada.customer_sends(&chat, &file).await;
    spooled(&relay.process, 1).await;
    // The file is shorter than the database's log, which takes no more.
    let log = fs::metadata(folder.path().join("handoffs.db-wal")).unwrap().len();
    assert!(log > 60_000, "{log}");
    relay.process.limit_files(Some(log));
    relay.process.stderr.logged(1, "the outcome of an attempt could not be stored").await;
    assert_eq!(kept(folder.path()).len(), 1);
    relay.process.kill().await;

    let relay = start(&ada, folder.path()).await;
    is_there_once(&relay, folder.path(), &handoff, &file).await;
    assert_eq!(ada.sandbox.file_fetches(&message), [200, 200]);
}

/// What a death leaves in the folder while a file is moved to its place is removed by the next start.
#[tokio::test]
async fn nothing_half_written_outlives_the_next_start() {
    let (ada, folder) = (Ada::start().await, folder());
    let (relay, chat, handoff) = begin(&ada, folder.path()).await;
    let file = Parcel::new("shot.png", LENGTH);
    ada.customer_sends(&chat, &file).await;
    is_there_once(&relay, folder.path(), &handoff, &file).await;
    relay.process.kill().await;
    let whole = folder.path().join("handoff-files").join(&kept(folder.path())[0]);
    let half = |name: &str| whole.with_file_name(name);
    fs::write(half("0193f0a8-7bd1-7cc0-9b2e-2f1d0a3c4b5d#1"), &file.bytes[..100]).unwrap();
    fs::write(half(&format!("{}#2", whole.file_name().unwrap().display())), &file.bytes[..100]).unwrap();
    assert_eq!(kept(folder.path()).len(), 3);

    let relay = start(&ada, folder.path()).await;
    is_there_once(&relay, folder.path(), &handoff, &file).await;
}

#[tokio::test]
async fn an_upload_cut_by_sigkill_leaves_nothing_and_sent_again_is_sent_once() {
    let (ada, folder) = (Ada::start().await, folder());
    let (relay, chat, handoff) = begin(&ada, folder.path()).await;
    let file = Parcel::new("plan.png", LENGTH);
    let cut = relay.sending(&handoff, half_a_form(&file)).header("idempotency-key", "k").send();
    let (answer, ()) = tokio::join!(cut, async {
        spooled(&relay.process, file.bytes.len() as u64 / 2).await;
        relay.process.signal("KILL");
    });
    assert!(answer.is_err(), "{answer:?}");
    drop(relay);
    assert!(kept(folder.path()).is_empty(), "{:?}", kept(folder.path()));

    let relay = start(&ada, folder.path()).await;
    let rows = relay.thread(&handoff).await;
    assert!(ours(&rows).next().is_none(), "{rows:#?}");
    let mut ids = Vec::new();
    for _ in 0..2 {
        let form = file.form().text("text", "Here it is:");
        let answer = relay.sending(&handoff, form).header("idempotency-key", "k").send().await.unwrap();
        assert_eq!(answer.status(), 202);
        ids.push(answer.json::<Value>().await.unwrap()["id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
    arrives(&relay, &handoff, &["confirmed"; 2]).await;
    customer_has(&ada, &chat, &["Here it is:", "plan.png"], &file);
}

/// The words, and half of the file; then nothing, for as long as the request lives.
fn half_a_form(file: &Parcel) -> Form {
    let half = stream::iter([Ok::<Bytes, std::io::Error>(file.bytes.slice(..file.bytes.len() / 2))]);
    let bytes = reqwest::Body::wrap_stream(half.chain(stream::pending()));
    let part = Part::stream_with_length(bytes, file.bytes.len() as u64).file_name(file.name.clone());
    Form::new().text("text", "Here it is:").part("file", part)
}

/// Ada takes in a part of it and no more.
#[tokio::test]
async fn a_file_half_way_to_ada_at_sigkill_is_brought_again() {
    let (ada, silent, folder) = (Ada::start().await, Silent::start().await, folder());
    let relay = Relay::start(folder.path(), &silent.url, SETTINGS).await;
    ada.meets(&relay.url);
    let chat = ada.hands_off().await;
    let handoff = relay.handoff().await;
    // More than the buffers of a connection hold.
    let file = Parcel::new("plan.png", 16 << 20);
    relay.sends(&handoff, &file).await;
    relay.writes(&handoff, "after").await;
    let mut calls = Vec::new();
    while !calls.last().is_some_and(is_upload) {
        calls.push(head(silent.called().await).await);
    }
    relay.process.kill().await;

    let relay = start(&ada, folder.path()).await;
    arrives(&relay, &handoff, &["confirmed"; 2]).await;
    customer_has(&ada, &chat, &["plan.png", "after"], &file);
}

/// A call, and what it begins with.
async fn head(call: TcpStream) -> (TcpStream, String) {
    let mut head = vec![0; 512];
    let length = soon("a request", call.peek(&mut head)).await.unwrap();
    (call, String::from_utf8_lossy(&head[..length]).into_owned())
}

fn is_upload((_, head): &(TcpStream, String)) -> bool {
    head.lines().next().is_some_and(|line| line.starts_with("POST ") && line.contains("/attachments/"))
}

/// Ada has the bytes or not: what its message points to is brought again, and what nothing points to is no
/// message.
#[tokio::test]
async fn an_upload_under_way_at_sigkill_makes_one_file_whatever_became_of_it() {
    let faults = [Fault::Hang, Fault::StoredThenHang, Fault::StoredThenDropped, Fault::BrokenBody];
    let usual = (EchoTiming::Normal, IdScheme::Different);
    join_all(faults.map(|fault| dies_while_sending(Call::UploadAttachment, fault, usual.0, usual.1))).await;
}

/// Ada has the message or not, and tells of it or not.
#[tokio::test]
async fn a_files_message_under_way_at_sigkill_arrives_once_whatever_became_of_the_call() {
    let faults = [Fault::StoredThenHang, Fault::Hang].into_iter();
    let lines = faults.flat_map(|fault| [EchoTiming::Normal, EchoTiming::Never].map(|echo| (fault, echo)));
    let lines =
        lines.flat_map(|(fault, echo)| [IdScheme::Same, IdScheme::Different].map(|ids| (fault, echo, ids)));
    join_all(lines.map(|(fault, echo, ids)| dies_while_sending(Call::SendMessage, fault, echo, ids))).await;
}

async fn dies_while_sending(call: Call, fault: Fault, echo: EchoTiming, ids: IdScheme) {
    let (ada, folder) = (Ada::start().await, folder());
    ada.sandbox.set_ids(ids);
    ada.sandbox.set_echoes(echo);
    let (relay, chat, handoff) = begin(&ada, folder.path()).await;
    relay.writes(&handoff, "before").await;
    let told = if echo == EchoTiming::Never { "sent" } else { "confirmed" };
    arrives(&relay, &handoff, &[told]).await;
    ada.sandbox.fault_next(call, fault);
    let file = Parcel::new("plan.png", LENGTH);
    relay.sends(&handoff, &file).await;
    relay.writes(&handoff, "after").await;
    // The first message was one call.
    let wanted = if call == Call::SendMessage { 2 } else { 1 };
    soon("the call", ada.sandbox.until(|ada| calls(ada, call) >= wanted)).await;
    relay.process.kill().await;

    let relay = start(&ada, folder.path()).await;
    arrives(&relay, &handoff, &[told; 3]).await;
    let row = relay.file(&handoff, &file.name, "kept").await;
    assert_eq!(sha256(&relay.download(&row).await), file.sha256);
    assert_eq!(kept(folder.path()).len(), 1);
    customer_has(&ada, &chat, &["before", "plan.png", "after"], &file);
}

/// Pasted pictures are all called the same: the one that Ada has is not taken for the one in doubt.
#[tokio::test]
async fn files_of_one_name_arrive_once_each_though_a_death_leaves_one_in_doubt() {
    join_all([Fault::Hang, Fault::StoredThenHang].map(dies_between_namesakes)).await;
}

async fn dies_between_namesakes(fault: Fault) {
    let (ada, folder) = (Ada::start().await, folder());
    let (relay, chat, handoff) = begin(&ada, folder.path()).await;
    let pasted = [1, 2, 3].map(|n| Parcel::new(&n.to_string(), LENGTH).named("image.png"));
    relay.sends(&handoff, &pasted[0]).await;
    arrives(&relay, &handoff, &["confirmed"]).await;
    ada.sandbox.fault_next(Call::SendMessage, fault);
    relay.sends(&handoff, &pasted[1]).await;
    relay.sends(&handoff, &pasted[2]).await;
    soon("the call", ada.sandbox.until(|ada| calls(ada, Call::SendMessage) >= 2)).await;
    relay.process.kill().await;

    let relay = start(&ada, folder.path()).await;
    arrives(&relay, &handoff, &["confirmed"; 3]).await;
    let files = ada.sandbox.files_sent_to(&chat);
    let hashes = files.iter().map(|file| file.sha256.as_str());
    assert!(hashes.eq(pasted.iter().map(|file| file.sha256.as_str())), "{fault:?}: {files:#?}");
}

fn calls(ada: &Sandbox, call: Call) -> usize {
    ada.calls().iter().filter(|made| made.call == Some(call)).count()
}

/// A disk with room for messages and none for a large file.
#[tokio::test]
async fn a_file_without_room_is_put_off_and_everything_else_goes_on() {
    const ROOM: usize = 8 << 20;
    let (ada, folder) = (Ada::start().await, folder());
    let relay = Relay::start_on_a_small_disk(folder.path(), &ada.url, SETTINGS).await;
    ada.meets(&relay.url);
    let chat = ada.hands_off().await;
    let handoff = relay.handoff().await;
    relay.process.limit_files(Some(ROOM as u64));
    let (theirs, ours) = (Parcel::new("shot.png", ROOM + 1), Parcel::new("plan.png", ROOM + 1));
    ada.customer_sends(&chat, &theirs).await;
    relay.process.stderr.logged(1, "a file could not be downloaded").await;
    refuses_files(&relay, &handoff, &ours).await;
    relay.writes(&handoff, "Is it urgent?").await;
    arrives(&relay, &handoff, &["confirmed"]).await;
    assert!(kept(folder.path()).is_empty(), "{:?}", kept(folder.path()));

    relay.process.limit_files(None);
    is_there_once(&relay, folder.path(), &handoff, &theirs).await;
    relay.sends(&handoff, &ours).await;
    arrives(&relay, &handoff, &["confirmed"; 2]).await;
    customer_has(&ada, &chat, &["Is it urgent?", "plan.png"], &ours);
}

/// As when its disk is not mounted any more.
#[tokio::test]
async fn a_folder_that_is_gone_is_told_by_health_and_waited_for() {
    let (ada, folder) = (Ada::start().await, folder());
    let (relay, chat, handoff) = begin(&ada, folder.path()).await;
    let old = Parcel::new("old.png", LENGTH);
    ada.customer_sends(&chat, &old).await;
    let row = relay.file(&handoff, &old.name, "kept").await;
    assert_eq!(health(&relay).await, (200, None));
    let (here, away) = (folder.path().join("handoff-files"), folder.path().join("away"));
    fs::rename(&here, &away).unwrap();
    until("a word of it", || async { health(&relay).await.1.map(drop) }).await;
    assert_eq!(health(&relay).await, (200, Some("the disk for files: entity not found".to_owned())));
    let new = Parcel::new("new.png", LENGTH);
    ada.customer_sends(&chat, &new).await;
    relay.process.stderr.logged(1, "a file could not be downloaded").await;
    refuses_files(&relay, &handoff, &new.named("plan.png")).await;
    // It is somewhere.
    assert_eq!(relay.status(row["content"]["url"].as_str().unwrap()).await, 503);
    relay.writes(&handoff, "One moment").await;
    arrives(&relay, &handoff, &["confirmed"]).await;
    assert!(!here.exists(), "a folder of that name would hide the disk's");

    fs::rename(&away, &here).unwrap();
    until("no word of it", || async { (health(&relay).await == (200, None)).then_some(()) }).await;
    for file in [&old, &new] {
        let row = relay.file(&handoff, &file.name, "kept").await;
        assert_eq!(sha256(&relay.download(&row).await), file.sha256);
    }
}

/// What an agent sends is refused for now, in a sentence, and leaves nothing; a customer's file waits.
async fn refuses_files(relay: &Relay, handoff: &str, file: &Parcel) {
    let answer = relay.sending(handoff, file.form()).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers().contains_key("retry-after")), (503, true));
    // Or the next request on its connection would get no answer.
    assert_eq!(answer.headers()["connection"], "close");
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["detail"], "files can't be stored or read at present");
    let rows = relay.thread(handoff).await;
    assert!(ours(&rows).next().is_none(), "{rows:#?}");
    let waiting = rows.iter().find(|row| row["content"]["state"] == "fetching").unwrap();
    let path = format!("/api/handoffs/{handoff}/messages/{}/file", waiting["id"].as_str().unwrap());
    assert_eq!(relay.status(&path).await, 503);
}

/// The status, and what there is to say about files.
async fn health(relay: &Relay) -> (u16, Option<String>) {
    let answer = relay.request(Method::GET, "/health/ready").send().await.unwrap();
    let (status, body) = (answer.status().as_u16(), answer.json::<Value>().await.unwrap());
    (status, body["files"].as_str().map(str::to_owned))
}

/// A relay with a handoff: the conversation's id, and the handoff's.
async fn begin(ada: &Ada, folder: &Path) -> (Relay, String, String) {
    let relay = start(ada, folder).await;
    let chat = ada.hands_off().await;
    let handoff = relay.handoff().await;
    (relay, chat, handoff)
}

async fn start(ada: &Ada, folder: &Path) -> Relay {
    let relay = Relay::start(folder, &ada.url, SETTINGS).await;
    ada.meets(&relay.url);
    relay
}

/// A customer's file stands once in the thread, whole, and nothing else lies in the folder.
async fn is_there_once(relay: &Relay, folder: &Path, handoff: &str, file: &Parcel) {
    let row = relay.file(handoff, &file.name, "kept").await;
    assert_eq!(sha256(&relay.download(&row).await), file.sha256);
    assert_eq!(kept(folder), [format!("{handoff}/{}", row["id"].as_str().unwrap())]);
}

/// Waits until `bytes` of a file that has no name yet, or none any more, are on the disk of a process.
pub async fn spooled(process: &Process, bytes: u64) {
    let descriptors = format!("/proc/{}/fd", process.id());
    let is_spool = |entry: &fs::DirEntry| {
        let file = fs::read_link(entry.path()).unwrap_or_default().display().to_string();
        let long = || fs::metadata(entry.path()).is_ok_and(|known| known.len() >= bytes);
        file.contains("handoff-files/") && file.ends_with("(deleted)") && long()
    };
    let looks = async {
        while !fs::read_dir(&descriptors).unwrap().flatten().any(|entry| is_spool(&entry)) {
            tokio::time::sleep(PAUSE).await;
        }
    };
    soon("a part of a file on the disk", looks).await;
}

fn ours(rows: &[Value]) -> impl Iterator<Item = &Value> {
    rows.iter().filter(|row| row["source"] == "agent")
}

/// Waits until what agents have sent has come so far.
async fn arrives(relay: &Relay, handoff: &str, states: &[&str]) {
    let is_so = |rows: &[Value]| {
        ours(rows).map(|row| row["delivery"]["state"].as_str()).eq(states.iter().copied().map(Some))
    };
    relay.thread_with(handoff, &format!("{states:?}"), is_so).await;
}

/// The customer sees these words and this one file, in this order.
fn customer_has(ada: &Ada, chat: &str, what: &[&str], file: &Parcel) {
    let messages = ada.sandbox.messages(chat);
    let by_agents = messages.iter().filter(|message| message.role == Role::HumanAgent);
    let seen: Vec<&str> = by_agents
        .filter_map(|message| message.content["body"].as_str().or(message.content["filename"].as_str()))
        .collect();
    assert_eq!(seen, what);
    let files: Vec<_> =
        ada.sandbox.files_sent_to(chat).into_iter().filter(|file| file.role == Role::HumanAgent).collect();
    let hashes: Vec<&str> = files.iter().map(|file| file.sha256.as_str()).collect();
    assert_eq!(hashes, [file.sha256.as_str()]);
}
