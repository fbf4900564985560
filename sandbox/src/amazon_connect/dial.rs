//! How unkind this Amazon Connect is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Everything that stays until it is changed; the default is no trouble. Shares are from 0 to 1. As JSON, a part
/// that is left out has its default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dial {
    /// Chooses what is hit.
    pub seed: u64,
    /// The share of notifications that come twice.
    pub duplicate: f64,
    /// The share of notifications that are lost.
    pub lose: f64,
    /// How late every notification is.
    pub delay_ms: u64,
    /// Each notification waits for a time of its own up to this, so that they overtake each other.
    pub reorder_ms: u64,
    /// The share of calls that are refused with 429: `TooManyRequestsException`, or `ThrottlingException` for a
    /// participant.
    pub throttle: f64,
    /// The share of chats and streams that are refused with `LimitExceededException`.
    pub limit_exceeded: f64,
    /// The share of calls that are answered with 500 or 503 and HTML, without an effect.
    pub server_errors: f64,
    /// The share of calls whose connection is closed after the effect.
    pub drop_answers: f64,
    /// How late every answer is.
    pub latency_ms: u64,
    /// The share of participants' calls whose connection token has expired; each is good for one call at least.
    pub expire_tokens: f64,
    /// What becomes of customers' messages: `REJECTED` ones are withheld, `PROCESSING` ones come 300 ms later,
    /// `FAILED` ones as they are.
    pub message_processing: Option<MessageProcessing>,
    /// A system's message is notified before `StartContactStreaming` is answered.
    pub early_notification: bool,
}

/// The status of a customer's message that is processed in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MessageProcessing {
    /// Not done yet.
    Processing,
    /// Not done, and never will be.
    Failed,
    /// Nobody may see it.
    Rejected,
}

/// What goes wrong with one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ConnectFault {
    /// Refused with this error, without an effect.
    Error {
        /// The status.
        status: u16,
        /// The error's name.
        code: String,
        /// Its sentence.
        message: String,
    },
    /// Answered with a page, without an effect.
    Html {
        /// The status.
        status: u16,
    },
    /// The connection is closed instead of an answer, without an effect.
    Drop,
    /// The connection is closed after the effect.
    DropAnswer,
    /// Answered so late.
    Slow {
        /// In milliseconds.
        ms: u64,
    },
}

/// What happens to a call that is well formed.
#[derive(Default)]
pub(super) struct Trouble {
    pub(super) fault: Option<ConnectFault>,
    pub(super) latency: Duration,
    pub(super) expires_token: bool,
}

/// SplitMix64.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }

    pub(super) fn hits(&mut self, share: f64) -> bool {
        (self.below(1_000_000) as f64) < share * 1_000_000.0
    }
}

impl Dial {
    /// When the copies of a notification leave: none of a lost one.
    pub(super) fn plan(&self, dice: &mut Dice) -> Vec<Duration> {
        if dice.hits(self.lose) {
            return Vec::new();
        }
        let copies = if dice.hits(self.duplicate) { 2 } else { 1 };
        let delay = |dice: &mut Dice| self.delay_ms + dice.below(self.reorder_ms + 1);
        (0..copies).map(|_| Duration::from_millis(delay(dice))).collect()
    }

    /// What happens to the next call.
    pub(super) fn trouble(&self, operation: &str, is_participant: bool, dice: &mut Dice) -> Trouble {
        let error =
            |code: &str| ConnectFault::Error { status: 429, code: code.to_owned(), message: String::new() };
        let throttled = if is_participant { "ThrottlingException" } else { "TooManyRequestsException" };
        let has_quota = matches!(operation, "StartChatContact" | "StartContactStreaming");
        let fault = match () {
            () if dice.hits(self.throttle) => Some(error(throttled)),
            () if has_quota && dice.hits(self.limit_exceeded) => Some(error("LimitExceededException")),
            () if dice.hits(self.server_errors) => {
                Some(ConnectFault::Html { status: if dice.below(2) == 0 { 500 } else { 503 } })
            }
            () if dice.hits(self.drop_answers) => Some(ConnectFault::DropAnswer),
            () => None,
        };
        let latency = Duration::from_millis(self.latency_ms);
        Trouble { fault, latency, expires_token: is_participant && dice.hits(self.expire_tokens) }
    }
}
