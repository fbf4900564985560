//! What Ada learns of handoffs, and under which names.

use super::{
    parse::{self, Parsed},
    reader::Reader,
};
use crate::relay::values::{Fact, HandoffValues, NamedFact};

const MOST_CHARS: usize = 100;

/// Reads it.
pub(super) fn read(r: &mut Reader) -> HandoffValues {
    let metavariables = r.or("ADA_METAVARIABLES", Vec::new(), names);
    let metadata = r.or("ADA_METADATA", Vec::new(), names);
    HandoffValues { metavariables, metadata }
}

/// `agent=support_agent,outcome=support_outcome`, or `off`. A fact alone keeps its name.
fn names(text: &str) -> Parsed<Vec<NamedFact>> {
    if text == "off" {
        return Ok(Vec::new());
    }
    let mut all: Vec<NamedFact> = Vec::new();
    for (position, entry) in parse::names_of(text).iter().enumerate() {
        let number = position + 1;
        let (fact, name) = entry.split_once('=').unwrap_or((entry, entry));
        let (fact, name) = (fact.trim(), name.trim());
        let Some(fact) = Fact::ALL.into_iter().find(|known| known.as_str() == fact) else {
            let known = Fact::ALL.map(Fact::as_str).join(", ");
            return Err(format!(
                "must be off or some of {known}, each with =name if need be; entry {number} is not"
            ));
        };
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if name.is_empty() || name.len() > MOST_CHARS || !name.bytes().all(is_plain) {
            return Err(format!(
                "needs a name of 1 to {MOST_CHARS} letters, digits, _ and - in entry {number}"
            ));
        }
        if all.iter().any(|other| other.name == name) {
            return Err(format!("has a name twice: see entry {number}"));
        }
        all.push(NamedFact { fact, name: name.to_owned() });
    }
    Ok(all)
}
