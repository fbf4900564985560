//! Amazon Connect: agents who work in its contact control panel. (AWS calls it *Connect Customer* now, too.)
//!
//! The relay is the customer's side of a chat contact. `engine/amazon_connect/` decides when to call, `relay/contact.rs`
//! and `relay/rules/contact/` have the rules. Here are:
//!
//! - `aws/`: credentials, signatures, and what errors mean: the same for all of AWS;
//! - `api/`: the calls, as methods of [`api::Connect`]. They know nothing of handoffs;
//! - [`sns`]: whether a notification is SNS's own;
//! - [`item`] and [`happening`]: what happened in a chat, and what it means for a handoff;
//! - [`transcript`], [`attributes`], [`text`], [`attachments`]: what a handoff looks like there.
//!
//! Facts about the protocol are from AWS's API references (Amazon Connect 2017-08-08, Participant Service 2018-09-07,
//! SNS 2010-03-31, STS 2011-06-15), and from the guides "Enable real-time chat message streaming" and "Verifying the
//! signatures of Amazon SNS messages".

pub mod api;
pub mod attachments;
pub mod attributes;
pub mod aws;
pub mod happening;
mod hours;
pub mod item;
pub mod sns;
mod subscription;
pub mod text;
pub mod transcript;

use std::sync::Arc;

use url::Url;

use super::Answer;
use crate::{
    environment::Environment, relay::rules::notify::NoticeOutcome, settings::AmazonConnect as Settings,
};
use aws::CallError;
pub use hours::Opening;
use hours::QueueHours;
pub use subscription::{Subscription, SubscriptionState};

/// Whether a subscription leads to this door; a user and password in its URL are SNS's matter.
fn is_same_door(endpoint: &str, door: &str) -> bool {
    let bare = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_username("").ok()?;
        url.set_password(None).ok()?;
        Some(url)
    };
    bare(endpoint).is_some_and(|endpoint| Some(endpoint) == bare(door))
}

/// One instance of Amazon Connect.
pub struct AmazonConnect {
    /// Its settings.
    pub settings: Settings,
    /// Its calls.
    pub api: api::Connect,
    /// Verifies its notifications.
    pub verifier: sns::Verifier,
    /// Whether notifications come.
    pub subscription: SubscriptionState,
    hours: QueueHours,
    environment: Arc<dyn Environment>,
}

impl AmazonConnect {
    /// The instance of the settings.
    ///
    /// # Errors
    /// TLS can't be set up on this machine.
    pub fn new(settings: &Settings, environment: Arc<dyn Environment>) -> Result<Self, reqwest::Error> {
        Ok(Self {
            api: api::Connect::new(settings, Arc::clone(&environment))?,
            verifier: sns::Verifier::new(settings)?,
            subscription: SubscriptionState::default(),
            hours: QueueHours::default(),
            settings: settings.clone(),
            environment,
        })
    }

    /// Confirms the subscription of a topic, by the token of a verified request.
    ///
    /// # Errors
    /// SNS did not take it.
    pub async fn confirm(&self, topic_arn: &str, token: &str) -> Result<(), CallError> {
        self.api.confirm_subscription(topic_arn, token).await?;
        self.subscription.set(Subscription::Confirmed);
        Ok(())
    }

    /// The path of the door, behind `PUBLIC_URL`, that the topic's subscription must name.
    pub const DOOR: &'static str = "/webhooks/amazon-connect";

    /// Asks SNS whether this relay's subscription is confirmed, and remembers it.
    ///
    /// # Errors
    /// SNS does not say.
    pub async fn look_up_subscription(&self, public_url: &Url) -> Result<Subscription, CallError> {
        let door = format!("{}{}", public_url.as_str().trim_end_matches('/'), Self::DOOR);
        let before = self.subscription.get();
        let all = self.api.topic_subscriptions(&self.settings.topic_arn).await?;
        let ours = all.iter().filter(|subscription| is_same_door(&subscription.endpoint, &door));
        let found = match ours.map(|subscription| subscription.is_confirmed).max() {
            Some(true) => Subscription::Confirmed,
            Some(false) => Subscription::Pending,
            None => Subscription::Missing,
        };
        // What has come meanwhile knows better than this list.
        self.subscription.change(before, found);
        Ok(found)
    }

    /// Asks for something that changes nothing, to find out whether the instance answers.
    pub async fn ping(&self) -> Answer {
        let answer = match &self.settings.contact_flow_id {
            Some(flow) => self.api.describe_contact_flow(flow).await.map(drop),
            None => self.api.describe_instance().await.map(drop),
        };
        match answer {
            Ok(()) => Answer::Outcome(NoticeOutcome::Taken),
            Err(error) => Answer::Refused(error.to_string()),
        }
    }

    /// Whether a queue is open now, by its hours of operation.
    ///
    /// # Errors
    /// They can't be read.
    pub async fn is_open(&self, queue: &str) -> Result<Opening, CallError> {
        self.hours.of(&self.api, queue, self.environment.now()).await
    }
}
