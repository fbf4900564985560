//! Whether the topic's subscription to this relay is confirmed: else nothing comes back from agents.

use std::sync::{Mutex, PoisonError};

/// What is known of the subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subscription {
    /// Nothing, since this process began.
    #[default]
    Unknown,
    /// Notifications come.
    Confirmed,
    /// It exists, and waits to be confirmed.
    Pending,
    /// The topic has none to this relay.
    Missing,
    /// It was removed.
    Removed,
}

/// The present state.
#[derive(Debug, Default)]
pub struct SubscriptionState(Mutex<Subscription>);

impl SubscriptionState {
    /// What is known now.
    pub fn get(&self) -> Subscription {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is so from now on, unless it is no longer as it was `before`.
    pub fn change(&self, before: Subscription, now: Subscription) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *state == before {
            *state = now;
        }
    }

    /// It is so from now on.
    pub fn set(&self, now: Subscription) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

impl Subscription {
    /// What is wrong, for people.
    pub const fn trouble(self) -> Option<&'static str> {
        match self {
            Self::Unknown | Self::Confirmed => None,
            Self::Pending => {
                Some("the subscription of the topic to this relay is not confirmed: nothing comes back")
            }
            Self::Missing => Some("the topic has no subscription to this relay: nothing comes back"),
            Self::Removed => {
                Some("the subscription of the topic to this relay was removed: nothing comes back")
            }
        }
    }
}
