//! The doors (HTTP endpoints), grouped by caller: Ada, agents, the console's browser, operators. One route table.
//!
//! Handlers translate: extract, one call, response. A new door is a function in its caller's folder and a line in
//! `routes.rs`.

mod ada;
mod agents;
mod amazon_connect;
mod compressed_files;
mod console;
mod extract;
mod operators;
mod platforms;
mod refusals;
pub(crate) mod routes;

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

pub use crate::web::connections::ConnectionLimits;
use crate::{
    accounts::SignIn,
    engine::Engine,
    metrics::Metrics,
    reload::Reloader,
    settings::Settings,
    warnings::Warnings,
    web::{
        body::Bodies,
        body_budget::BodyBudget,
        call_limit::CallLimit,
        cookie::SessionCookie,
        places::{PlaceLimits, Places},
    },
};
use agents::events::Audiences;
pub use agents::events::followers;
use compressed_files::CompressedFiles;

/// Event streams open at once.
const STREAMS: PlaceLimits = PlaceLimits { in_all: 512, of_one: 64 };
/// Questions and feedback of the flows of one AI Agent: more than Ada's own limits let through to people.
const FLOW_CALLS_PER_MINUTE: u32 = 300;
/// Files that agents send at once.
const UPLOADS: PlaceLimits = PlaceLimits { in_all: 32, of_one: 8 };

/// The most connections of a listener: far more than Ada and a support team need.
const MAX_CONNECTIONS: usize = 4_096;
/// What the process opens besides: calls to Ada, files on their way, the store.
const OTHER_DESCRIPTORS: usize = 1_024;

/// What clients may take of the doors.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many they may be, and how long a request's head may take.
    pub connections: ConnectionLimits,
    /// How long a request's body may take.
    pub body_deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let deadline = Duration::from_secs(10);
        let connections = ConnectionLimits {
            max_connections: MAX_CONNECTIONS,
            header_timeout: deadline,
            write_timeout: Duration::from_secs(30),
        };
        Self { connections, body_deadline: deadline }
    }
}

impl Limits {
    /// Where the process may have so many descriptors open. Other work keeps 1,024 of them, or half where that is less;
    /// each of two listeners gets half of the rest.
    pub fn within(descriptors: usize) -> Self {
        let mut limits = Self::default();
        let left = descriptors - OTHER_DESCRIPTORS.min(descriptors / 2);
        limits.connections.max_connections = (left / 2).min(MAX_CONNECTIONS);
        limits
    }
}

/// What the handlers work with. Clones share it.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// See [`App`].
pub struct Shared {
    /// The use cases.
    pub engine: Arc<Engine>,
    /// The settings at the start.
    pub settings: Arc<Settings>,
    /// Reads the settings file again.
    pub reloader: Arc<Reloader>,
    /// Who is signed in with a browser.
    pub sign_in: Arc<SignIn>,
    /// How they show it.
    pub cookie: SessionCookie,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Warnings that strangers can cause, limited.
    pub warnings: Arc<Warnings>,
    /// The memory and the time for bodies.
    pub bodies: DoorBodies,
    /// The console's files, compressed.
    pub packed: CompressedFiles,
    /// How often flows of each AI Agent may ask and tell things beside a handoff.
    pub flow_calls: CallLimit,
    /// A place for each event stream.
    pub streams: Places,
    /// What event streams are told, rendered once.
    pub audiences: Audiences,
    /// A place for each file that an agent sends.
    pub uploads: Places,
    /// Ends event streams when the relay stops.
    pub stop: CancellationToken,
}

/// The bodies of each group of doors, apart, so that strangers at one of them take no memory from the others.
pub struct DoorBodies {
    /// Start calls: more context than any flow has, less than hurts.
    pub start: Bodies,
    /// Webhooks: Ada's own limit for a message is 10 MB.
    pub webhooks: Bodies,
    /// Notifications of Amazon Connect: 256 KiB at most, and what JSON makes of them.
    pub notifications: Bodies,
    /// The agent API: 50,000 characters fit, however they are escaped.
    pub agents: Bodies,
    /// Sign-in: a token or a code.
    pub sign_in: Bodies,
}

impl DoorBodies {
    /// Each of the five groups may keep a sixth of a listener's connections: some are left for requests without a body.
    fn within(limits: Limits) -> Self {
        let most = limits.connections.max_connections / 6;
        let bodies =
            |room, limit| Bodies::new(BodyBudget::new(room, most.max(1)), limit, limits.body_deadline);
        Self {
            start: bodies(8 << 20, 256 << 10),
            webhooks: bodies(16 << 20, 10 << 20),
            notifications: bodies(8 << 20, 512 << 10),
            agents: bodies(16 << 20, 1 << 20),
            sign_in: bodies(1 << 20, 16 << 10),
        }
    }
}

/// What [`App`] is made of.
pub struct Parts {
    /// The use cases.
    pub engine: Arc<Engine>,
    /// The settings at the start.
    pub settings: Arc<Settings>,
    /// Reads the settings file again.
    pub reloader: Arc<Reloader>,
    /// Who agents are.
    pub sign_in: Arc<SignIn>,
    /// Where to count.
    pub metrics: Arc<Metrics>,
    /// Where to warn of what strangers can cause.
    pub warnings: Arc<Warnings>,
    /// What clients may take.
    pub limits: Limits,
    /// Ends requests that would never end.
    pub stop: CancellationToken,
}

impl App {
    /// Builds the handlers' shared state.
    pub fn new(parts: Parts) -> Self {
        let Parts { engine, settings, reloader, sign_in, metrics, warnings, limits, stop } = parts;
        let bodies = DoorBodies::within(limits);
        let packed = CompressedFiles::default();
        let cookie = SessionCookie::at(settings.agent_listen.unwrap_or(settings.listen));
        let platforms = settings.platforms.webhooks.iter().map(|platform| platform.id.into());
        let audiences = Audiences::new(platforms);
        Self(Arc::new(Shared {
            engine,
            settings,
            reloader,
            sign_in,
            cookie,
            metrics,
            warnings,
            bodies,
            packed,
            flow_calls: CallLimit::new(FLOW_CALLS_PER_MINUTE),
            streams: Places::new(STREAMS),
            audiences,
            uploads: Places::new(UPLOADS),
            stop,
        }))
    }
}

impl std::ops::Deref for App {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}
