//! Ada's AI Agents: the one of the environment, or those of the settings file.

use url::Url;

use super::{
    NEW_HANDOFFS_PER_MINUTE, Secret, Settings,
    config::{self, Config, Lists},
    parse,
    reader::{Occasion, Reader},
    timeout::Timeouts,
};
use crate::relay::{
    policy,
    routing::{Limits, Routing},
    waiting_room::{OwnWaitingRoom, WaitingRooms},
};

/// An AI Agent of Ada's.
#[derive(Clone, Debug)]
pub struct AiAgentSettings {
    /// Under which its conversations are stored: `id` in the settings file, else the host of `ADA_BASE_URL`.
    pub id: String,
    /// `formerly`: other ids under which its conversations may be stored.
    pub formerly: Vec<String>,
    /// `domains`: what its events have as `ai_agent_domain`, in lower case. None for the one of the environment, whose
    /// events may have any.
    pub domains: Vec<String>,
    /// `base_url` or `ADA_BASE_URL`: the base URL of its API. No query, fragment or user; https except to this machine;
    /// the path doesn't end with a slash, unless it is `/` alone.
    pub base_url: Url,
    /// `key_env`, `key_file` or `ADA_API_KEY`: the bearer key for its API. Fit for a header.
    pub key: Secret,
    /// `webhook_secret_env`, `webhook_secret_file` or `WEBHOOK_SECRET`: at least one, each `whsec_` and base64. All are
    /// accepted.
    pub webhook_secrets: Vec<Secret>,
    /// `start_key_env`, `start_key_file` or `HANDOFF_AUTH_KEY`: the bearer key that its start calls need; `None` for
    /// `off`.
    pub start_key: Option<Secret>,
    /// `integrations` or `HANDOFF_INTEGRATION`: the identifiers that events may carry. At least one, each of 1 to 200
    /// characters.
    pub integrations: Vec<String>,
    /// `rate_per_second` or `ADA_RATE_PER_SECOND`: calls to its API in any second. 1 to 10,000.
    pub rate_per_second: u32,
    /// `rate_per_minute` or `ADA_RATE_PER_MINUTE`: calls to its API in any minute. 1 to 10,000.
    pub rate_per_minute: u32,
    /// `language`: what its customers speak if their start calls do not say it; `None` if that is not known.
    pub language: Option<String>,
    /// `waiting_timeout`, `idle_timeout` and their texts: the timeouts of its handoffs, after those of routes and teams and
    /// before those of the environment.
    pub limits: Limits,
    /// `accept_text`, `queue_banner`, `waiting_texts`: what its customers are told, before what the environment says and
    /// after what their route and their team say.
    pub waiting_room: OwnWaitingRoom,
}

impl AiAgentSettings {
    /// The timeouts of its handoffs, where neither their route nor their team says anything.
    pub fn timeouts<'a>(&'a self, settings: &'a Settings) -> policy::Timeouts<'a> {
        let (waiting, idle) = (settings.waiting_timeout.as_ref(), settings.idle_timeout.as_ref());
        self.limits.or(policy::Timeouts { waiting, idle })
    }

    /// What its customers are told while they wait, by route and team.
    pub fn waiting_rooms(&self, settings: &Settings) -> WaitingRooms {
        let Routing { teams, routes, .. } = &*settings.routing;
        let of_teams = teams.iter().map(|team| (&team.name, &team.waiting_room));
        let rooms = WaitingRooms::new(self.waiting_room.or(&settings.waiting_room), of_teams);
        routes.iter().fold(rooms, |rooms, route| rooms.with_route(&route.name, &route.waiting_room))
    }

    /// Whether its API is reached as that of the other one, by the same key and within the same limits.
    pub fn has_same_api(&self, other: &Self) -> bool {
        let rates = |of: &Self| (of.rate_per_second, of.rate_per_minute);
        self.base_url == other.base_url && self.key.matches(other.key.expose()) && rates(self) == rates(other)
    }
}

/// All AI Agents: one at least.
#[derive(Clone, Debug)]
pub struct AiAgentsSettings {
    /// The first.
    pub first: AiAgentSettings,
    /// The others, which only the settings file can have.
    pub others: Vec<AiAgentSettings>,
    /// Whether they are listed in the settings file. What belongs to no AI Agent of the list is left alone; the one of
    /// the environment takes everything for its own.
    pub are_listed: bool,
}

impl AiAgentsSettings {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &AiAgentSettings> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// All their webhook secrets, those of the first one first.
    pub fn webhook_secrets(&self) -> Vec<Secret> {
        self.iter().flat_map(|ai_agent| ai_agent.webhook_secrets.iter().cloned()).collect()
    }
}

/// What is set apart until it is known whether start calls need a key.
pub(super) struct Account {
    base_url: Url,
    key: Secret,
    webhook_secrets: Vec<Secret>,
}

/// The settings that describe the one AI Agent of the environment.
pub(super) const OF_ENVIRONMENT: [&str; 7] = [
    "ADA_BASE_URL",
    "ADA_API_KEY",
    "WEBHOOK_SECRET",
    "HANDOFF_AUTH_KEY",
    "HANDOFF_INTEGRATION",
    "ADA_RATE_PER_SECOND",
    "ADA_RATE_PER_MINUTE",
];
pub(super) const INTEGRATION: &str = "custom-handoff";
pub(super) const RATE_PER_SECOND: u32 = 10;
pub(super) const RATE_PER_MINUTE: u32 = 100;

/// Where the AI Agents come from, as far as could be read yet.
pub(super) enum Begun {
    /// From the environment, where everything else of it has a default.
    Environment(Option<Account>),
    /// From the settings file.
    File,
    /// From a settings file that can't be opened, or is no TOML.
    Nowhere,
}

/// Begins with what has no default. A settings file may leave the AI Agent to the environment.
pub(super) fn begin(r: &mut Reader, config: Option<&mut Config>) -> Begun {
    match config {
        Some(config) => match config.lists_ai_agents() {
            Lists::Yes => {
                refuse_twice(r, config);
                Begun::File
            }
            Lists::No => Begun::Environment(account(r)),
            Lists::Perhaps => Begun::Nowhere,
        },
        None if r.told(config::NAME) => Begun::Nowhere,
        None => Begun::Environment(account(r)),
    }
}

/// What is set in both places can't be right in one of them.
fn refuse_twice(r: &mut Reader, config: &Config) {
    let set = r.set_names();
    let is_twice = |name: &&str| set.contains(name) && !config.names().any(|named| named == *name);
    for name in OF_ENVIRONMENT.into_iter().filter(is_twice) {
        let sentence =
            format!("{name} is set in the environment, but RELAY_CONFIG lists the AI Agents: remove {name}");
        r.problem(name, sentence);
    }
}

impl Begun {
    /// The AI Agents; `may_be_open` says whether start calls of the one in the environment may have no key without
    /// that being said.
    pub(super) fn finish(
        self,
        r: &mut Reader,
        may_be_open: bool,
        timeouts: &Timeouts,
        config: Option<&mut Config>,
    ) -> Option<AiAgentsSettings> {
        match self {
            Self::Environment(account) => of_environment(r, account, may_be_open),
            Self::File => of_file(r, timeouts, config?),
            Self::Nowhere => None,
        }
    }
}

fn of_file(r: &mut Reader, timeouts: &Timeouts, config: &mut Config) -> Option<AiAgentsSettings> {
    let mut listed = config.ai_agents(r, timeouts).into_iter();
    let first = listed.next()?;
    let ai_agents = AiAgentsSettings { first, others: listed.collect(), are_listed: true };
    for open in ai_agents.iter().filter(|ai_agent| ai_agent.start_key.is_none()) {
        let sentence = format!(
            "the start key of {} is off: anyone who can reach LISTEN can start its handoffs, \
             {NEW_HANDOFFS_PER_MINUTE} new ones a minute",
            open.id
        );
        r.warn(config::NAME, sentence);
    }
    Some(ai_agents)
}

fn account(r: &mut Reader) -> Option<Account> {
    let base_url = r.required("ADA_BASE_URL", parse::base_url);
    if let Some(sentence) = base_url.as_ref().and_then(doubtful_base_url) {
        r.warn("ADA_BASE_URL", sentence.to_owned());
    }
    let key = r.required("ADA_API_KEY", parse::api_key);
    let webhook_secrets = r.required("WEBHOOK_SECRET", parse::webhook_secrets);
    Some(Account { base_url: base_url?, key: key?, webhook_secrets: webhook_secrets? })
}

fn of_environment(r: &mut Reader, account: Option<Account>, may_be_open: bool) -> Option<AiAgentsSettings> {
    let start_key = start_key(r, may_be_open);
    let integration = r.or("HANDOFF_INTEGRATION", INTEGRATION.to_owned(), parse::integration);
    let rate_per_second = r.or("ADA_RATE_PER_SECOND", RATE_PER_SECOND, parse::rate);
    let rate_per_minute = r.or("ADA_RATE_PER_MINUTE", RATE_PER_MINUTE, parse::rate);
    let Account { base_url, key, webhook_secrets } = account?;
    let first = AiAgentSettings {
        id: base_url.host_str().unwrap_or_default().to_owned(),
        formerly: Vec::new(),
        domains: Vec::new(),
        base_url,
        key,
        webhook_secrets,
        start_key,
        integrations: vec![integration],
        rate_per_second,
        rate_per_minute,
        language: None,
        limits: Limits::default(),
        waiting_room: OwnWaitingRoom::default(),
    };
    Some(AiAgentsSettings { first, others: Vec::new(), are_listed: false })
}

/// A probable mistake in `ADA_BASE_URL`.
fn doubtful_base_url(url: &Url) -> Option<&'static str> {
    let host = url.host_str().unwrap_or_default();
    if host == "example.ada.support" {
        return Some(
            "ADA_BASE_URL is the value of .env.example: replace example with the handle of your AI Agent",
        );
    }
    let is_bare = host.ends_with(".ada.support") && matches!(url.path(), "" | "/");
    is_bare.then_some("ADA_BASE_URL has no path: add /api")
}

/// What start calls must carry; nothing if that is off, or unset where `may_be_off`.
fn start_key(r: &mut Reader, may_be_off: bool) -> Option<Secret> {
    const NAME: &str = "HANDOFF_AUTH_KEY";
    let key = r.optional(NAME, parse::start_key);
    match key {
        Some(Some(key)) => return Some(key),
        None if r.told(NAME) => return None,
        None if !may_be_off => {
            r.problem(NAME, key_required(r.occasion));
            return None;
        }
        None | Some(None) => {}
    }
    let how = if key.is_some() { "is off" } else { "is not set" };
    r.warn(
        NAME,
        format!("{NAME} {how}: anyone who can reach LISTEN can start handoffs, {NEW_HANDOFFS_PER_MINUTE} new ones a minute"),
    );
    None
}

/// What is told of a missing key. A key that anybody can read in `/health/ready` or in a log is none, so that a relay that
/// runs makes up none.
fn key_required(occasion: Occasion) -> String {
    let made = match occasion {
        Occasion::Start => Secret::random().ok(),
        Occasion::Again => None,
    };
    let Some(key) = made.as_ref().map(Secret::expose) else {
        return "HANDOFF_AUTH_KEY is required: a long random text, which Ada's HTTP Request block sends in the header \
                Authorization as Bearer and this text; HANDOFF_AUTH_KEY=off lets anyone start handoffs"
            .to_owned();
    };
    format!(
        "HANDOFF_AUTH_KEY is required, such as HANDOFF_AUTH_KEY={key} (just made), with the header \
         `Authorization: Bearer {key}` in Ada's HTTP Request block; HANDOFF_AUTH_KEY=off lets anyone start handoffs"
    )
}
