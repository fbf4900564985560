//! Ada's AI Agents, as values: everything that belongs to one AI Agent, and which one something belongs to.
//!
//! The one of the environment takes everything that is stored for its own. What belongs to none of a list is left alone.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;

use super::start_limit::StartLimit;
use crate::{
    ada::{
        api::Ada,
        signature::{SignatureError, Signed, VerifiedWebhook, Verifier},
        webhook::WebhookParser,
    },
    relay::{
        changes::{Of, View},
        id::AiAgentId,
        policy::Policy,
        waiting_room::WaitingRoom,
    },
    secret::Secret,
};

/// One AI Agent.
pub struct AiAgent {
    /// Its API, with its key, limits, queue and clock.
    pub ada: Arc<dyn Ada>,
    /// Its id, and which events are ours.
    pub parser: WebhookParser,
    /// Other ids under which its conversations may be stored.
    pub formerly: Vec<AiAgentId>,
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

/// A start call belongs to none of our AI Agents, or it can't be told to which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOurs {
    /// It has no key.
    KeyMissing,
    /// It has another key.
    OtherKey,
    /// It names an AI Agent that this key does not belong to.
    OtherAiAgent,
    /// The key belongs to several, and it names none.
    Unnamed,
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

    /// All ids under which its conversations may be stored.
    pub fn ids(&self) -> impl Iterator<Item = &AiAgentId> {
        std::iter::once(self.id()).chain(&self.formerly)
    }

    /// Whether it is called so: by its id or one of its domains.
    fn is_called(&self, name: &str) -> bool {
        let domains = &self.parser.domains;
        self.id().as_str() == name || domains.iter().any(|domain| domain.eq_ignore_ascii_case(name))
    }

    /// Whether its start calls carry this key, or need none.
    fn takes(&self, token: Option<&str>) -> bool {
        match &self.start_key {
            StartKey::Shared(key) => token.is_some_and(|token| key.matches(token)),
            StartKey::Off(_) => token.is_none(),
        }
    }
}

/// All AI Agents: at least one.
pub struct AiAgents {
    first: AiAgent,
    others: Vec<AiAgent>,
    /// They are all there are: nothing is taken over.
    are_listed: bool,
    /// AI Agents that are stored but no longer in the settings. The first AI Agent has taken over their data.
    taken_over: Mutex<BTreeSet<AiAgentId>>,
}

impl AiAgents {
    /// This one alone, to which everything belongs.
    pub fn one(ai_agent: AiAgent) -> Self {
        Self { first: ai_agent, others: Vec::new(), are_listed: false, taken_over: Mutex::default() }
    }

    /// These, to which nothing belongs but what is theirs.
    pub fn listed(first: AiAgent, others: Vec<AiAgent>) -> Self {
        Self { first, others, are_listed: true, taken_over: Mutex::default() }
    }

    /// They take the place of these: what those had taken over is theirs.
    pub(super) fn succeed(&self, before: &Self) {
        let of = |all: &Self| all.taken_over.lock().unwrap_or_else(PoisonError::into_inner).clone();
        of(before).iter().for_each(|id| self.meet(id));
    }

    /// Whether what is none of theirs is left alone.
    pub const fn are_listed(&self) -> bool {
        self.are_listed
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &AiAgent> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// What any of their customers are told while they wait.
    pub fn waiting_rooms(&self) -> impl Iterator<Item = &WaitingRoom> {
        self.iter().flat_map(|ai_agent| ai_agent.policy.waiting_rooms.iter())
    }

    /// The first, for requests that concern the relay as a whole.
    pub const fn first(&self) -> &AiAgent {
        &self.first
    }

    fn find(&self, id: &AiAgentId) -> Option<&AiAgent> {
        self.iter().find(|ai_agent| ai_agent.ids().any(|known| known == id))
    }

    /// The one with this id; the first one for ids that are no longer in the settings. Of a list, nothing of those is
    /// carried out: they have no places in the outbox, and a start with work of theirs is refused.
    pub fn of(&self, id: &AiAgentId) -> &AiAgent {
        self.find(id).unwrap_or_else(|| {
            self.take_over(id);
            &self.first
        })
    }

    /// Whether stored data with this id belongs to one of them. Data without a conversation belongs to no AI Agent.
    pub fn own(&self, id: &AiAgentId) -> bool {
        !self.are_listed || id.as_str().is_empty() || self.find(id).is_some()
    }

    /// Records that there is stored data of this one.
    pub fn meet(&self, id: &AiAgentId) {
        if self.find(id).is_none() {
            self.take_over(id);
        }
    }

    fn take_over(&self, id: &AiAgentId) {
        // Data without a conversation belongs to no AI Agent.
        if self.are_listed || id.as_str().is_empty() {
            return;
        }
        self.taken_over.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
    }

    /// The known ids under which data may be stored.
    pub fn ids(&self) -> Vec<AiAgentId> {
        let taken_over = self.taken_over.lock().unwrap_or_else(PoisonError::into_inner);
        self.iter().flat_map(AiAgent::ids).chain(taken_over.iter()).cloned().collect()
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

    /// Verifies a webhook's signature, and returns the AI Agent for which it was signed: of several with that secret, the
    /// one whose domain it names.
    ///
    /// # Errors
    /// As [`Verifier::verify`].
    pub fn verify(&self, signed: &Signed<'_>, body: &Bytes) -> Result<VerifiedWebhook, SignatureError> {
        let mut refusal = SignatureError::Invalid;
        let mut accepted: Option<VerifiedWebhook> = None;
        for ai_agent in self.iter() {
            match ai_agent.verifier.verify(signed, body.clone()) {
                // Where the secret is one's own, the domain is looked at when the event is read.
                Ok(webhook) if accepted.is_none() || ai_agent.parser.is_of(body) => accepted = Some(webhook),
                Ok(_) => {}
                Err(error) => refusal = error,
            }
        }
        accepted.ok_or(refusal)
    }

    /// The AI Agents to which a start call with this bearer token (or without one) may belong: one at least.
    ///
    /// # Errors
    /// It belongs to none.
    pub fn started_by(&self, token: Option<&str>) -> Result<Vec<&AiAgent>, NotOurs> {
        let mut takers: Vec<&AiAgent> = self.iter().filter(|ai_agent| ai_agent.takes(token)).collect();
        let is_off = |ai_agent: &&AiAgent| matches!(ai_agent.start_key, StartKey::Off(_));
        // Where no start call needs a key, one does no harm.
        if takers.is_empty() && self.iter().all(|ai_agent| is_off(&ai_agent)) {
            takers.extend(self.iter());
        }
        let refusal = if token.is_some() { NotOurs::OtherKey } else { NotOurs::KeyMissing };
        if takers.is_empty() { Err(refusal) } else { Ok(takers) }
    }

    /// The one of these that a start call means; `named` is what it calls it.
    ///
    /// # Errors
    /// It is none of them, or it can't be told which.
    pub fn meant<'a>(takers: &[&'a AiAgent], named: Option<&str>) -> Result<&'a AiAgent, NotOurs> {
        match (named, takers) {
            (Some(name), _) => {
                takers.iter().find(|ai_agent| ai_agent.is_called(name)).copied().ok_or(NotOurs::OtherAiAgent)
            }
            (None, [only]) => Ok(only),
            (None, _) => Err(NotOurs::Unnamed),
        }
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

    use axum::http::HeaderMap;

    use super::*;
    use crate::{
        ada::{client::Client, limits::Rates},
        relay::{
            buffer::Timings, platform::PlatformPolicy, time::Time, values::HandoffValues,
            waiting_room::WaitingRooms,
        },
    };

    const SECRETS: [&str; 2] =
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"];

    fn ai_agent(id: &str, secret: &str, start_key: Option<&str>) -> AiAgent {
        let base = format!("https://{id}/api").parse().unwrap();
        let rates = Rates { per_second: 10, per_minute: 100 };
        let ada = Client::new(&base, Secret::new("key"), rates, Duration::from_secs(1)).unwrap();
        AiAgent {
            ada: Arc::new(ada),
            parser: WebhookParser {
                integrations: vec!["custom-handoff".to_owned()],
                domains: vec![id.to_owned()],
                ai_agent: id.into(),
            },
            formerly: vec![format!("old-{id}").as_str().into()],
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
            domain: None,
            inbox_limit: 1,
            outbox_limit: 1,
            send_max_age: Duration::ZERO,
            began_at: Time::default(),
            recover_after: Duration::ZERO,
            waiting_timeout: None,
            idle_timeout: None,
            language: None,
            gone_after: Duration::from_mins(3),
            waiting_rooms: WaitingRooms::default(),
            values: HandoffValues::default(),
            routing: Arc::default(),
            platforms: PlatformPolicy::default(),
        }
    }

    fn two(second_key: Option<&str>) -> AiAgents {
        let first = ai_agent("a.ada.support", SECRETS[0], Some("key-of-a"));
        AiAgents::listed(first, vec![ai_agent("b.ada.support", SECRETS[1], second_key)])
    }

    fn verified(ai_agents: &AiAgents, secret: &str, domain: &str) -> Result<String, SignatureError> {
        let body = Bytes::from(format!(r#"{{"data":{{"ai_agent_domain":"{domain}"}}}}"#));
        let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
        let signature = sandbox::webhook::sign(secret, "msg_1", now, &body);
        let mut headers = HeaderMap::new();
        let now = now.to_string();
        for (name, value) in [("svix-id", "msg_1"), ("svix-timestamp", &now), ("svix-signature", &signature)]
        {
            headers.insert(name, value.parse().unwrap());
        }
        ai_agents.verify(&Signed::read(&headers)?, &body).map(|webhook| webhook.ai_agent.0)
    }

    #[test]
    fn a_webhook_is_whose_secret_it_was_signed_with() {
        for domain in ["a.ada.support", "b.ada.support", "c.ada.support", ""] {
            assert_eq!(verified(&two(None), SECRETS[0], domain).unwrap(), "a.ada.support");
            assert_eq!(verified(&two(None), SECRETS[1], domain).unwrap(), "b.ada.support");
            let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
            assert_eq!(verified(&two(None), other, domain), Err(SignatureError::Invalid));
        }
    }

    #[test]
    fn of_two_with_the_same_secret_the_domain_tells_which_one() {
        let ai_agents = [("a.ada.support", SECRETS[0]), ("b.ada.support", SECRETS[0])]
            .map(|(id, secret)| ai_agent(id, secret, None));
        let [first, other] = ai_agents;
        let ai_agents = AiAgents::listed(first, vec![other]);
        assert_eq!(verified(&ai_agents, SECRETS[0], "a.ada.support").unwrap(), "a.ada.support");
        assert_eq!(verified(&ai_agents, SECRETS[0], "B.ada.support").unwrap(), "b.ada.support");
        // Which one is no matter: its event is set aside when it is read.
        assert!(verified(&ai_agents, SECRETS[0], "c.ada.support").is_ok());
    }

    #[test]
    fn what_is_stored_of_one_that_has_gone_is_its_own() {
        let ai_agents = AiAgents::one(ai_agent("a.ada.support", SECRETS[0], None));
        assert_eq!(ai_agents.of(&"old.ada.support".into()).id().as_str(), "a.ada.support");
        assert!(ai_agents.own(&"old.ada.support".into()));
        let ids = ["a.ada.support", "old-a.ada.support", "old.ada.support"].map(AiAgentId::from);
        assert_eq!(ai_agents.ids(), ids);
    }

    #[test]
    fn of_a_list_what_is_stored_under_other_ids_is_left_alone() {
        let ai_agents = two(None);
        for (id, owner) in [
            ("a.ada.support", Some("a.ada.support")),
            ("old-a.ada.support", Some("a.ada.support")),
            ("b.ada.support", Some("b.ada.support")),
            ("old-b.ada.support", Some("b.ada.support")),
            ("old.ada.support", None),
        ] {
            let id = AiAgentId::from(id);
            assert_eq!(ai_agents.own(&id), owner.is_some(), "{id}");
            assert_eq!(ai_agents.of(&id).id().as_str(), owner.unwrap_or("a.ada.support"));
            ai_agents.meet(&id);
        }
        assert!(ai_agents.own(&"".into()), "data without a conversation");
        let ids = ["a.ada.support", "old-a.ada.support", "b.ada.support", "old-b.ada.support"];
        assert_eq!(ai_agents.ids(), ids.map(AiAgentId::from), "others have no places in the outbox");
    }

    fn started(ai_agents: &AiAgents, token: Option<&str>, named: Option<&str>) -> Result<String, NotOurs> {
        AiAgents::meant(&ai_agents.started_by(token)?, named).map(|found| found.id().0.clone())
    }

    #[test]
    fn a_start_call_is_whose_key_it_carries() {
        let [a, b] = ["a.ada.support", "b.ada.support"].map(|id| Ok(id.to_owned()));
        let locked = two(Some("key-of-b"));
        assert_eq!(started(&locked, Some("key-of-a"), None), a);
        assert_eq!(started(&locked, Some("key-of-b"), None), b);
        assert_eq!(started(&locked, Some("key-of-c"), None), Err(NotOurs::OtherKey));
        assert_eq!(started(&locked, None, None), Err(NotOurs::KeyMissing));
        assert_eq!(started(&locked, Some("key-of-b"), Some("B.ADA.support")), b);
        assert_eq!(started(&locked, Some("key-of-b"), Some("a.ada.support")), Err(NotOurs::OtherAiAgent));
        assert_eq!(started(&locked, Some("key-of-c"), Some("a.ada.support")), Err(NotOurs::OtherKey));
        let open = two(None);
        assert_eq!(started(&open, Some("key-of-a"), None), a);
        assert_eq!(started(&open, None, None), b);
        assert_eq!(started(&open, None, Some("a.ada.support")), Err(NotOurs::OtherAiAgent));
        assert_eq!(
            started(&open, Some("another"), None),
            Err(NotOurs::OtherKey),
            "it may be an old one of a's"
        );
        assert!(open.any_start_key_is_off() && !locked.any_start_key_is_off());
    }

    #[test]
    fn a_key_that_several_have_needs_a_name() {
        let [a, b] = ["a.ada.support", "b.ada.support"].map(|id| Ok(id.to_owned()));
        for key in [Some("key"), None] {
            let [first, other] = ["a.ada.support", "b.ada.support"].map(|id| ai_agent(id, SECRETS[0], key));
            let both = AiAgents::listed(first, vec![other]);
            assert_eq!(started(&both, key, None), Err(NotOurs::Unnamed));
            assert_eq!(started(&both, key, Some("a.ada.support")), a);
            assert_eq!(started(&both, key, Some("b.ada.support")), b);
            assert_eq!(started(&both, key, Some("c.ada.support")), Err(NotOurs::OtherAiAgent));
        }
        let open = AiAgents::one(ai_agent("a.ada.support", SECRETS[0], None));
        assert_eq!(started(&open, Some("any"), None), a);
    }
}
