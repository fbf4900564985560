//! What Ada learns of a handoff, for the AI Agent to go on from: metavariables of the end user, and metadata of the
//! conversation.

use serde_json::{Map, Value};

use super::{contact::customers_name, handoff::Handoff};

/// A note is cut to this length in bytes: metadata has 4 KB in all.
const NOTE_BYTES: usize = 1_000;

/// Which facts go to Ada, and what they are called there. None by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HandoffValues {
    /// As metavariables.
    pub metavariables: Vec<NamedFact>,
    /// As metadata.
    pub metadata: Vec<NamedFact>,
}

/// A fact, and its name at Ada.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFact {
    /// Which fact.
    pub fact: Fact,
    /// Its name at Ada.
    pub name: String,
}

/// Something about a handoff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Its id.
    HandoffId,
    /// Its team.
    Team,
    /// Who has it, or had it at its end.
    Agent,
    /// When it began.
    StartedAt,
    /// When an agent first accepted it.
    AcceptedAt,
    /// When it ended.
    EndedAt,
    /// Who ended it.
    EndedBy,
    /// What came of it.
    Outcome,
    /// The note with which its agent has ended it.
    Note,
}

impl Fact {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::HandoffId,
        Self::Team,
        Self::Agent,
        Self::StartedAt,
        Self::AcceptedAt,
        Self::EndedAt,
        Self::EndedBy,
        Self::Outcome,
        Self::Note,
    ];

    /// The name that the settings use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HandoffId => "handoff_id",
            Self::Team => "team",
            Self::Agent => "agent",
            Self::StartedAt => "started_at",
            Self::AcceptedAt => "accepted_at",
            Self::EndedAt => "ended_at",
            Self::EndedBy => "ended_by",
            Self::Outcome => "outcome",
            Self::Note => "note",
        }
    }

    fn of(self, handoff: &Handoff) -> Option<String> {
        match self {
            Self::HandoffId => Some(handoff.id.0.clone()),
            Self::Team => handoff.team.as_ref().map(|team| team.0.clone()),
            Self::Agent => handoff.agent().map(|agent| customers_name(agent).to_owned()),
            Self::StartedAt => Some(handoff.created_at.to_string()),
            Self::AcceptedAt => handoff.accepted_at.map(|at| at.to_string()),
            Self::EndedAt => handoff.end().map(|end| end.at.to_string()),
            Self::EndedBy => handoff.end().map(|end| end.by.as_str().to_owned()),
            Self::Outcome => handoff.outcome.clone(),
            Self::Note => handoff.closing_note.clone(),
        }
    }
}

impl HandoffValues {
    /// The metavariables of a handoff. What is not there is empty, so that nothing stays of an earlier handoff.
    pub fn metavariables(&self, handoff: &Handoff) -> Map<String, Value> {
        let value = |fact: Fact| fact.of(handoff).unwrap_or_default().into();
        self.metavariables.iter().map(|named| (named.name.clone(), value(named.fact))).collect()
    }

    /// The metadata of its conversation. What is not there is removed.
    pub fn metadata(&self, handoff: &Handoff) -> Map<String, Value> {
        let value = |fact: Fact| fact.of(handoff).map_or(Value::Null, Value::from);
        self.metadata.iter().map(|named| (named.name.clone(), value(named.fact))).collect()
    }

    /// As much of a note as Ada gets; none if it gets no notes.
    pub fn closing_note(&self, note: &str) -> Option<String> {
        let mut all = self.metavariables.iter().chain(&self.metadata);
        let is_wanted = all.any(|named| named.fact == Fact::Note);
        is_wanted.then(|| {
            let plain: String = note.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            plain[..plain.floor_char_boundary(NOTE_BYTES)].to_owned()
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::relay::{
        handoff::{AdaEnd, End, EndedBy, Status},
        id::ConversationKey,
        time::Time,
    };

    fn all(prefix: &str) -> Vec<NamedFact> {
        let named = |fact: Fact| NamedFact { fact, name: format!("{prefix}{}", fact.as_str()) };
        Fact::ALL.map(named).into()
    }

    #[test]
    fn what_is_not_there_takes_the_place_of_what_was() {
        let values = HandoffValues { metavariables: all("v_"), metadata: all("m_") };
        let key = ConversationKey { ai_agent: "acme".into(), conversation: "c".into() };
        let mut handoff = Handoff::blank("h".into(), key);
        let began = "1970-01-01T00:00:00.000Z";
        assert_eq!(
            Value::Object(values.metavariables(&handoff)),
            json!({ "v_handoff_id": "h", "v_team": "", "v_agent": "", "v_started_at": began, "v_accepted_at": "",
                "v_ended_at": "", "v_ended_by": "", "v_outcome": "", "v_note": "" })
        );
        assert_eq!(values.metadata(&handoff)["m_agent"], Value::Null);

        handoff.team = Some("Billing".into());
        handoff.accepted_at = Some(Time::from_millis(1_000));
        handoff.outcome = Some("solved".to_owned());
        handoff.closing_note = Some("All good.".to_owned());
        handoff.status = Status::Ended(End {
            at: Time::from_millis(2_000),
            by: EndedBy::Agent,
            agent: Some("Ann (Amazon Connect)".to_owned()),
            ada: AdaEnd::Unsettled,
            row: "r".into(),
        });
        assert_eq!(
            Value::Object(values.metadata(&handoff)),
            json!({ "m_handoff_id": "h", "m_team": "Billing", "m_agent": "Ann", "m_started_at": began,
                "m_accepted_at": "1970-01-01T00:00:01.000Z", "m_ended_at": "1970-01-01T00:00:02.000Z",
                "m_ended_by": "agent", "m_outcome": "solved", "m_note": "All good." })
        );
    }

    #[test]
    fn a_note_is_cut_and_only_kept_if_ada_gets_it() {
        let values = HandoffValues { metavariables: Vec::new(), metadata: all("") };
        assert_eq!(values.closing_note("two\nlines").unwrap(), "two lines");
        assert_eq!(values.closing_note(&"ä".repeat(501)).unwrap(), "ä".repeat(500));
        assert_eq!(values.closing_note(&format!("x{}", "ä".repeat(501))).unwrap().len(), 999);
        assert_eq!(HandoffValues::default().closing_note("Done."), None);
    }
}
