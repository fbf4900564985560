//! Signing in to the console, and out.

use serde_json::{Value, json};

use crate::support::{
    answer::Answer,
    browser::Browser,
    log,
    relay::{Relay, Setup},
    settles,
};

const ALEX: &str = "token-of-alex-0123456789";
const SAM: &str = "token-of-sam-0123456789";
const MINUTE: i64 = 60 * 1_000_000;
const HOUR: i64 = 60 * MINUTE;
const OVER: &str = "the session has ended; sign in again";

fn browser(relay: &Relay) -> Browser {
    Browser::new(relay.http.clone(), &relay.agents_url)
}

/// The same page, after the relay has started again.
fn again(relay: &Relay, page: &Browser) -> Browser {
    let mut browser = browser(relay);
    browser.cookie.clone_from(&page.cookie);
    browser
}

async fn signed_in(relay: &Relay, token: &str) -> Browser {
    let mut browser = browser(relay);
    browser.signs_in(&json!({ "token": token })).await.good(200);
    browser
}

/// How much later than now a session says that it is over, in seconds.
fn seconds_left(answer: &Value) -> i64 {
    let at: jiff::Timestamp = answer["expires_at"].as_str().unwrap().parse().unwrap();
    at.as_second() - jiff::Timestamp::now().as_second()
}

#[tokio::test]
async fn a_token_becomes_a_session_that_does_all_a_token_does() {
    let relay = Relay::start().await;
    let mut page = browser(&relay);
    page.get("/session").await.problem(401);
    let answer = page.signs_in(&json!({ "token": ALEX })).await;
    let began = answer.good(200);
    assert_eq!(began["agent"], json!({ "name": "Alex" }));
    assert!((12 * 3_600 - 60..=12 * 3_600).contains(&seconds_left(&began)), "{began}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let cookie = answer.header("set-cookie").to_owned();
    let (secret, rest) = cookie.split_once(';').unwrap();
    let secret = secret.strip_prefix("handoff-relay=").unwrap();
    assert_eq!(secret.len(), 64, "256 bits");
    assert_eq!(rest, " Path=/; HttpOnly; SameSite=Strict; Max-Age=604800");

    let (_, id) = relay.hand_off().await;
    assert_eq!(page.get("/session").await.good(200)["agent"]["name"], "Alex");
    assert_eq!(page.get("/handoffs").await.good(200)["data"][0]["id"], id.as_str());
    let accepted = page.post(&format!("/handoffs/{id}/accept"), &json!({})).await.good(200);
    assert_eq!(accepted["agent"]["name"], "Alex");
    page.post(&format!("/handoffs/{id}/messages"), &json!({ "text": "Hello" })).await.good(202);
    relay.alex().sees(&id, "Hello", &["confirmed"]).await;

    let out = page.signs_out().await;
    assert_eq!((out.status, out.body.len()), (204, 0));
    assert_eq!(out.header("set-cookie"), "handoff-relay=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    assert_eq!(page.cookie, None);
    page.cookie = Some(format!("handoff-relay={secret}"));
    assert_eq!(page.get("/session").await.problem(401), OVER);
    assert_eq!(page.signs_out().await.status, 204, "again is no error");
    relay.finish().await;
}

#[tokio::test]
async fn who_am_i_answers_tokens_too() {
    let relay = Relay::start().await;
    let me = relay.alex().get("/session").await;
    assert_eq!(
        me.good(200),
        json!({ "agent": { "name": "Alex" }, "role": "agent", "teams": null, "expires_at": null,
            "fields": ["category", "issue_category", "plan", "language"],
            "outcomes": ["solved", "unresolved", "spam"] })
    );
    assert_eq!(me.header("cache-control"), "no-store");
    // The token wins, also a wrong one, and then no page is asked for.
    let page = signed_in(&relay, SAM).await;
    let both = || page.bare("GET", "/session").bearer_auth(ALEX);
    assert_eq!(Answer::to(both()).await.good(200)["agent"]["name"], "Alex");
    let wrong = page.bare("GET", "/session").bearer_auth("token-of-nobody-0123456789");
    assert_eq!(Answer::to(wrong).await.problem(401), "the bearer token is not known");
    let (_, id) = relay.hand_off().await;
    let accepted = page.bare("POST", &format!("/handoffs/{id}/accept")).bearer_auth(ALEX);
    assert_eq!(Answer::to(accepted).await.good(200)["agent"]["name"], "Alex");
    relay.finish().await;
}

#[tokio::test]
async fn other_sites_pages_read_nothing_and_change_nothing() {
    let relay = Relay::start().await;
    let page = signed_in(&relay, ALEX).await;
    let (_, id) = relay.hand_off().await;
    let own = relay.agents_url.clone();
    let port = own.rsplit_once(':').unwrap().1;
    let other_port = format!("http://127.0.0.1:{}", port.parse::<u16>().unwrap() ^ 1);
    let accept = format!("/handoffs/{id}/accept");
    let origin = |origin: &str| page.bare("POST", &accept).header("origin", origin);
    for (request, status) in [
        (page.request_of("cross-site", "POST", &accept), 403),
        (page.request_of("same-site", "POST", &accept), 403),
        (page.request_of("none", "POST", &accept), 403),
        (page.request_of("", "POST", &accept), 403),
        (page.request_of("cross-site", "POST", &accept).header("origin", &own), 403),
        (page.bare("POST", &accept), 403),
        (origin("https://evil.example.com"), 403),
        (origin("null"), 403),
        (origin(""), 403),
        (origin(&other_port), 403),
        (origin(&format!("{own}.evil.example.com")), 403),
        (page.request_of("cross-site", "DELETE", &format!("/handoffs/{id}/messages/x")), 403),
        (page.request_of("cross-site", "DELETE", "/session"), 403),
        (page.request_of("cross-site", "POST", "/session").json(&json!({ "token": SAM })), 403),
        (origin("https://evil.example.com").json(&json!({ "take_over": true })), 403),
        (page.request_of("cross-site", "GET", "/handoffs"), 200),
    ] {
        let said = format!("{request:?}");
        let answer = Answer::to(request).await;
        assert_eq!(answer.status, status, "{said}");
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control")), "{said}");
    }
    assert_eq!(relay.alex().handoff(&id).await["status"], "waiting");
    let preflight = page.request_of("cross-site", "OPTIONS", "/handoffs");
    let preflight = preflight.header("origin", "https://evil.example.com");
    let preflight = Answer::to(preflight.header("access-control-request-method", "POST")).await;
    assert_eq!(preflight.status, 405);
    assert_eq!(preflight.header("access-control-allow-origin"), "");

    // A browser that doesn't know `Sec-Fetch-Site` says its origin.
    Answer::to(origin(&own)).await.good(200);
    Answer::to(origin(&own.replacen("http:", "https:", 1))).await.good(200);
    // Who is no browser signs in without either.
    let bare = Browser::new(relay.http.clone(), &relay.agents_url).bare("POST", "/session");
    Answer::to(bare.json(&json!({ "token": ALEX }))).await.good(200);
    relay.finish().await;
}

#[tokio::test]
async fn signing_in_again_ends_the_session_before() {
    let relay = Relay::start().await;
    let mut page = signed_in(&relay, ALEX).await;
    let before = page.copy();
    page.signs_in(&json!({ "token": SAM })).await.good(200);
    assert_eq!(page.get("/session").await.good(200)["agent"]["name"], "Sam");
    assert_eq!(before.get("/session").await.problem(401), OVER);
    // A sign-in that fails changes nothing.
    page.signs_in(&json!({ "token": "token-of-nobody-0123456789" })).await.problem(401);
    assert_eq!(page.get("/session").await.good(200)["agent"]["name"], "Sam");
    relay.finish().await;
}

#[tokio::test]
async fn streams_close_with_their_session_alone() {
    let relay = Relay::start().await;
    let mut page = signed_in(&relay, ALEX).await;
    let mut streams = Vec::new();
    for _ in 0..2 {
        streams.push(page.stream().await);
    }
    let mut of_another = signed_in(&relay, ALEX).await.stream().await;
    let mut of_a_token = relay.alex().stream(None).await.ready().await;
    page.signs_out().await.good(204);
    for mut stream in streams {
        assert!(stream.next().await.is_none());
    }
    let (_, id) = relay.hand_off().await;
    for stream in [&mut of_another, &mut of_a_token] {
        stream.until(|event| event.data["id"] == id.as_str()).await;
    }
    relay.finish().await;
}

#[tokio::test]
async fn a_session_survives_restarts_until_its_time_is_over() {
    let mut relay = Relay::start().await;
    let mut page = signed_in(&relay, ALEX).await;
    let earlier = "UPDATE sessions SET used_at = used_at - $1, created_at = created_at - $1";
    for (hours, status) in [(0, 200), (11, 200), (13, 401)] {
        relay.stop().await;
        relay.change_file(earlier, &(hours * HOUR).to_string()).await;
        relay.start_again().await;
        page = again(&relay, &page);
        assert_eq!(page.get("/session").await.status, status, "{hours} hours unused");
    }
    relay.finish().await;
}

#[tokio::test]
async fn a_stream_closes_when_seven_days_are_over() {
    let mut relay = Relay::start().await;
    let page = signed_in(&relay, ALEX).await;
    relay.stop().await;
    let now = handoff_relay::environment::Environment::now(&handoff_relay::environment::Machine).as_micros();
    // Used just now, and over in seconds.
    let sql = "UPDATE sessions SET created_at = CAST($1 AS INTEGER)";
    relay.change_file(sql, &(now - 7 * 24 * HOUR + 3_000_000).to_string()).await;
    relay.start_again().await;
    let page = again(&relay, &page);
    let left = seconds_left(&page.get("/session").await.good(200));
    assert!((0..=3).contains(&left), "{left}");
    let mut stream = page.stream().await;
    assert!(stream.next().await.is_none());
    page.get("/session").await.problem(401);
    relay.finish().await;
}

#[tokio::test]
async fn a_session_ends_when_its_token_leaves_the_settings() {
    let mut relay = Relay::start().await;
    let (alexs, sams) = (signed_in(&relay, ALEX).await, signed_in(&relay, SAM).await);
    let both = format!("Alex={ALEX},Sam={SAM}");
    for (tokens, alex, sam) in [
        // Another name for the same token is no other token; another token of the same name is.
        (format!("Alex={ALEX},Samira={SAM}"), 200, 200),
        (format!("Alex={ALEX}"), 200, 401),
        (both.clone(), 200, 401),
        ("Alex=another-token-0123456789".to_owned(), 401, 401),
        (both, 401, 401),
    ] {
        relay.stop().await;
        relay.set("AGENT_TOKENS", &tokens);
        relay.start_again().await;
        assert_eq!(again(&relay, &alexs).get("/session").await.status, alex, "Alex: {tokens}");
        assert_eq!(again(&relay, &sams).get("/session").await.status, sam, "Sam: {tokens}");
        // The end is written down in the background.
        let kept = i64::from(alex == 200) + i64::from(sam == 200);
        settles(&kept, || relay.sessions()).await;
    }
    relay.finish().await;
}

#[tokio::test]
async fn away_from_loopback_the_cookie_wants_tls() {
    for address in ["0.0.0.0:8090", "192.0.2.1:8091", "[2001:db8::1]:1"] {
        // The last two have an address of the agents' own, the first has one for all.
        let relay = Setup::new().set("LISTEN", "0.0.0.0:8090").set("AGENT_LISTEN", address).start().await;
        let mut page = browser(&relay);
        let answer = page.signs_in(&json!({ "token": ALEX })).await;
        let cookie = answer.header("set-cookie");
        assert!(cookie.starts_with("__Host-handoff-relay="), "{cookie}");
        assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict; Max-Age=604800; Secure"), "{cookie}");
        page.get("/session").await.good(200);
        // The other name is not taken instead.
        page.cookie = page.cookie.map(|cookie| cookie.replace("__Host-", ""));
        page.get("/session").await.problem(401);
        relay.finish().await;
    }
    for address in ["127.0.0.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
        let relay = Setup::new().set("LISTEN", "0.0.0.0:8090").set("AGENT_LISTEN", address).start().await;
        let answer = browser(&relay).signs_in(&json!({ "token": ALEX })).await;
        assert!(answer.header("set-cookie").starts_with("handoff-relay="), "{address}");
        relay.finish().await;
    }
}

#[tokio::test]
async fn an_operators_token_is_no_guess() {
    let operator = "token-of-olga-0123456789";
    let relay = Setup::new().set("OPERATOR_TOKENS", &format!("Olga={operator}")).start().await;
    let mut page = browser(&relay);
    let told = "this is for agents, and the token is an operator's";
    for _ in 0..10 {
        let request = relay.http.get(format!("{}/api/handoffs", relay.agents_url)).bearer_auth(operator);
        assert_eq!(Answer::to(request).await.problem(403), told);
        assert_eq!(page.signs_in(&json!({ "token": operator })).await.problem(403), told);
    }
    let counted = relay.get("/metrics").await;
    assert!(!counted.text().contains("handoff_relay_wrong_guesses_total{"), "{}", counted.text());
    let letters = relay.http.get(format!("{}/api/dead-letters", relay.agents_url)).bearer_auth(operator);
    Answer::to(letters).await.good(200);
}

#[tokio::test]
async fn whoever_guesses_has_to_wait() {
    let relay = Relay::start().await;
    let signed_in_before = signed_in(&relay, ALEX).await;
    let mut page = browser(&relay);
    let wrong = json!({ "token": "token-of-nobody-0123456789" });
    for _ in 0..5 {
        assert_eq!(page.signs_in(&wrong).await.problem(401), "this token is not known");
    }
    let refused = page.signs_in(&wrong).await;
    assert_eq!(refused.problem(429), "too many wrong tokens or codes; try again later");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((590..=600).contains(&wait), "{wait}");
    // Others are not concerned, until there are too many of them.
    for number in 0..24 {
        let code = json!({ "code": format!("guess-{number}") });
        let said = page.signs_in(&code).await.problem(401);
        assert_eq!(said, "this code is not known, has been used, or is too old");
    }
    // A bearer token is a guess like any other.
    let nobody = |token: &'static str| {
        Answer::to(relay.http.get(format!("{}/api/handoffs", relay.agents_url)).bearer_auth(token))
    };
    let refused = nobody("token-guessed-0123456789").await;
    refused.problem(429);
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    let counted = relay.get("/metrics").await;
    for (proof, count) in [("token", 6), ("code", 24), ("bearer", 1)] {
        let line = format!("handoff_relay_wrong_guesses_total{{proof=\"{proof}\"}} {count}");
        assert!(counted.text().contains(&line), "{line}: {}", counted.text());
    }

    // What is right is let in all the same: a token, a link, who is in already.
    page.signs_in(&json!({ "token": SAM })).await.good(200);
    let code = relay.sign_in_link.split_once("#code=").unwrap().1;
    page.signs_in(&json!({ "code": code })).await.good(200);
    signed_in_before.get("/session").await.good(200);
    relay.alex().get("/session").await.good(200);
    relay.finish().await;
}

#[tokio::test]
async fn neither_cookies_nor_tokens_are_kept_or_logged() {
    let mut relay = Relay::start().await;
    let page = signed_in(&relay, ALEX).await;
    page.get("/session").await.good(200);
    let wrong = json!({ "token": "token-guessed-0123456789" });
    browser(&relay).signs_in(&wrong).await.problem(401);
    let cookie = page.cookie.clone().unwrap();
    let secret = cookie.strip_prefix("handoff-relay=").unwrap();
    relay.stop().await;
    let (file, log) = (std::fs::read(relay.file()).unwrap(), log::lines());
    assert!(log.contains("signed in") && log.contains("a sign-in failed"));
    for said in [secret, ALEX, "token-guessed"] {
        assert!(!log.contains(said), "{said} is in the log");
        assert!(!file.windows(said.len()).any(|part| part == said.as_bytes()), "{said} is in the file");
    }
}
