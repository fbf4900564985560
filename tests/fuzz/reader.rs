//! What is read from a webhook's body.

use handoff_relay::{
    ada::webhook::{Reading, WebhookParser},
    relay::{
        event::{Event, EventKind},
        id::AiAgentId,
        time::Time,
    },
};

use crate::{MARK, run::Target};

pub const WORDS: &[&str] = &[
    "type",
    "timestamp",
    "data",
    "v1.conversation.message",
    "v1.conversation.ended",
    "v1.conversation.handoff.ended",
    "message_id",
    "conversation_id",
    "end_user_id",
    "handoff_integration",
    "custom-handoff",
    "created_at",
    "author",
    "role",
    "end_user",
    "ai_agent",
    "human_agent",
    "system",
    "display_name",
    "avatar",
    "content",
    "text",
    "body",
    "file",
    "link",
    "presence",
    "url",
    "link_text",
    "filename",
    "mime_type",
    "size",
    "ended_by",
];

#[test]
fn reader() {
    Target { name: "reader", count: 10_000, words: WORDS }.fuzz(read);
}

/// Reads a body, and says what kind of thing it is.
pub fn read(body: &[u8]) -> String {
    let reader = WebhookParser {
        integrations: vec!["custom-handoff".to_owned()],
        domains: Vec::new(),
        ai_agent: AiAgentId::from("acme.ada.support"),
    };
    match reader.read_kept("msg_1", body, Time::default()) {
        Reading::Event(event) => {
            keeps(&event);
            ids_are_fit(&event);
            kind(&event.kind)
        }
        Reading::Ignored => "ignored".to_owned(),
        Reading::Foreign { conversation, .. } => {
            assert!(is_id(&conversation));
            "foreign".to_owned()
        }
        Reading::Elsewhere(_) => unreachable!("any domain is ours"),
        Reading::Unreadable(why) => {
            assert!(!why.0.contains(MARK), "quoted: {}", why.0);
            why.0
        }
    }
}

fn kind(kind: &EventKind) -> String {
    match kind {
        EventKind::Message(message) => {
            format!("{:?} says {:?}", message.author.role, std::mem::discriminant(&message.content))
        }
        other => format!("{:?}", std::mem::discriminant(other)),
    }
}

/// What the store keeps of it reads as the same.
fn keeps(event: &Event) {
    let kept = serde_json::to_string(event).unwrap();
    let again: Event = serde_json::from_str(&kept).unwrap();
    assert_eq!(again, *event, "{kept}");
    assert_eq!(serde_json::to_string(&again).unwrap(), kept);
    assert_eq!(again.sort_key(), event.sort_key());
}

fn ids_are_fit(event: &Event) {
    assert!(is_id(event.key.conversation.as_str()));
    if let EventKind::Message(message) = &event.kind {
        assert!(is_id(message.id.as_str()));
    }
}

fn is_id(id: &str) -> bool {
    (1..=200).contains(&id.chars().count()) && !id.chars().any(char::is_control)
}
