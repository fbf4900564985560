//! Ada's webhooks, made by hand: a test hears what became of each.

use axum::http::{HeaderMap, header::RETRY_AFTER};
use jiff::Timestamp;
use sandbox::webhook::{Author, MessageEvent, message_event, sign};
use serde_json::json;

use crate::ada::WEBHOOK_SECRET;

/// An event with the id that it keeps over all attempts.
#[derive(Clone, Debug)]
pub struct Webhook {
    pub text: String,
    id: String,
    body: Vec<u8>,
}

impl Webhook {
    /// The customer of a conversation says something.
    pub fn says_at(conversation: &str, text: &str, at: Timestamp) -> Self {
        let body = message_event(MessageEvent {
            message_id: format!("{conversation}-{text}"),
            conversation_id: conversation.to_owned(),
            end_user_id: "maria".to_owned(),
            handoff_integration: Some("custom-handoff".to_owned()),
            timestamp: at,
            created_at: at,
            author: Author { id: Some("maria".to_owned()), role: "end_user".to_owned(), ..Author::default() },
            content: json!({ "type": "text", "body": text }),
            ai_agent_domain: "acme.ada.support".to_owned(),
        });
        let id = format!("msg_{}", uuid::Uuid::now_v7().simple());
        Self { text: text.to_owned(), id, body: body.to_string().into_bytes() }
    }

    /// What the relay answers, and how long it asks to wait.
    pub async fn post(&self, http: &reqwest::Client, relay: &str) -> (u16, Option<String>) {
        let request = http.post(format!("{relay}/webhooks/message")).body(self.body.clone());
        let answer = crate::soon("an answer", request.headers(self.headers()).send()).await.unwrap();
        let wait = answer.headers().get(RETRY_AFTER).map(|wait| wait.to_str().unwrap().to_owned());
        (answer.status().as_u16(), wait)
    }

    fn headers(&self) -> HeaderMap {
        let now = Timestamp::now().as_second();
        let signature = sign(WEBHOOK_SECRET, &self.id, now, &self.body);
        let headers = [
            ("content-type", "application/json"),
            ("svix-id", &self.id),
            ("svix-timestamp", &now.to_string()),
            ("svix-signature", &signature),
        ];
        headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }
}
