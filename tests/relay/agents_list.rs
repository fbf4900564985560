//! Lists: filters, pages, search; the transcript and the API's document.

use serde_json::{Value, json};

use crate::support::{
    answer::Answer,
    events::customer_says,
    relay::{Relay, START_KEY},
    settles,
};

async fn start(relay: &Relay, body: Value) -> String {
    let request = relay.http.post(format!("{}/handoffs/start", relay.url)).bearer_auth(START_KEY);
    let answer = Answer::to(request.json(&body)).await.good(200);
    answer["handoff_id"].as_str().unwrap().to_owned()
}

fn ids(handoffs: &[Value]) -> Vec<&str> {
    handoffs.iter().map(|handoff| handoff["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn handoffs_are_found_by_state_agent_conversation_and_words() {
    let relay = Relay::start().await;
    let (alex, sam) = (relay.alex(), relay.agent("Sam"));
    let waiting = start(&relay, json!({ "conversation_id": "conv-one", "name": "Zoë Ångström" })).await;
    let active = start(&relay, json!({ "conversation_id": "conv-two", "order": "A_1042%" })).await;
    let ended = start(&relay, json!({ "conversation_id": "conv-three", "email": "kim@example.com" })).await;
    alex.accepts(&active).await;
    sam.accepts(&ended).await;
    sam.ends(&ended).await;
    let find = async |query: &str| alex.list(query).await;
    // What is new comes into the index a moment later.
    settles(&3, || async { find("q=conv-").await.len() }).await;
    settles(&1, || async { find("q=kim%40example").await.len() }).await;
    for (query, expected) in [
        ("", vec![&ended, &active, &waiting]),
        ("status=waiting", vec![&waiting]),
        ("status=active", vec![&active]),
        ("status=ended", vec![&ended]),
        ("status=&agent=&q=&team=", vec![&ended, &active, &waiting]),
        ("agent=Alex", vec![&active]),
        ("agent=Sam", vec![&ended]),
        ("agent=sam", vec![]),
        ("agent=Sam&status=active", vec![]),
        ("conversation_id=conv-two", vec![&active]),
        ("conversation_id=conv", vec![]),
        ("q=CONV-T", vec![&ended, &active]),
        ("q=KIM%40example", vec![&ended]),
        ("q=%C3%A5ngstr%C3%B6m", vec![&waiting]),
        ("q=A_1042%25", vec![&active]),
        ("q=A%251042", vec![]),
        ("q=conv&status=ended", vec![&ended]),
        (&format!("q={active}"), vec![&active]),
        ("team=billing", vec![]),
        ("limit=2", vec![&ended, &active]),
        ("unknown=1", vec![&ended, &active, &waiting]),
    ] {
        let found = find(query).await;
        assert_eq!(ids(&found), expected, "{query}");
    }
}

#[tokio::test]
async fn a_search_finds_words_of_messages_and_says_where() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let (chat, id) = relay.hand_off().await;
    let other = start(&relay, json!({ "conversation_id": "other", "order": "no. 4711" })).await;
    relay.gets(&customer_says(&chat, "Das ist ÄUSSERST <b>dringend</b>: 4711")).await;
    settles(&1, || async { alex.list("q=%C3%A4u%C3%9Ferst%20%3Cb").await.len() }).await;
    let found = alex.list("q=4711").await;
    assert_eq!(ids(&found), [&other, &id]);
    let seq = alex.rows(&id).await.last().unwrap()["seq"].clone();
    let text = "Das ist ÄUSSERST <b>dringend</b>: 4711";
    assert_eq!(
        found[0]["found"],
        json!({ "in": "context", "field": "order", "seq": null, "text": "no. 4711" })
    );
    assert_eq!(found[1]["found"], json!({ "in": "message", "field": null, "seq": seq, "text": text }));
    assert!(alex.list("").await.iter().all(|one| one.get("found").is_none()), "only a search says so");
}

#[tokio::test]
async fn pages_show_each_handoff_once_though_new_ones_come() {
    let relay = Relay::start().await;
    let mut made = Vec::new();
    for number in 0..7 {
        made.push(start(&relay, json!({ "conversation_id": format!("c{number}") })).await);
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = relay.alex().get(&format!("/handoffs?limit=3&cursor={cursor}")).await.good(200);
        let data = page["data"].as_array().unwrap();
        assert!(data.len() <= 3);
        seen.extend(ids(data).into_iter().map(str::to_owned));
        start(&relay, json!({ "conversation_id": format!("new{cursor}") })).await;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    made.reverse();
    assert_eq!(seen, made);
    let all = relay.alex().get("/handoffs?limit=10").await.good(200);
    assert_eq!(all["next_cursor"], Value::Null, "the last page is full and says so");
}

#[tokio::test]
async fn the_oldest_may_come_first() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(relay.hand_off().await.1);
    }
    alex.ends(&made[1]).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let query = format!("status=waiting&sort=oldest&limit=3&cursor={cursor}");
        let page = alex.get(&format!("/handoffs?{query}")).await.good(200);
        seen.extend(
            page["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
        // What begins meanwhile comes last.
        made.push(relay.start_call("chat-new").await);
    }
    made.remove(1);
    assert_eq!(seen, made);
    for newest_first in ["status=waiting&sort=newest", "status=waiting"] {
        let ids = alex.list(newest_first).await.into_iter().rev().map(|one| one["id"].clone());
        assert_eq!(ids.collect::<Vec<Value>>(), made, "{newest_first}");
    }
    relay.finish().await;
}

#[tokio::test]
async fn a_thousand_rows_fit_a_page() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let (_, id) = relay.hand_off().await;
    let note = json!({ "text": "x" });
    for _ in 0..10 {
        let path = format!("/handoffs/{id}/notes");
        let made = futures_util::future::join_all((0..100).map(|_| alex.post(&path, &note))).await;
        assert!(made.iter().all(|answer| answer.status == 201));
    }
    let page = alex.get(&format!("/handoffs/{id}/messages?limit=1000")).await.good(200);
    assert_eq!((page["data"].as_array().unwrap().len(), &page["next_after"]), (1_000, &json!(1_000)));
    relay.finish().await;
}

#[tokio::test]
async fn rows_come_in_pages_by_seq() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let (_, id) = relay.hand_off().await;
    for number in 0..6 {
        alex.writes(&id, &format!("Line {number}")).await;
    }
    settles(&9, || async { alex.rows(&id).await.len() }).await;
    let page = async |query: &str| alex.get(&format!("/handoffs/{id}/messages?{query}")).await.good(200);
    let numbers = |page: &Value| -> Vec<u64> {
        page["data"].as_array().unwrap().iter().map(|row| row["seq"].as_u64().unwrap()).collect()
    };
    let first = page("limit=4").await;
    assert_eq!((numbers(&first), &first["next_after"]), (vec![1, 2, 3, 4], &json!(4)));
    let second = page("limit=5&after=4").await;
    assert_eq!((numbers(&second), &second["next_after"]), (vec![5, 6, 7, 8, 9], &Value::Null));
    for beyond in ["after=9", "after=4000000000"] {
        let empty = json!({ "data": [], "next_after": null, "arriving": [] });
        assert_eq!(page(beyond).await, empty, "{beyond}");
    }
    relay.finish().await;
}

#[tokio::test]
async fn a_transcript_reads_like_the_conversation() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let (chat, id) = relay.hand_off().await;
    alex.writes(&id, "Hello, this is Alex.").await;
    alex.sees(&id, "Hello, this is Alex.", &["confirmed"]).await;
    relay.ada.customer_says(&chat, "Hi Alex!").await.unwrap();
    settles(&true, || async { alex.reads(&id).await.contains(&"Hi Alex!".to_owned()) }).await;
    let answer = alex.get(&format!("/handoffs/{id}/transcript")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(answer.header("cache-control"), "no-store");
    let lines: Vec<&str> = answer.text().lines().map(|line| line.split_once(' ').unwrap().1).collect();
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert!(lines[0].starts_with("ai_agent Acme assistant: Hi Maria"), "{lines:?}");
    assert_eq!(lines[1], "system: [started]");
    assert_eq!(lines[2], "system: [accepted by Alex]");
    assert_eq!(lines[3], "human_agent Alex: Hello, this is Alex.");
    assert_eq!(lines[4], "end_user Maria Silva: Hi Alex!");
    let times: Vec<&str> = answer.text().lines().map(|line| line.split_once(' ').unwrap().0).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert!(times.iter().all(|time| time.len() == 24 && time.ends_with('Z')), "{times:?}");
    relay.finish().await;
}

/// The route table of the agent API.
const ROUTES: [(&str, &[&str]); 18] = [
    ("/api/handoffs", &["get"]),
    ("/api/handoffs/{id}", &["get"]),
    ("/api/handoffs/{id}/accept", &["post"]),
    ("/api/handoffs/{id}/release", &["post"]),
    ("/api/handoffs/{id}/read", &["post"]),
    ("/api/handoffs/{id}/end", &["post"]),
    ("/api/handoffs/{id}/transcript", &["get"]),
    ("/api/handoffs/{id}/messages", &["get", "post"]),
    ("/api/handoffs/{id}/messages/{row}", &["delete"]),
    ("/api/handoffs/{id}/messages/{row}/retry", &["post"]),
    ("/api/events", &["get"]),
    ("/api/handoffs/{id}/notes", &["post"]),
    ("/api/canned-replies", &["get", "post"]),
    ("/api/canned-replies/{id}", &["put", "delete"]),
    ("/api/session", &["get", "post", "delete"]),
    ("/api/dead-letters", &["get"]),
    ("/api/dead-letters/{id}", &["get", "delete"]),
    ("/api/dead-letters/{id}/replay", &["post"]),
];

#[tokio::test]
async fn the_document_knows_every_path() {
    let relay = Relay::start().await;
    let document = relay.alex().get("/openapi.json").await.good(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let paths = document["paths"].as_object().unwrap();
    for (path, methods) in ROUTES {
        let known: Vec<&String> = paths[path].as_object().unwrap().keys().collect();
        for method in methods {
            assert!(known.iter().any(|known| known == method), "{method} {path}");
            let operation = &paths[path][method];
            assert!(operation["responses"].as_object().is_some_and(|all| !all.is_empty()), "{method} {path}");
            assert!(operation["summary"].is_string(), "{method} {path}");
        }
    }
    // Whatever the document names is really there, and what it points to, too.
    for (path, operations) in paths {
        for method in operations.as_object().unwrap().keys() {
            let path = path.replace("{id}", "x").replace("{row}", "y");
            let method = reqwest::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let request = relay.http.request(method, format!("{}{path}", relay.url));
            let answer = Answer::to(request).await;
            // Signing in and out needs nobody to be signed in.
            let wanted = if path == "/api/session" { [204, 400, 401].as_slice() } else { &[200, 401] };
            assert!(wanted.contains(&answer.status), "{path}: {}", answer.status);
        }
    }
    let text = document.to_string();
    for part in text.split("\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{name}");
    }
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(schemes["token"]["scheme"], "bearer");
    let session = ["type", "in", "name"].map(|field| schemes["session"][field].as_str().unwrap());
    assert_eq!(session, ["apiKey", "cookie", "__Host-handoff-relay"]);
    assert_eq!(document["security"], serde_json::json!([{ "token": [] }, { "session": [] }]));
}

#[tokio::test]
async fn the_document_has_a_page_that_needs_nobody_else() {
    let relay = Relay::start().await;
    let page = relay.get("/api/docs").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"), "{}", page.header("content-type"));
    let html = page.text();
    assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("=\"//"), "{html}");
    let mut parts = 0;
    for part in html.split(['"', '\'']).filter(|part| part.ends_with(".js") || part.ends_with(".css")) {
        let path = format!("/api/docs/{}", part.trim_start_matches("./"));
        assert_eq!(relay.get(&path).await.status, 200, "{path}");
        parts += 1;
    }
    assert!(parts >= 3, "{html}");
    // It is a page of the console's origin, and has the policy of its other documents.
    let icon = relay.get("/console/icon.svg").await;
    for name in ["content-security-policy", "x-content-type-options"] {
        assert!(!page.header(name).is_empty() && page.header(name) == icon.header(name), "{name}");
    }
    relay.get("/api/docs/nothing.js").await.problem(404);
    Answer::to(relay.http.post(format!("{}/api/docs/", relay.url))).await.problem(405);
}

/// Names that would turn what stands around them.
#[tokio::test]
async fn names_go_without_what_cannot_be_seen() {
    let relay = Relay::start().await;
    let alex = relay.alex();
    let body = json!({ "conversation_id": "c", "name": "\u{202e}avliS airaM\u{202c}\n[accepted by Alex]" });
    relay.post_start(&body).await.good(200);
    let handoff = alex.handoff_of("c").await;
    assert_eq!(handoff["end_user"]["name"], "avliS airaM [accepted by Alex]");
    assert_eq!(handoff["context"]["name"], body["name"], "the context is as it came");
    let mut event = customer_says("c", "Hello");
    event["data"]["author"]["display_name"] = json!("Maria\u{2066}\u{200b} Silva");
    relay.gets(&event).await;
    let id = handoff["id"].as_str().unwrap();
    alex.comes_to_read(id, &["Hello"]).await;
    let end_user = &alex.handoff(id).await["end_user"];
    assert_eq!(
        (&end_user["name"], &end_user["display_name"]),
        (&handoff["end_user"]["name"], &json!("Maria Silva"))
    );
    let rows = alex.rows(id).await;
    let names = rows.iter().map(|row| &row["author"]["display_name"]);
    assert_eq!(names.filter(|name| !name.is_null()).collect::<Vec<_>>(), ["Maria Silva"]);
    let transcript = alex.get(&format!("/handoffs/{id}/transcript")).await;
    assert!(transcript.text().contains(" end_user Maria Silva: Hello\n"), "{}", transcript.text());
}
