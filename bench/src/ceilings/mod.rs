//! The ceilings: servers that do only what must be done, so that what the relay does beyond it shows.
//!
//! Each runs in a process of its own, like the relay, with the same HTTP library and the same number of threads.

mod arrival;
mod batches;
pub mod journal;

use std::{io::Write, path::Path, sync::Arc};

use anyhow::{Context, Result};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use clap::ValueEnum;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use tokio::sync::mpsc;

use self::arrival::{Arrival, QUEUE};
use crate::{child, webhooks};

/// What a ceiling does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Ceiling {
    /// Reads the body, answers 204
    A,
    /// The same, once the signature is right
    B,
    /// The same, once the event is read and durable in SQLite: one writer, group commit, and nothing else
    D,
    /// The same in PostgreSQL, whose URL is in `DATABASE_URL`: one connection, a statement for all that have gathered
    G,
}

/// What the ceilings have at hand.
#[derive(Clone)]
struct App {
    key: Arc<[u8]>,
    journal: Option<mpsc::Sender<Arrival>>,
}

/// Serves until it is told to end.
///
/// # Errors
/// It can't listen or open its database.
pub fn serve(which: Ceiling, folder: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (journal, queue) = mpsc::channel(QUEUE);
    match which {
        Ceiling::A | Ceiling::B => {}
        Ceiling::D => journal::open(folder, queue)?,
        Ceiling::G => drop(runtime.spawn(batches::write(std::env::var("DATABASE_URL")?, queue))),
    }
    let keeps = matches!(which, Ceiling::D | Ceiling::G);
    let app = App { key: webhooks::key()?.into(), journal: keeps.then_some(journal) };
    let door = match which {
        Ceiling::A => post(bare),
        Ceiling::B => post(signed),
        Ceiling::D | Ceiling::G => post(kept),
    };
    let router = Router::new().route(webhooks::PATH, door).with_state(app);
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let up = json!({ "message": child::UP, "listen": listener.local_addr()? });
        writeln!(std::io::stderr(), "{up}")?;
        let mut end = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            served = axum::serve(listener, router) => served.context("the ceiling ended"),
            _ = end.recv() => Ok(()),
        }
    })
}

async fn bare(_body: Bytes) -> StatusCode {
    StatusCode::NO_CONTENT
}

async fn signed(State(app): State<App>, headers: HeaderMap, body: Bytes) -> StatusCode {
    match verified(&app.key, &headers, &body) {
        Some(_) => StatusCode::NO_CONTENT,
        None => StatusCode::BAD_REQUEST,
    }
}

async fn kept(State(app): State<App>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let Some(id) = verified(&app.key, &headers, &body) else { return StatusCode::BAD_REQUEST };
    let Some(journal) = &app.journal else { return StatusCode::INTERNAL_SERVER_ERROR };
    match arrival::keep(journal, id, &body).await {
        Some(()) => StatusCode::NO_CONTENT,
        None => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The webhook's id, if one of its signatures is right.
fn verified<'a>(key: &[u8], headers: &'a HeaderMap, body: &[u8]) -> Option<&'a str> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let (id, timestamp) = (text("svix-id")?, text("svix-timestamp")?);
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    let mut signatures = text("svix-signature")?.split(' ').filter_map(|one| one.strip_prefix("v1,"));
    let is_right = |signature: &str| {
        let signature = BASE64_STANDARD.decode(signature).ok()?;
        mac.clone().verify_slice(&signature).ok()
    };
    signatures.find_map(is_right).map(|()| id)
}
