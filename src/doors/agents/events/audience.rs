//! Streams that see the same, and what was rendered last for all of them.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use super::parts::Events;
use crate::relay::id::PlatformId;

/// So many bytes are kept for streams that are a little behind. Who is further behind reads the store.
const ROOM: usize = 4 << 20;
/// What a batch takes beside its bytes.
const OF_A_BATCH: usize = size_of::<Batch>();

/// All audiences: the agents, of whom each sees a part, and each platform's service accounts.
pub struct Audiences {
    agents: Arc<Audience>,
    platforms: HashMap<PlatformId, Arc<Audience>>,
}

impl Audiences {
    /// The agents, and these platforms.
    pub fn new(platforms: impl Iterator<Item = PlatformId>) -> Self {
        let platforms = platforms.map(|platform| (platform, Audience::new(ROOM)));
        Self { agents: Audience::new(ROOM), platforms: platforms.collect() }
    }

    /// That of a platform, or of the agents. None for a platform that has no accounts.
    pub fn of(&self, platform: Option<&PlatformId>) -> Option<&Arc<Audience>> {
        platform.map_or(Some(&self.agents), |platform| self.platforms.get(platform))
    }

    /// Each with its platform; none for the agents.
    pub fn all(&self) -> impl Iterator<Item = (Option<PlatformId>, Arc<Audience>)> {
        let platforms = self.platforms.iter().map(|(id, audience)| (Some(id.clone()), Arc::clone(audience)));
        std::iter::once((None, Arc::clone(&self.agents))).chain(platforms)
    }
}

/// Events that go out together.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The newest change before them.
    pub after: u64,
    /// The newest change with them.
    pub to: u64,
    /// Whether all must load anew, wherever they are.
    pub is_reset: bool,
    /// Whether a message that was shown is withdrawn, which the store can't tell again.
    pub withdraws: bool,
    /// The events.
    pub events: Events,
}

/// The time since somebody came when there was nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Which.
    pub number: u64,
    /// The newest change that was rendered.
    pub position: u64,
    /// How many streams there are.
    pub members: u32,
}

/// The streams of one audience. While there are none, nothing is kept.
pub struct Audience {
    ring: Mutex<Ring>,
    /// A batch has come.
    pushed: watch::Sender<()>,
    /// Somebody came when there was nobody, or the last one has gone.
    turned: watch::Sender<()>,
}

struct Ring {
    batches: VecDeque<Batch>,
    /// The number of the first of the batches.
    first: u64,
    bytes: usize,
    room: usize,
    /// The newest change that was rendered.
    position: u64,
    members: u32,
    openings: u64,
    /// Who misses a batch before this number misses what the store can't tell.
    not_to_be_missed: u64,
}

impl Audience {
    fn new(room: usize) -> Arc<Self> {
        let ring = Ring {
            batches: VecDeque::new(),
            first: 0,
            bytes: 0,
            room,
            position: 0,
            members: 0,
            openings: 0,
            not_to_be_missed: 0,
        };
        Arc::new(Self {
            ring: Mutex::new(ring),
            pushed: watch::Sender::new(()),
            turned: watch::Sender::new(()),
        })
    }

    /// One more stream, which sees what comes behind the newest change. That has the number `newest` at least.
    pub fn join(self: &Arc<Self>, newest: u64) -> Member {
        let mut ring = self.lock();
        if ring.members == 0 {
            ring.openings += 1;
            ring.position = newest;
            self.turned.send_replace(());
        }
        ring.members += 1;
        let (next, position) = (ring.end(), ring.position);
        Member { audience: Arc::clone(self), pushed: self.pushed.subscribe(), next, position, goal: position }
    }

    /// What there is to render for; none while there is no stream.
    pub fn opening(&self) -> Option<Opening> {
        let ring = self.lock();
        let opening = Opening { number: ring.openings, position: ring.position, members: ring.members };
        (ring.members > 0).then_some(opening)
    }

    /// Whether there may be something to render for, or no longer.
    pub fn turned(&self) -> watch::Receiver<()> {
        self.turned.subscribe()
    }

    /// Hands a batch to all streams, unless those for whom it was rendered have gone.
    pub fn push(&self, opening: u64, batch: Batch) {
        let mut ring = self.lock();
        if ring.members == 0 || ring.openings != opening {
            return;
        }
        ring.push(batch);
        drop(ring);
        self.pushed.send_replace(());
    }

    /// Something is lost that the store can't tell: all streams end, and their clients connect again.
    pub fn close(&self) {
        let mut ring = self.lock();
        ring.clear();
        ring.first += 1;
        ring.not_to_be_missed = ring.first;
        drop(ring);
        self.pushed.send_replace(());
    }

    fn leave(&self) {
        let mut ring = self.lock();
        ring.members -= 1;
        if ring.members == 0 {
            ring.clear();
            self.turned.send_replace(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    /// The number of the next batch.
    fn end(&self) -> u64 {
        self.first + self.batches.len() as u64
    }

    fn push(&mut self, batch: Batch) {
        self.position = batch.to;
        self.bytes += batch.events.bytes.len() + OF_A_BATCH;
        self.batches.push_back(batch);
        while self.bytes > self.room && self.batches.len() > 1 {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        let Some(batch) = self.batches.pop_front() else { return };
        self.bytes -= batch.events.bytes.len() + OF_A_BATCH;
        self.first += 1;
        if batch.withdraws {
            self.not_to_be_missed = self.first;
        }
    }

    fn clear(&mut self) {
        while !self.batches.is_empty() {
            self.drop_first();
        }
    }

    fn get(&self, number: u64) -> Option<&Batch> {
        self.batches.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }
}

/// What a stream does next.
#[derive(Debug)]
pub enum Next {
    /// It sends those of these events that its agent may see.
    Send(Events),
    /// It reads from the store what it has missed, up to this change.
    CatchUp(u64),
    /// It waits.
    Wait,
    /// It ends: what it has missed the store can't tell.
    End,
}

/// A stream's place among those of its audience.
pub struct Member {
    audience: Arc<Audience>,
    pushed: watch::Receiver<()>,
    /// The number of the next batch.
    next: u64,
    /// The newest change that its client has seen.
    position: u64,
    /// Changes up to this one come from the store.
    goal: u64,
}

impl Member {
    /// The newest change that its client has seen.
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Its client has seen what is up to this change and nothing behind it. It may be one that is not rendered yet.
    pub const fn goes_on_behind(&mut self, change: u64) {
        self.position = change;
    }

    /// What to do next.
    pub fn next(&mut self) -> Next {
        // What comes from now on wakes.
        self.pushed.borrow_and_update();
        let ring = self.audience.lock();
        if self.next < ring.not_to_be_missed {
            return Next::End;
        }
        if self.next < ring.first {
            (self.next, self.goal) = (ring.end(), ring.position);
        }
        if self.position < self.goal {
            return Next::CatchUp(self.goal);
        }
        while let Some(batch) = ring.get(self.next) {
            self.next += 1;
            if batch.is_reset || batch.after == self.position {
                (self.position, self.goal) = (batch.to, batch.to);
                return Next::Send(batch.events.clone());
            }
            if batch.to > self.position {
                // It has seen some of them elsewhere.
                (self.next, self.goal) = (ring.end(), ring.position);
                return Next::CatchUp(self.goal);
            }
        }
        Next::Wait
    }

    /// Waits until there may be something to do.
    pub async fn woken(&mut self) {
        // Its sender lives as long as the audience.
        let _ = self.pushed.changed().await;
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.audience.leave();
    }
}

#[cfg(test)]
#[allow(clippy::panic, reason = "a failed test is a panic")]
mod tests {
    use axum::body::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn batch(after: u64, to: u64) -> Batch {
        let text: String = (after + 1..=to).map(|change| format!("{change} ")).collect();
        Batch { after, to, events: Bytes::from(text).into(), ..Batch::default() }
    }

    fn changes(bytes: &Bytes) -> Vec<u64> {
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        text.split_whitespace().filter_map(|change| change.parse().ok()).collect()
    }

    /// What a stream tells its client until it waits, where the store has all changes.
    fn told(member: &mut Member, seen: &mut Vec<u64>) {
        loop {
            match member.next() {
                Next::Send(events) => seen.extend(changes(&events.bytes)),
                Next::CatchUp(goal) => {
                    // The store is read in pages.
                    let to = goal.min(member.position() + 2);
                    seen.extend(member.position() + 1..=to);
                    member.goes_on_behind(to);
                }
                Next::Wait => return,
                Next::End => panic!("nothing was withdrawn"),
            }
        }
    }

    proptest! {
        #[test]
        fn each_stream_sees_each_change_once_however_far_it_is_behind(
            steps in proptest::collection::vec((0..4_usize, 0..4_u64), 1..60), from in 0..12_u64
        ) {
            let audience = Audience::new(3 * OF_A_BATCH);
            let mut streams: Vec<(Member, Vec<u64>)> =
                (0..3).map(|_| (audience.join(10), Vec::new())).collect();
            // One comes back from where it was, which may be ahead of what was rendered here.
            let mut back = (audience.join(10), Vec::new());
            back.0.goes_on_behind(from);
            streams.push(back);
            let opening = audience.opening().map_or(0, |opening| opening.number);
            let mut newest = 10;
            for (who, more) in steps {
                audience.push(opening, batch(newest, newest + more));
                newest += more;
                let (member, seen) = &mut streams[who];
                told(member, seen);
            }
            audience.push(opening, batch(newest, newest + 3));
            for (place, (member, seen)) in streams.iter_mut().enumerate() {
                told(member, seen);
                let begin = if place == 3 { from } else { 10 };
                prop_assert_eq!(&*seen, &(begin + 1..=newest + 3).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn who_misses_a_withdrawal_ends_and_who_has_seen_it_goes_on() {
        let audience = Audience::new(2 * OF_A_BATCH);
        let (mut slow, mut quick) = (audience.join(5), audience.join(5));
        audience.push(1, Batch { withdraws: true, ..batch(5, 5) });
        assert!(matches!(quick.next(), Next::Send(_)));
        for to in 6..9 {
            audience.push(1, batch(to - 1, to));
        }
        assert!(matches!(slow.next(), Next::End), "it is no longer there");
        assert!(matches!(quick.next(), Next::CatchUp(8)));
        let mut late = audience.join(0);
        assert!(matches!(late.next(), Next::Wait), "it was before its time");
        audience.close();
        assert!(matches!(late.next(), Next::End));
        assert!(matches!(audience.join(0).next(), Next::Wait));
    }

    #[test]
    fn what_was_rendered_for_others_is_not_for_who_comes_later() {
        let audience = Audience::new(ROOM);
        drop(audience.join(5));
        assert_eq!(audience.opening(), None);
        let mut member = audience.join(9);
        audience.push(1, batch(5, 7));
        assert!(matches!(member.next(), Next::Wait));
        assert_eq!(audience.opening(), Some(Opening { number: 2, position: 9, members: 1 }));
        audience.push(2, batch(9, 10));
        assert!(matches!(member.next(), Next::Send(_)));
        drop(member);
        assert_eq!(audience.lock().bytes, 0, "nothing is kept for nobody");
    }

    #[test]
    fn a_reset_is_for_all_wherever_they_are() {
        let audience = Audience::new(ROOM);
        let mut member = audience.join(9);
        audience.push(1, Batch { is_reset: true, ..batch(9, 3) });
        assert!(matches!(member.next(), Next::Send(_)));
        audience.push(1, batch(3, 4));
        assert!(matches!(member.next(), Next::Send(events) if changes(&events.bytes) == [4]));
    }
}
