//! One `[[ai_agents]]` of the file.

use std::path::Path;

use url::Url;

use super::{
    language::language,
    limits::{self, Limits},
    mistakes::Mistakes,
    secret_place::{SecretKeys, SecretPlace},
    table::{Placed, Table},
    waiting_room::{self, WaitingRoomTable},
};
use crate::{
    settings::{
        Secret,
        ai_agents::{AiAgentSettings, INTEGRATION, RATE_PER_MINUTE, RATE_PER_SECOND},
        parse::{self, Parsed},
        reader::Reader,
        timeout::Timeouts,
    },
    unseen::is_unseen,
};

const KEY: SecretKeys = SecretKeys { inline: "key", env: "key_env", file: "key_file" };
const WEBHOOK_SECRET: SecretKeys =
    SecretKeys { inline: "webhook_secret", env: "webhook_secret_env", file: "webhook_secret_file" };
const START_KEY: SecretKeys =
    SecretKeys { inline: "start_key", env: "start_key_env", file: "start_key_file" };

/// What an AI Agent may say of itself.
pub(super) const KEYS: [&str; 22] = [
    "id",
    "formerly",
    "domains",
    "base_url",
    KEY.env,
    KEY.file,
    WEBHOOK_SECRET.env,
    WEBHOOK_SECRET.file,
    START_KEY.inline,
    START_KEY.env,
    START_KEY.file,
    "integrations",
    "rate_per_second",
    "rate_per_minute",
    "language",
    limits::KEYS[0],
    limits::KEYS[1],
    limits::KEYS[2],
    limits::KEYS[3],
    waiting_room::KEYS[0],
    waiting_room::KEYS[1],
    waiting_room::KEYS[2],
];

const ID_CHARS: usize = 100;
const FORMER_ID_CHARS: usize = 253;
const DOMAIN_CHARS: usize = 253;

/// What the file says of an AI Agent.
#[derive(Debug)]
pub(super) struct AiAgentTable {
    id: Option<Placed<String>>,
    formerly: Vec<Placed<String>>,
    domains: Vec<Placed<String>>,
    base_url: Option<Url>,
    key: Option<SecretPlace>,
    webhook_secret: Option<SecretPlace>,
    start_key: Option<StartKey>,
    integrations: Vec<String>,
    rate_per_second: u32,
    rate_per_minute: u32,
    language: Option<String>,
    limits: Limits,
    pub(super) waiting_room: WaitingRoomTable,
}

/// What its start calls must carry.
#[derive(Debug)]
enum StartKey {
    Off,
    Kept(SecretPlace),
}

impl AiAgentTable {
    /// Reads the table. Paths are relative to `folder`.
    pub(super) fn read(mut table: Table<'_>, folder: &Path, mistakes: &mut Mistakes) -> Self {
        let t = &mut table;
        let id = t.text("id", mistakes, id);
        let domains = t.texts("domains", mistakes, domain).unwrap_or_default();
        for key in ["id", "domains"] {
            t.require(key, mistakes);
        }
        let base_url = match t.text("base_url", mistakes, parse::base_url) {
            Some(found) => Some(found.value),
            None if t.has("base_url") => None,
            None => domains
                .first()
                .and_then(|domain| parse::base_url(&format!("https://{}/api", domain.value)).ok()),
        };
        let read = Self {
            id,
            formerly: t.texts("formerly", mistakes, former_id).unwrap_or_default(),
            base_url,
            key: secret(t, &KEY, folder, mistakes),
            webhook_secret: secret(t, &WEBHOOK_SECRET, folder, mistakes),
            start_key: start_key(t, folder, mistakes),
            integrations: integrations(t, mistakes),
            rate_per_second: t.number("rate_per_second", mistakes, parse::rate).unwrap_or(RATE_PER_SECOND),
            rate_per_minute: t.number("rate_per_minute", mistakes, parse::rate).unwrap_or(RATE_PER_MINUTE),
            language: t.text("language", mistakes, language).map(|found| found.value),
            limits: Limits::read(t, mistakes),
            waiting_room: WaitingRoomTable::read(t, mistakes),
            domains,
        };
        t.refuse_others(&KEYS, mistakes);
        read
    }

    /// Its id, if that is one.
    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_ref().map(|id| id.value.as_str())
    }

    fn secrets(&self) -> impl Iterator<Item = &SecretPlace> {
        let start_key = match &self.start_key {
            Some(StartKey::Kept(place)) => Some(place),
            Some(StartKey::Off) | None => None,
        };
        [self.key.as_ref(), self.webhook_secret.as_ref(), start_key].into_iter().flatten()
    }

    /// The environment variables that hold its secrets.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.secrets().filter_map(SecretPlace::variable)
    }

    /// The AI Agent, with its secrets; `None` if something is wrong, which `mistakes` then has.
    pub(super) fn settings(
        self,
        r: &Reader,
        timeouts: &Timeouts,
        mistakes: &mut Mistakes,
    ) -> Option<AiAgentSettings> {
        let key = self.key.and_then(|place| place.get(r, mistakes, parse::api_key));
        let webhook_secrets =
            self.webhook_secret.and_then(|place| place.get(r, mistakes, parse::webhook_secrets));
        let start_key: Option<Option<Secret>> = match self.start_key {
            Some(StartKey::Kept(place)) => place.get(r, mistakes, parse::start_key),
            Some(StartKey::Off) => Some(None),
            None => None,
        };
        let values = |placed: Vec<Placed<String>>| placed.into_iter().map(|found| found.value).collect();
        Some(AiAgentSettings {
            id: self.id?.value,
            formerly: values(self.formerly),
            domains: values(self.domains),
            base_url: self.base_url?,
            key: key?,
            webhook_secrets: webhook_secrets?,
            start_key: start_key?,
            integrations: self.integrations,
            rate_per_second: self.rate_per_second,
            rate_per_minute: self.rate_per_minute,
            language: self.language,
            limits: self.limits.settings(timeouts),
            waiting_room: self.waiting_room.own,
        })
    }
}

/// A secret that must be somewhere.
fn secret(
    table: &mut Table<'_>,
    keys: &SecretKeys,
    folder: &Path,
    mistakes: &mut Mistakes,
) -> Option<SecretPlace> {
    if table.has(keys.inline) {
        let place = format!("name a variable with {} or a file with {}", keys.env, keys.file);
        table.refuse(keys.inline, &format!("has no place in this file: {place}"), mistakes);
    }
    let place = SecretPlace::read(table, keys, folder, mistakes);
    if !table.has(keys.inline) && !table.has(keys.env) && !table.has(keys.file) {
        table.require(&format!("{} or {}", keys.env, keys.file), mistakes);
    }
    place
}

fn start_key(table: &mut Table<'_>, folder: &Path, mistakes: &mut Mistakes) -> Option<StartKey> {
    if !table.has(START_KEY.inline) {
        return secret(table, &START_KEY, folder, mistakes).map(StartKey::Kept);
    }
    let off = table.text(START_KEY.inline, mistakes, |text| match text {
        "off" => Ok(()),
        _ => Err(format!(
            "may only be off: name a variable with {} or a file with {}",
            START_KEY.env, START_KEY.file
        )),
    });
    if SecretPlace::read(table, &START_KEY, folder, mistakes).is_some() {
        mistakes
            .add(table.at, format!("start_key = \"off\" excludes {} and {}", START_KEY.env, START_KEY.file));
        return None;
    }
    off.map(|_| StartKey::Off)
}

fn integrations(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Vec<String> {
    let name = |text: &str| {
        if text.is_empty() { Err("must not be empty".to_owned()) } else { parse::integration(text) }
    };
    let found = table.texts("integrations", mistakes, name);
    found.map_or_else(
        || vec![INTEGRATION.to_owned()],
        |found| found.into_iter().map(|name| name.value).collect(),
    )
}

/// Refuses an id that two have, past ones included, a domain that two have, and an id that is the domain of another one:
/// start calls name an AI Agent by either.
pub(super) fn check_duplicates(ai_agents: &[AiAgentTable], mistakes: &mut Mistakes) {
    let ids = |table: &AiAgentTable| table.id.iter().chain(&table.formerly).cloned().collect::<Vec<_>>();
    refuse_repeated("this id", ai_agents.iter().map(ids), mistakes);
    refuse_repeated("this domain", ai_agents.iter().map(|table| table.domains.clone()), mistakes);
    for (index, id) in
        ai_agents.iter().enumerate().filter_map(|(index, table)| Some((index, table.id.as_ref()?)))
    {
        let others = ai_agents.iter().enumerate().filter(|(other, _)| *other != index);
        let mut domains = others.flat_map(|(_, table)| &table.domains);
        if let Some(domain) = domains.find(|domain| domain.value.eq_ignore_ascii_case(&id.value)) {
            let line = mistakes.line(domain.at);
            mistakes.add(id.at, format!("this id is a domain of another AI Agent, on line {line}"));
        }
    }
}

/// Refuses what several have, such as a name.
pub(super) fn refuse_repeated(
    what: &str,
    groups: impl Iterator<Item = Vec<Placed<String>>>,
    mistakes: &mut Mistakes,
) {
    let mut seen: Vec<Placed<String>> = Vec::new();
    for found in groups.flatten() {
        match seen.iter().find(|other| other.value == found.value) {
            Some(first) => {
                let line = mistakes.line(first.at);
                mistakes.add(found.at, format!("{what} is there already, on line {line}"));
            }
            None => seen.push(found),
        }
    }
}

fn id(text: &str) -> Parsed<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if (1..=ID_CHARS).contains(&text.len()) && text.bytes().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err(format!("must be 1 to {ID_CHARS} letters, digits, dots, hyphens and underscores"))
    }
}

/// An id of before the file is a host, which may be an address.
fn former_id(text: &str) -> Parsed<String> {
    let is_plain = |c: char| !c.is_whitespace() && !is_unseen(c);
    if (1..=FORMER_ID_CHARS).contains(&text.chars().count()) && text.chars().all(is_plain) {
        Ok(text.to_owned())
    } else {
        Err("must hold ids, without spaces".to_owned())
    }
}

fn domain(text: &str) -> Parsed<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    if (1..=DOMAIN_CHARS).contains(&text.len()) && text.bytes().all(is_plain) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("must hold names such as acme.ada.support, without https:// and /api".to_owned())
    }
}
