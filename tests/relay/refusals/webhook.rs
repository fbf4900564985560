//! What is not from Ada. Whatever Ada has signed is taken: refusing it would cost the endpoint.

use serde_json::{Value, json};

use super::line::{Line, filler, refused, taken};
use crate::support::{
    events::{Webhook, customer_says},
    raw::Raw,
};

const INVALID: &str = "Invalid signature";
const TOO_LARGE: &str = "too large";
const PACKED: &str = "content encoding";
const OK: &str = r#"{"status":"ok"}"#;
/// The most bytes that are taken.
const MOST: usize = 10 << 20;

/// The head of a webhook.
fn head(webhook: &Webhook) -> Raw {
    signed(webhook, &webhook.signature())
}

fn signed(webhook: &Webhook, signature: &str) -> Raw {
    Raw::new("POST", webhook.path)
        .header("svix-id", &webhook.id)
        .header("svix-timestamp", webhook.signed_at.to_string())
        .header("svix-signature", signature)
}

fn whole(webhook: &Webhook) -> Raw {
    head(webhook).body(webhook.body.clone())
}

fn event() -> String {
    customer_says("refused", "hello").to_string()
}

/// A webhook whose time says something else.
fn timed(time: &str) -> Raw {
    let webhook = Webhook::new("msg_refused", event());
    Raw::new("POST", webhook.path)
        .header("svix-id", &webhook.id)
        .header("svix-timestamp", time)
        .header("svix-signature", webhook.signature())
        .body(event())
}

/// A webhook signed so many seconds from now.
fn at(seconds: i64) -> Raw {
    let webhook = Webhook::new("msg_refused", event());
    whole(&Webhook { signed_at: webhook.signed_at + seconds, ..webhook })
}

/// A webhook with a good signature for whatever it says.
fn garbage(body: impl Into<Vec<u8>>) -> Raw {
    whole(&Webhook::new(&format!("msg_{}", uuid::Uuid::now_v7().simple()), body))
}

pub fn lines() -> Vec<Line> {
    let good = Webhook::new("msg_refused", event());
    let stranger = Webhook { secret: "whsec_c3RyYW5nZXI=", ..Webhook::new("msg_refused", event()) };
    let tampered = event().replace("hello", "hallo");
    let with_id = |id: &str| whole(&Webhook::new(id, event()));
    let mut lines = vec![
        refused("no headers", Raw::new("POST", good.path).body(event()), 400, INVALID),
        refused("expired", at(-310), 400, INVALID),
        refused("of the future", at(310), 400, INVALID),
        refused("of the year 1970", at(-good.signed_at), 400, INVALID),
        refused("a time that is none", timed("soon"), 400, INVALID),
        refused("a time that no number holds", timed("99999999999999999999"), 400, INVALID),
        refused("another secret", whole(&stranger), 400, INVALID),
        refused("a tampered body", head(&good).body(tampered), 400, INVALID),
        refused("a body cut short", head(&good).body(&event().as_bytes()[1..]), 400, INVALID),
        refused("no body", head(&good), 400, INVALID),
        refused("an empty signature", signed(&good, "").body(event()), 400, INVALID),
        refused("a signature that is none", signed(&good, "v1,not-base64").body(event()), 400, INVALID),
        refused(
            "of another version",
            signed(&good, &good.signature().replace("v1,", "v2,")).body(event()),
            400,
            INVALID,
        ),
        refused(
            "a signature of 10,000 characters",
            signed(&good, &filler(10_000)).body(event()),
            400,
            INVALID,
        ),
        refused(
            "another's signature",
            signed(&Webhook::new("msg_2", event()), &good.signature()).body(event()),
            400,
            INVALID,
        ),
        refused("packed", whole(&good).header("content-encoding", "gzip"), 415, PACKED),
        refused(
            "packed, unsigned",
            Raw::new("POST", good.path).header("content-encoding", "gzip").body("x"),
            400,
            INVALID,
        ),
        refused("an empty id", with_id(""), 400, INVALID),
        refused("an id with a space", with_id("a b"), 400, INVALID),
        refused("an id of 257 characters", with_id(&filler(257)), 400, INVALID),
        refused("an id of 10,000 characters", with_id(&filler(10_000)), 400, INVALID),
        refused("an id that is not ASCII", with_id("é"), 400, INVALID),
        refused("not UTF-8, signed", garbage(b"{\"type\":\"\xff\"}".to_vec()), 400, INVALID),
        refused("a terabyte declared", head(&good).unfinished("", 1 << 40), 413, TOO_LARGE),
        refused("one byte too many", whole(&Webhook::new("msg_refused", filler(MOST + 1))), 413, TOO_LARGE),
        refused("too much, in chunks", head(&good).streamed(filler(MOST + 1).as_bytes()), 413, TOO_LARGE),
        refused(
            "a terabyte declared, unsigned",
            Raw::new("POST", good.path).unfinished("", 1 << 40),
            400,
            INVALID,
        ),
        refused("the other path", Raw::new("POST", "/webhooks/events").body(event()), 400, INVALID),
    ];
    for missing in ["svix-id", "svix-timestamp", "svix-signature"] {
        let headers = [
            ("svix-id", good.id.clone()),
            ("svix-timestamp", good.signed_at.to_string()),
            ("svix-signature", good.signature()),
        ];
        let request = headers
            .iter()
            .filter(|(name, _)| *name != missing)
            .fold(Raw::new("POST", good.path), |request, (name, value)| request.header(name, value));
        lines.push(refused(&format!("no {missing}"), request.body(event()), 400, INVALID));
    }
    for method in ["GET", "PUT", "DELETE"] {
        let request = Raw::new(method, good.path);
        lines.push(refused("another method", request, 405, "support this method"));
    }
    let with = |path: &str, value: Value| {
        let mut event = customer_says("refused", "hello");
        *event.pointer_mut(path).unwrap() = value;
        garbage(event.to_string())
    };
    let mut timeless = customer_says("refused", "hello");
    timeless["timestamp"] = json!("soon");
    timeless["data"]["created_at"] = Value::Null;
    lines.extend([
        taken("signed: nothing", garbage(""), OK),
        taken("signed: words", garbage("hello"), OK),
        taken("signed: a list", garbage("[]"), OK),
        taken("signed: no event", garbage("{}"), OK),
        taken("signed: 100,000 lists deep", garbage("[".repeat(100_000)), OK),
        taken("signed: 100,000 objects deep", garbage("{\"a\":".repeat(100_000)), OK),
        taken("signed: no message id", with("/data/message_id", Value::Null), OK),
        taken("signed: a number for an id", with("/data/conversation_id", json!(7)), OK),
        taken("signed: 201 characters", with("/data/conversation_id", json!(filler(201))), OK),
        taken("signed: 10,000 characters", with("/data/conversation_id", json!(filler(10_000))), OK),
        taken("signed: a control character", with("/data/conversation_id", json!("a\u{7}")), OK),
        taken("signed: a time that is none", garbage(timeless.to_string()), OK),
        taken("signed: says that it is text", garbage("hello").header("content-type", "text/plain"), OK),
    ]);
    lines
}
