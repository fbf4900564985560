//! What goes wrong when a file is fetched by its presigned URL.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::json;

/// What the file server does wrong with a request that it should have answered with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Form", into = "Form")]
pub enum FileFault {
    /// Refused with an error of this status, from 200 to 599; others become 500.
    Status(u16),
    /// Sent at so many bytes a second.
    Slow(u64),
    /// The connection closed after so many bytes. Files that aren't longer arrive whole.
    CutAfter(u64),
    /// Nothing comes after so many bytes, until the client gives up. Files that aren't longer arrive whole.
    HangAfter(u64),
    /// Announced with this length: of a longer file its beginning arrives and seems whole, after a shorter one
    /// the connection is closed.
    WrongLength(u64),
}

/// The JSON of [`FileFault`].
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Form {
    Status {
        #[serde(deserialize_with = "json::status")]
        status: u16,
    },
    Slow {
        #[serde(deserialize_with = "json::rate")]
        bytes_per_second: u64,
    },
    CutAfter {
        bytes: u64,
    },
    HangAfter {
        bytes: u64,
    },
    WrongLength {
        bytes: u64,
    },
}

impl From<Form> for FileFault {
    fn from(form: Form) -> Self {
        match form {
            Form::Status { status } => Self::Status(status),
            Form::Slow { bytes_per_second } => Self::Slow(bytes_per_second),
            Form::CutAfter { bytes } => Self::CutAfter(bytes),
            Form::HangAfter { bytes } => Self::HangAfter(bytes),
            Form::WrongLength { bytes } => Self::WrongLength(bytes),
        }
    }
}

impl From<FileFault> for Form {
    fn from(fault: FileFault) -> Self {
        match fault {
            FileFault::Status(status) => Self::Status { status },
            FileFault::Slow(bytes_per_second) => Self::Slow { bytes_per_second },
            FileFault::CutAfter(bytes) => Self::CutAfter { bytes },
            FileFault::HangAfter(bytes) => Self::HangAfter { bytes },
            FileFault::WrongLength(bytes) => Self::WrongLength { bytes },
        }
    }
}

/// The faults that wait for a request, and the one that stays.
#[derive(Default)]
pub(crate) struct FileFaults {
    queued: VecDeque<FileFault>,
    pub(crate) always: Option<FileFault>,
}

impl FileFaults {
    pub(crate) fn next(&mut self, fault: FileFault) {
        self.queued.push_back(fault);
    }

    /// The fault of a request that has come.
    pub(crate) fn take(&mut self) -> Option<FileFault> {
        self.queued.pop_front().or(self.always)
    }
}
