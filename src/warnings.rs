//! Warnings that strangers can cause as often as they like. Each is logged once, and then counted.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// How long a repeated warning is counted before it is logged again.
const EVERY: Duration = Duration::from_secs(10);

/// See the module. What and why are closed sets.
#[derive(Default)]
pub struct Warnings(Mutex<BTreeMap<Warning, Said>>);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Warning {
    what: &'static str,
    reason: &'static str,
}

struct Said {
    at: Instant,
    /// How often it has occurred since.
    again: u64,
}

impl Warnings {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Warning, Said>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Logs a warning, unless it was logged a moment ago.
    pub fn say(&self, what: &'static str, reason: &'static str) {
        let (warning, now) = (Warning { what, reason }, Instant::now());
        let mut said = self.lock();
        match said.get_mut(&warning) {
            Some(said) => said.again += 1,
            None => {
                said.insert(warning, Said { at: now, again: 0 });
                tracing::warn!(reason, "{what}");
            }
        }
    }

    /// Every 10 seconds, logs how often each has occurred since it was logged, until it is stopped.
    pub async fn count(&self, stop: CancellationToken) {
        while stop.run_until_cancelled(sleep(EVERY / 10)).await.is_some() {
            self.say_counts(Instant::now());
        }
        self.say_counts(Instant::now() + EVERY);
    }

    fn say_counts(&self, now: Instant) {
        self.lock().retain(|Warning { what, reason }, said| {
            if now.saturating_duration_since(said.at) < EVERY {
                return true;
            }
            let times = std::mem::take(&mut said.again);
            if times > 0 {
                tracing::warn!(reason, times, "{what}");
                said.at = now;
            }
            // A warning that has not occurred for this long is logged at once when it occurs again.
            times > 0
        });
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{
        io,
        sync::{Arc, PoisonError},
    };

    use super::*;
    use crate::{
        settings::LogFormat,
        telemetry::{Colours, lines},
    };

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_a_line_and_a_count() {
        let kept = Kept::default();
        let writer = kept.clone();
        let dispatch = lines(LogFormat::Json, "info", Colours::Off, move || writer.clone()).unwrap();
        let _logged = tracing::dispatcher::set_default(&dispatch);
        let (warnings, stop) = (Arc::new(Warnings::default()), CancellationToken::new());
        let counting = tokio::spawn({
            let (warnings, stop) = (Arc::clone(&warnings), stop.clone());
            async move { warnings.count(stop).await }
        });
        for _ in 0..20_000 {
            warnings.say("webhook refused", "no signature");
        }
        warnings.say("webhook refused", "too old");
        sleep(Duration::from_millis(11_500)).await;
        warnings.say("webhook refused", "no signature");
        sleep(Duration::from_millis(30_000)).await;
        warnings.say("webhook refused", "no signature");
        warnings.say("webhook refused", "no signature");
        stop.cancel();
        counting.await.unwrap();
        let bytes = kept.0.lock().unwrap().clone();
        let said: Vec<(String, Option<u64>)> = String::from_utf8(bytes)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|line| (line["reason"].as_str().unwrap().to_owned(), line["times"].as_u64()))
            .collect();
        let line = |reason: &str, times| (reason.to_owned(), times);
        assert_eq!(
            said,
            [
                line("no signature", None),
                line("too old", None),
                line("no signature", Some(19_999)),
                line("no signature", Some(1)),
                line("no signature", None),
                line("no signature", Some(1)),
            ]
        );
    }
}
