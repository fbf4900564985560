//! Who is looking at a handoff or writing in it, so that two agents don't answer the same customer.
//!
//! What agents say is in memory alone. The worker [`Viewers`] says what is over and passes on what other instances have
//! heard.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use tokio::sync::{
    broadcast::{self, error::RecvError},
    watch,
};

use super::{
    Engine,
    worker::{StepError, Worker, signal},
};
use crate::relay::{
    id::HandoffId,
    presence::{Board, News, Origin, Presence, TooMany},
    time::Time,
};

/// A follower that is further behind misses some: it is said again.
const BEHIND: usize = 1_024;

/// Who is where, and who has an event stream open here.
pub(super) struct Presences {
    here: Mutex<Here>,
    news: broadcast::Sender<Presence>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Here {
    board: Board,
    /// How many event streams each agent has open.
    streams: HashMap<String, usize>,
}

impl Default for Presences {
    fn default() -> Self {
        Self { here: Mutex::default(), news: broadcast::Sender::new(BEHIND), changed: watch::Sender::new(()) }
    }
}

impl Presences {
    fn lock(&self) -> MutexGuard<'_, Here> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An agent's event stream; dropping it ends it.
pub struct ViewerStream {
    engine: Arc<Engine>,
    agent: String,
}

impl ViewerStream {
    /// An agent opens an event stream.
    pub fn of(engine: Arc<Engine>, agent: String) -> Self {
        *engine.presences.lock().streams.entry(agent.clone()).or_default() += 1;
        Self { engine, agent }
    }
}

impl Drop for ViewerStream {
    fn drop(&mut self) {
        let now = self.engine.environment.now();
        let mut here = self.engine.presences.lock();
        let Some(open) = here.streams.get_mut(&self.agent) else { return };
        *open -= 1;
        if *open > 0 {
            return;
        }
        here.streams.remove(&self.agent);
        here.board.leaves(&self.agent, now);
        drop(here);
        self.engine.presences.changed.send_replace(());
    }
}

impl Engine {
    /// An agent says what they do in a handoff. Gives who else is there.
    ///
    /// # Errors
    /// The agent is in too many handoffs at once.
    pub fn is_present(&self, presence: Presence) -> Result<Vec<Presence>, TooMany> {
        let (handoff, agent) = (presence.handoff.clone(), presence.agent.clone());
        let news = self.presences.lock().board.say(presence, Origin::Here, self.environment.now())?;
        news.into_iter().for_each(|news| self.tell_presence(news));
        self.presences.changed.send_replace(());
        Ok(self.others_in(&handoff, &agent))
    }

    fn others_in(&self, handoff: &HandoffId, agent: &str) -> Vec<Presence> {
        self.presences.lock().board.others(handoff, agent)
    }

    /// Where agents are from now on: what changes, and what is said again.
    pub fn presence_feed(&self) -> broadcast::Receiver<Presence> {
        self.presences.news.subscribe()
    }

    fn tell_presence(&self, News { presence, origin }: News) {
        if origin == Origin::Here {
            self.store.signals().presence().say(presence.clone());
        }
        // Nobody may have a stream open.
        let _ = self.presences.news.send(presence);
    }
}

/// See the module.
pub struct Viewers {
    engine: Arc<Engine>,
    changed: watch::Receiver<()>,
    elsewhere: broadcast::Receiver<Presence>,
    heard: Vec<Presence>,
}

impl Viewers {
    /// Of this engine.
    pub fn new(engine: Arc<Engine>) -> Self {
        let changed = engine.presences.changed.subscribe();
        let elsewhere = engine.store.signals().presence().elsewhere();
        Self { engine, changed, elsewhere, heard: Vec::new() }
    }
}

#[async_trait]
impl Worker for Viewers {
    fn name(&self) -> &'static str {
        "viewers"
    }

    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        self.changed.borrow_and_update();
        let now = self.engine.environment.now();
        let mut here = self.engine.presences.lock();
        // One agent in too many handoffs is refused where they say it.
        let heard = self.heard.drain(..);
        let mut news: Vec<News> =
            heard.filter_map(|said| here.board.say(said, Origin::Elsewhere, now).ok().flatten()).collect();
        news.extend(here.board.due(now));
        let next = here.board.next();
        drop(here);
        news.into_iter().for_each(|news| self.engine.tell_presence(news));
        Ok(next)
    }

    async fn woken(&mut self) {
        tokio::select! {
            () = signal(&mut self.changed) => {}
            said = self.elsewhere.recv() => match said {
                Ok(said) => self.heard.push(said),
                // It is said again.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => std::future::pending().await,
            },
        }
    }
}
