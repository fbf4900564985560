//! Agent platforms: systems in which agents work, and that are told what happens to handoffs.
//!
//! A platform is a destination of deliveries. What it is told is derived by `relay/platform.rs`; what it sends comes by
//! its door in `doors/platforms.rs`. Each kind of platform is a folder here: its wire format, and how it is called.

pub mod amazon_connect;
mod circuit;
pub mod links;
pub mod webhook;

use std::sync::Arc;

pub use circuit::{Circuit, Health, Permit};
pub use links::{FileLinks, LinkClaim};

use crate::relay::{id::PlatformId, rules::notify::NoticeOutcome};
use amazon_connect::AmazonConnect;
use webhook::Webhook;

/// A platform of the settings.
pub struct Platform {
    /// Its name.
    pub id: PlatformId,
    /// What it is, and how it is called.
    pub kind: Kind,
    /// Whether it is called at present.
    pub circuit: Circuit,
    /// The links by which it fetches files.
    pub links: Arc<FileLinks>,
}

/// The kinds of platforms.
pub enum Kind {
    /// A receiver of signed webhooks.
    Webhook(Webhook),
    /// Amazon Connect.
    AmazonConnect(Box<AmazonConnect>),
}

/// How a platform answered an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// So.
    Outcome(NoticeOutcome),
    /// It refused what the event asked for, for this reason; nothing of the event is left to do.
    Refused(String),
    /// It knows the event already, and all messages of the handoff up to this `seq`.
    KnownUpTo(u64),
    /// 410: it wants no more events, for this reason.
    Gone(String),
}

/// The platforms of the settings, in their order.
#[derive(Default)]
pub struct Platforms(Vec<Platform>);

impl Platforms {
    /// These.
    pub const fn new(platforms: Vec<Platform>) -> Self {
        Self(platforms)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Platform> {
        self.0.iter()
    }

    /// The one of this name.
    pub fn find(&self, id: &PlatformId) -> Option<&Platform> {
        self.iter().find(|platform| platform.id == *id)
    }
}
