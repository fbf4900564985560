//! A database file for one test.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use handoff_relay::{
    environment::{Environment, Machine},
    relay::time::Time,
    settings::Database,
    store::{Copies, OpenStore, Store, StoreError, open},
};
use rusqlite::Connection;
use tokio::task::JoinHandle;

/// By the clock of this machine.
pub fn now() -> Time {
    Machine.now()
}

pub struct File {
    _folder: tempfile::TempDir,
    pub path: PathBuf,
}

/// An open store whose writer can be waited for.
pub struct Open {
    pub store: Arc<dyn Store>,
    writer: JoinHandle<()>,
}

impl Open {
    /// Lets go of the file, as the end of a process does.
    pub async fn close(self) {
        drop(self.store);
        self.writer.await.unwrap();
    }
}

impl File {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("handoffs.db");
        Self { _folder: folder, path }
    }

    /// A file whose schema is of an older version, with what a relay of then kept in it.
    pub fn of_version(version: i64, kept: &str) -> Self {
        let file = Self::new();
        file.change(
            "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
             installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, \
             checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)",
        );
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/sqlite/migrations");
        let mut steps: Vec<_> = std::fs::read_dir(folder).unwrap().map(|step| step.unwrap().path()).collect();
        steps.sort();
        for (step, number) in steps.iter().zip(1..=version) {
            file.change(&std::fs::read_to_string(step).unwrap());
            if number > 14 {
                file.change(&format!("PRAGMA user_version = {number}"));
                continue;
            }
            file.change(&format!("INSERT INTO _sqlx_migrations VALUES ({number}, '', '', 1, x'00', 0)"));
        }
        file.change(kept);
        file
    }

    pub async fn try_open(&self) -> Result<Open, StoreError> {
        let opened = open(&Database::Sqlite(self.path.clone()), Copies::Make, now()).await?;
        let writer = tokio::spawn(opened.writer.unwrap());
        Ok(Open { store: opened.store, writer })
    }

    /// How SQLite would find something in the closed file.
    pub fn plan(&self, sql: &str) -> String {
        let connection = Connection::open(&self.path).unwrap();
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let parameters = vec![1; plan.parameter_count()];
        let rows =
            plan.query_map(rusqlite::params_from_iter(parameters), |row| row.get::<_, String>(3)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }

    /// Changes what is in the file behind the stores' backs.
    pub fn change(&self, sql: &str) {
        Connection::open(&self.path).unwrap().execute_batch(sql).unwrap();
    }

    /// With a writer that doesn't run yet.
    pub async fn open_idle(&self) -> OpenStore {
        open(&Database::Sqlite(self.path.clone()), Copies::Make, now()).await.unwrap()
    }

    /// For as long as the test runs.
    pub async fn open(&self) -> Arc<dyn Store> {
        self.try_open().await.unwrap().store
    }
}
