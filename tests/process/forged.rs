//! Log lines that people try to forge: whatever they send, each line is one of ours.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    ada::{NOWHERE, START_KEY},
    process::log_line,
    relay::{Relay, folder},
    soon,
};

/// Line breaks of all kinds, colours, what clears a screen or turns text around, and lines that look like ours.
const FORGED: &str = "x\r\n2001-01-01T00:00:00.000000Z ERROR forged\n\
    {\"timestamp\":\"2001-01-01T00:00:00.000000Z\",\"level\":\"ERROR\",\"message\":\"forged\"}\n\
    \u{85}\u{2028}forged\u{2029}\u{1b}[2J\u{1b}[31m\u{9b}1m\u{202e}\u{7}\0";
/// As much of it as an id may have.
const FORGED_ID: &str = "x\u{2028}2001-01-01T00:00:00.000000Z ERROR forged\u{2029}\u{202e}\u{2066}";
/// No HTTP client would send these heads.
const HEADS: [&[u8]; 5] = [
    b"GET /api/handoffs/\x1b[2J\nERROR forged HTTP/1.1\r\nhost: relay\r\n\r\n",
    b"GET /api/handoffs/%0aERROR%20forged%1b[31m?q=%0d%0a HTTP/1.1\r\nhost: relay\r\nconnection: close\r\n\r\n",
    b"GET /health/live HTTP/1.1\r\nhost: \xff\x9b\r\nx-forged: \x1b[31mred\r\n\r\n",
    b"POST /webhooks/message HTTP/1.1\r\nhost: relay\r\nsvix-id: \x9b\xe2\x80\xa8\r\nsvix-timestamp: \xff\r\n\
      svix-signature: v1,\xe2\x80\xae\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    b"POST /handoffs/start HTTP/1.1\r\nhost: relay\r\nauthorization: Bearer \xe2\x80\xa8forged\r\n\
      content-type: \xc2\x85/\t\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
];

#[tokio::test]
async fn each_line_is_one_of_ours_in_json() {
    for line in logged("json").await {
        let fields = log_line(&line).unwrap_or_else(|| panic!("not JSON: {line:?}"));
        let ours = fields["timestamp"].as_str().is_some_and(|time| !time.starts_with("2001"));
        assert!(ours && fields["message"] != "forged", "{line:?}");
    }
}

#[tokio::test]
async fn each_line_is_one_of_ours_for_eyes() {
    for line in logged("pretty").await {
        let mut words = line.split_whitespace();
        let time = words.next().unwrap_or_default();
        assert!(time.ends_with('Z') && !time.starts_with("2001"), "{line:?}");
        assert!(["ERROR", "WARN", "INFO", "DEBUG", "TRACE"].contains(&words.next().unwrap()), "{line:?}");
    }
}

/// What the relay logs while all that is sent to it, in every place that takes text.
async fn logged(format: &str) -> Vec<String> {
    let folder = folder();
    let relay = Relay::start(folder.path(), NOWHERE, &[("LOG_FORMAT", format), ("RUST_LOG", "trace")]).await;
    for id in [FORGED_ID, FORGED] {
        let context = json!({ "conversation_id": id, FORGED: FORGED, "name": FORGED });
        let start = crate::relay::client().post(format!("{}/handoffs/start", relay.url));
        start.bearer_auth(START_KEY).json(&context).send().await.unwrap();
    }
    let handoff = relay.handoff().await;
    for (number, event) in events().iter().enumerate() {
        relay.gets(&format!("msg_{number}"), &event.to_string()).await;
    }
    relay.webhook("msg_forged", FORGED, "whsec_Zm9yZ2Vk").send().await.unwrap();
    relay.writes(&handoff, FORGED).await;
    for path in [format!("/api/handoffs?q={FORGED}"), format!("/api/handoffs/{FORGED}")] {
        relay.request(reqwest::Method::GET, &path).send().await.unwrap();
    }
    for head in HEADS {
        say(relay.address(), head).await;
    }
    let (ended, _) = relay.process.stopped().await;
    ended.never_says(&[]);
    assert_eq!(ended.stdout, Vec::<String>::new());
    let told = |what: &str| ended.stderr.iter().any(|line| line.contains(what) && line.contains("forged"));
    assert!(told("handoff started") && told("Ada names another integration"), "{:#?}", ended.stderr);
    for line in &ended.stderr {
        let control =
            line.chars().find(|letter| letter.is_control() || "\u{2028}\u{2029}\u{202e}".contains(*letter));
        assert_eq!(control, None, "{line:?}");
    }
    ended.stderr
}

/// Webhooks of Ada's about that conversation.
fn events() -> Vec<Value> {
    let message = |integration: &str, conversation: &str, text: &str| {
        json!({
            "type": "v1.conversation.message", "timestamp": "2026-11-21T04:30:00.123Z",
            "data": {
                "message_id": text, "conversation_id": conversation, "end_user_id": text,
                "handoff_integration": integration,
                "author": { "role": "end_user", "display_name": text },
                "content": { "type": "text", "body": text }
            }
        })
    };
    vec![
        message("custom-handoff", FORGED_ID, FORGED_ID),
        message("custom-handoff", FORGED_ID, FORGED),
        message("custom-handoff", FORGED, FORGED),
        message(FORGED, FORGED_ID, FORGED_ID),
        json!({ "type": FORGED }),
        json!({ "type": "v1.conversation.ended", "timestamp": FORGED, "data": { "ended_by": { "role": FORGED } } }),
    ]
}

/// Sends bytes, and takes whatever is said to that.
async fn say(address: &str, bytes: &[u8]) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    soon("an answer", stream.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 4"), "{}", answer.escape_ascii());
}
