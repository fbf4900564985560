//! What axe-core finds on each view, light and dark.

use sandbox::FileFault;
use serde_json::json;
use thirtyfour::Key;

use crate::{
    desk::{Desk, OnDisk, row},
    offers::relay_that_offers,
    samples::{self, PDF, PROGRAM},
    support::{
        answer::Answer,
        relay::{Relay, Setup},
    },
    team::relay_with_teams,
    triage::{says, waits},
};

/// The rules of WCAG 2.2 at levels A and AA, those of its predecessors included.
const RULES: [&str; 5] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

const RUN: &str = "const done = arguments[arguments.length - 1];
    axe.run(document, {runOnly: {type: 'tag', values: arguments[0]}, preload: false}).then(
        ({violations}) => done(violations.map(({id, nodes}) => ({id, nodes: nodes.map((node) => node.html + ' ' + node.failureSummary)}))),
        (error) => done([String(error)]))";

impl Desk {
    /// Looks for violations in light and dark.
    pub async fn is_accessible(&self, view: &str) {
        if !self.js::<bool>("return 'axe' in window", &[]).await {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/console/node_modules/axe-core/axe.min.js");
            let axe = std::fs::read_to_string(path).expect("axe-core, which scripts/test installs");
            self.js::<()>(&axe, &[]).await;
        }
        for scheme in ["light", "dark"] {
            self.follows_scheme(scheme).await;
            // What is half faded in has too little contrast.
            let moves = "return document.getAnimations().some(
                (one) => one.effect.getComputedTiming().endTime !== Infinity && one.playState === 'running')";
            self.comes_to(moves, json!(false)).await;
            let found = self.driver().execute_async(RUN, vec![json!(RULES)]).await.unwrap();
            assert_eq!(*found.json(), json!([]), "{view}, {scheme}");
        }
    }

    /// Has the system's colours be `light` or `dark`.
    pub async fn follows_scheme(&self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }
}

#[tokio::test]
async fn every_view_keeps_the_rules() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::open(&relay).await;
    desk.sees("#sign-in").await;
    desk.is_accessible("sign-in").await;
    desk.types("wrong").await;
    desk.clicks("#sign-in-button").await;
    desk.shows("#sign-in-problem", "not valid").await;
    desk.is_accessible("refused sign-in").await;
    desk.js::<()>("document.getElementById('token').value = ''", &[]).await;
    desk.signs_in("Alex").await;

    desk.is_accessible("queue").await;
    desk.clicks("#filter-toggle").await;
    desk.sees("#filters select").await;
    desk.is_accessible("filters").await;
    desk.clicks("#filter-toggle").await;
    desk.opens(&handoff).await;
    desk.is_accessible("waiting conversation").await;
    desk.clicks("[data-action=accept]").await;
    relay.ada.customer_says(&conversation, "Hello, *you*: https://example.com").await.unwrap();
    desk.shows("#messages .bubble", "Hello").await;
    desk.writes("Good morning.").await;
    desk.has_message("Good morning.", "confirmed").await;
    desk.is_accessible("active conversation").await;
    for dialog in ["settings", "canned", "keys"] {
        desk.clicks("#account").await;
        desk.clicks(&format!("[data-action={dialog}]")).await;
        desk.sees("dialog[open]").await;
        desk.is_accessible(dialog).await;
        desk.clicks("dialog[open] [data-close]").await;
    }
    desk.clicks("#conversation-actions [data-action=end]").await;
    desk.sees("dialog.ask").await;
    desk.is_accessible("question").await;
    desk.confirms("End the conversation").await;
    desk.is_accessible("ended conversation").await;
    desk.closes_after(&["status of 401"]).await;
}

#[tokio::test]
async fn a_full_queue_keeps_them_too() {
    let relay = Setup::new().set("WAITING_TIMEOUT", "10s").start().await;
    // The time that they wait must not go by while the browser starts.
    let desk = Desk::of_agent(&relay, "Alex").await;
    let context = json!({"name": "Ana", "category": "Billing", "plan": "Pro", "language": "pt", "verified": false,
        "summary": "Was charged twice.", "handoff_reason": "A refund needs a person."});
    let (_, summed) = waits(&relay, context.clone()).await;
    let (conversation, handoff) = waits(&relay, context).await;
    says(&relay, &conversation, "Hello", "email").await;
    desk.sees(&format!("{} .alias", row(&handoff))).await;
    desk.shows(&format!("{} .when", row(&summed)), "left").await;
    desk.is_accessible("rows").await;
    desk.clicks("#tab-missed").await;
    desk.sees(&row(&summed)).await;
    desk.opens(&handoff).await;
    desk.sees("#details .gist").await;
    desk.is_accessible("a missed conversation").await;
    // Ada knows this customer by the same id.
    let (again, handoff) = waits(&relay, json!({"name": "Ana"})).await;
    says(&relay, &again, "Hello again", "sms").await;
    desk.clicks("#tab-waiting").await;
    desk.opens(&handoff).await;
    desk.sees("#details .earlier summary").await;
    desk.is_accessible("earlier handoffs").await;
    desk.closes().await;
}

#[tokio::test]
async fn what_is_offered_and_what_is_looked_for_keep_them_too() {
    let relay = relay_that_offers("1h").await;
    let reply = json!({ "title": "Order", "text": "Your order {nope} is on its way." });
    relay.alex().post("/canned-replies", &reply).await.good(201);
    let desk = Desk::of_agent(&relay, "Alex").await;
    let (_, handoff) = relay.hand_off().await;
    relay.agent("Sam").get("/session").await.good(200);
    let (_, of_sam) = relay.hand_off().await;
    desk.shows(&format!("{} .offer", row(&of_sam)), "Offered to Sam").await;
    desk.opens(&handoff).await;
    desk.sees("#conversation-actions [data-action=decline]").await;
    desk.is_accessible("offers").await;
    desk.clicks("#composer-text").await;
    desk.types("/ord").await;
    desk.sees("#canned-preview mark").await;
    desk.is_accessible("a preview").await;
    desk.presses(Key::Enter).await;
    desk.sees("#composer-marks mark").await;
    desk.is_accessible("a field that is empty").await;
    for (text, view) in [("", "the palette"), ("nothing like it", "the palette without a match")] {
        desk.presses(Key::Control + "k" + Key::Null).await;
        desk.sees("#palette[open]").await;
        desk.types(text).await;
        desk.is_accessible(view).await;
        desk.presses(Key::Escape).await;
        desk.misses("#palette").await;
    }
    desk.closes().await;
}

#[tokio::test]
async fn what_agents_see_of_each_other_keeps_them_too() {
    let relay = Relay::start().await;
    let (_, handoff) = relay.hand_off().await;
    let (_, given) = relay.hand_off().await;
    let (_, more) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    let sam = relay.agent("Sam");
    desk.clicks("#duty").await;
    desk.shows("#duty", "Away").await;
    desk.clicks("#colleagues-toggle").await;
    desk.sees("#colleagues li").await;
    desk.is_accessible("colleagues").await;
    desk.presses(Key::Escape).await;

    sam.accepts(&given).await;
    sam.post(&format!("/handoffs/{given}/hand-over"), &json!({"agent": "Alex"})).await.good(200);
    desk.sees(".notice-of-handoff [data-action=give-back]").await;
    desk.accepts(&handoff).await;
    desk.types("I have looked").await;
    Answer::to(
        sam.request("PUT", &format!("/handoffs/{handoff}/presence")).json(&json!({"state": "writing"})),
    )
    .await
    .good(200);
    desk.shows("#viewers", "Sam is writing").await;
    desk.is_accessible("in company").await;
    sam.post(&format!("/handoffs/{handoff}/accept"), &json!({"take_over": true})).await.good(200);
    desk.sees(".notice-of-handoff [data-action=copy-draft]").await;
    desk.sees("#composer-draft blockquote").await;
    desk.is_accessible("taken over").await;
    desk.clicks(".notice-of-handoff [data-action=give-back]").await;
    desk.sees("dialog.ask #give-back-note").await;
    desk.is_accessible("give back").await;
    desk.clicks("dialog.ask [value=no]").await;
    desk.clicks("#tab-waiting").await;
    desk.accepts(&more).await;
    desk.clicks("#conversation-actions [data-action=end]").await;
    desk.sees("dialog.ask .chip").await;
    desk.is_accessible("outcomes").await;
    desk.closes().await;
}

#[tokio::test]
async fn files_keep_them_too() {
    let relay = Relay::start().await;
    let (conversation, handoff) = relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Alex").await;
    desk.accepts(&handoff).await;
    let map = OnDisk::new("map.png", samples::png(640, 360));
    let (log, program) = (OnDisk::new("day.log", samples::log(4 << 20)), OnDisk::new("setup.exe", PROGRAM));
    let files = [
        ("map.png", "image/png", samples::png(640, 360)),
        ("form.pdf", "application/pdf", PDF.into()),
        ("voice.wav", "audio/wav", samples::wav()),
    ];
    for (name, mime_type, bytes) in files {
        relay.ada.customer_sends_file(&conversation, name, mime_type, bytes).await.unwrap();
    }
    desk.sees("#messages audio").await;
    desk.sees_picture("#messages .picture img").await;
    desk.is_accessible("files").await;
    desk.clicks("#messages .picture").await;
    desk.sees("#lightbox[open] img").await;
    desk.is_accessible("picture").await;
    desk.clicks("#lightbox [data-action=close]").await;

    relay.ada.file_fault_always(Some(FileFault::Status(403)));
    relay.ada.customer_sends_file(&conversation, "lost.pdf", "application/pdf", PDF).await.unwrap();
    desk.sees("#messages .file-failure").await;
    desk.uploads_at(100_000).await;
    desk.attaches(&[&log, &map]).await;
    desk.sends().await;
    desk.sees("#pending progress").await;
    desk.attaches(&[&map, &program]).await;
    desk.sees("#attachments [data-fault]").await;
    desk.is_accessible("files on their way").await;
    desk.drags(&[&map], "#thread", "dragEnter").await;
    desk.sees("#drop").await;
    desk.is_accessible("files above the page").await;
    desk.closes().await;
}

#[tokio::test]
async fn the_reports_keep_them_too() {
    let relay = relay_with_teams().await;
    let (_, handoff) = relay.hand_off().await;
    relay.agent("Alex").accepts(&handoff).await;
    let ending = json!({"outcome": "solved"});
    relay.agent("Alex").post(&format!("/handoffs/{handoff}/end"), &ending).await.good(200);
    relay.hand_off().await;
    let desk = Desk::of_agent(&relay, "Kim").await;
    desk.clicks("#reports-link").await;
    desk.sees("#reports .ends").await;
    desk.sees("[data-part=now-agents] table").await;
    desk.clicks("#reports summary").await;
    for (width, height) in [(1440, 900), (390, 844)] {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        desk.devtools("Emulation.setDeviceMetricsOverride", size).await;
        desk.is_accessible(&format!("reports, {width} wide")).await;
        let wide = "return document.documentElement.scrollWidth <= innerWidth
            && document.querySelector('.reports-body').scrollWidth <= document.querySelector('.reports-body').clientWidth";
        desk.comes_to(wide, json!(true)).await;
    }
    desk.closes().await;
}
