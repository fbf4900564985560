//! A way through all views and dialogs, for tests that look at each of them.

use sandbox::{Call, Fault, FileFault};
use serde_json::{Value, json};
use thirtyfour::Key;

use crate::{
    desk::{Desk, OnDisk, row},
    samples::{self, PDF, PROGRAM},
    support::{answer::Answer, relay::Relay},
    team::relay_with_teams,
    triage::{says, waits},
};

/// What customers, agents and Ada say in it, besides the names in the settings.
pub const DATA: [&str; 33] = [
    "handoff-relay",
    "acme.ada.support",
    "Acme assistant",
    "acme",
    "Maria Silva",
    "Priya Raman",
    "Billing",
    "Support",
    "Pro",
    "priya@example.com",
    "A refund needs a person.",
    "Was charged twice.",
    "Plan",
    "Category",
    "Summary",
    "Good morning.",
    "Look at the invoice.",
    "Refused.",
    "Greeting",
    "map.png",
    "form.pdf",
    "lost.pdf",
    "setup.exe",
    "day.log",
    "Hello",
    "Solved",
    "Called back",
    "{nope}",
    "PDF",
    "LOG",
    "CSV",
    "Ada answered 400: Bad Request",
    "the file's server no longer serves it (403 Forbidden): its address may have expired",
];

/// A relay with teams, whose console comes from a folder.
pub async fn relay_of(folder: &str) -> Relay {
    let mut relay = relay_with_teams().await;
    relay.set("CONSOLE_DIR", folder);
    relay.set("OUTCOMES", "solved, called back");
    relay.restart().await;
    relay
}

/// Goes through the console as Kim, who sees everything, and looks at each view.
pub async fn go_through(relay: &Relay, desk: &Desk, look: impl AsyncFn(&str)) {
    desk.sees("#sign-in").await;
    look("sign-in").await;
    desk.types("wrong").await;
    desk.clicks("#sign-in-button").await;
    desk.sees("#sign-in-problem:not(:empty)").await;
    look("a refused sign-in").await;
    desk.js::<()>("document.getElementById('token').value = ''", &[]).await;
    desk.signs_in("Kim").await;
    for list in ["mine", "everyone", "missed", "ended", "waiting"] {
        desk.clicks(&format!("#tab-{list}")).await;
        desk.sees("#queue-empty").await;
        look(&format!("no conversations in {list}")).await;
    }
    let handoff = the_queue(relay, desk, &look).await;
    the_conversation(relay, desk, &handoff, &look).await;
    the_dialogs(desk, &look).await;
    others(relay, desk, &handoff, &look).await;
    the_end(relay, desk, &look).await;
}

/// Gives the handoff of a customer of whom much is known.
async fn the_queue(relay: &Relay, desk: &Desk, look: &impl AsyncFn(&str)) -> String {
    relay.hand_off().await;
    let context = json!({"name": "Priya Raman", "category": "Billing", "plan": "Pro", "language": "pt", "verified": false,
        "email": "priya@example.com", "summary": "Was charged twice.", "handoff_reason": "A refund needs a person."});
    waits(relay, context.clone()).await;
    let (conversation, handoff) = waits(relay, context).await;
    says(relay, &conversation, "Hello", "email").await;
    desk.sees(&row(&handoff)).await;
    look("the queue").await;
    desk.clicks("#colleagues-toggle").await;
    desk.sees("#colleagues li").await;
    look("colleagues").await;
    desk.presses(Key::Escape).await;
    desk.clicks("#account").await;
    look("the menu").await;
    desk.presses(Key::Escape).await;
    desk.clicks("#filter-toggle").await;
    desk.js::<()>(
        "const select = document.querySelector('#filters [name=\"field:plan\"]');
        select.value = 'Pro'; select.dispatchEvent(new Event('change'))",
        &[],
    )
    .await;
    desk.sees("#filter-chips button").await;
    look("filters").await;
    desk.clicks("#filter-chips button").await;
    desk.clicks("#filter-toggle").await;
    desk.clicks("#search").await;
    desk.types("nothing like it").await;
    desk.sees("#queue-empty").await;
    look("a search without a match").await;
    desk.presses(Key::Escape).await;
    desk.opens(&handoff).await;
    look("a waiting conversation").await;
    handoff
}

async fn the_conversation(relay: &Relay, desk: &Desk, handoff: &str, look: &impl AsyncFn(&str)) {
    let conversation =
        relay.agent("Kim").handoff(handoff).await["conversation_id"].as_str().unwrap().to_owned();
    let reply = json!({"title": "Greeting", "text": "Good morning. {nope}"});
    relay.agent("Kim").post("/canned-replies", &reply).await.good(201);
    desk.clicks("[data-action=accept]").await;
    desk.sees("#conversation[data-status=active] #composer-text").await;
    desk.writes("Good morning.").await;
    desk.has_message("Good morning.", "confirmed").await;
    desk.presses(Key::Control + Key::Shift + "4").await;
    desk.sees("#composer[data-mode=note]").await;
    look("a note to be written").await;
    desk.writes("Look at the invoice.").await;
    desk.sees("#messages [data-kind=note]").await;
    desk.presses(Key::Control + Key::Shift + "4").await;
    relay.ada.fault_next(Call::SendMessage, Fault::Status { status: 400, retry_after: None });
    desk.writes("Refused.").await;
    desk.has_message("Refused.", "failed").await;
    relay
        .ada
        .customer_sends_file(&conversation, "map.png", "image/png", samples::png(640, 360))
        .await
        .unwrap();
    relay.ada.customer_sends_file(&conversation, "form.pdf", "application/pdf", PDF).await.unwrap();
    desk.sees_picture("#messages .picture img").await;
    look("files").await;
    desk.clicks("#messages .picture").await;
    desk.sees("#lightbox[open] img").await;
    look("a picture").await;
    desk.clicks("#lightbox [data-action=close]").await;
    relay.ada.file_fault_always(Some(FileFault::Status(403)));
    relay.ada.customer_sends_file(&conversation, "lost.pdf", "application/pdf", PDF).await.unwrap();
    desk.sees("#messages .file-failure").await;
    let (log, program) = (OnDisk::new("day.log", samples::log(4 << 20)), OnDisk::new("setup.exe", PROGRAM));
    desk.uploads_at(100_000).await;
    desk.attaches(&[&log]).await;
    desk.sends().await;
    desk.sees("#pending progress").await;
    desk.attaches(&[&program]).await;
    desk.sees("#attachments [data-fault]").await;
    look("files on their way").await;
    desk.clicks("#pending [data-action=cancel]").await;
    desk.clicks("#attachments button").await;
    desk.clicks("#composer-text").await;
    desk.types("/").await;
    desk.sees("#canned-preview mark").await;
    look("canned replies").await;
    desk.presses(Key::Enter).await;
    desk.sees("#composer-marks mark").await;
    look("a field that is empty").await;
    desk.presses(Key::Enter).await;
    desk.sees("dialog.ask").await;
    look("a question before it is sent").await;
    desk.clicks("dialog.ask [value=no]").await;
    desk.js::<()>(
        "const text = document.getElementById('composer-text');
        text.value = ''; text.dispatchEvent(new Event('input'))",
        &[],
    )
    .await;
}

async fn the_dialogs(desk: &Desk, look: &impl AsyncFn(&str)) {
    for dialog in ["settings", "canned", "keys"] {
        desk.clicks("#account").await;
        desk.clicks(&format!("#account-menu [data-action={dialog}]")).await;
        desk.sees("dialog[open]").await;
        look(dialog).await;
        if dialog == "canned" {
            desk.clicks("#canned-dialog .reply").await;
            look("a canned reply").await;
            desk.clicks("[data-action=delete-reply]").await;
            desk.sees("dialog.ask").await;
            look("a question about a canned reply").await;
            desk.clicks("dialog.ask [value=no]").await;
        }
        desk.clicks("dialog[open] [data-close]").await;
    }
    desk.presses(Key::Control + "k" + Key::Null).await;
    desk.sees("#palette[open]").await;
    look("the palette").await;
    desk.presses(Key::Escape).await;
    for action in ["handOver", "end"] {
        desk.clicks(&format!("#conversation-actions [data-action={action}]")).await;
        desk.sees("dialog.ask").await;
        look(action).await;
        desk.clicks("dialog.ask [value=no]").await;
    }
}

/// What others do.
async fn others(relay: &Relay, desk: &Desk, handoff: &str, look: &impl AsyncFn(&str)) {
    let alex = relay.agent("Alex");
    let looks = alex.request("PUT", &format!("/handoffs/{handoff}/presence"));
    Answer::to(looks.json(&json!({"state": "writing"}))).await.good(200);
    desk.sees("#viewers:not([hidden])").await;
    look("in company").await;
    desk.clicks("#composer-text").await;
    desk.types("A draft").await;
    alex.post(&format!("/handoffs/{handoff}/accept"), &json!({"take_over": true})).await.good(200);
    desk.sees(".notice-of-handoff[data-kind=lost]").await;
    desk.sees("#composer-draft blockquote").await;
    look("a conversation that was taken over").await;
    desk.clicks("[data-action=takeOver]").await;
    desk.sees("dialog.ask").await;
    look("a question before taking over").await;
    desk.clicks("dialog.ask [value=no]").await;
    desk.clicks("#composer-draft [data-action=drop-draft]").await;
    alex.post(&format!("/handoffs/{handoff}/hand-over"), &json!({"agent": "Kim"})).await.good(200);
    desk.sees(".notice-of-handoff[data-kind=given]").await;
    look("a conversation that was given").await;
    desk.clicks("#duty").await;
    desk.sees("#duty[data-duty=away]").await;
    look("away").await;
}

async fn the_end(relay: &Relay, desk: &Desk, look: &impl AsyncFn(&str)) {
    desk.clicks("#conversation-actions [data-action=end]").await;
    desk.sees("dialog.ask[data-ready] input:focus").await;
    desk.types("1").await;
    desk.clicks("dialog.ask [data-action=confirm]").await;
    desk.sees("#conversation[data-status=ended]").await;
    look("the end").await;
    desk.clicks("#tab-ended").await;
    desk.sees("#queue-list .row").await;
    look("conversations that are over").await;
    relay.agent("Sam").get("/session").await.good(200);
    desk.js::<()>("location.hash = '#/reports'", &[]).await;
    desk.sees("#reports .ends").await;
    desk.sees("[data-part=now-agents] table").await;
    desk.clicks("#reports summary").await;
    look("reports").await;
}

/// The page at a size.
pub fn size(width: u32, height: u32) -> Value {
    json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false})
}
