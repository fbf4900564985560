//! Webhook endpoints, as they are registered over the API or in the dashboard.

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// One endpoint.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Endpoint {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) description: String,
    /// Empty for all events.
    pub(crate) event_filters: Vec<String>,
    pub(crate) enabled: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    #[serde(skip)]
    pub(crate) secret: String,
}

impl Endpoint {
    /// A new one that gets all events, with a secret of its own.
    pub(crate) fn new(url: String) -> Self {
        let secret = [*Uuid::new_v4().as_bytes(), *Uuid::new_v4().as_bytes()].concat();
        Self::with_secret(url, format!("whsec_{}", STANDARD.encode(secret)))
    }

    /// The same with this secret.
    pub(crate) fn with_secret(url: String, secret: String) -> Self {
        let now = Timestamp::now();
        Self {
            id: format!("ep_{}", Uuid::new_v4().simple()),
            url,
            description: String::new(),
            event_filters: Vec::new(),
            enabled: true,
            created_at: now,
            updated_at: now,
            secret,
        }
    }

    /// Whether it gets events of this type.
    pub(crate) fn gets(&self, event: &str) -> bool {
        self.enabled
            && (self.event_filters.is_empty() || self.event_filters.iter().any(|filter| filter == event))
    }

    /// As the API shows it.
    pub(crate) fn to_json(&self) -> Value {
        json!(self)
    }
}
