//! What all handles share: the state behind one lock that is never held across an await, and the means to
//! send what a change leaves behind.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::conversation::{Conversation, Origin};
use crate::deliver::EarlyEcho;
use crate::dial::{Deliveries, EchoTiming, Faults, FileFaults, IdScheme, Traffic};
use crate::endpoint::Endpoint;
use crate::files::{Files, Links};
use crate::record::Records;
use crate::{Options, Refusal, Sandbox};

/// How long Ada waits for an answer from the relay.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

pub(crate) struct Shared {
    pub(crate) api_key: String,
    /// Of the endpoint that [`Options`] and [`Sandbox::set_targets`] name.
    pub(crate) webhook_secret: String,
    pub(crate) retry_delays: Vec<Duration>,
    pub(crate) origin: Arc<Origin>,
    pub(crate) client: reqwest::Client,
    /// Owns every task: webhooks on their way and start calls.
    pub(crate) tasks: TaskTracker,
    /// Moves with every change, for event streams and waiting tests.
    pub(crate) revision: watch::Sender<u64>,
    pub(crate) files: Files,
    pub(crate) links: Links,
    state: Mutex<State>,
}

pub(crate) struct State {
    /// The origin of the URLs in webhooks: where the sandbox was last served.
    pub(crate) base_url: String,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) block: HandoffBlock,
    /// What the dashboard's page proposes to try: a heading and its text each.
    pub(crate) trial: Option<Vec<(String, String)>>,
    pub(crate) webhooks_on: bool,
    pub(crate) conversations: HashMap<String, Conversation>,
    /// Metavariables, by end user.
    pub(crate) metavariables: HashMap<String, Map<String, Value>>,
    pub(crate) records: Records,
    pub(crate) deliveries: Deliveries,
    pub(crate) echoes: EchoTiming,
    pub(crate) ids: IdScheme,
    pub(crate) traffic: Traffic,
    pub(crate) faults: Faults,
    pub(crate) file_faults: FileFaults,
    pub(crate) oddities: bool,
    /// Cancelled when the present run ends.
    pub(crate) run: CancellationToken,
    /// Cancelled when the webhooks on their way are given up.
    pub(crate) patience: CancellationToken,
}

/// The HTTP Request block of the handoff's flow.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HandoffBlock {
    /// Where it posts.
    pub(crate) url: String,
    /// Its header `Authorization`; empty for none.
    pub(crate) authorization: String,
}

impl State {
    pub(crate) fn knows_end_user(&self, id: &str) -> bool {
        self.conversations.values().any(|conversation| conversation.end_user_id == id)
    }
}

impl Shared {
    pub(crate) fn new(options: Options) -> Self {
        let authorization = options.handoff_auth_key.map(|key| format!("Bearer {key}")).unwrap_or_default();
        let endpoint = (!options.webhook_url.is_empty())
            .then(|| Endpoint::with_secret(options.webhook_url, options.webhook_secret.clone()));
        let state = State {
            base_url: "http://localhost".to_owned(),
            endpoints: endpoint.into_iter().collect(),
            trial: None,
            block: HandoffBlock { url: options.start_url, authorization },
            webhooks_on: true,
            conversations: HashMap::new(),
            metavariables: HashMap::new(),
            records: Records::default(),
            deliveries: Deliveries::default(),
            echoes: EchoTiming::default(),
            ids: IdScheme::default(),
            traffic: Traffic::default(),
            faults: Faults::default(),
            file_faults: FileFaults::default(),
            oddities: false,
            run: CancellationToken::new(),
            patience: CancellationToken::new(),
        };
        Self {
            api_key: options.api_key,
            webhook_secret: options.webhook_secret,
            retry_delays: options.retry_delays,
            origin: Arc::new(Origin {
                integration: options.integration,
                ai_agent_domain: options.ai_agent_domain,
            }),
            client: client(),
            tasks: TaskTracker::new(),
            revision: watch::Sender::new(0),
            files: Files::default(),
            links: Links::new(),
            state: Mutex::new(state),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // A test that panicked elsewhere must not hide what it has found.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells streams and waiting tests to look again.
    pub(crate) fn changed(&self) {
        self.revision.send_modify(|revision| *revision = revision.wrapping_add(1));
    }
}

impl Sandbox {
    /// Reads a conversation.
    pub(crate) fn peek<T>(&self, id: &str, read: impl FnOnce(&Conversation) -> T) -> Result<T, Refusal> {
        self.0.lock().conversations.get(id).map(read).ok_or(Refusal::UnknownConversation)
    }

    /// Changes a conversation and sends the events that come of it.
    pub(crate) fn change<T>(
        &self,
        id: &str,
        change: impl FnOnce(&mut Conversation) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.change_and_send(id, change).map(|(changed, _)| changed)
    }

    /// The same, with the early echoes that the caller has to wait for.
    pub(crate) fn change_and_send<T>(
        &self,
        id: &str,
        change: impl FnOnce(&mut Conversation) -> Result<T, Refusal>,
    ) -> Result<(T, Vec<EarlyEcho>), Refusal> {
        let (result, events) = {
            let mut state = self.0.lock();
            let ids = state.ids;
            let conversation = state.conversations.get_mut(id).ok_or(Refusal::UnknownConversation)?;
            conversation.ids = ids;
            let result = change(conversation);
            let events = std::mem::take(&mut conversation.outbox);
            (result, if state.webhooks_on { events } else { Vec::new() })
        };
        let early = events.into_iter().filter_map(|event| self.send_event(event)).collect();
        self.0.changed();
        Ok((result?, early))
    }

    /// Adds a conversation; its first events leave with it.
    pub(crate) fn add(&self, conversation: Conversation) -> String {
        let id = conversation.id.clone();
        self.0.lock().conversations.insert(id.clone(), conversation);
        // The conversation was added just now and nobody removes any.
        let _ = self.change(&id, |_| Ok(()));
        id
    }
}

/// Plain HTTP to the relay beside us: no proxy of the environment, no redirects, no system certificates.
fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only([])
        .timeout(ANSWER_WITHIN)
        .build()
        .expect("without certificates to load nothing can fail")
}
