//! One event stream: what was rendered for all, and from the store what it has missed.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::body::Bytes;
use futures_util::{Stream, stream};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::{
    audience::{Member, Next},
    parts::Rendered,
    place::{Place, SightMark},
    render::{self, COMMENT, Renderer},
};
use crate::{
    doors::{App, extract::Caller},
    engine::ViewerStream,
    metrics::OpenStream,
    relay::sight::Sight,
    store::{Since, StoreError},
    web::places::Place as OwnPlace,
};

/// Proxies close connections that are silent for long.
const COMMENT_EVERY: Duration = Duration::from_secs(15);
/// Changes read at once.
const PAGE: usize = 100;
/// So much of them goes out at once.
pub const CHUNK: usize = 256 << 10;

/// See the module.
pub struct EventStream {
    app: App,
    renderer: Renderer,
    sight: Sight,
    view: SightMark,
    /// Whose it is; none for a platform.
    agent: Option<String>,
    member: Member,
    first: Option<Bytes>,
    comments: Interval,
    _place: OwnPlace,
    /// The agent's presence ends with the last one; none for a platform.
    _viewer: Option<ViewerStream>,
    _counted: OpenStream,
}

impl EventStream {
    /// A stream that begins with `first`.
    pub fn new(
        app: &App,
        Caller { agent, platform, sight, .. }: Caller,
        member: Member,
        first: Bytes,
        view: SightMark,
        place: OwnPlace,
    ) -> Self {
        // Each is a sign of the agent.
        let mut comments = interval(COMMENT_EVERY.min(app.engine.policy().gone_after / 3));
        comments.set_missed_tick_behavior(MissedTickBehavior::Delay);
        comments.reset();
        let agent = platform.is_none().then_some(agent);
        let viewer = agent.clone().map(|agent| ViewerStream::of(Arc::clone(&app.engine), agent));
        Self {
            app: app.clone(),
            agent,
            renderer: Renderer::new(app, platform),
            sight,
            view,
            member,
            first: Some(first),
            comments,
            _place: place,
            _viewer: viewer,
            _counted: app.metrics.stream(),
        }
    }

    /// What it sends.
    pub fn events(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream::unfold(self, |mut stream| async move {
            let bytes = stream.next().await?;
            Some((Ok(bytes), stream))
        })
    }

    /// The next events; `None` when something was lost, or when the store fails. Clients then reconnect.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            match self.member.next() {
                Next::Send(events) => match events.seen_by(&self.sight) {
                    bytes if bytes.is_empty() => {}
                    bytes => return Some(self.marked(bytes)),
                },
                Next::CatchUp(goal) => match self.catch_up(goal).await {
                    Ok(bytes) if bytes.is_empty() => {}
                    Ok(bytes) => return Some(self.marked(bytes)),
                    Err(error) => {
                        tracing::error!(error = %error, "an event stream could not be read");
                        return None;
                    }
                },
                Next::Wait => tokio::select! {
                    () = self.member.woken() => {}
                    _ = self.comments.tick() => {
                        if let Some(agent) = &self.agent {
                            self.app.engine.saw(agent).await;
                        }
                        return Some(COMMENT);
                    }
                },
                Next::End => return None,
            }
        }
    }

    /// Where the client is now.
    fn place(&self) -> Place {
        Place { change: self.member.position(), view: self.view.clone() }
    }

    /// The ids of events are the same for all. Who sees a part is told last that it is theirs.
    fn marked(&self, events: Bytes) -> Bytes {
        if self.view.is_partial() { render::marked(&events, &self.place()) } else { events }
    }

    /// Some of what the client has missed. What is behind `goal` comes with the others': a message that arrives must not
    /// come behind its row.
    async fn catch_up(&mut self, goal: u64) -> Result<Bytes, StoreError> {
        let after = self.member.position();
        let changes = match self.app.engine.store().changes_since(after, PAGE).await? {
            Since::Changes(changes) => changes,
            Since::Reset(_) => {
                self.member.goes_on_behind(goal);
                return Ok(render::reset(&self.place()));
            }
        };
        let (mut rendered, mut told) = (Rendered::default(), goal);
        self.renderer.learn(&changes);
        for (id, change) in &changes {
            if *id > goal {
                break;
            }
            self.renderer.change(&mut rendered, *id, change).await?;
            told = *id;
            if rendered.bytes.len() >= CHUNK {
                break;
            }
        }
        let is_all = changes.last().is_none_or(|(last, _)| *last > goal) && rendered.bytes.len() < CHUNK;
        self.member.goes_on_behind(if is_all { goal } else { told });
        Ok(rendered.take().seen_by(&self.sight))
    }
}
