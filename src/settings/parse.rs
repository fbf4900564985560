//! From one text to one value. An error is the end of a sentence that begins with the setting's name,
//! and never repeats the text: it may hold a secret, if only by mistake.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use base64::{
    Engine,
    alphabet::STANDARD as STANDARD_ALPHABET,
    engine::{
        DecodePaddingMode,
        general_purpose::{GeneralPurpose, PAD, STANDARD},
    },
};
use tracing_subscriber::EnvFilter;
use url::{Host, Url};

use super::{AgentToken, LogFormat, Secret, strength};
use crate::{relay::dispatch::Assignment, unseen::is_unseen};

/// The value, or what the text would have to be.
pub(super) type Parsed<T> = Result<T, String>;

const NAME_MAX: usize = 200;
/// Base64 with or without its padding: dashboards and tools cut it off.
const FORGIVING: GeneralPurpose =
    GeneralPurpose::new(&STANDARD_ALPHABET, PAD.with_decode_padding_mode(DecodePaddingMode::Indifferent));
const TEXT_MAX: usize = 1_000;

pub(super) fn base_url(text: &str) -> Parsed<Url> {
    address(text, "https://example.ada.support/api")
}

/// Where the outside reaches the relay: an https URL (http for this machine alone) without query or fragment.
///
/// # Errors
/// The end of a sentence that begins with the setting's name.
pub fn public_url(text: &str) -> Result<Url, String> {
    address(text, "https://relay.example.com")
}

/// The base URL of a service: as [`public_url`].
pub(super) fn endpoint(text: &str) -> Parsed<Url> {
    address(text, "https://connect.us-east-1.amazonaws.com")
}

fn address(text: &str, example: &str) -> Parsed<Url> {
    let mut url = Url::parse(text).map_err(|_| format!("must be a URL such as {example}"))?;
    let secure = url.scheme() == "https" || (url.scheme() == "http" && is_this_machine(&url));
    if !secure {
        return Err("must begin with https:// (http:// only for localhost)".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain a user name or password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not contain a query (?) or fragment (#)".to_owned());
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

/// Ada's key, which is Ada's to make.
pub(super) fn api_key(text: &str) -> Parsed<Secret> {
    strength::not_the_example(text.as_bytes())?;
    header_secret(text)
}

/// A key of one's own, or `off` for none.
pub(super) fn start_key(text: &str) -> Parsed<Option<Secret>> {
    if text == "off" {
        return Ok(None);
    }
    let key = header_secret(text)?;
    strength::not_the_example(text.as_bytes())?;
    strength::strong(text.as_bytes(), "characters").map_err(|wanted| wanted + ", or be off")?;
    Ok(Some(key))
}

/// A secret that travels in an `Authorization` header.
fn header_secret(text: &str) -> Parsed<Secret> {
    if text.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("bearer")) {
        Err("must be the key alone: leave out Bearer".to_owned())
    } else if is_header_word(text) {
        Ok(Secret::new(text))
    } else {
        Err("must be printable ASCII without spaces".to_owned())
    }
}

fn is_header_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

pub(super) fn webhook_secrets(text: &str) -> Parsed<Vec<Secret>> {
    let words = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty());
    let secrets = words.enumerate().map(webhook_secret).collect::<Parsed<Vec<_>>>()?;
    if secrets.is_empty() { Err("holds no secret".to_owned()) } else { Ok(secrets) }
}

/// With the padding that the svix crate wants, whatever was given.
fn webhook_secret((position, word): (usize, &str)) -> Parsed<Secret> {
    let number = position + 1;
    if word == "v1" {
        return Err(
            "begins with v1, which is a version marker; remove v1 and the comma, so that it begins with whsec_"
                .to_owned(),
        );
    }
    let key =
        word.strip_prefix("whsec_").and_then(|key| FORGIVING.decode(key).ok()).filter(|key| !key.is_empty());
    let key = key.ok_or_else(|| {
        format!(
            "must be whsec_ followed by base64, or several of these separated by spaces or commas; number {number} \
             is not"
        )
    })?;
    strength::strong(&key, "bytes after whsec_")
        .map_err(|wanted| format!("{wanted}: see number {number}"))?;
    Ok(Secret::new(format!("whsec_{}", STANDARD.encode(key))))
}

pub(super) fn integration(text: &str) -> Parsed<String> {
    plain_name(text).ok_or_else(|| format!("must be at most {NAME_MAX} visible characters"))
}

fn plain_name(text: &str) -> Option<String> {
    let plain = text.chars().count() <= NAME_MAX && !text.chars().any(is_unseen);
    (plain && !text.is_empty()).then(|| text.to_owned())
}

/// The name of a team, a route or a field of the settings file.
pub(super) fn listed_name(text: &str) -> Parsed<String> {
    plain_name(text).ok_or_else(|| format!("must have 1 to {NAME_MAX} visible characters"))
}

/// The name of an agent of the settings file.
///
/// # Errors
/// The end of a sentence that begins with the key's name.
pub fn listed_agent_name(text: &str) -> Result<String, String> {
    if is_in_connect(text) {
        return Err("must not end with (Amazon Connect), as the names of agents there do".to_owned());
    }
    listed_name(text)
}

/// What `tracing` takes for a filter.
pub(super) fn log_filter(text: &str) -> Parsed<String> {
    let known = EnvFilter::try_new(text).map(|_| text.to_owned());
    known.map_err(|_| "must be such as info or warn,handoff_relay=debug".to_owned())
}

/// `Alex=token,Sam=token`. Entries are named by number: a wrong one may be a bare token.
pub(super) fn agent_tokens(text: &str) -> Parsed<Vec<AgentToken>> {
    let agents = text.split(',').enumerate().map(agent_token).collect::<Parsed<Vec<_>>>()?;
    let names: BTreeSet<&str> = agents.iter().map(|agent| agent.name.as_str()).collect();
    let tokens: BTreeSet<&str> = agents.iter().map(|agent| agent.token.expose()).collect();
    if names.len() < agents.len() {
        return Err("gives two agents the same name".to_owned());
    }
    if tokens.len() < agents.len() {
        return Err("gives two agents the same token".to_owned());
    }
    Ok(agents)
}

/// Whether a name looks like that of an agent in Amazon Connect, whatever its spelling.
fn is_in_connect(name: &str) -> bool {
    name.to_lowercase().ends_with("(amazon connect)")
}

fn agent_token((position, entry): (usize, &str)) -> Parsed<AgentToken> {
    let number = position + 1;
    let (name, token) = entry
        .split_once('=')
        .map(|(name, token)| (name.trim(), token.trim()))
        .ok_or_else(|| format!("must be Name=token, several separated by commas; entry {number} is not"))?;
    let name = plain_name(name)
        .ok_or_else(|| format!("needs a name of 1 to {NAME_MAX} visible characters in entry {number}"))?;
    if is_in_connect(&name) {
        return Err(format!(
            "must not end a name with (Amazon Connect), as agents there have; see entry {number}"
        ));
    }
    if !is_header_word(token) {
        return Err(format!("needs a token of printable ASCII characters without spaces in entry {number}"));
    }
    strength::strong(token.as_bytes(), "characters")
        .map_err(|wanted| format!("{wanted}: see entry {number}"))?;
    Ok(AgentToken { name, token: Secret::new(token) })
}

pub(super) fn socket_address(text: &str) -> Parsed<SocketAddr> {
    text.parse().map_err(|_| "must be an IP address and a port, such as 127.0.0.1:8090".to_owned())
}

pub(super) fn console_folder(text: &str) -> Parsed<PathBuf> {
    let folder = PathBuf::from(text);
    let is_console = folder.join("index.html").is_file();
    is_console
        .then_some(folder)
        .ok_or_else(|| "must name a folder that has the console's index.html".to_owned())
}

/// Names between commas.
pub(super) fn names_of(text: &str) -> Vec<String> {
    text.split(',').map(|name| name.trim().to_owned()).collect()
}

/// How many fields may be named, and how long a name is at most, in bytes: as in a context.
const MAX_FIELDS: usize = 20;
const MAX_FIELD_BYTES: usize = 200;

pub(super) fn field_names(text: &str) -> Parsed<Vec<String>> {
    if text == "off" {
        return Ok(Vec::new());
    }
    let names = names_of(text);
    let is_name = |name: &String| !name.is_empty() && name.len() <= MAX_FIELD_BYTES;
    (names.len() <= MAX_FIELDS && names.iter().all(is_name)).then_some(names).ok_or_else(|| {
        "must be 1 to 20 names of fields between commas, such as category,plan, or off".to_owned()
    })
}

/// How many outcomes the console offers, and how long one is at most, in characters: as the agent API takes them.
pub(super) const MAX_OUTCOMES: usize = 20;
const MAX_OUTCOME_CHARS: usize = 100;

/// What may come of a handoff, between commas, or `off` for nothing to choose from.
pub(super) fn outcomes(text: &str) -> Parsed<Vec<String>> {
    if text == "off" {
        return Ok(Vec::new());
    }
    let wanted =
        || "must be 1 to 20 different outcomes between commas, such as solved,unresolved, or off".to_owned();
    let outcomes = names_of(text).iter().map(|name| outcome(name)).collect::<Parsed<Vec<_>>>();
    let outcomes = outcomes.map_err(|_| wanted())?;
    let are_different = outcomes.iter().collect::<BTreeSet<_>>().len() == outcomes.len();
    (outcomes.len() <= MAX_OUTCOMES && are_different).then_some(outcomes).ok_or_else(wanted)
}

/// One outcome.
pub(super) fn outcome(text: &str) -> Parsed<String> {
    let is_short = text.chars().count() <= MAX_OUTCOME_CHARS;
    let name = plain_name(text).filter(|_| is_short);
    name.ok_or_else(|| format!("must have 1 to {MAX_OUTCOME_CHARS} visible characters"))
}

pub(super) fn milliseconds(text: &str, range: RangeInclusive<u64>) -> Parsed<Duration> {
    let (least, most) = range.clone().into_inner();
    whole_number(text)
        .filter(|number| range.contains(number))
        .map(Duration::from_millis)
        .ok_or_else(|| format!("must be a whole number of milliseconds from {least} to {most}"))
}

pub(super) fn at_least_one(text: &str) -> Parsed<usize> {
    whole_number(text)
        .and_then(|number| usize::try_from(number).ok())
        .filter(|number| *number >= 1)
        .ok_or_else(|| "must be a whole number of 1 or more".to_owned())
}

pub(super) fn rate(text: &str) -> Parsed<u32> {
    whole_number(text)
        .and_then(|number| u32::try_from(number).ok())
        .filter(|number| (1..=10_000).contains(number))
        .ok_or_else(|| "must be a whole number from 1 to 10000".to_owned())
}

/// `90s`, `15m` or `2h`, from a second to a day.
pub(super) fn duration(text: &str) -> Parsed<Duration> {
    seconds(text)
        .filter(|seconds| (1..=DAY).contains(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| "must be a duration such as 90s, 15m or 2h, from 1s to 24h".to_owned())
}

/// The same, or `off`.
pub(super) fn duration_or_off(text: &str) -> Parsed<Option<Duration>> {
    if text == "off" { Ok(None) } else { duration(text).map(Some).map_err(|wanted| wanted + ", or off") }
}

/// How handoffs get to agents.
pub(super) fn assignment(text: &str) -> Parsed<Assignment> {
    let found = Assignment::ALL.into_iter().find(|assignment| assignment.as_str() == text);
    found.ok_or_else(|| "must be off, round_robin or least_busy".to_owned())
}

/// How long somebody has waited, from nothing, `0s`, to a day.
pub(super) fn wait(text: &str) -> Parsed<Duration> {
    seconds(text)
        .filter(|seconds| *seconds <= DAY)
        .map(Duration::from_secs)
        .ok_or_else(|| "must be a duration such as 0s, 90s or 5m, up to 24h".to_owned())
}

/// Words for the customer, or `off` for none.
pub(super) fn text_or_off(text: &str) -> Parsed<Option<String>> {
    if text.chars().count() > TEXT_MAX {
        return Err(format!("must be at most {TEXT_MAX} characters, or off"));
    }
    Ok((text != "off").then(|| text.to_owned()))
}

/// Words for the customer.
pub(super) fn words(text: &str) -> Parsed<String> {
    match text.chars().count() {
        1..=TEXT_MAX => Ok(text.to_owned()),
        _ => Err(format!("must be 1 to {TEXT_MAX} characters")),
    }
}

/// How long something is kept that is over: `90d`, or `off` for ever. Three days at least: a message is never
/// adopted after two, so that none of a handoff that was forgotten can begin it anew.
pub(super) fn keep(text: &str) -> Parsed<Option<Duration>> {
    if text == "off" {
        return Ok(None);
    }
    seconds(text)
        .filter(|seconds| (3 * DAY..=3650 * DAY).contains(seconds))
        .map(|seconds| Some(Duration::from_secs(seconds)))
        .ok_or_else(|| "must be a duration such as 90d, from 3d to 3650d, or off".to_owned())
}

const DAY: u64 = 24 * 3600;

pub(super) fn seconds(text: &str) -> Option<u64> {
    [('s', 1), ('m', 60), ('h', 3600), ('d', DAY)].iter().find_map(|(unit, seconds)| {
        let number = whole_number(text.strip_suffix(*unit)?)?;
        number.checked_mul(*seconds)
    })
}

/// Digits alone: Rust's own parser would take a leading `+`.
pub(super) fn whole_number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

pub(super) fn log_format(text: &str) -> Parsed<LogFormat> {
    match text {
        "pretty" => Ok(LogFormat::Pretty),
        "json" => Ok(LogFormat::Json),
        _ => Err("must be pretty or json".to_owned()),
    }
}
