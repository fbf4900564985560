//! The doors: one route table, Ada's two doors, health, errors, authentication, connections.
//!
//! Handlers translate: extract, one call, response. What agents may do lives in `agents/`; a new door is a
//! line in [`routes`].

pub mod body;
pub mod connections;
pub mod extract;
mod health;
pub mod problem;
pub mod routes;
mod start;
mod webhook;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{ada::signature::Verifier, engine::Engine, metrics::Metrics, settings::Settings};
use body::BodyBudget;

/// Bytes of request bodies in memory at once, in all doors together.
const BODY_BUDGET: usize = 64 << 20;
/// Event streams open at once.
const MAX_STREAMS: usize = 512;

/// What the handlers work with. Clones share it.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// See [`App`].
pub struct Shared {
    /// The use cases.
    pub engine: Arc<Engine>,
    /// The settings.
    pub settings: Arc<Settings>,
    /// Checks webhooks.
    pub verifier: Verifier,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The memory for bodies.
    pub bodies: BodyBudget,
    /// A permit for each event stream.
    pub streams: Arc<Semaphore>,
    /// Ends event streams when the relay stops.
    pub stop: CancellationToken,
}

impl App {
    /// Puts the handlers' world together.
    pub fn new(
        engine: Arc<Engine>,
        settings: Arc<Settings>,
        verifier: Verifier,
        metrics: Arc<Metrics>,
        stop: CancellationToken,
    ) -> Self {
        let bodies = BodyBudget::new(BODY_BUDGET);
        let streams = Arc::new(Semaphore::new(MAX_STREAMS));
        Self(Arc::new(Shared { engine, settings, verifier, metrics, bodies, streams, stop }))
    }
}

impl std::ops::Deref for App {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.0
    }
}
