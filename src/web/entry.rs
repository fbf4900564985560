//! What answers the requests of a connection.

use std::pin::Pin;

use axum::{Router, extract::Request, response::Response};
use tower_service::Service;

use super::peer::Peer;

/// An answer that is being made.
pub type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// See the module. Clones answer alike.
pub trait Entry: Clone + Send + Sync + Unpin + 'static {
    /// Answers a request of this peer.
    fn answer(&self, request: Request, peer: Peer) -> Answering;
}

impl Entry for Router {
    fn answer(&self, mut request: Request, peer: Peer) -> Answering {
        request.extensions_mut().insert(peer);
        // A router is always ready.
        let answer = self.clone().call(request);
        Box::pin(async move {
            match answer.await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        })
    }
}
