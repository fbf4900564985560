//! The relay under test: the engine and its workers on a store that outlives them.

use std::{
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use axum::http::HeaderMap;
use bytes::Bytes;
use futures_util::FutureExt;
use handoff_relay::{
    ada::{
        signature::{Signed, Verifier},
        webhook::WebhookParser,
    },
    agents::platforms::Platforms,
    engine::{AiAgent, AiAgents, Engine, Expiry, Flusher, Outbox, Parts, Recovery, StartKey, worker::run},
    environment::{Environment, Machine},
    files::{
        Files,
        fetch::{AllowedHosts, FetchLimits, Fetcher},
    },
    metrics::Metrics,
    relay::{
        buffer::Timings, platform::PlatformPolicy, policy::Policy, time::Time, values::HandoffValues,
        waiting_room::WaitingRooms,
    },
    settings::{FilesPlace, Secret},
    store::Store,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    ada::SimAda,
    clock::Simulated,
    dice::Dice,
    kept::{Kept, Kind},
    shaky::Shaky,
};

pub const INTEGRATION: &str = "custom-handoff";
const SECRET: &str = "whsec_c2ltdWxhdGlvbi1zZWNyZXQ=";
/// A quarter of an hour and more is for what takes that long: here it is all over sooner.
pub const SEND_MAX_AGE: Duration = Duration::from_secs(15 * 60);
pub const RECOVER_AFTER: Duration = Duration::from_secs(120);

/// Nothing is fetched here, and to make one takes longer than a schedule.
static FETCHER: LazyLock<Arc<Fetcher>> =
    LazyLock::new(|| Arc::new(Fetcher::new(AllowedHosts::Public, FetchLimits::default()).unwrap()));

/// What survives a crash, and what runs until the next.
pub struct Relay {
    pub store: Arc<Kept>,
    /// The same, as the engine has it.
    pub shaky: Arc<Shaky>,
    files: Files,
    environment: Arc<Simulated>,
    ada: Arc<SimAda>,
    running: Mutex<Option<Running>>,
}

struct Running {
    engine: Arc<Engine>,
    /// Dropped with everything they were doing.
    _workers: JoinSet<()>,
}

impl Relay {
    pub async fn new(kind: Kind, environment: Arc<Simulated>, ada: Arc<SimAda>, dice: Dice) -> Arc<Self> {
        let store = Arc::new(Kept::new(kind, environment.now()).await);
        let shaky = Arc::new(Shaky::new(Arc::clone(&store), dice));
        let files = Files::open(&FilesPlace::Memory).await.unwrap();
        let running = Mutex::new(None);
        let relay = Arc::new(Self { store, shaky, files, environment, ada, running });
        relay.start();
        relay
    }

    /// The engine, unless the process is dead.
    pub fn engine(&self) -> Option<Arc<Engine>> {
        self.running.lock().unwrap().as_ref().map(|running| Arc::clone(&running.engine))
    }

    /// The process dies, at whatever it is doing.
    pub fn dies(&self) {
        drop(self.running.lock().unwrap().take());
    }

    /// A new process begins on what the old one left.
    pub fn start(&self) {
        self.store.changes_hands();
        let store: Arc<dyn Store> = Arc::<Shaky>::clone(&self.shaky);
        let environment: Arc<dyn Environment> = Arc::<Simulated>::clone(&self.environment);
        let engine = Arc::new(Engine::new(Parts {
            store,
            ai_agents: AiAgents::one(self.ai_agent(policy(environment.now()))),
            platforms: Platforms::default(),
            files: self.files.clone(),
            fetcher: Arc::clone(&FETCHER),
            metrics: Arc::new(Metrics::new()),
            environment,
        }));
        let stop = CancellationToken::new();
        let mut workers = JoinSet::new();
        workers.spawn(run(Flusher::new(Arc::clone(&engine)), engine.environment(), stop.clone()));
        workers.spawn(run(
            Outbox::new(Arc::clone(&engine), stop.clone()),
            engine.environment(),
            stop.clone(),
        ));
        workers.spawn(run(Expiry::new(Arc::clone(&engine)), engine.environment(), stop.clone()));
        workers.spawn(run(Recovery::new(Arc::clone(&engine)), engine.environment(), stop));
        *self.running.lock().unwrap() = Some(Running { engine, _workers: workers });
    }

    /// The AI Agent of this Ada.
    pub fn ai_agent(&self, policy: Policy) -> AiAgent {
        AiAgent {
            ada: Arc::<SimAda>::clone(&self.ada),
            parser: WebhookParser {
                integrations: vec![INTEGRATION.to_owned()],
                domains: Vec::new(),
                ai_agent: "acme.ada.support".into(),
            },
            verifier: Verifier::new("acme.ada.support".into(), &[Secret::new(SECRET)]).unwrap(),
            start_key: StartKey::new(Some(Secret::new(SECRET))),
            formerly: Vec::new(),
            policy: Arc::new(policy),
        }
    }

    /// Whether a webhook was kept: signed as Ada signs it, verified as the door verifies it.
    /// Whoever sent it may leave as soon as they can.
    pub async fn hears(&self, svix_id: &str, body: &serde_json::Value, leaves: bool) -> bool {
        let Some(engine) = self.engine() else { return false };
        let body = Bytes::from(body.to_string());
        // The signature's time is the real one: the crate that checks it knows no other.
        let now = Machine.now().second();
        let mut headers = HeaderMap::new();
        let signature = sandbox::webhook::sign(SECRET, svix_id, now, &body);
        for (name, value) in
            [("svix-id", svix_id), ("svix-timestamp", &now.to_string()), ("svix-signature", &signature)]
        {
            headers.insert(name, value.parse().unwrap());
        }
        let ai_agents = engine.ai_agents();
        let webhook = ai_agents.verify(&Signed::read(&headers).unwrap(), &body).unwrap();
        let keeping = engine.webhook(&ai_agents, webhook);
        if leaves { keeping.now_or_never().is_some_and(|kept| kept.is_ok()) } else { keeping.await.is_ok() }
    }
}

pub fn policy(began_at: Time) -> Policy {
    Policy {
        timings: Timings {
            quiet: Duration::from_millis(1_500),
            cap: Duration::from_secs(5),
            unknown_hold: Duration::from_secs(30),
        },
        integration: INTEGRATION.to_owned(),
        domain: None,
        inbox_limit: 100_000,
        outbox_limit: 100_000,
        send_max_age: SEND_MAX_AGE,
        began_at,
        recover_after: RECOVER_AFTER,
        waiting_timeout: None,
        idle_timeout: None,
        language: None,
        gone_after: Duration::from_mins(3),
        waiting_rooms: WaitingRooms::default(),
        values: HandoffValues::default(),
        routing: Arc::default(),
        platforms: PlatformPolicy::default(),
    }
}
