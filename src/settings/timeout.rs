//! When handoffs time out, and what customers are told then.

use std::time::Duration;

use super::{parse, reader::Reader};

/// A timeout and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeoutSetting {
    /// 1 s to 24 h.
    pub after: Duration,
    /// What the customer is told before the end, if anything. At most 1,000 characters.
    pub text: Option<String>,
}

const WAITING_TEXT: &str =
    "Sorry, nobody from our team is free at the moment. Please try again a little later.";
pub(super) const IDLE_TEXT: &str =
    "It has been quiet for a while, so this chat with our team ends now. Write again at any time.";

/// How long a handoff may wait for an agent, and how long nobody may write in one that an agent has.
pub(super) fn read(r: &mut Reader) -> (Option<TimeoutSetting>, Option<TimeoutSetting>) {
    let waiting = r.or("WAITING_TIMEOUT", Some(Duration::from_secs(15 * 60)), parse::duration_or_off);
    let waiting_text = r.or("WAITING_TIMEOUT_TEXT", Some(WAITING_TEXT.to_owned()), parse::text_or_off);
    let idle = r.or("IDLE_TIMEOUT", None, parse::duration_or_off);
    let idle_text = r.or("IDLE_TIMEOUT_TEXT", Some(IDLE_TEXT.to_owned()), parse::text_or_off);
    let timeout = |after: Option<Duration>, text| after.map(|after| TimeoutSetting { after, text });
    (timeout(waiting, waiting_text), timeout(idle, idle_text))
}
