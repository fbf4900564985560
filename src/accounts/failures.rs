//! Limits guessing: after several wrong attempts with the same value, or many from the same address in a minute, the
//! client must wait. A correct value is always accepted, so that guessing can't lock its owner out.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    relay::time::Time,
    store::{
        Store,
        quota::{Place, Quota},
        sessions::Digest,
    },
};

/// How often something may be wrong, and within which time.
#[derive(Clone, Copy)]
struct Allowance {
    times: u32,
    within: Duration,
}

const OF_A_GUESS: Allowance = Allowance { times: 5, within: Duration::from_secs(10 * 60) };
/// Behind a tunnel all come from one address: enough for a team that mistypes.
const OF_A_PEER: Allowance = Allowance { times: 30, within: Duration::from_secs(60) };
/// The number of values and addresses that are remembered.
const MOST: usize = 10_000;

/// The recent wrong attempts, those at other relays on the same store included.
pub struct Failures {
    store: Arc<dyn Store>,
    own: OwnFailures,
}

impl Failures {
    /// None yet.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, own: OwnFailures::default() }
    }

    /// Records a wrong attempt from `peer`.
    ///
    /// # Errors
    /// There were too many: how long to wait.
    pub async fn count(&self, now: Time, guess: &Digest, peer: IpAddr) -> Result<(), Duration> {
        // Who guesses on makes no work for the database.
        self.own.count(now, guess, peer)?;
        if !self.store.is_shared() {
            return Ok(());
        }
        let quota = |name, Allowance { times, within }| Quota { name, times, within };
        let quotas = [
            quota(format!("guess {}", guess.as_str()), OF_A_GUESS),
            quota(format!("guesses from {}", network(peer)), OF_A_PEER),
        ];
        match self.store.take_place(&quotas).await {
            Ok(Place::NoneFor(wait)) => Err(wait),
            Ok(Place::Taken(_)) => Ok(()),
            Err(error) => {
                tracing::warn!(error = %error, "a wrong attempt is known to this relay alone");
                Ok(())
            }
        }
    }
}

/// Those at this relay.
#[derive(Default)]
struct OwnFailures(Mutex<(Counts<Digest>, Counts<IpAddr>)>);

impl OwnFailures {
    fn count(&self, now: Time, guess: &Digest, peer: IpAddr) -> Result<(), Duration> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (guesses, peers) = &mut *known;
        let of_peer = peers.count(network(peer), OF_A_PEER, now);
        let of_guess = guesses.count(guess.clone(), OF_A_GUESS, now);
        match of_peer.max(of_guess) {
            Duration::ZERO => Ok(()),
            wait => Err(wait),
        }
    }
}

/// What one household or office has: an address, or with IPv6 a network of them.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address => address,
    }
}

/// When each was wrong first, within its allowance's time, and how often since.
struct Counts<K>(HashMap<K, (Time, u32)>);

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Eq + Hash> Counts<K> {
    /// Counts one more; gives how long to wait, if it is one too many.
    fn count(&mut self, of: K, Allowance { times, within }: Allowance, now: Time) -> Duration {
        // What lies in the future is from before our clock was set back.
        let lasts = |since: Time| since <= now && now.since(since) < within;
        if self.0.len() >= MOST && !self.0.contains_key(&of) {
            self.0.retain(|_, (since, _)| lasts(*since));
            if self.0.len() >= MOST {
                self.0.clear();
            }
        }
        let (since, count) = self.0.entry(of).or_insert((now, 0));
        if !lasts(*since) {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        if *count > times { (*since + within).since(now) } else { Duration::ZERO }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_millis(seconds * 1_000)
    }

    fn wrong(failures: &OwnFailures, now: i64, guess: &str, peer: &str) -> Result<(), u64> {
        failures.count(at(now), &Digest::of(guess), peer.parse().unwrap()).map_err(|wait| wait.as_secs())
    }

    #[test]
    fn the_same_guess_is_wrong_five_times_in_ten_minutes() {
        let failures = OwnFailures::default();
        for second in 0..5 {
            assert_eq!(wrong(&failures, second * 100, "a", "192.0.2.1"), Ok(()));
        }
        assert_eq!(wrong(&failures, 401, "a", "192.0.2.1"), Err(199));
        assert_eq!(wrong(&failures, 401, "a", "192.0.2.2"), Err(199), "whoever it is");
        assert_eq!(wrong(&failures, 401, "b", "192.0.2.1"), Ok(()));
        assert_eq!(wrong(&failures, 600, "a", "192.0.2.1"), Ok(()));
    }

    #[test]
    fn the_same_peer_is_wrong_thirty_times_a_minute() {
        let failures = OwnFailures::default();
        for number in 0..30 {
            assert_eq!(wrong(&failures, number, &number.to_string(), "2001:db8::1"), Ok(()));
        }
        assert_eq!(wrong(&failures, 30, "x", "2001:db8::2"), Err(30), "its network");
        assert_eq!(wrong(&failures, 30, "y", "2001:db8:0:1::1"), Ok(()), "others are not concerned");
        assert_eq!(wrong(&failures, 60, "z", "2001:db8::1"), Ok(()));
        for number in 0..30 {
            let _ = wrong(&failures, 0, &format!("v4 {number}"), "192.0.2.1");
        }
        assert_eq!(wrong(&failures, 1, "mapped", "::ffff:192.0.2.1"), Err(59), "the same address");
    }

    #[test]
    fn not_more_is_remembered_than_matters() {
        let failures = OwnFailures::default();
        for number in 0..3 * MOST {
            let peer = Ipv6Addr::from_bits((number as u128) << 64).to_string();
            let _ = wrong(&failures, 0, &number.to_string(), &peer);
        }
        let known = failures.0.lock().unwrap();
        assert!(known.0.0.len() <= MOST && known.1.0.len() <= MOST);
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_nobody_waiting() {
        let failures = OwnFailures::default();
        for number in 0..31 {
            let _ = wrong(&failures, 1_000_000, &number.to_string(), "192.0.2.1");
        }
        assert_eq!(wrong(&failures, 0, "a", "192.0.2.1"), Ok(()));
    }
}
