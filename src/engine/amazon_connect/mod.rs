//! Handoffs in Amazon Connect: what the courier does with an event, and what comes from there.
//!
//! Each call is followed by a decision that records it, so that a crash at any instant goes on where it was, with the
//! same client token.

mod arrive;
mod begin;
mod close;
mod compare;
mod hours;
mod message;
mod worker;

use futures_util::future::BoxFuture;

use crate::{
    agents::platforms::{
        Answer, Platform,
        amazon_connect::{
            AmazonConnect,
            aws::{CallError, ErrorKind},
        },
    },
    relay::{
        contact::{Connection, Contact, ContactToken, MadeContact, is_in_connect},
        handoff::{Handoff, Status},
        id::HandoffId,
        platform::{Notice, PlatformEvent},
        rules::{
            contact::{begin as rules, close::Because},
            notify::NoticeOutcome,
        },
        time::Time,
    },
    secret::Secret,
    store::StoreError,
};
pub use arrive::ContactArrival;
pub use hours::Availability;
pub use worker::Contacts;

use super::Engine;

/// What is said to whoever is in the contact when somebody elsewhere has the handoff.
const ELSEWHERE: &str = "[This conversation is answered elsewhere now. This chat ends.]";

/// Why a call of a contact did not do what it should.
enum Trouble {
    /// Amazon Connect says no.
    Call(CallError),
    /// The store failed.
    Store(StoreError),
    /// The contact is over: its tokens are refused.
    Over,
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// One handoff's contact, for whoever makes its calls.
struct Line<'e> {
    engine: &'e Engine,
    connect: &'e AmazonConnect,
    handoff: &'e HandoffId,
}

const TAKEN: Answer = Answer::Outcome(NoticeOutcome::Taken);

/// Does what an event means for the handoff's contact.
pub(super) async fn tell(
    engine: &Engine,
    platform: &Platform,
    connect: &AmazonConnect,
    handoff: &HandoffId,
    notice: &Notice,
) -> Answer {
    let line = Line { engine, connect, handoff };
    let told = match &notice.event {
        PlatformEvent::Started { .. } => line.begin(notice.at).await,
        PlatformEvent::Message { row } => line.message(platform, row, notice.at).await,
        PlatformEvent::Accepted { handoff } => line.accepted(handoff).await,
        PlatformEvent::Ended { .. } => line.close(Because::Ended, None).await,
        PlatformEvent::Released { .. } | PlatformEvent::MessageUpdated { .. } => Ok(TAKEN),
    };
    match told {
        Ok(answer) => answer,
        Err(trouble) => line.answer(trouble).await,
    }
}

impl Line<'_> {
    fn now(&self) -> Time {
        self.engine.environment.now()
    }

    async fn contact(&self) -> Result<Option<Contact>, StoreError> {
        self.engine.store.contact(self.handoff).await
    }

    async fn handoff(&self) -> Result<Option<Handoff>, StoreError> {
        self.engine.store.handoff(self.handoff).await
    }

    /// An agent has the handoff. One who is elsewhere ends the contact.
    async fn accepted(&self, handoff: &Handoff) -> Result<Answer, Trouble> {
        match &handoff.status {
            Status::Active { agent } if !is_in_connect(agent) => {
                self.close(Because::HasAnother, Some(ELSEWHERE)).await
            }
            Status::Active { .. } | Status::Waiting | Status::Ended(_) => Ok(TAKEN),
        }
    }

    /// What trouble means for the event.
    async fn answer(&self, trouble: Trouble) -> Answer {
        match trouble {
            Trouble::Store(error) => wait_for(&error),
            Trouble::Call(error) if may_pass(&error) => later(&error),
            Trouble::Call(error) => Answer::Refused(error.to_string()),
            Trouble::Over => match self.find_out().await {
                Ok(answer) => answer,
                Err(Trouble::Store(error)) => wait_for(&error),
                Err(Trouble::Call(error)) => later(&error),
                Err(Trouble::Over) => TAKEN,
            },
        }
    }

    /// The tokens of a contact are refused: is it over?
    async fn find_out(&self) -> Result<Answer, Trouble> {
        let Some(made) = self.contact().await?.and_then(|contact| contact.made) else { return Ok(TAKEN) };
        let is_over = match self.connect.api.describe_contact(&made.current_id).await {
            Ok(found) => found.disconnected_at.is_some(),
            Err(error) if error.kind == ErrorKind::Gone => true,
            Err(error) => return Err(error.into()),
        };
        if !is_over {
            let reason = "Amazon Connect refuses the customer's token of a chat that goes on".to_owned();
            return Ok(Answer::Outcome(NoticeOutcome::Later { reason, retry_after: None }));
        }
        self.engine.decide(crate::relay::rules::contact::close::found_over(self.handoff.clone())).await?;
        Ok(TAKEN)
    }

    /// Makes a call of the customer's side. A token that is about to end, or is refused, is renewed once.
    async fn connected<'a, T>(
        &'a self,
        made: &'a MadeContact,
        call: impl Fn(Secret) -> BoxFuture<'a, Result<T, CallError>> + Send + Sync,
    ) -> Result<T, Trouble> {
        let contact = self.contact().await?;
        let known = contact.as_ref().and_then(|contact| contact.connection_at(self.now()));
        let (token, is_new) = match known {
            Some(token) => (secret(token), false),
            None => (self.connect_anew(made).await?, true),
        };
        match call(token).await {
            Err(error) if error.kind == ErrorKind::Denied && !is_new => {
                let token = self.connect_anew(made).await?;
                call(token).await.map_err(over_if_denied)
            }
            answer => answer.map_err(over_if_denied),
        }
    }

    /// Connects the customer's side, and keeps the token.
    async fn connect_anew(&self, made: &MadeContact) -> Result<Secret, Trouble> {
        let connected = self.connect.api.connect_participant(&secret(&made.participant_token)).await;
        let connection = connected.map_err(over_if_denied)?;
        let kept = Connection {
            token: ContactToken::new(connection.token.expose().to_owned()),
            expires_at: connection.expires_at,
        };
        self.engine.decide(rules::connected(self.handoff.clone(), kept)).await?;
        Ok(connection.token)
    }
}

fn secret(token: &ContactToken) -> Secret {
    Secret::new(token.expose())
}

/// A participant's call is refused when its chat is over, or its token has ended.
fn over_if_denied(error: CallError) -> Trouble {
    if error.kind == ErrorKind::Denied { Trouble::Over } else { Trouble::Call(error) }
}

/// Whether the same call may succeed later: also when a quota has room again, or somebody has mended the permissions.
const fn may_pass(error: &CallError) -> bool {
    error.is_passing() || matches!(error.kind, ErrorKind::Denied | ErrorKind::Quota)
}

fn later(error: &CallError) -> Answer {
    Answer::Outcome(NoticeOutcome::Later { reason: error.to_string(), retry_after: error.retry_after })
}

fn wait_for(error: &StoreError) -> Answer {
    Answer::Outcome(NoticeOutcome::Later { reason: error.to_string(), retry_after: None })
}
