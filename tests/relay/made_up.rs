//! Handoffs of conversations that Ada doesn't have.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    events::{customer_says, from_now, says_at},
    eventually,
    relay::Setup,
    soon,
};

#[tokio::test]
async fn one_that_ada_does_not_have_is_closed_and_costs_no_more_calls() {
    let relay = Setup::new().set("UNKNOWN_HOLD_MS", "300").start().await;
    let (conversation, real) = relay.hand_off().await;
    let id = relay.start_call("made up").await;
    relay.alex().accepts(&id).await;
    let ended = relay.alex().sees_the_end(&id).await;
    assert_eq!(ended["ended_by"], "ada");
    let rows = relay.alex().rows(&id).await;
    let said = rows.iter().filter_map(|row| row["content"]["body"].as_str());
    let said: Vec<&str> = said.collect();
    assert!(
        said[0].starts_with("Ada does not know this conversation, so the handoff is closed: "),
        "{said:?}"
    );
    assert_eq!(relay.alex().history(&id).await, ["started", "accepted", "ended"]);
    let calls = || relay.ada.calls().into_iter().filter(|call| call.path.contains("made%20up"));
    assert!(calls().all(|call| call.method == "GET"), "no text, no end call");
    let asked = calls().count();

    // Somebody writes there after all.
    relay.gets(&says_at("made up", "Here I am", from_now(0))).await;
    let adopted = eventually("a new handoff", || async {
        let all = relay.alex().handoffs_of("made up").await;
        (all.len() == 2).then(|| all[0].clone())
    });
    assert_eq!(adopted.await["status"], "waiting");
    // It is a conversation like any other.
    eventually("one more reading", || async { (calls().count() > asked).then_some(()) }).await;
    relay.gets(&customer_says(&conversation, "Hello")).await;
    assert_eq!(relay.alex().handoff(&real).await["status"], "waiting");
}

/// A proxy's 404, or a wrong address, closes nothing.
#[tokio::test]
async fn another_servers_404_closes_nothing() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (told, asked) = tokio::sync::watch::channel(0);
    let router = axum::Router::new().fallback(move || {
        told.send_modify(|count| *count += 1);
        async { (StatusCode::NOT_FOUND, "<html>Not Found</html>") }
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    let relay =
        Setup::new().set("ADA_BASE_URL", &format!("{url}/api")).set("RECOVER_AFTER", "1s").start().await;
    let id = relay.start_call("c").await;
    let mut asked = asked;
    soon("twelve readings", asked.wait_for(|count| *count >= 12)).await.unwrap();
    let handoff = relay.alex().handoff(&id).await;
    assert_eq!(handoff["status"], "waiting");
    let lines = relay.alex().rows(&id).await;
    let body = |row: &Value| row["content"]["body"].as_str().map(str::to_owned);
    let lines: Vec<String> = lines.iter().filter_map(body).collect();
    assert_eq!(json!(lines), json!(["The history could not be read from Ada: Ada answered 404: Not Found"]));
}
