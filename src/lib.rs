//! handoff-relay: the endpoint of an Ada custom handoff.
//!
//! ```text
//! Ada ─ start call, webhooks ─▶ doors ─▶ engine ─▶ relay (rules) ─▶ store
//! Ada ◀─ Conversations API ── ada ◀── engine (outbox) ◀─────────── store
//!     agents ◀─ agent API, events ─▶ doors ─▶ engine
//! ```
//!
//! Only this file and `doors/` know everyone. `docs/architecture.md` walks through it.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests are outside"))]

mod accounts;
pub mod ada;
pub mod agents;
pub mod descriptors;
pub mod doors;
pub mod engine;
pub mod environment;
pub mod files;
pub mod json;
pub mod metrics;
pub mod outbound;
pub mod relay;
pub mod secret;
pub mod settings;
pub mod store;
pub mod telemetry;
mod unseen;
mod warnings;
mod web;

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc, time::Duration};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    accounts::{Account, FormerTokens, ServiceAccount, SignIn, Tokens},
    ada::{
        client::Client,
        limits::Rates,
        signature::{UnusableSecret, Verifier},
        webhook::WebhookParser,
    },
    agents::platforms::{
        Circuit, FileLinks, Kind, Platform, Platforms, amazon_connect::AmazonConnect, links, webhook::Webhook,
    },
    doors::{
        App, Limits,
        routes::{Doors, Entrance},
    },
    engine::{
        AiAgent, AiAgents, Arrivals, CallsInStore, Contacts, Engine, Expiry, Flusher, Indexing, Outbox,
        Parts, Recovery, Retention, Silence, StartKey, TimeOuts, Viewers,
        tasks::{TaskDied, Tasks},
    },
    environment::{Environment, Machine},
    files::{
        Files, FilesError,
        fetch::{AllowedHosts, FetchLimits, Fetcher},
    },
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
        AgentToken, AgentsSee, AiAgentSettings, IfUnavailable, ListedAgent, Role, Settings, WebhookPlatform,
    },
    store::{OpenStore, RetentionPeriods, Since, Store, StoreError, platforms::PlatformState},
    warnings::Warnings,
    web::connections::{ConnectionLimits, serve_connections},
};

/// Fewer connections of an address than this are worth a warning.
const FEW_CONNECTIONS: usize = 1_000;
/// How long work under way may take to finish after the stop.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long the store may take to close after that.
const CLOSING: Duration = Duration::from_millis(1_500);

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

/// Where the relay listens.
pub struct Listeners {
    /// For Ada's doors and health; for everything, if there is no other.
    pub public: TcpListener,
    /// For agents.
    pub agents: Option<TcpListener>,
}

/// A relay, ready to serve.
pub struct Server {
    app: App,
    engine: Arc<Engine>,
    limits: Limits,
    writer: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    stop: CancellationToken,
}

impl Server {
    /// Opens the store and puts everything together. Nothing runs before [`Server::serve`]. Raises the number of files
    /// that this process may have open.
    ///
    /// # Errors
    /// What the settings name can't be used.
    pub async fn new(settings: Settings) -> Result<Self, StartError> {
        let descriptors = descriptors::raise();
        let limits = Limits::within(descriptors);
        let connections = limits.connections.max_connections;
        if connections < FEW_CONNECTIONS {
            tracing::warn!(
                descriptors,
                connections,
                "the limit of open files is low, so each address accepts few connections; raise ulimit -n"
            );
        }
        Self::with_limits(settings, limits).await
    }

    /// The same, with other limits for clients.
    ///
    /// # Errors
    /// As [`Server::new`].
    pub async fn with_limits(settings: Settings, limits: Limits) -> Result<Self, StartError> {
        let settings = Arc::new(settings);
        let stop = CancellationToken::new();
        let metrics = Arc::new(Metrics::new());
        let environment: Arc<dyn Environment> = Arc::new(Machine);
        let opened = store::open(&settings.database, settings.copies, environment.now()).await?;
        let ai_agents = ai_agents(&settings, environment.now(), &metrics, &opened.store)?;
        let strangers = engine::without_owner(&*opened.store, &ai_agents, environment.now()).await?;
        if !strangers.is_empty() {
            drop(ai_agents);
            close(opened).await;
            let names: Vec<&str> = strangers.iter().map(AiAgentId::as_str).collect();
            return Err(StartError::NoOwner(names.join(", ")));
        }
        let files = Files::open(&settings.files).await?;
        let fetcher = Arc::new(Fetcher::new(reach(&settings), FetchLimits::default())?);
        let disabled = opened.store.platforms().await?;
        let platforms = platforms(&settings, disabled, &environment)?;
        let tokens = tokens(&settings);
        let (store, counts) = (Arc::clone(&opened.store), Arc::clone(&metrics));
        let warnings = Arc::new(Warnings::default());
        let sign_in = SignIn::new(store, Arc::clone(&environment), tokens, counts, Arc::clone(&warnings));
        let sign_in = Arc::new(sign_in);
        let engine = Arc::new(Engine::new(Parts {
            store: opened.store,
            ai_agents,
            platforms,
            files,
            fetcher,
            metrics: Arc::clone(&metrics),
            environment,
        }));
        let app = App::new(doors::Parts {
            engine: Arc::clone(&engine),
            settings,
            sign_in,
            metrics,
            warnings,
            limits,
            stop: stop.clone(),
        });
        Ok(Self { app, engine, limits, writer: opened.writer, stop })
    }

    /// What stops the relay: cancel it.
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Whoever looks at what arrives. The store stays open as long as it lives.
    pub fn observer(&self) -> Observer {
        Observer { engine: Arc::clone(&self.engine), metrics: Arc::clone(&self.app.metrics) }
    }

    /// A link for each agent of the settings that signs them in to the console at `origin`, once, within 10 minutes;
    /// each with their name. None if the system has no randomness for it, or the store fails.
    pub async fn sign_in_links(&self, origin: &str) -> Vec<(String, String)> {
        let codes = self.app.sign_in.new_codes().await.unwrap_or_default();
        codes.into_iter().map(|(agent, code)| (agent, format!("{origin}/#code={}", code.expose()))).collect()
    }

    /// Serves until stopped, then lets what is under way finish, within 10 seconds.
    ///
    /// # Errors
    /// A task died; what was under way is finished all the same.
    pub async fn serve(self, listeners: Listeners) -> Result<(), TaskDied> {
        let Self { app, engine, limits, writer, stop } = self;
        let (mut tasks, mut writers) = (Tasks::default(), Tasks::default());
        // The writer outlives the others: it ends when the last of them lets go of the store.
        let until_stopped = stop.clone().cancelled_owned();
        writers.spawn("store writer", writer.unwrap_or_else(|| Box::pin(until_stopped)));
        for (name, listener, doors) in addresses(listeners) {
            let entrance = doors.entrance(app.clone());
            tasks.spawn(name, open_door(listener, entrance, limits.connections, stop.clone()));
        }
        let environment = engine.environment();
        tasks.work(Flusher::new(Arc::clone(&engine)), &environment, &stop);
        tasks.work(Arrivals::new(Arc::clone(&engine)), &environment, &stop);
        tasks.work(Viewers::new(Arc::clone(&engine)), &environment, &stop);
        for follower in doors::followers(&app) {
            tasks.work(follower, &environment, &stop);
        }
        tasks.work(Outbox::new(Arc::clone(&engine), stop.clone()), &environment, &stop);
        tasks.work(Contacts::new(Arc::clone(&engine)), &environment, &stop);
        tasks.work(Expiry::new(Arc::clone(&engine)), &environment, &stop);
        tasks.work(Recovery::new(Arc::clone(&engine)), &environment, &stop);
        tasks.work(TimeOuts::new(Arc::clone(&engine)), &environment, &stop);
        tasks.work(Silence::new(Arc::clone(&engine)), &environment, &stop);
        tasks.work(Retention::new(Arc::clone(&engine), keep(&app.settings)), &environment, &stop);
        tasks.work(Indexing::new(Arc::clone(&engine)), &environment, &stop);
        tasks.work(FormerTokens::new(Arc::clone(&app.sign_in)), &environment, &stop);
        let warnings = Arc::clone(&app.warnings);
        let counting = stop.clone();
        tasks.spawn("warnings", async move { warnings.count(counting).await });

        let outcome = tokio::select! {
            outcome = tasks.watch(&stop) => outcome,
            outcome = writers.watch(&stop) => outcome,
        };
        stop.cancel();
        tasks.finish(PATIENCE).await;
        drop((app, engine));
        writers.finish(CLOSING).await;
        outcome
    }
}

/// Looks at what arrives at a running relay.
pub struct Observer {
    engine: Arc<Engine>,
    metrics: Arc<Metrics>,
}

impl Observer {
    /// How many webhooks came to what so far.
    pub fn webhooks(&self) -> BTreeMap<&'static str, u64> {
        self.metrics.webhooks_so_far()
    }

    /// The number of the newest change that agents see.
    pub fn newest_change(&self) -> u64 {
        *self.engine.store().signals().feed().borrow()
    }

    /// What has changed behind the number `after`, at most `limit` changes.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn changes_since(&self, after: u64, limit: usize) -> Result<Since, StoreError> {
        self.engine.store().changes_since(after, limit).await
    }
}

/// Closes a store that nothing has begun to use: its file is left as after a stop.
async fn close(OpenStore { store, writer }: OpenStore) {
    drop(store);
    if let Some(writer) = writer {
        let _ = tokio::time::timeout(CLOSING, writer).await;
    }
}

fn ai_agents(
    settings: &Settings,
    now: Time,
    metrics: &Arc<Metrics>,
    store: &Arc<dyn Store>,
) -> Result<AiAgents, StartError> {
    let made = |of_settings: &AiAgentSettings| ai_agent(settings, of_settings, now, metrics, store);
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
    now: Time,
    metrics: &Arc<Metrics>,
    store: &Arc<dyn Store>,
) -> Result<AiAgent, StartError> {
    let id = AiAgentId(of_settings.id.clone());
    let (key, rates) = (of_settings.key.clone(), rates(of_settings));
    let mut ada = Client::new(&of_settings.base_url, key, rates, settings.ada_timeout)?;
    if store.is_shared() {
        let calls = CallsInStore::new(Arc::clone(store), id.clone());
        ada = ada.shared_by(rates, Arc::new(calls));
    }
    let parser = WebhookParser {
        integrations: of_settings.integrations.clone(),
        domains: of_settings.domains.clone(),
        ai_agent: id.clone(),
    };
    Ok(AiAgent {
        ada: Arc::new(ada.counted_by(Arc::clone(metrics))),
        verifier: Verifier::new(id, &of_settings.webhook_secrets)?,
        parser,
        formerly: of_settings.formerly.iter().map(|id| AiAgentId(id.clone())).collect(),
        start_key: StartKey::new(of_settings.start_key.clone()),
        policy: Arc::new(policy(settings, of_settings, now)),
    })
}

/// The platforms of the settings. Those that an earlier process disabled stay so.
fn platforms(
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

fn tokens(settings: &Settings) -> Tokens {
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

fn account(settings: &Settings, ListedAgent { name, token, teams, role }: &ListedAgent) -> Account {
    let sight = match (role, settings.agents_see, teams) {
        (Role::Agent, AgentsSee::Teams, Some(teams)) => {
            Sight::Of { teams: teams.clone(), agent: name.clone() }
        }
        _ => Sight::All,
    };
    Account { name: name.clone(), token: token.clone(), role: *role, sight }
}

const fn reach(settings: &Settings) -> AllowedHosts {
    if settings.files_allow_private { AllowedHosts::PublicAndLoopback } else { AllowedHosts::Public }
}

const fn rates(of_settings: &AiAgentSettings) -> Rates {
    Rates { per_second: of_settings.rate_per_second, per_minute: of_settings.rate_per_minute }
}

fn policy(settings: &Settings, of_settings: &AiAgentSettings, began_at: Time) -> Policy {
    // Stored where it says more than the id.
    let domain = of_settings.domains.first().filter(|domain| **domain != of_settings.id);
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
        waiting_timeout: settings.waiting_timeout.clone(),
        idle_timeout: settings.idle_timeout.clone(),
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

fn contact_policy(settings: &settings::AmazonConnect) -> ContactPolicy {
    let end_if_unavailable = match &settings.if_unavailable {
        IfUnavailable::Keep => None,
        IfUnavailable::End { text } => Some(text.clone()),
    };
    ContactPolicy { agent_left_grace: settings.agent_left_grace, end_if_unavailable }
}

const fn keep(settings: &Settings) -> RetentionPeriods {
    RetentionPeriods { ended: settings.keep_ended, dead_letters: settings.keep_dead_letters }
}

fn addresses(listeners: Listeners) -> Vec<(&'static str, TcpListener, Doors)> {
    match listeners.agents {
        None => vec![("doors", listeners.public, Doors::All)],
        Some(agents) => {
            vec![("public doors", listeners.public, Doors::Public), ("agent doors", agents, Doors::Agents)]
        }
    }
}

async fn open_door(
    listener: TcpListener,
    entrance: Entrance,
    limits: ConnectionLimits,
    stop: CancellationToken,
) {
    if let Err(error) = serve_connections(listener, entrance, limits, stop).await {
        tracing::error!(error = %error, "a listener failed");
    }
}
