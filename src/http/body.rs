//! Reading request bodies within limits: each in size and time, all of them together in memory.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The budget is kept in KiB, each body rounded up, so that a few permits stand for many bytes.
const UNIT: usize = 1024;

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is, or declares to be, longer than this door allows.
    #[error("the body is too large")]
    TooLarge,
    /// It didn't arrive in full within the deadline.
    #[error("the body did not arrive in time")]
    TimedOut,
    /// Other requests hold all the memory set aside for bodies: a 503, worth trying again.
    #[error("too many bytes are being read at once")]
    Overloaded,
    /// The connection ended, or what came was not what had been declared.
    #[error("the body broke off")]
    Broken,
}

/// How many bytes of bodies may be in memory at once, and how long each may take. Clones share one budget.
///
/// Counts bytes received; the buffers behind them may be up to twice as large while they grow.
#[derive(Clone, Debug)]
pub struct BodyBudget {
    units: Arc<Semaphore>,
    deadline: Duration,
}

/// A body and its share of the budget, which is given back when this is dropped: keep it until done.
#[derive(Debug)]
pub struct HeldBody {
    /// The body, whole.
    pub bytes: Bytes,
    _share: Share,
}

impl BodyBudget {
    /// A budget of `total_bytes`, rounded down to KiB, for bodies that arrive within `deadline`.
    pub fn new(total_bytes: usize, deadline: Duration) -> Self {
        let units = (total_bytes / UNIT).min(Semaphore::MAX_PERMITS);
        Self { units: Arc::new(Semaphore::new(units)), deadline }
    }

    /// Reads `body` to its end, which must come within `limit` bytes and before the deadline.
    ///
    /// A length declared in `headers` that is over the limit is refused before anything is read. Bytes count
    /// against the budget as they arrive; declaring alone takes nothing from others.
    ///
    /// # Errors
    /// See [`BodyError`]. The budget is then as before.
    pub async fn read(&self, headers: &HeaderMap, body: Body, limit: usize) -> Result<HeldBody, BodyError> {
        if declared_length(headers).is_some_and(|length| length > limit as u64) {
            return Err(BodyError::TooLarge);
        }
        timeout(self.deadline, self.collect(body, limit)).await.map_err(|_| BodyError::TimedOut)?
    }

    async fn collect(&self, mut body: Body, limit: usize) -> Result<HeldBody, BodyError> {
        let mut bytes = BytesMut::new();
        let mut share = Share::default();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| BodyError::Broken)?;
            let Ok(data) = frame.into_data() else { continue };
            let length = bytes.len() + data.len();
            if length > limit {
                return Err(BodyError::TooLarge);
            }
            share.grow_to(length.div_ceil(UNIT), &self.units)?;
            bytes.extend_from_slice(&data);
        }
        Ok(HeldBody { bytes: bytes.freeze(), _share: share })
    }
}

/// How long the body says it is.
pub fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// What one body holds of the budget.
#[derive(Debug, Default)]
struct Share(Option<OwnedSemaphorePermit>);

impl Share {
    /// Holds `units` in all afterwards. Never waits: bodies that wait for each other could wait for ever.
    fn grow_to(&mut self, units: usize, budget: &Arc<Semaphore>) -> Result<(), BodyError> {
        let held = self.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = u32::try_from(units - held).map_err(|_| BodyError::Overloaded)?;
        let more = Arc::clone(budget).try_acquire_many_owned(missing).map_err(|_| BodyError::Overloaded)?;
        match &mut self.0 {
            Some(permit) => permit.merge(more),
            None => self.0 = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::convert::Infallible;
    use std::io;

    use futures_util::{StreamExt, stream};

    use super::*;

    const LIMIT: usize = 4 * UNIT;
    const DEADLINE: Duration = Duration::from_secs(10);

    fn chunks(sizes: &[usize]) -> Body {
        let chunks: Vec<_> = sizes.iter().map(|size| Ok::<_, Infallible>(vec![b'x'; *size])).collect();
        Body::from_stream(stream::iter(chunks))
    }

    fn endless() -> Body {
        Body::from_stream(stream::repeat_with(|| Ok::<_, Infallible>(vec![b'x'; 100])))
    }

    /// Some bytes, then nothing more, ever.
    fn stalled() -> Body {
        let first = stream::iter([Ok::<_, Infallible>("x")]);
        Body::from_stream(first.chain(stream::pending()))
    }

    fn declaring(length: &str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_LENGTH, length.parse().unwrap())])
    }

    async fn read(budget: &BodyBudget, body: Body) -> Result<HeldBody, BodyError> {
        budget.read(&HeaderMap::new(), body, LIMIT).await
    }

    #[tokio::test]
    async fn a_body_comes_whole_and_holds_its_share_until_dropped() {
        let budget = BodyBudget::new(10 * UNIT + 1023, DEADLINE);
        assert_eq!(budget.units.available_permits(), 10);
        let held = read(&budget, chunks(&[1, 1023, 0, 1])).await.unwrap();
        assert_eq!(held.bytes, vec![b'x'; 1025]);
        assert_eq!(budget.units.available_permits(), 8);
        drop(held);
        assert_eq!(budget.units.available_permits(), 10);
        assert!(read(&budget, Body::empty()).await.unwrap().bytes.is_empty());
    }

    #[tokio::test]
    async fn the_limit_holds_for_what_is_declared_and_for_what_comes() {
        let budget = BodyBudget::new(100 * UNIT, DEADLINE);
        for length in ["4097", "18446744073709551615"] {
            // Reading this body would take until the deadline.
            let declared = budget.read(&declaring(length), stalled(), LIMIT).await;
            assert_eq!(declared.unwrap_err(), BodyError::TooLarge);
        }
        assert_eq!(read(&budget, chunks(&[LIMIT])).await.unwrap().bytes.len(), LIMIT);
        assert_eq!(read(&budget, chunks(&[LIMIT, 1])).await.unwrap_err(), BodyError::TooLarge);
        assert_eq!(read(&budget, endless()).await.unwrap_err(), BodyError::TooLarge);
        assert_eq!(budget.units.available_permits(), 100);
    }

    #[tokio::test]
    async fn an_exhausted_budget_refuses_until_something_is_dropped() {
        let budget = BodyBudget::new(4 * UNIT, DEADLINE);
        let three = read(&budget, chunks(&[3 * UNIT])).await.unwrap();
        assert_eq!(read(&budget, chunks(&[UNIT, 1])).await.unwrap_err(), BodyError::Overloaded);
        let one = read(&budget.clone(), chunks(&[UNIT])).await.unwrap();
        assert_eq!(read(&budget, chunks(&[1])).await.unwrap_err(), BodyError::Overloaded);
        drop(one);
        drop(three);
        assert!(read(&budget, chunks(&[4 * UNIT])).await.is_ok());
    }

    #[tokio::test]
    async fn a_slow_body_times_out_and_gives_back_its_share() {
        let budget = BodyBudget::new(4 * UNIT, Duration::from_millis(20));
        assert_eq!(read(&budget, stalled()).await.unwrap_err(), BodyError::TimedOut);
        assert_eq!(budget.units.available_permits(), 4);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_told_from_one_that_ends() {
        let budget = BodyBudget::new(4 * UNIT, DEADLINE);
        let reset = stream::iter([Ok("x"), Err(io::Error::from(io::ErrorKind::ConnectionReset))]);
        assert_eq!(read(&budget, Body::from_stream(reset)).await.unwrap_err(), BodyError::Broken);
        assert_eq!(budget.units.available_permits(), 4);
    }
}
