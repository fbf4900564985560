//! Whether a notification is SNS's own, and of a topic of ours.
//!
//! Anybody may post to the door, and everybody's topics are signed with the same certificates. So a notification counts
//! only if its topic is one of the settings', it is new, and its signature is that of a certificate of the topic's own
//! region. Nothing is fetched before all that can be checked without has been.
//! Source: SNS developer guide, "Verifying the signatures of Amazon SNS messages" and "Parsing Amazon SNS message
//! formats".

mod certificate;
mod envelope;
mod signature;

use std::time::Duration;

use axum::http::HeaderMap;

use super::aws::{Endpoints, Http};
use crate::{relay::time::Time, settings};
use certificate::{Certificates, Failure, may_be_fetched};
use envelope::{Envelope, Kind};

/// SNS tries again for so long at most.
const RETRIES: Duration = Duration::from_secs(60 * 60);
/// How far clocks may differ.
const SKEW: Duration = Duration::from_secs(5 * 60);

/// What SNS has said, beyond doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// A message of a topic.
    Notification {
        /// The topic: one of the settings'.
        topic_arn: String,
        /// The same when SNS tries again.
        message_id: String,
        /// The message itself.
        message: String,
        /// `MessageVisibility` of the attributes, such as `CUSTOMER` or `ALL`. It is not signed: it may be reason to
        /// drop a message, and to nothing else.
        visibility: Option<String>,
    },
    /// The door is subscribed to a topic, if that is confirmed with the token.
    Confirmation {
        /// The topic: one of the settings'.
        topic_arn: String,
        /// Valid for two days.
        token: String,
    },
    /// The door is no longer subscribed.
    Unsubscribed {
        /// The topic: one of the settings'.
        topic_arn: String,
    },
}

/// Why a notification doesn't count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// It is not what it says it is, or not meant for this relay. SNS need not try again.
    #[error("the notification is not genuine: {0}")]
    Forged(&'static str),
    /// It is no notification as SNS writes them. SNS need not try again.
    #[error("the notification can't be read: {0}")]
    Malformed(&'static str),
    /// It can't be checked right now. SNS shall try again.
    #[error("the notification can't be checked now: {0}")]
    Transient(String),
}

/// Verifies notifications.
pub struct Verifier {
    topics: Vec<String>,
    certificates: Certificates,
    /// `AMAZON_CONNECT_SNS_ENDPOINT`.
    endpoint: Option<String>,
}

impl Verifier {
    /// For the topics of the settings.
    ///
    /// # Errors
    /// TLS can't be set up on this machine.
    pub fn new(settings: &settings::AmazonConnect) -> Result<Self, reqwest::Error> {
        let endpoint = settings.sns_endpoint.is_some().then(|| Endpoints::new(settings).sns);
        Ok(Self { topics: settings.topics.clone(), certificates: Certificates::new(Http::new()?), endpoint })
    }

    /// Checks a request's headers and body. Fetches the certificate if it is not known yet.
    ///
    /// # Errors
    /// It doesn't count: see [`Rejected`].
    pub async fn verify(&self, headers: &HeaderMap, body: &[u8], now: Time) -> Result<Verified, Rejected> {
        let envelope = self.precheck(headers, body, now)?;
        let url = &envelope.certificate_url;
        let certificate = self.certificates.get(url, now).await.map_err(|failure| match failure {
            Failure::Bad(why) => Rejected::Forged(why),
            Failure::Passing(why) => Rejected::Transient(why),
        })?;
        if now < certificate.not_before || now > certificate.not_after {
            return Err(Rejected::Forged("its certificate is not valid at this time"));
        }
        if !signature::is_valid(&envelope, &certificate.key) {
            return Err(Rejected::Forged("its signature is wrong"));
        }
        Ok(match envelope.kind {
            Kind::Notification => Verified::Notification {
                topic_arn: envelope.topic_arn,
                message_id: envelope.message_id,
                message: envelope.message,
                visibility: envelope.visibility,
            },
            Kind::SubscriptionConfirmation { token, .. } => {
                Verified::Confirmation { topic_arn: envelope.topic_arn, token }
            }
            Kind::UnsubscribeConfirmation { .. } => Verified::Unsubscribed { topic_arn: envelope.topic_arn },
        })
    }

    /// All that can be checked without the certificate.
    fn precheck(&self, headers: &HeaderMap, body: &[u8], now: Time) -> Result<Envelope, Rejected> {
        let header = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        if header("x-amz-sns-rawdelivery").is_some_and(|value| !value.eq_ignore_ascii_case("false")) {
            return Err(Rejected::Malformed("raw message delivery has no signature: switch it off"));
        }
        let envelope = Envelope::read(body).map_err(Rejected::Malformed)?;
        if header("x-amz-sns-message-type") != Some(envelope.kind.name()) {
            return Err(Rejected::Malformed("its header has another type"));
        }
        if !self.topics.contains(&envelope.topic_arn) {
            return Err(Rejected::Forged("its topic is not one of the settings'"));
        }
        if now > envelope.timestamp + RETRIES + SKEW {
            return Err(Rejected::Forged("it is too old"));
        }
        if envelope.timestamp > now + SKEW {
            return Err(Rejected::Forged("it is from the future"));
        }
        if !may_be_fetched(&envelope.certificate_url, &envelope.topic_arn, self.endpoint.as_deref()) {
            return Err(Rejected::Forged("its certificate is not where SNS has them"));
        }
        Ok(envelope)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
