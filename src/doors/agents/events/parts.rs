//! Rendered events, and which of them an agent may see.

use std::{collections::HashMap, sync::Arc};

use axum::body::Bytes;
use serde_json::json;

use super::render::add;
use crate::{
    doors::App,
    relay::{
        handoff::Handoff,
        id::HandoffId,
        sight::{Ownership, Sight},
    },
    store::{FeedItem, StoreError},
};

/// Of so many handoffs it is remembered whose they are.
const REMEMBERED: usize = 10_000;

/// Events, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// Their bytes.
    pub bytes: Vec<u8>,
    /// Which of the bytes are for whom. What no part covers is for all.
    parts: Vec<Part>,
}

/// Events that don't change any more.
#[derive(Clone, Debug, Default)]
pub struct Events {
    /// Their bytes.
    pub bytes: Bytes,
    parts: Arc<[Part]>,
}

/// An event about a handoff.
#[derive(Clone, Debug)]
struct Part {
    begin: usize,
    end: usize,
    owner: Arc<Ownership>,
    /// What it tells those who could see the handoff until now.
    hides: Option<Hides>,
}

#[derive(Clone, Debug)]
struct Hides {
    change: u64,
    handoff: HandoffId,
    version: u64,
    /// Whose it was; none if that is not known.
    before: Option<Arc<Ownership>>,
}

impl Rendered {
    /// Covers what was added since `begin`: it is about a handoff of this owner.
    pub fn cover(&mut self, begin: usize, owner: Arc<Ownership>) {
        self.parts.push(Part { begin, end: self.bytes.len(), owner, hides: None });
    }

    /// The same for a handoff itself, with its change. It may have left somebody's sight.
    pub fn cover_handoff(&mut self, begin: usize, change: u64, handoff: &Handoff, owners: &Owners) {
        let Handoff { id, version, .. } = handoff;
        let hides = Hides { change, handoff: id.clone(), version: *version, before: owners.before.clone() };
        let owner = Arc::clone(&owners.now);
        self.parts.push(Part { begin, end: self.bytes.len(), owner, hides: Some(hides) });
    }

    /// What is there, which is then empty.
    pub fn take(&mut self) -> Events {
        let Self { bytes, parts } = std::mem::take(self);
        Events { bytes: bytes.into(), parts: parts.into() }
    }
}

impl From<Bytes> for Events {
    fn from(bytes: Bytes) -> Self {
        Self { bytes, parts: Arc::default() }
    }
}

impl Events {
    /// Those that somebody may see.
    pub fn seen_by(&self, sight: &Sight) -> Bytes {
        if *sight == Sight::All || self.parts.iter().all(|part| sight.has_owned(&part.owner)) {
            return self.bytes.clone();
        }
        let (mut seen, mut done) = (Vec::with_capacity(self.bytes.len()), 0);
        for part in self.parts.iter().filter(|part| !sight.has_owned(&part.owner)) {
            seen.extend_from_slice(self.bytes.get(done..part.begin).unwrap_or_default());
            done = part.end;
            let Some(Hides { change, handoff, version, before }) = &part.hides else { continue };
            if before.as_ref().is_none_or(|before| sight.has_owned(before)) {
                let hidden = json!({ "handoff_id": handoff, "version": version });
                add(&mut seen, "hidden", Some(*change), &hidden);
            }
        }
        seen.extend_from_slice(self.bytes.get(done..).unwrap_or_default());
        seen.into()
    }
}

/// Whose a handoff is.
#[derive(Clone, Debug)]
pub struct Owners {
    now: Arc<Ownership>,
    /// Whose it was when it was last told; none if that is not known.
    before: Option<Arc<Ownership>>,
}

impl Owners {
    /// Of a handoff that has changed; `known` is what was known before.
    fn of(handoff: &Handoff, known: Option<&Self>) -> Self {
        let now = Arc::new(Ownership::of(handoff));
        let before = match known {
            // Several changes that are told as one: those who saw it in between are not known.
            Some(known) if known.before.as_ref() != Some(&known.now) => None,
            Some(known) => Some(Arc::clone(&known.now)),
            // To those who don't see it now, its id is not told either.
            None => handoff.has_stayed.then(|| Arc::clone(&now)),
        };
        Self { now, before }
    }
}

/// Whose handoffs are, as far as that was asked.
pub struct KnownOwners {
    app: App,
    known: HashMap<HandoffId, Owners>,
}

impl KnownOwners {
    /// Nothing is known.
    pub fn new(app: App) -> Self {
        Self { app, known: HashMap::new() }
    }

    /// Learns from changes, before they are told: a row must not be shown to those who could see its handoff before.
    pub fn learn<'a>(&mut self, changes: impl Iterator<Item = &'a FeedItem>) {
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        for change in changes {
            let FeedItem::Handoff(handoff) = change else { continue };
            let owners = Owners::of(handoff, self.known.get(&handoff.id));
            self.known.insert(handoff.id.clone(), owners);
        }
    }

    /// Whose it is.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn of(&mut self, id: &HandoffId) -> Result<Arc<Ownership>, StoreError> {
        if let Some(owners) = self.known.get(id) {
            return Ok(Arc::clone(&owners.now));
        }
        let handoff = self.app.engine.store().handoff(id).await?;
        let gone = Ownership { team: None, agent: None };
        let now = Arc::new(handoff.as_ref().map_or(gone, Ownership::of));
        self.known.insert(id.clone(), Owners { now: Arc::clone(&now), before: Some(Arc::clone(&now)) });
        Ok(now)
    }

    /// Whose it is and was, which is then told.
    pub fn tell(&mut self, id: &HandoffId) -> Option<Owners> {
        let owners = self.known.get_mut(id)?;
        let told = owners.clone();
        owners.before = Some(Arc::clone(&owners.now));
        Some(told)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::relay::{
        handoff::Status,
        id::{ConversationId, ConversationKey},
    };

    fn owner(team: Option<&str>, agent: Option<&str>) -> Arc<Ownership> {
        Arc::new(Ownership { team: team.map(Into::into), agent: agent.map(str::to_owned) })
    }

    fn sees(teams: &[&str], agent: &str) -> Sight {
        let teams = teams.iter().map(|team| (*team).into()).collect();
        Sight::Of { teams, agent: agent.to_owned() }
    }

    fn text(events: &Events, sight: &Sight) -> String {
        String::from_utf8(events.seen_by(sight).to_vec()).unwrap()
    }

    #[test]
    fn each_sees_the_events_of_their_handoffs_in_their_order() {
        let mut rendered = Rendered::default();
        for (words, of) in [
            ("a ", Some(owner(Some("A"), None))),
            ("all ", None),
            ("b ", Some(owner(Some("B"), Some("Sam")))),
            ("none ", Some(owner(None, None))),
            ("a again ", Some(owner(Some("A"), None))),
        ] {
            let begin = rendered.bytes.len();
            rendered.bytes.extend_from_slice(words.as_bytes());
            if let Some(of) = of {
                rendered.cover(begin, of);
            }
        }
        let events = rendered.take();
        for (sight, seen) in [
            (Sight::All, "a all b none a again "),
            (sees(&["A", "B"], "Kim"), "a all b none a again "),
            (sees(&["A"], "Kim"), "a all none a again "),
            (sees(&["B"], "Kim"), "all b none "),
            (sees(&[], "Sam"), "all b none "),
            (sees(&[], "Kim"), "all none "),
        ] {
            assert_eq!(text(&events, &sight), seen, "{sight:?}");
        }
        assert!(rendered.take().bytes.is_empty(), "it is taken once");
    }

    #[test]
    fn who_could_see_a_handoff_is_told_that_it_is_hidden() {
        let mut rendered = Rendered::default();
        rendered.bytes.extend_from_slice(b"moved ");
        let owners = Owners { now: owner(Some("B"), None), before: Some(owner(Some("A"), Some("Sam"))) };
        let key = ConversationKey { ai_agent: "acme".into(), conversation: ConversationId("c".to_owned()) };
        let handoff = Handoff { version: 3, ..Handoff::blank("h1".into(), key) };
        rendered.cover_handoff(0, 7, &handoff, &owners);
        let events = rendered.take();
        let hidden = "id: 7\nevent: hidden\ndata: {\"handoff_id\":\"h1\",\"version\":3}\n\n";
        for (sight, seen) in [
            (Sight::All, "moved "),
            (sees(&["B"], "Kim"), "moved "),
            (sees(&["A"], "Kim"), hidden),
            (sees(&[], "Sam"), hidden),
            (sees(&["C"], "Kim"), ""),
        ] {
            assert_eq!(text(&events, &sight), seen, "{sight:?}");
        }
        let handoff = Handoff { team: Some("B".into()), ..handoff };
        rendered.bytes.extend_from_slice(b"new ");
        rendered.cover_handoff(0, 8, &handoff, &Owners::of(&handoff, None));
        assert_eq!(text(&rendered.take(), &sees(&["C"], "Kim")), "", "it was of no other team");
        let mut known = owners;
        for (team, agent) in [("B", "Kim"), ("B", "Lea")] {
            let status = Status::Active { agent: agent.to_owned() };
            let changed = Handoff { status, team: Some(team.into()), ..handoff.clone() };
            known = Owners::of(&changed, Some(&known));
        }
        rendered.bytes.extend_from_slice(b"moved ");
        rendered.cover_handoff(0, 7, &handoff, &known);
        assert_eq!(
            text(&rendered.take(), &sees(&["A"], "Sam")),
            hidden,
            "though more followed before it was told"
        );
        let handoff = Handoff { has_stayed: false, ..handoff };
        let unknown = Owners::of(&handoff, None);
        rendered.bytes.extend_from_slice(b"moved ");
        rendered.cover_handoff(0, 7, &handoff, &unknown);
        assert_eq!(text(&rendered.take(), &sees(&["C"], "Kim")), hidden, "when in doubt");
    }
}
