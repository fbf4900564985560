//! Exponential backoff with full jitter.

use std::time::Duration;

const BASE: Duration = Duration::from_millis(500);
const CAP: Duration = Duration::from_secs(30);
/// Retries of a file may take days, because its URL is valid for days.
const FILE_CAP: Duration = Duration::from_secs(15 * 60);

/// How long to wait before try number `attempts + 1`, after `attempts` failed ones (1 for the first).
///
/// The ceiling doubles from 0.5 s to 30 s; `jitter` (0 to 1, drawn by the caller) picks a point below it,
/// so that deliveries that failed together are not retried together.
pub fn delay(attempts: u32, jitter: f64) -> Duration {
    below(CAP, attempts, jitter)
}

/// The same for the download of a file, but the ceiling doubles up to 15 minutes.
pub fn file_delay(attempts: u32, jitter: f64) -> Duration {
    below(FILE_CAP, attempts, jitter)
}

/// The same for an event for a platform: again at once, then after 2, 5 and 15 s, then every 30 s; up to a fifth more, so
/// that events that failed together are not retried together.
pub fn notice_delay(attempts: u32, jitter: f64) -> Duration {
    let wait = match attempts {
        0 | 1 => Duration::ZERO,
        2 => Duration::from_secs(2),
        3 => Duration::from_secs(5),
        4 => Duration::from_secs(15),
        _ => CAP,
    };
    wait.mul_f64(jitter.clamp(0.0, 1.0).mul_add(0.2, 1.0))
}

fn below(cap: Duration, attempts: u32, jitter: f64) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    let ceiling = BASE.saturating_mul(1 << doublings).min(cap);
    ceiling.mul_f64(jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_to_the_cap_and_jitters_over_all_of_it() {
        for (attempts, ceiling) in
            [(0, 500), (1, 500), (2, 1_000), (3, 2_000), (6, 16_000), (7, 30_000), (u32::MAX, 30_000)]
        {
            assert_eq!(delay(attempts, 1.0), Duration::from_millis(ceiling), "{attempts}");
            assert_eq!(delay(attempts, 0.0), Duration::ZERO);
        }
        assert_eq!(delay(3, 0.25), Duration::from_millis(500));
        assert_eq!(delay(1, f64::NAN.max(7.0)), Duration::from_millis(500));
        assert_eq!(file_delay(7, 1.0), Duration::from_secs(32));
        assert_eq!(file_delay(u32::MAX, 1.0), FILE_CAP);
        let seconds = |attempts, jitter| notice_delay(attempts, jitter).as_secs_f64();
        assert_eq!(
            [1, 2, 3, 4, 5, 99].map(|attempts| seconds(attempts, 0.0)),
            [0.0, 2.0, 5.0, 15.0, 30.0, 30.0]
        );
        assert!((seconds(5, 1.0) - 36.0).abs() < 1e-6);
    }
}
