//! What is not HTTP, or not all of it.

use super::line::{Line, closed, filler, refused, taken};
use crate::support::{events::Webhook, raw::Raw, relay::START_KEY};

const NOT_HTTP: &str = "HTTP/1.1";
const NO_HOST: &str = "Host";
const LATE: &str = "in time";

fn start() -> Raw {
    Raw::new("POST", "/handoffs/start").bearer(START_KEY)
}

pub fn lines() -> Vec<Line> {
    let body = "{\"conversation_id\":\"c\"}";
    vec![
        refused("a first line that is none", Raw::bytes("hello\r\n\r\n"), 400, NOT_HTTP),
        refused("TLS", Raw::bytes(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()), 400, NOT_HTTP),
        refused("another version", Raw::bytes("GET / HTTP/3.0\r\nhost: relay\r\n\r\n"), 400, NOT_HTTP),
        refused("a path with a space", Raw::new("GET", "/health live"), 400, NOT_HTTP),
        refused("a path with bytes", Raw::new("GET", b"/\xff"), 400, NOT_HTTP),
        refused("a path of 65,535 characters", Raw::new("GET", format!("/{}", filler(65_535))), 414, "path"),
        refused("a header with a zero", start().header("x", b"a\0b").body(body), 400, NOT_HTTP),
        refused("a header without a colon", Raw::bytes("GET / HTTP/1.1\r\nhost\r\n\r\n"), 400, NOT_HTTP),
        refused("a header's name with a space", start().header("a b", "c").body(body), 400, NOT_HTTP),
        refused("300,000 characters of a header", start().header("x", filler(300_000)), 431, "head"),
        refused(
            "a header of 64 KB and what else is in a head",
            start().header("x", filler(65_536 - 40)),
            431,
            "head",
        ),
        refused("no host", Raw::bytes("GET /health/live HTTP/1.1\r\n\r\n"), 400, NO_HOST),
        refused("two hosts", Raw::new("GET", "/health/live").header("host", "relay"), 400, NO_HOST),
        refused("another host beside it", Raw::new("GET", "/").header("Host", "evil.example"), 400, NO_HOST),
        taken("the version before, without a host", Raw::bytes("GET /health/live HTTP/1.0\r\n\r\n"), "ok"),
        taken(
            "a head just within the limit",
            Raw::new("GET", "/health/live").header("x", filler(65_000)).header("y", filler(400)),
            "ok",
        ),
        refused("101 headers", (0..101).fold(start(), |request, _| request.header("x", "y")), 431, "head"),
        refused("a length that is none", start().header("content-length", "many").body(body), 400, NOT_HTTP),
        refused(
            "a length that no number holds",
            start().header("content-length", "99999999999999999999"),
            400,
            NOT_HTTP,
        ),
        refused("two lengths", start().header("content-length", "1").body(body), 400, NOT_HTTP),
        refused(
            "chunks that are none",
            start().header("transfer-encoding", "chunked\r\n\r\nzz"),
            400,
            "broke off",
        ),
        closed("HTTP/2", Raw::bytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")),
        refused("a proxy's request", Raw::new("CONNECT", "example.com:443"), 404, "does not exist"),
    ]
}

/// Half of it, and then nothing.
pub fn unfinished() -> Vec<Line> {
    let webhook = Webhook::new("msg_half", "{}");
    let signed = Raw::new("POST", webhook.path)
        .header("svix-id", &webhook.id)
        .header("svix-timestamp", webhook.signed_at.to_string())
        .header("svix-signature", webhook.signature());
    let agent = Raw::new("POST", "/api/handoffs/none/messages").bearer("token-of-alex-0123456789");
    vec![
        closed("nothing", Raw::bytes("")),
        closed("half a first line", Raw::bytes("POST /handoffs/st")),
        closed("half a head", Raw::bytes("POST /handoffs/start HTTP/1.1\r\nhost: re")),
        refused("half a start call", start().unfinished("{\"conversation_id\":", 100), 408, LATE),
        refused("a start call without an end", start().header("transfer-encoding", "chunked"), 408, LATE),
        refused("half a webhook", signed.unfinished("{", 2), 408, LATE),
        refused("half a message", agent.unfinished("{\"text\":", 100), 408, LATE),
    ]
}
