//! What every store must do: one suite, run over all of them. And what only a file can do.
//!
//! To add a case: an `async fn` that takes a store, and its name in the list at the end of its file.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "tests: what is unexpected ends the story"
)]

/// Runs each case over each store.
macro_rules! on_every_store {
    ($($case:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $case() {
                super::$case(&handoff_relay::store::MemoryStore::new(crate::file::now())).await;
            })+
        }
        mod sqlite {
            $(#[tokio::test]
            async fn $case() {
                let file = crate::file::File::new();
                super::$case(&*file.open().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $case() {
                super::$case(&*crate::database::open().await).await;
            })+
        }
    };
}

mod database;
mod file;
mod make;
#[path = "../support/pgbouncer.rs"]
mod pgbouncer;
#[path = "../support/postgres.rs"]
mod postgres;
#[allow(dead_code, reason = "made for other tests")]
#[path = "../support/road.rs"]
mod road;

mod alike;
mod arrivals;
mod changes;
mod claims;
mod commits;
mod contacts;
mod files;
mod forgetting;
mod idle;
mod instances;
mod lists;
mod memories;
mod migrate;
mod names;
mod platforms;
mod replies;
mod reports;
mod sessions;
mod signals;
mod sqlite;
mod teams;
mod tls;
mod unreliable;
mod views;
mod waits;
