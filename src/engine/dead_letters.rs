//! Actions on dead letters: replay and drop.

use super::{AiAgents, Engine, foreign_names::elsewhere};
use crate::{
    ada::{message::Unreadable, webhook::Reading},
    relay::{
        changes::{DeadLetter, LetterKind},
        event::Event,
        rules::{
            arrive::Arrival,
            notify,
            replay::{self, ReplayRefusal},
        },
    },
    store::{StoreError, read_event},
};

/// Why a dead letter stays.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The rules say so.
    #[error(transparent)]
    Refused(#[from] ReplayRefusal),
    /// The store failed; nothing happened.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Engine {
    /// Replays a dead letter: parses it again, accepts its event, and removes the dead letter, all or nothing.
    ///
    /// # Errors
    /// The dead letter stays, or the store failed.
    pub async fn replay(&self, id: String) -> Result<Arrival, ReplayError> {
        let letter = self.store.dead_letter(&id).await?.ok_or(ReplayRefusal::Unknown)?;
        if letter.kind == LetterKind::Platform {
            self.decide(notify::replay(id.clone())).await??;
            tracing::info!(dead_letter.id = id, "an event for a platform is queued again");
            return Ok(Arrival::Kept);
        }
        let ai_agents = self.ai_agents();
        let outcome = match self.read_letter(&ai_agents, &letter) {
            Reading::Event(event) => {
                let event = self.under_its_key(&ai_agents, event).await?;
                self.decide_by(&ai_agents, replay::event(id.clone(), *event), |_| {}).await?
            }
            Reading::Ignored | Reading::Foreign { .. } => {
                let gone = self.decide(replay::drop(id.clone())).await?;
                gone.map(|()| Arrival::Ignored)
            }
            Reading::Elsewhere(domain) => {
                let reason = elsewhere(&letter.ai_agent, &domain);
                Err(self.decide(replay::unreadable(id.clone(), reason)).await?)
            }
            Reading::Unreadable(reason) => {
                Err(self.decide(replay::unreadable(id.clone(), reason.to_string())).await?)
            }
        };
        match &outcome {
            Ok(arrival) => {
                tracing::info!(dead_letter.id = id, outcome = arrival.as_str(), "dead letter replayed")
            }
            Err(stays) => {
                tracing::info!(dead_letter.id = id, reason = %stays, "dead letter could not be replayed")
            }
        }
        Ok(outcome?)
    }

    /// Drops a dead letter.
    ///
    /// # Errors
    /// There is none, or the store failed.
    pub async fn drop_dead_letter(&self, id: String) -> Result<(), ReplayError> {
        self.decide(replay::drop(id.clone())).await??;
        tracing::info!(dead_letter.id = id, "dead letter dropped");
        Ok(())
    }

    fn read_letter(&self, ai_agents: &AiAgents, letter: &DeadLetter) -> Reading {
        let now = self.environment.now();
        if !ai_agents.own(&letter.ai_agent) {
            let reason = format!("the AI Agent {} is not in the settings file", letter.ai_agent);
            return Reading::Unreadable(Unreadable(reason));
        }
        match letter.kind {
            LetterKind::Webhook => {
                let parser = &ai_agents.of(&letter.ai_agent).parser;
                parser.read_kept(&letter.svix_id, letter.body.as_bytes(), now)
            }
            LetterKind::Platform => Reading::Ignored,
            LetterKind::Event => match read_event(&letter.body) {
                Ok(event) => Reading::Event(Box::new(Event { received_at: now, ..event })),
                Err(error) => {
                    Reading::Unreadable(Unreadable(format!("the stored dead letter can't be read: {error}")))
                }
            },
        }
    }
}
