//! Ada's Conversations API, as far as a handoff needs it.
//!
//! One pooled client, one origin: redirects are not followed and a page link to elsewhere is refused, so
//! that the key never leaves for another place.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Map, Value, json};
use url::Url;

use super::{
    answer::{Answer, date, read, recognise, told, unanswered},
    limits::{Limits, Permit, Priority, Rates, Told},
    message::{author, content, id},
};
use crate::{
    metrics::Metrics,
    relay::{
        delivery::{Failure, Receipt},
        event::Message,
        id::{ConversationId, MessageId},
        time::{Offset, Time},
    },
    settings::Secret,
};

/// Everything but unreserved characters (RFC 3986) is encoded: ids are opaque.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// Pages of a hundred: no conversation of people is longer.
const MAX_PAGES: usize = 200;
/// Ada's limit for a conversation's metadata.
pub const MAX_METADATA_BYTES: usize = 4_096;
/// A slower answer says too little about Ada's clock.
const MAX_ROUND_TRIP: Duration = Duration::from_secs(5);

/// A client for one AI Agent.
pub struct Client {
    http: reqwest::Client,
    base: Url,
    key: Secret,
    limits: Arc<Limits>,
    metrics: Arc<Metrics>,
    offset_micros: AtomicI64,
}

impl Client {
    /// A client for the API at `base`, whose calls keep to `rates` and take at most `timeout`.
    ///
    /// # Errors
    /// TLS can't be set up on this machine.
    pub fn new(base: &Url, key: Secret, rates: Rates, timeout: Duration) -> Result<Self, reqwest::Error> {
        let mut http = reqwest::Client::builder();
        if base.scheme() == "http" {
            // Only for this machine; a proxy would be shown the key. Over https it sees none of it.
            http = http.no_proxy();
        }
        let http = http
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(timeout.min(Duration::from_secs(5)))
            .timeout(timeout)
            .user_agent(concat!("handoff-relay/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            http,
            base: base.clone(),
            key,
            limits: Limits::new(rates),
            metrics: Arc::default(),
            offset_micros: AtomicI64::new(0),
        })
    }

    /// The same client, whose calls are counted in `metrics`.
    #[must_use]
    pub fn counted_by(self, metrics: Arc<Metrics>) -> Self {
        Self { metrics, ..self }
    }

    /// Ada's clock minus ours, as far as answers have told.
    pub fn offset(&self) -> Offset {
        Offset::from_micros(self.offset_micros.load(Ordering::Relaxed))
    }

    /// Why Ada refuses the key, if it does.
    pub fn denied(&self) -> Option<String> {
        self.limits.denied()
    }

    /// Whether Ada is there and takes the key: asks for a conversation that doesn't exist, which only a good key
    /// learns.
    ///
    /// # Errors
    /// Why not.
    pub async fn check_key(&self) -> Result<(), Failure> {
        let nobody = ConversationId::from("handoff-relay-check");
        let permit = self.turn(Priority::Read, &nobody).await;
        let request = self.http.request(Method::GET, self.url(&nobody, "")?);
        self.ask(permit, "check_key", request, recognise).await.outcome
    }

    /// Waits until Ada's limits leave room for a call about `conversation`.
    pub async fn turn(&self, priority: Priority, conversation: &ConversationId) -> Permit {
        self.limits.turn(priority, conversation).await
    }

    /// Posts a text message of a human agent.
    pub async fn send_message(
        &self,
        permit: Permit,
        conversation: &ConversationId,
        display_name: &str,
        text: &str,
    ) -> Answer<Receipt> {
        let body = json!({
            "author": {"role": "human_agent", "display_name": display_name},
            "content": {"type": "text", "body": text},
        });
        let answer =
            self.call(permit, "send_message", Method::POST, conversation, "messages/", Some(&body)).await;
        answer.map(|stored| receipt(&stored))
    }

    /// Ends the handoff. Ada's "not in a handoff" comes as [`Failure::NoHandoff`].
    pub async fn end_handoff(&self, permit: Permit, conversation: &ConversationId) -> Answer<Receipt> {
        let answer = self.call(permit, "end_handoff", Method::POST, conversation, "end-handoff/", None).await;
        answer.map(|_| Receipt::default())
    }

    /// Sets metadata of the conversation; `null` removes a key.
    ///
    /// More than [`MAX_METADATA_BYTES`], or values Ada doesn't take, are [`Failure::Refused`] without a call.
    pub async fn update_metadata(
        &self,
        permit: Permit,
        conversation: &ConversationId,
        metadata: &Map<String, Value>,
    ) -> Answer<()> {
        if let Some(reason) = unfit(metadata) {
            return Answer { outcome: Err(Failure::Refused(reason)), answered_at: None };
        }
        let body = json!({ "metadata": metadata });
        self.call(permit, "update_metadata", Method::PATCH, conversation, "", Some(&body)).await.map(|_| ())
    }

    /// Reads all messages of the conversation, oldest first. What can't be read is left out.
    ///
    /// Each page after the first waits for a permit of its own.
    pub async fn list_messages(&self, permit: Permit, conversation: &ConversationId) -> Answer<Vec<Message>> {
        let mut permit = Some(permit);
        let mut messages = Vec::new();
        let mut answered_at = None;
        let mut next = match self.url(conversation, "messages/?limit=100") {
            Ok(url) => Some(url),
            Err(failure) => return Answer { outcome: Err(failure), answered_at },
        };
        let mut pages = 0;
        while let Some(url) = next {
            let permit = match permit.take() {
                Some(permit) => permit,
                None => self.turn(Priority::Read, conversation).await,
            };
            let page = self.send(permit, "list_messages", self.http.request(Method::GET, url)).await;
            answered_at = page.answered_at.or(answered_at);
            let page = match page.outcome {
                Ok(page) => page,
                Err(failure) => return Answer { outcome: Err(failure), answered_at },
            };
            let Some(rows) = page.get("data").and_then(Value::as_array) else {
                let failure = Failure::Unclear("Ada's message list is not one".to_owned());
                return Answer { outcome: Err(failure), answered_at };
            };
            messages.extend(rows.iter().filter_map(message));
            pages += 1;
            next = match self.next_page(&page, pages) {
                Ok(next) => next,
                Err(failure) => return Answer { outcome: Err(failure), answered_at },
            };
        }
        Answer { outcome: Ok(messages), answered_at }
    }

    fn next_page(&self, page: &Value, pages: usize) -> Result<Option<Url>, Failure> {
        let link = page.pointer("/meta/next_page_url").and_then(Value::as_str);
        let Some(link) = link.filter(|link| !link.is_empty()) else { return Ok(None) };
        let url = self.base.join(link).map_err(|_| Failure::Refused("Ada's page link is no URL".into()))?;
        if url.origin() != self.base.origin() {
            return Err(Failure::Refused("Ada's page link leads to another origin".into()));
        }
        if pages >= MAX_PAGES {
            return Err(Failure::Refused(format!("Ada's message list has over {MAX_PAGES} pages")));
        }
        Ok(Some(url))
    }

    async fn call(
        &self,
        permit: Permit,
        name: &'static str,
        method: Method,
        conversation: &ConversationId,
        rest: &str,
        body: Option<&Value>,
    ) -> Answer<Value> {
        let request = match self.url(conversation, rest) {
            Ok(url) => self.http.request(method, url),
            Err(failure) => return Answer { outcome: Err(failure), answered_at: None },
        };
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        self.send(permit, name, request).await
    }

    fn url(&self, conversation: &ConversationId, rest: &str) -> Result<Url, Failure> {
        let unfit = || Failure::Refused("the conversation's id can't stand in a URL".to_owned());
        let id = conversation.as_str();
        if id.is_empty() || id == "." || id == ".." {
            return Err(unfit());
        }
        let id = utf8_percent_encode(id, SEGMENT);
        let base = self.base.as_str().trim_end_matches('/');
        format!("{base}/v2/conversations/{id}/{rest}").parse().map_err(|_| unfit())
    }

    async fn send(&self, permit: Permit, name: &'static str, request: RequestBuilder) -> Answer<Value> {
        self.ask(permit, name, request, read).await
    }

    /// Makes a call, and reads its answer with `read`.
    async fn ask<T>(
        &self,
        permit: Permit,
        name: &'static str,
        request: RequestBuilder,
        read: impl AsyncFnOnce(Response) -> Result<T, Failure>,
    ) -> Answer<T> {
        let asked_at = Time::now();
        let response = match request.bearer_auth(self.key.expose()).send().await {
            Ok(response) => response,
            Err(error) => {
                self.metrics.ada_call(name, None);
                permit.answered(Told::default(), None);
                return Answer { outcome: Err(unanswered(&error)), answered_at: None };
            }
        };
        self.metrics.ada_call(name, Some(response.status().as_u16()));
        let (answered_at, told) = (date(&response), told(&response));
        self.learn_offset(asked_at, answered_at);
        let outcome = read(response).await;
        permit.answered(told, outcome.as_ref().err().map(Failure::reason));
        Answer { outcome, answered_at }
    }

    /// `Date` is cut to the second, so the truth is half a second later on average.
    fn learn_offset(&self, asked_at: Time, answered_at: Option<Time>) {
        let round_trip = Time::now().since(asked_at);
        if let (Some(theirs), true) = (answered_at, round_trip < MAX_ROUND_TRIP) {
            let ours = asked_at + round_trip / 2;
            let offset = Offset::between(ours, theirs + Duration::from_millis(500));
            self.offset_micros.store(offset.as_micros(), Ordering::Relaxed);
        }
    }
}

/// Ada has it once it answers 2xx, readable or not.
fn receipt(stored: &Value) -> Receipt {
    let created_at = stored.get("created_at").and_then(Value::as_str);
    Receipt {
        message_id: id(stored, "id").ok().map(MessageId),
        created_at: created_at.and_then(|text| text.parse().ok()),
    }
}

/// A row of the message list; other types than `message_logs` are none.
fn message(row: &Value) -> Option<Message> {
    if row.get("type").and_then(Value::as_str).is_some_and(|kind| kind != "message_logs") {
        return None;
    }
    Some(Message {
        id: MessageId(id(row, "message_id").ok()?),
        created_at: row.get("created_at")?.as_str()?.parse().ok()?,
        author: author(row).ok()?,
        content: content(row).ok()?,
    })
}

fn unfit(metadata: &Map<String, Value>) -> Option<String> {
    let bytes = serde_json::to_string(metadata).map_or(usize::MAX, |text| text.len());
    if bytes > MAX_METADATA_BYTES {
        return Some(format!("metadata is {bytes} bytes; Ada takes {MAX_METADATA_BYTES}"));
    }
    let nested = metadata.iter().find(|(_, value)| value.is_array() || value.is_object());
    nested.map(|(key, _)| format!("metadata `{key}` is neither text, number, true, false nor null"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn client() -> Client {
        let base = "https://acme.ada.support/api".parse().unwrap();
        let rates = Rates { per_second: 10, per_minute: 100 };
        Client::new(&base, Secret::new("key"), rates, Duration::from_secs(1)).unwrap()
    }

    #[test]
    fn ids_are_opaque_in_paths() {
        for (id, path) in [
            ("65a0", "/api/v2/conversations/65a0/messages/"),
            ("a/b?c#d", "/api/v2/conversations/a%2Fb%3Fc%23d/messages/"),
            ("ü %2e", "/api/v2/conversations/%C3%BC%20%252e/messages/"),
        ] {
            let url = client().url(&ConversationId::from(id), "messages/").unwrap();
            assert_eq!((url.path(), url.query()), (path, None), "{id}");
        }
        for id in ["", ".", ".."] {
            assert!(client().url(&ConversationId::from(id), "messages/").is_err(), "{id}");
        }
    }

    #[test]
    fn pages_stay_on_the_origin() {
        let page = |link: &str| json!({"data": [], "meta": {"next_page_url": link}});
        let next = |link: &str| client().next_page(&page(link), 1);
        let here = "https://acme.ada.support/api/v2/conversations/c/messages/?cursor=x%2By";
        assert_eq!(next(here).unwrap().unwrap().as_str(), here);
        assert_eq!(next(""), Ok(None));
        for elsewhere in [
            "https://evil.example/api/v2/",
            "http://acme.ada.support/api/v2/",
            "https://acme.ada.support:8443/api",
            "//evil.example/x",
        ] {
            assert!(next(elsewhere).is_err(), "{elsewhere}");
        }
        assert!(client().next_page(&page(here), MAX_PAGES).is_err());
    }

    #[test]
    fn metadata_is_checked_before_the_call() {
        let fits = json!({"a": "b", "n": 1, "x": null});
        assert_eq!(unfit(fits.as_object().unwrap()), None);
        for unfit_one in [json!({"a": ["b"]}), json!({"a": "b".repeat(4_096)})] {
            assert!(unfit(unfit_one.as_object().unwrap()).is_some());
        }
    }
}
