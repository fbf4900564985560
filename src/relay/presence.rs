//! Who is looking at a handoff, or writing in it. That is never stored: it is over unless it is said again.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{id::HandoffId, time::Time};

/// So long after it was last said, it is over.
pub const LASTS: Duration = Duration::from_secs(25);
/// So long after the agent's last event stream has ended, too: a page that is loaded anew opens another one.
const GRACE: Duration = Duration::from_secs(3);
/// Of one agent in one handoff, there is no more than one event in this time.
pub const PAUSE: Duration = Duration::from_secs(2);
/// An agent may be in so many handoffs at once: more than they have tabs for.
pub const MOST: usize = 16;

/// What an agent does in a handoff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// They have it in view.
    Looking,
    /// They are writing a message or a note.
    Writing,
}

impl Activity {
    /// The name that the agent API uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Looking => "looking",
            Self::Writing => "writing",
        }
    }
}

/// An agent in a handoff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// The handoff.
    pub handoff: HandoffId,
    /// Their name.
    pub agent: String,
    /// What they do; nothing if they have gone.
    pub activity: Option<Activity>,
}

/// Which instance of the relay an agent has said it to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This one, which tells the others.
    Here,
    /// Another one.
    Elsewhere,
}

/// What is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// What has changed, or was said again.
    pub presence: Presence,
    /// To whom it was said last.
    pub origin: Origin,
}

/// An agent is in too many handoffs at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("you are in {MOST} handoffs at once, which is the limit")]
pub struct TooMany;

/// Who is where, as far as this instance knows.
#[derive(Debug, Default)]
pub struct Board {
    /// By handoff, then by agent.
    entries: BTreeMap<(HandoffId, String), Entry>,
}

#[derive(Debug)]
struct Entry {
    activity: Option<Activity>,
    until: Time,
    origin: Origin,
    /// What was told last, and when.
    told: Option<(Option<Activity>, Time)>,
}

impl Entry {
    /// When it may be told again.
    fn quiet_until(&self) -> Option<Time> {
        self.told.map(|(_, at)| at + PAUSE)
    }

    fn may_be_told(&self, now: Time) -> bool {
        self.quiet_until().is_none_or(|until| until <= now)
    }

    fn is_untold(&self) -> bool {
        self.told.and_then(|(activity, _)| activity) != self.activity
    }

    /// When something is to be done about it.
    fn next(&self) -> Option<Time> {
        let over = self.activity.map(|_| self.until);
        let quiet = self.quiet_until().filter(|_| self.is_untold() || self.activity.is_none());
        over.into_iter().chain(quiet).min()
    }
}

impl Board {
    /// An agent says what they do. Gives what is to be told now; the rest comes with [`due`](Self::due).
    ///
    /// # Errors
    /// They are in [`MOST`] other handoffs already.
    pub fn say(&mut self, said: Presence, origin: Origin, now: Time) -> Result<Option<News>, TooMany> {
        let Presence { handoff, agent, activity } = said;
        let is_new = !self.entries.contains_key(&(handoff.clone(), agent.clone()));
        if is_new && activity.is_none() {
            return Ok(None);
        }
        if is_new && self.entries.keys().filter(|(_, other)| *other == agent).count() >= MOST {
            return Err(TooMany);
        }
        let place = (handoff, agent);
        let entry =
            self.entries.entry(place.clone()).or_insert(Entry { activity, until: now, origin, told: None });
        (entry.activity, entry.until, entry.origin) = (activity, now + LASTS, origin);
        Ok(entry.may_be_told(now).then(|| tell(&place, entry, now)))
    }

    /// The last event stream that an agent had here has ended.
    pub fn leaves(&mut self, agent: &str, now: Time) {
        let of_agent = |((_, of), _): &(&(HandoffId, String), &mut Entry)| of == agent;
        for (_, entry) in self.entries.iter_mut().filter(of_agent) {
            if entry.origin == Origin::Here {
                entry.until = entry.until.min(now + GRACE);
            }
        }
    }

    /// What is over, and what could not be told before.
    pub fn due(&mut self, now: Time) -> Vec<News> {
        let mut news = Vec::new();
        for (place, entry) in &mut self.entries {
            if entry.until <= now {
                entry.activity = None;
            }
            if entry.is_untold() && entry.may_be_told(now) {
                news.push(tell(place, entry, now));
            }
        }
        // Who comes back at once is still held to the pause.
        self.entries
            .retain(|_, entry| entry.activity.is_some() || entry.is_untold() || !entry.may_be_told(now));
        news
    }

    /// When something is due next.
    pub fn next(&self) -> Option<Time> {
        self.entries.values().filter_map(Entry::next).min()
    }

    /// Who else is in a handoff.
    pub fn others(&self, handoff: &HandoffId, agent: &str) -> Vec<Presence> {
        let of_handoff = self.entries.range((handoff.clone(), String::new())..);
        let of_handoff = of_handoff.take_while(|((of, _), _)| of == handoff);
        let there = of_handoff.filter(|((_, of), entry)| of != agent && entry.activity.is_some());
        there.map(|(place, entry)| presence(place, entry)).collect()
    }
}

fn presence((handoff, agent): &(HandoffId, String), entry: &Entry) -> Presence {
    Presence { handoff: handoff.clone(), agent: agent.clone(), activity: entry.activity }
}

fn tell(place: &(HandoffId, String), entry: &mut Entry, now: Time) -> News {
    entry.told = Some((entry.activity, now));
    News { presence: presence(place, entry), origin: entry.origin }
}

#[cfg(test)]
mod tests;
