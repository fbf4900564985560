//! A database file for one test.

use std::{path::PathBuf, sync::Arc};

use handoff_relay::{
    environment::{Environment, Machine},
    relay::time::Time,
    settings::Database,
    store::{Copies, OpenStore, Store, StoreError, open},
};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
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
    pub async fn of_version(version: i64, kept: &'static str) -> Self {
        let file = Self::new();
        let options = SqliteConnectOptions::new().filename(&file.path).create_if_missing(true);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        let mut migrator = sqlx::migrate!("src/store/migrations");
        let older = migrator.iter().filter(|migration| migration.version <= version).cloned();
        migrator.migrations = older.collect::<Vec<_>>().into();
        migrator.run(&mut connection).await.unwrap();
        sqlx::raw_sql(kept).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        file
    }

    pub async fn try_open(&self) -> Result<Open, StoreError> {
        let opened = open(&Database::Sqlite(self.path.clone()), Copies::Make, now()).await?;
        let writer = tokio::spawn(opened.writer.unwrap());
        Ok(Open { store: opened.store, writer })
    }

    /// Changes what is in the file behind the stores' backs.
    pub async fn change(&self, sql: &'static str) {
        let options = SqliteConnectOptions::new().filename(&self.path);
        let mut file = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut file).await.unwrap();
        file.close().await.unwrap();
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
