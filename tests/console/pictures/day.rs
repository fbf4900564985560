//! A day of a made-up shop's support: two teams, six agents, a lead, and forty who wait.

use handoff_relay::store::sessions::Digest;
use jiff::Timestamp;
use sandbox::webhook::{Author, MessageEvent, message_event};
use serde_json::{Value, json};

use super::{
    clock::{Pace, lay_out, yesterday},
    people::{ACTIVE, Customer, MARIA, OVER, WAITING},
};
use crate::support::{
    agent::Agent,
    answer::Answer,
    events::Webhook,
    eventually,
    relay::{INTEGRATION, Relay, Setup, token_of},
};

/// Agents, their team, and how many conversations each takes.
const AGENTS: [(&str, &str, u32); 6] = [
    ("Alex", "Orders", 4),
    ("Priya", "Orders", 1),
    ("Mei", "Orders", 1),
    ("Sam", "Payments", 3),
    ("Jonas", "Payments", 1),
    ("Lena", "Payments", 3),
];
const LEAD: &str = "Kim";
const LONGEST_WAIT: &str = "48m";

/// Who answers whom yesterday, and at which hours something began.
const YESTERDAY: [(i64, i64); 24] = [
    (8, 4),
    (8, 31),
    (8, 50),
    (9, 7),
    (9, 15),
    (9, 40),
    (9, 52),
    (10, 3),
    (10, 20),
    (10, 33),
    (10, 48),
    (11, 12),
    (11, 45),
    (12, 20),
    (13, 5),
    (13, 31),
    (14, 2),
    (14, 27),
    (14, 44),
    (15, 13),
    (15, 50),
    (16, 21),
    (17, 5),
    (17, 38),
];

/// The relay on that day, and who is on the pictures.
pub struct Day {
    pub relay: Relay,
    pub maria: (String, String),
    /// Sam's, which is handed over to Alex.
    pub ruth: String,
}

fn token(agent: &str) -> String {
    match agent {
        "Alex" | "Sam" | "Kim" => token_of(agent).to_owned(),
        other => format!("token-of-{}-0123456789", other.to_lowercase()),
    }
}

/// The API as an agent has it.
pub fn agent(relay: &Relay, name: &str) -> Agent {
    Agent::new(relay.http.clone(), &relay.agents_url, &token(name))
}

fn settings(assignment: &str) -> String {
    let digest = |name: &str| Digest::of(&token(name)).as_str().to_owned();
    let agents = AGENTS.map(|(name, team, limit)| {
        let digest = digest(name);
        format!("[[agents]]\nname = \"{name}\"\ntoken_sha256 = \"{digest}\"\nteams = [\"{team}\"]\nlimit = {limit}\n")
    });
    let lead =
        format!("[[agents]]\nname = \"{LEAD}\"\ntoken_sha256 = \"{}\"\nrole = \"lead\"\n", digest(LEAD));
    let teams = format!(
        "default_team = \"Orders\"\noutcomes = [\"solved\", \"not solved\", \"forwarded\", \"nobody there\"]\n\
         [[teams]]\nname = \"Orders\"\nassignment = \"{assignment}\"\n[[teams]]\nname = \"Payments\"\n\
         [[routes]]\nname = \"Gold customers\"\ncontext.plan = \"Gold\"\ncontext.category = \"Payment\"\n\
         context.order = {{ present = true }}\nteam = \"Orders\"\npriority = \"high\"\n\
         [[routes]]\nname = \"Money and accounts\"\ncontext.category = [\"Payment\", \"Account\"]\nteam = \"Payments\"\n"
    );
    format!("{teams}{}{lead}", agents.concat())
}

impl Day {
    /// The day so far, at half past two: what is over, what agents have, and who waits.
    pub async fn begins() -> Self {
        let setup = Setup::new()
            .set("WAITING_TIMEOUT", LONGEST_WAIT)
            .set("OFFER_TIMEOUT", "2m")
            .set("CONSOLE_FIELDS", "category,plan,language");
        let mut relay = setup.start().await;
        relay.stop().await;
        relay.lists_agents(&settings("off"));
        relay.start_again().await;

        let (over, missed) = is_over(&relay).await;
        relay.is_at_rest().await;
        relay.stop().await;
        let long_ago = Pace { minutes: 49, seconds: 1 };
        lay_out(&relay, &missed.iter().map(|id| (id.clone(), long_ago)).collect::<Vec<_>>());
        relay.start_again().await;
        let (lead, missing) = (agent(&relay, LEAD), missed.len());
        eventually("those who were missed", async || {
            (lead.list("status=missed").await.len() == missing).then_some(())
        })
        .await;

        let mut handoffs = over;
        let mut ruth = String::new();
        for (name, minutes, customer, answer) in &ACTIVE {
            let (conversation, id) = is_handed_off(&relay, customer).await;
            is_answered(&relay, name, &id, *answer).await;
            match customer.name {
                "Nadia Rahman" => {
                    for text in ["Of course, here it is.", "Will the new one be here before the 6th?"] {
                        writes(&relay, &conversation, customer, text).await;
                    }
                }
                "Ruth Adler" => ruth.clone_from(&id),
                _ => {}
            }
            handoffs.push((id, Pace { minutes: *minutes, seconds: 100 }));
        }
        for (minutes, customer) in &WAITING {
            let (_, id) = is_handed_off(&relay, customer).await;
            handoffs.push((id, Pace { minutes: *minutes, seconds: 5 }));
        }
        let maria = marias(&relay).await;
        handoffs.push((maria.1.clone(), Pace { minutes: 9, seconds: 25 }));
        relay.is_at_rest().await;
        relay.stop().await;
        lay_out(&relay, &handoffs);
        relay.rewrites(&settings("least_busy"));
        relay.start_again().await;
        for name in ["Sam", "Priya", "Mei", "Jonas", LEAD] {
            agent(&relay, name).get("/session").await.good(200);
        }
        for name in ["Jonas", "Lena"] {
            let away = agent(&relay, name).request("PUT", "/session/duty");
            assert_eq!(Answer::to(away.json(&json!({ "state": "away" }))).await.status, 204);
        }
        Self { relay, maria, ruth }
    }
}

/// What is over, yesterday's and today's: the handoffs with their times, and those that nobody has accepted.
async fn is_over(relay: &Relay) -> (Vec<(String, Pace)>, Vec<String>) {
    let (mut all, mut missed) = (Vec::new(), Vec::new());
    for ((hour, minute), place) in YESTERDAY.into_iter().zip(0..) {
        let (_, _, customer, _) = &OVER[place % OVER.len()];
        let (_, id) = is_handed_off(relay, customer).await;
        let by = if matches!(customer.category, "Payment" | "Account") {
            ["Sam", "Lena"]
        } else {
            ["Mei", "Priya"]
        };
        if place % 11 == 4 {
            missed.push(id.clone());
        } else {
            is_done(relay, by[place % 2], &id, ["solved", "solved", "forwarded", "not solved"][place % 4])
                .await;
        }
        let seconds = 35 + i64::try_from(place % 5).unwrap() * 22;
        all.push((id, Pace { minutes: yesterday(hour, minute), seconds }));
    }
    for (name, minutes, customer, outcome) in &OVER {
        let (_, id) = is_handed_off(relay, customer).await;
        if name.is_empty() {
            missed.push(id.clone());
        } else {
            is_done(relay, name, &id, outcome).await;
        }
        all.push((id, Pace { minutes: *minutes, seconds: 80 }));
    }
    (all, missed)
}

/// A customer is handed off and has written. Gives the conversation and the handoff.
async fn is_handed_off(relay: &Relay, customer: &Customer) -> (String, String) {
    let conversation = relay.ada.open_conversation_on(customer.channel);
    let context = json!({
        "name": customer.name,
        "category": customer.category,
        "plan": customer.plan,
        "language": customer.language,
    });
    assert_eq!(relay.ada.start_handoff(&conversation, context).await.unwrap(), 200);
    let id = agent(relay, LEAD).handoff_of(&conversation).await["id"].as_str().unwrap().to_owned();
    writes(relay, &conversation, customer, customer.says).await;
    (conversation, id)
}

/// A customer writes, and the relay has shown it.
async fn writes(relay: &Relay, conversation: &str, customer: &Customer, text: &str) {
    let id = uuid::Uuid::now_v7().to_string();
    let mut event = message_event(MessageEvent {
        message_id: id.clone(),
        conversation_id: conversation.to_owned(),
        end_user_id: customer.name.to_owned(),
        handoff_integration: Some(INTEGRATION.to_owned()),
        timestamp: Timestamp::now(),
        created_at: Timestamp::now(),
        author: Author {
            role: "end_user".to_owned(),
            display_name: Some(customer.name.to_owned()),
            ..Author::default()
        },
        content: json!({"type": "text", "body": text}),
        ai_agent_domain: "acme.ada.support".to_owned(),
    });
    event["data"]["channel"]["modality"] = json!(customer.channel);
    Webhook::new(&id, event.to_string()).post(relay).await.good(200);
    let lead = agent(relay, LEAD);
    let handoff = lead.handoff_of(conversation).await["id"].as_str().unwrap().to_owned();
    has(relay, &handoff, text, &Value::Null).await;
}

async fn is_answered(relay: &Relay, name: &str, handoff: &str, answer: Option<&str>) {
    let agent = agent(relay, name);
    agent.accepts(handoff).await;
    if let Some(answer) = answer {
        agent.writes(handoff, answer).await;
        has(relay, handoff, answer, &json!("confirmed")).await;
        let seen = agent.handoff(handoff).await["last_message"]["seq"].clone();
        agent.post(&format!("/handoffs/{handoff}/read"), &json!({ "seq": seen })).await.good(204);
    }
}

async fn is_done(relay: &Relay, name: &str, handoff: &str, outcome: &str) {
    is_answered(relay, name, handoff, Some("Hello! I'll see to it.")).await;
    agent(relay, name)
        .post(&format!("/handoffs/{handoff}/end"), &json!({"outcome": outcome}))
        .await
        .good(200);
}

/// The one that the pictures follow: with an order, an identity, and a summary by the AI Agent.
async fn marias(relay: &Relay) -> (String, String) {
    let conversation = relay.ada.open_conversation();
    let context = json!({
        "name": MARIA.name,
        "email": "maria.silva@example.com",
        "category": MARIA.category,
        "plan": MARIA.plan,
        "language": MARIA.language,
        "order": "A-1077",
        "identity_verified": true,
        "handoff_reason": "Refunds need a person",
        "summary": "Two charges of 49.90 for order A-1077, both from this week. She wants one of them back.",
        "channel": "messaging",
    });
    assert_eq!(relay.ada.start_handoff(&conversation, context).await.unwrap(), 200);
    for text in [MARIA.says, "The second one is from this morning, **49.90 €**."] {
        writes(relay, &conversation, &MARIA, text).await;
    }
    let handoff = agent(relay, LEAD).handoff_of(&conversation).await["id"].as_str().unwrap().to_owned();
    (conversation, handoff)
}

/// Waits until a thread has a text, in this state of delivery.
pub async fn has(relay: &Relay, handoff: &str, text: &str, state: &Value) {
    let lead = agent(relay, LEAD);
    eventually(text, async || {
        let rows = lead.rows(handoff).await;
        let is_it = |row: &Value| row["content"]["body"] == text && row["delivery"]["state"] == *state;
        rows.iter().any(is_it).then_some(())
    })
    .await;
}
