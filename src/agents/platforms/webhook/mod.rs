//! A platform that takes signed webhooks: any system whose developers write a receiver.

pub mod body;
pub mod sign;

use std::time::Duration;

use reqwest::{Method, Response, StatusCode, header};
use tokio::time::timeout;
use url::Url;

use super::{Answer, FileLinks};
use crate::{
    outbound::{Addresses, Denied, GuardedClient, System, Unanswered, retry_after, unanswered},
    relay::{id::HandoffId, platform::Notice, policy::Policy, rules::notify::NoticeOutcome, time::Time},
    settings::WebhookPlatform,
    unseen::is_unseen,
};

/// How long an answer may take.
const TIME_LIMIT: Duration = Duration::from_secs(15);
const CONNECT: Duration = Duration::from_secs(5);
/// How much of an answer is read.
const MOST_READ: usize = 64 << 10;
/// How much of it is told.
const MOST_TOLD: usize = 200;
/// Connections that are kept for the next event.
const IDLE: usize = 8;

/// A receiver of signed webhooks.
pub struct Webhook {
    url: Url,
    keys: Vec<Vec<u8>>,
    client: GuardedClient,
}

impl Webhook {
    /// The receiver of the settings. Unless `allow_private`, it is called at public addresses alone.
    ///
    /// # Errors
    /// TLS can't be set up on this machine.
    pub fn new(platform: &WebhookPlatform, allow_private: bool) -> Result<Self, reqwest::Error> {
        let addresses = if allow_private { Addresses::Any } else { Addresses::Public };
        let keys = platform.secrets.iter().filter_map(|secret| sign::key(secret.expose())).collect();
        let client = GuardedClient::new(addresses, System, CONNECT, IDLE)?;
        Ok(Self { url: platform.url.clone(), keys, client })
    }

    /// What events are signed with.
    pub fn keys(&self) -> &[Vec<u8>] {
        &self.keys
    }

    /// Sends an event, once.
    pub async fn send(
        &self,
        handoff: &HandoffId,
        notice: &Notice,
        links: &FileLinks,
        now: Time,
        policy: Option<&Policy>,
    ) -> Answer {
        let body = body::of_notice(handoff, notice, links, now, policy);
        self.post(&notice.id, body, now).await
    }

    /// Sends an event that means nothing, to find out whether the receiver answers.
    pub async fn ping(&self, id: &str, now: Time) -> Answer {
        self.post(id, body::ping(now), now).await
    }

    async fn post(&self, id: &str, body: String, now: Time) -> Answer {
        match timeout(TIME_LIMIT, self.call(id, body, now)).await {
            Ok(answer) => answer,
            Err(_) => later("the platform did not answer within 15 s", None),
        }
    }

    async fn call(&self, id: &str, body: String, now: Time) -> Answer {
        let request = match self.client.request(Method::POST, &self.url) {
            Ok(request) => request,
            Err(denied) => return later(words(denied), None),
        };
        let timestamp = now.second();
        let signature = sign::signature(&self.keys, id, timestamp, body.as_bytes());
        let sent = request
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(body)
            .send();
        match sent.await {
            Ok(response) => judge(response).await,
            Err(error) => later(
                match unanswered(&error) {
                    Unanswered::Address => words(Denied::Address),
                    Unanswered::Unreached => "the platform can't be reached",
                    Unanswered::Closed => "the platform closed the connection before it answered",
                },
                None,
            ),
        }
    }
}

const fn words(denied: Denied) -> &'static str {
    match denied {
        Denied::Address => "the platform's address is not public; PLATFORM_ALLOW_PRIVATE=on allows it",
        Denied::Credentials | Denied::NoServer | Denied::WithoutTls | Denied::NoUrl => {
            "the platform's URL can't be called"
        }
    }
}

fn later(reason: &str, retry_after: Option<Duration>) -> Answer {
    Answer::Outcome(NoticeOutcome::Later { reason: reason.to_owned(), retry_after })
}

/// What an answer means. A redirect is not followed: it might lead anywhere.
async fn judge(response: Response) -> Answer {
    let (status, wait) = (response.status(), retry_after(&response));
    if status.is_success() {
        return Answer::Outcome(NoticeOutcome::Taken);
    }
    let told = told(response).await;
    let reason = format!("the platform answered {}{told}", status.as_u16());
    match status {
        StatusCode::GONE => Answer::Gone(reason),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            later(&reason, wait)
        }
        status if status.is_client_error() => Answer::Outcome(NoticeOutcome::Refused(reason)),
        status if status.is_redirection() => later(&format!("{reason}: redirects are not followed"), None),
        _ => later(&reason, wait),
    }
}

/// The beginning of an answer's text, for people. It is not trusted.
async fn told(mut response: Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = MOST_READ - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() >= MOST_READ {
            break;
        }
    }
    let text = String::from_utf8_lossy(&body);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let plain: String = words.chars().filter(|c| !is_unseen(*c)).take(MOST_TOLD).collect();
    if plain.is_empty() { String::new() } else { format!(": {plain}") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
