//! Agents and their tokens: those of the environment, with the tokens themselves, and those of the settings file, with
//! digests of them.

use super::{Secret, config::Lists, parse, reader::Reader};
use crate::{
    relay::{id::TeamName, routing::Member},
    store::sessions::Digest,
};

/// An agent and their token.
#[derive(Clone, Debug)]
pub struct AgentToken {
    /// Shown to customers, too. 1 to 200 characters, none of them control characters.
    pub name: String,
    /// At least 16 printable ASCII characters, 8 of them different.
    pub token: Secret,
}

/// An agent of the settings file.
#[derive(Clone, Debug)]
pub struct ListedAgent {
    /// Shown to customers, too. As for [`AgentToken`].
    pub name: String,
    /// `token_sha256`: the digest of the token.
    pub token: Digest,
    /// `teams`: the teams whose handoffs they see; `None` for all teams.
    pub teams: Option<Vec<TeamName>>,
    /// `role`: what they may do.
    pub role: Role,
    /// `languages`: those that they speak; `None` for all.
    pub languages: Option<Vec<String>>,
    /// `limit`: how many handoffs they may have before they are offered no more; `None` for any number.
    pub limit: Option<u64>,
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Answers handoffs.
    #[default]
    Agent,
    /// Answers handoffs, and sees those of all teams.
    Lead,
    /// Looks after the relay and its platforms, and answers nobody: as those of `OPERATOR_TOKENS`.
    Operator,
}

impl Role {
    /// All.
    pub const ALL: [Self; 3] = [Self::Agent, Self::Lead, Self::Operator];

    /// The name that the settings file and the agent API use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Lead => "lead",
            Self::Operator => "operator",
        }
    }
}

pub(super) const NAME: &str = "AGENT_TOKENS";

/// The agents of the environment, and whether theirs is a token made just now, which `may_make` allows. If the settings
/// file lists the agents, or may do so, there are none.
pub(super) fn read(r: &mut Reader, may_make: bool, listed: Lists) -> (Vec<AgentToken>, bool) {
    let agents = r.optional(NAME, parse::agent_tokens);
    if listed == Lists::Yes && (agents.is_some() || r.told(NAME)) {
        let sentence =
            "AGENT_TOKENS is set in the environment, but RELAY_CONFIG lists the agents: remove AGENT_TOKENS";
        r.problem(NAME, sentence.to_owned());
    }
    if listed != Lists::No || agents.is_some() || r.told(NAME) {
        return (agents.unwrap_or_default(), false);
    }
    let made = if may_make { random_token() } else { Err(REQUIRED.to_owned()) };
    match made {
        Ok(token) => (vec![AgentToken { name: "Agent".to_owned(), token }], true),
        Err(sentence) => {
            r.problem(NAME, sentence);
            (Vec::new(), false)
        }
    }
}

pub(super) const REQUIRED: &str = "AGENT_TOKENS is required (Alex=token,Sam=token); only on a terminal, and with loopback addresses \
    alone, one is made";

fn random_token() -> parse::Parsed<Secret> {
    Secret::random()
        .map_err(|_| "AGENT_TOKENS is required: the system has no randomness to generate a token".to_owned())
}

/// Those who answer handoffs, with their teams.
pub(super) fn members(tokens: &[AgentToken], listed: &[ListedAgent]) -> Vec<Member> {
    let of_tokens = tokens.iter().map(|agent| Member { name: agent.name.clone(), ..Member::default() });
    let answers = listed.iter().filter(|agent| agent.role != Role::Operator);
    let of_file = answers.map(|agent| Member {
        name: agent.name.clone(),
        teams: agent.teams.clone(),
        languages: agent.languages.clone(),
        limit: agent.limit,
        is_lead: agent.role == Role::Lead,
    });
    of_tokens.chain(of_file).collect()
}
