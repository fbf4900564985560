//! The webhook door: what Ada has signed, and what strangers send.

use tokio::runtime::Runtime;

use crate::{
    door::{Door, Request, now},
    reader::{WORDS, read},
    run::Target,
};

const NOWHERE: &str = "http://127.0.0.1:9";
/// Webhooks until the relay is another one.
const WEBHOOKS: usize = 5_000;
/// And until its agents look at what has come of them.
const LOOK_AFTER: usize = 50;

/// Whatever Ada signs is taken, and what agents get to see of it can be shown.
#[test]
fn webhook() {
    let runtime = Runtime::new().unwrap();
    let (mut door, mut sent) = (runtime.block_on(Door::open("memory:", NOWHERE)), 0);
    Target { name: "webhook", count: 600, words: WORDS }.fuzz(|body| {
        runtime.block_on(async {
            sent += 1;
            if sent % WEBHOOKS == 0 {
                door = Door::open("memory:", NOWHERE).await;
            }
            let answer = door.webhook(&format!("msg_{sent}"), body).await;
            match std::str::from_utf8(body) {
                Ok(_) => assert_eq!(
                    (answer.status, answer.json()["status"].as_str()),
                    (200, Some("ok")),
                    "{answer:?}"
                ),
                Err(_) => assert_eq!((answer.status, answer.detail().as_str()), (400, "Invalid signature")),
            }
            if sent % LOOK_AFTER == 0 {
                look(&mut door).await;
            }
            // All are answered the same.
            read(body)
        })
    });
}

/// An agent opens everything there is, and is shown no key.
async fn look(door: &mut Door) {
    let list = door.get("/api/handoffs?limit=200").await;
    for handoff in list["data"].as_array().unwrap() {
        let path = format!("/api/handoffs/{}/messages?limit=500", handoff["id"].as_str().unwrap());
        door.get(&path).await;
    }
    let letters = door.get("/api/dead-letters").await;
    for letter in letters["data"].as_array().unwrap() {
        let whole = door.get(&format!("/api/dead-letters/{}", letter["id"].as_str().unwrap())).await;
        // A presigned URL is a key to a customer's file.
        assert!(!whole.to_string().contains("?X-Amz-Signature="), "{whole}");
    }
}

/// Nobody but Ada gets in: head, then body.
#[test]
fn stranger() {
    let runtime = Runtime::new().unwrap();
    let mut door = runtime.block_on(Door::open("memory:", NOWHERE));
    let words =
        &["svix-id", "webhook-id", "svix-timestamp", "svix-signature", "v1,", "v1a,", "{now}", "msg_1"];
    Target { name: "stranger", count: 800, words }.fuzz(|input| {
        let (head, body) = crate::agents::parts(input);
        let mut headers = crate::agents::headers(head);
        for (_, value) in &mut headers {
            *value = String::from_utf8_lossy(value).replace("{now}", &now().to_string()).into_bytes();
        }
        let request = Request { method: "POST", path: b"/webhooks/message", headers, body };
        let answer = runtime.block_on(door.ask(&request));
        assert_eq!((answer.status, answer.detail().as_str()), (400, "Invalid signature"), "{answer:?}");
        String::new()
    });
}
