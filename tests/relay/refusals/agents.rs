//! What agents can't do, and how not to ask for it.

use super::{
    World,
    line::{Line, filler, refused, taken},
};
use crate::support::{raw::Raw, relay::START_KEY};

const ALEX: &str = "token-of-alex-0123456789";
const SAM: &str = "token-of-sam-0123456789";

const NO_TOKEN: &str = "neither";
const OTHER_TOKEN: &str = "not known";
const HAS: &str = "Alex";
const OVER: &str = "ended";
const NOBODYS: &str = "nobody";
const NOT_FAILED: &str = "not failed";
const TOO_LARGE: &str = "too large";
const BAD_KEY: &str = "Idempotency-Key";
const NO_STATUS: &str = "status must be waiting, active, ended or missed";
const NO_ORDER: &str = "sort";
const NO_CURSOR: &str = "cursor";
const LIMIT: &str = "1 and 200";

fn by(token: &str, method: &str, path: &str) -> Raw {
    Raw::new(method, format!("/api{path}")).bearer(token)
}

fn get(path: &str) -> Raw {
    by(ALEX, "GET", path)
}

pub fn lines(world: &World) -> Vec<Line> {
    let mut lines = without_a_token(world);
    lines.extend(states(world));
    lines.extend(words(world));
    lines.extend(bodies(world));
    lines.extend(queries(world));
    for (method, path) in [
        ("DELETE", "/handoffs"),
        ("POST", "/events"),
        ("POST", "/dead-letters"),
        ("GET", &format!("/handoffs/{}/accept", world.waiting)),
        ("PUT", &format!("/handoffs/{}/messages", world.waiting)),
        ("GET", &format!("/handoffs/{}/messages/{}", world.active, world.row)),
    ] {
        lines.push(refused("another method", by(ALEX, method, path), 405, "support this method"));
    }
    for path in ["", "/nothing", "/handoffs/", &format!("/handoffs/{}/nothing", world.waiting)] {
        lines.push(refused("no such path", get(path), 404, "does not exist"));
    }
    lines
}

fn without_a_token(world: &World) -> Vec<Line> {
    let open = |path: &str| Raw::new("GET", format!("/api{path}"));
    let write = Raw::new("POST", format!("/api/handoffs/{}/messages", world.active));
    let mut lines = vec![
        refused("no token, and no such handoff", open("/handoffs/none"), 401, NO_TOKEN),
        refused("no token, a terabyte declared", write.unfinished("", 1 << 40), 401, NO_TOKEN),
        refused("the token in the URL", open(&format!("/handoffs?token={ALEX}")), 401, NO_TOKEN),
        refused("another scheme", open("/handoffs").header("authorization", "Basic YTpi"), 401, NO_TOKEN),
        refused("another token", open("/handoffs").bearer("token-of-nobody-01234"), 401, OTHER_TOKEN),
        refused("an agent's name", open("/handoffs").bearer("Alex"), 401, OTHER_TOKEN),
        refused("half a token", open("/handoffs").bearer(&ALEX[..20]), 401, OTHER_TOKEN),
        refused("a token of 10,000 characters", open("/handoffs").bearer(&filler(10_000)), 401, OTHER_TOKEN),
        refused("the start door's key", open("/handoffs").bearer(START_KEY), 401, OTHER_TOKEN),
        refused("an empty token", open("/handoffs").header("authorization", "Bearer "), 401, NO_TOKEN),
    ];
    let (handoff, row) = (format!("/{}", world.waiting), format!("/{}", world.row));
    for (method, path) in [
        ("GET", "/handoffs".to_owned()),
        ("GET", format!("/handoffs{handoff}")),
        ("POST", format!("/handoffs{handoff}/accept")),
        ("POST", format!("/handoffs{handoff}/release")),
        ("POST", format!("/handoffs{handoff}/read")),
        ("POST", format!("/handoffs{handoff}/end")),
        ("GET", format!("/handoffs{handoff}/transcript")),
        ("GET", format!("/handoffs{handoff}/messages")),
        ("POST", format!("/handoffs{handoff}/messages")),
        ("DELETE", format!("/handoffs{handoff}/messages{row}")),
        ("POST", format!("/handoffs{handoff}/messages{row}/retry")),
        ("GET", "/events".to_owned()),
        ("GET", "/dead-letters".to_owned()),
        ("GET", "/dead-letters/x".to_owned()),
        ("POST", "/dead-letters/x/replay".to_owned()),
        ("DELETE", "/dead-letters/x".to_owned()),
        ("GET", format!("/handoffs{handoff}/ledger")),
        ("GET", "/session".to_owned()),
        ("POST", format!("/handoffs{handoff}/notes")),
    ] {
        lines.push(refused("no token", Raw::new(method, format!("/api{path}")), 401, NO_TOKEN));
    }
    lines
}

/// Not in this state, or not by this agent.
fn states(world: &World) -> Vec<Line> {
    let act = |token: &str, id: &str, what: &str| by(token, "POST", &format!("/handoffs/{id}/{what}"));
    let write = |token: &str, id: &str| act(token, id, "messages").body("{\"text\":\"Hi\"}");
    let of_row = |token: &str, method: &str, rest: &str| {
        by(token, method, &format!("/handoffs/{}/messages/{}{rest}", world.active, world.row))
    };
    let World { waiting, active, ended, .. } = world;
    vec![
        refused("accept another's", act(SAM, active, "accept"), 409, HAS),
        refused(
            "accept another's, not taking over",
            act(SAM, active, "accept").body("{\"take_over\":false}"),
            409,
            HAS,
        ),
        refused("release another's", act(SAM, active, "release"), 409, HAS),
        refused("end another's", act(SAM, active, "end"), 409, HAS),
        refused("write to another's", write(SAM, active), 409, HAS),
        refused("retry another's", of_row(SAM, "POST", "/retry"), 409, HAS),
        refused("drop another's", of_row(SAM, "DELETE", ""), 409, HAS),
        refused("release nobody's", act(ALEX, waiting, "release"), 409, NOBODYS),
        refused("accept an ended one", act(ALEX, ended, "accept"), 409, OVER),
        refused("take over an ended one", act(ALEX, ended, "accept").body("{\"take_over\":true}"), 409, OVER),
        refused("release an ended one", act(ALEX, ended, "release"), 409, OVER),
        refused("write to an ended one", write(ALEX, ended), 409, OVER),
        refused("end twice", act(ALEX, ended, "end"), 409, OVER),
        refused("retry what arrived", of_row(ALEX, "POST", "/retry"), 409, NOT_FAILED),
        refused("drop what arrived", of_row(ALEX, "DELETE", ""), 409, NOT_FAILED),
    ]
}

/// Not a text that can be sent.
fn words(world: &World) -> Vec<Line> {
    let write = || by(ALEX, "POST", &format!("/handoffs/{}/messages", world.waiting));
    let text = |text: &str| write().body(serde_json::json!({ "text": text }).to_string());
    let key = |key: &[u8]| write().header("idempotency-key", key).body("{\"text\":\"Hi\"}");
    let used = by(ALEX, "POST", &format!("/handoffs/{}/messages", world.active));
    vec![
        refused("no text", text(""), 400, "empty"),
        refused("blanks alone", text("\n\t \u{a0}"), 400, "empty"),
        refused("50,001 characters", text(&filler(50_001)), 413, "50000"),
        refused("50,001 characters of two bytes", text(&"ü".repeat(50_001)), 413, "50000"),
        refused("an empty Idempotency-Key", key(b""), 400, BAD_KEY),
        refused("256 characters of Idempotency-Key", key(filler(256).as_bytes()), 400, BAD_KEY),
        refused("an Idempotency-Key that is not ASCII", key("é".as_bytes()), 400, BAD_KEY),
        refused(
            "an Idempotency-Key of another body",
            used.header("idempotency-key", "used").body("{\"text\":\"Bye\"}"),
            422,
            "Idempotency-Key",
        ),
    ]
}

fn bodies(world: &World) -> Vec<Line> {
    let post = |what: &str| by(ALEX, "POST", &format!("/handoffs/{}/{what}", world.waiting));
    let text = |body: &str| post("messages").body(body);
    let deep = |open: &str| text(&format!("{{\"text\":{}", open.repeat(100_000)));
    let no_text = "`text` is missing";
    let not_text = "`text` has the wrong type";
    let not_seq = "`seq` has the wrong type";
    let kind = "application/json";
    vec![
        refused("no body", post("messages"), 400, no_text),
        refused("no fields", text("{}"), 400, no_text),
        refused("a field misspelt", text("{\"Text\":\"Hi\"}"), 400, no_text),
        refused("a number for text", text("{\"text\":7}"), 400, not_text),
        refused("null for text", text("{\"text\":null}"), 400, not_text),
        refused("an object for text", text("{\"text\":{\"xxxxxxxxxxxxxxxxxxxx\":1}}"), 400, not_text),
        refused("half of JSON", text("{\"text\":"), 400, "column 8"),
        refused("a list", text("[\"text\"]"), 400, "JSON object"),
        refused("100,000 lists deep", deep("["), 400, "nested"),
        refused("100,000 objects deep", deep("{\"a\":"), 400, "nested"),
        refused(
            "text for a body",
            post("messages").header("content-type", "text/plain").body("Hi"),
            415,
            kind,
        ),
        refused("a megabyte and more", text(&filler((1 << 20) + 1)), 413, TOO_LARGE),
        refused("a terabyte declared", post("messages").unfinished("", 1 << 40), 413, TOO_LARGE),
        refused(
            "too much, in chunks",
            post("messages").streamed(filler((1 << 20) + 1).as_bytes()),
            413,
            TOO_LARGE,
        ),
        refused("a word for take_over", post("accept").body("{\"take_over\":\"yes\"}"), 400, "`take_over`"),
        refused("no seq", post("read"), 400, "`seq` is missing"),
        refused("a negative seq", post("read").body("{\"seq\":-1}"), 400, not_seq),
        refused("half a seq", post("read").body("{\"seq\":1.5}"), 400, not_seq),
        refused("a word for seq", post("read").body("{\"seq\":\"1\"}"), 400, not_seq),
        refused("more seq than fits", post("read").body("{\"seq\":18446744073709551616}"), 400, not_seq),
    ]
}

fn queries(world: &World) -> Vec<Line> {
    let list = |query: &str| get(&format!("/handoffs?{query}"));
    let rows = |query: &str| get(&format!("/handoffs/{}/messages?{query}", world.active));
    let long = filler(10_000);
    let number = "parameter limit";
    let after = "after";
    let events = |id: &str| get("/events").header("last-event-id", id);
    vec![
        refused("another status", list("status=open"), 400, NO_STATUS),
        refused("a status in capitals", list("status=WAITING"), 400, NO_STATUS),
        refused("a status of 10,000 characters", list(&format!("status={long}")), 400, NO_STATUS),
        refused("another order", list("sort=status"), 400, NO_ORDER),
        refused("an order in capitals", list("sort=OLDEST"), 400, NO_ORDER),
        refused("an order of 10,000 characters", list(&format!("sort={long}")), 400, NO_ORDER),
        refused("limit 0", list("limit=0"), 400, LIMIT),
        refused("limit 201", list("limit=201"), 400, LIMIT),
        refused("limit -1", list("limit=-1"), 400, number),
        refused("limit many", list("limit=many"), 400, number),
        refused("a limit of 10,000 characters", list(&format!("limit={long}")), 400, number),
        refused("no limit after all", list("limit="), 400, number),
        refused("two limits", list("limit=1&limit=2"), 400, "duplicate field `limit`"),
        refused("two statuses", list("status=active&status=ended"), 400, "duplicate field `status`"),
        refused("a cursor that is none", list("cursor=x"), 400, NO_CURSOR),
        refused("a cursor of 10,000 characters", list(&format!("cursor={long}")), 400, NO_CURSOR),
        refused("limit 0 of rows", rows("limit=0"), 400, "1 and 1000"),
        refused("limit 1001 of rows", rows("limit=1001"), 400, "1 and 1000"),
        refused("after -1", rows("after=-1"), 400, after),
        refused("after more than fits", rows("after=18446744073709551616"), 400, after),
        taken("a Last-Event-ID that is none", events("garbage"), "event: reset"),
        taken("a Last-Event-ID of 10,000 characters", events(&long), "event: reset"),
        taken("a Last-Event-ID to come", events("18446744073709551615"), "event: reset"),
    ]
}
