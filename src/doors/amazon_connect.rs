//! Amazon Connect's door: notifications by SNS. They are verified before anything else happens, and kept before they are
//! acknowledged. SNS repeats what was answered 5xx, and gives up what was answered 4xx.

use axum::{body::Body, extract::State, http::HeaderMap};

use super::App;
use crate::{
    agents::platforms::amazon_connect::{
        AmazonConnect, Subscription,
        item::WireItem,
        sns::{Rejected, Verified},
    },
    engine::ContactArrival,
    web::{body::BodyError, problem::Problem},
};

/// `POST /webhooks/amazon-connect`
pub async fn notification(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<&'static str, Problem> {
    let Some((_, connect)) = app.engine.amazon_connect() else {
        return Err(Problem::not_found("this path does not exist"));
    };
    let held = app.bodies.notifications.read(&headers, body).await.map_err(|error| match error {
        BodyError::TooLarge => Problem::from(error),
        // It is not the sender's fault, and would be lost otherwise.
        passing => Problem::unavailable(format!("{passing}; try again")),
    })?;
    let now = app.engine.environment().now();
    match connect.verifier.verify(&headers, &held.bytes, now).await {
        Ok(verified) => take(&app, connect, verified).await,
        Err(rejected) => Err(refuse(&app, rejected)),
    }
}

async fn take(app: &App, connect: &AmazonConnect, verified: Verified) -> Result<&'static str, Problem> {
    match verified {
        Verified::Notification { message, visibility, .. } => {
            connect.subscription.set(Subscription::Confirmed);
            // What is for others in the chat is not for the customer. Attributes are not signed: they only leave out.
            if visibility.is_some_and(|to| to != "CUSTOMER" && to != "ALL") {
                return Ok("ignored");
            }
            let Ok(item) = serde_json::from_str::<WireItem>(&message) else {
                app.warnings.say("notification ignored", "its message is not a JSON object");
                return Ok("ignored");
            };
            match app.engine.notified(connect, &item).await? {
                ContactArrival::Kept => Ok("ok"),
                ContactArrival::Ignored => Ok("ignored"),
                ContactArrival::TooEarly => Err(Problem::unavailable("this contact is not known yet")),
                ContactArrival::Full => {
                    Err(Problem::unavailable("too many messages of this contact are waiting; try again"))
                }
            }
        }
        Verified::Confirmation { topic_arn, token } => {
            connect.confirm(&topic_arn, &token).await.map_err(|error| {
                tracing::error!(topic = topic_arn, reason = %error, "the subscription could not be confirmed");
                Problem::unavailable("the subscription could not be confirmed; try again")
            })?;
            tracing::info!(topic = topic_arn, "the subscription of the topic is confirmed");
            Ok("confirmed")
        }
        Verified::Unsubscribed { topic_arn } => {
            // The first topic is the one that contacts stream to.
            if topic_arn == connect.settings.topic_arn {
                connect.subscription.set(Subscription::Removed);
            }
            tracing::error!(
                topic = topic_arn,
                "the subscription was removed: nothing comes from Amazon Connect"
            );
            Ok("ok")
        }
    }
}

fn refuse(app: &App, rejected: Rejected) -> Problem {
    match rejected {
        Rejected::Malformed(reason) => {
            app.warnings.say("notification refused", reason);
            Problem::bad_request(reason)
        }
        Rejected::Forged(reason) => {
            app.warnings.say("notification refused", reason);
            Problem::new(axum::http::StatusCode::FORBIDDEN, reason)
        }
        Rejected::Transient(reason) => {
            tracing::warn!(reason, "a notification could not be verified now");
            Problem::unavailable("the notification can't be verified now; try again")
        }
    }
}
