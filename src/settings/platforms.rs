//! The platforms in which agents work, and who may act for them.

use std::{collections::BTreeSet, time::Duration};

use url::{Host, Url};

use super::{AgentToken, ListedAgent, Secret, names::WEBHOOKS, parse, parse::Parsed, reader::Reader};
use crate::store::sessions::Digest;

/// `PLATFORMS`: which of the platforms are used; `None` for all.
pub(super) struct Wanted(Option<Vec<String>>);

impl Wanted {
    /// Whether the platform of this id is used.
    pub(super) fn includes(&self, id: &str) -> bool {
        self.0.is_none() || self.names(id)
    }

    /// Whether it is named.
    pub(super) fn names(&self, id: &str) -> bool {
        self.0.iter().flatten().any(|wanted| wanted == id)
    }
}

/// Reads which platforms are used. `others` are those that take no webhooks.
pub(super) fn wanted(r: &mut Reader, others: &[&str]) -> Wanted {
    let wanted = r.optional("PLATFORMS", list);
    let is_known = |id: &String| WEBHOOKS.iter().any(|names| names.id == id) || others.contains(&id.as_str());
    if !wanted.iter().flatten().all(is_known) {
        let sentence = "PLATFORMS must be platforms such as webhook,webhook-2,amazon-connect";
        r.problem("PLATFORMS", sentence.to_owned());
    }
    Wanted(wanted)
}

/// A platform that takes signed webhooks.
#[derive(Clone, Debug)]
pub struct WebhookPlatform {
    /// `webhook`, `webhook-2` and so on.
    pub id: &'static str,
    /// `PLATFORM_WEBHOOK_URL`: https and public, unless private addresses are allowed.
    pub url: Url,
    /// `PLATFORM_WEBHOOK_SECRET`: at least one, each `whsec_` and base64. Events are signed with all of them.
    pub secrets: Vec<Secret>,
    /// `PLATFORM_TOKENS`: the service accounts that act for it; none if it only listens.
    pub tokens: Vec<AgentToken>,
}

/// All that concerns platforms.
#[derive(Clone, Debug)]
pub struct PlatformSettings {
    /// Those that get handoffs: `PLATFORMS`, or all that have a URL.
    pub webhooks: Vec<WebhookPlatform>,
    /// `PLATFORM_MAX_AGE`: how long an event may wait to be delivered. 1 s to 24 h.
    pub max_age: Duration,
    /// `PLATFORM_ALLOW_PRIVATE`: platforms may have private addresses, over plain http too.
    pub allow_private: bool,
    /// `OPERATOR_TOKENS`: who may enable and test platforms.
    pub operators: Vec<AgentToken>,
}

/// The names of one platform's settings.
pub(super) struct WebhookNames {
    pub(super) id: &'static str,
    pub(super) url: &'static str,
    pub(super) secret: &'static str,
    pub(super) tokens: &'static str,
}

const MAX_AGE: Duration = Duration::from_secs(15 * 60);

/// Reads them. `agents` and `listed` are those of the console, whose names nobody else may have.
pub(super) fn read(
    r: &mut Reader,
    agents: &[AgentToken],
    listed: &[ListedAgent],
    wanted: &Wanted,
    has_public_url: bool,
) -> PlatformSettings {
    let allow_private = r.or("PLATFORM_ALLOW_PRIVATE", false, super::files::on_or_off);
    let max_age = r.or("PLATFORM_MAX_AGE", MAX_AGE, parse::duration);
    let operators = r.or("OPERATOR_TOKENS", Vec::new(), parse::agent_tokens);
    let all: Vec<WebhookPlatform> =
        WEBHOOKS.iter().filter_map(|names| webhook(r, names, allow_private)).collect();
    if let (Some(first), false) = (all.first(), has_public_url || r.told("PUBLIC_URL")) {
        let sentence = format!(
            "PUBLIC_URL is required with the platform {}: it fetches files and answers there",
            first.id
        );
        r.problem("PUBLIC_URL", sentence);
    }
    for names in WEBHOOKS.iter().filter(|names| wanted.names(names.id)) {
        if !(all.iter().any(|platform| platform.id == names.id) || has_trouble(r, names)) {
            let sentence = "PLATFORMS names a platform that has no PLATFORM_WEBHOOK_URL";
            r.problem("PLATFORMS", sentence.to_owned());
        }
    }
    let mut known: Vec<(&str, Digest)> = agents.iter().map(named).collect();
    known.extend(listed.iter().map(|agent| (agent.name.as_str(), agent.token.clone())));
    only_once(r, known, &all, &operators);
    let webhooks = all.into_iter().filter(|platform| wanted.includes(platform.id)).collect();
    PlatformSettings { webhooks, max_age, allow_private, operators }
}

/// Whether something is wrong with this platform's own settings, which says enough.
fn has_trouble(r: &Reader, names: &WebhookNames) -> bool {
    r.told(names.url) || r.told(names.secret)
}

fn webhook(r: &mut Reader, names: &WebhookNames, allow_private: bool) -> Option<WebhookPlatform> {
    let url = r.optional(names.url, |text| url(text, allow_private));
    let secrets = r.optional(names.secret, parse::webhook_secrets);
    let tokens = r.optional(names.tokens, parse::agent_tokens);
    if url.is_none() && !r.told(names.url) {
        for (name, is_set) in [(names.secret, secrets.is_some()), (names.tokens, tokens.is_some())] {
            if is_set {
                r.problem(name, format!("{name} has no effect without {}", names.url));
            }
        }
        return None;
    }
    if secrets.is_none() && !r.told(names.secret) {
        r.problem(names.secret, format!("{} is required with {}", names.secret, names.url));
    }
    if tokens.is_none() && !r.told(names.tokens) {
        let sentence =
            format!("{} is not set: this platform is told what happens, and can't answer", names.tokens);
        r.warn(names.tokens, sentence);
    }
    Some(WebhookPlatform { id: names.id, url: url?, secrets: secrets?, tokens: tokens.unwrap_or_default() })
}

fn list(text: &str) -> Parsed<Vec<String>> {
    Ok(text.split(',').map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect())
}

fn url(text: &str, allow_private: bool) -> Parsed<Url> {
    let url =
        Url::parse(text).map_err(|_| "must be a URL such as https://desk.example.com/ada".to_owned())?;
    let is_literal = matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)))
        || url.host_str().is_some_and(|host| host == "localhost");
    match url.scheme() {
        "https" | "http" if url.host().is_none() => Err("must name a server".to_owned()),
        "https" if allow_private || !is_literal => Ok(()),
        "http" if allow_private => Ok(()),
        "https" => Err("must be a public name; PLATFORM_ALLOW_PRIVATE=on allows addresses".to_owned()),
        _ => Err("must begin with https:// (PLATFORM_ALLOW_PRIVATE=on allows http://)".to_owned()),
    }?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain a user name or password".to_owned());
    }
    if url.fragment().is_some() {
        return Err("must not contain a fragment (#)".to_owned());
    }
    Ok(url)
}

fn named(account: &AgentToken) -> (&str, Digest) {
    (&account.name, Digest::of(account.token.expose()))
}

/// A name tells who has a handoff, and a token who calls. Those of `agents` are taken.
fn only_once(
    r: &mut Reader,
    agents: Vec<(&str, Digest)>,
    platforms: &[WebhookPlatform],
    operators: &[AgentToken],
) {
    let (mut names, mut tokens): (BTreeSet<&str>, BTreeSet<Digest>) = agents.into_iter().unzip();
    let of_platforms = platforms.iter().map(|platform| {
        let setting = WEBHOOKS.iter().find(|names| names.id == platform.id).map_or("", |names| names.tokens);
        (setting, &platform.tokens[..])
    });
    for (setting, accounts) in of_platforms {
        for (name, token) in accounts.iter().map(named) {
            if !names.insert(name) {
                r.problem(
                    setting,
                    format!("{setting} gives an account a name that another account or agent has"),
                );
            }
            if !tokens.insert(token) {
                r.problem(setting, format!("{setting} has a token that another account or agent has"));
            }
        }
    }
    if operators.iter().map(named).any(|(_, token)| !tokens.insert(token)) {
        r.problem(
            "OPERATOR_TOKENS",
            "OPERATOR_TOKENS has a token that another account or agent has".to_owned(),
        );
    }
}
