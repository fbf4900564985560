//! What agents say of where they are, between the instances that share a database. It is never stored, and who misses it
//! learns it when it is said again.

use tokio::sync::broadcast;

use crate::relay::presence::Presence;

/// Who is further behind misses some.
const BEHIND: usize = 256;

/// See the module.
pub struct PresenceExchange {
    here: broadcast::Sender<Presence>,
    elsewhere: broadcast::Sender<Presence>,
}

impl Default for PresenceExchange {
    fn default() -> Self {
        Self { here: broadcast::Sender::new(BEHIND), elsewhere: broadcast::Sender::new(BEHIND) }
    }
}

impl PresenceExchange {
    /// An agent has said this to this instance.
    pub fn say(&self, presence: Presence) {
        // A store of one process has nobody to tell.
        let _ = self.here.send(presence);
    }

    /// An agent has said this to another instance.
    pub(super) fn hear(&self, presence: Presence) {
        let _ = self.elsewhere.send(presence);
    }

    /// What agents say to this instance.
    pub(super) fn here(&self) -> broadcast::Receiver<Presence> {
        self.here.subscribe()
    }

    /// What agents say to other instances.
    pub fn elsewhere(&self) -> broadcast::Receiver<Presence> {
        self.elsewhere.subscribe()
    }
}
