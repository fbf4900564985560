//! What customers are told while they wait for an agent, and when one has accepted.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{id::TeamName, time::Time};

/// The place of the agent's name in [`WaitingRoom::accept_text`].
const AGENT: &str = "{agent}";

/// What customers are told; nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaitingRoom {
    /// The text when an agent accepts, in which `{agent}` stands for the agent's name.
    pub accept_text: Option<String>,
    /// What Ada's banner shows. It goes with the first text, so that there are no [`texts`](Self::texts) beside it.
    pub banner: Banner,
    /// Texts for those who wait, by their time, of which no two are the same.
    pub texts: Vec<WaitingText>,
}

/// What a route, a team or an AI Agent says of it. What it leaves unsaid is as for all others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnWaitingRoom {
    /// The text when an agent accepts, or that there is none.
    pub accept_text: Option<Option<String>>,
    /// What Ada's banner shows.
    pub banner: Option<Banner>,
    /// Texts for those who wait.
    pub texts: Option<Vec<WaitingText>>,
}

/// What the customers of an AI Agent are told, by route and team.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WaitingRooms {
    rooms: ByTeam,
    /// Of routes that say something.
    routes: BTreeMap<String, ByTeam>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ByTeam {
    general: WaitingRoom,
    teams: BTreeMap<TeamName, WaitingRoom>,
}

/// What Ada's banner shows to those who wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Banner {
    /// There is none.
    #[default]
    Off,
    /// How many are ahead.
    Position,
    /// How long it may take.
    Time,
}

/// A text for those who have waited for so long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingText {
    /// How long; nothing for those who begin to wait.
    pub after: Duration,
    /// The text.
    pub text: String,
}

/// The texts that somebody has been told while they wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextsTold {
    /// Since when they have waited. Who waits anew is told anew.
    pub since: Time,
    /// The time of the latest of these texts.
    pub up_to: Duration,
}

/// What a banner shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "unit", rename_all = "snake_case")]
pub enum Shown {
    /// How many are ahead.
    Position {
        /// People.
        ahead: u64,
    },
    /// How long it may take.
    Time {
        /// At most [`LONGEST_SECONDS`].
        seconds: u64,
    },
    /// Only that they wait.
    Unknown,
}

/// The longest wait that Ada shows: a day.
pub const LONGEST_SECONDS: u64 = 86_400;

/// The banner of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BannerState {
    /// What it shows; none if that is not known.
    pub shown: Option<Shown>,
    /// When it may show something else.
    pub next_at: Time,
    /// Ada has refused it.
    #[serde(default)]
    pub is_off: bool,
}

impl Banner {
    /// What it shows to somebody with so many `ahead`, who has `waited` so long, if people wait for about `estimate`. Ada
    /// shows whole minutes; who has waited longer than that is promised nothing more.
    pub fn shown(self, ahead: u64, estimate: Option<Duration>, waited: Duration) -> Option<Shown> {
        match self {
            Self::Off => None,
            Self::Position => Some(Shown::Position { ahead }),
            Self::Time => Some(match estimate.and_then(|estimate| estimate.checked_sub(waited)) {
                None | Some(Duration::ZERO) => Shown::Unknown,
                Some(left) => {
                    let seconds = left.as_secs().max(1).next_multiple_of(60);
                    Shown::Time { seconds: seconds.min(LONGEST_SECONDS) }
                }
            }),
        }
    }
}

impl OwnWaitingRoom {
    /// All of it, with what is `general` where nothing is said.
    pub fn or(&self, general: &WaitingRoom) -> WaitingRoom {
        let Self { accept_text, banner, texts } = self;
        WaitingRoom {
            accept_text: accept_text.as_ref().unwrap_or(&general.accept_text).clone(),
            banner: banner.unwrap_or(general.banner),
            texts: texts.as_ref().unwrap_or(&general.texts).clone(),
        }
    }
}

impl WaitingRooms {
    /// What is `general` to the AI Agent, except for what `teams` say.
    pub fn new<'a>(
        general: WaitingRoom,
        teams: impl Iterator<Item = (&'a TeamName, &'a OwnWaitingRoom)>,
    ) -> Self {
        let teams = teams.map(|(team, own)| (team.clone(), own.or(&general))).collect();
        Self { rooms: ByTeam { general, teams }, routes: BTreeMap::new() }
    }

    /// With what the route of this name says. It counts before what teams say.
    #[must_use]
    pub fn with_route(mut self, name: &str, own: &OwnWaitingRoom) -> Self {
        if *own != OwnWaitingRoom::default() {
            let ByTeam { general, teams } = &self.rooms;
            let teams = teams.iter().map(|(team, room)| (team.clone(), own.or(room))).collect();
            self.routes.insert(name.to_owned(), ByTeam { general: own.or(general), teams });
        }
        self
    }

    /// What customers are told who came by `route` and wait for `team`.
    pub fn of(&self, route: Option<&str>, team: Option<&TeamName>) -> &WaitingRoom {
        let rooms = route.and_then(|route| self.routes.get(route)).unwrap_or(&self.rooms);
        team.and_then(|team| rooms.teams.get(team)).unwrap_or(&rooms.general)
    }

    /// What any customers are told.
    pub fn iter(&self) -> impl Iterator<Item = &WaitingRoom> {
        let all = std::iter::once(&self.rooms).chain(self.routes.values());
        all.flat_map(|rooms| std::iter::once(&rooms.general).chain(rooms.teams.values()))
    }
}

impl WaitingRoom {
    /// Whether texts would take the banner away.
    pub const fn is_at_odds(&self) -> bool {
        !matches!(self.banner, Banner::Off) && !self.texts.is_empty()
    }

    /// The text of the agent with this name, as the customer sees it.
    pub fn accept_text_of(&self, agent: &str) -> Option<String> {
        self.accept_text.as_ref().map(|text| text.replace(AGENT, agent))
    }

    /// The latest text for those who have waited for `waited`. Who had the texts up to `told` gets those after it only.
    pub fn text_due(&self, waited: Duration, told: Option<Duration>) -> Option<&WaitingText> {
        let is_due = |text: &&WaitingText| text.after <= waited && told.is_none_or(|told| told < text.after);
        self.texts.iter().rfind(is_due)
    }

    /// The first text after `told`.
    pub fn text_after(&self, told: Option<Duration>) -> Option<&WaitingText> {
        self.texts.iter().find(|text| told.is_none_or(|told| told < text.after))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const fn seconds_of(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_latest_text_that_is_due_and_new_is_told() {
        let text = |after, text: &str| WaitingText { after: seconds_of(after), text: text.to_owned() };
        let texts = vec![text(0, "now"), text(60, "soon"), text(300, "later")];
        let room = WaitingRoom { texts, ..WaitingRoom::default() };
        for (waited, told, due, next) in [
            (0, None, Some("now"), Some("now")),
            (59, Some(0), None, Some("soon")),
            (60, Some(0), Some("soon"), Some("soon")),
            (900, None, Some("later"), Some("now")),
            (900, Some(60), Some("later"), Some("later")),
            (900, Some(300), None, None),
            // The settings had another text, which is told.
            (59, Some(30), None, Some("soon")),
        ] {
            let told = told.map(seconds_of);
            let of = |found: Option<&WaitingText>| found.map(|found| found.text.clone());
            assert_eq!(of(room.text_due(seconds_of(waited), told)).as_deref(), due, "{waited} {told:?}");
            assert_eq!(of(room.text_after(told)).as_deref(), next, "{waited} {told:?}");
        }
    }

    #[test]
    fn a_banner_shows_what_is_left_in_whole_minutes() {
        for (estimate, waited, seconds) in [
            (None, 0, None),
            (Some(300), 0, Some(300)),
            (Some(290), 0, Some(300)),
            (Some(300), 1, Some(300)),
            (Some(300), 60, Some(240)),
            (Some(300), 299, Some(60)),
            (Some(300), 300, None),
            (Some(300), 900, None),
            (Some(1_000_000), 0, Some(LONGEST_SECONDS)),
        ] {
            let shown = Banner::Time.shown(3, estimate.map(seconds_of), seconds_of(waited));
            let wanted = seconds.map_or(Shown::Unknown, |seconds| Shown::Time { seconds });
            assert_eq!(shown, Some(wanted), "{estimate:?} {waited}");
        }
        assert_eq!(Banner::Position.shown(3, None, seconds_of(900)), Some(Shown::Position { ahead: 3 }));
        assert_eq!(Banner::Off.shown(3, Some(seconds_of(300)), seconds_of(0)), None);
    }

    #[test]
    fn the_agent_is_named_wherever_the_text_says_so() {
        let room = |text: &str| WaitingRoom { accept_text: Some(text.to_owned()), ..WaitingRoom::default() };
        assert_eq!(
            room("{agent} is here. Ask {agent}!").accept_text_of("Ann").unwrap(),
            "Ann is here. Ask Ann!"
        );
        assert_eq!(room("We are {here}.").accept_text_of("Ann").unwrap(), "We are {here}.");
        assert_eq!(WaitingRoom::default().accept_text_of("Ann"), None);
    }
}
