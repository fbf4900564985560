//! Reading a verified webhook.
//!
//! What isn't ours is ignored, what is ours and can't be read is said to be so: neither is the sender's
//! fault, and answering 4xx to either would cost the customer the endpoint.

use std::borrow::Cow;

use memchr::memmem;

use deciding::{CONVERSATION, Deciding, INTEGRATION};

use super::{
    message::{Unreadable, author, content, id, time, unreadable},
    signature::VerifiedWebhook,
};
use crate::{
    json::{Fields, Object, Tree, mended, repaired},
    relay::{
        context::bounded_name,
        event::{Channel, Event, EventKind, Message},
        id::{AiAgentId, ConversationId, ConversationKey, MessageId},
        time::Time,
    },
};

mod deciding;

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
    /// Of an AI Agent with this domain, which is not the one whose secret signed it.
    Elsewhere(String),
    /// Ours, or it can't be told; for people to look at.
    Unreadable(Unreadable),
}

/// An event's `type`.
const MESSAGE: &str = "v1.conversation.message";
const HANDOFF_ENDED: &str = "v1.conversation.handoff.ended";
const CONVERSATION_ENDED: &str = "v1.conversation.ended";

/// What to read a webhook with.
#[derive(Clone, Debug)]
pub struct WebhookParser {
    /// The identifiers that make a message ours: one at least.
    pub integrations: Vec<String>,
    /// What `ai_agent_domain` must be, in lower case; none if it does not matter.
    pub domains: Vec<String>,
    /// Whose conversations these are.
    pub ai_agent: AiAgentId,
}

impl WebhookParser {
    /// Reads a webhook that reached us at `received_at`.
    pub fn read(&self, webhook: &VerifiedWebhook, received_at: Time) -> Reading {
        self.read_kept(&webhook.id, &webhook.body, received_at)
    }

    /// Reads the body of a webhook that was verified when it came and kept since.
    pub fn read_kept(&self, svix_id: &str, body: &[u8], received_at: Time) -> Reading {
        self.try_read(svix_id, body, received_at).unwrap_or_else(Reading::Unreadable)
    }

    fn try_read(&self, svix_id: &str, body: &[u8], received_at: Time) -> Result<Reading, Unreadable> {
        let mended = mended(body);
        if let Some(reading) = self.read_of_others(&mended) {
            return Ok(reading);
        }
        if let Some(payload) = Tree::object(&mended) {
            return self.read_payload(svix_id, &payload, received_at);
        }
        let repaired = repaired(&mended);
        let payload =
            Object::read(&repaired).map_err(|_| Unreadable("the body is not a JSON object".to_owned()))?;
        self.read_payload(svix_id, &payload, received_at)
    }

    /// An event that is plainly not ours, of which hardly anything is read. Most webhooks may be of others.
    fn read_of_others(&self, mended: &[u8]) -> Option<Reading> {
        let names = |ours: &String| memmem::find(mended, ours.as_bytes()).is_some();
        if self.integrations.iter().any(names) {
            return None;
        }
        let event = Deciding::read(mended, |event| self.is_of_others(event))?;
        self.none_of_ours(&event.name?, &Tree::Object(event.data)).ok()?
    }

    /// Whether what is read of an event tells that it is not ours, and what it comes to.
    fn is_of_others(&self, event: &Deciding<'_>) -> bool {
        let of_others = |is_told: bool| match event.field(INTEGRATION) {
            Some(Tree::Null) => true,
            Some(Tree::Text(name)) => is_told && !self.integrations.iter().any(|ours| ours == name),
            _ => false,
        };
        match event.name.as_deref() {
            Some(MESSAGE) => of_others(event.field(CONVERSATION).is_some()),
            Some(HANDOFF_ENDED) => of_others(true),
            Some(CONVERSATION_ENDED) | None => false,
            Some(_) => true,
        }
    }

    fn read_payload(
        &self,
        svix_id: &str,
        payload: &impl Fields,
        received_at: Time,
    ) -> Result<Reading, Unreadable> {
        let name = payload.text("type").ok_or_else(|| unreadable("type", "is missing"))?;
        let data = &*payload.object("data");
        if let Some(reading) = self.none_of_ours(&name, data)? {
            return Ok(reading);
        }
        let kind = match &*name {
            MESSAGE => EventKind::Message(message(payload, data)?),
            HANDOFF_ENDED => EventKind::HandoffEnded,
            // The end of a conversation: events of other types are none of ours.
            _ => {
                EventKind::ConversationEnded { by: data.object("ended_by").text("role").map(Cow::into_owned) }
            }
        };
        if let Some(domain) = self.elsewhere(data)? {
            return Ok(Reading::Elsewhere(domain));
        }
        Ok(Reading::Event(Box::new(Event {
            svix_id: svix_id.to_owned(),
            key: self.key(id(data, CONVERSATION)?),
            timestamp: told_at(payload, data)?.floor_millis(),
            received_at,
            end_user_id: id(data, "end_user_id").ok(),
            channel: channel(data),
            kind,
        })))
    }

    /// Whether a body names one of our domains, or need not.
    pub fn is_of(&self, body: &[u8]) -> bool {
        let body = repaired(body);
        let domain = Object::read(&body).map(|payload| self.elsewhere(&payload.object("data")));
        matches!(domain, Ok(Ok(None)))
    }

    /// The domain that an event names, if it is none of ours.
    fn elsewhere(&self, data: &impl Fields) -> Result<Option<String>, Unreadable> {
        if self.domains.is_empty() {
            return Ok(None);
        }
        let domain =
            data.text("ai_agent_domain").ok_or_else(|| unreadable("ai_agent_domain", "is missing"))?;
        let is_ours = self.domains.iter().any(|ours| ours.eq_ignore_ascii_case(domain.trim()));
        Ok((!is_ours).then(|| bounded_name(domain.trim())))
    }

    /// The key of a conversation.
    pub fn key(&self, conversation: String) -> ConversationKey {
        ConversationKey { ai_agent: self.ai_agent.clone(), conversation: ConversationId(conversation) }
    }

    /// What an event of this type comes to, if it is none of ours.
    fn none_of_ours(&self, name: &str, data: &impl Fields) -> Result<Option<Reading>, Unreadable> {
        match name {
            MESSAGE => self.not_ours(data),
            HANDOFF_ENDED => Ok(self.not_ours(data)?.map(|_| Reading::Ignored)),
            CONVERSATION_ENDED => Ok(None),
            _ => Ok(Some(Reading::Ignored)),
        }
    }

    fn not_ours(&self, data: &impl Fields) -> Result<Option<Reading>, Unreadable> {
        if !data.is_given(INTEGRATION) {
            return Ok(Some(Reading::Ignored));
        }
        let name = data.text(INTEGRATION).ok_or_else(|| unreadable(INTEGRATION, "is not text"))?;
        if self.integrations.iter().any(|ours| *ours == name) {
            return Ok(None);
        }
        Ok(Some(match id(data, CONVERSATION) {
            Ok(conversation) => Reading::Foreign { integration: bounded_name(&name), conversation },
            Err(_) => Reading::Ignored,
        }))
    }
}

/// The event's time. Where that can't be read, when its message was made comes close.
fn told_at(payload: &impl Fields, data: &impl Fields) -> Result<Time, Unreadable> {
    time(payload, "timestamp").or_else(|why| time(data, "created_at").map_err(|_| why))
}

fn channel(data: &impl Fields) -> Option<Channel> {
    let channel = data.object("channel");
    let modality = channel.text("modality").filter(|modality| !modality.is_empty())?;
    let markdown = channel.object("capabilities").is_true("markdown");
    Some(Channel { modality: bounded_name(&modality), markdown })
}

fn message(payload: &impl Fields, data: &impl Fields) -> Result<Message, Unreadable> {
    Ok(Message {
        id: MessageId(id(data, "message_id")?),
        created_at: time(data, "created_at").or_else(|_| time(payload, "timestamp"))?,
        author: author(data)?,
        content: content(data)?,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use proptest::{prelude::*, sample::select};
    use serde_json::{Value, json};

    use super::*;
    use crate::relay::thread::{Content, Role};

    fn reader() -> WebhookParser {
        WebhookParser {
            integrations: vec!["custom-handoff".to_owned()],
            domains: Vec::new(),
            ai_agent: AiAgentId::from("acme.ada.support"),
        }
    }

    fn read(payload: &Value) -> Reading {
        let body = payload.to_string();
        let of = |body: &str| reader().read_kept("msg_1", body.as_bytes(), Time::default());
        let reading = of(&body);
        // No number of ours: the whole can't be read any more, each field can.
        assert_eq!(of(&body.replacen('{', r#"{"beside":1e999,"#, 1)), reading, "{body}");
        let whole = reader().read_payload("msg_1", &Tree::object(body.as_bytes()).unwrap(), Time::default());
        assert_eq!(whole.unwrap_or_else(Reading::Unreadable), reading, "{body}");
        reading
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
    fn an_identifier_that_is_written_with_escapes_is_ours_all_the_same() {
        let body = example().to_string().replace("custom-handoff", r"custom\u002dhandoff");
        let reading = reader().read_kept("msg_1", body.as_bytes(), Time::default());
        assert_eq!(reading, read(&example()));
        let Reading::Event(_) = reading else { panic!("not an event") };
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
    fn the_channel_is_known_by_its_modality() {
        for (channel, known) in [
            (json!({"modality": "email", "capabilities": {"markdown": true}}), Some(("email", true))),
            (json!({"modality": "sms", "capabilities": {"markdown": "true"}}), Some(("sms", false))),
            (json!({"modality": "fax"}), Some(("fax", false))),
            (json!({"modality": ""}), None),
            (json!({"type": "native"}), None),
            (json!("email"), None),
        ] {
            let Reading::Event(event) = read(&with("/data/channel", channel.clone())) else { panic!() };
            let shown = event.channel.as_ref().map(|channel| (&*channel.modality, channel.markdown));
            assert_eq!(shown, known, "{channel}");
        }
    }

    #[test]
    fn a_variable_that_nobody_filled_in_names_nobody() {
        for (name, shown) in [
            ("{first_name}", None),
            ("{{name}} Silva", Some("Silva")),
            ("null", None),
            ("undefined", None),
            ("None", None),
            ("[object Object]", None),
            (" ", None),
            ("Null", Some("Null")),
        ] {
            let Reading::Event(event) = read(&with("/data/author/display_name", json!(name))) else {
                panic!()
            };
            let EventKind::Message(message) = &event.kind else { panic!("not a message") };
            assert_eq!(message.author.display_name.as_deref(), shown, "{name}");
        }
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
    fn with_domains_an_event_of_ours_must_name_one() {
        let reader = WebhookParser {
            integrations: vec!["vip".to_owned(), "custom-handoff".to_owned()],
            domains: vec!["acme.eu.ada.support".to_owned(), "acme.ada.support".to_owned()],
            ..reader()
        };
        let read =
            |payload: &Value| reader.read_kept("msg_1", payload.to_string().as_bytes(), Time::default());
        for (domain, integration) in [("acme.ada.support", "custom-handoff"), (" ACME.eu.Ada.Support", "vip")]
        {
            let mut payload = with("/data/ai_agent_domain", json!(domain));
            payload["data"]["handoff_integration"] = json!(integration);
            assert!(matches!(read(&payload), Reading::Event(_)), "{payload}");
            assert!(reader.is_of(payload.to_string().as_bytes()));
        }
        let other = with("/data/ai_agent_domain", json!("acme.ada.support.example"));
        assert_eq!(read(&other), Reading::Elsewhere("acme.ada.support.example".to_owned()));
        assert!(
            !reader.is_of(other.to_string().as_bytes()) && !reader.is_of(b"{}") && !reader.is_of(b"no JSON")
        );
        let missing = with("/data/ai_agent_domain", Value::Null);
        let sentence = "`ai_agent_domain` is missing";
        assert_eq!(read(&missing), Reading::Unreadable(Unreadable(sentence.into())));
        let mut foreign = other;
        foreign["data"]["handoff_integration"] = Value::Null;
        assert_eq!(read(&foreign), Reading::Ignored, "it concerns no handoff");
        let ended = json!({"type": "v1.conversation.ended", "data": {"conversation_id": "c", "ai_agent_domain": "b.c"}});
        assert_eq!(read(&ended), Reading::Elsewhere("b.c".to_owned()));
    }

    #[test]
    fn what_is_ours_and_unreadable_names_the_field() {
        for (path, value, sentence) in [
            ("/type", json!(7), "`type` is missing"),
            ("/data/conversation_id", json!(""), "`conversation_id` is missing"),
            ("/data/conversation_id", json!("x\u{7}"), "`conversation_id` is not an id"),
            ("/data/message_id", Value::Null, "`message_id` is missing"),
            ("/data/author", json!({}), "`author.role` is missing"),
            ("/data/author", json!("Maria"), "`author.role` is missing"),
            ("/data/content", json!({"type": "text"}), "`content.body` is missing"),
            ("/data/handoff_integration", json!(["custom-handoff"]), "`handoff_integration` is not text"),
        ] {
            assert_eq!(read(&with(path, value)), Reading::Unreadable(Unreadable(sentence.into())));
        }
        for body in ["", "not json", "[1", "[]", "\u{0}"] {
            let reading = reader().try_read("msg_1", body.as_bytes(), Time::default());
            assert_eq!(reading, Err(Unreadable("the body is not a JSON object".to_owned())), "{body}");
        }
        let mut timeless = with("/timestamp", json!("soon"));
        timeless["data"]["created_at"] = json!(7);
        let sentence = "`timestamp` is not an RFC 3339 time";
        assert_eq!(read(&timeless), Reading::Unreadable(Unreadable(sentence.into())));
    }

    #[test]
    fn one_time_stands_for_the_other() {
        let (timestamp, created_at) = ("2026-11-21T04:30:00.123Z", "2026-11-21T04:30:00.100Z");
        for (path, value, wanted) in [
            ("/timestamp", json!("soon"), (created_at, created_at)),
            ("/timestamp", Value::Null, (created_at, created_at)),
            ("/timestamp", json!(1_700_000_000), (created_at, created_at)),
            ("/data/created_at", json!(""), (timestamp, timestamp)),
            ("/data/created_at", json!("2026-11-21T04:30:00.1002003004005Z"), (timestamp, created_at)),
        ] {
            let Reading::Event(event) = read(&with(path, value.clone())) else { panic!("{path} {value}") };
            let EventKind::Message(message) = &event.kind else { panic!("not a message") };
            let shown = (event.timestamp.to_string(), message.created_at.to_string());
            assert_eq!((&*shown.0, &*shown.1), wanted, "{path} {value}");
        }
        let ended = json!({"type": "v1.conversation.ended", "data": {"conversation_id": "c", "created_at": created_at}});
        assert!(matches!(read(&ended), Reading::Event(event) if event.timestamp.to_string() == created_at));
    }

    /// Fields, none of which need be there, in any order.
    fn object(fields: Vec<(&'static str, BoxedStrategy<String>)>) -> impl Strategy<Value = String> {
        let field = |(name, value): (&'static str, BoxedStrategy<String>)| {
            prop::option::weighted(0.9, value.prop_map(move |value| format!("\"{name}\":{value}")))
        };
        let fields: Vec<_> = fields.into_iter().map(field).collect();
        let given = fields.prop_map(|fields| fields.into_iter().flatten().collect::<Vec<_>>());
        given.prop_shuffle().prop_map(|fields| format!("{{{}}}", fields.join(",")))
    }

    fn one_of(values: &'static [&'static str]) -> BoxedStrategy<String> {
        select(values).prop_map(str::to_owned).boxed()
    }

    fn events() -> impl Strategy<Value = String> {
        let inner = one_of(&[
            r#"{"type":"native"}"#,
            r#"{"type":"native","handoff_integration":"custom-handoff"}"#,
            "[1e999]",
        ]);
        let integration = prop_oneof![
            Just(r#""zendesk""#),
            select(&["null", r#""custom-handoff""#, r#""custom\u002dhandoff""#, "7", "{}"][..]),
        ];
        let name = prop_oneof![
            Just(r#""v1.conversation.message""#),
            select(
                &[
                    r#""v1.conversation.handoff.ended""#,
                    r#""v1.conversation.ended""#,
                    r#""v1.end_user.created""#,
                    r#""v1\u002econversation.message""#,
                    "null",
                ][..]
            ),
        ];
        let data = object(vec![
            ("handoff_integration", integration.prop_map(str::to_owned).boxed()),
            ("conversation_id", one_of(&[r#""c1""#, r#""c1""#, r#""""#, "7", "null"])),
            ("message_id", one_of(&[r#""m1""#])),
            ("channel", inner.clone()),
        ]);
        object(vec![
            ("type", name.prop_map(str::to_owned).boxed()),
            ("timestamp", one_of(&[r#""2026-11-21T04:30:00.123Z""#])),
            ("data", prop_oneof![9 => data, 1 => one_of(&["null", "[]", r#""custom-handoff""#])].boxed()),
            ("beside", inner),
        ])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// A part may say nothing yet; what it says, the whole says.
        #[test]
        fn what_is_read_of_others_is_what_the_whole_says(body in events(), part in 0.0..1.0) {
            let whole = match Object::read(body.as_bytes()) {
                Ok(payload) => reader().read_payload("msg_1", &payload, Time::default()),
                Err(error) => panic!("{body}: {error}"),
            };
            let whole = whole.unwrap_or_else(Reading::Unreadable);
            prop_assert_eq!(&reader().read_kept("msg_1", body.as_bytes(), Time::default()), &whole);
            let part = &body.as_bytes()[..(body.len() as f64 * part) as usize];
            if let Some(reading) = reader().read_of_others(part) {
                prop_assert_eq!(reading, whole);
            }
        }
    }

    #[test]
    fn an_event_of_others_is_read_no_further_than_its_conversation() {
        let start = r#"{"type":"v1.conversation.message","data":{"conversation_id":"c1","handoff_integration":"zendesk","#;
        let foreign = Reading::Foreign { integration: "zendesk".into(), conversation: "c1".into() };
        assert_eq!(reader().read_of_others(start.as_bytes()), Some(foreign));
        assert_eq!(reader().read_of_others(start.replace("\"c1\"", "\"c1").as_bytes()), None);
        assert_eq!(reader().read_of_others(br#"{"type":"v1.end_user.created","#), Some(Reading::Ignored));
    }

    /// Whatever stands where nobody reads, and half letters where somebody does.
    #[test]
    fn what_is_odd_costs_nothing_else() {
        let deep = ["[".repeat(50_000), "]".repeat(50_000)].concat();
        let body =
            example().to_string().replace(r#""new_key":[1]"#, &format!(r#""new_key":{deep},"\ud83d":1e999"#));
        let body = body.replace("hello", r"hel\ud83dlo").replace("Maria", r"\udE00Maria");
        assert!(body.contains("1e999") && body.contains(&deep));
        let reading = reader().try_read("msg_1", body.as_bytes(), Time::default()).unwrap();
        let Reading::Event(event) = reading else { panic!("not an event") };
        let EventKind::Message(message) = &event.kind else { panic!("not a message") };
        assert_eq!(message.content, Content::Text { body: "hel\u{fffd}lo".to_owned() });
        assert_eq!(message.author.display_name.as_deref(), Some("\u{fffd}Maria"));
    }
}
