//! Files, both ways: the bytes arrive once and whole, in order with the words around them.

use std::time::Duration;

use sandbox::{Call, Fault, FileFault, Role};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{
    agent::text,
    answer::Answer,
    events::{customer_says, from_now, shows_at},
    eventually,
    relay::{Relay, Setup},
    settles, soon,
};

/// A PNG as far as its first bytes go; the rest is noise.
fn png(length: usize, seed: u64) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    let mut noise = seed;
    while bytes.len() < length {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&noise.to_be_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What people sent to the customer, words and names of files, as the customer sees it.
fn seen(relay: &Relay, chat: &str) -> Vec<String> {
    let messages = relay.ada.messages(chat);
    let human = messages.iter().filter(|said| said.role == Role::HumanAgent);
    let what = |content: &Value| content["body"].as_str().or(content["filename"].as_str()).map(str::to_owned);
    human.filter_map(|said| what(&said.content)).collect()
}

async fn comes_to_see(relay: &Relay, chat: &str, what: &[&str]) {
    let what: Vec<String> = what.iter().map(|what| (*what).to_owned()).collect();
    settles(&what, || async { seen(relay, chat) }).await;
}

fn uploads(relay: &Relay) -> usize {
    relay.ada.calls().iter().filter(|made| made.call == Some(Call::UploadAttachment)).count()
}

/// An agent's row with a file of this name, once it is in this state of delivery.
async fn sent(relay: &Relay, id: &str, name: &str, state: &str) -> Value {
    eventually(&format!("{name}: {state}"), || async {
        let rows = relay.alex().rows(id).await;
        let found = rows.into_iter().find(|row| row["content"]["filename"] == name)?;
        (found["delivery"]["state"] == state).then_some(found)
    })
    .await
}

#[tokio::test]
async fn a_customers_file_reaches_the_agent_by_way_of_the_relay() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let (alex, bytes) = (relay.alex(), png(300_000, 1));
    relay.ada.customer_says(&chat, "Look:").await.unwrap();
    let message = relay.ada.customer_sends_file(&chat, "shot.png", "image/png", bytes.clone());
    let message = message.await.unwrap();
    relay.ada.customer_says(&chat, "See?").await.unwrap();

    let row = alex.sees_file(&id, "shot.png", "kept").await;
    let url = format!("/api/handoffs/{id}/messages/{}/file", row["id"].as_str().unwrap());
    assert_eq!(
        row["content"],
        json!({ "type": "file", "filename": "shot.png", "mime_type": "image/png", "size": 300_000, "url": url,
            "state": "kept", "error": null })
    );
    let got = alex.downloads(&row).await;
    assert_eq!((got.status, sha256(&got.body)), (200, sha256(&bytes)));
    assert_eq!(relay.ada.file_fetches(&message), [200]);
    let said = relay.alex().rows(&id).await;
    let customers: Vec<String> = said
        .iter()
        .filter(|row| row["author"]["role"] == "end_user")
        .filter_map(|row| text(row).or(row["content"]["filename"].as_str().map(str::to_owned)))
        .collect();
    assert_eq!(customers[customers.len() - 3..], ["Look:", "shot.png", "See?"]);
    relay.finish().await;
}

#[tokio::test]
async fn a_file_is_served_for_browsers_and_runs_nowhere() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let alex = relay.alex();
    let svg = "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    for (name, kind, served, how) in [
        ("a.png", "image/png", "image/png", "inline"),
        ("v.mp4", "video/mp4", "video/mp4", "inline"),
        ("x.svg", "image/svg+xml", "image/svg+xml", "attachment"),
        ("x.html", "text/html", "application/octet-stream", "attachment"),
        ("x.bin", "x\r\ny: z", "application/octet-stream", "attachment"),
    ] {
        relay.ada.customer_sends_file(&chat, name, kind, svg).await.unwrap();
        let row = alex.sees_file(&id, name, "kept").await;
        let got = alex.downloads(&row).await;
        assert_eq!(got.text(), svg);
        assert_eq!(got.header("content-type"), served, "{name}");
        assert!(
            got.header("content-disposition").starts_with(how),
            "{name}: {}",
            got.header("content-disposition")
        );
        assert!(got.header("content-disposition").contains(name), "{name}");
        for (header, value) in [
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; sandbox"),
            ("cache-control", "private, no-cache"),
            ("cross-origin-resource-policy", "same-origin"),
            ("accept-ranges", "bytes"),
        ] {
            assert_eq!(got.header(header), value, "{name}");
        }
        let url = row["content"]["url"].as_str().unwrap().strip_prefix("/api").unwrap();
        let download = alex.get(&format!("{url}?download=1")).await;
        assert!(download.header("content-disposition").starts_with("attachment"), "{name}");
    }
    relay.finish().await;
}

#[tokio::test]
async fn parts_of_a_file_can_be_had_and_it_is_not_sent_twice() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let (alex, bytes) = (relay.alex(), png(1_000, 2));
    relay.ada.customer_sends_file(&chat, "a.png", "image/png", bytes.clone()).await.unwrap();
    let row = alex.sees_file(&id, "a.png", "kept").await;
    let url = row["content"]["url"].as_str().unwrap().strip_prefix("/api").unwrap().to_owned();
    let with = |name: &'static str, value: String| Answer::to(alex.request("GET", &url).header(name, value));
    for (range, from, to) in [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=990-", 990, 999),
        ("bytes=-5", 995, 999),
        ("bytes=900-2000", 900, 999),
    ] {
        let got = with("range", range.to_owned()).await;
        assert_eq!((got.status, &got.body[..]), (206, &bytes[from..=to]), "{range}");
        assert_eq!(got.header("content-range"), format!("bytes {from}-{to}/1000"));
        assert_eq!(got.header("content-length"), (to - from + 1).to_string());
    }
    for range in ["bytes=0-1,5-6", "lines=0-1", "bytes=x"] {
        let got = with("range", range.to_owned()).await;
        assert_eq!((got.status, got.body.len()), (200, 1_000), "{range}");
    }
    let beyond = with("range", "bytes=1000-".to_owned()).await;
    assert_eq!(beyond.problem(416), "the file has 1000 bytes, and no such range of them");
    assert_eq!(beyond.header("content-range"), "bytes */1000");

    let etag = alex.get(&url).await.header("etag").to_owned();
    for known in [etag.clone(), format!("\"x\", W/{etag}"), "*".to_owned()] {
        let got = with("if-none-match", known).await;
        assert_eq!((got.status, got.body.len(), got.header("etag")), (304, 0, etag.as_str()));
    }
    assert_eq!(with("if-none-match", "\"x\"".to_owned()).await.status, 200);
    for (known, status) in [(etag.clone(), 206), ("\"x\"".to_owned(), 200)] {
        let request = alex.request("GET", &url).header("range", "bytes=0-4").header("if-range", known);
        assert_eq!(Answer::to(request).await.status, status);
    }
    let head = Answer::to(alex.request("HEAD", &url)).await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, "1000", 0));
    relay.finish().await;
}

#[tokio::test]
async fn an_agents_file_reaches_the_customer_once_and_in_its_turn() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let (alex, bytes) = (relay.alex(), png(300_000, 3));
    alex.writes(&id, "One moment").await;
    let row = alex.tries_to_send(&id, "plan.png", &bytes, Some("Here it is:")).await.good(202);
    alex.writes(&id, "Does that help?").await;
    assert_eq!(row["content"]["state"], "kept", "{row}");
    comes_to_see(&relay, &chat, &["One moment", "Here it is:", "plan.png", "Does that help?"]).await;
    let row = sent(&relay, &id, "plan.png", "confirmed").await;
    assert_eq!(alex.downloads(&row).await.body, bytes);
    let files = relay.ada.files_sent_to(&chat);
    assert_eq!((files.len(), files[0].sha256.clone()), (1, sha256(&bytes)));
    assert_eq!((files[0].filename.as_str(), files[0].mime_type.as_str()), ("plan.png", "image/png"));
    assert_eq!(uploads(&relay), 1);
    assert!(relay.ada.file_fetches(&files[0].message_id).is_empty(), "the echo of ours is not fetched");
    relay.finish().await;
}

/// One file of each type that Ada takes, by name.
fn samples() -> Vec<(String, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/files");
    let sample = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
    };
    let mut samples: Vec<_> = std::fs::read_dir(folder).unwrap().map(sample).collect();
    samples.sort();
    samples
}

#[tokio::test]
async fn every_type_arrives_byte_for_byte_both_ways() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let (alex, samples) = (relay.alex(), samples());
    assert_eq!(samples.len(), 32, "all of Ada's list, and .keynote beside .key");
    for (name, bytes) in &samples {
        alex.sends(&id, name, bytes).await;
    }
    let names: Vec<&str> = samples.iter().map(|(name, _)| name.as_str()).collect();
    comes_to_see(&relay, &chat, &names).await;
    for (file, (name, bytes)) in relay.ada.files_sent_to(&chat).iter().zip(&samples) {
        assert_eq!((&file.filename, &file.sha256), (name, &sha256(bytes)));
        assert!(file.mime_type.contains('/') && file.mime_type != "application/octet-stream", "{file:?}");
    }
    for (name, bytes) in &samples {
        let name = format!("customers-{name}");
        relay.ada.customer_sends_file(&chat, &name, "application/octet-stream", bytes.clone()).await.unwrap();
    }
    for (name, bytes) in &samples {
        let theirs = alex.sees_file(&id, &format!("customers-{name}"), "kept").await;
        let ours = sent(&relay, &id, name, "confirmed").await;
        for row in [theirs, ours] {
            let got = alex.downloads(&row).await;
            assert_eq!((got.status, sha256(&got.body)), (200, sha256(bytes)), "{name}");
        }
    }
    relay.finish().await;
}

#[tokio::test]
async fn names_do_no_harm() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let (alex, bytes) = (relay.alex(), png(200, 10));
    let long = format!("{}.png", "n".repeat(300));
    for (number, (name, shown)) in [
        ("../../etc/passwd.png", "passwd.png"),
        ("C:\\Users\\alex\\shot.png", "shot.png"),
        ("Grüße 你好 🎉.png", "Grüße 你好 🎉.png"),
        (long.as_str(), ""),
        ("she said \"hi\".png", "she said 'hi'.png"),
        ("as %22browsers%22 write.png", "as 'browsers' write.png"),
    ]
    .into_iter()
    .enumerate()
    {
        let row = alex.sends(&id, name, &bytes).await;
        let called = row["content"]["filename"].as_str().unwrap().to_owned();
        assert!(shown.is_empty() || called == shown, "{called}");
        assert!(called.chars().count() <= 200 && called.ends_with(".png"), "{called}");
        settles(&Some(called.clone()), || async { seen(&relay, &chat).pop() }).await;
        sent(&relay, &id, &called, "confirmed").await;
        // A customer's is shown as it is, and saved under a name that does no harm.
        let theirs = format!("{number}{name}");
        relay.ada.customer_sends_file(&chat, &theirs, "image/png", bytes.clone()).await.unwrap();
        let row = alex.sees_file(&id, &theirs, "kept").await;
        let disposition = alex.downloads(&row).await.header("content-disposition").to_owned();
        assert!(disposition.is_ascii() && !disposition.contains(['/', '\\']), "{disposition}");
    }
    relay.finish().await;
}

#[tokio::test]
async fn what_ada_does_not_take_is_refused_with_what_it_takes() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let alex = relay.alex();
    let program = [b"MZ\x90\0".as_slice(), &[0; 200]].concat();
    for (name, bytes) in [
        ("invoice.pdf", &program),
        ("run.exe", &program),
        ("page.html", &b"<html></html>".to_vec()),
        ("no ending", &png(99, 1)),
    ] {
        let sentence = alex.tries_to_send(&id, name, bytes, None).await.problem(415);
        assert!(sentence.contains("TXT, LOG, CSV") && sentence.contains("NUMBERS"), "{sentence}");
    }
    let large = vec![b'x'; (50 << 20) + 1];
    assert_eq!(alex.tries_to_send(&id, "a.txt", &large, None).await.problem(413), "the file is over 50 MB");
    alex.sends(&id, "most.txt", &large[1..]).await;
    comes_to_see(&relay, &chat, &["most.txt"]).await;
    assert_eq!(relay.ada.files_sent_to(&chat)[0].sha256, sha256(&large[1..]));
    relay.finish().await;
}

#[tokio::test]
async fn an_upload_in_doubt_is_repeated_and_its_message_is_not() {
    for (call, fault) in [
        (Call::UploadAttachment, Fault::StoredThenDropped),
        (Call::UploadAttachment, Fault::Status { status: 500, retry_after: None }),
        (Call::UploadAttachment, Fault::Status { status: 429, retry_after: Some(1) }),
        (Call::UploadAttachment, Fault::BrokenBody),
        (Call::SendMessage, Fault::StoredThenDropped),
        (Call::SendMessage, Fault::Dropped),
        (Call::SendMessage, Fault::StoredThenStatus(500)),
    ] {
        let relay = Relay::start().await;
        let (chat, id) = relay.hand_off().await;
        relay.alex().accepts(&id).await;
        relay.ada.fault_next(call, fault);
        relay.alex().sends(&id, "plan.png", &png(5_000, 4)).await;
        relay.alex().writes(&id, "after").await;
        sent(&relay, &id, "plan.png", "confirmed").await;
        comes_to_see(&relay, &chat, &["plan.png", "after"]).await;
        relay.finish().await;
    }
}

#[tokio::test]
async fn a_file_that_ada_refuses_fails_alone_and_can_be_sent_again() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let alex = relay.alex();
    alex.accepts(&id).await;
    relay.ada.fault_next(Call::UploadAttachment, Fault::Status { status: 400, retry_after: None });
    alex.sends(&id, "plan.png", &png(5_000, 5)).await;
    alex.writes(&id, "after").await;
    let failed = sent(&relay, &id, "plan.png", "failed").await;
    assert!(failed["delivery"]["error"].as_str().unwrap().starts_with("Ada answered 400"), "{failed}");
    comes_to_see(&relay, &chat, &["after"]).await;
    let row = failed["id"].as_str().unwrap();
    alex.act(&id, &format!("messages/{row}/retry")).await.good(202);
    comes_to_see(&relay, &chat, &["after", "plan.png"]).await;
    sent(&relay, &id, "plan.png", "confirmed").await;
    relay.finish().await;
}

#[tokio::test]
async fn a_file_for_a_handoff_that_is_over_at_ada_ends_it_here() {
    let relay = Setup::new().set("UNKNOWN_HOLD_MS", "100").start().await;
    let alex = relay.alex();
    // Ada does not know the conversation of this one.
    relay.gets(&customer_says("unknown", "Hello?")).await;
    let id = alex.handoff_of("unknown").await["id"].as_str().unwrap().to_owned();
    alex.sends(&id, "plan.png", &png(5_000, 6)).await;
    alex.tries_to_write(&id, "after").await;
    assert_eq!(alex.sees_the_end(&id).await["ended_by"], "ada");
    let failed = sent(&relay, &id, "plan.png", "failed").await;
    assert!(failed["delivery"]["error"].as_str().unwrap().starts_with("Ada answered 404"), "{failed}");
    assert_eq!(
        alex.tries_to_send(&id, "b.png", &png(50, 6), None).await.problem(409),
        "this handoff has ended"
    );
    relay.finish().await;
}

#[tokio::test]
async fn the_same_request_sends_one_file() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let alex = relay.alex();
    let sends = |name: &'static str, bytes: Vec<u8>, text: Option<&'static str>| {
        let part = reqwest::multipart::Part::bytes(bytes).file_name(name);
        let mut form = reqwest::multipart::Form::new().part("file", part);
        if let Some(text) = text {
            form = form.text("text", text);
        }
        let request = alex.request("POST", &format!("/handoffs/{id}/files")).multipart(form);
        Answer::to(request.header("idempotency-key", "k"))
    };
    let first = sends("a.png", png(900, 7), Some("Look")).await.good(202);
    assert_eq!(sends("a.png", png(900, 7), Some("Look")).await.good(202)["id"], first["id"]);
    for (name, bytes, text) in [
        ("b.png", png(900, 7), Some("Look")),
        ("a.png", png(901, 7), Some("Look")),
        ("a.png", png(900, 7), Some("look")),
        ("a.png", png(900, 7), None),
    ] {
        assert_eq!(
            sends(name, bytes, text).await.problem(422),
            "this Idempotency-Key was used with another body"
        );
    }
    sent(&relay, &id, "a.png", "confirmed").await;
    alex.ends(&id).await;
    assert_eq!(
        sends("a.png", png(900, 7), Some("Look")).await.good(202)["id"],
        first["id"],
        "as the first time"
    );
    assert_eq!(seen(&relay, &chat), ["Look", "a.png"]);
    relay.finish().await;
}

#[tokio::test]
async fn a_url_that_is_no_good_any_more_is_said_to_be_and_tried_again_when_asked() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let (alex, bytes) = (relay.alex(), png(5_000, 8));
    relay.ada.set_file_expiry(Duration::ZERO);
    let message = relay.ada.customer_sends_file(&chat, "a.png", "image/png", bytes.clone());
    let message = message.await.unwrap();
    let failed = alex.sees_file(&id, "a.png", "failed").await;
    assert_eq!((&failed["content"]["url"], &failed["content"]["size"]), (&Value::Null, &Value::Null));
    let error = failed["content"]["error"].as_str().unwrap();
    assert!(relay.ada.file_fetches(&message).iter().all(|status| *status == 403));
    let row = failed["id"].as_str().unwrap();
    let path = format!("/handoffs/{id}/messages/{row}");
    assert_eq!(alex.get(&format!("{path}/file")).await.problem(410), error);

    relay.ada.set_file_expiry(Duration::from_secs(60));
    let again = Answer::to(relay.agent("Sam").request("POST", &format!("{path}/retry"))).await.good(202);
    assert_eq!(again["content"]["state"], "fetching");
    let kept = alex.sees_file(&id, "a.png", "kept").await;
    assert_eq!(alex.downloads(&kept).await.body, bytes);
    assert_eq!(relay.ada.file_fetches(&message).last(), Some(&200));
    relay.finish().await;
}

#[tokio::test]
async fn what_goes_wrong_on_the_way_is_tried_again_and_a_url_that_ran_out_is_renewed() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    let (alex, bytes) = (relay.alex(), png(200_000, 9));
    for (name, fault, runs_out, statuses) in [
        ("cut.png", FileFault::CutAfter(100_000), false, vec![200, 200]),
        ("long.png", FileFault::WrongLength(300_000), false, vec![200, 200]),
        ("busy.png", FileFault::Status(503), false, vec![503, 200]),
        ("late.png", FileFault::Status(503), true, vec![503, 403, 200]),
    ] {
        relay.ada.file_fault_next(fault);
        let message = relay.ada.customer_sends_file(&chat, name, "image/png", bytes.clone()).await.unwrap();
        if runs_out {
            soon("a first try", relay.ada.until(|ada| !ada.file_fetches(&message).is_empty())).await;
            relay.ada.expire_files();
        }
        let row = alex.sees_file(&id, name, "kept").await;
        assert_eq!(alex.downloads(&row).await.body, bytes, "{name}");
        assert_eq!(relay.ada.file_fetches(&message), statuses, "{name}");
    }
    relay.finish().await;
}

#[tokio::test]
async fn what_must_not_be_fetched_is_not() {
    let relay = Relay::start().await;
    let (_, id) = relay.hand_off().await;
    let alex = relay.alex();
    let chat = alex.handoff(&id).await["conversation_id"].as_str().unwrap().to_owned();
    for (name, url) in [
        ("metadata.png", "http://169.254.169.254/latest/meta-data/"),
        ("private.png", "https://10.0.0.1/a.png"),
        ("plain.png", "http://93.184.216.34/a.png"),
        ("ftp.png", "ftp://93.184.216.34/a.png"),
        ("none.png", "not a url"),
    ] {
        let content = json!({ "type": "file", "url": url, "mime_type": "image/png", "filename": name });
        relay.gets(&shows_at(&chat, name, from_now(0), content)).await;
        let failed = alex.sees_file(&id, name, "failed").await;
        let error = failed["content"]["error"].as_str().unwrap();
        let path = format!("/handoffs/{id}/messages/{}/file", failed["id"].as_str().unwrap());
        assert_eq!(alex.get(&path).await.problem(502), error, "{name}");
        let told = failed.to_string();
        assert!(
            !["169.254", "10.0.0", "93.184", "not a url"].iter().any(|part| told.contains(part)),
            "{told}"
        );
    }
    relay.finish().await;
}
