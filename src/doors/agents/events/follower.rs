//! Renders what is new once, for all streams of an audience.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::{
    sync::{
        broadcast::{self, error::RecvError},
        watch,
    },
    time::{sleep, timeout},
};

use super::{
    audience::{Audience, Batch},
    parts::Rendered,
    passed_rows::PassedRows,
    place::Place,
    render::{self, Renderer},
    stream::CHUNK,
};
use crate::{
    doors::App,
    engine::{
        ArrivalFeed, ArrivalNews, Lost,
        worker::{StepError, Worker},
    },
    relay::{presence::Presence, time::Time},
    store::{FeedItem, Since},
};

/// Changes read at once.
const PAGE: usize = 200;
/// Each stream is written to for each batch, which takes about so long. With many streams it is better to write what has
/// come meanwhile at once, after a pause of this time for each, and no longer than the other.
const OF_A_STREAM: Duration = Duration::from_micros(60);
const LONGEST_PAUSE: Duration = Duration::from_millis(12);
/// The runtime's clock knows no shorter time.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// One for each audience.
pub fn followers(app: &App) -> impl Iterator<Item = Follower> {
    app.audiences.all().map(|(platform, audience)| Follower {
        changed: app.engine.store().signals().feed(),
        turned: audience.turned(),
        renderer: Renderer::new(app, platform),
        app: app.clone(),
        audience,
        opening: None,
        pause: Duration::ZERO,
        arrivals: None,
        heard: Vec::new(),
        presence: None,
        present: Vec::new(),
        passed: PassedRows::default(),
    })
}

/// See the module. It works while there are streams.
pub struct Follower {
    app: App,
    audience: Arc<Audience>,
    renderer: Renderer,
    changed: watch::Receiver<u64>,
    turned: watch::Receiver<()>,
    /// For which opening of the audience it works.
    opening: Option<u64>,
    /// After each batch.
    pause: Duration,
    /// What arrives; none for a platform.
    arrivals: Option<ArrivalFeed>,
    heard: Vec<ArrivalNews>,
    /// Where agents are; none for a platform.
    presence: Option<broadcast::Receiver<Presence>>,
    present: Vec<Presence>,
    /// The rows that the streams were told. One that catches up is never told more of them.
    passed: PassedRows,
}

/// A batch in the making.
struct Draft {
    opening: u64,
    after: u64,
    to: u64,
    withdraws: bool,
    rendered: Rendered,
}

impl Follower {
    /// Somebody came when there was nobody: nothing before `position` was told.
    fn begin_anew(&mut self, opening: u64, position: u64) {
        self.opening = Some(opening);
        self.passed = PassedRows::behind(position);
        if self.arrivals.is_none() && self.renderer.platform().is_none() {
            self.arrivals = Some(self.app.engine.arrival_feed());
            self.presence = Some(self.app.engine.presence_feed());
        }
    }

    fn rest(&mut self) {
        (self.opening, self.arrivals, self.presence) = (None, None, None);
        self.heard.clear();
        self.present.clear();
    }

    /// Adds what arrives. Its rows are in none of the changes so far, or it is left out.
    async fn add_arrivals(&mut self, draft: &mut Draft) -> Result<(), StepError> {
        loop {
            for news in std::mem::take(&mut self.heard) {
                match &news {
                    ArrivalNews::Shown { message, known } if self.passed.has(&message.id().0, *known) => {
                        continue;
                    }
                    ArrivalNews::Shown { .. } => {}
                    ArrivalNews::Withdrawn { .. } => draft.withdraws = true,
                }
                self.renderer.arrival(&mut draft.rendered, &news).await?;
            }
            match self.arrivals.as_mut().map_or(Ok(None), ArrivalFeed::next_at_once) {
                Ok(news) => self.heard.extend(news),
                Err(Lost) => self.audience.close(),
            }
            if self.heard.is_empty() {
                return Ok(());
            }
        }
    }

    async fn add_all(&mut self, draft: &mut Draft) -> Result<bool, StepError> {
        self.add_arrivals(draft).await?;
        let is_more = self.add_changes(draft).await?;
        self.add_presence(draft).await?;
        Ok(is_more)
    }

    /// Adds where agents are. Whose a handoff is was learnt from the changes before.
    async fn add_presence(&mut self, draft: &mut Draft) -> Result<(), StepError> {
        if let Some(feed) = &mut self.presence {
            // What is missed is said again.
            self.present.extend(std::iter::from_fn(|| feed.try_recv().ok()));
        }
        for presence in std::mem::take(&mut self.present) {
            self.renderer.presence(&mut draft.rendered, &presence).await?;
        }
        Ok(())
    }

    /// Adds the next changes, and hands out what is enough. Gives whether there may be more.
    async fn add_changes(&mut self, draft: &mut Draft) -> Result<bool, StepError> {
        let changes = match self.app.engine.store().changes_since(draft.to, PAGE).await? {
            Since::Changes(changes) => changes,
            Since::Reset(newest) => {
                self.hand_out(draft);
                self.passed = PassedRows::behind(newest);
                let events = render::reset(&Place::of_all(newest)).into();
                let reset = Batch { after: draft.to, to: newest, is_reset: true, events, withdraws: false };
                self.audience.push(draft.opening, reset);
                (draft.after, draft.to) = (newest, newest);
                return Ok(false);
            }
        };
        self.renderer.learn(&changes);
        for (id, change) in &changes {
            let is_shown = self.renderer.change(&mut draft.rendered, *id, change).await?;
            if let (FeedItem::Row(row), true) = (change, is_shown && self.arrivals.is_some()) {
                self.passed.note(*id, row);
            }
            draft.to = *id;
            if draft.rendered.bytes.len() >= CHUNK {
                self.hand_out(draft);
            }
        }
        Ok(changes.len() == PAGE)
    }

    fn hand_out(&self, draft: &mut Draft) {
        if draft.after == draft.to && draft.rendered.bytes.is_empty() {
            return;
        }
        let events = draft.rendered.take();
        let withdraws = std::mem::take(&mut draft.withdraws);
        let batch = Batch { after: draft.after, to: draft.to, is_reset: false, withdraws, events };
        self.audience.push(draft.opening, batch);
        draft.after = draft.to;
    }
}

#[async_trait]
impl Worker for Follower {
    fn name(&self) -> &'static str {
        "event streams"
    }

    async fn step(&mut self) -> Result<Option<Time>, StepError> {
        self.turned.borrow_and_update();
        self.changed.borrow_and_update();
        let Some(opening) = self.audience.opening() else {
            self.rest();
            return Ok(None);
        };
        if self.opening != Some(opening.number) {
            self.begin_anew(opening.number, opening.position);
        }
        let (number, position) = (opening.number, opening.position);
        let rendered = Rendered::default();
        let mut draft = Draft { opening: number, after: position, to: position, withdraws: false, rendered };
        let added = self.add_all(&mut draft).await;
        self.hand_out(&mut draft);
        let is_more = added?;
        self.pause = (OF_A_STREAM * opening.members).min(LONGEST_PAUSE);
        if self.pause >= SHORTEST_PAUSE {
            sleep(self.pause).await;
        }
        Ok(is_more.then(|| self.app.engine.environment().now()))
    }

    async fn woken(&mut self) {
        if self.opening.is_none() {
            // The sender lives as long as the audience.
            let _ = self.turned.changed().await;
            return;
        }
        let arrives = async {
            match &mut self.arrivals {
                Some(arrivals) => arrivals.next().await,
                None => std::future::pending().await,
            }
        };
        let is_somewhere = async {
            match &mut self.presence {
                Some(feed) => feed.recv().await,
                None => std::future::pending().await,
            }
        };
        let mut is_arrival = false;
        tokio::select! {
            _ = self.turned.changed() => {}
            _ = self.changed.changed() => {}
            said = is_somewhere => match said {
                Ok(presence) => self.present.push(presence),
                // What is missed is said again.
                Err(RecvError::Lagged(_)) => {}
                // Its sender lives as long as the engine.
                Err(RecvError::Closed) => self.presence = None,
            },
            news = arrives => match news {
                Ok(news) => {
                    self.heard.push(news);
                    is_arrival = true;
                }
                Err(Lost) => self.audience.close(),
            },
        }
        // With many streams it goes with the next change, if there is one soon.
        if is_arrival && self.pause >= SHORTEST_PAUSE {
            let _ = timeout(self.pause, self.changed.changed()).await;
        }
    }
}
