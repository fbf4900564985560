//! Events as their bytes.

use std::{collections::HashMap, fmt::Display};

use axum::body::Bytes;
use serde::Serialize;

use super::{
    parts::{KnownOwners, Rendered},
    place::Place,
};
use crate::{
    agents::{
        present::PresenceView,
        view::{ArrivingView, WithdrawalView},
    },
    doors::{App, extract},
    engine::ArrivalNews,
    relay::{
        id::{HandoffId, PlatformId},
        presence::Presence,
    },
    store::{FeedItem, StoreError},
};

/// A comment, which clients leave out.
pub const COMMENT: Bytes = Bytes::from_static(b":\n\n");
/// Of so many handoffs it is remembered whether a platform got them.
const REMEMBERED: usize = 10_000;

/// The first id lets a client that reconnects catch up from here.
pub fn open(newest: &Place) -> Bytes {
    Bytes::from(format!("id: {newest}\n: open\n\n"))
}

/// The client must load everything again.
pub fn reset(newest: &Place) -> Bytes {
    Bytes::from(format!("event: reset\nid: {newest}\ndata: {{}}\n\n"))
}

/// These events, and where the client is with them: in a block without data, which is no event and whose id counts (HTML
/// standard, 9.2.6).
pub fn marked(events: &[u8], place: &Place) -> Bytes {
    [events, format!("id: {place}\n\n").as_bytes()].concat().into()
}

/// Renders for one audience.
pub struct Renderer {
    app: App,
    /// Whose service accounts it is for; none for agents.
    platform: Option<PlatformId>,
    /// Whose handoffs are; none where all see the same.
    owners: Option<KnownOwners>,
    /// Which handoffs the platform got, as far as that was asked.
    got: HashMap<HandoffId, bool>,
}

impl Renderer {
    /// For the agents, or for a platform.
    pub fn new(app: &App, platform: Option<PlatformId>) -> Self {
        // A settings file may be read again, and say then that they differ.
        let differ = platform.is_none() && app.settings.file.is_some();
        let owners = differ.then(|| KnownOwners::new(app.clone()));
        Self { app: app.clone(), platform, owners, got: HashMap::new() }
    }

    /// Learns from changes, before they are added.
    pub fn learn(&mut self, changes: &[(u64, FeedItem)]) {
        if let Some(owners) = &mut self.owners {
            owners.learn(changes.iter().map(|(_, change)| change));
        }
    }

    /// The platform; none for agents.
    pub const fn platform(&self) -> Option<&PlatformId> {
        self.platform.as_ref()
    }

    /// Adds a change, if the audience may see it. Gives whether it may.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn change(
        &mut self,
        rendered: &mut Rendered,
        id: u64,
        change: &FeedItem,
    ) -> Result<bool, StoreError> {
        if !self.may_see(change).await? {
            return Ok(false);
        }
        let (app, platform) = (&self.app, self.platform.as_ref());
        let begin = rendered.bytes.len();
        let bytes = &mut rendered.bytes;
        match change {
            FeedItem::Handoff(handoff) => {
                let view = extract::listed_for(app, platform, handoff);
                add(bytes, "handoff", Some(id), &view);
                if let Some(owners) = self.owners.as_mut().and_then(|owners| owners.tell(&handoff.id)) {
                    rendered.cover_handoff(begin, id, handoff, &owners);
                }
            }
            FeedItem::Row(row) => {
                add(bytes, "message", Some(id), &extract::message_for(app, platform, row));
                self.cover(rendered, begin, &row.handoff).await?;
            }
            FeedItem::CannedReplies => add(bytes, "canned_replies", Some(id), &serde_json::json!({})),
        }
        Ok(true)
    }

    /// Adds what arrives.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn arrival(&mut self, rendered: &mut Rendered, news: &ArrivalNews) -> Result<(), StoreError> {
        let begin = rendered.bytes.len();
        let message = match news {
            ArrivalNews::Shown { message, .. } => {
                add(&mut rendered.bytes, "arriving", None, &ArrivingView::from(&**message));
                message
            }
            ArrivalNews::Withdrawn { message, how } => {
                add(&mut rendered.bytes, "arriving", None, &WithdrawalView::new(message, how));
                message
            }
        };
        self.cover(rendered, begin, &message.handoff).await
    }

    /// Adds where an agent is.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn presence(&mut self, rendered: &mut Rendered, presence: &Presence) -> Result<(), StoreError> {
        let begin = rendered.bytes.len();
        add(&mut rendered.bytes, "presence", None, &PresenceView::from(presence));
        self.cover(rendered, begin, &presence.handoff).await
    }

    async fn cover(
        &mut self,
        rendered: &mut Rendered,
        begin: usize,
        handoff: &HandoffId,
    ) -> Result<(), StoreError> {
        if let Some(owners) = &mut self.owners {
            rendered.cover(begin, owners.of(handoff).await?);
        }
        Ok(())
    }

    /// Agents are told apart later; a platform sees what is about handoffs that it got.
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

/// An event with `id` and data. JSON has no line ends, so it is one line.
pub fn add(bytes: &mut Vec<u8>, event: &str, id: Option<u64>, data: &impl Serialize) {
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
