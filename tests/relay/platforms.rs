//! Agents work in a platform: it is told what happens, in order, and answers.

use serde_json::{Value, json};

use crate::support::{
    agent::Agent,
    answer::Answer,
    events::{customer_says, from_now, says_at},
    platform::{PUBLIC, Platform, SECRET, Script, TOKEN, Told},
    relay::{Relay, Setup, token_of},
    settles,
    stream::Event,
};

fn names(told: &[Told]) -> Vec<&str> {
    told.iter().map(Told::name).collect()
}

/// Waits for words in a thread.
async fn in_the_thread(relay: &Relay, id: &str, words: &str) {
    settles(&true, || async { relay.alex().reads(id).await.iter().any(|text| text == words) }).await;
}

fn sequences(told: &[Told]) -> Vec<u64> {
    told.iter().map(Told::sequence).collect()
}

#[tokio::test]
async fn a_whole_conversation_by_way_of_a_platform() {
    let platform = Platform::start().await;
    let relay = platform.setup().start().await;
    let (chat, id) = relay.hand_off().await;
    let started = platform.is_told(&id, "the start", |told| told.name() == "handoff.started").await;
    let data = &started.event["data"];
    assert_eq!((&data["conversation_id"], &data["status"]), (&json!(chat), &json!("waiting")));
    assert_eq!(data["context"], json!({ "first_name": "Maria", "last_name": "Silva" }));
    relay.ada.customer_says(&chat, "Where is my parcel?").await.unwrap();
    let said = platform.hears(&id, "Where is my parcel?").await;
    assert_eq!(said.name(), "handoff.message");
    let desk = relay.desk();
    assert_eq!(said.event["data"]["id"], desk.rows(&id).await.last().unwrap()["id"]);

    let author = json!({ "display_name": "Ann", "avatar": "https://desk.example/ann.png" });
    let message = json!({ "text": "On its way.", "author": author });
    let row = desk.post(&format!("/handoffs/{id}/messages"), &message).await.good(202);
    assert_eq!(row["author"]["display_name"], "Ann");
    let accepted = platform.is_told(&id, "accepted", |told| told.name() == "handoff.accepted").await;
    assert_eq!(accepted.event["data"]["agent"]["name"], "Desk");
    assert!(accepted.event["data"].get("context").is_none(), "the start had it");
    let is_confirmed = |told: &Told| told.event["data"]["delivery"]["state"] == "confirmed";
    platform.is_told(&id, "confirmed", is_confirmed).await;
    let seen = relay.ada.messages(&chat);
    let human = seen.iter().find(|said| said.content["body"] == "On its way.").expect("sent");
    assert_eq!(human.display_name.as_deref(), Some("Ann"));
    assert_eq!(human.avatar.as_deref(), Some("https://desk.example/ann.png"));

    desk.ends(&id).await;
    platform.is_told(&id, "ended", |told| told.name() == "handoff.ended").await;
    relay.is_at_rest().await;
    settles(&0, || relay.deliveries()).await;
    let told = platform.taken(&id);
    assert_eq!(sequences(&told), (1..=told.len() as u64).collect::<Vec<_>>(), "{:?}", names(&told));
    let mut order = names(&told);
    order.retain(|name| !name.starts_with("handoff.message"));
    assert_eq!(order, ["handoff.started", "handoff.accepted", "handoff.ended"]);
    relay.finish().await;
}

#[tokio::test]
async fn what_came_before_follows_the_start_and_late_messages_are_marked() {
    let platform = Platform::start().await;
    let relay = platform.setup().start().await;
    let chat = relay.ada.open_conversation();
    relay.ada.customer_says(&chat, "Before").await.unwrap();
    assert_eq!(relay.ada.start_handoff(&chat, json!({})).await.unwrap(), 200);
    let id = relay.alex().handoff_of(&chat).await["id"].as_str().unwrap().to_owned();
    let before = platform.hears(&id, "Before").await;
    assert_eq!(before.event["data"]["source"], "transcript");
    relay.gets(&customer_says(&chat, "second")).await;
    platform.hears(&id, "second").await;
    relay.gets(&says_at(&chat, "first", from_now(-60_000))).await;
    let late = platform.hears(&id, "first").await;
    assert_eq!(late.event["data"]["late"], true);
}

#[tokio::test]
async fn what_fails_comes_again_under_the_same_id_and_holds_back_its_own_handoff() {
    let platform = Platform::start().await;
    let relay = platform.setup().start().await;
    platform.answers(&[Script::Status(500)]);
    let (_, id) = relay.hand_off().await;
    platform.is_told(&id, "the start", |told| told.name() == "handoff.started").await;
    let told: Vec<Told> = platform.told();
    assert_eq!(told[0].id, told[1].id, "the same event again before any other");
    assert_eq!(told[0].event, told[1].event);

    settles(&0, || relay.deliveries()).await;
    platform.answers(&[Script::RetryAfter(429, 2)]);
    let began = std::time::Instant::now();
    let (_, other) = relay.hand_off().await;
    platform.is_told(&other, "the start", |told| told.name() == "handoff.started").await;
    assert!(began.elapsed() >= std::time::Duration::from_secs(2));
}

#[tokio::test]
async fn what_is_refused_becomes_a_dead_letter_that_an_operator_replays() {
    let platform = Platform::start().await;
    let relay = platform.setup().start().await;
    platform.answers(&[Script::Status(400)]);
    let (chat, id) = relay.hand_off().await;
    relay.gets(&customer_says(&chat, "Hello")).await;
    platform.hears(&id, "Hello").await;
    assert!(!sequences(&platform.taken(&id)).contains(&1), "the gap shows");
    let letters = relay.alex().dead_letters().await;
    let letter = &letters[0];
    assert_eq!((&letter["kind"], letters.len()), (&json!("platform"), 1));
    let reason = letter["reason"].as_str().unwrap();
    assert_eq!(reason, "the platform answered 400: words of the platform");
    let path = format!("/dead-letters/{}/replay", letter["id"].as_str().unwrap());
    let refusal = Answer::to(relay.alex().request("POST", &path)).await.problem(403);
    assert!(refusal.contains("OPERATOR_TOKENS"), "{refusal}");
    assert_eq!(relay.operator("POST", &path).await.good(200), json!({ "outcome": "kept" }));
    let again = platform.is_told(&id, "the start", |told| told.sequence() == 1).await;
    assert_eq!(letter["svix_id"], json!(again.id), "under its former id");
    settles(&Vec::<Value>::new(), || async { relay.alex().dead_letters().await }).await;
}

#[tokio::test]
async fn who_waits_for_an_answer_of_a_platform_that_is_gone_waits_for_another_agent() {
    let platform = Platform::start().await;
    let relay = platform.setup().set("AGENT_GONE_AFTER", "1s").start().await;
    let (chat, id) = relay.hand_off().await;
    let desk = relay.desk();
    desk.accepts(&id).await;
    relay.gets(&customer_says(&chat, "Is there anybody?")).await;
    platform.hears(&id, "Is there anybody?").await;
    let agent = relay.alex().handoff(&id).await["agent"].clone();
    platform.answers(&[Script::Status(410)]);
    relay.gets(&customer_says(&chat, "Hello?")).await;
    let waits = || async { relay.alex().handoff(&id).await["status"].clone() };
    settles(&json!("waiting"), waits).await;
    assert_eq!(relay.alex().handoff(&id).await["left_by"], agent);
    relay.finish().await;
}

#[tokio::test]
async fn one_that_is_gone_is_told_nothing_until_an_operator_enables_it() {
    let platform = Platform::start().await;
    let mut relay = platform.setup().start().await;
    platform.answers(&[Script::Status(410)]);
    let (chat, id) = relay.hand_off().await;
    let state =
        async |relay: &Relay| relay.operator("GET", "/platforms").await.good(200)["data"][0]["state"].clone();
    settles(&json!("disabled"), || state(&relay)).await;
    relay.restart().await;
    let shown = relay.operator("GET", "/platforms").await.good(200)["data"][0].clone();
    assert_eq!((&shown["id"], &shown["state"]), (&json!("webhook"), &json!("disabled")));
    assert_eq!(shown["last_error"], "the platform answered 410: words of the platform");
    relay.gets(&customer_says(&chat, "Hello")).await;
    in_the_thread(&relay, &id, "Hello").await;
    assert_eq!(platform.told().len(), 1, "nothing more");
    let ready = relay.get("/health/ready").await.good(200);
    assert!(ready["webhook"].as_str().unwrap().starts_with("disabled"), "{ready}");
    let refusal = Answer::to(relay.alex().request("POST", "/platforms/webhook/enable")).await;
    refusal.problem(403);
    assert_eq!(relay.operator("POST", "/platforms/webhook/enable").await.good(200)["state"], "up");
    platform.hears(&id, "Hello").await;
    assert_eq!(sequences(&platform.taken(&id))[..2], [1, 2]);
    assert_eq!(relay.operator("POST", "/platforms/other/enable").await.problem(404), "no such platform");
}

#[tokio::test]
async fn a_test_says_what_came_of_it() {
    let platform = Platform::start().await;
    let relay = platform.setup().start().await;
    let test = async || relay.operator("POST", "/platforms/webhook/test").await.good(200);
    assert_eq!(test().await, json!({ "ok": true, "error": null }));
    assert_eq!(platform.told()[0].name(), "ping");
    for (status, told) in [
        (302, "the platform answered 302: words of the platform: redirects are not followed"),
        (500, "the platform answered 500: words of the platform"),
    ] {
        platform.answers(&[Script::Status(status)]);
        assert_eq!(test().await, json!({ "ok": false, "error": told }));
    }
}

#[tokio::test]
async fn a_service_account_acts_in_what_its_platform_got_and_nowhere_else() {
    let (platform, second) = (Platform::start().await, Platform::start().await);
    let mut relay = platform.setup().start().await;
    let (_, before) = relay.hand_off().await;
    relay.set("PLATFORM_WEBHOOK_URL_2", &second.url);
    relay.set("PLATFORM_WEBHOOK_SECRET_2", SECRET);
    relay.set("PLATFORM_TOKENS_2", "Second=token-of-the-second-0123456789");
    relay.restart().await;
    let (_, after) = relay.hand_off().await;
    second.is_told(&after, "the start", |told| told.name() == "handoff.started").await;
    platform.is_told(&after, "the start", |told| told.name() == "handoff.started").await;
    let door = format!("{}/platform", relay.url);
    let agent = |token: &str| Agent::at(relay.http.clone(), door.clone(), token);
    let second_desk = agent("token-of-the-second-0123456789");
    let ids = |list: Vec<Value>| list.iter().map(|one| one["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(relay.desk().list("").await), [json!(after), json!(before)]);
    assert_eq!(ids(second_desk.list("").await), [json!(after)]);
    for path in ["", "/messages", "/ledger", "/transcript"] {
        let answer = second_desk.get(&format!("/handoffs/{before}{path}")).await;
        assert_eq!(answer.problem(404), "no such handoff", "{path}");
    }
    for what in ["accept", "release", "end"] {
        second_desk.act(&before, what).await.problem(404);
    }
    relay.desk().accepts(&after).await;
    assert_eq!(
        second_desk.act(&after, "accept").await.problem(409),
        "Desk has this handoff; take it over first"
    );
    // Each token at its own door.
    agent(token_of("Alex")).get("/handoffs").await.problem(401);
    let desk_at_agents = Agent::new(relay.http.clone(), &relay.agents_url, TOKEN);
    for _ in 0..10 {
        let told = desk_at_agents.get("/handoffs").await.problem(403);
        assert_eq!(
            told,
            "this is for agents, and the token is a service account's, whose calls begin with /platform"
        );
    }
    for path in [
        "/platform/session",
        "/platform/dead-letters",
        "/platform/canned-replies",
        "/api/handoffs",
        "/metrics",
    ] {
        relay.get(path).await.problem(404);
    }
    relay.get("/platform/handoffs").await.problem(401);
    let named = json!({ "text": "Hello", "author": { "display_name": "Ann" } });
    let path = format!("/handoffs/{before}/messages");
    assert_eq!(
        relay.alex().post(&path, &named).await.problem(403),
        "only a platform's service account may name an author"
    );
    for (author, told) in [
        (json!({ "display_name": " \u{202e}" }), "author.display_name must be 1 to 200 visible characters"),
        (
            json!({ "display_name": "Ann", "avatar": "http://a.example/a.png" }),
            "author.avatar must be an https URL of at most 2000 characters",
        ),
    ] {
        let body = json!({ "text": "Hello", "author": author });
        assert_eq!(relay.desk().post(&path, &body).await.problem(400), told);
    }
}

#[tokio::test]
async fn a_platforms_stream_has_what_its_platform_got() {
    let platform = Platform::start().await;
    let mut relay = Setup::new().two_doors().start().await;
    let (before, not_got) = relay.hand_off().await;
    platform.settings().into_iter().for_each(|(name, value)| relay.set(name, &value));
    relay.restart().await;
    let (chat, got) = relay.hand_off().await;
    let mut stream = relay.desk().stream(None).await.ready().await;
    relay.gets(&customer_says(&before, "not for the platform")).await;
    in_the_thread(&relay, &not_got, "not for the platform").await;
    relay.gets(&customer_says(&chat, "for the platform")).await;
    let events = stream.until(|event| event.says("for the platform")).await;
    let is_of_got = |event: &Event| event.data["id"] == got || event.data["handoff_id"] == got;
    assert!(events.iter().all(is_of_got), "{events:?}");
    let all = relay.alex().stream(Some("0")).await.next().await.unwrap();
    assert_eq!(all.kind, "reset", "an agent's stream is as it was");
    assert!(platform.taken(&not_got).is_empty());
}

#[tokio::test]
async fn files_come_by_signed_links_and_go_as_forms() {
    let platform = Platform::start().await;
    let relay = platform.setup().start().await;
    let (chat, id) = relay.hand_off().await;
    relay
        .ada
        .customer_sends_file(&chat, "photo.png", "image/png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec())
        .await
        .unwrap();
    let is_kept = |told: &Told| told.event["data"]["content"]["state"] == "kept";
    let kept = platform.is_told(&id, "the file", is_kept).await;
    let link = kept.event["data"]["content"]["url"].as_str().unwrap().to_owned();
    let path = link.strip_prefix(PUBLIC).unwrap();
    let file = relay.get(path).await;
    assert_eq!((file.status, &file.body[1..4]), (200, &b"PNG"[..]));
    assert!(file.header("content-disposition").starts_with("attachment"));
    for wrong in [path.replace("signature=", "signature=0"), path.split('?').next().unwrap().to_owned()] {
        assert_eq!(
            relay.get(&wrong).await.problem(403),
            "the link is not valid, or no longer; the message has a new one"
        );
    }
    let row = relay.desk().sees_file(&id, "photo.png", "kept").await;
    assert!(row["content"]["url"].as_str().unwrap().starts_with(PUBLIC));
    let form = reqwest::multipart::Form::new()
        .part("file", reqwest::multipart::Part::bytes(b"%PDF-1.4 of the desk".to_vec()).file_name("bill.pdf"))
        .text("author", r#"{"display_name":"Ann"}"#);
    let sent =
        Answer::to(relay.desk().request("POST", &format!("/handoffs/{id}/files")).multipart(form)).await;
    assert_eq!(sent.good(202)["author"]["display_name"], "Ann");
    relay.desk().sees_file(&id, "bill.pdf", "kept").await;
    let is_ours = |told: &Told| told.event["data"]["content"]["filename"] == "bill.pdf";
    platform.is_told(&id, "our file", is_ours).await;
}

#[tokio::test]
async fn one_that_hangs_holds_up_nobody_else() {
    let (platform, second) = (Platform::start().await, Platform::start().await);
    platform.otherwise(Some(Script::Never));
    let setup = platform.setup().set("PLATFORM_WEBHOOK_URL_2", &second.url);
    let relay = setup.set("PLATFORM_WEBHOOK_SECRET_2", SECRET).start().await;
    let (chat, id) = relay.hand_off().await;
    relay.gets(&customer_says(&chat, "Hello")).await;
    second.hears(&id, "Hello").await;
    relay.alex().writes(&id, "Hello Maria").await;
    relay.alex().sees(&id, "Hello Maria", &["confirmed"]).await;
    assert!(platform.taken(&id).is_empty());
    let shown = relay.operator("GET", "/platforms").await.good(200)["data"].clone();
    assert!(shown[0]["queued"].as_u64() > Some(0), "{shown}");
    settles(&json!(0), || async {
        relay.operator("GET", "/platforms").await.json()["data"][1]["queued"].clone()
    })
    .await;
}

#[tokio::test]
async fn what_waits_too_long_becomes_a_dead_letter_and_the_end_waits_longer() {
    let platform = Platform::start().await;
    platform.otherwise(Some(Script::Status(503)));
    let relay = platform.setup().set("PLATFORM_MAX_AGE", "1s").start().await;
    let (chat, id) = relay.hand_off().await;
    relay.gets(&customer_says(&chat, "Hello")).await;
    let told = "it could not be delivered in time: the platform answered 503: words of the platform";
    settles(&true, || async {
        relay.alex().dead_letters().await.iter().any(|letter| letter["reason"] == told)
    })
    .await;
    relay.alex().ends(&id).await;
    let of_the_end = "SELECT COUNT(*) FROM outbox WHERE doc LIKE '%handoff.ended%'";
    settles(&(1, 1), || async { (relay.notices().await, relay.ask(of_the_end, |row| row.get(0))) }).await;
    platform.otherwise(None);
    relay.operator("POST", "/platforms/webhook/enable").await.good(200);
    let ended = platform.is_told(&id, "the end", |told| told.name() == "handoff.ended").await;
    assert!(ended.sequence() > 1, "the gap shows");
}
