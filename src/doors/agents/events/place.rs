//! Where a client is in the stream: the newest change that it knows, and what it could see when it was told. Who sees something
//! else when they come back must load everything again.

use std::{fmt, str::FromStr};

use sha2::{Digest, Sha256};

use crate::relay::sight::Sight;

/// A place in the stream, as the id of an event: `17` for who sees all, `17-5a0c91f3` for who sees a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The newest change.
    pub change: u64,
    /// What the client could see.
    pub view: SightMark,
}

/// A mark that differs where what agents see differs; none for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SightMark(Option<u32>);

impl Place {
    /// That of a client who sees all.
    pub const fn of_all(change: u64) -> Self {
        Self { change, view: SightMark(None) }
    }
}

impl SightMark {
    /// The same in each relay.
    pub fn of(sight: &Sight) -> Self {
        let Sight::Of { teams, agent } = sight else { return Self(None) };
        let names = std::iter::once(agent.as_str()).chain(teams.iter().map(|team| team.0.as_str()));
        let digest = names.fold(Sha256::new(), |digest, name| digest.chain_update(name).chain_update([0]));
        Self(digest.finalize().first_chunk().map(|bytes| u32::from_be_bytes(*bytes)))
    }

    /// Whether some handoffs are hidden.
    pub const fn is_partial(&self) -> bool {
        self.0.is_some()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.view.0 {
            None => write!(out, "{}", self.change),
            Some(mark) => write!(out, "{}-{mark:08x}", self.change),
        }
    }
}

impl FromStr for Place {
    type Err = std::num::ParseIntError;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        let (change, mark) = id.split_once('-').map_or((id, None), |(change, mark)| (change, Some(mark)));
        let mark = mark.map(|mark| u32::from_str_radix(mark, 16)).transpose()?;
        Ok(Self { change: change.parse()?, view: SightMark(mark) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::relay::id::TeamName;

    fn of(agent: &str, teams: &[&str]) -> Sight {
        let teams = teams.iter().map(|team| TeamName((*team).to_owned())).collect();
        Sight::Of { teams, agent: agent.to_owned() }
    }

    #[test]
    fn an_id_says_where_a_client_is_and_what_it_could_see() {
        let sights = [
            Sight::All,
            of("Sam", &[]),
            of("Sam", &["A"]),
            of("Sam", &["A", "B"]),
            of("Sam", &["AB"]),
            of("Kim", &["A"]),
        ];
        let ids: Vec<String> = sights
            .iter()
            .map(|sight| {
                let place = Place { change: 17, view: SightMark::of(sight) };
                assert_eq!(place.to_string().parse::<Place>().unwrap(), place);
                place.to_string()
            })
            .collect();
        assert_eq!(ids[0], "17");
        assert_eq!(ids[2], "17-da5e4ee0", "another relay, and a later version, says the same");
        let different: std::collections::BTreeSet<&String> = ids.iter().collect();
        assert_eq!(different.len(), ids.len(), "{ids:?}");
        for wrong in ["", "-", "17-", "x", "-1", "17-xyz", "17-5a0c91f3-1", "17-123456789"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
