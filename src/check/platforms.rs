//! Whether each platform takes a `ping`.

use handoff_relay::{
    agents::platforms::{Answer, webhook::Webhook},
    environment::{Environment, Machine},
    relay::rules::notify::NoticeOutcome,
    settings::Settings,
};

use super::Verdict;

pub async fn check(settings: &Settings) -> Vec<(&'static str, Verdict)> {
    let mut lines = Vec::new();
    for platform in &settings.platforms.webhooks {
        let verdict = match Webhook::new(platform, settings.platforms.allow_private) {
            Ok(webhook) => ping(&webhook).await,
            Err(error) => Verdict::Bad(format!("TLS can't be set up: {error}")),
        };
        lines.push((platform.id, verdict));
    }
    lines
}

async fn ping(webhook: &Webhook) -> Verdict {
    match webhook.ping(&Machine.new_id(), Machine.now()).await {
        Answer::Outcome(NoticeOutcome::Taken | NoticeOutcome::NotYet(_)) | Answer::KnownUpTo(_) => {
            Verdict::Good("the platform takes signed webhooks".to_owned())
        }
        Answer::Outcome(NoticeOutcome::Refused(reason) | NoticeOutcome::Later { reason, .. })
        | Answer::Refused(reason)
        | Answer::Gone(reason) => Verdict::Bad(format!(
            "{reason}; check its URL and secret, and whether it answers a ping with 2xx"
        )),
    }
}
