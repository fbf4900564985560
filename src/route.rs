//! `handoff-relay route`: says which route of the settings file a start call takes, and why. Nothing is sent or stored.

use std::{fs, path::PathBuf, process::ExitCode, time::Duration};

use crate::{WRONG_SETTINGS, complain, print};
use anyhow::{Context, bail};
use clap::Args;
use handoff_relay::{
    ada::start_call::{self, StartCall},
    environment::{Environment, Machine},
    relay::{
        hours::Opening,
        id::{AiAgentId, TeamName},
        policy::Timeout,
        routing::{Condition, Facts, NamedBy, Route, Routing},
        time::Time,
        waiting_room::{Banner, WaitingText},
    },
    settings::{AiAgentSettings, Settings},
};

/// A start call to try.
#[derive(Args)]
pub struct Given {
    /// The body of the start call, as JSON; - for standard input
    #[arg(long)]
    file: PathBuf,
    /// The id of the AI Agent that makes it, if there are several and the body does not name one in ai_agent
    #[arg(long)]
    ai_agent: Option<String>,
    /// When it is made, such as 2026-12-24T09:00:00Z; now, unless that is given
    #[arg(long)]
    at: Option<Time>,
}

pub fn run(given: &Given) -> ExitCode {
    let settings = match Settings::from_process() {
        Ok((settings, _)) => settings,
        Err(error) => return complain(&error.to_string(), WRONG_SETTINGS),
    };
    match lines(&settings, given) {
        Ok(lines) => {
            print(&lines.join("\n"));
            ExitCode::SUCCESS
        }
        Err(error) => complain(&format!("{error:#}"), 1),
    }
}

fn lines(settings: &Settings, given: &Given) -> anyhow::Result<Vec<String>> {
    let StartCall { conversation, mut context } = read(given)?;
    let named = if settings.ai_agents.are_listed { context.remove("ai_agent") } else { None };
    let named = start_call::ai_agent(named.as_ref()).map_err(anyhow::Error::msg)?;
    let ai_agent = ai_agent(settings, given.ai_agent.as_deref(), named)?;
    let id = AiAgentId(ai_agent.id.clone());
    let now = given.at.unwrap_or_else(|| Machine.now());
    let facts = Facts { ai_agent: &id, context: &context, language: ai_agent.language.as_deref(), now };
    let routing = &settings.routing;
    let taken = routing.routes.iter().position(|route| route.applies(&facts));
    let mut lines = vec![format!("conversation {conversation} of the AI Agent {id}"), String::new()];
    for (index, route) in routing.routes.iter().enumerate() {
        lines.push(match taken {
            Some(taken) if taken < index => format!("     {}: not tried", route.name),
            Some(taken) if taken == index => format!("yes  {}: {}", route.name, reasons(route, &facts)),
            _ => format!("no   {}: {}", route.name, reasons(route, &facts)),
        });
    }
    if routing.routes.is_empty() {
        lines.push("there are no routes".to_owned());
    }
    let route = taken.and_then(|taken| routing.routes.get(taken));
    lines.extend([String::new(), format!("route            {}", route.map_or("none", |route| &route.name))]);
    lines.extend(outcome(settings, ai_agent, route, &facts));
    Ok(lines)
}

fn read(given: &Given) -> anyhow::Result<StartCall> {
    let body = match given.file.to_str() {
        Some("-") => {
            let mut body = Vec::new();
            std::io::Read::read_to_end(&mut std::io::stdin(), &mut body).context("standard input")?;
            body
        }
        _ => fs::read(&given.file).with_context(|| given.file.display().to_string())?,
    };
    start_call::read(&body).map_err(anyhow::Error::msg)
}

/// The AI Agent that an option names, or the body.
fn ai_agent<'a>(
    settings: &'a Settings,
    by_option: Option<&str>,
    by_body: Option<&str>,
) -> anyhow::Result<&'a AiAgentSettings> {
    let find = |name: &str, whose: &str| {
        let is_it = |of_settings: &&AiAgentSettings| {
            of_settings.id == name || of_settings.domains.contains(&name.to_lowercase())
        };
        let found = settings.ai_agents.iter().find(is_it);
        found.with_context(|| format!("there is no AI Agent of the name in {whose}"))
    };
    let by_option = by_option.map(|name| find(name, "--ai-agent")).transpose()?;
    let by_body = by_body.map(|name| find(name, "ai_agent of the body")).transpose()?;
    match (by_option, by_body) {
        (Some(one), Some(other)) if one.id != other.id => bail!(
            "--ai-agent and ai_agent of the body name different AI Agents: with the start key of {}, the relay answers 401 \
             unless {} has the same",
            one.id,
            other.id
        ),
        (Some(named), _) | (None, Some(named)) => Ok(named),
        (None, None) if settings.ai_agents.others.is_empty() => Ok(&settings.ai_agents.first),
        (None, None) => {
            bail!("there are several AI Agents: name one with --ai-agent, or in ai_agent of the body")
        }
    }
}

/// What speaks for a route, or against it.
fn reasons(route: &Route, facts: &Facts<'_>) -> String {
    if route.conditions.is_empty() {
        return "it has no conditions".to_owned();
    }
    let applies = route.applies(facts);
    let telling = route.conditions.iter().filter(|condition| condition.holds(facts) == applies);
    telling.map(|condition| reason(condition, facts)).collect::<Vec<_>>().join("; ")
}

fn reason(condition: &Condition, facts: &Facts<'_>) -> String {
    match condition.found(facts) {
        Some(found) => format!("{condition} (it is {found})"),
        None => format!("{condition} (it has no value)"),
    }
}

fn outcome(
    settings: &Settings,
    ai_agent: &AiAgentSettings,
    route: Option<&Route>,
    facts: &Facts<'_>,
) -> [String; 9] {
    let routing = &settings.routing;
    let team = routing.team(route, facts);
    let by = |by| match by {
        NamedBy::Route => "by the route",
        NamedBy::Call => "by the start call",
        NamedBy::Default => "default_team",
    };
    let platforms = route
        .and_then(|route| route.platforms.as_ref())
        .map(|ids| ids.iter().map(|id| id.0.clone()).collect::<Vec<_>>().join(", "));
    let name = route.map(|route| route.name.as_str());
    let timeouts = routing.timeouts(name, team.map(|(team, _)| team), ai_agent.timeouts(settings));
    let waiting_rooms = ai_agent.waiting_rooms(settings);
    let room = waiting_rooms.of(name, team.map(|(team, _)| team));
    let hours = hours(routing, team.map(|(team, _)| team), facts.now);
    let team = team.map_or_else(|| "none".to_owned(), |(team, named)| format!("{team} ({})", by(named)));
    [
        format!("team             {team}"),
        format!("hours            {hours}"),
        format!("priority         {}", route.map(|route| route.priority).unwrap_or_default().as_str()),
        format!("platforms        {}", platforms.as_deref().unwrap_or("all")),
        format!("waiting_timeout  {}", timeout(timeouts.waiting)),
        format!("idle_timeout     {}", timeout(timeouts.idle)),
        format!(
            "accept_text      {}",
            room.accept_text.as_ref().map_or("off".to_owned(), |text| quoted(text))
        ),
        format!("queue_banner     {}", banner(room.banner)),
        format!("waiting_texts    {}", waiting_texts(&room.texts)),
    ]
}

/// How the hours of a team stand. What somebody has decided in their place is in the store of the relay alone.
fn hours(routing: &Routing, team: Option<&TeamName>, now: Time) -> String {
    let hours = team.and_then(|team| routing.find(team.as_str())).and_then(|team| team.hours.as_ref());
    if hours.is_none() {
        return "always open".to_owned();
    }
    match Opening::at(now, hours, None) {
        Opening { is_open: true, .. } => "open".to_owned(),
        // Hours begin at whole minutes.
        Opening { opens_at: Some(at), .. } => {
            format!("closed, opens {}", at.to_string().replace(".000Z", "Z"))
        }
        Opening { opens_at: None, .. } => "closed".to_owned(),
    }
}

const fn banner(banner: Banner) -> &'static str {
    match banner {
        Banner::Off => "off",
        Banner::Position => "position",
        Banner::Time => "time",
    }
}

fn waiting_texts(texts: &[WaitingText]) -> String {
    let text = |WaitingText { after, text }: &WaitingText| format!("{}, {}", shortest(*after), quoted(text));
    if texts.is_empty() { "none".to_owned() } else { texts.iter().map(text).collect::<Vec<_>>().join("; ") }
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn timeout(timeout: Option<&Timeout>) -> String {
    let Some(Timeout { after, text }) = timeout else { return "off".to_owned() };
    let text = text.as_ref().map_or_else(|| "without a text".to_owned(), |text| quoted(text));
    format!("{}, {text}", shortest(*after))
}

/// As the settings write it.
fn shortest(time: Duration) -> String {
    let seconds = time.as_secs();
    let (unit, size) = [("h", 3600), ("m", 60)]
        .into_iter()
        .find(|(_, size)| seconds > 0 && seconds.is_multiple_of(*size))
        .unwrap_or(("s", 1));
    format!("{}{unit}", seconds / size)
}
