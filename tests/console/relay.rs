//! What the tests ask of the relay and its Ada.

use crate::support::relay::Relay;

impl Relay {
    /// Starts one that was stopped, where it was: a browser looks for it nowhere else.
    pub async fn comes_back(&mut self) {
        let address = self.url.trim_start_matches("http://").to_owned();
        self.serve_at(&address).await;
    }
}

/// How many event streams the relay serves.
pub async fn streams(relay: &Relay) -> u64 {
    let metrics = relay.get("/metrics").await;
    let line = metrics.text().lines().find_map(|line| line.strip_prefix("handoff_relay_event_streams "));
    line.unwrap().parse().unwrap()
}

/// What both sides have said, as the customer sees it.
pub fn chat(relay: &Relay, conversation: &str) -> Vec<String> {
    let messages = relay.ada.messages(conversation);
    messages.iter().filter_map(|message| message.text().map(str::to_owned)).collect()
}
