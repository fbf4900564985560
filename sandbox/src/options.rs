//! What a sandbox is told when it is made.

use std::time::Duration;

/// The settings of a [`Sandbox`](crate::Sandbox).
#[derive(Debug, Clone)]
pub struct Options {
    /// The bearer key that the API requires.
    pub api_key: String,
    /// The secret that signs webhooks, `whsec_<base64>`.
    pub webhook_secret: String,
    /// Where webhooks are posted: the relay's `/webhooks/message`.
    pub webhook_url: String,
    /// Where a handoff block posts: the relay's `/handoffs/start`.
    pub start_url: String,
    /// Sent as `Authorization: Bearer` with the start call.
    pub handoff_auth_key: Option<String>,
    /// The handoff integration identifier, `custom-handoff` in Ada's guide.
    pub integration: String,
    /// The name of the AI Agent's environment, such as `acme.ada.support`.
    pub ai_agent_domain: String,
    /// The pauses before the retries of a webhook that failed; after the last one the event is lost.
    pub retry_delays: Vec<Duration>,
}

impl Options {
    /// Svix's schedule: at once, then 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h.
    pub fn default_retry_delays() -> Vec<Duration> {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        [0, 5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR]
            .map(Duration::from_secs)
            .to_vec()
    }
}
