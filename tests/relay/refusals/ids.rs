//! Ids that are nobody's, and those that can't be.

use super::{
    World,
    line::{Line, filler, refused},
};
use crate::support::raw::Raw;

const NOT_UTF8: &str = "UTF-8";
const NOBODY: &str = "handoff or message";

fn by_alex(method: &str, path: &str) -> Raw {
    Raw::new(method, format!("/api{path}")).bearer("token-of-alex-0123456789")
}

pub fn lines(world: &World) -> Vec<Line> {
    let long = filler(10_000);
    let mut lines = Vec::new();
    for (what, id) in [
        ("another id", "019aa3f0-6c1e-7d60-9f2b-0d9c5d5b4a11"),
        ("a letter", "x"),
        ("a slash in the id", "a%2Fb"),
        ("a slash and dots in the id", "..%2F..%2Fetc"),
        ("an encoded slash", "%2F"),
        ("a zero in the id", "%00"),
        ("a quote in the id", "'%22;--"),
        ("an emoji", "%F0%9F%98%80"),
        ("percent signs that encode nothing", "%zz%"),
        ("10,000 characters", &long),
    ] {
        for rest in ["", "/messages", "/transcript"] {
            let request = by_alex("GET", &format!("/handoffs/{id}{rest}"));
            lines.push(refused(what, request, 404, "no such handoff"));
        }
    }
    let nobody = "019aa3f0-6c1e-7d60-9f2b-0d9c5d5b4a11";
    for act in ["accept", "release", "end"] {
        let request = by_alex("POST", &format!("/handoffs/{nobody}/{act}"));
        lines.push(refused(&format!("{act} what isn't there"), request, 404, NOBODY));
    }
    let post = |what: &str, body: &str| by_alex("POST", &format!("/handoffs/{nobody}/{what}")).body(body);
    let row = |method: &str, handoff: &str, row: &str, rest: &str| {
        by_alex(method, &format!("/handoffs/{handoff}/messages/{row}{rest}"))
    };
    let World { waiting, active, row: sent, .. } = world;
    lines.extend([
        refused("write where nobody is", post("messages", "{\"text\":\"Hi\"}"), 404, NOBODY),
        refused("read where nobody is", post("read", "{\"seq\":1}"), 404, NOBODY),
        refused("retry another id", row("POST", active, nobody, "/retry"), 404, NOBODY),
        refused("drop another id", row("DELETE", active, nobody, ""), 404, NOBODY),
        refused("retry 10,000 characters", row("POST", active, &long, "/retry"), 404, NOBODY),
        refused("retry a slash", row("POST", active, "a%2Fb", "/retry"), 404, NOBODY),
        refused("retry a row of another handoff", row("POST", waiting, sent, "/retry"), 404, NOBODY),
        refused("a slash that isn't encoded", by_alex("GET", "/handoffs/a/b"), 404, "does not exist"),
        refused("no id at all", by_alex("GET", "/handoffs//messages"), 404, "no such handoff"),
        refused("not UTF-8", by_alex("GET", "/handoffs/%FF"), 400, NOT_UTF8),
        refused("half of UTF-8", by_alex("GET", "/handoffs/%F0%9F/messages"), 400, NOT_UTF8),
        refused("a row that is not UTF-8", row("DELETE", active, "%C3%28", ""), 400, NOT_UTF8),
        refused(
            "60,000 characters",
            by_alex("GET", &format!("/handoffs/{}", filler(60_000))),
            404,
            "no such handoff",
        ),
    ]);
    lines
}
