//! The relay as a child, with settings for the bench, and what is asked of it by hand.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    child::Child,
    http::{call, request, until},
    options::Options,
    webhooks::{SECRET, conversation},
};

/// The agent's token.
const TOKEN: &str = "token-of-the-bench-0123456789";
/// The key of start calls.
const START_KEY: &str = "key-of-the-start-door";
/// Nothing listens here: the discard port of this machine.
pub const NOWHERE: &str = "http://127.0.0.1:9";
/// The database's file in the relay's folder.
pub const FILE: &str = "handoffs.db";
/// Between two looks at what the relay says of itself.
const LOOK: Duration = Duration::from_millis(10);

/// A running relay.
pub struct Relay {
    /// Its process.
    pub child: Child,
}

impl Relay {
    /// Starts one in `folder`, with `more` settings, and waits until it is ready.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(options: &Options, folder: &Path, ada: &str, more: &[(&str, &str)]) -> Result<Self> {
        let mut settings: Vec<(&str, String)> = [
            ("ADA_BASE_URL", format!("{ada}/api")),
            ("ADA_API_KEY", "key-of-ada".to_owned()),
            ("WEBHOOK_SECRET", SECRET.to_owned()),
            ("HANDOFF_AUTH_KEY", START_KEY.to_owned()),
            ("AGENT_TOKENS", format!("Alex={TOKEN}")),
            ("LISTEN", "127.0.0.1:0".to_owned()),
            ("AGENT_LISTEN", "127.0.0.1:0".to_owned()),
            ("LOG_FORMAT", "json".to_owned()),
            ("DATABASE_URL", format!("sqlite://{FILE}")),
            ("WAITING_TIMEOUT", "off".to_owned()),
            // The bench looks for the relay's limits, not for Ada's or for the settings' own.
            ("ADA_RATE_PER_SECOND", "10000".to_owned()),
            ("ADA_RATE_PER_MINUTE", "10000".to_owned()),
            ("INBOX_LIMIT", "1000000000".to_owned()),
        ]
        .into();
        settings.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let child = Child::start(Command::new(options.relay()?), folder, &settings)?;
        let relay = Self { child };
        relay.ready()?;
        Ok(relay)
    }

    /// Moves what a stopped one has kept in `folder` into an empty database of PostgreSQL.
    ///
    /// # Errors
    /// It says why.
    pub fn moves(options: &Options, folder: &Path, to: &str) -> Result<()> {
        let from = format!("sqlite://{FILE}");
        let mut command = Command::new(options.relay()?);
        command.current_dir(folder).env_clear().args(["migrate", "--from", &from, "--to", to]);
        let moved = command.output().context("the relay could not be started")?;
        ensure!(moved.status.success(), "it could not be moved: {}", String::from_utf8_lossy(&moved.stderr));
        Ok(())
    }

    /// Starts one that only takes in, with `more` settings: what comes waits longer than any measurement.
    ///
    /// # Errors
    /// It does not start.
    pub fn taking_in(options: &Options, folder: &Path, more: &[(&str, &str)]) -> Result<Self> {
        let waits = [("DEBOUNCE_MS", "60000"), ("DEBOUNCE_MAX_MS", "300000"), ("UNKNOWN_HOLD_MS", "600000")];
        Self::start(options, folder, NOWHERE, &[&waits, more].concat())
    }

    fn ready(&self) -> Result<()> {
        until("the relay becomes ready", Duration::from_millis(1), || {
            Ok(call(self.child.address, "GET", "/health/ready", "", "").ok())
        })
        .with_context(|| self.child.failure("did not become ready"))?;
        Ok(())
    }

    /// How long it took from the start of the process to being ready.
    ///
    /// # Errors
    /// It does not start.
    pub fn timed_start(options: &Options, folder: &Path) -> Result<(Self, Duration)> {
        let began = Instant::now();
        let relay = Self::taking_in(options, folder, &[])?;
        Ok((relay, began.elapsed()))
    }

    /// Hands off a conversation by its number; gives the handoff's id.
    ///
    /// # Errors
    /// The relay refuses.
    pub fn hands_off(&self, number: u32) -> Result<String> {
        let headers = format!("authorization: Bearer {START_KEY}\r\n");
        let body = start_body(number);
        let answer = call(self.child.address, "POST", START_PATH, &headers, &body)?;
        let answer: Value = serde_json::from_str(&answer)?;
        Ok(answer["handoff_id"].as_str().context("a start call's answer has no handoff_id")?.to_owned())
    }

    /// The agent ends a handoff.
    ///
    /// # Errors
    /// The relay refuses.
    pub fn ends(&self, handoff: &str) -> Result<()> {
        let path = format!("/api/handoffs/{handoff}/end");
        call(self.child.address, "POST", &path, &as_agent(), "{}").map(drop)
    }

    /// What one of its gauges says.
    ///
    /// # Errors
    /// It has none of that name.
    pub fn gauge(&self, name: &str) -> Result<u64> {
        let metrics = call(self.child.address, "GET", "/metrics", "", "")?;
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).with_context(|| format!("/metrics has no {name}"))
    }

    /// Events that it has kept and not yet put into threads.
    ///
    /// # Errors
    /// It does not say.
    pub fn inbox(&self) -> Result<u64> {
        self.gauge("handoff_relay_inbox_events")
    }

    /// Waits until nothing waits in inbox and outbox.
    ///
    /// # Errors
    /// That takes too long.
    pub fn calm(&self) -> Result<()> {
        until("the relay has done what waited", LOOK, || {
            let outbox = self.gauge("handoff_relay_outbox_deliveries")?;
            Ok((outbox == 0 && self.inbox()? == 0).then_some(()))
        })
    }
}

const START_PATH: &str = "/handoffs/start";

fn start_body(number: u32) -> String {
    json!({ "conversation_id": conversation(number), "plan": "pro", "language": "en" }).to_string()
}

/// The start call of a conversation by its number.
pub fn start_call(number: u32) -> Vec<u8> {
    let headers = format!("authorization: Bearer {START_KEY}\r\n");
    request("POST", START_PATH, &headers, &start_body(number))
}

/// The call with which an agent writes.
pub fn agents_message(handoff: &str, text: &str) -> Vec<u8> {
    let path = format!("/api/handoffs/{handoff}/messages");
    request("POST", &path, &as_agent(), &json!({ "text": text }).to_string())
}

/// So many agents, as a setting.
pub fn agent_tokens(agents: u32) -> String {
    let one = |number: u32| format!("Agent {number}={}", token_of(number));
    (0..agents).map(one).collect::<Vec<_>>().join(",")
}

/// The header by which the relay knows one of [`agent_tokens`].
pub fn as_one_of(number: u32) -> String {
    format!("authorization: Bearer {}\r\n", token_of(number))
}

fn token_of(number: u32) -> String {
    format!("{TOKEN}-{number}")
}

/// The header by which the relay knows the agent.
pub fn as_agent() -> String {
    format!("authorization: Bearer {TOKEN}\r\n")
}
