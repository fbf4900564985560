//! The console's files: those there are, and nothing beside them.

use super::line::{Line, filler, refused};
use crate::support::raw::Raw;

const NO_FILE: &str = "console";
const NOTHING: &str = "does not exist";

pub fn lines() -> Vec<Line> {
    let get = |path: &str| Raw::new("GET", format!("/console/{path}"));
    let long = filler(10_000);
    let mut lines = Vec::new();
    for (what, name) in [
        ("no such file", "none.js"),
        ("capitals", "INDEX.HTML"),
        ("a file beside the folder", "..%2FCargo.toml"),
        ("a file far from the folder", "..%2F..%2F..%2Fetc%2Fpasswd"),
        ("dots alone", "%2E%2E"),
        ("another slash", "..%5CCargo.toml"),
        ("a file under a file", "index.html%2Fmore"),
        ("a zero", "index.html%00.js"),
        ("10,000 characters", &long),
    ] {
        lines.push(refused(what, get(name), 404, NO_FILE));
    }
    lines.extend([
        refused("not UTF-8", get("%FF"), 400, "UTF-8"),
        refused("no name", get(""), 404, NOTHING),
        refused("no slash", Raw::new("GET", "/console"), 404, NOTHING),
        refused("a folder", get("a/b.js"), 404, NOTHING),
        refused("dots that nobody encoded", get("../Cargo.toml"), 404, NOTHING),
        refused("another method", Raw::new("POST", "/"), 405, "support this method"),
        refused("another method", Raw::new("DELETE", "/console/index.html"), 405, "support this method"),
    ]);
    lines
}
