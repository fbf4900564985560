//! Makes the parts of a relay from its settings: at its start, and when the settings file is read again.

use std::sync::Arc;

use crate::{
    accounts::{Account, ServiceAccount, Tokens},
    ada::{
        api::Ada,
        client::Client,
        limits::Rates,
        signature::{UnusableSecret, Verifier},
        webhook::WebhookParser,
    },
    agents::platforms::{
        Circuit, FileLinks, Kind, Platform, Platforms, amazon_connect::AmazonConnect, links, webhook::Webhook,
    },
    engine::{self, AiAgent, AiAgents, CallsInStore, StartKey},
    environment::Environment,
    files::{FilesError, fetch::AllowedHosts},
    metrics::Metrics,
    relay::{
        buffer::Timings,
        contact::{self, ContactPolicy},
        id::{AiAgentId, PlatformId},
        platform::PlatformPolicy,
        policy::Policy,
        sight::Sight,
        time::Time,
    },
    settings::{
        AgentToken, AgentsSee, AiAgentSettings, AmazonConnect as AmazonConnectSettings, IfUnavailable,
        ListedAgent, Role, Settings, WebhookPlatform,
    },
    store::{RetentionPeriods, Store, StoreError, platforms::PlatformState},
};

/// Why the relay can't start. The sources say more.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store can't be opened.
    #[error("DATABASE_URL")]
    Store(#[from] StoreError),
    /// Files can't be kept.
    #[error("FILES_URL")]
    Files(#[from] FilesError),
    /// A secret is not one.
    #[error("WEBHOOK_SECRET")]
    Secret(#[from] UnusableSecret),
    /// The settings file lists not all AI Agents with open handoffs.
    #[error(
        "RELAY_CONFIG: there are open handoffs or unsent messages of {0}, which the settings file does not list: add it, \
         or name it in `formerly` of its successor"
    )]
    NoOwner(String),
    /// TLS can't be set up.
    #[error("the HTTP client can't be made")]
    Client(#[from] reqwest::Error),
}

/// # Errors
/// The store has open handoffs, deliveries or events of an AI Agent that is none of these; or it can't be read.
pub async fn require_owners(store: &dyn Store, ai_agents: &AiAgents, now: Time) -> Result<(), StartError> {
    let strangers = engine::without_owner(store, ai_agents, now).await?;
    if strangers.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = strangers.iter().map(AiAgentId::as_str).collect();
    Err(StartError::NoOwner(names.join(", ")))
}

/// What AI Agents need beside their settings.
pub struct Surroundings<'a> {
    /// When the process began.
    pub began_at: Time,
    /// Where to count.
    pub metrics: &'a Arc<Metrics>,
    /// Where everything is kept.
    pub store: &'a Arc<dyn Store>,
    /// The AI Agents until now, and the settings that they were made of.
    pub before: Option<(&'a Settings, &'a AiAgents)>,
}

/// The AI Agents. Where the address, key and limits of one are as before, it goes on with its connections, its share of
/// Ada's limits and its clock.
///
/// # Errors
/// A secret can't be used, or TLS can't be set up.
pub fn ai_agents(settings: &Settings, around: &Surroundings<'_>) -> Result<AiAgents, StartError> {
    let made = |of_settings: &AiAgentSettings| ai_agent(settings, of_settings, around);
    let first = made(&settings.ai_agents.first)?;
    if !settings.ai_agents.are_listed {
        return Ok(AiAgents::one(first));
    }
    let others = settings.ai_agents.others.iter().map(made).collect::<Result<_, _>>()?;
    Ok(AiAgents::listed(first, others))
}

fn ai_agent(
    settings: &Settings,
    of_settings: &AiAgentSettings,
    around: &Surroundings<'_>,
) -> Result<AiAgent, StartError> {
    let id = AiAgentId(of_settings.id.clone());
    let before = around.before.and_then(|(settings, ai_agents)| {
        let of_settings = settings.ai_agents.iter().find(|known| known.id == of_settings.id)?;
        Some((of_settings, ai_agents.iter().find(|known| *known.id() == id)?))
    });
    let ada = match before {
        Some((known, ai_agent)) if known.has_same_api(of_settings) => Arc::clone(&ai_agent.ada),
        _ => client(settings, of_settings, around)?,
    };
    let start_key = match (&of_settings.start_key, before) {
        (None, Some((_, AiAgent { start_key: StartKey::Off(limit), .. }))) => {
            StartKey::Off(Arc::clone(limit))
        }
        (key, _) => StartKey::new(key.clone()),
    };
    let parser = WebhookParser {
        integrations: of_settings.integrations.clone(),
        domains: of_settings.domains.clone(),
        ai_agent: id.clone(),
    };
    Ok(AiAgent {
        ada,
        verifier: Verifier::new(id, &of_settings.webhook_secrets)?,
        parser,
        formerly: of_settings.formerly.iter().map(|id| AiAgentId(id.clone())).collect(),
        start_key,
        policy: Arc::new(policy(settings, of_settings, around.began_at)),
    })
}

fn client(
    settings: &Settings,
    of_settings: &AiAgentSettings,
    around: &Surroundings<'_>,
) -> Result<Arc<dyn Ada>, StartError> {
    let (key, rates) = (of_settings.key.clone(), rates(of_settings));
    let mut ada = Client::new(&of_settings.base_url, key, rates, settings.ada_timeout)?;
    if around.store.is_shared() {
        let calls = CallsInStore::new(Arc::clone(around.store), AiAgentId(of_settings.id.clone()));
        ada = ada.shared_by(rates, Arc::new(calls));
    }
    let id = AiAgentId(of_settings.id.clone());
    Ok(Arc::new(ada.named(&id).counted_by(Arc::clone(around.metrics))))
}

/// The platforms of the settings. Those that an earlier process disabled stay so.
pub fn platforms(
    settings: &Settings,
    states: Vec<PlatformState>,
    environment: &Arc<dyn Environment>,
) -> Result<Platforms, StartError> {
    let Some(public_url) = &settings.public_url else { return Ok(Platforms::default()) };
    let platform = |id: PlatformId, kind: Kind, keys: Vec<Vec<u8>>| {
        let links = FileLinks::new(public_url.clone(), id.clone(), keys);
        let disabled = states.iter().find(|state| state.id == id).and_then(|state| state.disabled.clone());
        let circuit = Circuit::new(Arc::clone(environment), disabled);
        Platform { kind, circuit, links: Arc::new(links), id }
    };
    let mut platforms = Vec::new();
    for of_settings in &settings.platforms.webhooks {
        let webhook = Webhook::new(of_settings, settings.platforms.allow_private)?;
        let keys = webhook.keys().to_vec();
        platforms.push(platform(of_settings.id.into(), Kind::Webhook(webhook), keys));
    }
    if let Some(of_settings) = &settings.amazon_connect {
        let connect = AmazonConnect::new(of_settings, Arc::clone(environment))?;
        let keys = links::derived_keys(&settings.ai_agents.webhook_secrets());
        platforms.push(platform(contact::platform(), Kind::AmazonConnect(Box::new(connect)), keys));
    }
    Ok(Platforms::new(platforms))
}

/// Who is known by a token.
pub fn tokens(settings: &Settings) -> Tokens {
    let service = |platform: &WebhookPlatform| {
        let id = PlatformId::from(platform.id);
        let account =
            move |account: &AgentToken| ServiceAccount { account: account.clone(), platform: id.clone() };
        platform.tokens.iter().map(account).collect::<Vec<_>>()
    };
    let of_tokens = |accounts: &[AgentToken], role| {
        accounts.iter().map(|account| Account::of_token(account, role)).collect::<Vec<_>>()
    };
    let mut agents = of_tokens(&settings.agent_tokens, Role::Agent);
    let mut operators = of_tokens(&settings.platforms.operators, Role::Operator);
    for listed in &settings.listed_agents {
        let with_role = if listed.role == Role::Operator { &mut operators } else { &mut agents };
        with_role.push(account(settings, listed));
    }
    let services = settings.platforms.webhooks.iter().flat_map(service).collect();
    Tokens { agents, services, operators }
}

fn account(settings: &Settings, ListedAgent { name, token, teams, role, .. }: &ListedAgent) -> Account {
    let sight = match (role, settings.agents_see, teams) {
        (Role::Agent, AgentsSee::Teams, Some(teams)) => {
            Sight::Of { teams: teams.clone(), agent: name.clone() }
        }
        _ => Sight::All,
    };
    Account { name: name.clone(), token: token.clone(), role: *role, sight }
}

/// Where files may be fetched.
pub const fn reach(settings: &Settings) -> AllowedHosts {
    if settings.files_allow_private { AllowedHosts::PublicAndLoopback } else { AllowedHosts::Public }
}

const fn rates(of_settings: &AiAgentSettings) -> Rates {
    Rates { per_second: of_settings.rate_per_second, per_minute: of_settings.rate_per_minute }
}

fn policy(settings: &Settings, of_settings: &AiAgentSettings, began_at: Time) -> Policy {
    // Stored where it says more than the id.
    let domain = of_settings.domains.first().filter(|domain| **domain != of_settings.id);
    let timeouts = of_settings.timeouts(settings);
    Policy {
        domain: domain.cloned(),
        // A start call does not say which one it is.
        integration: of_settings.integrations.first().cloned().unwrap_or_default(),
        timings: Timings {
            quiet: settings.debounce,
            cap: settings.debounce_max,
            unknown_hold: settings.unknown_hold,
        },
        inbox_limit: u64::try_from(settings.inbox_limit).unwrap_or(u64::MAX),
        outbox_limit: u64::try_from(settings.outbox_limit).unwrap_or(u64::MAX),
        send_max_age: settings.send_max_age,
        began_at,
        recover_after: settings.recover_after,
        waiting_timeout: timeouts.waiting.cloned(),
        idle_timeout: timeouts.idle.cloned(),
        language: of_settings.language.clone(),
        waiting_rooms: of_settings.waiting_rooms(settings),
        values: settings.values.clone(),
        gone_after: settings.agent_gone_after,
        routing: Arc::clone(&settings.routing),
        platforms: PlatformPolicy {
            ids: platform_ids(settings),
            max_age: settings.platforms.max_age,
            contacts: settings.amazon_connect.as_ref().map(contact_policy),
        },
    }
}

fn platform_ids(settings: &Settings) -> Vec<PlatformId> {
    let webhooks = settings.platforms.webhooks.iter().map(|platform| platform.id.into());
    webhooks.chain(settings.amazon_connect.is_some().then(contact::platform)).collect()
}

fn contact_policy(settings: &AmazonConnectSettings) -> ContactPolicy {
    let end_if_unavailable = match &settings.if_unavailable {
        IfUnavailable::Keep => None,
        IfUnavailable::End { text } => Some(text.clone()),
    };
    ContactPolicy { agent_left_grace: settings.agent_left_grace, end_if_unavailable }
}

/// How long something is kept that is over.
pub const fn keep(settings: &Settings) -> RetentionPeriods {
    RetentionPeriods { ended: settings.keep_ended, dead_letters: settings.keep_dead_letters }
}
