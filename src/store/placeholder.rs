//! What stands in the place of what can't be read, as a newer relay may have written it.

use crate::relay::{
    handoff::{AdaEnd, End, EndedBy, Handoff, Status},
    id::{ConversationKey, HandoffId, RowId},
    thread::{AdaIds, Author, Content, Role, Row, Source},
    time::Time,
};

/// A handoff of which only these are known. `status` is the name that it is stored under.
pub fn handoff(id: HandoffId, key: ConversationKey, status: &str, agent: Option<String>) -> Handoff {
    let status = match (status, agent) {
        ("active", Some(agent)) => Status::Active { agent },
        ("ended", agent) => Status::Ended(End {
            at: Time::default(),
            by: EndedBy::System,
            agent,
            ada: AdaEnd::Unknown,
            row: RowId(String::new()),
        }),
        _ => Status::Waiting,
    };
    let last_message = Some(row(RowId(format!("{id}-unreadable")), &id, 0, Time::default()));
    Handoff { status, last_message, ..Handoff::blank(id, key) }
}

/// A row of which no more is known, behind the one at `at`.
pub fn row(id: RowId, handoff: &HandoffId, seq: u64, at: Time) -> Row {
    Row {
        id,
        handoff: handoff.clone(),
        seq,
        at,
        ids: AdaIds::default(),
        author: Author { role: Role::Unknown, display_name: None, avatar: None },
        content: Content::Unreadable { reason: "what is stored of it can't be read".to_owned() },
        created_at: at,
        created_by_ada: false,
        source: Source::Relay,
        sending: None,
        tried_at: None,
        late: false,
    }
}
