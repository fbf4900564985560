//! Every setting, read once at start, typed and checked.
//!
//! They come from the environment and from `./.env`; the environment has priority. `.env.example` explains them. All
//! errors are reported at once, by name, and never with a value. Several AI Agents, agents, teams and routes are listed in a
//! file of their own: `config`.
//!
//! To add one: a field in [`Settings`], its name in `names`, a line in `Settings::read` with a function of
//! `parse`, a paragraph in `.env.example`, and a line in the table of `tests`.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

mod agents;
mod ai_agents;
mod amazon_connect;
mod config;
mod database;
mod files;
mod names;
mod parse;
mod platforms;
mod problem;
mod reader;
mod source;
mod strength;
mod survey;
#[cfg(test)]
mod tests;
mod timeout;
mod values;
mod waiting_room;

use config::{Desk, Lists};
use reader::{Occasion, Reader};
use source::Sources;

use crate::{
    relay::{
        dispatch::{Assignment, OFFER_TIMEOUT},
        policy::Timeout,
        routing::{Offering, Routing},
        values::HandoffValues,
        waiting_room::WaitingRoom,
    },
    store::{Copies, sessions::Digest},
};

pub use crate::secret::{NoRandomness, Secret};
pub use agents::{AgentToken, ListedAgent, Role};
pub use ai_agents::{AiAgentSettings, AiAgentsSettings};
pub use amazon_connect::{AmazonConnect, Credentials, IfUnavailable};
pub use config::AgentsSee;
pub use database::{Database, Postgres, SslMode};
pub use files::{Bucket, FilesPlace};
pub use parse::{listed_agent_name, public_url};
pub use platforms::{PlatformSettings, WebhookPlatform};
pub use problem::{Problem, SettingsError, Warning};
pub use survey::{Finding, State, Survey};

const DAY: Duration = Duration::from_hours(24);

/// How many handoffs may begin in any minute while `HANDOFF_AUTH_KEY` is off.
pub const NEW_HANDOFFS_PER_MINUTE: usize = 60;

/// All settings of the relay.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `RELAY_CONFIG`, or `ADA_BASE_URL` and what goes with it: whose conversations are handed off.
    pub ai_agents: AiAgentsSettings,
    /// `WAITING_TIMEOUT`, `WAITING_TIMEOUT_TEXT`: how long a handoff may wait for an agent; `None` for ever. 1 s to 24 h,
    /// and a text of at most 1,000 characters.
    pub waiting_timeout: Option<Timeout>,
    /// `IDLE_TIMEOUT`, `IDLE_TIMEOUT_TEXT`: how long nobody may write in one that an agent has; `None` for ever.
    pub idle_timeout: Option<Timeout>,
    /// `ACCEPT_TEXT`, `WAITING_TEXT`, `WAITING_TEXT_AFTER`, `QUEUE_BANNER`: what customers are told while they wait, where
    /// their route, their team and their AI Agent say nothing else. Texts have at most 1,000 characters, and there is not both a text for those who wait
    /// and a banner.
    pub waiting_room: WaitingRoom,
    /// `ADA_METAVARIABLES`, `ADA_METADATA`: what Ada learns of handoffs. Each name is there once.
    pub values: HandoffValues,
    /// `AGENT_TOKENS`: at least one, unless the settings file lists the agents; names and tokens are unique.
    pub agent_tokens: Vec<AgentToken>,
    /// The agents of the settings file; names and tokens are unique.
    pub listed_agents: Vec<ListedAgent>,
    /// Whether agents see the handoffs of other teams, too.
    pub agents_see: AgentsSee,
    /// The teams and routes of the settings file.
    pub routing: Arc<Routing>,
    /// `AGENT_GONE_AFTER`: an agent of whom nothing is seen for so long is gone. 1 s to 24 h.
    pub agent_gone_after: Duration,
    /// `AGENT_TOKENS` was unset, so that the one in `agent_tokens` is new and must be shown.
    pub made_token: bool,
    /// `LISTEN`: the address of Ada's doors.
    pub listen: SocketAddr,
    /// `AGENT_LISTEN`: the agents' own address; `None` when it is the same as `listen`, which serves all then.
    pub agent_listen: Option<SocketAddr>,
    /// `PUBLIC_URL`: where the outside reaches `listen`, without a slash at its end; `None` if that is not said.
    pub public_url: Option<Url>,
    /// `PLATFORMS`, `PLATFORM_...` and `OPERATOR_TOKENS`.
    pub platforms: PlatformSettings,
    /// `AMAZON_CONNECT_...`: Amazon Connect as a platform; `None` if it is not one.
    pub amazon_connect: Option<AmazonConnect>,
    /// `DATABASE_URL`: where handoffs are kept.
    pub database: Database,
    /// Whether a copy of the database is made before its schema changes; `--no-copy` on the command line says no.
    pub copies: Copies,
    /// `FILES_URL`: where the files of handoffs are kept.
    pub files: FilesPlace,
    /// `FILES_ALLOW_PRIVATE`: files may also be fetched from this machine's loopback, over plain http too.
    pub files_allow_private: bool,
    /// `KEEP_ENDED`: how long ended handoffs are kept; `None` is for ever. 3 days or more.
    pub keep_ended: Option<Duration>,
    /// `KEEP_DEAD_LETTERS`: how long dead letters are kept; `None` is for ever. 3 days or more.
    pub keep_dead_letters: Option<Duration>,
    /// `DEBOUNCE_MS`: the quiet period of a conversation. 0 to 60 s.
    pub debounce: Duration,
    /// `DEBOUNCE_MAX_MS`: the longest wait for quiet. At least `debounce`, at most 300 s.
    pub debounce_max: Duration,
    /// `UNKNOWN_HOLD_MS`: how long an event waits for its start call. 0 to 600 s.
    pub unknown_hold: Duration,
    /// `INBOX_LIMIT`: how many events may wait in the inbox. At least 1.
    pub inbox_limit: usize,
    /// `OUTBOX_LIMIT`: how many deliveries may wait for a destination that has a budget. At least 1.
    pub outbox_limit: usize,
    /// `ADA_TIMEOUT_MS`: for one call to Ada. 0.1 to 120 s.
    pub ada_timeout: Duration,
    /// `SEND_MAX_AGE`: after this a message that could not be sent has failed. 1 s to 24 h.
    pub send_max_age: Duration,
    /// `RECOVER_AFTER`: a message without a webhook for this long is taken from Ada's list. 1 s to 24 h.
    pub recover_after: Duration,
    /// `CONSOLE_DIR`: where the console's files are, which are served as they are; `None` for those of the binary.
    pub console_dir: Option<PathBuf>,
    /// `CONSOLE_FIELDS`: the fields of the start call of which the console's lists show the first two that a handoff has.
    pub console_fields: Vec<String>,
    /// `OUTCOMES`, or `outcomes` of the settings file: what the console offers an agent who ends a handoff, as what came of
    /// it. At most 20, each of at most 100 characters; agents may leave it open.
    pub outcomes: Vec<String>,
    /// `LOG_FORMAT`: how log lines look.
    pub log_format: LogFormat,
    /// `RUST_LOG`: which log lines there are.
    pub log_filter: String,
    /// The SHA-256 of the settings file; `None` if there is none.
    pub file: Option<Digest>,
    /// What all of this was made of.
    sources: Sources,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// For machines, one object a line.
    Json,
}

/// Whether a person is in front of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// Standard input and output both are a terminal.
    Attached,
    /// At least one of them is not.
    Detached,
}

impl Terminal {
    /// What this process has.
    pub fn detect() -> Self {
        if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
            Self::Attached
        } else {
            Self::Detached
        }
    }
}

/// Valid settings, with warnings for the operator.
pub type Loaded = (Settings, Vec<Warning>);

impl Settings {
    /// Reads the settings from the environment and from `./.env`, without setting any variable.
    ///
    /// # Errors
    /// Everything that is wrong: see [`Settings::load`]; a file that is there but can't be read, or has a
    /// line that is not `NAME=value`; a value that is not UTF-8.
    pub fn from_process() -> Result<Loaded, SettingsError> {
        let (sources, problems) = Sources::of_process();
        Self::of(sources, problems, Terminal::detect(), Occasion::Start)
    }

    /// Reads the settings file again, and the files that it names. What the process and `./.env` said at its start stays,
    /// and so does a token that was made then.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn again(&self) -> Result<Loaded, SettingsError> {
        let terminal = if self.made_token { Terminal::Attached } else { Terminal::Detached };
        let (mut settings, warnings) = Self::of(self.sources.clone(), Vec::new(), terminal, Occasion::Again)?;
        if settings.made_token {
            settings.agent_tokens.clone_from(&self.agent_tokens);
        }
        Ok((settings, warnings))
    }

    fn of(
        sources: Sources,
        problems: Vec<Problem>,
        terminal: Terminal,
        occasion: Occasion,
    ) -> Result<Loaded, SettingsError> {
        let mut reader = Reader::new(&sources.env, &sources.file, problems);
        reader.occasion = occasion;
        let (settings, warnings) = Self::read(reader, terminal)?;
        Ok((Self { sources, ..settings }, warnings))
    }

    /// Makes settings of `env` and of the lines of a file, which `env` overrules.
    ///
    /// Values are trimmed; an empty one counts as unset. Other names in `env` are nobody's business, in the
    /// file they bring a warning. Draws a random token if `AGENT_TOKENS` may be and is unset.
    ///
    /// # Errors
    /// Everything that is wrong, in one go: missing or malformed values, and names in the file that are
    /// misspelt or there twice.
    pub fn load(
        env: BTreeMap<String, String>,
        file: Option<Vec<(String, String)>>,
        terminal: Terminal,
    ) -> Result<Loaded, SettingsError> {
        let sources = Sources { env, file: file.unwrap_or_default() };
        Self::of(sources, Vec::new(), terminal, Occasion::Start)
    }

    /// The same of the bytes of a file, which are read as those of `./.env`.
    ///
    /// # Errors
    /// As [`Settings::load`], and for lines that are not `NAME=value`.
    pub fn load_file(
        env: BTreeMap<String, String>,
        file: &[u8],
        terminal: Terminal,
    ) -> Result<Loaded, SettingsError> {
        let mut problems = Vec::new();
        let file = source::lines(file, &mut problems);
        Self::of(Sources { env, file }, problems, terminal, Occasion::Start)
    }

    /// Whether a setting has this name.
    pub fn knows(name: &str) -> bool {
        names::known(name).is_some()
    }

    fn read(mut reader: Reader, terminal: Terminal) -> Result<Loaded, SettingsError> {
        let r = &mut reader;
        let mut config = r.config.take();
        let file = config.as_ref().map(|config| config.digest().clone());
        let ai_agents = ai_agents::begin(r, config.as_mut());
        let timeouts = timeout::read(r);
        let waiting_room = waiting_room::read(r);
        if let Some(config) = &mut config {
            config.check_waiting_rooms(&waiting_room);
        }
        let values = values::read(r);
        let (listen, agent_listen) = addresses(r);
        let public_url = r.or("PUBLIC_URL", None, |text| parse::public_url(text).map(Some));
        let local = is_local(listen) && agent_listen.is_none_or(is_local);
        // Somebody tries it out, and nobody else can reach it.
        let trial = local && terminal == Terminal::Attached;
        let ai_agents = ai_agents.finish(r, trial, &timeouts, config.as_mut());
        let Desk { lists_agents, agents: listed_agents, agents_see, outcomes, routing, wanted_platforms } =
            match &mut config {
                Some(config) => config.desk(&timeouts),
                None if r.told(config::NAME) => Desk { lists_agents: Lists::Perhaps, ..Desk::default() },
                None => Desk::default(),
            };
        let (agent_tokens, made_token) = agents::read(r, trial, lists_agents);
        let wanted = platforms::wanted(r, &[amazon_connect::ID]);
        let platforms = platforms::read(r, &agent_tokens, &listed_agents, &wanted, public_url.is_some());
        let amazon_connect = amazon_connect::read(r, &wanted, public_url.is_some());
        if let Some(mut config) = config {
            let ids = platforms.webhooks.iter().map(|platform| platform.id);
            let ids: Vec<&str> = ids.chain(amazon_connect.is_some().then_some(amazon_connect::ID)).collect();
            config.check_platforms(&wanted_platforms, &ids);
            config.tell(r);
        }
        let (files, files_allow_private) = files::read(r);
        let keep_ended = r.or("KEEP_ENDED", Some(90 * DAY), parse::keep);
        let keep_dead_letters = r.or("KEEP_DEAD_LETTERS", Some(30 * DAY), parse::keep);
        let (debounce, debounce_max) = debounce(r);
        let database = database::read(r, debounce_max);
        let unknown_hold = milliseconds(r, "UNKNOWN_HOLD_MS", 30_000, 0..=600_000);
        let inbox_limit = r.or("INBOX_LIMIT", 100_000, parse::at_least_one);
        let outbox_limit = r.or("OUTBOX_LIMIT", 100_000, parse::at_least_one);
        let ada_timeout = milliseconds(r, "ADA_TIMEOUT_MS", 10_000, 100..=120_000);
        let send_max_age = r.or("SEND_MAX_AGE", Duration::from_secs(15 * 60), parse::duration);
        let agent_gone_after = r.or("AGENT_GONE_AFTER", Duration::from_mins(3), parse::duration);
        let offering = Offering {
            assignment: r.or("ASSIGNMENT", Assignment::Off, parse::assignment),
            timeout: r.or("OFFER_TIMEOUT", OFFER_TIMEOUT, parse::duration),
        };
        let recover_after = r.or("RECOVER_AFTER", Duration::from_secs(2 * 60), parse::duration);
        let console_dir = r.optional("CONSOLE_DIR", parse::console_folder);
        let console_fields = r.or("CONSOLE_FIELDS", parse::names_of(CONSOLE_FIELDS), parse::field_names);
        let outcomes = outcomes_of(r, outcomes);
        let log_format = r.or("LOG_FORMAT", default_format(terminal), parse::log_format);
        let log_filter = r.or("RUST_LOG", "info".to_owned(), parse::log_filter);
        let (Some(ai_agents), []) = (ai_agents, &*reader.problems) else {
            return Err(SettingsError(reader.problems));
        };
        let members = agents::members(&agent_tokens, &listed_agents);
        let accounts = platforms.webhooks.iter().flat_map(|platform| {
            platform.tokens.iter().map(|account| (account.name.clone(), platform.id.into()))
        });
        let services = accounts.collect();
        let settings = Self {
            ai_agents,
            waiting_timeout: timeouts.waiting,
            idle_timeout: timeouts.idle,
            waiting_room,
            values,
            agent_tokens,
            listed_agents,
            agents_see,
            routing: Arc::new(Routing { members, services, offering, ..routing }),
            agent_gone_after,
            made_token,
            listen,
            agent_listen,
            public_url,
            platforms,
            amazon_connect,
            database,
            copies: Copies::Make,
            files,
            files_allow_private,
            keep_ended,
            keep_dead_letters,
            debounce,
            debounce_max,
            unknown_hold,
            inbox_limit,
            outbox_limit,
            ada_timeout,
            send_max_age,
            recover_after,
            console_dir,
            console_fields,
            outcomes,
            log_format,
            log_filter,
            file,
            sources: Sources::default(),
        };
        Ok((settings, reader.warnings))
    }
}

/// What most handoff flows send of why somebody is handed over, and of whom.
const CONSOLE_FIELDS: &str = "category,issue_category,plan,language";
/// What most teams want to tell apart.
const OUTCOMES: &str = "solved,unresolved,spam";

const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8090);
const AGENT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8091);

fn addresses(r: &mut Reader) -> (SocketAddr, Option<SocketAddr>) {
    let listen = r.or("LISTEN", LISTEN, parse::socket_address);
    let agent_listen = r.optional("AGENT_LISTEN", parse::socket_address);
    if agent_listen == Some(listen) {
        let sentence = "AGENT_LISTEN is the address of LISTEN: whoever reaches Ada's doors reaches the console and \
            the agent API, too";
        r.warn("AGENT_LISTEN", sentence.to_owned());
        return (listen, None);
    }
    if agent_listen.is_none() && listen == AGENT_LISTEN && !r.told("AGENT_LISTEN") {
        r.problem(
            "AGENT_LISTEN",
            format!("AGENT_LISTEN must be set, because LISTEN uses its default, {AGENT_LISTEN}"),
        );
    }
    (listen, Some(agent_listen.unwrap_or(AGENT_LISTEN)))
}

/// Those of the settings file, failing that of the environment.
fn outcomes_of(r: &mut Reader, of_file: Option<Vec<String>>) -> Vec<String> {
    let of_environment = r.optional("OUTCOMES", parse::outcomes);
    if of_file.is_some() && (of_environment.is_some() || r.told("OUTCOMES")) {
        let sentence = "OUTCOMES is set in the environment, but RELAY_CONFIG has outcomes: remove OUTCOMES";
        r.problem("OUTCOMES", sentence.to_owned());
    }
    of_file.or(of_environment).unwrap_or_else(|| parse::names_of(OUTCOMES))
}

fn is_local(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

fn debounce(r: &mut Reader) -> (Duration, Duration) {
    let quiet = milliseconds(r, "DEBOUNCE_MS", 1500, 0..=60_000);
    let most = milliseconds(r, "DEBOUNCE_MAX_MS", 5000, 0..=300_000);
    if most < quiet && !r.told("DEBOUNCE_MAX_MS") {
        r.problem("DEBOUNCE_MAX_MS", "DEBOUNCE_MAX_MS must be at least DEBOUNCE_MS".to_owned());
    }
    (quiet, most)
}

fn milliseconds(r: &mut Reader, name: &'static str, default: u64, range: RangeInclusive<u64>) -> Duration {
    r.or(name, Duration::from_millis(default), |text| parse::milliseconds(text, range))
}

fn default_format(terminal: Terminal) -> LogFormat {
    match terminal {
        Terminal::Attached => LogFormat::Pretty,
        Terminal::Detached => LogFormat::Json,
    }
}
