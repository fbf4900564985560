//! Everything that can be wrong with a request, in one table: what is sent, the status, and a key word of the
//! sentence, which no other refusal of this status has at this door. The sentences themselves are in `src`.
//!
//! `cargo test --test relay refusals -- --nocapture` prints it in Markdown, with the sentences that came back.
//! A new line goes into the file of its door; all wrong lines are reported at once.

mod agents;
mod console;
mod desk;
mod files;
mod ids;
mod line;
mod session;
mod start;
mod webhook;
mod wire;

use std::{collections::BTreeSet, time::Duration};

use handoff_relay::doors::{ConnectionLimits, Limits};
use serde_json::json;

use crate::support::{
    answer::Answer,
    events::{Webhook, customer_says},
    relay::{Relay, Setup},
};
use line::Line;

/// Sends a part of the table and prints it; gives the lines that are wrong.
async fn wrong(title: &str, relay: &Relay, lines: &[Line], names: &[(&str, &str)]) -> Vec<String> {
    println!("\n### {title}\n\n| request | status | detail |\n|---|---|---|");
    let (mut rows, mut wrong) = (BTreeSet::new(), Vec::new());
    for line in lines {
        let answer = line.request.send_to(&relay.url).await;
        let row = line.row(answer.as_ref(), names);
        println!("{row}");
        let is_new = rows.insert(row);
        let complaint = line.check(answer.as_ref()).err();
        let complaint = complaint.or_else(|| (!is_new).then(|| "another line looks the same".to_owned()));
        wrong.extend(complaint.map(|complaint| format!("\n  {title}: {}\n    {complaint}", line.what)));
    }
    wrong
}

/// A relay with what the lines need in it.
struct World {
    relay: Relay,
    waiting: String,
    /// Alex has this one.
    active: String,
    ended: String,
    /// A message of the active one that has reached the customer.
    row: String,
}

impl World {
    async fn new() -> Self {
        let relay = Relay::start().await;
        let alex = relay.alex();
        let (_, waiting) = relay.hand_off().await;
        let (_, active) = relay.hand_off().await;
        let (_, ended) = relay.hand_off().await;
        let hello = json!({ "text": "Hello" });
        let path = format!("/handoffs/{active}/messages");
        Answer::to(alex.request("POST", &path).header("idempotency-key", "used").json(&hello))
            .await
            .good(202);
        let row = alex.sees(&active, "Hello", &["confirmed"]).await;
        alex.ends(&ended).await;
        let row = row["id"].as_str().unwrap().to_owned();
        Self { relay, waiting, active, ended, row }
    }

    /// What the table calls the ids, which are others in each run.
    fn names(&self) -> [(&str, &'static str); 4] {
        [
            (&self.waiting, "{waiting}"),
            (&self.active, "{active}"),
            (&self.ended, "{ended}"),
            (&self.row, "{row}"),
        ]
    }

    /// After all that, each door still opens, and nothing has come in by mistake.
    async fn ends_well(self) {
        let Self { relay, waiting, active, .. } = self;
        let alex = relay.alex();
        assert_eq!(alex.list("").await.len(), 3, "no refused start call began anything");
        assert_eq!(alex.handoff(&waiting).await["status"], "waiting");
        assert_eq!(alex.handoff(&active).await["agent"]["name"], "Alex");
        let written = alex.rows(&active).await.into_iter().filter(|row| row["source"] == "agent").count();
        assert_eq!(written, 1, "no refused message was kept");
        let garbage = webhook::lines().iter().filter(|line| line.is_taken()).count();
        assert_eq!(
            alex.dead_letters().await.len(),
            garbage,
            "what Ada has signed was kept, and nothing else"
        );

        let id = relay.start_call("good").await;
        // Nothing of what was refused under this id was remembered.
        let said = Webhook::new("msg_refused", customer_says("good", "Hello").to_string());
        assert_eq!(said.post(&relay).await.good(200), json!({ "status": "ok" }));
        alex.comes_to_read(&id, &["Hello"]).await;
        alex.accepts(&id).await;
        relay.get("/health/live").await.good(200);
    }
}

#[tokio::test]
async fn whatever_is_wrong_with_a_request_has_its_sentence() {
    let world = World::new().await;
    let names = world.names();
    let mut all_wrong = Vec::new();
    for (title, lines) in [
        ("The start door", start::lines()),
        ("The webhook door", webhook::lines()),
        ("The agent API", agents::lines(&world)),
        ("Notes and canned replies", desk::lines(&world)),
        ("Files", files::lines(&world)),
        ("Sign-in", session::lines(&world)),
        ("The console's page", console::lines()),
        ("Ids in paths", ids::lines(&world)),
        ("HTTP itself", wire::lines()),
    ] {
        all_wrong.extend(wrong(title, &world.relay, &lines, &names).await);
    }
    assert!(all_wrong.is_empty(), "{} lines are wrong:{}", all_wrong.len(), all_wrong.concat());
    world.ends_well().await;
}

#[tokio::test]
async fn who_does_not_finish_a_request_is_not_waited_for() {
    // Enough for a busy machine to send what is whole.
    let brief = Duration::from_millis(500);
    let connections = ConnectionLimits { max_connections: 100, header_timeout: brief, write_timeout: brief };
    let relay = Setup::new().with_limits(Limits { connections, body_deadline: brief }).start().await;
    let wrong = wrong("Half a request", &relay, &wire::unfinished(), &[]).await;
    assert!(wrong.is_empty(), "{} lines are wrong:{}", wrong.len(), wrong.concat());
    relay.start_call("good").await;
}
