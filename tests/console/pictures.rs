//! Pictures of the console for the README and the guides.

use serde_json::json;

use crate::{
    desk::Desk,
    support::{eventually, relay::Relay},
};

/// Who was handed over, how many minutes ago, why, and what they wrote.
const CUSTOMERS: [(&str, i64, &str, &str); 7] = [
    ("Amara Okafor", 9, "refund", "I sent the shoes back two weeks ago, and nothing has come of it yet."),
    ("Jonas Weber", 6, "delivery", "Could the parcel go to my neighbour instead?"),
    ("李小龙", 4, "account", "我忘记了密码，也收不到邮件。"),
    ("Leïla Haddad", 3, "billing", "مرحبا، وصلتني فاتورتان لنفس الطلب"),
    ("Tom Baker", 1, "order", "Can I still change the size of order A-1077? 🙏"),
    ("Priya Raman", 12, "delivery", "It says delivered, but there is nothing at my door."),
    ("Maria Silva", 17, "billing", "I was charged twice for order A-1042."),
];

/// Writes `docs/console-*.png`: `scripts/test --test console -- --ignored pictures`.
#[tokio::test]
#[ignore = "writes the pictures in docs/"]
async fn pictures() {
    let mut relay = Relay::start().await;
    let mut handoffs = Vec::new();
    for (name, minutes, category, text) in CUSTOMERS {
        let handoff = begin(&relay, name, category, text).await;
        handoffs.push((handoff, minutes));
    }
    let [.., (priya, _), (maria, _)] = &handoffs[..] else { unreachable!() };
    relay.agent("Sam").accepts(priya).await;
    let talk = [
        ("agent", "Hello Maria, this is Alex. Sorry about that, let me look."),
        ("note", "The second charge is a reservation that was never released. Billing can cancel it."),
        ("customer", "Thank you! The second one is from this morning, **49.90 €**."),
        ("agent", "I see both. The second is only a reservation by your bank:\n- nothing was taken\n- it goes away by itself within three days\n\nMore about it: https://acme.example/help/reservations"),
        ("customer", "Oh, that is good to know. And the receipt shows only the first one?"),
    ];
    for (who, text) in talk {
        says(&relay, maria, who, text).await;
    }
    settle(&relay).await;
    relay.stop().await;
    for (handoff, minutes) in &handoffs {
        relay.change_file(MAKE_OLDER, &json!([handoff, minutes]).to_string()).await;
        relay.change_file(MAKE_ROWS_OLDER, &json!([handoff, minutes]).to_string()).await;
    }
    relay.start_again_there().await;

    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.opens(&handoffs[0].0).await;
    desk.shows("#messages .bubble", "shoes").await;
    desk.is_pictured("queue", 1280, 800, 1).await;
    desk.clicks("#tab-mine").await;
    desk.opens(maria).await;
    desk.shows("#messages .bubble", "receipt").await;
    desk.clicks("#composer-text").await;
    desk.types("Yes, exactly: ").await;
    desk.is_pictured("conversation", 1280, 800, 1).await;
    desk.is_pictured("phone", 390, 844, 2).await;
    desk.closes().await;
}

async fn begin(relay: &Relay, name: &str, category: &str, text: &str) -> String {
    let conversation = relay.ada.open_conversation();
    relay.ada.customer_says(&conversation, text).await.unwrap();
    let context = json!({
        "name": name,
        "email": format!("{}@example.com", category),
        "account_number": "AC-20817",
        "issue_category": category,
        "language": "en",
        "plan": "Plus",
    });
    assert_eq!(relay.ada.start_handoff(&conversation, context).await.unwrap(), 200);
    relay.alex().handoff_of(&conversation).await["id"].as_str().unwrap().to_owned()
}

async fn says(relay: &Relay, handoff: &str, who: &str, text: &str) {
    let alex = relay.alex();
    match who {
        "agent" => drop(alex.writes(handoff, text).await),
        "note" => drop(alex.post(&format!("/handoffs/{handoff}/notes"), &json!({ "text": text })).await.good(201)),
        _ => {
            let conversation = alex.handoff(handoff).await["conversation_id"].as_str().unwrap().to_owned();
            relay.ada.customer_says(&conversation, text).await.unwrap();
        }
    }
    eventually(text, async || {
        let rows = alex.rows(handoff).await;
        let row = rows.iter().find(|row| row["content"]["body"] == text)?;
        (who != "agent" || row["delivery"]["state"] == "confirmed").then_some(())
    })
    .await;
}

/// Waits until nothing is left to do.
async fn settle(relay: &Relay) {
    eventually("peace", async || (relay.left_over().await == (0, 0) && relay.ada.is_idle()).then_some(())).await;
}

/// Minutes in the store are microseconds; both take `[handoff, minutes]`.
const MAKE_OLDER: &str = "UPDATE handoffs SET doc = json_set(doc,
        '$.created_at', json_extract(doc, '$.created_at') - json_extract(?1, '$[1]') * 60000000,
        '$.accepted_at', json_extract(doc, '$.accepted_at') - json_extract(?1, '$[1]') * 60000000 + 90000000)
    WHERE id = json_extract(?1, '$[0]')";
/// Within the thread 70 seconds lie between two rows.
const MAKE_ROWS_OLDER: &str = "UPDATE thread_rows SET doc = json_set(doc,
        '$.at', json_extract(doc, '$.at') - json_extract(?1, '$[1]') * 60000000 + seq * 70000000)
    WHERE handoff = json_extract(?1, '$[0]') AND seq > 3";

impl Desk {
    /// Writes `docs/console-<name>.png`.
    async fn is_pictured(&self, name: &str, width: u32, height: u32, scale: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": scale, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        self.misses(".toast").await;
        let path = format!("{}/docs/console-{name}.png", env!("CARGO_MANIFEST_DIR"));
        // What the new size sets going comes to rest.
        self.js::<()>("document.getAnimations().forEach((one) => one.finish())", &[]).await;
        std::fs::write(path, self.driver().screenshot_as_png().await.unwrap()).unwrap();
    }
}
