//! The relay that dies and comes back on the same file, each time at another address.

use std::{path::Path, time::Instant};

use tokio::sync::watch;

use super::chance::Dice;
use crate::{
    ada::Ada,
    moment,
    process::Process,
    relay::{Relay, start, up, url},
};

/// What relays that die have set: everything is soon, and nothing is given up however long a run lasts.
pub const SETTINGS: [(&str, &str); 11] = [
    ("DEBOUNCE_MS", "50"),
    ("DEBOUNCE_MAX_MS", "200"),
    ("UNKNOWN_HOLD_MS", "300"),
    ("ADA_TIMEOUT_MS", "500"),
    ("ADA_RATE_PER_SECOND", "10000"),
    ("ADA_RATE_PER_MINUTE", "10000"),
    ("SEND_MAX_AGE", "6h"),
    ("WAITING_TIMEOUT", "off"),
    ("FILES_ALLOW_PRIVATE", "on"),
    ("LOG_FORMAT", "json"),
    ("RUST_LOG", "info"),
];

/// Where the relay is, if it is.
pub type Address = watch::Receiver<Option<String>>;

pub struct Deaths<'a> {
    folder: &'a Path,
    ada: &'a Ada,
    dice: Dice,
    /// Of the platforms.
    settings: Vec<(&'static str, String)>,
    address: watch::Sender<Option<String>>,
    /// How often it died before it had said that it was up.
    pub before_up: usize,
}

impl<'a> Deaths<'a> {
    /// With these settings of its platforms.
    pub fn new(folder: &'a Path, ada: &'a Ada, settings: Vec<(&'static str, String)>, dice: Dice) -> Self {
        Self { folder, ada, dice, settings, address: watch::Sender::new(None), before_up: 0 }
    }

    fn settings(&self) -> Vec<(&str, &str)> {
        let of_platform = self.settings.iter().map(|(name, value)| (*name, value.as_str()));
        SETTINGS.into_iter().chain(of_platform).collect()
    }

    pub fn address(&self) -> Address {
        self.address.subscribe()
    }

    /// Starts, lives for a while, and is killed, perhaps while it still starts.
    pub async fn die(&mut self) {
        let process = start(self.folder, &self.ada.url, &self.settings());
        let (least, most) = self.dice.one_of(&[(0, 300), (200, 1_200), (600, 1_800), (1_500, 4_500)]);
        let killed_at = Instant::now() + self.dice.between(least, most);
        tokio::select! {
            line = up(&process) => self.is_at(&url(&line)),
            () = moment(killed_at) => self.before_up += 1,
        }
        moment(killed_at).await;
        self.address.send_replace(None);
        kill(process).await;
    }

    /// Starts once more, to stay.
    pub async fn live_on(&self) -> Relay {
        let relay = Relay::start(self.folder, &self.ada.url, &self.settings()).await;
        self.is_at(&relay.url);
        relay
    }

    fn is_at(&self, url: &str) {
        self.ada.meets(url);
        self.address.send_replace(Some(url.to_owned()));
    }
}

/// SIGKILL, and nothing before.
async fn kill(process: Process) {
    process.signal("KILL");
    let ended = process.ended().await;
    assert_eq!(ended.code, None, "it ended by itself: {:#?}", ended.stderr);
    ended.never_says(&[]);
}
