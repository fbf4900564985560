//! The worker that ends the sessions of removed tokens, when the relay starts and when it has read its settings again.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::watch;

use super::SignIn;
use crate::{
    engine::worker::{StepError, Worker},
    relay::time::Time,
};

/// Another relay on the same store may have begun one meanwhile.
const AGAIN: Duration = Duration::from_hours(24);

pub struct FormerTokens {
    sign_in: Arc<SignIn>,
    replaced: watch::Receiver<()>,
}

impl FormerTokens {
    /// Of those who may sign in.
    pub fn new(sign_in: Arc<SignIn>) -> Self {
        let replaced = sign_in.replacements();
        Self { sign_in, replaced }
    }
}

#[async_trait]
impl Worker for FormerTokens {
    fn name(&self) -> &'static str {
        "sessions of former tokens"
    }

    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        self.replaced.borrow_and_update();
        self.sign_in.end_those_of_others().await?;
        Ok(Some(self.sign_in.environment.now() + AGAIN))
    }

    async fn woken(&mut self) {
        if self.replaced.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
