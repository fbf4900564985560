//! Ada: a good one, one that refuses everything, and one that never answers.

use std::time::Duration;

use axum::{
    Router,
    http::{StatusCode, header},
};
use sandbox::{Options, Role, Sandbox};
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::parcel::{self, Parcel};

pub const API_KEY: &str = "key-of-ada";
pub const WEBHOOK_SECRET: &str = "whsec_cHJvY2Vzcy10ZXN0LXNlY3JldA==";
pub const START_KEY: &str = "key-of-the-start-door";

/// Nothing listens here: the discard port of this machine.
pub const NOWHERE: &str = "http://127.0.0.1:9";

/// The stand-in Ada, served until dropped. It tries webhooks again and again.
pub struct Ada {
    pub sandbox: Sandbox,
    pub url: String,
    _stopped_at_the_end: DropGuard,
}

impl Ada {
    pub async fn start() -> Self {
        let sandbox = Sandbox::new(Options {
            api_key: API_KEY.to_owned(),
            webhook_secret: WEBHOOK_SECRET.to_owned(),
            webhook_url: format!("{NOWHERE}/webhooks/message"),
            start_url: format!("{NOWHERE}/handoffs/start"),
            handoff_auth_key: Some(START_KEY.to_owned()),
            integration: "custom-handoff".to_owned(),
            ai_agent_domain: "acme.ada.support".to_owned(),
            retry_delays: vec![Duration::from_millis(100); 600],
        });
        let (listener, url) = listen().await;
        let stop = CancellationToken::new();
        tokio::spawn({
            let (sandbox, stop) = (sandbox.clone(), stop.clone());
            async move { sandbox.serve(listener, stop).await }
        });
        Self { sandbox, url, _stopped_at_the_end: stop.drop_guard() }
    }

    /// Everything goes to the relay at `url` from now on.
    pub fn meets(&self, url: &str) {
        self.sandbox.set_targets(format!("{url}/webhooks/message"), format!("{url}/handoffs/start"));
    }

    /// A conversation that was handed off to that relay.
    pub async fn hands_off(&self) -> String {
        let conversation = self.sandbox.open_conversation();
        let status = self.sandbox.start_handoff(&conversation, json!({"plan": "pro"})).await.unwrap();
        assert_eq!(status, 200);
        conversation
    }

    pub async fn customer_says(&self, conversation: &str, text: &str) {
        self.sandbox.customer_says(conversation, text).await.unwrap();
    }

    /// Gives the message's id.
    pub async fn customer_sends(&self, conversation: &str, file: &Parcel) -> String {
        let sends =
            self.sandbox.customer_sends_file(conversation, &file.name, parcel::TYPE, file.bytes.clone());
        sends.await.unwrap()
    }

    /// What agents have said, as the customer sees it.
    pub fn agents_said(&self, conversation: &str) -> Vec<String> {
        let messages = self.sandbox.messages(conversation).into_iter();
        let by_agents = messages.filter(|message| message.role == Role::HumanAgent);
        by_agents.filter_map(|message| message.text().map(str::to_owned)).collect()
    }
}

/// An Ada that answers everything with the same refusal. Gone when dropped.
pub struct Refusing {
    pub url: String,
    server: JoinHandle<()>,
}

impl Refusing {
    pub async fn start(status: StatusCode) -> Self {
        Self::saying(status, "").await
    }

    /// The same answer with a body.
    pub async fn saying(status: StatusCode, body: &'static str) -> Self {
        let (listener, url) = listen().await;
        let router =
            Router::new().fallback(move || async move { (status, [(header::RETRY_AFTER, "600")], body) });
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, server }
    }
}

impl Drop for Refusing {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// An Ada that takes calls and says nothing.
pub struct Silent {
    pub url: String,
    listener: TcpListener,
}

impl Silent {
    pub async fn start() -> Self {
        let (listener, url) = listen().await;
        Self { url, listener }
    }

    /// Waits for a call. It lasts as long as what this gives.
    pub async fn called(&self) -> tokio::net::TcpStream {
        crate::soon("a call to Ada", self.listener.accept()).await.unwrap().0
    }
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}
