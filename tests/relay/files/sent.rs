//! What agents send: the bytes go to Ada first, then the message, in its turn and once.

use sandbox::{Call, Fault};

use super::{comes_to_see, png, seen, sent, sha256};
use crate::support::{
    answer::Answer,
    events::customer_says,
    raw::Raw,
    relay::{Relay, Setup, token_of},
    settles,
};

fn uploads(relay: &Relay) -> usize {
    relay.ada.calls().iter().filter(|made| made.call == Some(Call::UploadAttachment)).count()
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
async fn an_agents_slow_uploads_take_no_others_place() {
    let relay = Relay::start().await;
    let ((_, alexs), (_, sams)) = (relay.hand_off().await, relay.hand_off().await);
    relay.alex().accepts(&alexs).await;
    relay.agent("Sam").accepts(&sams).await;
    let upload = Raw::new("POST", format!("/api/handoffs/{alexs}/files")).bearer(token_of("Alex"));
    let upload =
        upload.header("content-type", "multipart/form-data; boundary=B").unfinished("--B\r\n", 1_000_000);
    let mut open = upload.hang(&relay.agents_url, 33);
    open.are_refused(25).await;
    let one_more = async || relay.alex().tries_to_send(&alexs, "a.png", &png(100, 1), None).await;
    assert_eq!(one_more().await.problem(429), "you have 8 files being sent, which is the limit");
    relay.agent("Sam").tries_to_send(&sams, "b.png", &png(100, 2), None).await.good(202);
    drop(open);
    settles(&202, || async { one_more().await.status }).await;
}

/// Not only browsers send files.
#[tokio::test]
async fn names_are_read_as_libraries_write_them_and_a_blank_text_is_none() {
    let relay = Relay::start().await;
    let (chat, id) = relay.hand_off().await;
    relay.alex().accepts(&id).await;
    let cases: [(&[u8], &str); 3] = [
        (b"filename*=utf-8''Gr%C3%BC%C3%9Fe%201.png", "Grüße 1.png"),
        (b"filename=\"=?utf-8?B?R3LDvMOfZSAyLnBuZw==?=\"", "Grüße 2.png"),
        (b"filename=\"Gr\xfc\xdfe 3.png\"", "Grüße 3.png"),
    ];
    for (number, (parameter, name)) in (0..).zip(cases) {
        let head: &[u8] = b"--B\r\ncontent-disposition: form-data; name=";
        let blank: &[u8] = if number == 0 { b"" } else { b" \n " };
        let text = [head, b"text\r\n\r\n", blank, b"\r\n", head, b"file; ", parameter, b"\r\n\r\n"].concat();
        let body = [text, png(100, number), b"\r\n--B--\r\n".to_vec()].concat();
        let request = relay.alex().request("POST", &format!("/handoffs/{id}/files"));
        let request = request.header("content-type", "multipart/form-data; boundary=B").body(body);
        assert_eq!(Answer::to(request).await.good(202)["content"]["filename"], name);
        sent(&relay, &id, name, "confirmed").await;
    }
    assert_eq!(seen(&relay, &chat), cases.map(|(_, name)| name), "and no text");
    relay.finish().await;
}
