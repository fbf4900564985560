//! What an event says: the same JSON as the agent API, and its number.

use serde::Serialize;
use serde_json::json;

use crate::{
    agents::{
        platforms::FileLinks,
        view::{HandoffView, MessageView},
    },
    relay::{
        handoff::Handoff,
        id::HandoffId,
        platform::{Notice, PlatformEvent},
        policy::Policy,
        time::Time,
    },
};

#[derive(Serialize)]
struct Event<'a, T> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    data: Data<'a, T>,
}

#[derive(Serialize)]
struct Data<'a, T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    handoff_id: Option<&'a HandoffId>,
    sequence: u64,
    #[serde(flatten)]
    subject: T,
}

/// The body of an event. Links to files are made now.
pub fn of_notice(
    handoff_id: &HandoffId,
    notice: &Notice,
    links: &FileLinks,
    now: Time,
    policy: Option<&Policy>,
) -> String {
    let link = |handoff: &str, row: &str| links.url(handoff, row, now);
    // A receiver that keeps what it was told must not take this for an empty context.
    let later = |handoff: &Handoff| {
        let mut view = HandoffView::whole(handoff, policy);
        view.link_files(&link);
        let mut view = serde_json::to_value(view).unwrap_or_default();
        if let Some(fields) = view.as_object_mut() {
            fields.retain(|name, _| !matches!(name.as_str(), "context" | "context_truncated"));
        }
        written(notice, Some(handoff_id), view)
    };
    match &notice.event {
        PlatformEvent::Started { handoff } => {
            written(notice, Some(handoff_id), HandoffView::whole(handoff, policy))
        }
        PlatformEvent::Accepted { handoff }
        | PlatformEvent::Released { handoff }
        | PlatformEvent::Ended { handoff } => later(handoff),
        PlatformEvent::Message { row } | PlatformEvent::MessageUpdated { row } => {
            let mut view = MessageView::from(&**row);
            view.link_files(&link);
            // Its handoff's id is a field of its own.
            written(notice, None, view)
        }
    }
}

fn written<T: Serialize>(notice: &Notice, handoff_id: Option<&HandoffId>, subject: T) -> String {
    let data = Data { handoff_id, sequence: notice.sequence, subject };
    let event = Event { kind: notice.event.name(), timestamp: notice.at.to_string(), data };
    serde_json::to_string(&event).unwrap_or_default()
}

/// The body of a `ping`.
pub fn ping(now: Time) -> String {
    json!({ "type": "ping", "timestamp": now.to_string(), "data": {} }).to_string()
}
