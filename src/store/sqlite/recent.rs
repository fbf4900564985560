//! The newest changes that agents see, as they are now. Event streams and the index of searches follow the writer closely, and so
//! need not read from the file what it has just written.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    relay::id::{HandoffId, RowId},
    store::{FeedItem, Since, signals::FeedPosition},
};

/// So many changes are kept at most, and documents that take so many bytes in the file.
const CHANGES: usize = 4_096;
const BYTES: usize = 1 << 20;

/// See the module. Nothing of it, if it is not known what the newest changes are.
#[derive(Default)]
pub struct RecentChanges(Mutex<Option<State>>);

/// A document that a transaction has written.
pub struct Written {
    /// Of its change; none if agents are not told.
    pub number: Option<u64>,
    pub item: FeedItem,
    /// In the file.
    pub bytes: usize,
}

struct State {
    /// All changes behind this one are here.
    after: u64,
    changes: VecDeque<Of>,
    documents: HashMap<Of, Document>,
    bytes: usize,
}

/// What has changed.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Of {
    Handoff(HandoffId),
    Row(RowId),
    CannedReplies,
}

struct Document {
    item: FeedItem,
    /// Its last change.
    number: u64,
    bytes: usize,
}

impl RecentChanges {
    /// What has changed behind the number `after`, at most `limit` changes; none if not all of it is here.
    pub fn since(&self, after: u64, limit: usize) -> Option<Since> {
        let kept = self.lock();
        let state = kept.as_ref().filter(|state| (state.after..=state.newest()).contains(&after))?;
        let changes = (after + 1..).zip(state.changes.iter().skip((after - state.after) as usize));
        let now = |(number, of)| Some((number, state.documents.get(of)?.item.clone()));
        Some(Since::Changes(changes.take(limit).map(now).collect::<Option<_>>()?))
    }

    /// A transaction that has written these is durable. Before anybody is told of the newest change, which it may have made.
    pub fn committed(&self, written: impl Iterator<Item = Written>, newest: FeedPosition) {
        let mut kept = self.lock();
        for written in written {
            match (written.number, kept.as_mut()) {
                (Some(number), Some(state)) if state.newest() + 1 == number => state.push(number, written),
                (Some(number), _) => kept.insert(State::behind(number - 1)).push(number, written),
                (None, Some(state)) => state.renew(written),
                (None, None) => {}
            }
        }
        match (newest, kept.as_mut()) {
            (FeedPosition::Unknown, _) => *kept = None,
            (FeedPosition::At(newest), Some(state)) if state.newest() != newest => *kept = None,
            (FeedPosition::At(_) | FeedPosition::Same, Some(state)) => state.trim(),
            (FeedPosition::At(_) | FeedPosition::Same, None) => {}
        }
    }

    /// What is here may not be in the file any more.
    pub fn forget(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn behind(after: u64) -> Self {
        Self { after, changes: VecDeque::new(), documents: HashMap::new(), bytes: 0 }
    }

    fn newest(&self) -> u64 {
        self.after + self.changes.len() as u64
    }

    fn push(&mut self, number: u64, Written { item, bytes, .. }: Written) {
        let of = Of::item(&item);
        self.changes.push_back(of.clone());
        self.bytes += bytes;
        let before = self.documents.insert(of, Document { item, number, bytes });
        self.bytes -= before.map_or(0, |before| before.bytes);
    }

    /// A document has changed, and not for agents.
    fn renew(&mut self, Written { item, bytes, .. }: Written) {
        if let Some(document) = self.documents.get_mut(&Of::item(&item)) {
            self.bytes = self.bytes + bytes - document.bytes;
            *document = Document { item, bytes, ..*document };
        }
    }

    fn trim(&mut self) {
        while self.changes.len() > CHANGES || self.bytes > BYTES {
            let Some(of) = self.changes.pop_front() else { return };
            self.after += 1;
            if self.documents.get(&of).is_some_and(|document| document.number == self.after) {
                self.bytes -= self.documents.remove(&of).map_or(0, |document| document.bytes);
            }
        }
    }
}

impl Of {
    fn item(item: &FeedItem) -> Self {
        match item {
            FeedItem::Handoff(handoff) => Self::Handoff(handoff.id.clone()),
            FeedItem::Row(row) => Self::Row(row.id.clone()),
            FeedItem::CannedReplies => Self::CannedReplies,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests: what is unexpected ends the test")]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        relay::{thread::Row, time::Time},
        store::placeholder,
    };

    fn row(id: &str, seq: u64) -> Arc<Row> {
        Arc::new(placeholder::row(id.into(), &"h".into(), seq, Time::from_micros(0)))
    }

    fn written(number: Option<u64>, id: &str, seq: u64, bytes: usize) -> Written {
        Written { number, item: FeedItem::Row(row(id, seq)), bytes }
    }

    /// The numbers of changes, the ids of their rows, and the numbers of these.
    fn shown(recent: &RecentChanges, after: u64, limit: usize) -> Option<Vec<(u64, String, u64)>> {
        let Since::Changes(changes) = recent.since(after, limit)? else { panic!("all of it is here") };
        let shown = changes.into_iter().map(|(number, item)| match item {
            FeedItem::Row(row) => (number, row.id.0.clone(), row.seq),
            other => panic!("{other:?}"),
        });
        Some(shown.collect())
    }

    fn numbers(recent: &RecentChanges, after: u64) -> Option<Vec<u64>> {
        Some(shown(recent, after, usize::MAX)?.into_iter().map(|(number, ..)| number).collect())
    }

    #[test]
    fn what_has_changed_is_shown_as_it_is_now() {
        let recent = RecentChanges::default();
        assert_eq!(shown(&recent, 0, 9), None);
        let first =
            [written(Some(11), "a", 1, 1), written(Some(12), "b", 2, 1), written(None, "other", 9, 1)];
        recent.committed(first.into_iter(), FeedPosition::At(12));
        let all = |a: u64| vec![(11, "a".to_owned(), a), (12, "b".to_owned(), 2)];
        assert_eq!(shown(&recent, 10, 9), Some(all(1)));
        assert_eq!(shown(&recent, 10, 1), Some(all(1)[..1].to_vec()));
        assert_eq!(shown(&recent, 12, 9), Some(vec![]));
        assert_eq!((shown(&recent, 9, 9), shown(&recent, 13, 9)), (None, None));
        recent.committed([written(None, "a", 3, 1)].into_iter(), FeedPosition::Same);
        assert_eq!(shown(&recent, 10, 9), Some(all(3)));
        recent.committed([written(Some(13), "a", 4, 1)].into_iter(), FeedPosition::At(13));
        assert_eq!(shown(&recent, 10, 9), Some([all(4), vec![(13, "a".to_owned(), 4)]].concat()));
        recent.forget();
        assert_eq!(shown(&recent, 13, 9), None);
    }

    #[test]
    fn it_is_nothing_where_a_change_may_be_missing() {
        let recent = RecentChanges::default();
        let commit =
            |number, newest| recent.committed([written(Some(number), "a", 1, 1)].into_iter(), newest);
        commit(11, FeedPosition::At(11));
        commit(13, FeedPosition::At(13));
        assert_eq!((numbers(&recent, 11), numbers(&recent, 12)), (None, Some(vec![13])));
        commit(14, FeedPosition::At(15));
        assert_eq!(numbers(&recent, 13), None);
        commit(16, FeedPosition::At(16));
        commit(17, FeedPosition::Unknown);
        assert_eq!(numbers(&recent, 16), None);
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let recent = RecentChanges::default();
        let most = CHANGES as u64;
        let changes = (1..=most + 5).map(|number| written(Some(number), "a", number, 1));
        recent.committed(changes, FeedPosition::At(most + 5));
        assert_eq!(numbers(&recent, 4), None);
        assert_eq!(numbers(&recent, 5).unwrap().len(), CHANGES);
        let large = ["b", "c", "d"]
            .into_iter()
            .zip(most + 6..)
            .map(|(id, number)| written(Some(number), id, 1, BYTES / 2));
        recent.committed(large, FeedPosition::At(most + 8));
        assert_eq!(numbers(&recent, most + 5), None);
        assert_eq!(numbers(&recent, most + 6), Some(vec![most + 7, most + 8]));
        let kept = recent.lock();
        let state = kept.as_ref().unwrap();
        assert_eq!((state.documents.len(), state.bytes), (2, BYTES / 2 * 2));
    }
}
