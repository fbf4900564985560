//! Ada's webhooks, made by hand: in any order, as often as one likes, with any signature.

use jiff::Timestamp;
use sandbox::webhook::{Author, HandoffEndedEvent, MessageEvent, handoff_ended_event, message_event, sign};
use serde_json::{Value, json};

use super::{
    answer::Answer,
    relay::{INTEGRATION, Relay, SECRET},
};

/// A customer's message of our integration, made just now. Its `message_id` is its text.
pub fn customer_says(conversation: &str, text: &str) -> Value {
    says_at(conversation, text, Timestamp::now())
}

/// The same, made at another time.
pub fn says_at(conversation: &str, text: &str, at: Timestamp) -> Value {
    shows_at(conversation, text, at, json!({ "type": "text", "body": text }))
}

/// A customer's message with any content.
pub fn shows_at(conversation: &str, id: &str, at: Timestamp, content: Value) -> Value {
    message_event(MessageEvent {
        message_id: format!("{conversation}-{id}"),
        conversation_id: conversation.to_owned(),
        end_user_id: "maria".to_owned(),
        handoff_integration: Some(INTEGRATION.to_owned()),
        timestamp: at,
        created_at: at,
        author: Author {
            id: Some("maria".to_owned()),
            role: "end_user".to_owned(),
            avatar: None,
            display_name: Some("Maria Silva".to_owned()),
        },
        content,
        ai_agent_domain: "acme.ada.support".to_owned(),
    })
}

/// The handoff of a conversation is over.
pub fn handoff_ends(conversation: &str, at: Timestamp) -> Value {
    handoff_ended_event(HandoffEndedEvent {
        conversation_id: conversation.to_owned(),
        end_user_id: "maria".to_owned(),
        handoff_integration: INTEGRATION.to_owned(),
        timestamp: at,
        ai_agent_domain: "acme.ada.support".to_owned(),
    })
}

/// `milliseconds` from now, or before.
pub fn from_now(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(Timestamp::now().as_millisecond() + milliseconds).unwrap()
}

/// A webhook on its way.
pub struct Webhook {
    pub path: &'static str,
    pub family: &'static str,
    pub id: String,
    pub body: Vec<u8>,
    pub signed_at: i64,
    pub secret: &'static str,
}

impl Webhook {
    /// Signed now, as Ada does it.
    pub fn new(id: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            path: "/webhooks/message",
            family: "svix",
            id: id.to_owned(),
            body: body.into(),
            signed_at: Timestamp::now().as_second(),
            secret: SECRET,
        }
    }

    pub fn signature(&self) -> String {
        sign(self.secret, &self.id, self.signed_at, &self.body)
    }

    /// The request with good headers; what a test sets afterwards comes on top.
    pub fn request(&self, relay: &Relay) -> reqwest::RequestBuilder {
        self.request_signed(relay, &self.signature())
    }

    pub fn request_signed(&self, relay: &Relay, signature: &str) -> reqwest::RequestBuilder {
        let name = |rest: &str| format!("{}-{rest}", self.family);
        relay
            .http
            .post(format!("{}{}", relay.url, self.path))
            .header("content-type", "application/json")
            .header(name("id"), &self.id)
            .header(name("timestamp"), self.signed_at)
            .header(name("signature"), signature)
            .body(self.body.clone())
    }

    pub async fn post(&self, relay: &Relay) -> Answer {
        Answer::to(self.request(relay)).await
    }
}

impl Relay {
    /// Ada sends an event under this `svix-id`, and has it acknowledged.
    pub async fn gets_as(&self, svix_id: &str, event: &Value) {
        let answer = Webhook::new(svix_id, event.to_string()).post(self).await;
        assert_eq!(answer.good(200), json!({ "status": "ok" }));
    }

    /// Ada sends an event for the first time.
    pub async fn gets(&self, event: &Value) {
        let id = format!("msg_{}", uuid::Uuid::now_v7().simple());
        self.gets_as(&id, event).await;
    }
}
