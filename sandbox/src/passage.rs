//! A body that two read, one after the other: who needs it, then whoever must see its end.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Error;
use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::stream::{Stream, StreamExt, poll_fn};

use crate::files::FILE_BYTES;

/// So much is read and thrown away.
const REFUSED_BYTES: u64 = 2 * FILE_BYTES;

/// For so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// The body of a request.
pub(crate) struct Passage(Arc<Mutex<BodyDataStream>>);

impl Passage {
    pub(crate) fn new(body: Body) -> Self {
        Self(Arc::new(Mutex::new(body.into_data_stream())))
    }

    /// The body, for who needs it.
    pub(crate) fn body(&self) -> Body {
        Body::from_stream(self.stream())
    }

    /// Reads what was left and throws it away, because the caller of a server that stops reading sees a broken
    /// connection instead of the answer.
    pub(crate) async fn finish(self) {
        let read = async {
            let mut rest = std::pin::pin!(self.stream());
            let mut length = 0;
            while let Some(Ok(chunk)) = rest.next().await {
                length += chunk.len() as u64;
                if length > REFUSED_BYTES {
                    return;
                }
            }
        };
        // Whoever stops sending gets the answer all the same.
        let _ = tokio::time::timeout(PATIENCE, read).await;
    }

    fn stream(&self) -> impl Stream<Item = Result<Bytes, Error>> + Send + use<> {
        let body = Arc::clone(&self.0);
        poll_fn(move |context| body.lock().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(context))
    }
}
