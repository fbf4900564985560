//! What customers are told while they wait, and when an agent accepts.

use std::time::Duration;

use sandbox::{Call, RecordedCall, Role, ScriptedAnswer};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{
    events::customer_says,
    moment, postgres,
    relay::{Relay, Setup},
    settles, soon,
};

/// What people said to the customer, under which name.
fn seen(relay: &Relay, chat: &str) -> Vec<(String, String)> {
    let messages = relay.ada.messages(chat);
    let humans = messages.into_iter().filter(|said| said.role == Role::HumanAgent);
    humans
        .map(|said| {
            (said.display_name.clone().unwrap_or_default(), said.text().unwrap_or_default().to_owned())
        })
        .collect()
}

async fn sees(relay: &Relay, chat: &str, said: &[(&str, &str)]) {
    let wanted: Vec<_> = said.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    settles(&wanted, || async { seen(relay, chat) }).await;
}

fn of_banner(relay: &Relay, chat: &str) -> Vec<RecordedCall> {
    let path = format!("/api/v2/conversations/{chat}/handoff-queue/");
    let calls = relay.ada.calls().into_iter();
    calls.filter(|call| call.call == Some(Call::HandoffQueue) && call.path == path).collect()
}

/// What the banner of a conversation has shown.
fn banner(relay: &Relay, chat: &str) -> Vec<Value> {
    let taken = of_banner(relay, chat).into_iter().filter(|call| call.status == 200);
    taken.filter_map(|call| call.body).collect()
}

fn ahead(people: u64) -> Value {
    json!({ "unit": "position", "amount": people })
}

#[tokio::test]
async fn an_agent_is_announced_before_their_words_and_once() {
    let mut relay = Setup::new().set("ACCEPT_TEXT", "{agent} is here.").start().await;
    let (chat, id) = relay.hand_off().await;
    relay.alex().accepts(&id).await;
    relay.alex().writes(&id, "Hello").await;
    let both = [("Alex", "Alex is here."), ("Alex", "Hello")];
    sees(&relay, &chat, &both).await;
    let text = relay.alex().sees(&id, "Alex is here.", &["confirmed"]).await;
    assert_eq!((&text["source"], &text["author"]["role"]), (&json!("relay"), &json!("human_agent")));
    relay.alex().act(&id, "release").await.good(200);
    relay.restart().await;
    relay.alex().accepts(&id).await;
    relay.alex().writes(&id, "Back").await;
    sees(&relay, &chat, &[both[0], both[1], ("Alex", "Back")]).await;
    relay.alex().act(&id, "release").await.good(200);
    relay.agent("Sam").writes(&id, "Hi").await;
    let all = [both[0], both[1], ("Alex", "Back"), ("Sam", "Sam is here."), ("Sam", "Hi")];
    sees(&relay, &chat, &all).await;
    relay.finish().await;
}

#[tokio::test]
async fn who_waits_is_told_so_and_told_again_after_a_restart_that_came_between() {
    let mut relay = Relay::start().await;
    relay.stop().await;
    relay.lists_teams(
        "default_team = \"Support\"\n[[teams]]\nname = \"Support\"\nwaiting_texts = [\n\
         { after = \"0s\", text = \"You wait.\" }, { after = \"4s\", text = \"You still wait.\" }]\n\
         [[teams]]\nname = \"Quiet\"\nwaiting_texts = []\n",
    );
    relay.start_again().await;
    let (chat, id) = relay.hand_off().await;
    let began = Instant::now();
    sees(&relay, &chat, &[("Support", "You wait.")]).await;
    let quiet = relay.ada.open_conversation();
    assert_eq!(relay.ada.start_handoff(&quiet, json!({ "team": "Quiet" })).await.unwrap(), 200);
    relay.stop().await;
    moment(began + Duration::from_secs(5)).await;
    relay.start_again().await;
    let both = [("Support", "You wait."), ("Support", "You still wait.")];
    sees(&relay, &chat, &both).await;
    relay.restart().await;
    // Whoever comes after it has been looked at after it.
    let (other, _) = relay.hand_off().await;
    sees(&relay, &other, &both).await;
    assert_eq!(seen(&relay, &chat).len(), 2, "each once");
    assert_eq!(relay.alex().handoff(&id).await["status"], "waiting");
    assert!(seen(&relay, &quiet).is_empty());
    relay.finish().await;
}

#[tokio::test]
async fn a_text_for_later_is_not_for_those_who_have_an_agent() {
    let relay = Setup::new().set("WAITING_TEXT", "You wait.").set("WAITING_TEXT_AFTER", "2s").start().await;
    let (chat, id) = relay.hand_off().await;
    relay.alex().writes(&id, "Hello").await;
    let (other, _) = relay.hand_off().await;
    sees(&relay, &other, &[("Support", "You wait.")]).await;
    assert_eq!(seen(&relay, &chat), [("Alex".to_owned(), "Hello".to_owned())]);
    relay.finish().await;
}

#[tokio::test]
async fn the_banner_shows_how_many_are_ahead_and_is_not_shown_again_after_a_restart() {
    let mut relay = Setup::new().set("QUEUE_BANNER", "position").start().await;
    let (first, first_id) = relay.hand_off().await;
    let (second, _) = relay.hand_off().await;
    settles(&vec![ahead(0)], || async { banner(&relay, &first) }).await;
    settles(&vec![ahead(1)], || async { banner(&relay, &second) }).await;
    relay.restart().await;
    let (third, _) = relay.hand_off().await;
    settles(&vec![ahead(2)], || async { banner(&relay, &third) }).await;
    assert_eq!((banner(&relay, &first).len(), banner(&relay, &second).len()), (1, 1), "nothing new");

    relay.alex().writes(&first_id, "Hello").await;
    settles(&vec![ahead(1), ahead(0)], || async { banner(&relay, &second) }).await;
    assert_eq!(banner(&relay, &first).len(), 1);
    let times: Vec<_> = of_banner(&relay, &second).into_iter().map(|call| call.at.as_millisecond()).collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 9_900), "{times:?}");
    relay.finish().await;
}

#[tokio::test]
async fn the_time_is_that_of_those_who_were_accepted_lately() {
    let relay = Setup::new().set("QUEUE_BANNER", "time").start().await;
    let (first, id) = relay.hand_off().await;
    let unknown = json!({ "unit": "unknown" });
    settles(&vec![unknown.clone()], || async { banner(&relay, &first) }).await;
    // They have waited longer than the next ones will until their banner comes. It is a minute for those.
    moment(Instant::now() + Duration::from_secs(8)).await;
    relay.alex().accepts(&id).await;
    let (second, _) = relay.hand_off().await;
    settles(&json!({ "unit": "time", "amount": 60 }), || async {
        banner(&relay, &second).into_iter().next().unwrap_or_default()
    })
    .await;
    relay.finish().await;
}

#[tokio::test]
async fn a_banner_that_ada_refuses_disturbs_nothing_and_is_given_up() {
    let relay = Setup::new().set("QUEUE_BANNER", "position").start().await;
    let refusal = ScriptedAnswer { status: 400, headers: Vec::new(), body: Value::Null };
    relay.ada.answer_next(Call::HandoffQueue, refusal);
    let (first, id) = relay.hand_off().await;
    soon("a refusal", relay.ada.until(|_| !of_banner(&relay, &first).is_empty())).await;
    let email = relay.ada.open_conversation_on("email");
    relay.ada.start_handoff(&email, json!({ "channel": "email" })).await.unwrap();
    let (third, _) = relay.hand_off().await;
    settles(&vec![ahead(2)], || async { banner(&relay, &third) }).await;
    // It would have changed, and been tried again by now.
    relay.alex().ends(&id).await;
    settles(&vec![ahead(2), ahead(1)], || async { banner(&relay, &third) }).await;
    assert_eq!(of_banner(&relay, &first).len(), 1);
    assert!(of_banner(&relay, &email).is_empty(), "it is no chat");
    assert_eq!(relay.alex().history(&id).await, ["started", "ended"]);
    assert!(relay.alex().rows(&id).await.iter().all(|row| row["delivery"]["state"] != "failed"));
    relay.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_relays_tell_and_show_everything_once() {
    let url = postgres::shared().database().await;
    let setup = || {
        let setup = Setup::new().set("DATABASE_URL", &url).set("DATABASE_MAX_CONNECTIONS", "4");
        setup.set("QUEUE_BANNER", "position").set("ACCEPT_TEXT", "{agent} is here.")
    };
    let mut one = setup().start().await;
    let other = setup().set("ADA_BASE_URL", one.ada_url()).start().await;
    let (first, first_id) = one.hand_off().await;
    let (second, _) = one.hand_off().await;
    settles(&vec![ahead(0)], || async { banner(&one, &first) }).await;
    settles(&vec![ahead(1)], || async { banner(&one, &second) }).await;
    other.alex().accepts(&first_id).await;
    other.gets(&customer_says(&first, "Hello?")).await;
    sees(&one, &first, &[("Alex", "Alex is here.")]).await;
    settles(&vec![ahead(1), ahead(0)], || async { banner(&one, &second) }).await;
    // Whoever led is gone: the other goes on.
    one.stop().await;
    let third = one.ada.open_conversation();
    one.ada.set_targets(format!("{}/webhooks/message", other.url), format!("{}/handoffs/start", other.url));
    assert_eq!(one.ada.start_handoff(&third, json!({})).await.unwrap(), 200);
    settles(&vec![ahead(1)], || async { banner(&one, &third) }).await;
    assert_eq!((banner(&one, &first).len(), banner(&one, &second).len()), (1, 2));
    assert_eq!(seen(&one, &first).len(), 1);
}
