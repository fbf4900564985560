//! Reading a verified webhook.
//!
//! What isn't ours is ignored, what is ours and can't be read is said to be so: neither is the sender's
//! fault, and answering 4xx to either would cost the customer the endpoint.

use serde_json::Value;

use super::{
    message::{Unreadable, author, content, id, unreadable},
    signature::VerifiedWebhook,
};
use crate::relay::{
    event::{Event, EventKind, Message},
    id::{AiAgent, ConversationId, ConversationKey, MessageId},
    time::Time,
};

/// What a webhook says to us.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// Something about a handoff of ours.
    Event(Box<Event>),
    /// Nothing of ours.
    Ignored,
    /// A message of a conversation under another integration's identifier.
    Foreign {
        /// The identifier.
        integration: String,
        /// The conversation.
        conversation: String,
    },
    /// Ours, or it can't be told; for people to look at.
    Unreadable(Unreadable),
}

/// What to read a webhook with.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The identifier that makes a message ours.
    pub integration: String,
    /// Whose conversations these are.
    pub ai_agent: AiAgent,
}

impl Reader {
    /// Reads a webhook that reached us at `received_at`.
    pub fn read(&self, webhook: &VerifiedWebhook, received_at: Time) -> Reading {
        self.read_kept(&webhook.id, &webhook.body, received_at)
    }

    /// Reads the body of a webhook that was verified when it came and kept since.
    pub fn read_kept(&self, svix_id: &str, body: &[u8], received_at: Time) -> Reading {
        self.try_read(svix_id, body, received_at).unwrap_or_else(Reading::Unreadable)
    }

    fn try_read(&self, svix_id: &str, body: &[u8], received_at: Time) -> Result<Reading, Unreadable> {
        let payload: Value =
            serde_json::from_slice(body).map_err(|_| Unreadable("the body is not JSON".to_owned()))?;
        let name = payload.get("type").and_then(Value::as_str);
        let data = payload.get("data").unwrap_or(&Value::Null);
        let kind = match name.ok_or_else(|| unreadable("type", "is missing"))? {
            "v1.conversation.message" => match self.not_ours(data)? {
                Some(not_ours) => return Ok(not_ours),
                None => EventKind::Message(message(data, time(&payload, "timestamp")?)?),
            },
            "v1.conversation.handoff.ended" => match self.not_ours(data)? {
                Some(_) => return Ok(Reading::Ignored),
                None => EventKind::HandoffEnded,
            },
            "v1.conversation.ended" => {
                let by = data.get("ended_by").and_then(|by| by.get("role")).and_then(Value::as_str);
                EventKind::ConversationEnded { by: by.map(str::to_owned) }
            }
            _ => return Ok(Reading::Ignored),
        };
        let end_user_id = data.get("end_user_id").and_then(Value::as_str).map(str::to_owned);
        Ok(Reading::Event(Box::new(Event {
            svix_id: svix_id.to_owned(),
            key: self.key(id(data, "conversation_id")?),
            timestamp: time(&payload, "timestamp")?.floor_millis(),
            received_at,
            end_user_id,
            kind,
        })))
    }

    /// The key of a conversation. Without a list of AI Agents all belong to the one there is.
    pub fn key(&self, conversation: String) -> ConversationKey {
        ConversationKey { ai_agent: self.ai_agent.clone(), conversation: ConversationId(conversation) }
    }

    fn not_ours(&self, data: &Value) -> Result<Option<Reading>, Unreadable> {
        match data.get("handoff_integration") {
            None | Some(Value::Null) => Ok(Some(Reading::Ignored)),
            Some(Value::String(name)) if *name == self.integration => Ok(None),
            Some(Value::String(name)) => Ok(Some(match id(data, "conversation_id") {
                Ok(conversation) => Reading::Foreign { integration: name.clone(), conversation },
                Err(_) => Reading::Ignored,
            })),
            Some(_) => Err(unreadable("handoff_integration", "is not text")),
        }
    }
}

fn message(data: &Value, timestamp: Time) -> Result<Message, Unreadable> {
    let created_at = match data.get("created_at") {
        Some(_) => time(data, "created_at")?,
        None => timestamp,
    };
    Ok(Message {
        id: MessageId(id(data, "message_id")?),
        created_at,
        author: author(data)?,
        content: content(data)?,
    })
}

fn time(object: &Value, field: &str) -> Result<Time, Unreadable> {
    let text = object.get(field).and_then(Value::as_str);
    let text = text.ok_or_else(|| unreadable(field, "is missing"))?;
    text.parse().map_err(|_| unreadable(field, "is not an RFC 3339 time"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::relay::thread::{Content, Role};

    fn reader() -> Reader {
        Reader { integration: "custom-handoff".to_owned(), ai_agent: AiAgent::from("acme.ada.support") }
    }

    fn read(payload: &Value) -> Reading {
        let body = payload.to_string();
        reader().try_read("msg_1", body.as_bytes(), Time::default()).unwrap_or_else(Reading::Unreadable)
    }

    fn example() -> Value {
        json!({
            "type": "v1.conversation.message",
            "timestamp": "2026-11-21T04:30:00.123Z",
            "data": {
                "message_id": "m1", "conversation_id": "c1", "end_user_id": "u1",
                "handoff_integration": "custom-handoff", "created_at": "2026-11-21T04:30:00.100200Z",
                "author": {"id": "u1", "role": "end_user", "avatar": null, "display_name": "Maria"},
                "content": {"type": "text", "body": "hello"},
                "ai_agent_domain": "acme.ada.support", "channel": {"type": "native"}, "new_key": [1]
            },
            "another": true
        })
    }

    fn with(path: &str, value: Value) -> Value {
        let mut payload = example();
        *payload.pointer_mut(path).unwrap() = value;
        payload
    }

    #[test]
    fn a_message_of_ours_is_read_whole_and_unknown_keys_do_not_matter() {
        let Reading::Event(event) = read(&example()) else { panic!("not an event") };
        assert_eq!(event.key.conversation.as_str(), "c1");
        assert_eq!(event.timestamp.to_string(), "2026-11-21T04:30:00.123Z");
        assert_eq!(event.end_user_id.as_deref(), Some("u1"));
        let EventKind::Message(message) = &event.kind else { panic!("not a message") };
        assert_eq!(message.created_at.as_micros() % 1_000_000, 100_200);
        assert_eq!(message.author.role, Role::EndUser);
        assert_eq!(message.content, Content::Text { body: "hello".to_owned() });
    }

    #[test]
    fn new_values_are_tolerated() {
        let payload = with("/data/content", json!({"type": "carousel", "cards": []}));
        let Reading::Event(event) = read(&payload) else { panic!("not an event") };
        let EventKind::Message(message) = &event.kind else { panic!("not a message") };
        assert_eq!(message.content, Content::Unknown { name: "carousel".to_owned() });
        let Reading::Event(event) = read(&with("/data/author/role", json!("bot"))) else { panic!() };
        assert!(matches!(event.kind, EventKind::Message(message) if message.author.role == Role::Unknown));
    }

    #[test]
    fn what_is_not_ours_is_ignored() {
        for payload in [
            with("/type", json!("v1.end_user.created")),
            with("/data/handoff_integration", Value::Null),
            json!({"type": "v1.audit_log.emitted"}),
            json!({"type": "v1.conversation.handoff.ended", "data": {"handoff_integration": "zendesk"}}),
        ] {
            assert_eq!(read(&payload), Reading::Ignored, "{payload}");
        }
        let foreign = Reading::Foreign { integration: "zendesk_chat".into(), conversation: "c1".into() };
        assert_eq!(read(&with("/data/handoff_integration", json!("zendesk_chat"))), foreign);
    }

    #[test]
    fn what_is_ours_and_unreadable_names_the_field() {
        for (path, value, sentence) in [
            ("/type", json!(7), "`type` is missing"),
            ("/timestamp", json!("soon"), "`timestamp` is not an RFC 3339 time"),
            ("/data/conversation_id", json!(""), "`conversation_id` is missing"),
            ("/data/conversation_id", json!("x\u{7}"), "`conversation_id` is not an id"),
            ("/data/message_id", Value::Null, "`message_id` is missing"),
            ("/data/author", json!({}), "`author.role` is missing"),
            ("/data/content", json!({"type": "text"}), "`content.body` is missing"),
            ("/data/handoff_integration", json!(["custom-handoff"]), "`handoff_integration` is not text"),
        ] {
            assert_eq!(read(&with(path, value)), Reading::Unreadable(Unreadable(sentence.into())));
        }
        for body in ["", "not json", "[1", "\u{0}"] {
            let reading = reader().try_read("msg_1", body.as_bytes(), Time::default());
            assert_eq!(reading, Err(Unreadable("the body is not JSON".to_owned())), "{body}");
        }
    }
}
