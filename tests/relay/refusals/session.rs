//! How not to sign in, and what a session doesn't help with. None of these counts as a guess but those that say so.

use super::{
    World,
    line::{Line, filler, refused},
};
use crate::support::raw::Raw;

const NEITHER: &str = "either a token";
const OVER: &str = "sign in";
const NO_SESSION: &str = "neither";
const FOREIGN: &str = "console";
const UNKNOWN_CODE: &str = "code";

fn sign_in(body: &str) -> Raw {
    Raw::new("POST", "/api/session").body(body)
}

fn with_cookie(method: &str, path: &str, cookie: &str) -> Raw {
    Raw::new(method, format!("/api{path}")).header("cookie", cookie)
}

pub fn lines(world: &World) -> Vec<Line> {
    let mut lines = bodies();
    lines.extend(cookies());
    lines.extend(pages(world));
    lines
}

fn bodies() -> Vec<Line> {
    vec![
        refused("nothing", Raw::new("POST", "/api/session"), 400, NEITHER),
        refused("no field", sign_in("{}"), 400, NEITHER),
        refused("null for both", sign_in("{\"token\":null,\"code\":null}"), 400, NEITHER),
        refused("both", sign_in("{\"token\":\"a\",\"code\":\"b\"}"), 400, NEITHER),
        refused("a number for the token", sign_in("{\"token\":7}"), 400, "`token`"),
        refused("a list for the code", sign_in("{\"code\":[]}"), 400, "`code`"),
        refused("half of JSON", sign_in("{\"token\":"), 400, "column 9"),
        refused(
            "a form",
            sign_in("token=a").header("content-type", "application/x-www-form-urlencoded"),
            415,
            "application/json",
        ),
        refused("a megabyte and more", sign_in(&filler((1 << 20) + 1)), 413, "too large"),
        refused("an empty token (a guess)", sign_in("{\"token\":\"\"}"), 401, "this token"),
        refused("a name (a guess)", sign_in("{\"token\":\"Alex\"}"), 401, "this token"),
        refused("an empty code (a guess)", sign_in("{\"code\":\"\"}"), 401, UNKNOWN_CODE),
        refused(
            "a token as a code (a guess)",
            sign_in("{\"code\":\"token-of-alex-0123456789\"}"),
            401,
            UNKNOWN_CODE,
        ),
        refused("another method", Raw::new("PUT", "/api/session"), 405, "support this method"),
    ]
}

fn cookies() -> Vec<Line> {
    let get = |cookie: &str| with_cookie("GET", "/handoffs", cookie);
    let long = format!("handoff-relay={}", filler(10_000));
    vec![
        refused("another cookie", get("theme=dark"), 401, NO_SESSION),
        refused("a cookie without a value", get("handoff-relay"), 401, NO_SESSION),
        refused("a name that only begins so", get("handoff-relay-2=a"), 401, NO_SESSION),
        refused("the name that wants TLS", get("__Host-handoff-relay=a"), 401, NO_SESSION),
        refused("an empty session", get("handoff-relay="), 401, OVER),
        refused("a session that is none", get("theme=dark; handoff-relay=guessed"), 401, OVER),
        refused("a token for a session", get("handoff-relay=token-of-alex-0123456789"), 401, OVER),
        refused("a session of 10,000 characters", get(&long), 401, OVER),
        refused("no session for events", with_cookie("GET", "/events", "handoff-relay=none"), 401, OVER),
        refused("who am I, with none", with_cookie("GET", "/session", "handoff-relay=none"), 401, OVER),
    ]
}

/// Whoever's session it is: these requests don't say that the console's page makes them.
fn pages(world: &World) -> Vec<Line> {
    let accept = |name: &str, value: &str| {
        let path = format!("/handoffs/{}/accept", world.waiting);
        with_cookie("POST", &path, "handoff-relay=anything").header(name, value)
    };
    let site = |site: &str| accept("sec-fetch-site", site);
    let origin = |value: &str| accept("origin", value);
    let own = "http://relay";
    vec![
        refused("who asks isn't said", accept("x", "y"), 403, FOREIGN),
        refused("another site", site("cross-site"), 403, FOREIGN),
        refused("a neighbour", site("same-site"), 403, FOREIGN),
        refused("a bookmark", site("none"), 403, FOREIGN),
        refused("another site of our origin", site("cross-site").header("origin", own), 403, FOREIGN),
        refused("another origin", origin("http://evil.example.com"), 403, FOREIGN),
        refused("no origin worth the name", origin("null"), 403, FOREIGN),
        refused("our origin as part of another", origin("http://relay.example.com"), 403, FOREIGN),
        refused("our origin's name alone", origin("relay"), 403, FOREIGN),
        refused("our own page without a session", origin(own), 401, OVER),
        refused("our own page, in capitals", origin("https://RELAY"), 401, OVER),
        refused(
            "another site signs out",
            with_cookie("DELETE", "/session", "handoff-relay=a").header("sec-fetch-site", "cross-site"),
            403,
            FOREIGN,
        ),
        refused(
            "another site signs in",
            sign_in("{\"token\":\"token-of-alex-0123456789\"}").header("sec-fetch-site", "cross-site"),
            403,
            FOREIGN,
        ),
        refused(
            "another origin signs in",
            sign_in("{\"token\":\"token-of-alex-0123456789\"}").header("origin", "http://evil.example.com"),
            403,
            FOREIGN,
        ),
    ]
}
