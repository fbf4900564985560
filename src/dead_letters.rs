//! `handoff-relay dead-letters`: what was set aside, over the agent API of the relay that runs on this machine.

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use anyhow::Context;
use clap::{Args, Subcommand};
use handoff_relay::{
    settings::{Secret, Settings},
    telemetry::visible,
};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use crate::{WRONG_SETTINGS, complain, health::reachable, print};

/// A replay waits for the store; a body can be 10 MB.
const PATIENCE: Duration = Duration::from_secs(30);
const NO_TOKEN: &str = "AGENT_TOKENS is not set: the running relay has generated a token that this command \
    does not know. Set AGENT_TOKENS for both.";
/// The settings file has no tokens, only digests of them.
const NO_PLAIN_TOKEN: &str = "RELAY_CONFIG lists the agents without their tokens: set OPERATOR_TOKENS for the relay and for this \
    command";

#[derive(Subcommand)]
pub enum Command {
    /// List them, newest first
    List,
    /// Show one with its body, without anything that may be a presigned URL
    Show {
        /// Its id, as `list` shows it
        id: String,
    },
    /// Replay one or all, oldest first; those that still can't be used stay
    Replay(Which),
    /// Drop one or all
    Drop(Which),
}

/// One or all.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// Its id, as `list` shows it
    id: Option<String>,
    /// All of them
    #[arg(long)]
    all: bool,
}

pub async fn run(command: Command) -> ExitCode {
    let settings = match Settings::from_process() {
        Ok((settings, _)) if settings.made_token => return complain(NO_TOKEN, WRONG_SETTINGS),
        Ok((settings, _)) => settings,
        Err(error) => return complain(&error.to_string(), WRONG_SETTINGS),
    };
    let done = async {
        let relay = Relay::of(&settings)?;
        match command {
            Command::List => relay.list().await,
            Command::Show { id } => relay.show(&id).await,
            Command::Replay(Which { id: Some(id), .. }) => relay.replay(&id).await,
            Command::Replay(_) => relay.replay_all().await,
            Command::Drop(Which { id: Some(id), .. }) => relay.drop(&id).await,
            Command::Drop(_) => relay.drop_all().await,
        }
    };
    match done.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("{error:#}"), 1),
    }
}

/// As the agent API shows it.
#[derive(Deserialize)]
struct Letter {
    id: String,
    svix_id: String,
    at: String,
    reason: String,
    kind: String,
    bytes: u64,
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Letter>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Whole {
    #[serde(flatten)]
    letter: Letter,
    body: Value,
}

/// What the relay says no with.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
struct Refused {
    status: StatusCode,
    detail: String,
}

/// The relay that runs on this machine.
struct Relay {
    address: SocketAddr,
    token: Secret,
    client: reqwest::Client,
}

impl Relay {
    fn of(settings: &Settings) -> anyhow::Result<Self> {
        // An operator may do everything here, an agent all but replay and drop platforms' events.
        let someone =
            settings.platforms.operators.first().or(settings.agent_tokens.first()).context(NO_PLAIN_TOKEN)?;
        // A token goes nowhere but there.
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Ok(Self {
            address: reachable(settings.agent_listen.unwrap_or(settings.listen)),
            token: someone.token.clone(),
            client: client.timeout(PATIENCE).build()?,
        })
    }

    async fn list(&self) -> anyhow::Result<()> {
        let letters = self.letters().await?;
        if letters.is_empty() {
            print("no dead letters");
            return Ok(());
        }
        let widest = |of: fn(&Letter) -> &str| letters.iter().map(|letter| of(letter).len()).max();
        let id = widest(|letter| &letter.id).unwrap_or_default();
        let reason = widest(|letter| &letter.reason).unwrap_or_default().max("REASON".len());
        let mut table = format!("{:<id$}  {:<24}  {:<reason$}  BYTES", "ID", "TIME", "REASON");
        for letter in &letters {
            let Letter { id: this, at, reason: why, bytes, .. } = letter;
            table.push_str(&format!("\n{this:<id$}  {at:<24}  {why:<reason$}  {bytes}"));
        }
        print(&table);
        Ok(())
    }

    async fn show(&self, id: &str) -> anyhow::Result<()> {
        let Whole { letter, body } = self.call(Method::GET, &one(id)?).await?;
        print(&format!("id       {}\nsvix-id  {}\ntime     {}", letter.id, letter.svix_id, letter.at));
        print(&format!("reason   {}\nkind     {}\nbytes    {}", letter.reason, letter.kind, letter.bytes));
        let body = serde_json::to_string_pretty(&body)?;
        // What customers write must not steer the terminal.
        let body: String = body.lines().map(|line| format!("\n{}", visible(line))).collect();
        print(&body);
        Ok(())
    }

    async fn replay(&self, id: &str) -> anyhow::Result<()> {
        let answer: Value = self.call(Method::POST, &format!("{}/replay", one(id)?)).await?;
        print(&format!("{id}  {}", answer["outcome"].as_str().unwrap_or("done")));
        Ok(())
    }

    /// Oldest first: the order in which they came.
    async fn replay_all(&self) -> anyhow::Result<()> {
        let (letters, mut stayed) = (self.letters().await?, 0);
        for letter in letters.iter().rev() {
            match self.replay(&letter.id).await {
                Ok(()) => {}
                Err(error)
                    if matches!(status(&error), Some(StatusCode::CONFLICT | StatusCode::FORBIDDEN)) =>
                {
                    stayed += 1;
                    print(&format!("{}  not replayed: {error:#}", letter.id));
                }
                // Somebody else was faster.
                Err(error) if status(&error) == Some(StatusCode::NOT_FOUND) => {}
                Err(error) => return Err(error),
            }
        }
        match stayed {
            0 => Ok(()),
            stayed => anyhow::bail!("{stayed} of {} could not be replayed", letters.len()),
        }
    }

    async fn drop(&self, id: &str) -> anyhow::Result<()> {
        let _: Value = self.call(Method::DELETE, &one(id)?).await?;
        print(&format!("{id}  dropped"));
        Ok(())
    }

    async fn drop_all(&self) -> anyhow::Result<()> {
        for letter in self.letters().await? {
            match self.drop(&letter.id).await {
                Err(error) if status(&error) != Some(StatusCode::NOT_FOUND) => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// All of them, newest first.
    async fn letters(&self) -> anyhow::Result<Vec<Letter>> {
        let (mut letters, mut cursor) = (Vec::new(), String::new());
        loop {
            let page: Page = self.call(Method::GET, &format!("?limit=200&cursor={cursor}")).await?;
            letters.extend(page.data);
            match page.next_cursor {
                Some(next) => cursor = next,
                None => return Ok(letters),
            }
        }
    }

    async fn call<T: serde::de::DeserializeOwned>(&self, method: Method, path: &str) -> anyhow::Result<T> {
        let url = format!("http://{}/api/dead-letters{path}", self.address);
        let request = self.client.request(method, url).bearer_auth(self.token.expose());
        let answer = request.send().await.map_err(reqwest::Error::without_url);
        let answer = answer.with_context(|| format!("no relay answers at {}", self.address))?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(reqwest::Error::without_url)?;
        if !status.is_success() {
            let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
            let detail = problem["detail"].as_str().unwrap_or("the answer is not from a relay");
            let detail = match status {
                StatusCode::CONFLICT | StatusCode::NOT_FOUND => detail.to_owned(),
                _ => format!("{} answers {status}: {detail}", self.address),
            };
            return Err(Refused { status, detail }.into());
        }
        let body = if body.is_empty() { b"null" } else { &body[..] };
        serde_json::from_slice(body)
            .with_context(|| format!("{} is not a relay of this version", self.address))
    }
}

fn status(error: &anyhow::Error) -> Option<StatusCode> {
    error.downcast_ref::<Refused>().map(|refused| refused.status)
}

/// The path of a letter. Ids are made of letters, digits and dashes; anything else could lead elsewhere.
fn one(id: &str) -> anyhow::Result<String> {
    let plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    anyhow::ensure!(plain, "no such dead letter");
    Ok(format!("/{id}"))
}
