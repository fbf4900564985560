//! What is no start call.

use super::line::{Line, filler, refused};
use crate::support::{raw::Raw, relay::START_KEY};

const NO_KEY: &str = "Authorization header";
const OTHER_KEY: &str = "HANDOFF_AUTH_KEY";
const NOT_JSON: &str = "application/json";
const TOO_LARGE: &str = "too large";
const NO_ID: &str = "Missing conversation_id";
const NO_TEXT: &str = "string";
const TWO_IDS: &str = "ada_conversation_id";
const TOO_LONG: &str = "200 characters";
const CONTROL: &str = "control characters";
/// The most bytes that are taken.
const MOST: usize = 256 << 10;

fn post() -> Raw {
    Raw::new("POST", "/handoffs/start")
}

fn call(body: impl Into<Vec<u8>>) -> Raw {
    post().bearer(START_KEY).body(body)
}

fn id(id: &str) -> Raw {
    call(format!(r#"{{"conversation_id":{id}}}"#))
}

pub fn lines() -> Vec<Line> {
    let good = r#"{"conversation_id":"c"}"#;
    let open = || post().bearer(START_KEY);
    let kind = |kind: &str| open().header("content-type", kind).body(good);
    let nested = |open: &str, levels: usize, close: &str| {
        id(&format!("{}1{}", open.repeat(levels), close.repeat(levels)))
    };
    let mut lines = vec![
        refused("no key", post().body(good), 401, NO_KEY),
        refused("another key", post().bearer("wrong").body(good), 401, OTHER_KEY),
        refused("a longer key", post().bearer(&format!("{START_KEY}x")).body(good), 401, OTHER_KEY),
        refused("an agent's token", post().bearer("token-of-alex-0123456789").body(good), 401, OTHER_KEY),
        refused("another scheme", post().header("authorization", "Basic a2V5").body(good), 401, NO_KEY),
        refused("a scheme alone", post().header("authorization", "Bearer").body(good), 401, NO_KEY),
        refused(
            "a key that is not text",
            post().header("authorization", b"Bearer \xff").body(good),
            401,
            NO_KEY,
        ),
        refused("no key, nor JSON", post().body("x"), 401, NO_KEY),
        refused("text", kind("text/plain"), 415, NOT_JSON),
        refused("a form", kind("application/x-www-form-urlencoded"), 415, NOT_JSON),
        refused("nearly JSON", kind("application/jsonx"), 415, NOT_JSON),
        refused("packed", open().header("content-encoding", "br").body(good), 415, "content encoding"),
        refused("no body", open(), 400, "empty"),
        refused("an empty body", call(""), 400, "empty"),
        refused("words", call("hello"), 400, "column 1)"),
        refused("half of JSON", call("{\"conversation_id\":"), 400, "column 19"),
        refused("more behind it", call("{}\n{}"), 400, "line 2"),
        refused("not UTF-8", call(b"{\"conversation_id\":\"\xff\"}".to_vec()), 400, "column 21"),
        refused("a list", call("[\"c\"]"), 400, "JSON object"),
        refused("a string", call("\"c\""), 400, "JSON object"),
        refused("null", call("null"), 400, "JSON object"),
        refused("no id", call("{}"), 400, NO_ID),
        refused("a null id", id("null"), 400, NO_ID),
        refused("an empty id", id("\"\""), 400, NO_ID),
        refused(
            "a null and an empty id",
            call(r#"{"conversation_id":null,"ada_conversation_id":""}"#),
            400,
            NO_ID,
        ),
        refused("a number", id("7"), 400, NO_TEXT),
        refused("true", id("true"), 400, NO_TEXT),
        refused("a list of ids", id("[\"c\"]"), 400, NO_TEXT),
        refused("an object", id("{\"id\":\"c\"}"), 400, NO_TEXT),
        refused(
            "a string and a number",
            call(r#"{"conversation_id":"c","ada_conversation_id":7}"#),
            400,
            NO_TEXT,
        ),
        refused("two ids", call(r#"{"conversation_id":"a","ada_conversation_id":"b"}"#), 400, TWO_IDS),
        refused("201 characters", id(&format!("\"{}\"", filler(201))), 400, TOO_LONG),
        refused("201 characters of two bytes", id(&format!("\"{}\"", "é".repeat(201))), 400, TOO_LONG),
        refused("10,000 characters", id(&format!("\"{}\"", filler(10_000))), 400, TOO_LONG),
        refused("a line break in the id", id(r#""a\nb""#), 400, CONTROL),
        refused("a zero in the id", id(r#""a\u0000""#), 400, CONTROL),
        refused("a C1 control in the id", id(r#""\u0085""#), 400, CONTROL),
        refused("half a surrogate beside a control", id(r#""\ud800\u0000""#), 400, CONTROL),
        refused("a number that none can be", id("1e999"), 400, NO_TEXT),
        refused("200 lists deep", nested("[", 200, "]"), 400, NO_TEXT),
        refused("100,000 lists deep", nested("[", 100_000, "]"), 400, NO_TEXT),
        refused("100,000 lists deep, unclosed", nested("[", 100_000, ""), 400, "column 100021"),
        refused("40,000 objects deep", nested("{\"a\":", 40_000, "}"), 400, NO_TEXT),
        refused("100,000 objects deep", nested("{\"a\":", 100_000, ""), 413, TOO_LARGE),
        refused("one byte too many", call(filler(MOST + 1)), 413, TOO_LARGE),
        refused("a terabyte declared", open().unfinished("", 1 << 40), 413, TOO_LARGE),
        refused("too much, in chunks", open().streamed(filler(MOST + 1).as_bytes()), 413, TOO_LARGE),
        refused(
            "the other path",
            Raw::new("POST", "/webhooks/start-handoff").bearer(START_KEY).body("{}"),
            400,
            NO_ID,
        ),
        refused(
            "the other path, no key",
            Raw::new("POST", "/webhooks/start-handoff").body(good),
            401,
            NO_KEY,
        ),
    ];
    for method in ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
        let request = Raw::new(method, "/handoffs/start").bearer(START_KEY);
        lines.push(refused("another method", request, 405, "support this method"));
    }
    for path in ["/handoffs", "/handoffs/start/x", "/handoffs/star%74", "/handoffs%2Fstart", "/health/live/"]
    {
        let request = Raw::new("POST", path).bearer(START_KEY).body(good);
        lines.push(refused("another path", request, 404, "does not exist"));
    }
    for path in ["/handoffs/start/", "//handoffs/start", "/handoffs//start", "/webhooks//start-handoff/?x=1"]
    {
        let request = Raw::new("POST", path).bearer(START_KEY).body("{}");
        lines.push(refused("a slash too many", request, 400, NO_ID));
    }
    for id in ["{conversation_id}", "{{x}}", "null", "undefined", "None", "[object Object]"] {
        let request = call(format!("{{\"conversation_id\":\" {id} \"}}"));
        // The sentence names the variable.
        lines.push(refused(id, request, 400, id));
    }
    for id in [".", ".."] {
        lines.push(refused(id, call(format!(r#"{{"conversation_id":"{id}"}}"#)), 400, ". or .."));
    }
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-origin"),
    ] {
        // Without a key and a type, as a page can send it.
        let request = post().header(name, value).body(good);
        let what = format!("of a web page, {name}: {value}");
        lines.push(refused(&what, request, 403, "web page"));
    }
    lines
}
