//! What an item of a contact means for a handoff.

use super::item::{WireAttachment, WireItem};
use crate::{
    relay::{
        contact::{Happening, Item, Speaker, SpeakerRole},
        context::bounded_name,
    },
    unseen,
};

const EVENT: &str = "application/vnd.amazonaws.connect.event.";

/// What happened by this item, in the order of its parts; nothing for what no handoff needs: the customer's own words,
/// typing, receipts, and what this relay does not know. Words of supervisors, of the flow and of bots count if
/// `system_messages` is on.
pub fn of(item: &WireItem, system_messages: bool) -> Vec<Item> {
    let (Some(id), Some(at)) = (item.id.as_deref().filter(|id| !id.is_empty()), item.absolute_time) else {
        return Vec::new();
    };
    let made = |id: String, what: Happening| Item { id, at, contact: item.contact_id.clone(), what };
    let one = |what: Happening| vec![made(id.to_owned(), what)];
    match item.kind.as_deref() {
        Some("MESSAGE") => match (speaker(item, system_messages), text(item)) {
            (Some(by), Some(body)) => one(Happening::Text { by, body }),
            _ => Vec::new(),
        },
        Some("ATTACHMENT") => {
            let Some(by) = speaker(item, system_messages) else { return Vec::new() };
            let file = |attachment: &WireAttachment| {
                let (status, what) = file(&by, attachment)?;
                // The same attachment comes again when its check has ended.
                Some(made(format!("{id}/{}/{status}", attachment.attachment_id.as_deref()?), what))
            };
            item.attachments.iter().filter_map(file).collect()
        }
        Some("EVENT") => {
            let name = item.content_type.as_deref().and_then(|kind| kind.strip_prefix(EVENT));
            event(item, name.unwrap_or_default()).map_or_else(Vec::new, one)
        }
        _ => Vec::new(),
    }
}

/// Who speaks; `None` for the customer, which is us, and for whoever does not count.
fn speaker(item: &WireItem, system_messages: bool) -> Option<Speaker> {
    let role = match item.participant_role.as_deref() {
        Some("AGENT") => SpeakerRole::Agent,
        Some("SUPERVISOR" | "SYSTEM" | "CUSTOM_BOT") if system_messages => SpeakerRole::Other,
        _ => return None,
    };
    let participant = item.participant_id.clone().unwrap_or_default();
    // The customer sees it, and it stands in lists.
    let name = item.display_name.as_deref().and_then(unseen::name).unwrap_or_default();
    Some(Speaker { participant, name: bounded_name(&name), role })
}

/// The words of a message, plain or in Markdown: Ada shows Markdown where the channel does, and flattens it elsewhere.
fn text(item: &WireItem) -> Option<String> {
    let is_text = item.content_type.as_deref().is_none_or(|kind| kind.starts_with("text/"));
    item.content.clone().filter(|body| is_text && !body.trim().is_empty())
}

fn file(by: &Speaker, attachment: &WireAttachment) -> Option<(&'static str, Happening)> {
    let by = by.clone();
    let filename =
        attachment.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| "file".to_owned());
    match attachment.status.as_deref() {
        Some("APPROVED") => {
            let mime_type = attachment.content_type.clone().unwrap_or_default();
            let attachment = attachment.attachment_id.clone()?;
            Some(("APPROVED", Happening::File { by, attachment, filename, mime_type }))
        }
        Some("REJECTED") => Some(("REJECTED", Happening::FileRejected { by, filename })),
        _ => None,
    }
}

fn event(item: &WireItem, name: &str) -> Option<Happening> {
    let agent = || speaker(item, false);
    match name {
        "participant.joined" => agent().map(|by| Happening::Joined { by }),
        "participant.left" => agent().map(|by| Happening::Left { by }),
        "transfer.succeeded" => Some(Happening::Transferred),
        "participant.autodisconnection" => Some(Happening::AutoDisconnected),
        "chat.ended" => Some(Happening::Ended),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(item: Value) -> WireItem {
        let mut whole = json!({
            "Id": "i1", "AbsoluteTime": "2026-11-21T10:00:00.123Z", "ParticipantId": "p1", "DisplayName": "Ann",
            "ParticipantRole": "AGENT", "InitialContactId": "c1", "ContactId": "c2",
        });
        whole.as_object_mut().unwrap().extend(item.as_object().unwrap().clone());
        serde_json::from_str(&whole.to_string()).unwrap()
    }

    fn told(item: Value) -> Vec<String> {
        let items = of(&read(item), false);
        items.into_iter().map(|item| format!("{} {:?}", item.id, item.what)).collect()
    }

    fn event(name: &str) -> Value {
        json!({ "Type": "EVENT", "ContentType": format!("{EVENT}{name}") })
    }

    #[test]
    fn words_of_agents_count_and_the_customers_own_come_back() {
        let message = |role: &str, kind: &str, content: &str| json!({ "Type": "MESSAGE", "ContentType": kind, "Content": content, "ParticipantRole": role });
        for kind in ["text/plain", "text/markdown"] {
            let said = of(&read(message("AGENT", kind, "**Hi**")), false);
            let by =
                Speaker { participant: "p1".to_owned(), name: "Ann".to_owned(), role: SpeakerRole::Agent };
            let [item] = &said[..] else { panic!("{said:?}") };
            assert_eq!((item.id.as_str(), item.contact.as_deref()), ("i1", Some("c2")));
            assert_eq!(item.what, Happening::Text { by, body: "**Hi**".to_owned() });
        }
        for role in ["CUSTOMER", "SYSTEM", "SUPERVISOR", "CUSTOM_BOT", "NEW"] {
            assert_eq!(of(&read(message(role, "text/plain", "Hi")), false), [], "{role}");
        }
        for (role, counts) in
            [("CUSTOMER", 0), ("SYSTEM", 1), ("SUPERVISOR", 1), ("CUSTOM_BOT", 1), ("NEW", 0)]
        {
            assert_eq!(of(&read(message(role, "text/plain", "Hi")), true).len(), counts, "{role}");
        }
        assert_eq!(of(&read(message("AGENT", "text/plain", " \n")), false), []);
        assert_eq!(of(&read(message("AGENT", "application/json", "{}")), false), []);
    }

    #[test]
    fn a_file_counts_when_its_check_has_ended() {
        let files = |statuses: &[&str]| {
            let attachment = |(index, status): (usize, &&str)| json!({ "AttachmentId": format!("a{index}"), "AttachmentName": "a.pdf", "ContentType": "application/pdf", "Status": status });
            let attachments: Vec<Value> = statuses.iter().enumerate().map(attachment).collect();
            told(json!({ "Type": "ATTACHMENT", "Attachments": attachments }))
        };
        assert_eq!(files(&["IN_PROGRESS"]).len(), 0);
        let both = files(&["APPROVED", "REJECTED"]);
        assert!(
            both[0].starts_with("i1/a0/APPROVED File") && both[1].starts_with("i1/a1/REJECTED FileRejected")
        );
        assert_eq!(told(json!({ "Type": "ATTACHMENT", "Attachments": [{ "Status": "APPROVED" }] })).len(), 0);
    }

    #[test]
    fn events_of_agents_and_of_the_chat_count() {
        for (name, what) in [
            ("participant.joined", "Joined"),
            ("participant.left", "Left"),
            ("transfer.succeeded", "Transferred"),
            ("participant.autodisconnection", "AutoDisconnected"),
            ("chat.ended", "Ended"),
        ] {
            let told = told(event(name));
            assert!(told.len() == 1 && told[0].contains(what), "{name}: {told:?}");
        }
        for name in
            ["typing", "message.read", "message.delivered", "participant.idle", "transfer.failed", "new", ""]
        {
            assert_eq!(told(event(name)), Vec::<String>::new(), "{name}");
        }
        let customer = |name: &str| {
            let mut event = event(name);
            event["ParticipantRole"] = json!("CUSTOMER");
            told(event)
        };
        assert!(customer("participant.joined").is_empty() && customer("participant.left").is_empty());
        let mut bare = event("chat.ended");
        for field in ["ParticipantId", "DisplayName", "ParticipantRole"] {
            bare[field] = Value::Null;
        }
        assert_eq!(told(bare), ["i1 Ended"]);
    }

    #[test]
    fn what_can_not_be_placed_counts_for_nothing() {
        for odd in [
            json!({ "Id": "" }),
            json!({ "AbsoluteTime": "yesterday" }),
            json!({ "Type": "MESSAGEMETADATA" }),
        ] {
            let mut item = json!({ "Type": "MESSAGE", "ContentType": "text/plain", "Content": "Hi" });
            item.as_object_mut().unwrap().extend(odd.as_object().unwrap().clone());
            assert_eq!(told(item), Vec::<String>::new(), "{odd}");
        }
    }
}
