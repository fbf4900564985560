//! Limits of two relays on one database.

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{
    answer::Answer,
    browser::Browser,
    events::customer_says,
    postgres,
    relay::{Relay, Setup},
};

const ALEX: &str = "token-of-alex-0123456789";

async fn two(key: &str) -> [Relay; 2] {
    let url = postgres::shared().database().await;
    let setup = || Setup::new().set("DATABASE_URL", &url).set("DATABASE_MAX_CONNECTIONS", "4");
    [setup().set("HANDOFF_AUTH_KEY", key).start().await, setup().set("HANDOFF_AUTH_KEY", key).start().await]
}

fn browser(relay: &Relay) -> Browser {
    Browser::new(relay.http.clone(), &relay.agents_url)
}

#[tokio::test]
async fn whoever_guesses_has_to_wait_at_both() {
    let relays = two("start-key-of-the-tests").await;
    let guess = async |number: usize| {
        let guess = json!({ "token": "token-of-nobody-0123456789" });
        browser(&relays[number % 2]).signs_in(&guess).await
    };
    for number in 0..5 {
        guess(number).await.problem(401);
    }
    for number in 0..2 {
        let refused = guess(number).await;
        refused.problem(429);
        let wait: u64 = refused.header("retry-after").parse().unwrap();
        assert!((580..=600).contains(&wait), "{wait}");
    }
    browser(&relays[1]).signs_in(&json!({ "token": ALEX })).await.good(200);

    // The link of one signs in at the other, once.
    let code = json!({ "code": relays[0].sign_in_link.split_once("#code=").unwrap().1 });
    browser(&relays[1]).signs_in(&code).await.good(200);
    browser(&relays[0]).signs_in(&code).await.problem(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_sixty_handoffs_may_begin_at_both() {
    let relays = two("off").await;
    let start = async |number: usize, conversation: usize| {
        let body = json!({ "conversation_id": format!("c{conversation}") });
        let relay = &relays[number % 2];
        Answer::to(relay.http.post(format!("{}/handoffs/start", relay.url)).json(&body)).await
    };
    let answers = join_all((0..100).map(|number| start(number, number))).await;
    let begun = |answer: &Answer| answer.status == 200;
    assert_eq!(answers.iter().filter(|answer| begun(answer)).count(), 60);
    let running = answers.iter().position(begun).unwrap();
    // What runs is answered for, at both, and takes nobody's place.
    for number in 0..4 {
        start(number, running).await.good(200);
        start(number, 100 + number).await.problem(429);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_is_sent_arrives_at_the_agents_of_the_other() {
    let url = postgres::shared().database().await;
    let setup = || {
        let setup = Setup::new().set("DATABASE_URL", &url).set("DATABASE_MAX_CONNECTIONS", "4");
        setup.set("DEBOUNCE_MS", "2000").set("DEBOUNCE_MAX_MS", "2000")
    };
    let relays = [setup().start().await, setup().start().await];
    let id = relays[0].start_call("c").await;
    let mut stream = relays[1].alex().stream(None).await.ready().await;
    relays[0].gets(&customer_says("c", "Hello")).await;
    let events = stream.until(|event| event.says("Hello")).await;
    let told: Vec<_> = events.iter().filter(|event| event.kind == "arriving").collect();
    assert_eq!(told.len(), 1, "{events:?}");
    assert_eq!(
        (&told[0].data["message_id"], &told[0].data["handoff_id"]),
        (&events.last().unwrap().data["message_id"], &json!(id))
    );

    relays[1].gets(&customer_says("c", "Is anybody there?")).await;
    let page = relays[0].alex().get(&format!("/handoffs/{id}/messages")).await.good(200);
    assert_eq!(page["arriving"][0]["content"]["body"], "Is anybody there?");
}
