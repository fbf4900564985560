//! Reading request bodies within limits: each in size and time, those of a group of doors together in memory.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, HttpBody};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Frame;
use tokio::time::timeout;

use super::body_budget::{Arrival, BodyBudget, Held, NoRoom, USUAL};

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
    /// It arrived slowly, and others needed its room: a 503, worth trying again.
    #[error("the body arrived too slowly, and other requests needed its memory")]
    Evicted,
    /// The connection ended, or what came was not what had been declared.
    #[error("the body broke off")]
    Broken,
}

/// The bodies that a group of doors takes. Clones share their room.
///
/// Counts bytes received; the buffers behind them may be up to twice as large while they grow.
#[derive(Clone, Debug)]
pub struct Bodies {
    budget: BodyBudget,
    limit: usize,
    deadline: Duration,
}

/// A body and its share of the room, which is given back when this is dropped: keep it until done.
#[derive(Debug)]
pub struct HeldBody {
    /// The body, whole.
    pub bytes: Bytes,
    _room: Held,
}

impl Bodies {
    /// Bodies of up to `limit` bytes that arrive within `deadline`, of which `budget` has room for some.
    pub const fn new(budget: BodyBudget, limit: usize, deadline: Duration) -> Self {
        Self { budget, limit, deadline }
    }

    /// Reads `body` to its end.
    ///
    /// A length declared in `headers` that is over the limit is refused before anything is read. Bytes count
    /// against the budget as they arrive; declaring alone takes nothing from others.
    ///
    /// # Errors
    /// See [`BodyError`]. The budget is then as before.
    pub async fn read(&self, headers: &HeaderMap, mut body: Body) -> Result<HeldBody, BodyError> {
        if declared_length(headers).is_some_and(|length| length > self.limit as u64) {
            return Err(BodyError::TooLarge);
        }
        let first = at_hand(&mut body).await.transpose().map_err(|_| BodyError::Broken)?;
        // Most bodies came with their heads: nobody needs to wait for them, or to evict them.
        let whole = first.as_ref().and_then(Frame::data_ref).filter(|_| body.is_end_stream());
        if let Some(data) = whole.filter(|data| data.len() <= USUAL.min(self.limit)) {
            return Ok(HeldBody {
                bytes: Bytes::copy_from_slice(data),
                _room: self.budget.hold(data.len())?,
            });
        }
        // Few come in parts: a future for them must not make all others large.
        Box::pin(self.read_on(first, body)).await
    }

    async fn read_on(&self, first: Option<Frame<Bytes>>, body: Body) -> Result<HeldBody, BodyError> {
        let arrival = self.budget.begin();
        let collected = tokio::select! {
            biased;
            () = arrival.evicted() => return Err(BodyError::Evicted),
            collected = timeout(self.deadline, collect(first, body, self.limit, &arrival)) => collected,
        };
        let bytes = collected.map_err(|_| BodyError::TimedOut)??;
        Ok(HeldBody { bytes, _room: arrival.arrived() })
    }
}

/// The first frame, if it is there already. hyper hands over what came with the head only once it has been asked.
async fn at_hand(body: &mut Body) -> Option<Result<Frame<Bytes>, axum::Error>> {
    let mut was_asked = false;
    let poll = |cx: &mut Context<'_>| match Pin::new(&mut *body).poll_frame(cx) {
        Poll::Pending if was_asked => Poll::Ready(None),
        Poll::Pending => {
            was_asked = true;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        Poll::Ready(frame) => Poll::Ready(frame),
    };
    poll_fn(poll).await
}

async fn collect(
    first: Option<Frame<Bytes>>,
    mut body: Body,
    limit: usize,
    arrival: &Arrival,
) -> Result<Bytes, BodyError> {
    let mut bytes = BytesMut::new();
    let mut next = first.map(Ok);
    while let Some(frame) = match next.take() {
        Some(first) => Some(first),
        None => body.frame().await,
    } {
        let frame = frame.map_err(|_| BodyError::Broken)?;
        let Ok(data) = frame.into_data() else { continue };
        let length = bytes.len() + data.len();
        if length > limit {
            return Err(BodyError::TooLarge);
        }
        arrival.grow_to(length).await?;
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

impl From<NoRoom> for BodyError {
    fn from(none: NoRoom) -> Self {
        match none {
            NoRoom::Full => Self::Overloaded,
            NoRoom::Evicted => Self::Evicted,
        }
    }
}

/// How long the body says it is.
pub fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::convert::Infallible;
    use std::io;

    use futures_util::{StreamExt, stream};

    use super::*;

    const KIB: usize = 1024;
    const LIMIT: usize = 4 * KIB;
    const DEADLINE: Duration = Duration::from_secs(10);

    fn chunks(sizes: &[usize]) -> Body {
        let chunks: Vec<_> = sizes.iter().map(|size| Ok::<_, Infallible>(vec![b'x'; *size])).collect();
        Body::from_stream(stream::iter(chunks))
    }

    fn endless() -> Body {
        Body::from_stream(stream::repeat_with(|| Ok::<_, Infallible>(vec![b'x'; 100])))
    }

    /// Some bytes, then nothing more, ever.
    fn stalled(size: usize) -> Body {
        let first = stream::iter([Ok::<_, Infallible>(vec![b'x'; size])]);
        Body::from_stream(first.chain(stream::pending()))
    }

    fn declaring(length: &str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_LENGTH, length.parse().unwrap())])
    }

    async fn read(bodies: &Bodies, body: Body) -> Result<HeldBody, BodyError> {
        bodies.read(&HeaderMap::new(), body).await
    }

    /// That all room is free again.
    async fn is_free(bodies: &Bodies) {
        assert!(read(bodies, chunks(&[LIMIT])).await.is_ok());
    }

    #[tokio::test]
    async fn a_body_comes_whole_and_holds_its_room_until_dropped() {
        let bodies = Bodies::new(BodyBudget::new(LIMIT, 9), LIMIT, DEADLINE);
        let held = read(&bodies, chunks(&[1, 1023, 0, 1])).await.unwrap();
        assert_eq!(held.bytes, vec![b'x'; 1025]);
        assert_eq!(read(&bodies, chunks(&[2 * KIB, 1])).await.unwrap_err(), BodyError::Overloaded);
        assert!(read(&bodies.clone(), chunks(&[2 * KIB])).await.is_ok());
        drop(held);
        is_free(&bodies).await;
        assert!(read(&bodies, Body::empty()).await.unwrap().bytes.is_empty());
    }

    #[tokio::test]
    async fn one_that_came_with_its_head_holds_its_room_too_and_evicts_others() {
        let bodies = Bodies::new(BodyBudget::new(LIMIT, 9), LIMIT, DEADLINE);
        let slow = tokio::spawn({
            let bodies = bodies.clone();
            async move { read(&bodies, stalled(2 * KIB)).await.map(drop) }
        });
        tokio::task::yield_now().await;
        let whole = || Body::from(vec![b'x'; 3 * KIB]);
        let held = read(&bodies, whole()).await.unwrap();
        assert_eq!(held.bytes.len(), 3 * KIB);
        assert_eq!(slow.await.unwrap(), Err(BodyError::Evicted));
        assert_eq!(read(&bodies, whole()).await.unwrap_err(), BodyError::Overloaded);
        drop(held);
        is_free(&bodies).await;
        assert_eq!(read(&bodies, vec![b'x'; LIMIT + 1].into()).await.unwrap_err(), BodyError::TooLarge);
    }

    #[tokio::test]
    async fn the_limit_holds_for_what_is_declared_and_for_what_comes() {
        let bodies = Bodies::new(BodyBudget::new(100 * KIB, 9), LIMIT, DEADLINE);
        for length in ["4097", "18446744073709551615"] {
            // Reading this body would take until the deadline.
            let declared = bodies.read(&declaring(length), stalled(1)).await;
            assert_eq!(declared.unwrap_err(), BodyError::TooLarge);
        }
        assert_eq!(read(&bodies, chunks(&[LIMIT])).await.unwrap().bytes.len(), LIMIT);
        assert_eq!(read(&bodies, chunks(&[LIMIT, 1])).await.unwrap_err(), BodyError::TooLarge);
        assert_eq!(read(&bodies, endless()).await.unwrap_err(), BodyError::TooLarge);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_body_times_out_and_gives_back_its_room() {
        let bodies = Bodies::new(BodyBudget::new(LIMIT, 9), LIMIT, DEADLINE);
        assert_eq!(read(&bodies, stalled(LIMIT)).await.unwrap_err(), BodyError::TimedOut);
        is_free(&bodies).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_body_is_evicted_by_one_that_needs_its_room() {
        let bodies = Bodies::new(BodyBudget::new(LIMIT, 9), LIMIT, DEADLINE);
        let slow = tokio::spawn({
            let bodies = bodies.clone();
            async move { read(&bodies, stalled(LIMIT)).await.map(drop) }
        });
        tokio::task::yield_now().await;
        assert!(read(&bodies, chunks(&[1])).await.is_ok());
        assert_eq!(slow.await.unwrap(), Err(BodyError::Evicted));
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_told_from_one_that_ends() {
        let bodies = Bodies::new(BodyBudget::new(LIMIT, 9), LIMIT, DEADLINE);
        let reset = stream::iter([Ok("x"), Err(io::Error::from(io::ErrorKind::ConnectionReset))]);
        assert_eq!(read(&bodies, Body::from_stream(reset)).await.unwrap_err(), BodyError::Broken);
        is_free(&bodies).await;
    }
}
