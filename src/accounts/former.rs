//! The worker that ends the sessions of removed tokens when the relay starts.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::SignIn;
use crate::{
    engine::worker::{StepError, Worker},
    relay::time::Time,
};

/// The settings don't change while the relay runs.
const AGAIN: Duration = Duration::from_hours(24);

pub struct FormerTokens {
    sign_in: Arc<SignIn>,
}

impl FormerTokens {
    /// Of those who may sign in.
    pub const fn new(sign_in: Arc<SignIn>) -> Self {
        Self { sign_in }
    }
}

#[async_trait]
impl Worker for FormerTokens {
    fn name(&self) -> &'static str {
        "sessions of former tokens"
    }

    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        self.sign_in.end_those_of_others().await?;
        Ok(Some(self.sign_in.environment.now() + AGAIN))
    }
}
