//! Reads the settings file again while the relay runs: all that it says counts from then on, or nothing of it.
//!
//! What the process and `./.env` said at the start stays. Whatever is judged by several settings is judged by those of one
//! file: the AI Agents with their rules are one value, and so are the accounts.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::sync::Mutex;

use crate::{
    accounts::SignIn,
    assembly::{self, StartError, Surroundings},
    engine::{AiAgents, Engine},
    relay::time::Time,
    settings::{Settings, SettingsError},
    store::{StoreError, sessions::Digest},
};

/// How often it is looked whether AI Agents are still worked with, and for how long: no start call and no webhook takes
/// longer.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
const TAKES_AT_MOST: Duration = Duration::from_secs(10);

/// Why the settings in force stay.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// There is nothing to read.
    #[error("there is no settings file: RELAY_CONFIG names it at the start")]
    NoFile,
    /// Something in it is wrong.
    #[error("{0}")]
    Wrong(#[from] SettingsError),
    /// It can't be used.
    #[error("{0}")]
    Unusable(StartError),
    /// The store can't be read, so that the file could not be checked.
    #[error("{0}")]
    Store(StoreError),
    /// The relay has a defect.
    #[error("the settings file could not be read because of a defect of the relay")]
    Panicked,
}

impl From<StartError> for ReloadError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Store(error) => Self::Store(error),
            error => Self::Unusable(error),
        }
    }
}

/// How the settings file stands.
#[derive(Clone, Debug)]
pub struct FileState {
    /// The SHA-256 of the file that is in force.
    pub digest: Digest,
    /// Since when.
    pub since: Time,
    /// When a later one was refused, and why.
    pub refused: Option<(Time, String)>,
}

/// Reads the settings file again.
pub struct Reloader {
    engine: Arc<Engine>,
    sign_in: Arc<SignIn>,
    settings: ArcSwap<Settings>,
    /// Whoever holds it is the only one to change the settings.
    turn: Mutex<()>,
    state: RwLock<Option<FileState>>,
}

impl Reloader {
    /// For a relay with these parts, which `settings` made.
    pub fn new(settings: Arc<Settings>, engine: Arc<Engine>, sign_in: Arc<SignIn>) -> Self {
        let since = engine.environment().now();
        let state = settings.file.clone().map(|digest| FileState { digest, since, refused: None });
        Self {
            engine,
            sign_in,
            settings: ArcSwap::new(settings),
            turn: Mutex::default(),
            state: RwLock::new(state),
        }
    }

    /// The settings in force. What the environment says is as at the start.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    /// How the settings file stands; `None` if there is none.
    pub fn state(&self) -> Option<FileState> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the file, and gives how it stands.
    ///
    /// # Errors
    /// The settings in force stay, and health says why.
    pub async fn reload(&self) -> Result<FileState, ReloadError> {
        let _turn = self.turn.lock().await;
        let read = self.read(&self.settings()).await;
        let now = self.engine.environment().now();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(new) => {
                let digest = new.file.clone().ok_or(ReloadError::NoFile)?;
                self.settings.store(new);
                tracing::info!(file.sha256 = digest.as_str(), "the settings file was read again");
                Ok(state.insert(FileState { digest, since: now, refused: None }).clone())
            }
            // Nothing is known of the file.
            Err(error @ (ReloadError::NoFile | ReloadError::Store(_) | ReloadError::Panicked)) => Err(error),
            Err(error) => {
                let why = error.to_string();
                tracing::error!(
                    error = why,
                    "the settings file can't be used: what was read before stays in force"
                );
                if let Some(state) = &mut *state {
                    state.refused = Some((now, why));
                }
                Err(error)
            }
        }
    }

    /// Reads the file, checks all of it, and lets it count.
    async fn read(&self, before: &Arc<Settings>) -> Result<Arc<Settings>, ReloadError> {
        if before.file.is_none() {
            return Err(ReloadError::NoFile);
        }
        let from = Arc::clone(before);
        let read = tokio::task::spawn_blocking(move || from.again()).await;
        let (settings, warnings) = read.map_err(|_| ReloadError::Panicked)??;
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        let (store, metrics) = (self.engine.shared_store(), self.engine.metrics());
        let known = self.engine.ai_agents();
        let around = Surroundings {
            began_at: self.engine.policy().began_at,
            metrics: &metrics,
            store: &store,
            before: Some((before, &known)),
        };
        let ai_agents = Arc::new(assembly::ai_agents(&settings, &around)?);
        let tokens = assembly::tokens(&settings);
        self.require_owners(&ai_agents).await?;
        let loses_one = known.ids().iter().any(|id| !ai_agents.own(id));
        drop(known);
        let known = self.engine.replace_ai_agents(Arc::clone(&ai_agents));
        if loses_one {
            // A handoff may have begun while it was looked for them.
            nobody_works_with(&known).await;
            if let Err(error) = self.require_owners(&ai_agents).await {
                self.engine.replace_ai_agents(known);
                return Err(error);
            }
        }
        self.sign_in.replace(tokens);
        self.engine.settings_are_settled();
        Ok(Arc::new(settings))
    }

    async fn require_owners(&self, ai_agents: &AiAgents) -> Result<(), ReloadError> {
        let (store, now) = (self.engine.shared_store(), self.engine.environment().now());
        Ok(assembly::require_owners(&*store, ai_agents, now).await?)
    }
}

/// Waits until whoever has begun something with these AI Agents has ended it.
async fn nobody_works_with(ai_agents: &Arc<AiAgents>) {
    let ends = async {
        while Arc::strong_count(ai_agents) > 1 {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    drop(tokio::time::timeout(TAKES_AT_MOST, ends).await);
}
