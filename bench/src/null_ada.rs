//! An Ada that has nothing to say and takes everything at once.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use anyhow::{Context, Result};
use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use serde_json::{Value, json};

use crate::webhooks;

/// A running one. It ends with the process.
pub struct NullAda {
    /// Where its API is.
    pub url: String,
    arrivals: Arc<Arrivals>,
}

/// When messages came, by the number in their text.
struct Arrivals {
    times: Vec<OnceLock<Instant>>,
    count: AtomicU64,
}

impl NullAda {
    /// Serves on a thread of its own, and notes when messages come whose number is below `messages`.
    ///
    /// # Errors
    /// It can't listen.
    pub fn start(messages: usize) -> Result<Self> {
        let times = (0..messages).map(|_| OnceLock::new()).collect();
        let arrivals = Arc::new(Arrivals { times, count: AtomicU64::new(0) });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
        let url = format!("http://{}", listener.local_addr()?);
        let messages = get(list).post(create);
        let router = Router::new()
            .route("/api/v2/conversations/{id}/messages", messages.clone())
            .route("/api/v2/conversations/{id}/messages/", messages)
            .fallback(async || Json(json!({})))
            .with_state(Arc::clone(&arrivals));
        let serve = move || runtime.block_on(async { axum::serve(listener, router).await });
        std::thread::Builder::new().name("null-ada".to_owned()).spawn(serve).context("no thread for Ada")?;
        Ok(Self { url, arrivals })
    }

    /// When the message with this number came.
    pub fn arrival(&self, number: usize) -> Option<Instant> {
        self.arrivals.times.get(number)?.get().copied()
    }
}

async fn list() -> Json<Value> {
    Json(json!({ "data": [], "meta": { "next_page_url": null } }))
}

async fn create(
    State(arrivals): State<Arc<Arrivals>>,
    Json(message): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let now = Instant::now();
    let count = arrivals.count.fetch_add(1, Ordering::Relaxed);
    let text = message["content"]["body"].as_str();
    let time = text.and_then(webhooks::number).and_then(|number| arrivals.times.get(number));
    if let Some(time) = time {
        // A repetition changes nothing: the first one counts.
        let _ = time.set(now);
    }
    (StatusCode::CREATED, Json(json!({ "id": format!("message-of-ada-{count}") })))
}
