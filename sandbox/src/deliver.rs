//! What leaves the sandbox: webhooks with Svix's retries, and the handoff block's start call.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::conversation::Event;
use crate::dial::oddities::odd;
use crate::{EchoTiming, Role, Sandbox, webhook};

/// An echo on its way whose message may not be answered before the relay has met it.
pub(crate) struct EarlyEcho(CancellationToken);

impl EarlyEcho {
    /// Waits until the echo was tried once, or never will be.
    pub(crate) async fn tried(&self) {
        self.0.cancelled().await;
    }
}

/// An event on its way to one endpoint.
struct Copy {
    /// The endpoint's id.
    endpoint: String,
    /// The event's `svix-id`.
    id: String,
    body: Bytes,
}

/// Whether an event tells of a human agent's message. Those come over the API alone.
fn is_echo(event: &Value) -> bool {
    event["data"]["author"]["role"] == Role::HumanAgent.as_str()
}

impl Sandbox {
    /// Sends an event in tasks of its own, so that events overtake each other as Ada's do. Returns what the
    /// caller must wait for, if the dial says so.
    pub(crate) fn send_event(&self, event: Event) -> Option<EarlyEcho> {
        let Ok(runtime) = Handle::try_current() else {
            tracing::warn!("an event happened outside a Tokio runtime and is lost");
            return None;
        };
        let event = self.with_url(event);
        let (timing, delays) = self.schedule(&event);
        let (run, patience, is_odd) = {
            let state = self.0.lock();
            (state.run.clone(), state.patience.clone(), state.oddities)
        };
        let id = Uuid::new_v4();
        let number = usize::from(id.as_bytes()[0]);
        let body = Bytes::from(if is_odd { odd(&event, number) } else { event.to_string() });
        let id = format!("msg_{}", id.simple());
        let first_try = CancellationToken::new();
        let is_early = timing == EchoTiming::Early && !delays.is_empty();
        let endpoints = self.endpoints_for(event["type"].as_str().unwrap_or_default());
        if endpoints.is_empty() {
            return None;
        }
        let copies = delays.into_iter().flat_map(|delay| endpoints.iter().map(move |to| (delay, to.clone())));
        for (delay, endpoint) in copies {
            let tried = first_try.clone().drop_guard();
            let (sandbox, id, body) = (self.clone(), id.clone(), body.clone());
            let (run, patience) = (run.clone(), patience.clone());
            let delivery = async move {
                let message = Copy { endpoint, id, body };
                let delivery = sandbox.deliver(message, delay, tried);
                run.run_until_cancelled(patience.run_until_cancelled(delivery)).await;
            };
            self.0.tasks.spawn_on(delivery, &runtime);
        }
        is_early.then_some(EarlyEcho(first_try))
    }

    /// The ids of the endpoints that get events of this type.
    fn endpoints_for(&self, event: &str) -> Vec<String> {
        let state = self.0.lock();
        state.endpoints.iter().filter(|to| to.gets(event)).map(|to| to.id.clone()).collect()
    }

    /// Sends an event that belongs to no conversation, as the dashboard's button for a test does.
    pub(crate) fn send_test(&self) {
        let payload =
            serde_json::json!({ "type": "v1.test", "data": { "message": "A test event of the dashboard" } });
        self.send_event(Event { payload, file: None });
    }

    /// The payload, with a new URL for its file.
    fn with_url(&self, event: Event) -> Value {
        let Event { mut payload, file } = event;
        if let Some(file) = file {
            payload["data"]["content"]["url"] = self.minter().url(file).into();
        }
        payload
    }

    /// When the copies of an event leave. An echo that never leaves isn't one of those that are counted.
    fn schedule(&self, event: &Value) -> (EchoTiming, Vec<Duration>) {
        let mut state = self.0.lock();
        let timing = if is_echo(event) { state.echoes } else { EchoTiming::Normal };
        if timing == EchoTiming::Never {
            return (timing, Vec::new());
        }
        let mut delays = state.deliveries.plan();
        match timing {
            EchoTiming::Late(by) => delays.iter_mut().for_each(|delay| *delay = delay.saturating_add(by)),
            EchoTiming::Early => delays.iter_mut().take(1).for_each(|delay| *delay = Duration::ZERO),
            EchoTiming::Normal | EchoTiming::Never => {}
        }
        (timing, delays)
    }

    /// Tries until the relay takes the event or the schedule is used up; drops `tried` after the first time.
    async fn deliver(&self, message: Copy, delay: Duration, tried: DropGuard) {
        tokio::time::sleep(delay).await;
        let mut taken = self.try_event(&message).await;
        drop(tried);
        for delay in &self.0.retry_delays {
            if taken {
                return;
            }
            tokio::time::sleep(*delay).await;
            taken = self.try_event(&message).await;
        }
        if !taken {
            tracing::warn!(svix_id = message.id, "webhook lost: no retries are left");
        }
    }

    /// Whether the relay has taken the event.
    async fn try_event(&self, message: &Copy) -> bool {
        let attempt = self.post_event(message).await;
        if let Err(error) = &attempt {
            tracing::debug!(svix_id = message.id, "webhook not taken: {error:#}");
        }
        attempt.is_ok()
    }

    /// One attempt, freshly signed, to wherever its endpoint is now.
    async fn post_event(&self, Copy { endpoint, id, body }: &Copy) -> Result<()> {
        let (url, secret) = {
            let state = self.0.lock();
            let endpoint = state.endpoints.iter().find(|known| known.id == *endpoint);
            let endpoint = endpoint.context("the endpoint was deleted")?;
            (endpoint.url.clone(), endpoint.secret.clone())
        };
        let timestamp = Timestamp::now().as_second();
        let signature = webhook::sign(&secret, id, timestamp, body);
        let request = self
            .0
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("svix-id", id)
            .header("svix-timestamp", timestamp)
            .header("svix-signature", signature)
            .body(body.clone());
        let status = request.send().await.context("no answer")?.status();
        ensure!(status.is_success(), "status {status}");
        Ok(())
    }

    /// The start call: returns the status, 0 when there is no answer.
    pub(crate) async fn post_start(&self, conversation: &str, mut context: Value) -> u16 {
        let (block, run) = {
            let state = self.0.lock();
            (state.block.clone(), state.run.clone())
        };
        if let Value::Object(fields) = &mut context {
            fields.insert("conversation_id".to_owned(), conversation.into());
        }
        let mut request = self.0.client.post(block.url).json(&context);
        if !block.authorization.is_empty() {
            request = request.header(AUTHORIZATION, block.authorization);
        }
        match run.run_until_cancelled(request.send()).await {
            Some(Ok(response)) => response.status().as_u16(),
            Some(Err(error)) => {
                tracing::warn!("no answer to the start call: {error}");
                0
            }
            None => 0,
        }
    }
}
