//! What goes wrong with single calls, and which call is next.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::json;
use crate::Call;

/// What goes wrong with a call. "Stored" means that the call has its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Form", into = "Form")]
pub enum Fault {
    /// Refused with an error of this status; nothing is stored.
    Status {
        /// From 200 to 599; others become 500.
        status: u16,
        /// The seconds of `Retry-After`.
        retry_after: Option<u64>,
    },
    /// Never answered, until the client gives up; nothing is stored.
    Hang,
    /// Stored, and never answered.
    StoredThenHang,
    /// Stored, and the connection closed instead of an answer.
    StoredThenDropped,
    /// The connection closed instead of an answer; nothing is stored.
    Dropped,
    /// Stored, and answered with an error of this status.
    StoredThenStatus(u16),
    /// Stored, and answered that much later.
    Slow(Duration),
    /// Stored, and answered with the right status and half of the body.
    BrokenBody,
}

/// The JSON of [`Fault`].
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Form {
    Status {
        #[serde(deserialize_with = "json::status")]
        status: u16,
        #[serde(default)]
        retry_after: Option<u64>,
    },
    Hang,
    StoredThenHang,
    StoredThenDropped,
    Dropped,
    StoredThenStatus {
        #[serde(deserialize_with = "json::status")]
        status: u16,
    },
    Slow {
        #[serde(with = "json::ms")]
        ms: Duration,
    },
    BrokenBody,
}

impl From<Form> for Fault {
    fn from(form: Form) -> Self {
        match form {
            Form::Status { status, retry_after } => Self::Status { status, retry_after },
            Form::Hang => Self::Hang,
            Form::StoredThenHang => Self::StoredThenHang,
            Form::StoredThenDropped => Self::StoredThenDropped,
            Form::Dropped => Self::Dropped,
            Form::StoredThenStatus { status } => Self::StoredThenStatus(status),
            Form::Slow { ms } => Self::Slow(ms),
            Form::BrokenBody => Self::BrokenBody,
        }
    }
}

impl From<Fault> for Form {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Status { status, retry_after } => Self::Status { status, retry_after },
            Fault::Hang => Self::Hang,
            Fault::StoredThenHang => Self::StoredThenHang,
            Fault::StoredThenDropped => Self::StoredThenDropped,
            Fault::Dropped => Self::Dropped,
            Fault::StoredThenStatus(status) => Self::StoredThenStatus { status },
            Fault::Slow(ms) => Self::Slow { ms },
            Fault::BrokenBody => Self::BrokenBody,
        }
    }
}

/// The faults that wait for their call, and those that stay.
#[derive(Default)]
pub(crate) struct Faults {
    queued: HashMap<Call, VecDeque<Fault>>,
    always: BTreeMap<Call, Fault>,
}

impl Faults {
    pub(crate) fn always(&self) -> &BTreeMap<Call, Fault> {
        &self.always
    }

    pub(crate) fn set_always(&mut self, faults: BTreeMap<Call, Fault>) {
        self.always = faults;
    }

    pub(crate) fn set(&mut self, call: Call, fault: Option<Fault>) {
        match fault {
            Some(fault) => self.always.insert(call, fault),
            None => self.always.remove(&call),
        };
    }

    pub(crate) fn next(&mut self, call: Call, fault: Fault) {
        self.queued.entry(call).or_default().push_back(fault);
    }

    /// The fault of a call that has come.
    pub(crate) fn take(&mut self, call: Option<Call>) -> Option<Fault> {
        let call = call?;
        let queued = self.queued.get_mut(&call).and_then(VecDeque::pop_front);
        queued.or_else(|| self.always.get(&call).copied())
    }
}
