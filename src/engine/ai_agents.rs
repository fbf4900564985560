//! Ada's AI Agents, as values: everything that belongs to one AI Agent, and which one something belongs to.
//!
//! There is one, from the environment. All callers name the AI Agent, so that there can be several later.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::HeaderMap;
use bytes::Bytes;

use super::start_limit::StartLimit;
use crate::{
    ada::{
        api::Ada,
        signature::{SignatureError, VerifiedWebhook, Verifier},
        webhook::WebhookParser,
    },
    relay::{
        changes::{Of, View},
        id::AiAgentId,
        policy::Policy,
    },
    secret::Secret,
};

/// One AI Agent.
pub struct AiAgent {
    /// Its API, with its key, limits, queue and clock.
    pub ada: Arc<dyn Ada>,
    /// Its id, and which events are ours.
    pub parser: WebhookParser,
    /// Verifies the signatures of its webhooks.
    pub verifier: Verifier,
    /// The key of its start calls.
    pub start_key: StartKey,
    /// The rules' settings for its conversations.
    pub policy: Arc<Policy>,
}

/// The key of start calls.
pub enum StartKey {
    /// This bearer token.
    Shared(Secret),
    /// No key: anyone can make a start call, so new handoffs are limited.
    Off(Arc<StartLimit>),
}

/// A start call belongs to none of our AI Agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOurs {
    /// It has no key.
    KeyMissing,
    /// It has another key.
    OtherKey,
}

impl StartKey {
    /// This key, or none.
    pub fn new(key: Option<Secret>) -> Self {
        key.map_or_else(|| Self::Off(Arc::default()), Self::Shared)
    }
}

impl AiAgent {
    /// Its id.
    pub const fn id(&self) -> &AiAgentId {
        &self.parser.ai_agent
    }
}

/// All AI Agents: at least one.
pub struct AiAgents {
    first: AiAgent,
    others: Vec<AiAgent>,
    /// AI Agents that are stored but no longer in the settings. The first AI Agent has taken over their data.
    taken_over: Mutex<BTreeSet<AiAgentId>>,
}

impl AiAgents {
    /// This one alone.
    pub fn one(ai_agent: AiAgent) -> Self {
        Self { first: ai_agent, others: Vec::new(), taken_over: Mutex::default() }
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &AiAgent> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The first, for requests that concern the relay as a whole.
    pub const fn first(&self) -> &AiAgent {
        &self.first
    }

    /// The one with this id; the first one for ids that are no longer in the settings.
    pub fn of(&self, id: &AiAgentId) -> &AiAgent {
        self.iter().find(|ai_agent| ai_agent.id() == id).unwrap_or_else(|| {
            self.take_over(id);
            &self.first
        })
    }

    /// Records that there is stored data of this one.
    pub fn meet(&self, id: &AiAgentId) {
        if self.iter().all(|ai_agent| ai_agent.id() != id) {
            self.take_over(id);
        }
    }

    fn take_over(&self, id: &AiAgentId) {
        // Data without a conversation belongs to no AI Agent.
        if id.as_str().is_empty() {
            return;
        }
        self.taken_over.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
    }

    /// The known ids under which data may be stored.
    pub fn ids(&self) -> Vec<AiAgentId> {
        let taken_over = self.taken_over.lock().unwrap_or_else(PoisonError::into_inner);
        self.iter().map(AiAgent::id).chain(taken_over.iter()).cloned().collect()
    }

    /// The AI Agent whose conversation a decision is about.
    pub fn of_view(&self, of: &Of, view: &View) -> &AiAgent {
        match of {
            Of::Conversation(key) => self.of(&key.ai_agent),
            Of::Handoff(_) => {
                view.handoffs.first().map_or(&self.first, |handoff| self.of(&handoff.key.ai_agent))
            }
        }
    }

    /// Verifies a webhook's signature, and returns the AI Agent for which it was signed.
    ///
    /// # Errors
    /// As [`Verifier::verify`].
    pub fn verify(&self, headers: &HeaderMap, body: &Bytes) -> Result<VerifiedWebhook, SignatureError> {
        let mut refusal = SignatureError::Invalid;
        for ai_agent in self.iter() {
            match ai_agent.verifier.verify(headers, body.clone()) {
                Ok(webhook) => return Ok(webhook),
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    /// The AI Agent to which a start call with this bearer token (or without one) belongs.
    ///
    /// # Errors
    /// It belongs to none.
    pub fn started_by(&self, token: Option<&str>) -> Result<&AiAgent, NotOurs> {
        let takes = |ai_agent: &&AiAgent| match &ai_agent.start_key {
            StartKey::Shared(key) => token.is_some_and(|token| key.matches(token)),
            StartKey::Off(_) => true,
        };
        let refusal = if token.is_some() { NotOurs::OtherKey } else { NotOurs::KeyMissing };
        self.iter().find(takes).ok_or(refusal)
    }

    /// Whether anyone can make start calls.
    pub fn any_start_key_is_off(&self) -> bool {
        self.iter().any(|ai_agent| matches!(ai_agent.start_key, StartKey::Off(_)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        ada::{client::Client, limits::Rates},
        relay::{buffer::Timings, platform::PlatformPolicy, time::Time},
    };

    const SECRETS: [&str; 2] =
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"];

    fn ai_agent(id: &str, secret: &str, start_key: Option<&str>) -> AiAgent {
        let base = format!("https://{id}/api").parse().unwrap();
        let rates = Rates { per_second: 10, per_minute: 100 };
        let ada = Client::new(&base, Secret::new("key"), rates, Duration::from_secs(1)).unwrap();
        AiAgent {
            ada: Arc::new(ada),
            parser: WebhookParser { integration: "custom-handoff".to_owned(), ai_agent: id.into() },
            verifier: Verifier::new(id.into(), &[Secret::new(secret)]).unwrap(),
            start_key: StartKey::new(start_key.map(Secret::new)),
            policy: Arc::new(policy()),
        }
    }

    fn policy() -> Policy {
        let timings = Timings { quiet: Duration::ZERO, cap: Duration::ZERO, unknown_hold: Duration::ZERO };
        Policy {
            timings,
            integration: "custom-handoff".to_owned(),
            inbox_limit: 1,
            outbox_limit: 1,
            send_max_age: Duration::ZERO,
            began_at: Time::default(),
            recover_after: Duration::ZERO,
            waiting_timeout: None,
            idle_timeout: None,
            platforms: PlatformPolicy::default(),
        }
    }

    fn two(second_key: Option<&str>) -> AiAgents {
        let others = vec![ai_agent("b.ada.support", SECRETS[1], second_key)];
        AiAgents { others, ..AiAgents::one(ai_agent("a.ada.support", SECRETS[0], Some("key-of-a"))) }
    }

    #[test]
    fn a_webhook_is_whose_secret_it_was_signed_with() {
        let body = Bytes::from_static(b"{}");
        let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
        let signed = |secret: &str| {
            let signature = sandbox::webhook::sign(secret, "msg_1", now, &body);
            let mut headers = HeaderMap::new();
            let now = now.to_string();
            for (name, value) in
                [("svix-id", "msg_1"), ("svix-timestamp", &now), ("svix-signature", &signature)]
            {
                headers.insert(name, value.parse().unwrap());
            }
            two(None).verify(&headers, &body).map(|webhook| webhook.ai_agent.0)
        };
        assert_eq!(signed(SECRETS[0]).unwrap(), "a.ada.support");
        assert_eq!(signed(SECRETS[1]).unwrap(), "b.ada.support");
        assert_eq!(signed("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), Err(SignatureError::Invalid));
    }

    #[test]
    fn what_is_stored_of_one_that_has_gone_is_the_first_ones() {
        let ai_agents = two(None);
        assert_eq!(ai_agents.ids().len(), 2);
        assert_eq!(ai_agents.of(&"old.ada.support".into()).id().as_str(), "a.ada.support");
        assert_eq!(ai_agents.of(&"b.ada.support".into()).id().as_str(), "b.ada.support");
        assert_eq!(ai_agents.of(&"".into()).id().as_str(), "a.ada.support");
        let ids = ["a.ada.support", "b.ada.support", "old.ada.support"].map(AiAgentId::from);
        assert_eq!(ai_agents.ids(), ids);
    }

    #[test]
    fn a_start_call_is_whose_key_it_carries() {
        let started =
            |ai_agents: &AiAgents, token| ai_agents.started_by(token).map(|found| found.id().0.clone());
        let locked = two(Some("key-of-b"));
        assert_eq!(started(&locked, Some("key-of-a")).unwrap(), "a.ada.support");
        assert_eq!(started(&locked, Some("key-of-b")).unwrap(), "b.ada.support");
        assert_eq!(started(&locked, Some("key-of-c")), Err(NotOurs::OtherKey));
        assert_eq!(started(&locked, None), Err(NotOurs::KeyMissing));
        let open = two(None);
        assert_eq!(started(&open, Some("key-of-a")).unwrap(), "a.ada.support");
        assert_eq!(started(&open, None).unwrap(), "b.ada.support");
        assert!(open.any_start_key_is_off() && !locked.any_start_key_is_off());
    }
}
