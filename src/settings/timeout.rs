//! When handoffs time out, and what customers are told then.

use std::time::Duration;

use super::{parse, reader::Reader};
use crate::relay::policy::Timeout;

/// The timeouts of the environment.
pub(super) struct Timeouts {
    /// How long a handoff may wait for an agent.
    pub(super) waiting: Option<Timeout>,
    /// How long nobody may write in one that an agent has.
    pub(super) idle: Option<Timeout>,
    /// Their texts, also of those that are off.
    pub(super) texts: TimeoutTexts,
}

/// What customers are told.
pub(super) struct TimeoutTexts {
    pub(super) waiting: Option<String>,
    pub(super) idle: Option<String>,
}

const WAITING_TEXT: &str =
    "Sorry, nobody from our team is free at the moment. Please try again a little later.";
pub(super) const IDLE_TEXT: &str =
    "It has been quiet for a while, so this chat with our team ends now. Write again at any time.";

/// Reads them.
pub(super) fn read(r: &mut Reader) -> Timeouts {
    let waiting = r.or("WAITING_TIMEOUT", Some(Duration::from_secs(15 * 60)), parse::duration_or_off);
    let waiting_text = r.or("WAITING_TIMEOUT_TEXT", Some(WAITING_TEXT.to_owned()), parse::text_or_off);
    let idle = r.or("IDLE_TIMEOUT", None, parse::duration_or_off);
    let idle_text = r.or("IDLE_TIMEOUT_TEXT", Some(IDLE_TEXT.to_owned()), parse::text_or_off);
    let timeout = |after: Option<Duration>, text: &Option<String>| {
        after.map(|after| Timeout { after, text: text.clone() })
    };
    Timeouts {
        waiting: timeout(waiting, &waiting_text),
        idle: timeout(idle, &idle_text),
        texts: TimeoutTexts { waiting: waiting_text, idle: idle_text },
    }
}
