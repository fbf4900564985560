//! Ada's Conversations API, as far as a handoff needs it.
//!
//! One pooled client, one origin: redirects are not followed and a page link to elsewhere is refused, so
//! that the key never leaves for another place.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Method, RequestBuilder, Response,
    multipart::{Form, Part},
};
use serde_json::{Map, Value, json};
use tokio::{sync::Mutex, time::Instant};
use url::Url;

use super::{
    answer::{Answer, AnswerBody, limit_headers, read, recognise, unanswered},
    api::{Ada, Says, Upload},
    bodies,
    clock::AdaClock,
    limits::{DENIED_PAUSE, KeyNews, LimitHeaders, Limits, Permit, Priority, Rates, SharedCount},
};
use crate::{
    environment::{Environment, Machine},
    json::Object,
    metrics::Metrics,
    outbound::{self, date},
    relay::{
        delivery::{Failure, MessagePage, Receipt, ShownAuthor, UploadedFile},
        event::Message,
        handoff::Profile,
        id::{AiAgentId, ConversationId, ConversationKey},
        time::Offset,
        waiting_room::Shown,
    },
    settings::Secret,
};

/// Everything but unreserved characters (RFC 3986) is encoded: ids are opaque.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// Pages of a hundred read before what they hold is kept: the rest is read afterwards.
const PAGES_AT_ONCE: usize = 10;
/// An upload may take as long as a call, and as its bytes do at this rate: so many in a second.
const SLOWEST_UPLOAD: u64 = 128 << 10;
/// Ada's limit for a conversation's metadata.
pub const MAX_METADATA_BYTES: usize = 4_096;

/// A client for one AI Agent.
pub struct Client {
    /// How the log calls the AI Agent.
    ai_agent: String,
    http: reqwest::Client,
    base: Url,
    key: Secret,
    limits: Arc<Limits>,
    metrics: Arc<Metrics>,
    clock: AdaClock,
    environment: Arc<dyn Environment>,
    key_check: Mutex<Option<KeyCheck>>,
    timeout: Duration,
}

/// What the last neutral call has found out.
struct KeyCheck {
    /// When it left.
    at: Instant,
    is_good: bool,
}

/// What a refusal of a call speaks about.
#[derive(Clone, Copy)]
pub(super) enum About {
    Conversation,
    Key,
}

impl Client {
    /// A client for the API at `base`, whose calls keep to `rates` and take at most `timeout`.
    ///
    /// # Errors
    /// TLS can't be set up on this machine.
    pub fn new(base: &Url, key: Secret, rates: Rates, timeout: Duration) -> Result<Self, reqwest::Error> {
        let mut http = outbound::client_builder();
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
        let environment: Arc<dyn Environment> = Arc::new(Machine);
        Ok(Self {
            ai_agent: base.host_str().unwrap_or_default().to_owned(),
            http,
            base: base.clone(),
            key,
            limits: Limits::new(rates, Arc::clone(&environment)),
            metrics: Arc::default(),
            clock: AdaClock::default(),
            environment,
            key_check: Mutex::default(),
            timeout,
        })
    }

    /// The same client, whose calls share their limits with those of other relays.
    #[must_use]
    pub fn shared_by(self, rates: Rates, count: Arc<dyn SharedCount>) -> Self {
        let limits = Limits::shared_by(rates, Arc::clone(&self.environment), Some(count));
        Self { limits, ..self }
    }

    /// The same client, whose AI Agent the log calls so. Without it, it is the host of the API.
    #[must_use]
    pub fn named(self, ai_agent: &AiAgentId) -> Self {
        Self { ai_agent: ai_agent.0.clone(), ..self }
    }

    /// The same client, whose calls are counted in `metrics`.
    #[must_use]
    pub fn counted_by(self, metrics: Arc<Metrics>) -> Self {
        Self { metrics, ..self }
    }

    /// Whether Ada is there and takes the key: asks for a conversation that doesn't exist, which only a good key
    /// learns.
    ///
    /// # Errors
    /// Why not.
    pub async fn check_key(&self) -> Result<(), Failure> {
        let nobody = ConversationId::from("handoff-relay-check");
        let permit = self.turn(Priority::Check).await;
        let request = self.http.request(Method::GET, self.url(&nobody, "")?);
        self.ask(permit, "check_key", request, About::Key, recognise).await.outcome
    }

    /// Sets metadata of the conversation; `null` removes a key.
    ///
    /// More than [`MAX_METADATA_BYTES`], or values Ada doesn't take, are [`Failure::Refused`] without a call.
    pub async fn update_metadata(
        &self,
        permit: Permit,
        key: &ConversationKey,
        metadata: &Map<String, Value>,
    ) -> Answer<()> {
        if let Some(reason) = unfit(metadata) {
            return Answer { outcome: Err(Failure::Refused(reason)), answered_at: None };
        }
        let body = json!({ "metadata": metadata });
        self.call(permit, "update_metadata", Method::PATCH, &key.conversation, "", Some(&body))
            .await
            .map(|_| ())
    }

    /// Reads from `url` on, at most [`PAGES_AT_ONCE`] pages.
    async fn list_from(&self, permit: Permit, priority: Priority, url: Url) -> Answer<MessagePage> {
        let mut permit = Some(permit);
        let mut messages = Vec::new();
        let (mut url, mut pages) = (url, 0);
        loop {
            let permit = match permit.take() {
                Some(permit) => permit,
                None => self.turn(priority).await,
            };
            let request = self.http.request(Method::GET, url.clone());
            let Answer { outcome, answered_at } = self.send(permit, "list_messages", request).await;
            let read = outcome.and_then(|page| {
                let page = page.object();
                let before = messages.last().map(|message: &Message| message.created_at).or(answered_at);
                messages.extend(bodies::messages(&page, before)?);
                self.next_page(&page)
            });
            pages += 1;
            let done = |page: Url, more| MessagePage { messages: Vec::new(), page: Some(page.into()), more };
            let listed = match read {
                // What was read is kept, and the next reading goes on from here.
                Err(failure) if pages > 1 && may_pass(&failure) => done(url, true),
                Err(failure) => return Answer { outcome: Err(failure), answered_at },
                Ok(None) => done(url, false),
                Ok(Some(next)) if pages >= PAGES_AT_ONCE => done(next, true),
                Ok(Some(next)) => {
                    url = next;
                    continue;
                }
            };
            return Answer { outcome: Ok(MessagePage { messages, ..listed }), answered_at };
        }
    }

    /// A page remembered from an earlier reading, if it is still one of ours.
    fn remembered(&self, page: Option<&str>) -> Option<Url> {
        page.and_then(|page| page.parse::<Url>().ok()).filter(|page| page.origin() == self.base.origin())
    }

    fn next_page(&self, page: &Object<'_>) -> Result<Option<Url>, Failure> {
        bodies::next_page(page).map(|link| self.own_link(&link)).transpose()
    }

    /// A link of Ada's to the next page, which must not lead the key elsewhere.
    pub(super) fn own_link(&self, link: &str) -> Result<Url, Failure> {
        let url = self
            .base
            .join(link)
            .map_err(|_| Failure::Refused("Ada's link to the next page is not a URL".into()))?;
        if url.origin() != self.base.origin() {
            return Err(Failure::Refused("Ada's link to the next page points to another origin".into()));
        }
        Ok(url)
    }

    /// A request, without the key.
    pub(super) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.http.request(method, url)
    }

    /// An address of the webhook endpoints' API.
    pub(super) fn endpoints_url(&self, rest: &str) -> Result<Url, Failure> {
        let base = self.base.as_str().trim_end_matches('/');
        let unfit = |_| Failure::Refused("the endpoint's id can't stand in a URL".to_owned());
        format!("{base}/v2/webhooks/{rest}").parse().map_err(unfit)
    }

    async fn call(
        &self,
        permit: Permit,
        name: &'static str,
        method: Method,
        conversation: &ConversationId,
        rest: &str,
        body: Option<&Value>,
    ) -> Answer<AnswerBody> {
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
        self.address("conversations", "conversation's", conversation.as_str(), &format!("/{rest}"))
    }

    /// The address of something with an id that somebody else has chosen.
    fn address(&self, kind: &str, whose: &str, id: &str, rest: &str) -> Result<Url, Failure> {
        let unfit = || Failure::Refused(format!("the {whose} id can't be used in a URL"));
        if id.is_empty() || id == "." || id == ".." {
            return Err(unfit());
        }
        let id = utf8_percent_encode(id, SEGMENT);
        let base = self.base.as_str().trim_end_matches('/');
        format!("{base}/v2/{kind}/{id}{rest}").parse().map_err(|_| unfit())
    }

    /// Makes a call about one conversation. 401 or 403 to it may be meant for that call alone, as by a filter in front
    /// of Ada that doesn't like its words: a neutral call tells whether the key is refused.
    async fn send(&self, permit: Permit, name: &'static str, request: RequestBuilder) -> Answer<AnswerBody> {
        let Answer { outcome, answered_at } =
            self.ask(permit, name, request, About::Conversation, read).await;
        let outcome = match outcome {
            Err(Failure::Denied(reason)) => Err(self.refused_alone(reason).await),
            outcome => outcome,
        };
        Answer { outcome, answered_at }
    }

    /// What it means that a call about one conversation was answered 401 or 403.
    async fn refused_alone(&self, reason: String) -> Failure {
        let refused_at = Instant::now();
        // One at a time: what it finds out serves for all that were refused before it left.
        let mut last = self.key_check.lock().await;
        let is_good = match *last {
            Some(KeyCheck { at, is_good }) if at >= refused_at => Some(is_good),
            // The key is tried every so often, and not before.
            Some(KeyCheck { at, is_good: false }) if at.elapsed() < DENIED_PAUSE => Some(false),
            _ => {
                let at = Instant::now();
                let is_good = match self.check_key().await {
                    Ok(()) => Some(true),
                    Err(Failure::Denied(_)) => Some(false),
                    Err(_) => None,
                };
                *last = is_good.map(|is_good| KeyCheck { at, is_good });
                is_good
            }
        };
        match is_good {
            Some(true) => Failure::Refused(reason),
            Some(false) => Failure::Denied(reason),
            // Not done, and nothing is known of why.
            None => Failure::Unreached(reason),
        }
    }

    /// Makes a call, and reads its answer with `read`.
    pub(super) async fn ask<T>(
        &self,
        permit: Permit,
        name: &'static str,
        request: RequestBuilder,
        about: About,
        read: impl AsyncFnOnce(Response) -> Result<T, Failure>,
    ) -> Answer<T> {
        let asked_at = self.environment.now();
        let response = match request.bearer_auth(self.key.expose()).send().await {
            Ok(response) => response,
            Err(error) => {
                self.metrics.ada_call(name, None);
                permit.answered(LimitHeaders::default(), None);
                return Answer { outcome: Err(unanswered(&error)), answered_at: None };
            }
        };
        self.metrics.ada_call(name, Some(response.status().as_u16()));
        let (answered_at, mut limits) = (date(&response), limit_headers(&response));
        if let (About::Conversation, Some(401 | 403)) = (about, limits.status.map(|status| status.as_u16())) {
            // The neutral call will tell.
            limits.status = None;
        }
        if let Some(date) = answered_at {
            self.clock.learn(asked_at, self.environment.now(), date);
        }
        let outcome = read(response).await;
        match permit.answered(limits, outcome.as_ref().err().map(Failure::reason)) {
            Some(KeyNews::Refused) => tracing::error!(
                ai_agent.id = self.ai_agent,
                "Ada refuses the API key of this AI Agent; nothing is sent to it until Ada accepts the key"
            ),
            Some(KeyNews::Accepted) => {
                tracing::info!(ai_agent.id = self.ai_agent, "Ada accepts the API key of this AI Agent again");
            }
            None => {}
        }
        Answer { outcome, answered_at }
    }
}

/// Whether the same call may succeed a little later.
const fn may_pass(failure: &Failure) -> bool {
    match failure {
        Failure::Throttled { .. } | Failure::Denied(_) | Failure::Unreached(_) | Failure::Unclear(_) => true,
        Failure::NoHandoff(_) | Failure::UnknownConversation(_) | Failure::Refused(_) => false,
    }
}

#[async_trait]
impl Ada for Client {
    async fn turn(&self, priority: Priority) -> Permit {
        self.limits.turn(priority).await
    }

    async fn send_message(
        &self,
        permit: Permit,
        key: &ConversationKey,
        by: &ShownAuthor,
        says: Says<'_>,
    ) -> Answer<Receipt> {
        let body = bodies::said(by, says);
        let answer = self
            .call(permit, "send_message", Method::POST, &key.conversation, "messages/", Some(&body))
            .await;
        answer.map(|stored| bodies::receipt(&stored.object()))
    }

    async fn upload(&self, permit: Permit, key: &ConversationKey, file: Upload) -> Answer<UploadedFile> {
        let url = match self.url(&key.conversation, "attachments/") {
            Ok(url) => url,
            Err(failure) => return Answer { outcome: Err(failure), answered_at: None },
        };
        let patience = self.timeout + Duration::from_secs(file.size / SLOWEST_UPLOAD);
        let (filename, mime_type) = (file.filename.clone(), file.mime_type.clone());
        let bytes = reqwest::Body::wrap_stream(file.bytes);
        let part = Part::stream_with_length(bytes, file.size).file_name(file.filename);
        let part = match part.mime_str(&file.mime_type) {
            Ok(part) => part,
            Err(_) => {
                let reason = Failure::Refused("the file's type can't be used in a form".to_owned());
                return Answer { outcome: Err(reason), answered_at: None };
            }
        };
        let form = Form::new().part("file", part);
        let request = self.http.request(Method::POST, url).multipart(form).timeout(patience);
        let answer = self.send(permit, "upload", request).await;
        let uploaded = |stored: AnswerBody| bodies::uploaded(&stored.object(), filename, mime_type);
        Answer { outcome: answer.outcome.and_then(uploaded), answered_at: answer.answered_at }
    }

    async fn end_handoff(&self, permit: Permit, key: &ConversationKey) -> Answer<Receipt> {
        let answer =
            self.call(permit, "end_handoff", Method::POST, &key.conversation, "end-handoff/", None).await;
        answer.map(|_| Receipt::default())
    }

    async fn list_messages(
        &self,
        permit: Permit,
        priority: Priority,
        key: &ConversationKey,
        from: Option<&str>,
    ) -> Answer<MessagePage> {
        let beginning = match self.url(&key.conversation, "messages/?limit=100") {
            Ok(url) => url,
            Err(failure) => return Answer { outcome: Err(failure), answered_at: None },
        };
        let Some(page) = self.remembered(from) else {
            return self.list_from(permit, priority, beginning).await;
        };
        let listed = self.list_from(permit, priority, page).await;
        let Err(Failure::NoHandoff(_) | Failure::UnknownConversation(_) | Failure::Refused(_)) =
            listed.outcome
        else {
            return listed;
        };
        // The page may have gone: nothing says for how long a cursor is good.
        let permit = self.turn(priority).await;
        self.list_from(permit, priority, beginning).await
    }

    async fn is_over(&self, permit: Permit, key: &ConversationKey) -> Answer<bool> {
        let answer = self.call(permit, "get_conversation", Method::GET, &key.conversation, "", None).await;
        answer.map(|conversation| conversation.object().text("status").as_deref() == Some("ended"))
    }

    async fn read_end_user(&self, permit: Permit, end_user: &str) -> Answer<Profile> {
        let request = match self.address("end-users", "end user's", end_user, "") {
            Ok(url) => self.http.request(Method::GET, url),
            Err(failure) => return Answer { outcome: Err(failure), answered_at: None },
        };
        let answer = self.send(permit, "read_end_user", request).await;
        answer.map(|body| bodies::profile(&body.object().object("profile")))
    }

    async fn update_end_user(
        &self,
        permit: Permit,
        end_user: &str,
        values: &Map<String, Value>,
    ) -> Answer<()> {
        let request = match self.address("end-users", "end user's", end_user, "") {
            Ok(url) => self.http.request(Method::PATCH, url),
            Err(failure) => return Answer { outcome: Err(failure), answered_at: None },
        };
        let body = json!({ "profile": { "metadata": values } });
        self.send(permit, "update_end_user", request.json(&body)).await.map(|_| ())
    }

    async fn update_conversation(
        &self,
        permit: Permit,
        key: &ConversationKey,
        values: &Map<String, Value>,
    ) -> Answer<()> {
        self.update_metadata(permit, key, values).await
    }

    async fn show_banner(&self, permit: Permit, key: &ConversationKey, shown: Shown) -> Answer<()> {
        let (id, body) = (&key.conversation, bodies::banner(shown));
        let answer =
            self.call(permit, "handoff_queue", Method::PATCH, id, "handoff-queue/", Some(&body)).await;
        answer.map(|_| ())
    }

    fn offset(&self) -> Offset {
        self.clock.offset()
    }

    fn denied(&self) -> Option<String> {
        self.limits.denied()
    }
}

fn unfit(metadata: &Map<String, Value>) -> Option<String> {
    let bytes = serde_json::to_string(metadata).map_or(usize::MAX, |text| text.len());
    if bytes > MAX_METADATA_BYTES {
        return Some(format!("metadata is {bytes} bytes; Ada accepts {MAX_METADATA_BYTES}"));
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
        let page = |link: &str| json!({"data": [], "meta": {"next_page_url": link}}).to_string();
        let next = |link: &str| client().next_page(&Object::read(page(link).as_bytes()).unwrap());
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
        assert_eq!(client().remembered(Some(here)).unwrap().as_str(), here);
        assert_eq!(client().remembered(Some("https://evil.example/api/v2/")), None);
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
