//! Single-use codes, for links that a person opens at once. They exist only in this process's memory.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{relay::time::Time, store::sessions::Digest};

/// How long a code is valid.
const GOOD_FOR: Duration = Duration::from_secs(10 * 60);

/// The codes that nobody has used yet, and the tokens they stand for.
#[derive(Default)]
pub struct Codes(Mutex<HashMap<Digest, (Digest, Time)>>);

impl Codes {
    /// A new one, for this token.
    pub fn add(&self, code: Digest, token: Digest, now: Time) {
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        codes.retain(|_, (_, made_at)| is_good(*made_at, now));
        codes.insert(code, (token, now));
    }

    /// The token a code stands for, once.
    pub fn take(&self, code: &Digest, now: Time) -> Option<Digest> {
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (token, made_at) = codes.remove(code)?;
        is_good(made_at, now).then_some(token)
    }
}

fn is_good(made_at: Time, now: Time) -> bool {
    now.since(made_at) < GOOD_FOR
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_code_is_good_once_and_for_ten_minutes() {
        let (codes, alex) = (Codes::default(), Digest::of("alex"));
        let at = |seconds: i64| Time::from_millis(seconds * 1_000);
        for (code, asked, found) in [("at once", 0, true), ("late", 599, true), ("too late", 600, false)] {
            codes.add(Digest::of(code), alex.clone(), at(0));
            assert_eq!(codes.take(&Digest::of(code), at(asked)), found.then(|| alex.clone()), "{code}");
            assert_eq!(codes.take(&Digest::of(code), at(asked)), None, "{code}, again");
            assert_eq!(codes.take(&Digest::of("another"), at(asked)), None);
        }
    }

    #[test]
    fn codes_that_nobody_used_do_not_pile_up() {
        let codes = Codes::default();
        for number in 0..100 {
            codes.add(
                Digest::of(&number.to_string()),
                Digest::of("alex"),
                Time::from_millis(number * 300_000),
            );
        }
        assert_eq!(codes.0.lock().unwrap().len(), 2);
    }
}
