//! Ada's API for webhook endpoints (`/v2/webhooks/`), as far as setting one up needs it. The channel filter isn't part of it:
//! that is a field of the dashboard alone.

use reqwest::{Method, RequestBuilder};
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use super::{
    answer::{AnswerBody, read},
    api::Ada,
    client::{About, Client},
    limits::Priority,
};
use crate::{relay::delivery::Failure, settings::Secret};

/// The events that the relay needs, no more and no fewer.
pub const EVENTS: [&str; 3] =
    ["v1.conversation.message", "v1.conversation.handoff.ended", "v1.conversation.ended"];
/// The paths of the relay that take events, the one that `setup` registers first.
pub const PATHS: [&str; 2] = ["/webhooks/message", "/webhooks/events"];
/// Pages of a list that are read at most: an AI Agent has a handful of endpoints.
const PAGES: usize = 20;

/// A webhook endpoint, as Ada has it registered.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Endpoint {
    /// Ada's id.
    pub id: String,
    /// Where events go.
    pub url: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Which events it gets; all, if none is named.
    #[serde(default)]
    pub event_filters: Vec<String>,
    /// Whether it gets any.
    #[serde(default = "on")]
    pub enabled: bool,
}

const fn on() -> bool {
    true
}

impl Endpoint {
    /// Whether it leads to a relay that the outside reaches at `public`, which has no slash at its end.
    pub fn leads_to(&self, public: &str) -> bool {
        let path = self.url.trim_end_matches('/').strip_prefix(public);
        path.is_some_and(|path| PATHS.contains(&path))
    }

    /// Whether it gets exactly the events that the relay needs.
    pub fn has_the_events(&self) -> bool {
        self.event_filters.len() == EVENTS.len() && self.missing_events().is_empty()
    }

    /// The events that the relay needs and that don't come.
    pub fn missing_events(&self) -> Vec<&'static str> {
        if self.event_filters.is_empty() {
            return Vec::new();
        }
        let comes = |event: &&str| self.event_filters.iter().any(|filter| filter == event);
        EVENTS.into_iter().filter(|event| !comes(event)).collect()
    }
}

#[derive(Deserialize)]
struct List {
    data: Vec<Endpoint>,
    #[serde(default)]
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Meta {
    next_page_url: Option<String>,
}

#[derive(Deserialize)]
struct SigningKey {
    key: String,
}

impl Client {
    /// All webhook endpoints of the AI Agent.
    ///
    /// # Errors
    /// Why they can't be read: [`Failure::Denied`] also where the key may do anything but that.
    pub async fn endpoints(&self) -> Result<Vec<Endpoint>, Failure> {
        let (mut endpoints, mut next) = (Vec::new(), Some(self.endpoints_url("")?));
        for _ in 0..PAGES {
            let Some(url) = next.take() else { break };
            let list: List = self.endpoint_call("list_webhooks", Method::GET, url, |request| request).await?;
            endpoints.extend(list.data);
            let link = list.meta.and_then(|meta| meta.next_page_url);
            next = link.map(|link| self.own_link(&link)).transpose()?;
        }
        Ok(endpoints)
    }

    /// Registers an endpoint with the events that the relay needs.
    ///
    /// # Errors
    /// Why not.
    pub async fn create_endpoint(&self, url: &str, description: &str) -> Result<Endpoint, Failure> {
        let body =
            json!({ "url": url, "description": description, "event_filters": EVENTS, "enabled": true });
        let at = self.endpoints_url("")?;
        self.endpoint_call("create_webhook", Method::POST, at, |request| request.json(&body)).await
    }

    /// Gives an endpoint the events that the relay needs, and turns it on.
    ///
    /// # Errors
    /// Why not.
    pub async fn correct_endpoint(&self, id: &str) -> Result<Endpoint, Failure> {
        let body = json!({ "event_filters": EVENTS, "enabled": true });
        let at = self.endpoints_url(id)?;
        self.endpoint_call("update_webhook", Method::PATCH, at, |request| request.json(&body)).await
    }

    /// An endpoint's signing secret.
    ///
    /// # Errors
    /// Why it can't be read.
    pub async fn endpoint_secret(&self, id: &str) -> Result<Secret, Failure> {
        let at = self.endpoints_url(&format!("{id}/secret/"))?;
        let secret: SigningKey =
            self.endpoint_call("webhook_secret", Method::GET, at, |request| request).await?;
        Ok(Secret::new(secret.key))
    }

    async fn endpoint_call<T: for<'a> Deserialize<'a>>(
        &self,
        name: &'static str,
        method: Method,
        url: Url,
        with: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<T, Failure> {
        let permit = self.turn(Priority::Check).await;
        let request = with(self.request(method, url));
        let body: AnswerBody = self.ask(permit, name, request, About::Key, read).await.outcome?;
        let odd =
            |_| Failure::Refused("Ada's answer has another shape than its API document says".to_owned());
        serde_json::from_slice(body.bytes()).map_err(odd)
    }
}
