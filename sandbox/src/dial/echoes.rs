//! What comes back of a human agent's message: when, and under which name.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::json;

/// When the webhook of a message comes that was posted for a human agent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Form", into = "Form")]
pub enum EchoTiming {
    /// On its way like any other.
    #[default]
    Normal,
    /// Tried once before the POST is answered; no delay of [`Disorder`](crate::Disorder) holds it up.
    Early,
    /// That much later than any other.
    Late(Duration),
    /// Not at all.
    Never,
}

/// The JSON of [`EchoTiming`].
#[derive(Serialize, Deserialize)]
#[serde(tag = "timing", rename_all = "snake_case", deny_unknown_fields)]
enum Form {
    Normal,
    Early,
    Late {
        #[serde(with = "json::ms")]
        ms: Duration,
    },
    Never,
}

impl From<Form> for EchoTiming {
    fn from(form: Form) -> Self {
        match form {
            Form::Normal => Self::Normal,
            Form::Early => Self::Early,
            Form::Late { ms } => Self::Late(ms),
            Form::Never => Self::Never,
        }
    }
}

impl From<EchoTiming> for Form {
    fn from(timing: EchoTiming) -> Self {
        match timing {
            EchoTiming::Normal => Self::Normal,
            EchoTiming::Early => Self::Early,
            EchoTiming::Late(ms) => Self::Late { ms },
            EchoTiming::Never => Self::Never,
        }
    }
}

/// Whether the answer to a POST, the message list and the webhook call one message the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdScheme {
    /// One id for all three.
    #[default]
    Same,
    /// Each has an id of its own, and keeps to it.
    Different,
}

impl IdScheme {
    /// The id in the answer to the POST.
    pub(crate) fn in_answer(self, id: &str) -> String {
        self.prefixed("answer", id)
    }

    /// The id in the message list.
    pub(crate) fn in_list(self, id: &str) -> String {
        self.prefixed("list", id)
    }

    /// The id in webhooks.
    pub(crate) fn in_webhook(self, id: &str) -> String {
        self.prefixed("webhook", id)
    }

    fn prefixed(self, prefix: &str, id: &str) -> String {
        match self {
            Self::Same => id.to_owned(),
            Self::Different => format!("{prefix}_{id}"),
        }
    }
}
