//! What leaves the sandbox: webhooks with Svix's retries, and the handoff block's start call.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::Value;
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::{Sandbox, webhook};

impl Sandbox {
    /// Sends an event in a task of its own, so that events overtake each other as Ada's do.
    pub(crate) fn send_event(&self, event: &Value) {
        let Ok(runtime) = Handle::try_current() else {
            tracing::warn!("an event happened outside a Tokio runtime and is lost");
            return;
        };
        let (sandbox, run) = (self.clone(), self.0.lock().run.clone());
        let body = Bytes::from(event.to_string());
        let id = format!("msg_{}", Uuid::new_v4().simple());
        let delivery = async move { run.run_until_cancelled(sandbox.deliver(&id, body)).await };
        self.0.tasks.spawn_on(delivery, &runtime);
    }

    /// Tries until the relay takes the event or the schedule is used up.
    async fn deliver(&self, id: &str, body: Bytes) {
        let first = std::iter::once(Duration::ZERO);
        for delay in first.chain(self.0.retry_delays.iter().copied()) {
            tokio::time::sleep(delay).await;
            match self.post_event(id, body.clone()).await {
                Ok(()) => return,
                Err(error) => tracing::debug!(svix_id = id, "webhook not taken: {error:#}"),
            }
        }
        tracing::warn!(svix_id = id, "webhook lost: no retries are left");
    }

    /// One attempt, freshly signed.
    async fn post_event(&self, id: &str, body: Bytes) -> Result<()> {
        let url = self.0.lock().webhook_url.clone();
        let timestamp = Timestamp::now().as_second();
        let signature = webhook::sign(&self.0.webhook_secret, id, timestamp, &body);
        let request = self
            .0
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("svix-id", id)
            .header("svix-timestamp", timestamp)
            .header("svix-signature", signature)
            .body(body);
        let status = request.send().await.context("no answer")?.status();
        ensure!(status.is_success(), "status {status}");
        Ok(())
    }

    /// The start call: returns the status, 0 when there is no answer.
    pub(crate) async fn post_start(&self, conversation: &str, mut context: Value) -> u16 {
        let (url, run) = {
            let state = self.0.lock();
            (state.start_url.clone(), state.run.clone())
        };
        if let Value::Object(fields) = &mut context {
            fields.insert("conversation_id".to_owned(), conversation.into());
        }
        let mut request = self.0.client.post(url).json(&context);
        if let Some(key) = &self.0.handoff_auth_key {
            request = request.header(AUTHORIZATION, format!("Bearer {key}"));
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
