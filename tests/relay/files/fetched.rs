//! What customers send: fetched, kept and served by the relay.

use std::time::Duration;

use sandbox::FileFault;
use serde_json::{Value, json};

use super::{png, sha256};
use crate::support::{
    agent::text,
    answer::Answer,
    events::{from_now, shows_at},
    eventually,
    relay::Relay,
    soon,
};

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
        ("bytes=-5000", 0, 999),
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
    assert_eq!(beyond.problem(416), "the file has 1000 bytes, and the requested range is outside of it");
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
    let empty = relay.ada.customer_sends_file(&chat, "empty.txt", "text/plain", Vec::new()).await;
    empty.unwrap();
    let row = alex.sees_file(&id, "empty.txt", "kept").await;
    let url = row["content"]["url"].as_str().unwrap().strip_prefix("/api").unwrap().to_owned();
    for (range, status) in [("bytes=0-", 200), ("bytes=0-0", 200), ("bytes=-5", 200), ("bytes=1-", 416)] {
        let got = Answer::to(alex.request("GET", &url).header("range", range)).await;
        assert_eq!(got.status, status, "{range}");
    }
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

/// The file server hangs on all that one customer sends.
#[tokio::test]
async fn many_files_that_hang_hold_up_no_other_conversation() {
    let relay = Relay::start().await;
    let (stuck, _) = relay.hand_off().await;
    let (chat, id) = relay.hand_off().await;
    relay.ada.file_fault_always(Some(FileFault::HangAfter(10)));
    let mut messages = Vec::new();
    for number in 0..40 {
        let name = format!("{number}.png");
        messages.push(
            relay.ada.customer_sends_file(&stuck, &name, "image/png", png(1_000, number)).await.unwrap(),
        );
    }
    let under_way = || messages.iter().filter(|message| !relay.ada.file_fetches(message).is_empty()).count();
    eventually("four fetches", || async { (under_way() == 4).then_some(()) }).await;
    relay.ada.file_fault_always(None);
    // Each of them has the next claimed, too.
    for name in ["first.png", "second.png", "third.png"] {
        relay.ada.customer_sends_file(&chat, name, "image/png", png(1_000, 99)).await.unwrap();
        relay.alex().sees_file(&id, name, "kept").await;
    }
    assert_eq!(under_way(), 4, "no more of one conversation at a time");
}
