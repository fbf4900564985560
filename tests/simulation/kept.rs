//! The store under the simulation. Memory's is a part of it. The others work in real time: while one is asked, simulated time
//! stands still.

use std::{
    ops::Deref,
    sync::{Arc, mpsc},
};

use handoff_relay::{
    relay::time::Time,
    settings::Database,
    store::{Copies, MemoryStore, Signals, Snapshot, Store, open},
};
use tempfile::TempDir;
use tokio::{runtime::Runtime, task::JoinHandle};

use crate::postgres;

/// Which store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Memory,
    Sqlite,
    Postgres,
}

/// What is kept of one story.
pub struct Kept {
    store: Arc<dyn Store>,
    /// The same, where it is memory's: it can be copied.
    memory: Option<Arc<MemoryStore>>,
    real: Option<Real>,
}

/// What works in real time.
struct Real {
    /// Of the store's own tasks. Dropped without waiting for them.
    runtime: Option<Runtime>,
    _folder: TempDir,
}

impl Drop for Real {
    fn drop(&mut self) {
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

/// A store that is asked. Until this is dropped, simulated time stands still.
pub struct Held<'a> {
    store: &'a Arc<dyn Store>,
    _stillness: Option<Stillness>,
}

impl Deref for Held<'_> {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &**self.store
    }
}

/// The runtime's clock stands still while a thread of it is at work.
struct Stillness {
    _ends: mpsc::Sender<()>,
    _works: JoinHandle<()>,
}

impl Stillness {
    fn begin() -> Self {
        let (ends, ended) = mpsc::channel();
        let works = tokio::task::spawn_blocking(move || ended.recv().unwrap_or_default());
        Self { _ends: ends, _works: works }
    }
}

impl Kept {
    /// A new one, at `now`.
    pub async fn new(kind: Kind, now: Time) -> Self {
        let database = match kind {
            Kind::Memory => {
                let memory = Arc::new(MemoryStore::new(now));
                let store: Arc<dyn Store> = Arc::<MemoryStore>::clone(&memory);
                return Self { store, memory: Some(memory), real: None };
            }
            Kind::Sqlite => None,
            Kind::Postgres => Some(postgres::shared().database().await),
        };
        let _stillness = Stillness::begin();
        let folder = tempfile::tempdir().unwrap();
        let database = match database {
            None => Database::Sqlite(folder.path().join("relay.db")),
            Some(url) => Database::Postgres(Box::new(postgres::settings(&url))),
        };
        let opened = open(&database, Copies::Make, now).await.unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.spawn(opened.writer.unwrap());
        let real = Real { runtime: Some(runtime), _folder: folder };
        Self { store: opened.store, memory: None, real: Some(real) }
    }

    /// The store, to be asked one thing.
    pub fn held(&self) -> Held<'_> {
        Held { store: &self.store, _stillness: self.real.as_ref().map(|_| Stillness::begin()) }
    }

    /// What commits touch.
    pub fn signals(&self) -> &Signals {
        self.store.signals()
    }

    /// A copy of everything, if there can be one.
    pub fn snapshot(&self) -> Option<Snapshot> {
        self.memory.as_ref().map(|memory| memory.snapshot())
    }

    /// Goes back to a copy.
    pub fn restore(&self, snapshot: &Snapshot) {
        self.memory.as_ref().unwrap().restore(snapshot);
    }

    /// A new process begins. Another version has had the documents meanwhile. Elsewhere than in memory, claims of the process
    /// before last until their time is over.
    pub fn changes_hands(&self) {
        if let Some(memory) = &self.memory {
            memory.void_claims();
            memory.through_documents().unwrap();
        }
    }
}
