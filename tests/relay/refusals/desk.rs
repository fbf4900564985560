//! Notes and canned replies that can't be.

use super::{
    World,
    line::{Line, filler, refused},
};
use crate::support::raw::Raw;

const ALEX: &str = "token-of-alex-0123456789";
const NO_TOKEN: &str = "neither";
const NO_ONE: &str = "canned reply";
const NOBODY: &str = "handoff or message";
const BAD_KEY: &str = "Idempotency-Key";

fn by_alex(method: &str, path: &str) -> Raw {
    Raw::new(method, format!("/api{path}")).bearer(ALEX)
}

pub fn lines(world: &World) -> Vec<Line> {
    let mut lines = notes(world);
    lines.extend(replies());
    lines.extend(presence(world));
    lines
}

fn presence(world: &World) -> Vec<Line> {
    let put = || by_alex("PUT", &format!("/handoffs/{}/presence", world.active));
    let states = "looking, writing or none";
    vec![
        refused("no state", put().body("{}"), 400, "`state` is missing"),
        refused("another state", put().body("{\"state\":\"asleep\"}"), 400, states),
        refused("a state that is no text", put().body("{\"state\":1}"), 400, "`state`"),
        refused(
            "presence where nobody is",
            by_alex("PUT", "/handoffs/none/presence").body("{\"state\":\"looking\"}"),
            404,
            "no such handoff",
        ),
        refused(
            "another method for presence",
            by_alex("GET", &format!("/handoffs/{}/presence", world.active)),
            405,
            "support this method",
        ),
    ]
}

fn notes(world: &World) -> Vec<Line> {
    let note = || by_alex("POST", &format!("/handoffs/{}/notes", world.ended));
    let text = |text: &str| note().body(serde_json::json!({ "text": text }).to_string());
    let used = by_alex("POST", &format!("/handoffs/{}/notes", world.active));
    vec![
        refused("no text", note(), 400, "`text` is missing"),
        refused("an empty note", text(""), 400, "empty"),
        refused("blanks alone", text(" \n"), 400, "empty"),
        refused("50,001 characters", text(&filler(50_001)), 413, "50000"),
        refused("half of JSON", note().body("{"), 400, "column 1)"),
        refused("an empty Idempotency-Key", text("a").header("idempotency-key", ""), 400, BAD_KEY),
        refused(
            "an Idempotency-Key of a message",
            used.header("idempotency-key", "used").body("{\"text\":\"Hello\"}"),
            422,
            "Idempotency-Key",
        ),
        refused(
            "a note where nobody is",
            by_alex("POST", "/handoffs/none/notes").body("{\"text\":\"Hi\"}"),
            404,
            NOBODY,
        ),
        refused(
            "another method",
            by_alex("GET", &format!("/handoffs/{}/notes", world.ended)),
            405,
            "support this method",
        ),
    ]
}

fn replies() -> Vec<Line> {
    let body = |title: &str, text: &str| serde_json::json!({ "title": title, "text": text }).to_string();
    let add = |title: &str, text: &str| by_alex("POST", "/canned-replies").body(body(title, text));
    let good = body("Hello", "Hi");
    let put = |id: &str| by_alex("PUT", &format!("/canned-replies/{id}"));
    let long = filler(10_000);
    vec![
        refused("no title", by_alex("POST", "/canned-replies"), 400, "`title` is missing"),
        refused(
            "no text",
            by_alex("POST", "/canned-replies").body("{\"title\":\"a\"}"),
            400,
            "`text` is missing",
        ),
        refused("an empty title", add("", "Hi"), 400, "title is empty"),
        refused("blanks for a title", add(" \u{a0}", "Hi"), 400, "title is empty"),
        refused("101 characters of title", add(&"ü".repeat(101), "Hi"), 413, "title"),
        refused("two lines of title", add("a\nb", "Hi"), 400, "control characters"),
        refused("an empty text", add("a", ""), 400, "text is empty"),
        refused("50,001 characters", add("a", &filler(50_001)), 413, "50000"),
        refused("change what isn't there", put("none").body(good.clone()), 404, NO_ONE),
        refused("change 10,000 characters", put(&long).body(good.clone()), 404, NO_ONE),
        refused("change it to nothing", put("none"), 400, "`title` is missing"),
        refused("drop what isn't there", by_alex("DELETE", "/canned-replies/none"), 404, NO_ONE),
        refused("not UTF-8", by_alex("DELETE", "/canned-replies/%FF"), 400, "UTF-8"),
        refused("another method", by_alex("PATCH", "/canned-replies/x"), 405, "support this method"),
        refused("no token", Raw::new("GET", "/api/canned-replies"), 401, NO_TOKEN),
        refused("no token", Raw::new("POST", "/api/canned-replies").body(good.clone()), 401, NO_TOKEN),
        refused("no token", Raw::new("PUT", "/api/canned-replies/x").body(good), 401, NO_TOKEN),
        refused("no token", Raw::new("DELETE", "/api/canned-replies/x"), 401, NO_TOKEN),
    ]
}
