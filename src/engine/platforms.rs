//! What operators do with agent platforms.

use super::Engine;
use crate::{
    agents::platforms::{Answer, Kind, Platform, Platforms},
    relay::{id::PlatformId, rules::notify::NoticeOutcome},
    store::{StoreError, platforms::PlatformState},
};

impl Engine {
    /// The platforms of the settings.
    pub const fn platforms(&self) -> &Platforms {
        &self.platforms
    }

    /// Sends events to a platform again that was disabled, or whose circuit is open. `None` if there is none of this name.
    ///
    /// # Errors
    /// The store failed; nothing has changed.
    pub async fn enable_platform(&self, id: &PlatformId) -> Result<Option<&Platform>, StoreError> {
        let Some(platform) = self.platforms.find(id) else { return Ok(None) };
        self.store.put_platform(PlatformState { id: id.clone(), disabled: None }).await?;
        platform.circuit.enable();
        tracing::info!(platform = %id, "an operator has enabled the platform");
        Ok(Some(platform))
    }

    /// Sends a `ping` to a platform, whatever the state of its circuit, and says why it was not taken, if so.
    ///
    /// # Errors
    /// The platform did not take it.
    pub async fn test_platform(&self, platform: &Platform) -> Result<(), String> {
        let id = self.environment.new_id();
        let answer = match &platform.kind {
            Kind::Webhook(webhook) => webhook.ping(&id, self.environment.now()).await,
            Kind::AmazonConnect(connect) => connect.ping().await,
        };
        match answer {
            Answer::Outcome(NoticeOutcome::Taken) | Answer::KnownUpTo(_) => {
                platform.circuit.succeeded();
                Ok(())
            }
            Answer::Outcome(NoticeOutcome::Refused(reason) | NoticeOutcome::Later { reason, .. })
            | Answer::Refused(reason)
            | Answer::Gone(reason) => Err(reason),
            Answer::Outcome(NoticeOutcome::NotYet(_)) => Err("it is not ready yet".to_owned()),
        }
    }
}
