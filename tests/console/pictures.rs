//! Pictures of the console for the README and the guides.

use jiff::Timestamp;
use sandbox::webhook::{Author, MessageEvent, message_event};
use serde_json::{Value, json};

use crate::{
    desk::Desk,
    support::{
        eventually,
        relay::{INTEGRATION, Relay},
    },
};

/// Who waits besides Maria: for how many minutes, and what they wrote last.
const OTHERS: [(&str, i64, &str); 5] = [
    ("Jonas Weber", 6, "Could the parcel go to my neighbour instead?"),
    ("Łukasz Nowak", 4, "I can't sign in any more, and the mail doesn't come."),
    ("Leïla Haddad", 3, "مرحبا، وصلتني فاتورتان لنفس الطلب"),
    ("Tom Baker", 1, "Can I still change the size? It's A-1077 🙏"),
    ("Priya Raman", 12, "It says delivered, but there is nothing at my door."),
];

/// What is said after the handoff was accepted, and by whom.
const TALK: [(&str, &str); 5] = [
    ("agent", "Hello Maria, this is Alex. Sorry about that, let me look."),
    ("note", "The second charge is a reservation that was never released. Billing can cancel it."),
    ("customer", "Thank you! The second one is from this morning, **49.90 €**."),
    (
        "agent",
        "I see both. The second is only a reservation by your bank:\n- nothing was taken\n- it goes away within \
         three days\n\nMore about it: https://acme.example/help",
    ),
    ("customer", "Oh, that is good to know. This receipt shows only the first one?"),
];
const RECEIPT: &[u8] = include_bytes!("../fixtures/receipt.png");
const LETTER: &[u8] = include_bytes!("../fixtures/files/sample.pdf");

/// Writes `docs/console-*.png`: `scripts/test --test console -- --ignored pictures`.
#[tokio::test]
#[ignore = "writes the pictures in docs/"]
async fn pictures() {
    let mut relay = Relay::start().await;
    let conversation = relay.ada.open_conversation();
    for text in ["I was charged twice for my shoes.", "Yes, a person please."] {
        relay.ada.customer_says(&conversation, text).await.unwrap();
    }
    let maria = relay.alex().handoff_of(&conversation).await["id"].as_str().unwrap().to_owned();
    let mut handoffs = vec![(maria.clone(), 9)];
    for (name, minutes, text) in OTHERS {
        handoffs.push((waits(&relay, name, text).await, minutes));
    }
    relay.agent("Sam").accepts(&handoffs[5].0).await;
    eventually("peace", async || (relay.left_over().await == (0, 0) && relay.ada.is_idle()).then_some(()))
        .await;
    relay.stop().await;
    for older in &handoffs {
        for sql in OLDER {
            relay.change_file(sql, &json!(older).to_string()).await;
        }
    }
    relay.comes_back().await;

    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.opens(&maria).await;
    desk.shows("#messages .bubble", "Yes, a person please.").await;
    desk.is_pictured("queue", 1280, 800, 1.0).await;
    desk.clicks("[data-action=accept]").await;
    desk.clicks("#tab-mine").await;
    for (who, text) in TALK {
        says(&relay, &conversation, &maria, who, text).await;
    }
    relay.ada.customer_sends_file(&conversation, "receipt.png", "image/png", RECEIPT).await.unwrap();
    relay.alex().sees_file(&maria, "receipt.png", "kept").await;
    relay.alex().sends(&maria, "Cancellation of the second charge.pdf", LETTER).await;
    eventually("the letter", async || {
        let rows = relay.alex().rows(&maria).await;
        let is_it = |row: &Value| {
            row["content"]["mime_type"] == "application/pdf" && row["delivery"]["state"] == "confirmed"
        };
        rows.iter().any(is_it).then_some(())
    })
    .await;
    desk.shows("#messages .bubble", "receipt").await;
    desk.clicks("#composer-text").await;
    desk.types("Yes, exactly: ").await;
    desk.misses("#queue-list [data-unread] .unread").await;
    desk.is_pictured("conversation", 1280, 800, 1.0).await;
    desk.follows_scheme("dark").await;
    desk.is_pictured("phone", 390, 844, 1.5).await;
    desk.closes().await;
}

/// Somebody is handed over and writes. Gives the handoff's id.
async fn waits(relay: &Relay, name: &str, text: &str) -> String {
    let conversation = relay.ada.open_conversation();
    let context = json!({"name": name, "plan": "Plus", "language": "en"});
    assert_eq!(relay.ada.start_handoff(&conversation, context).await.unwrap(), 200);
    let event = message_event(MessageEvent {
        message_id: format!("{conversation}-1"),
        conversation_id: conversation.clone(),
        end_user_id: name.to_owned(),
        handoff_integration: Some(INTEGRATION.to_owned()),
        timestamp: Timestamp::now(),
        created_at: Timestamp::now(),
        author: Author {
            role: "end_user".to_owned(),
            display_name: Some(name.to_owned()),
            ..Author::default()
        },
        content: json!({"type": "text", "body": text}),
        ai_agent_domain: "acme.ada.support".to_owned(),
    });
    relay.gets(&event).await;
    let handoff = relay.alex().handoff_of(&conversation).await["id"].as_str().unwrap().to_owned();
    has(relay, &handoff, text, &Value::Null).await;
    handoff
}

async fn says(relay: &Relay, conversation: &str, handoff: &str, who: &str, text: &str) {
    let alex = relay.alex();
    match who {
        "agent" => {
            alex.writes(handoff, text).await;
            return has(relay, handoff, text, &json!("confirmed")).await;
        }
        "note" => {
            alex.post(&format!("/handoffs/{handoff}/notes"), &json!({ "text": text })).await.good(201);
        }
        _ => {
            relay.ada.customer_says(conversation, text).await.unwrap();
        }
    }
    has(relay, handoff, text, &Value::Null).await;
}

/// Waits until a thread has a text, in this state of delivery.
async fn has(relay: &Relay, handoff: &str, text: &str, state: &Value) {
    eventually(text, async || {
        let rows = relay.alex().rows(handoff).await;
        let is_it = |row: &Value| row["content"]["body"] == text && row["delivery"]["state"] == *state;
        rows.iter().any(is_it).then_some(())
    })
    .await;
}

/// Makes a handoff older by minutes, and lays half a minute between the rows of its thread; takes
/// `[handoff, minutes]`. The store's times are microseconds.
const OLDER: [&str; 2] = [
    "UPDATE handoffs SET doc = json_set(doc,
        '$.created_at', json_extract(doc, '$.created_at') - json_extract(?1, '$[1]') * 60000000)
    WHERE id = json_extract(?1, '$[0]')",
    "UPDATE thread_rows SET doc = json_set(doc,
        '$.at', json_extract(doc, '$.at') - json_extract(?1, '$[1]') * 60000000 - (5 - place) * 30000000)
    FROM (SELECT id AS row, row_number() OVER (ORDER BY json_extract(doc, '$.at'), seq) AS place
        FROM thread_rows WHERE handoff = json_extract(?1, '$[0]'))
    WHERE id = row",
];

impl Desk {
    /// Writes `docs/console-<name>.png`.
    async fn is_pictured(&self, name: &str, width: u32, height: u32, scale: f64) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": scale, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        self.misses(".toast").await;
        // What the new size has set going comes to rest.
        self.js::<()>("document.getAnimations().forEach((one) => one.finish())", &[]).await;
        let path = format!("{}/docs/console-{name}.png", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(path, self.driver().screenshot_as_png().await.unwrap()).unwrap();
    }
}
