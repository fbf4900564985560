//! Topics of SNS: their subscriptions.

use reqwest::{Method, header::CONTENT_TYPE};
use url::form_urlencoded;

use super::{Connect, Operation, unreadable, unwritable};
use crate::agents::platforms::amazon_connect::aws::{Answer, CallError, Sent, Service, blocks, text};

/// A topic with more subscriptions (a hundred to a page) is read so far.
const MOST_PAGES: usize = 50;

/// Who gets a topic's notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Where they go, such as a URL.
    pub endpoint: String,
    /// Its ARN; `PendingConfirmation` until it is confirmed.
    pub arn: String,
    /// Whether it is confirmed: nothing comes before.
    pub is_confirmed: bool,
}

impl Connect {
    /// `ConfirmSubscription`, with the topic and the token of a verified notification. Gives the subscription's ARN.
    /// The URL is of our own making, so that no notification can choose what is called.
    ///
    /// # Errors
    /// See [`CallError`]. Confirming twice is none.
    pub async fn confirm_subscription(&self, topic_arn: &str, token: &str) -> Result<String, CallError> {
        const CALL: Operation = Operation { name: "ConfirmSubscription", sent: Sent::Unsigned };
        let query = form([("Action", CALL.name), ("TopicArn", topic_arn), ("Token", token)]);
        let request = self.http.client().request(Method::GET, format!("{}/?{query}", self.endpoints.sns));
        let request = request.build().map_err(|_| unwritable(CALL))?;
        let answer = self.http.call(CALL, request, self.environment.now()).await?;
        text(&document(&answer), "SubscriptionArn").ok_or_else(|| unreadable(CALL))
    }

    /// `ListSubscriptionsByTopic`, all pages.
    ///
    /// # Errors
    /// See [`CallError`]; `Gone` if there is no such topic.
    pub async fn topic_subscriptions(&self, topic_arn: &str) -> Result<Vec<Subscription>, CallError> {
        const CALL: Operation =
            Operation { name: "ListSubscriptionsByTopic", sent: Sent::Signed(Service::Sns) };
        let (mut found, mut next) = (Vec::new(), String::new());
        for _ in 0..MOST_PAGES {
            let fields = [
                ("Action", CALL.name),
                ("Version", "2010-03-31"),
                ("TopicArn", topic_arn),
                ("NextToken", next.as_str()),
            ];
            let body = form(fields);
            let request = || {
                let request = self.http.client().post(format!("{}/", self.endpoints.sns));
                let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
                request.body(body.clone()).build().map_err(|_| unwritable(CALL))
            };
            let page = document(&self.signed(CALL, Service::Sns, request).await?);
            found.extend(blocks(&page, "member").map(subscription));
            match text(&page, "NextToken").filter(|token| !token.is_empty()) {
                Some(token) => next = token,
                None => break,
            }
        }
        Ok(found)
    }
}

fn subscription(member: &str) -> Subscription {
    let arn = text(member, "SubscriptionArn").unwrap_or_default();
    let is_confirmed = arn.starts_with("arn:");
    Subscription { endpoint: text(member, "Endpoint").unwrap_or_default(), arn, is_confirmed }
}

fn document(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// The fields that have a value.
fn form<const N: usize>(fields: [(&str, &str); N]) -> String {
    let fields = fields.into_iter().filter(|(_, value)| !value.is_empty());
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
