//! Files whose bytes may belong to no row.

use std::time::Duration;

use handoff_relay::{
    relay::{
        changes::WriteSet,
        delivery::{Delivery, Destination, Fetch},
        handoff::{Handoff, Status},
        thread::{Bytes, Content, Row},
        time::Time,
    },
    store::{
        RetentionPeriods, Store,
        files::{FileChecks, FileOf},
    },
};

use super::make::{
    HOUR, at, due_in, ended, files, handoff, of, purge, put_deliveries, put_handoffs, put_rows, row, sends,
    view, write, writes,
};

async fn for_writes(store: &dyn Store) -> u64 {
    view(store, of("a")).await.queued.get(&writes().destination).copied().unwrap_or_default()
}

fn file(row: &str) -> FileOf {
    FileOf { handoff: "h".into(), row: row.into() }
}

fn png(row: Row) -> Row {
    let (filename, mime_type) = ("a.png".to_owned(), "image/png".to_owned());
    let content = Content::File { filename, mime_type, source_url: None, bytes: Bytes::Kept { size: 9 } };
    Row { content, ..row }
}

async fn due(store: &dyn Store, now: Time, limit: usize) -> Vec<String> {
    let due = store.due_file_checks(now, limit).await.unwrap();
    due.into_iter().map(|file| format!("{}/{}", file.handoff, file.row)).collect()
}

async fn later(store: &dyn Store, row: &str, at: Time) {
    store.change_file_checks(FileChecks::Later(file(row), at)).await.unwrap();
}

async fn a_file_is_looked_at_when_its_time_has_come_until_that_is_done(store: &dyn Store) {
    later(store, "b", at(5)).await;
    later(store, "a", at(9)).await;
    later(store, "a", at(1)).await;
    assert!(due(store, at(4), 9).await.is_empty());
    assert_eq!(due(store, at(5), 9).await, ["h/b"]);
    assert_eq!(due(store, at(9), 9).await, ["h/b", "h/a"], "the first time counts");
    assert_eq!(due(store, at(9), 1).await, ["h/b"]);
    for _ in 0..2 {
        store.change_file_checks(FileChecks::Done(vec![file("b"), file("none")])).await.unwrap();
        assert_eq!(due(store, at(9), 9).await, ["h/a"]);
    }
}

async fn the_files_of_a_forgotten_thread_are_looked_at_at_once(store: &dyn Store) {
    let mut old: Handoff = ended("h", "a", "Alex", "h-3");
    let Status::Ended(end) = &mut old.status else { unreachable!("it has ended") };
    end.at = at(0);
    put_handoffs(store, vec![old, handoff("open", "b")]).await;
    put_rows(store, vec![png(row("h", 1, "")), row("h", 2, "words"), png(row("open", 1, ""))]).await;
    let keep = RetentionPeriods { ended: Some(Duration::from_hours(72)), dead_letters: None };
    let now = at(1) + 72 * HOUR;
    put_deliveries(store, vec![fetches("d", "h-1")]).await;
    purge(store, now, &keep).await;
    assert!(store.handoff(&"h".into()).await.unwrap().is_some(), "a file of it is still fetched");
    write(store, WriteSet { deliveries_done: vec!["d".into()], ..WriteSet::default() }).await;
    purge(store, now, &keep).await;
    assert_eq!(due(store, at(0), 9).await, ["h/h-1"]);
}

fn fetches(id: &str, row: &str) -> Delivery {
    Delivery { job: Fetch::File { row: row.into() }.into(), ..sends(id, "h", "a") }
}

async fn no_file_waits_for_another(store: &dyn Store) {
    put_handoffs(store, vec![handoff("h", "a")]).await;
    put_deliveries(store, vec![sends("d", "h", "a"), fetches("f1", "h-1"), fetches("f2", "h-2")]).await;
    let due = due_in(store, at(9), &files(), 9).await.items;
    let ids: Vec<&str> = due.iter().map(|delivery| delivery.id.as_str()).collect();
    assert_eq!(ids, ["f1", "f2"]);
    let due = due_in(store, at(9), &writes(), 9).await.items;
    assert_eq!(due.len(), 1, "and what people write waits for none");
}

async fn a_file_that_waits_for_days_is_no_old_delivery(store: &dyn Store) {
    let old = Delivery { queued_at: at(-9), ..fetches("f", "h-1") };
    put_deliveries(store, vec![old]).await;
    let depths = store.depths().await.unwrap();
    assert_eq!(
        (depths.outbox(), depths.outbox_oldest, depths.waiting_for(&Destination::Files)),
        (0, None, 1)
    );
    assert_eq!(for_writes(store).await, 0, "nor does it fill the outbox");
    put_deliveries(store, vec![sends("d", "h", "a")]).await;
    let depths = store.depths().await.unwrap();
    assert_eq!(
        (depths.outbox(), depths.outbox_oldest, depths.waiting_for(&Destination::Files)),
        (1, Some(at(0)), 1)
    );
    write(store, WriteSet { deliveries_done: vec!["f".into(), "none".into()], ..WriteSet::default() }).await;
    assert_eq!(for_writes(store).await, 1);
    write(store, WriteSet { deliveries_done: vec!["d".into()], ..WriteSet::default() }).await;
    let depths = store.depths().await.unwrap();
    assert_eq!((for_writes(store).await, depths.waiting_for(&Destination::Files)), (0, 0));
}

on_every_store!(
    a_file_is_looked_at_when_its_time_has_come_until_that_is_done,
    the_files_of_a_forgotten_thread_are_looked_at_at_once,
    no_file_waits_for_another,
    a_file_that_waits_for_days_is_no_old_delivery,
);
