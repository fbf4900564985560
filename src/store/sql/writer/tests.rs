//! A disk that is full, and one that takes no writes: batches run one by one, so that SQLite itself refuses
//! between them, on the very connection that writes.

#![allow(clippy::unwrap_used)]

use futures_util::{FutureExt, future::join_all};

use super::*;
use crate::{
    relay::{
        changes::WriteSet,
        id::{AiAgentId, ConversationId, ConversationKey},
    },
    store::{Copies, sql::connect_writer},
};

/// Longer than a page, as many a webhook is.
const LONG: usize = 3_000;

struct Disk {
    _folder: tempfile::TempDir,
    connection: SqliteConnection,
    known: WriterState,
    acknowledged: Vec<String>,
}

impl Disk {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = connect_writer(&folder.path().join("handoffs.db"), Copies::Make).await.unwrap();
        prepare(&mut connection).await.unwrap();
        Self { _folder: folder, connection, known: WriterState::default(), acknowledged: Vec::new() }
    }

    async fn set(&mut self, pragma: &'static str) {
        execute(&mut self.connection, pragma).await.unwrap();
    }

    async fn run(&mut self, jobs: Vec<Box<dyn Job>>) {
        let (done, committed) = run_batch(&mut self.connection, jobs, &mut self.known).await;
        done.into_iter().for_each(|job| job.tell(committed.as_ref().err().map(String::as_str)));
    }

    /// Has a batch of these written, and says how each went.
    async fn keep(&mut self, ids: &[String]) -> Vec<Result<(), StoreError>> {
        let (jobs, told): (Vec<_>, Vec<_>) = ids.iter().map(|id| remember(id)).unzip();
        self.run(jobs).await;
        let told: Vec<_> = join_all(told).await.into_iter().map(Result::unwrap).collect();
        let good = ids.iter().zip(&told).filter(|(_, told)| told.is_ok());
        self.acknowledged.extend(good.map(|(id, _)| id.clone()));
        told
    }

    /// Goes on until something is refused, and gives the refusal.
    async fn fill(&mut self) -> (Vec<String>, String) {
        for batch in 0..1_000 {
            let ids: Vec<String> = (0..3).map(|number| id(batch * 3 + number)).collect();
            let told = self.keep(&ids).await;
            if let Some(Err(error)) = told.into_iter().find(Result::is_err) {
                return (ids, error.to_string());
            }
        }
        unreachable!("the disk never fills")
    }

    async fn ready(&mut self) -> Result<(), StoreError> {
        let (job, told) = job(|connection, known| known.probe.renew(connection).boxed());
        self.run(vec![job]).await;
        told.await.unwrap()
    }

    async fn loses_nothing(&mut self) {
        let kept = sqlx::query_scalar("SELECT svix_id FROM seen ORDER BY svix_id");
        let kept: Vec<String> = kept.fetch_all(&mut self.connection).await.unwrap();
        self.acknowledged.sort_unstable();
        assert_eq!(kept, self.acknowledged, "what was acknowledged, and nothing else");
    }
}

fn id(number: usize) -> String {
    format!("{number:0LONG$}")
}

fn remember(id: &str) -> (Box<dyn Job>, oneshot::Receiver<Result<(), StoreError>>) {
    let key =
        ConversationKey { ai_agent: AiAgentId("a".to_owned()), conversation: ConversationId::from("c") };
    let changes = WriteSet { remember: vec![id.to_owned()], ..WriteSet::default() };
    let (scope, decision) = (Scope::conversation(&key), Box::new(move |_| changes.into()));
    job(|connection, known| decide(connection, scope, decision, known).boxed())
}

#[tokio::test]
async fn a_full_disk_is_told_at_once_loses_nothing_and_is_left_behind() {
    let mut disk = Disk::new().await;
    disk.ready().await.unwrap();
    // The least there may be: SQLite makes it what there is.
    disk.set("PRAGMA max_page_count = 1").await;
    let (refused, error) = disk.fill().await;
    assert!(error.contains("full"), "{error}");
    assert!(disk.ready().await.is_err(), "no webhook would be kept");
    disk.loses_nothing().await;

    disk.set("PRAGMA max_page_count = 1000000").await;
    disk.ready().await.unwrap();
    for id in refused {
        if !disk.acknowledged.contains(&id) {
            disk.keep(&[id]).await.remove(0).unwrap();
        }
    }
    disk.loses_nothing().await;
}

#[tokio::test]
async fn a_read_only_file_is_told_at_once_and_left_behind() {
    let mut disk = Disk::new().await;
    disk.keep(&[id(1)]).await.remove(0).unwrap();
    disk.set("PRAGMA query_only = 1").await;
    let error = disk.keep(&[id(2)]).await.remove(0).unwrap_err().to_string();
    assert!(error.contains("readonly"), "{error}");
    assert!(disk.ready().await.is_err());
    disk.loses_nothing().await;

    disk.set("PRAGMA query_only = 0").await;
    disk.ready().await.unwrap();
    disk.keep(&[id(2)]).await.remove(0).unwrap();
    disk.loses_nothing().await;
}

#[tokio::test]
async fn a_proof_is_a_write_that_need_not_be_repeated_at_once() {
    let mut disk = Disk::new().await;
    let mut beats = Vec::new();
    for failed in [false, false, true] {
        if failed {
            disk.known.probe = WriteProbe::Refuted;
        }
        disk.ready().await.unwrap();
        let beat = sqlx::query_as("SELECT at, length(filler) > 1 FROM heartbeat");
        beats.push(beat.fetch_one(&mut disk.connection).await.unwrap());
    }
    let [first, second, third]: [(i64, bool); 3] = beats.try_into().unwrap();
    assert!(first.0 > 0 && !first.1, "{first:?}");
    assert_eq!(second, first, "asked again at once");
    assert!(third.0 > first.0 && third.1, "{third:?}: after a failure, as much as a webhook needs");
}
