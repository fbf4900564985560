//! The bodies of requests. An upload is passed on as it comes, all others are read first.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::stream::StreamExt;
use serde_json::Value;

use crate::Call;
use crate::passage::Passage;

/// Ada's limit for a request.
const REQUEST_BYTES: usize = 10 * 1024 * 1024;
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
            return Self::Coming(Passage::new(body));
        }
        read(body, REQUEST_BYTES).await.map_or(Self::TooLarge, Self::Whole)
    }

    /// What the handler gets; `None` when it is too large.
    pub(super) fn body(&self) -> Option<Body> {
        match self {
            Self::Whole(bytes) => Some(Body::from(bytes.clone())),
            Self::TooLarge => None,
            Self::Coming(passage) => Some(passage.body()),
        }
    }

    /// The JSON to keep in the record.
    pub(super) fn recordable(&self) -> Option<Value> {
        match self {
            Self::Whole(bytes) if bytes.len() <= RECORDED_BYTES => serde_json::from_slice(bytes).ok(),
            _ => None,
        }
    }

    /// Reads what the handler has left of a coming one.
    pub(super) async fn finish(self) {
        if let Self::Coming(passage) = self {
            passage.finish().await;
        }
    }
}

/// The whole body, or `None` when it is too large. The rest of a large one is read and thrown away, as
/// [`Passage`] does.
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
