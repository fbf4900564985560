//! A database of PostgreSQL for one test.

use std::sync::Arc;

use handoff_relay::{
    settings::{Database, Postgres},
    store::{Copies, Store, open as open_store},
};

use super::{file::now, postgres};

/// A store of its own, for as long as the test runs.
pub async fn open() -> Arc<dyn Store> {
    let url = postgres::shared().database().await;
    open_as(postgres::settings(&url)).await
}

/// What another instance sees of the same database.
pub async fn open_as(settings: Postgres) -> Arc<dyn Store> {
    let opened = open_store(&Database::Postgres(Box::new(settings)), Copies::Make, now()).await.unwrap();
    tokio::spawn(opened.writer.unwrap());
    opened.store
}

/// The name of the database in a URL.
pub fn name_of(url: &str) -> &str {
    url.split('?').next().unwrap().rsplit('/').next().unwrap()
}
