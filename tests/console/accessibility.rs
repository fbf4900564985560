//! What axe-core finds on each view, light and dark.

use serde_json::json;

use crate::{desk::Desk, support::relay::Relay};

/// The rules of WCAG 2.2 at levels A and AA, those of its predecessors included.
const RULES: [&str; 5] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

const RUN: &str = "const done = arguments[arguments.length - 1];
    axe.run(document, {runOnly: {type: 'tag', values: arguments[0]}, preload: false}).then(
        ({violations}) => done(violations.map(({id, nodes}) => ({id, nodes: nodes.map((node) => node.html + ' ' + node.failureSummary)}))),
        (error) => done([String(error)]))";

impl Desk {
    /// Looks for violations in light and dark.
    async fn is_accessible(&self, view: &str) {
        if !self.js::<bool>("return 'axe' in window", &[]).await {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/console/node_modules/axe-core/axe.min.js");
            let axe = std::fs::read_to_string(path).expect("axe-core, which scripts/test installs");
            self.js::<()>(&axe, &[]).await;
        }
        for scheme in ["light", "dark"] {
            self.follows_scheme(scheme).await;
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
    desk.shows("#sign-in-problem", "not known").await;
    desk.is_accessible("refused sign-in").await;
    desk.js::<()>("document.getElementById('token').value = ''", &[]).await;
    desk.signs_in("Alex").await;

    desk.is_accessible("queue").await;
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
