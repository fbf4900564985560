//! An event that waits to be kept.

use std::borrow::Cow;

use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};

/// How many may wait.
pub const QUEUE: usize = 4_096;

/// What is kept of an event, and who waits for that.
pub struct Arrival {
    pub svix_id: String,
    pub conversation: String,
    pub created_at: String,
    pub body: String,
    pub tell: oneshot::Sender<()>,
}

/// What is read of an event: where it belongs, and its place there.
#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    data: Message<'a>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    conversation_id: Cow<'a, str>,
    #[serde(borrow)]
    created_at: Cow<'a, str>,
}

/// Has an event kept; gives nothing if it can't be read or kept.
pub async fn keep(queue: &mpsc::Sender<Arrival>, svix_id: &str, body: &[u8]) -> Option<()> {
    let event: Event<'_> = serde_json::from_slice(body).ok()?;
    let (tell, told) = oneshot::channel();
    let arrival = Arrival {
        svix_id: svix_id.to_owned(),
        conversation: event.data.conversation_id.into_owned(),
        created_at: event.data.created_at.into_owned(),
        body: std::str::from_utf8(body).ok()?.to_owned(),
        tell,
    };
    queue.send(arrival).await.ok()?;
    told.await.ok()
}
