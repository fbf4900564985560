//! What can be wrong with a file, and with asking for one.

use super::{
    World,
    line::{Line, filler, refused},
};
use crate::support::raw::Raw;

const ALEX: &str = "token-of-alex-0123456789";
const SAM: &str = "token-of-sam-0123456789";
const NO_FORM: &str = "multipart/form-data";
const BROKEN: &str = "malformed";
const TWICE: &str = "more than one";
const PNG: &str = "\u{89}PNG";

fn to(id: &str) -> Raw {
    Raw::new("POST", format!("/api/handoffs/{id}/files"))
}

fn form(raw: Raw, body: impl Into<Vec<u8>>) -> Raw {
    raw.header("content-type", "multipart/form-data; boundary=B").body(body)
}

fn part(name: &str, filename: Option<&str>, content: &str) -> String {
    let filename = filename.map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
    format!("--B\r\ncontent-disposition: form-data; name=\"{name}\"{filename}\r\n\r\n{content}\r\n")
}

fn file(content: &str) -> String {
    part("file", Some("a.png"), content)
}

fn all(parts: &[String]) -> String {
    format!("{}--B--\r\n", parts.concat())
}

pub fn lines(world: &World) -> Vec<Line> {
    let mut lines = forms(world);
    lines.extend(parts(world));
    lines.extend(states(world));
    lines.extend(bytes(world));
    lines
}

fn forms(world: &World) -> Vec<Line> {
    let alex = || to(&world.active).bearer(ALEX);
    let declared = |kind: &str, body: &str| alex().header("content-type", kind).body(body);
    let huge = to(&world.active).bearer(ALEX).header("content-type", "multipart/form-data; boundary=B");
    let whole = all(&[file(PNG)]);
    vec![
        refused("no content type", alex().body(whole.as_str()), 415, NO_FORM),
        refused("JSON", declared("application/json", "{}"), 415, NO_FORM),
        refused("another form", declared("application/x-www-form-urlencoded", "file=x"), 415, NO_FORM),
        refused("no boundary", declared("multipart/form-data", &whole), 400, "boundary"),
        refused("another boundary", declared("multipart/form-data; boundary=C", &whole), 400, BROKEN),
        refused("no body", form(alex(), ""), 400, BROKEN),
        refused("words", form(alex(), "Hello"), 400, BROKEN),
        refused("half of a form", form(alex(), &whole.as_bytes()[..60]), 400, BROKEN),
        refused("no end", form(alex(), file(PNG)), 400, BROKEN),
        refused("a part without a name", form(alex(), "--B\r\n\r\nx\r\n--B--\r\n"), 400, BROKEN),
        refused("a head without an end", form(alex(), format!("--B\r\n{}", filler(3 << 20))), 400, BROKEN),
        refused("a terabyte declared", huge.unfinished("", 1 << 40), 413, "50 MB"),
    ]
}

const OTHER: &str = "not file, text or author";

fn parts(world: &World) -> Vec<Line> {
    let send = |parts: &[String]| form(to(&world.active).bearer(ALEX), all(parts));
    let words = |words: &str| part("text", None, words);
    let keyed = to(&world.active).bearer(ALEX).header("idempotency-key", filler(256));
    vec![
        refused("nothing in it", send(&[]), 400, "no file"),
        refused("words alone", send(&[words("Look")]), 400, "no file"),
        refused("another field", send(&[file(PNG), part("note", None, "x")]), 400, OTHER),
        refused("two files", send(&[file(PNG), file(PNG)]), 400, TWICE),
        refused("words twice", send(&[words("a"), file(PNG), words("b")]), 400, TWICE),
        refused("an empty file", send(&[file("")]), 400, "file is empty"),
        refused("50,001 characters", send(&[words(&filler(50_001)), file(PNG)]), 413, "50000"),
        refused("a megabyte of words", send(&[words(&filler(1 << 20))]), 413, "too long"),
        refused(
            "words that are not UTF-8",
            form(
                to(&world.active).bearer(ALEX),
                [part("text", None, "").trim_end().as_bytes(), b"\r\n\r\n\xff\r\n--B--\r\n"].concat(),
            ),
            400,
            "form is not",
        ),
        refused("a long key", form(keyed, all(&[file(PNG)])), 400, "Idempotency-Key"),
    ]
}

fn states(world: &World) -> Vec<Line> {
    let send = |id: &str, token: &str| form(to(id).bearer(token), all(&[file(PNG)]));
    let nobody = form(to(&world.active), all(&[file(PNG)]));
    vec![
        refused("no token", nobody, 401, "neither"),
        refused("another token", send(&world.active, "x"), 401, "not known"),
        refused("no such handoff", send("none", ALEX), 404, "handoff or message"),
        refused("another's", send(&world.active, SAM), 409, "Alex"),
        refused("an ended one", send(&world.ended, ALEX), 409, "ended"),
    ]
}

fn bytes(world: &World) -> Vec<Line> {
    let get = |handoff: &str, row: &str| {
        Raw::new("GET", format!("/api/handoffs/{handoff}/messages/{row}/file")).bearer(ALEX)
    };
    let open = Raw::new("GET", format!("/api/handoffs/{}/messages/{}/file", world.active, world.row));
    let how =
        Raw::new("GET", format!("/api/handoffs/{}/messages/{}/file?download=x", world.active, world.row));
    vec![
        refused("no token", open, 401, "neither"),
        refused("no such row", get(&world.active, "none"), 404, "no such message"),
        refused("a row of another handoff", get(&world.waiting, &world.row), 404, "no such message"),
        refused("words", get(&world.active, &world.row), 404, "no file"),
        refused("download is no number", how.bearer(ALEX), 400, "download"),
    ]
}
