//! Events as their bytes.

use std::{collections::HashMap, fmt::Display};

use axum::body::Bytes;
use serde::Serialize;

use crate::{
    agents::view::{ArrivingView, HandoffView, WithdrawalView},
    doors::{App, extract},
    engine::ArrivalNews,
    relay::id::{HandoffId, PlatformId},
    store::{FeedItem, StoreError},
};

/// A comment, which clients leave out.
pub const COMMENT: Bytes = Bytes::from_static(b":\n\n");
/// Of so many handoffs it is remembered whether a platform got them.
const REMEMBERED: usize = 10_000;

/// The first id lets a client that reconnects catch up from here.
pub fn open(newest: u64) -> Bytes {
    Bytes::from(format!("id: {newest}\n: open\n\n"))
}

/// The client must load everything again.
pub fn reset(newest: u64) -> Bytes {
    Bytes::from(format!("event: reset\nid: {newest}\ndata: {{}}\n\n"))
}

/// Renders for one audience.
pub struct Renderer {
    app: App,
    /// Whose service accounts it is for; none for agents.
    platform: Option<PlatformId>,
    /// Which handoffs the platform got, as far as that was asked.
    got: HashMap<HandoffId, bool>,
}

impl Renderer {
    /// For the agents, or for a platform.
    pub fn new(app: &App, platform: Option<PlatformId>) -> Self {
        Self { app: app.clone(), platform, got: HashMap::new() }
    }

    /// The platform; none for agents.
    pub const fn platform(&self) -> Option<&PlatformId> {
        self.platform.as_ref()
    }

    /// Adds a change to `bytes`, if the audience may see it. Gives whether it may.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn change(
        &mut self,
        bytes: &mut Vec<u8>,
        id: u64,
        change: &FeedItem,
    ) -> Result<bool, StoreError> {
        if !self.may_see(change).await? {
            return Ok(false);
        }
        let (app, platform) = (&self.app, self.platform.as_ref());
        match change {
            FeedItem::Handoff(handoff) => {
                let view = extract::handoff_for(app, platform, HandoffView::listed(handoff));
                add(bytes, "handoff", Some(id), &view);
            }
            FeedItem::Row(row) => add(bytes, "message", Some(id), &extract::message_for(app, platform, row)),
            FeedItem::CannedReplies => add(bytes, "canned_replies", Some(id), &serde_json::json!({})),
        }
        Ok(true)
    }

    /// An agent sees everything, a platform what is about handoffs that it got.
    async fn may_see(&mut self, change: &FeedItem) -> Result<bool, StoreError> {
        let Some(platform) = &self.platform else { return Ok(true) };
        let id = match change {
            FeedItem::Handoff(handoff) => return Ok(handoff.platforms.contains_key(platform)),
            FeedItem::CannedReplies => return Ok(false),
            FeedItem::Row(row) => &row.handoff,
        };
        if let Some(got) = self.got.get(id) {
            return Ok(*got);
        }
        let handoff = self.app.engine.store().handoff(id).await?;
        let got = handoff.is_some_and(|handoff| handoff.platforms.contains_key(platform));
        if self.got.len() >= REMEMBERED {
            self.got.clear();
        }
        self.got.insert(id.clone(), got);
        Ok(got)
    }
}

/// Adds what arrives.
pub fn arrival(bytes: &mut Vec<u8>, news: &ArrivalNews) {
    match news {
        ArrivalNews::Shown { message, .. } => add(bytes, "arriving", None, &ArrivingView::from(&**message)),
        ArrivalNews::Withdrawn { message, how } => {
            add(bytes, "arriving", None, &WithdrawalView::new(message, how));
        }
    }
}

/// An event with `id` and data. JSON has no line ends, so it is one line.
fn add(bytes: &mut Vec<u8>, event: &str, id: Option<u64>, data: &impl Serialize) {
    let before = bytes.len();
    if let Some(id) = id {
        field(bytes, "id", id);
    }
    field(bytes, "event", event);
    bytes.extend_from_slice(b"data: ");
    match serde_json::to_writer(&mut *bytes, data) {
        Ok(()) => bytes.extend_from_slice(b"\n\n"),
        Err(error) => {
            tracing::error!(error = %error, "a change could not be shown");
            bytes.truncate(before);
        }
    }
}

fn field(bytes: &mut Vec<u8>, name: &str, value: impl Display) {
    bytes.extend_from_slice(format!("{name}: {value}\n").as_bytes());
}
