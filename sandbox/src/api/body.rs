//! The bodies of requests. An upload is passed on as it comes, all others are read first.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use axum::Error;
use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use futures_util::stream::{Stream, StreamExt, poll_fn};
use serde_json::Value;

use crate::Call;
use crate::files::FILE_BYTES;

/// Ada's limit for a request.
const REQUEST_BYTES: usize = 10 * 1024 * 1024;
/// Of an upload that nobody reads, so much is read and thrown away.
const REFUSED_BYTES: u64 = 2 * FILE_BYTES;
/// Larger bodies aren't kept in the record.
const RECORDED_BYTES: usize = 1024 * 1024;

/// A body that has come or is coming.
pub(super) enum Arrival {
    Whole(Bytes),
    TooLarge,
    Coming(Passage),
}

impl Arrival {
    pub(super) async fn of(call: Option<Call>, body: Body) -> Self {
        if call == Some(Call::UploadAttachment) {
            return Self::Coming(Passage(Arc::new(Mutex::new(body.into_data_stream()))));
        }
        read(body, REQUEST_BYTES).await.map_or(Self::TooLarge, Self::Whole)
    }

    /// What the handler gets; `None` when it is too large.
    pub(super) fn body(&self) -> Option<Body> {
        match self {
            Self::Whole(bytes) => Some(Body::from(bytes.clone())),
            Self::TooLarge => None,
            Self::Coming(passage) => Some(Body::from_stream(passage.stream())),
        }
    }

    /// The JSON to keep in the record.
    pub(super) fn recordable(&self) -> Option<Value> {
        match self {
            Self::Whole(bytes) if bytes.len() <= RECORDED_BYTES => serde_json::from_slice(bytes).ok(),
            _ => None,
        }
    }

    /// Reads what the handler has left and throws it away, because the caller of a server that stops reading
    /// sees a broken connection instead of the answer.
    pub(super) async fn finish(self) {
        let Self::Coming(passage) = self else { return };
        let mut rest = std::pin::pin!(passage.stream());
        let mut length = 0;
        while let Some(Ok(chunk)) = rest.next().await {
            length += chunk.len() as u64;
            if length > REFUSED_BYTES {
                return;
            }
        }
    }
}

/// A body that two read, one after the other.
pub(super) struct Passage(Arc<Mutex<BodyDataStream>>);

impl Passage {
    fn stream(&self) -> impl Stream<Item = Result<Bytes, Error>> + Send + use<> {
        let body = Arc::clone(&self.0);
        poll_fn(move |context| -> Poll<Option<Result<Bytes, Error>>> {
            body.lock().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(context)
        })
    }
}

/// The whole body, or `None` when it is too large. The rest of a large one is read and thrown away, for the same
/// reason.
async fn read(body: Body, limit: usize) -> Option<Bytes> {
    let mut chunks = body.into_data_stream();
    let (mut bytes, mut length) = (BytesMut::new(), 0);
    while let Some(Ok(chunk)) = chunks.next().await {
        length += chunk.len();
        if length <= limit {
            bytes.extend_from_slice(&chunk);
        } else if length > 2 * limit {
            break;
        }
    }
    (length <= limit).then(|| bytes.freeze())
}
