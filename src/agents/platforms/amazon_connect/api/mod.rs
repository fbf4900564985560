//! The calls to Amazon Connect, each as one method of [`Connect`]. They know nothing of handoffs, and repeat nothing
//! but a signed call whose credentials had expired.

mod contacts;
mod describe;
mod files;
mod hours;
mod pace;
mod participant;
mod path;
mod signed;
mod topics;
mod transcript;

use std::sync::Arc;

pub use contacts::{ContactDescription, NewChat, StartedChat};
pub use describe::{FlowDescription, InstanceDescription, QueueDescription};
pub use files::Upload;
pub use hours::{Entry, Hours, UnknownTimeZone};
pub use participant::{Connection, OutgoingText, SentMessage};
pub use topics::Subscription;
pub use transcript::TranscriptPage;

use super::aws::{Answer, CallError, CredentialSource, Endpoints, ErrorKind, Http, Operation};
use crate::{environment::Environment, settings};
use pace::Pace;

/// An instance of Amazon Connect, and the services beside it.
pub struct Connect {
    http: Http,
    credentials: CredentialSource,
    endpoints: Endpoints,
    pace: Pace,
    environment: Arc<dyn Environment>,
    region: String,
    instance_id: String,
    topic_arn: String,
    chat_duration_minutes: Option<u32>,
}

impl Connect {
    /// The instance of the settings. Nothing is called yet.
    ///
    /// # Errors
    /// TLS can't be set up on this machine.
    pub fn new(
        settings: &settings::AmazonConnect,
        environment: Arc<dyn Environment>,
    ) -> Result<Self, reqwest::Error> {
        let http = Http::new()?;
        let endpoints = Endpoints::new(settings);
        Ok(Self {
            credentials: CredentialSource::new(settings, &endpoints, http.clone()),
            http,
            endpoints,
            pace: Pace::default(),
            environment,
            region: settings.region.clone(),
            instance_id: settings.instance_id.clone(),
            topic_arn: settings.topic_arn.clone(),
            chat_duration_minutes: settings.chat_duration_minutes,
        })
    }
}

/// An answer that is a success by its status, and can't be read.
fn unreadable(operation: Operation) -> CallError {
    CallError::without_answer(ErrorKind::Unclear, operation.name, "the answer can't be read")
}

/// A request that can't even be written.
fn unwritable(operation: Operation) -> CallError {
    CallError::without_answer(ErrorKind::Invalid, operation.name, "the request can't be written")
}

/// The answer's JSON, as this type.
fn read<T: serde::de::DeserializeOwned>(operation: Operation, answer: &Answer) -> Result<T, CallError> {
    serde_json::from_slice(&crate::json::repaired(&answer.body)).map_err(|_| unreadable(operation))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
