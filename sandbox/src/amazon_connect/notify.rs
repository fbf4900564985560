//! SNS: subscriptions, signed envelopes and their delivery.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::ConnectStandIn;
use super::item::Item;
use super::record::Delivery;
use super::state::time;

/// So long a notification waits for the one before it.
const TURN: Duration = Duration::from_secs(1);

/// An endpoint of the topic.
#[derive(Debug, Clone, Serialize)]
pub struct Subscription {
    /// The subscription's ARN.
    pub arn: String,
    /// Where notifications go.
    pub endpoint: String,
    /// What confirms it.
    #[serde(skip)]
    pub token: String,
    /// Whether it was confirmed: others get no notification.
    pub is_confirmed: bool,
    /// Whether it gets messages without their envelope.
    pub is_raw: bool,
}

/// A body for an endpoint, with what its headers say.
#[derive(Clone)]
struct Post {
    endpoint: String,
    subscription: Option<String>,
    kind: &'static str,
    id: String,
    is_raw: bool,
    body: String,
}

/// The type of the request that a subscription be confirmed: the only one without the subscription's ARN.
const CONFIRMATION: &str = "SubscriptionConfirmation";

impl ConnectStandIn {
    /// Makes a pending subscription and asks its endpoint to confirm it; returns its ARN.
    pub fn subscribe(&self, endpoint: impl Into<String>) -> String {
        let endpoint = endpoint.into();
        let subscription = Subscription {
            arn: format!("{}:{}", self.0.options.topic_arn, Uuid::new_v4()),
            endpoint: endpoint.clone(),
            token: format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()),
            is_confirmed: false,
            is_raw: false,
        };
        self.with(|state| state.subscriptions.push(subscription.clone()));
        let envelope = self.confirmation("SubscriptionConfirmation", &subscription.token);
        let mut post = envelope_post(&envelope, CONFIRMATION, endpoint);
        post.subscription = Some(subscription.arn.clone());
        self.send(post);
        subscription.arn
    }

    /// Takes a subscription away and tells its endpoint, if it was confirmed.
    pub fn unsubscribe(&self, arn: &str) {
        let gone = self.with(|state| {
            let at = state.subscriptions.iter().position(|known| known.arn == arn)?;
            Some(state.subscriptions.remove(at))
        });
        if let Some(gone) = gone.filter(|gone| gone.is_confirmed) {
            let envelope = self.confirmation("UnsubscribeConfirmation", &gone.token);
            self.send(envelope_post(&envelope, "UnsubscribeConfirmation", gone.endpoint));
        }
    }

    /// Sends notifications without envelopes, or with them.
    pub fn set_raw_delivery(&self, arn: &str, is_raw: bool) {
        self.with(|state| {
            if let Some(found) = state.subscriptions.iter_mut().find(|known| known.arn == arn) {
                found.is_raw = is_raw;
            }
        });
    }

    /// Sends what follows elsewhere, as if the subscriptions had been made and confirmed there.
    pub fn set_endpoint(&self, endpoint: &str) {
        self.with(|state| {
            for subscription in &mut state.subscriptions {
                subscription.endpoint = endpoint.to_owned();
            }
        });
    }

    /// The topic's subscriptions.
    pub fn subscriptions(&self) -> Vec<Subscription> {
        self.0.lock().subscriptions.clone()
    }

    /// Where the certificate is.
    pub fn certificate_url(&self) -> String {
        format!("{}{}", self.url(), self.0.signer.path)
    }

    /// A signed notification with this message.
    pub fn envelope(&self, message: &str) -> Value {
        let arn = self.0.lock().subscriptions.first().map(|known| known.arn.clone()).unwrap_or_default();
        let url = self.url();
        self.sign(json!({
            "Type": "Notification",
            "MessageId": Uuid::new_v4().to_string(),
            "TopicArn": self.0.options.topic_arn,
            "Message": message,
            "Timestamp": time(Timestamp::now()),
            "UnsubscribeURL": format!("{url}/?Action=Unsubscribe&SubscriptionArn={arn}"),
        }))
    }

    /// Signs what an envelope says, with the topic's version.
    pub fn sign(&self, envelope: Value) -> Value {
        self.sign_with(self.0.options.signature_version, envelope)
    }

    /// Signs what an envelope says, whatever it says: `SignatureVersion`, `Signature` and `SigningCertURL` are
    /// added, the URL unless there is one.
    pub fn sign_with(&self, version: u8, mut envelope: Value) -> Value {
        envelope["Signature"] = self.0.signer.sign(version, &envelope).into();
        envelope["SignatureVersion"] = version.to_string().into();
        if envelope["SigningCertURL"].is_null() {
            envelope["SigningCertURL"] = self.certificate_url().into();
        }
        envelope
    }

    /// A signed `SubscriptionConfirmation` or `UnsubscribeConfirmation`.
    pub fn confirmation(&self, kind: &str, token: &str) -> Value {
        let topic = &self.0.options.topic_arn;
        let message = match kind {
            "UnsubscribeConfirmation" => format!(
                "You have chosen to deactivate subscription to the topic {topic}.\nTo cancel this operation and \
                 restore the subscription, visit the SubscribeURL included in this message."
            ),
            _ => format!(
                "You have chosen to subscribe to the topic {topic}.\nTo confirm the subscription, visit the \
                 SubscribeURL included in this message."
            ),
        };
        let url = self.url();
        self.sign(json!({
            "Type": kind,
            "MessageId": Uuid::new_v4().to_string(),
            "Token": token,
            "TopicArn": topic,
            "Message": message,
            "SubscribeURL": format!("{url}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}"),
            "Timestamp": time(Timestamp::now()),
        }))
    }

    /// A signed notification of an item, as Amazon Connect publishes it.
    pub fn notification(&self, item: &Item) -> Value {
        let message = serde_json::to_value(item).unwrap_or_default();
        let mut envelope = self.envelope(&message.to_string());
        let mut attributes = json!({});
        let values = [
            ("InitialContactId", Some(item.initial_contact_id.as_str())),
            ("ContactId", Some(&item.contact_id)),
            ("MessageVisibility", Some("ALL")),
            ("Type", Some(item.kind)),
            ("AccountId", Some(&self.0.options.account_id)),
            ("InstanceId", Some(&self.0.options.instance_id)),
            ("ContentType", item.content_type.as_deref()),
            ("ParticipantRole", item.participant_role),
        ];
        for (name, value) in values.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            attributes[name] = json!({ "Type": "String", "Value": value });
        }
        envelope["MessageAttributes"] = attributes;
        envelope
    }

    /// Sends a notification to every confirmed endpoint. What is returned ends once each was tried.
    pub(super) fn notify(&self, item: &Item) -> CancellationToken {
        self.deliver(&self.notification(item))
    }

    /// Delivers an envelope as it is, under the dial.
    pub fn deliver(&self, envelope: &Value) -> CancellationToken {
        let all_tried = CancellationToken::new();
        let guard = std::sync::Arc::new(all_tried.clone().drop_guard());
        let (plan, before, in_turn, to) = {
            let mut state = self.0.lock();
            let dial = state.dial.clone();
            let plan = dial.plan(&mut state.dice);
            let before = std::mem::replace(&mut state.last_tried, all_tried.clone());
            let to: Vec<_> = state.subscriptions.iter().filter(|to| to.is_confirmed).cloned().collect();
            (plan, before, dial.reorder_ms == 0, to)
        };
        for (subscription, delay) in to.iter().flat_map(|to| plan.iter().map(move |delay| (to, *delay))) {
            let mut post = envelope_post(envelope, "Notification", subscription.endpoint.clone());
            post.subscription = Some(subscription.arn.clone());
            if subscription.is_raw {
                post.is_raw = true;
                post.body = envelope["Message"].as_str().unwrap_or_default().to_owned();
            }
            let (stand_in, before, guard) = (self.clone(), before.clone(), guard.clone());
            self.spawn(async move {
                tokio::time::sleep(delay).await;
                if in_turn {
                    let _ = tokio::time::timeout(TURN, before.cancelled()).await;
                }
                stand_in.try_all(post, Some(guard)).await;
            });
        }
        all_tried
    }

    fn send(&self, post: Post) {
        let stand_in = self.clone();
        self.spawn(async move { stand_in.try_all(post, None::<()>).await });
    }

    /// Runs a task until it is done or the server ends. It takes no lock itself.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let Ok(runtime) = Handle::try_current() else {
            tracing::warn!("something happened outside a Tokio runtime and is not told");
            return;
        };
        let (stand_in, under_way) = (self.clone(), self.0.under_way.clone());
        let task = async move {
            let run = stand_in.0.lock().run.clone();
            run.run_until_cancelled(task).await;
            drop(under_way);
            stand_in.0.changed();
        };
        self.0.tasks.spawn_on(task, &runtime);
    }

    /// Tries until the endpoint has taken or refused it; drops `tried` after the first time.
    async fn try_all<T>(&self, mut post: Post, mut tried: Option<T>) {
        for attempt in 0..self.0.options.delivery_tries.max(1) {
            if attempt > 0 {
                tokio::time::sleep(self.0.options.retry_delay).await;
                self.look_up_endpoint(&mut post);
            }
            let status = self.try_once(&post).await;
            drop(tried.take());
            // 4xx is final as 2xx is.
            if (200..500).contains(&status) {
                return;
            }
        }
        tracing::warn!(message_id = post.id, "notification lost: no tries are left");
    }

    /// A retry goes to where the subscription's endpoint is by then.
    fn look_up_endpoint(&self, post: &mut Post) {
        let state = self.0.lock();
        let found = state.subscriptions.iter().find(|known| Some(&known.arn) == post.subscription.as_ref());
        if let Some(found) = found {
            post.endpoint.clone_from(&found.endpoint);
        }
    }

    async fn try_once(&self, post: &Post) -> u16 {
        let mut request = self
            .0
            .client
            .post(&post.endpoint)
            .header("x-amz-sns-message-type", post.kind)
            .header("x-amz-sns-message-id", &post.id)
            .header("x-amz-sns-topic-arn", &self.0.options.topic_arn)
            .header("content-type", "text/plain; charset=UTF-8")
            .header("user-agent", "Amazon Simple Notification Service Agent")
            .body(post.body.clone());
        if let Some(subscription) = post.subscription.as_ref().filter(|_| post.kind != CONFIRMATION) {
            request = request.header("x-amz-sns-subscription-arn", subscription);
        }
        if post.is_raw {
            request = request.header("x-amz-sns-rawdelivery", "true");
        }
        let status = request.send().await.map_or(0, |answer| answer.status().as_u16());
        let delivery = Delivery { message_id: post.id.clone(), status, at: Timestamp::now() };
        self.0.lock().records.deliveries.push(delivery);
        self.0.changed();
        status
    }
}

fn envelope_post(envelope: &Value, kind: &'static str, endpoint: String) -> Post {
    let id = envelope["MessageId"].as_str().unwrap_or_default().to_owned();
    Post { endpoint, subscription: None, kind, id, is_raw: false, body: envelope.to_string() }
}
