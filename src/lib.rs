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
mod assembly;
pub mod descriptors;
pub mod doors;
pub mod engine;
pub mod environment;
pub mod files;
pub mod json;
pub mod metrics;
pub mod outbound;
pub mod relay;
pub mod reload;
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
    accounts::{FormerTokens, SignIn},
    doors::{
        App, Limits,
        routes::{Doors, Entrance},
    },
    engine::{
        Absence, Arrivals, Assigner, Banners, Contacts, Engine, Expiry, Flusher, GoneTeams, Indexing, Outbox,
        Parts, Recovery, Retention, Silence, TimeOuts, Viewers, WaitingTexts,
        tasks::{TaskDied, Tasks},
    },
    environment::{Environment, Machine},
    files::{
        Files,
        fetch::{FetchLimits, Fetcher},
    },
    metrics::Metrics,
    reload::Reloader,
    settings::Settings,
    store::{OpenStore, Since, StoreError},
    warnings::Warnings,
    web::connections::{ConnectionLimits, serve_connections},
};
pub use assembly::StartError;
use assembly::Surroundings;

/// Fewer connections of an address than this are worth a warning.
const FEW_CONNECTIONS: usize = 1_000;
/// How long work under way may take to finish after the stop.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long the store may take to close after that.
const CLOSING: Duration = Duration::from_millis(1_500);

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
        let around = Surroundings {
            began_at: environment.now(),
            metrics: &metrics,
            store: &opened.store,
            before: None,
        };
        let ai_agents = assembly::ai_agents(&settings, &around)?;
        if let Err(error) = assembly::require_owners(&*opened.store, &ai_agents, environment.now()).await {
            drop(ai_agents);
            close(opened).await;
            return Err(error);
        }
        let files = Files::open(&settings.files).await?;
        let fetcher = Arc::new(Fetcher::new(assembly::reach(&settings), FetchLimits::default())?);
        let disabled = opened.store.platforms().await?;
        let platforms = assembly::platforms(&settings, disabled, &environment)?;
        let tokens = assembly::tokens(&settings);
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
        let reloader = Reloader::new(Arc::clone(&settings), Arc::clone(&engine), Arc::clone(&sign_in));
        let app = App::new(doors::Parts {
            engine: Arc::clone(&engine),
            settings,
            reloader: Arc::new(reloader),
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

    /// What reads the settings file again.
    pub fn reloader(&self) -> Arc<Reloader> {
        Arc::clone(&self.app.reloader)
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
        tasks.work(Absence::new(Arc::clone(&engine)), &environment, &stop);
        tasks.work(GoneTeams::new(Arc::clone(&engine)), &environment, &stop);
        tasks.work(Assigner::new(Arc::clone(&engine)), &environment, &stop);
        tasks.work(WaitingTexts::new(Arc::clone(&engine)), &environment, &stop);
        tasks.work(Banners::new(Arc::clone(&engine), stop.clone()), &environment, &stop);
        tasks.work(Silence::new(Arc::clone(&engine)), &environment, &stop);
        tasks.work(Retention::new(Arc::clone(&engine), assembly::keep(&app.settings)), &environment, &stop);
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
