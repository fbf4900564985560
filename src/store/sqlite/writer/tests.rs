//! A disk that is full, and one that takes no writes: batches run one by one, so that SQLite itself refuses
//! between them, on the very connection that writes.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, time::Duration};

use futures_util::FutureExt;

use super::*;
use crate::{
    relay::{
        buffer::Timings,
        changes::WriteSet,
        event::{Event, EventKind},
        id::{AiAgentId, ConversationId, ConversationKey},
        time::Time,
    },
    store::{
        Arrived, Arriving, Copies,
        sqlite::{arrive, connect},
    },
};

/// Longer than a page, as many a webhook is.
const LONG: usize = 3_000;

struct Disk {
    _folder: tempfile::TempDir,
    connection: Connection,
    state: WriterState,
    acknowledged: Vec<String>,
}

impl Disk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let connection = connect::writer(&folder.path().join("handoffs.db"), Copies::Make).unwrap();
        prepare(&connection).unwrap();
        Self {
            _folder: folder,
            connection,
            state: WriterState::new(Arc::default(), Arc::default()),
            acknowledged: Vec::new(),
        }
    }

    fn set(&mut self, pragma: &'static str) {
        self.connection.execute_batch(pragma).unwrap();
    }

    fn run(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        let committed = run_batch(&self.connection, &mut jobs, &mut self.state);
        jobs.into_iter().for_each(|job| job.tell(committed.as_ref().err().map(String::as_str)));
    }

    /// Has a batch of these written, and says how each went.
    fn keep(&mut self, ids: &[String]) -> Vec<Result<Arrived, StoreError>> {
        let (jobs, told): (Vec<_>, Vec<_>) = ids.iter().map(|id| remember(id)).unzip();
        self.run(jobs);
        let told: Vec<_> = told.into_iter().map(|told| told()).collect();
        let good = ids.iter().zip(&told).filter(|(_, told)| told.is_ok());
        self.acknowledged.extend(good.map(|(id, _)| id.clone()));
        told
    }

    /// Goes on until something is refused, and gives the refusal.
    fn fill(&mut self) -> (Vec<String>, String) {
        for batch in 0..1_000 {
            let ids: Vec<String> = (0..3).map(|number| id(batch * 3 + number)).collect();
            let told = self.keep(&ids);
            if let Some(Err(error)) = told.into_iter().find(Result::is_err) {
                return (ids, error.to_string());
            }
        }
        unreachable!("the disk never fills")
    }

    fn ready(&mut self) -> Result<(), StoreError> {
        let (job, told) = job(|connection, known| known.probe.renew(connection));
        self.run(vec![job]);
        told.blocking_recv().unwrap()
    }

    fn loses_nothing(&mut self) {
        let sql = "SELECT svix_id FROM journal ORDER BY svix_id";
        let kept: Vec<String> = self.connection.all(sql, (), |row| Ok(row.get(0)?)).unwrap();
        self.acknowledged.sort_unstable();
        assert_eq!(kept, self.acknowledged, "what was acknowledged, and nothing else");
        if self.state.is_stale {
            return;
        }
        let sql = "SELECT seq FROM journal WHERE doc <> ''";
        let stored = self.connection.all(sql, (), |row| Ok(row.get::<_, i64>(0)?)).unwrap();
        let waiting = self.state.known.waiting.lock();
        let known = waiting.page(&key(), usize::MAX).into_iter().map(|event| event.seq);
        assert_eq!(known.collect::<BTreeSet<_>>(), stored.iter().copied().collect());
        assert_eq!(waiting.events(), stored.len() as u64);
    }
}

fn id(number: usize) -> String {
    format!("{number:0LONG$}")
}

fn key() -> ConversationKey {
    ConversationKey { ai_agent: AiAgentId("a".to_owned()), conversation: ConversationId::from("c") }
}

/// Says how a job went.
type Told = Box<dyn FnOnce() -> Result<Arrived, StoreError>>;

/// Every other one arrives as an event, the others are remembered by a decision.
fn remember(id: &str) -> (Box<dyn Job>, Told) {
    let key = key();
    let changes = WriteSet { remember: vec![id.to_owned()], ..WriteSet::default() };
    let scope = Scope::conversation(&key);
    let decision: Decision = Box::new(move |_| changes.into());
    if id.ends_with(['1', '3', '5', '7', '9']) {
        let (job, told) =
            job(|connection, known| decide(connection, scope, decision, known).map(|()| Arrived::Decided));
        return (job, Box::new(|| told.blocking_recv().unwrap()));
    }
    let (job, back) = arrive::job(Arriving {
        event: Box::new(Event {
            svix_id: id.to_owned(),
            key,
            timestamp: Time::default(),
            received_at: Time::default(),
            end_user_id: None,
            channel: None,
            kind: EventKind::HandoffEnded,
        }),
        timings: Timings { quiet: Duration::ZERO, cap: Duration::ZERO, unknown_hold: Duration::ZERO },
        inbox_limit: u64::MAX,
        outbox_limit: u64::MAX,
        kept: Box::new(|| ()),
        rule: Box::new(|_| (scope, decision)),
    })
    .unwrap();
    (job, Box::new(|| arrive::outcome(back).now_or_never().unwrap()))
}

#[test]
fn a_full_disk_is_told_at_once_loses_nothing_and_is_left_behind() {
    let mut disk = Disk::new();
    disk.ready().unwrap();
    // The least there may be: SQLite makes it what there is.
    disk.set("PRAGMA max_page_count = 1");
    let (refused, error) = disk.fill();
    assert!(error.contains("full"), "{error}");
    assert!(disk.ready().is_err(), "no webhook would be kept");
    disk.loses_nothing();

    disk.set("PRAGMA max_page_count = 1000000");
    disk.ready().unwrap();
    for id in refused {
        if !disk.acknowledged.contains(&id) {
            disk.keep(&[id]).remove(0).unwrap();
        }
    }
    assert!(!disk.state.is_stale, "it has read anew what waits");
    disk.loses_nothing();
}

#[test]
fn a_read_only_file_is_told_at_once_and_left_behind() {
    let mut disk = Disk::new();
    disk.keep(&[id(1)]).remove(0).unwrap();
    disk.set("PRAGMA query_only = 1");
    let error = disk.keep(&[id(2)]).remove(0).unwrap_err().to_string();
    assert!(error.contains("readonly"), "{error}");
    assert!(disk.ready().is_err());
    disk.loses_nothing();

    disk.set("PRAGMA query_only = 0");
    disk.ready().unwrap();
    disk.keep(&[id(2)]).remove(0).unwrap();
    disk.loses_nothing();
}

#[test]
fn a_proof_is_a_write_that_need_not_be_repeated_at_once() {
    let mut disk = Disk::new();
    let mut beats = Vec::new();
    for failed in [false, false, true] {
        if failed {
            disk.state.probe = WriteProbe::Refuted;
        }
        disk.ready().unwrap();
        let beat = "SELECT at, length(filler) > 1 FROM heartbeat";
        beats.extend(disk.connection.first(beat, (), |row| Ok((row.get(0)?, row.get(1)?))).unwrap());
    }
    let [first, second, third]: [(i64, bool); 3] = beats.try_into().unwrap();
    assert!(first.0 > 0 && !first.1, "{first:?}");
    assert_eq!(second, first, "asked again at once");
    assert!(third.0 >= first.0 && third.1, "{third:?}: after a failure, as much as a webhook needs");
}

#[test]
fn a_start_looks_behind_the_floor_and_nothing_is_below_it() {
    let mut disk = Disk::new();
    let ids: Vec<String> = (0..3_000).map(|number| id(number * 2)).collect();
    let seqs = |disk: &Disk| {
        let read = journal::read(&disk.connection).unwrap();
        read.page(&key(), usize::MAX).into_iter().map(|event| event.seq).collect::<Vec<_>>()
    };
    let floor = |disk: &Disk| disk.connection.number("SELECT seq FROM journal_floor", ()).unwrap();
    for batch in ids.chunks(250) {
        disk.keep(batch);
    }
    assert_eq!((seqs(&disk).len(), floor(&disk)), (3_000, 0), "all of it waits");
    let done = WriteSet { inbox_done: ids[..2_500].to_vec(), ..WriteSet::default() };
    let (leaves, _) = job(move |connection, known| {
        decide(connection, Scope::conversation(&key()), Box::new(move |_| done.into()), known)
    });
    disk.run(vec![leaves]);
    assert_eq!((seqs(&disk), floor(&disk)), ((2_501..=3_000).collect(), 2_501));

    // All ids are forgotten: numbers begin anew, and the floor with them.
    let done = WriteSet { inbox_done: ids[2_500..].to_vec(), ..WriteSet::default() };
    let (leaves, _) = job(move |connection, known| {
        decide(connection, Scope::conversation(&key()), Box::new(move |_| done.into()), known)
    });
    disk.run(vec![leaves]);
    while journal::purge(&disk.connection, &disk.state.known.waiting, i64::MAX).unwrap() > 0 {}
    disk.keep(&[id(8)]);
    assert_eq!((seqs(&disk), floor(&disk)), (vec![1], 1));
}
