//! Ada's webhooks: their payloads and their signature. Tests use it to make events of their own.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::Sha256;

/// The channel that all conversations of the sandbox come through.
pub(crate) const CHANNEL_ID: &str = "66f2c1d0a4b83e0012c5d7e9";

/// The value of `svix-signature`: `v1,` and the base64 of the HMAC-SHA256 over `{id}.{timestamp}.{body}`.
///
/// The key is the base64 part of `whsec_...`; a secret that isn't base64 is used as it stands.
pub fn sign(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> String {
    let encoded = secret.strip_prefix("whsec_").unwrap_or(secret);
    let key = STANDARD.decode(encoded).unwrap_or_else(|_| encoded.as_bytes().to_vec());
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// A time as Ada writes it: RFC 3339 in UTC with milliseconds.
pub fn time(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// The author in a message event.
#[derive(Debug, Clone, Default)]
pub struct Author {
    /// End users have one.
    pub id: Option<String>,
    /// `end_user`, `ai_agent`, `human_agent`, or whatever a test wants to see tolerated.
    pub role: String,
    /// The URL of a picture.
    pub avatar: Option<String>,
    /// The name to show.
    pub display_name: Option<String>,
}

/// The fields of `v1.conversation.message`.
#[derive(Debug, Clone, Default)]
pub struct MessageEvent {
    /// The message.
    pub message_id: String,
    /// Its conversation.
    pub conversation_id: String,
    /// The conversation's end user.
    pub end_user_id: String,
    /// Whose handoff it belongs to; `None` when it is for the AI Agent.
    pub handoff_integration: Option<String>,
    /// When the event was made.
    pub timestamp: Timestamp,
    /// When the message was made.
    pub created_at: Timestamp,
    /// Who wrote it.
    pub author: Author,
    /// The content object, as it stands.
    pub content: Value,
    /// The AI Agent's environment.
    pub ai_agent_domain: String,
}

/// The payload of `v1.conversation.message`.
pub fn message_event(event: MessageEvent) -> Value {
    json!({
        "type": "v1.conversation.message",
        "timestamp": time(event.timestamp),
        "data": {
            "message_id": event.message_id,
            "conversation_id": event.conversation_id,
            "end_user_id": event.end_user_id,
            "handoff_integration": event.handoff_integration,
            "channel": channel(),
            "created_at": time(event.created_at),
            "author": {
                "id": event.author.id,
                "role": event.author.role,
                "avatar": event.author.avatar,
                "display_name": event.author.display_name,
            },
            "content": event.content,
            "ai_agent_domain": event.ai_agent_domain,
        },
    })
}

/// The fields of `v1.conversation.handoff.ended`.
#[derive(Debug, Clone, Default)]
pub struct HandoffEndedEvent {
    /// The conversation that goes back to the AI Agent.
    pub conversation_id: String,
    /// The conversation's end user.
    pub end_user_id: String,
    /// Whose handoff ended.
    pub handoff_integration: String,
    /// When it ended.
    pub timestamp: Timestamp,
    /// The AI Agent's environment.
    pub ai_agent_domain: String,
}

/// The payload of `v1.conversation.handoff.ended`.
pub fn handoff_ended_event(event: HandoffEndedEvent) -> Value {
    json!({
        "type": "v1.conversation.handoff.ended",
        "timestamp": time(event.timestamp),
        "data": {
            "conversation_id": event.conversation_id,
            "end_user_id": event.end_user_id,
            "handoff_integration": event.handoff_integration,
            "ai_agent_domain": event.ai_agent_domain,
        },
    })
}

/// The fields of `v1.conversation.ended`.
#[derive(Debug, Clone, Default)]
pub struct ConversationEndedEvent {
    /// The conversation that is over.
    pub conversation_id: String,
    /// Its end user.
    pub end_user_id: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When the event was made: the time of the end.
    pub timestamp: Timestamp,
    /// The id of who ended it: end users have one.
    pub ended_by_id: Option<String>,
    /// `end_user`, `system` or `human_agent`.
    pub ended_by_role: String,
    /// The conversation's metadata.
    pub metadata: Map<String, Value>,
    /// The AI Agent's environment.
    pub ai_agent_domain: String,
}

/// The payload of `v1.conversation.ended`.
pub fn conversation_ended_event(event: ConversationEndedEvent) -> Value {
    json!({
        "type": "v1.conversation.ended",
        "timestamp": time(event.timestamp),
        "data": {
            "conversation_id": event.conversation_id,
            "channel_id": CHANNEL_ID,
            "end_user_id": event.end_user_id,
            "created_at": time(event.created_at),
            "updated_at": time(event.timestamp),
            "ended_by": { "id": event.ended_by_id, "role": event.ended_by_role },
            "metadata": event.metadata,
            "ai_agent_domain": event.ai_agent_domain,
        },
    })
}

/// The fields of `v1.conversation.created`.
#[derive(Debug, Clone, Default)]
pub struct ConversationCreatedEvent {
    /// The new conversation.
    pub conversation_id: String,
    /// Its end user.
    pub end_user_id: String,
    /// When it began.
    pub created_at: Timestamp,
    /// The AI Agent's environment.
    pub ai_agent_domain: String,
}

/// The payload of `v1.conversation.created`.
pub fn conversation_created_event(event: ConversationCreatedEvent) -> Value {
    json!({
        "type": "v1.conversation.created",
        "timestamp": time(event.created_at),
        "data": {
            "conversation_id": event.conversation_id,
            "channel_id": CHANNEL_ID,
            "created_at": time(event.created_at),
            "end_user_id": event.end_user_id,
            "metadata": {},
            "ai_agent_domain": event.ai_agent_domain,
        },
    })
}

fn channel() -> Value {
    json!({
        "type": "native",
        "id": CHANNEL_ID,
        "name": "Web chat",
        "description": "The sandbox's chat page",
        "modality": "messaging",
        "capabilities": { "markdown": false },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_of_svix_documentation() {
        let signature = sign(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn times_have_milliseconds() {
        let at = Timestamp::from_millisecond(1_700_000_000_000).expect("in range");
        assert_eq!(time(at), "2023-11-14T22:13:20.000Z");
    }
}
