//! Pictures of the console for the README and the guides: a day of a made-up shop's support, as Alex and the lead see it.

mod clock;
mod day;
mod people;

use serde_json::{Value, json};
use thirtyfour::Key;

use self::day::{Day, agent, has};
use crate::{
    chromium::Chromium,
    desk::{Desk, row},
    support::{answer::Answer, eventually, relay::Relay},
};

const RECEIPT: &[u8] = include_bytes!("../../fixtures/receipt.png");
const LETTER: &[u8] = include_bytes!("../../fixtures/files/sample.pdf");
/// Width and height in CSS pixels.
const PHONE: (u32, u32) = (390, 844);
const TABLET: (u32, u32) = (768, 1024);
const LAPTOP: (u32, u32) = (1440, 900);
const SCREEN: (u32, u32) = (1920, 1080);

/// Writes `docs/pictures/`: `cargo test --locked --test console -- --ignored pictures`.
#[tokio::test]
#[ignore = "writes the pictures in docs/"]
async fn pictures() {
    let Day { relay, maria, ruth } = Day::begins().await;
    let alex = of(&relay, "Alex").await;
    alex.sees(&format!("{} .offer[data-mine]", row(&maria.1))).await;
    alex.is_pictured("queue", LAPTOP, "light").await;
    alex.is_pictured("queue-phone", PHONE, "light").await;
    alex.opens(&maria.1).await;
    alex.shows("#messages .bubble", "49.90").await;
    says(&relay, "Mei", &maria.1, "looking").await;
    alex.shows("#viewers", "Mei is looking at this").await;
    alex.is_pictured("offer", SCREEN, "dark").await;

    alex.combines("1").await;
    alex.sees("#composer-text:focus").await;
    talk(&relay, &maria).await;
    agent(&relay, "Sam")
        .post(
            &format!("/handoffs/{ruth}/hand-over"),
            &json!({"agent": "Alex", "note": "She needs a new voucher."}),
        )
        .await
        .good(200);
    alex.clicks("#tab-mine").await;
    alex.sees(&format!(".notice-of-handoff[data-handoff-id='{ruth}']")).await;
    alex.shows("#messages .bubble", "receipt").await;
    says(&relay, "Mei", &maria.1, "writing").await;
    alex.clicks("#composer-text").await;
    alex.types("Yes, exactly: ").await;
    alex.is_pictured("conversation", LAPTOP, "light").await;
    alex.clicks(".notice-of-handoff [aria-label=Dismiss]").await;
    alex.is_pictured("conversation-phone", PHONE, "dark").await;
    alex.is_pictured("conversation-tablet", TABLET, "light").await;

    alex.is_as_large_as(LAPTOP).await;
    alex.presses(Key::Control + "k" + Key::Null).await;
    alex.types("re").await;
    alex.is_pictured("palette", LAPTOP, "dark").await;
    alex.presses(Key::Escape).await;
    alex.combines("7").await;
    alex.sees("dialog.ask[data-ready] #hand-over-to").await;
    alex.is_pictured("hand-over", TABLET, "dark").await;
    alex.presses(Key::Escape).await;
    alex.misses("dialog.ask").await;
    alex.combines("3").await;
    alex.sees("dialog.ask[data-ready] input:focus").await;
    alex.types("1").await;
    alex.is_pictured("end", PHONE, "light").await;
    alex.presses(Key::Escape).await;
    alex.misses("dialog.ask").await;

    alex.is_as_large_as(LAPTOP).await;
    alex.clicks("#tab-missed").await;
    alex.sees("#queue-list .row").await;
    alex.clicks("#queue-list a").await;
    alex.sees("#messages .line").await;
    alex.is_pictured("missed", LAPTOP, "light").await;
    alex.closes().await;

    let kim = of(&relay, "Kim").await;
    kim.clicks("#reports-link").await;
    kim.clicks("[data-action=day-before]").await;
    kim.sees(".day-chart rect").await;
    for (name, size, scheme, part) in
        [("reports", LAPTOP, "light", "now-tiles"), ("reports-day", SCREEN, "dark", "day-agents")]
    {
        kim.is_as_large_as(size).await;
        let script = format!("document.querySelector('[data-part={part}]').scrollIntoView({{block: 'end'}})");
        kim.js::<()>(&script, &[]).await;
        kim.is_pictured(name, size, scheme).await;
    }
    kim.closes().await;
}

/// The console of somebody who has known it for long.
async fn of(relay: &Relay, name: &str) -> Desk {
    let desk = Desk::of_chromium(Chromium::open().await, relay).await;
    desk.is_at_half_past_two().await;
    desk.goes_to("/").await;
    desk.signs_in(name).await;
    desk.clicks("[data-action=welcomed]").await;
    desk
}

async fn says(relay: &Relay, name: &str, handoff: &str, state: &str) {
    let request = agent(relay, name).request("PUT", &format!("/handoffs/{handoff}/presence"));
    Answer::to(request.json(&json!({ "state": state }))).await.good(200);
}

/// What is said after Maria was accepted.
async fn talk(relay: &Relay, (conversation, handoff): &(String, String)) {
    let alex = agent(relay, "Alex");
    let answers = async |text: &str| {
        alex.writes(handoff, text).await;
        has(relay, handoff, text, &json!("confirmed")).await;
    };
    let asks = async |text: &str| {
        relay.ada.customer_says(conversation, text).await.unwrap();
        has(relay, handoff, text, &Value::Null).await;
    };
    answers("Hello Maria, this is Alex. Sorry about that, let me look.").await;
    let note = "The second charge is a reservation that was never released. Payments can cancel it.";
    alex.post(&format!("/handoffs/{handoff}/notes"), &json!({ "text": note })).await.good(201);
    asks("Thank you!").await;
    answers(
        "I see both. The second is only a reservation by your bank:\n- nothing was taken\n- it goes away within three \
         days\n\nMore about it: https://shop.example/help",
    )
    .await;
    asks("Oh, that is good to know. This receipt shows only the first one?").await;
    relay.ada.customer_sends_file(conversation, "receipt.png", "image/png", RECEIPT).await.unwrap();
    alex.sees_file(handoff, "receipt.png", "kept").await;
    alex.sends(handoff, "Cancellation of the second charge.pdf", LETTER).await;
    eventually("the letter", async || {
        let is_it = |row: &Value| {
            row["content"]["mime_type"] == "application/pdf" && row["delivery"]["state"] == "confirmed"
        };
        alex.rows(handoff).await.iter().any(is_it).then_some(())
    })
    .await;
}

impl Desk {
    async fn is_as_large_as(&self, (width, height): (u32, u32)) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Writes `docs/pictures/<name>.png`.
    async fn is_pictured(&self, name: &str, size: (u32, u32), scheme: &str) {
        self.is_as_large_as(size).await;
        self.follows_scheme(scheme).await;
        self.misses(".toast:not(.notice-of-handoff)").await;
        // What the new size has set going comes to rest.
        self.js::<()>("document.getAnimations().forEach((one) => one.finish())", &[]).await;
        let folder = format!("{}/docs/pictures", env!("CARGO_MANIFEST_DIR"));
        std::fs::create_dir_all(&folder).unwrap();
        let path = format!("{folder}/{name}.png");
        std::fs::write(&path, self.driver().screenshot_as_png().await.unwrap()).unwrap();
    }
}
