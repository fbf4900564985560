//! One suite for every kind of store. Those of the clouds take part where the environment names a bucket to try:
//! `TEST_S3_BUCKET`, `TEST_GCS_BUCKET`, `TEST_AZURE_CONTAINER`, with the provider's own variables.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;
use crate::settings::Bucket;

type Cloud = (&'static str, fn(Bucket) -> FilesPlace);

/// Each kind of store, empty; folders last as long as the second value.
async fn stores() -> Vec<(&'static str, Files, Option<TempDir>)> {
    let (folder, files) = folder().await;
    let memory = Files::open(&FilesPlace::Memory).await.unwrap();
    let mut stores = vec![("memory", memory, None), ("folder", files, Some(folder))];
    let clouds: [Cloud; 3] = [
        ("TEST_S3_BUCKET", FilesPlace::S3),
        ("TEST_GCS_BUCKET", FilesPlace::Gcs),
        ("TEST_AZURE_CONTAINER", FilesPlace::Azure),
    ];
    for (variable, place) in clouds {
        if let Ok(name) = std::env::var(variable) {
            let prefix = format!("test/{}", uuid::Uuid::new_v4());
            stores.push((variable, Files::open(&place(Bucket { name, prefix })).await.unwrap(), None));
        }
    }
    stores
}

async fn folder() -> (TempDir, Files) {
    let folder = tempfile::tempdir().unwrap();
    let files = open(folder.path()).await.unwrap();
    (folder, files)
}

async fn open(folder: &Path) -> Result<Files, FilesError> {
    Files::open(&FilesPlace::Folder(folder.into())).await
}

async fn spooled(files: &Files, bytes: &[u8]) -> SpooledFile {
    let mut spool = files.spool().unwrap();
    for piece in bytes.chunks(100_000) {
        spool.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    spool.finish().await.unwrap()
}

async fn keep(files: &Files, key: &FileKey, bytes: &[u8]) {
    files.keep(key, &spooled(files, bytes).await).await.unwrap();
}

async fn read(files: &Files, key: &FileKey, range: Option<Range<u64>>) -> Option<Vec<u8>> {
    let bytes = files.read(key, range).await.unwrap()?;
    Some(bytes.try_collect::<Vec<_>>().await.unwrap().concat())
}

fn key(row: &str) -> FileKey {
    FileKey::new("handoff", row)
}

/// Bytes that differ from place to place.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| u8::try_from(i % 251).unwrap()).collect()
}

#[tokio::test]
async fn what_is_kept_is_read_whole_and_in_part() {
    for (kind, files, _folder) in stores().await {
        // Nothing, a little, more than one part, and exactly two.
        for length in [0, 1, PART + 1, 2 * PART] {
            let bytes = pattern(length);
            keep(&files, &key("a"), &bytes).await;
            assert!(read(&files, &key("a"), None).await.unwrap() == bytes, "{kind} {length}");
        }
        let last = u64::try_from(2 * PART).unwrap();
        for (range, length) in
            [(0..1, 1), (0..last, 2 * PART), (7..300_007, 300_000), (last - 1..last + 9, 1), (5..5, 0)]
        {
            let start = usize::try_from(range.start).unwrap();
            let part = read(&files, &key("a"), Some(range.clone())).await.unwrap();
            assert!(part == pattern(2 * PART)[start..start + length], "{kind} {range:?}");
        }
        assert!(files.read(&key("a"), Some(last..last + 1)).await.is_err(), "{kind}: behind the end");
    }
}

#[tokio::test]
async fn a_file_replaces_the_one_before_and_one_that_is_read_stays() {
    for (kind, files, _folder) in stores().await {
        let (first, second) = (pattern(3_000_000), vec![b'x'; 2_000_000]);
        keep(&files, &key("a"), &first).await;
        let mut reading = files.read(&key("a"), None).await.unwrap().unwrap();
        let begun = reading.try_next().await.unwrap().unwrap();
        keep(&files, &key("a"), &second).await;
        let rest: Vec<Bytes> = reading.try_collect().await.unwrap();
        assert!([begun.as_ref(), &rest.concat()].concat() == first, "{kind}");
        assert!(read(&files, &key("a"), None).await.unwrap() == second, "{kind}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_none_and_can_be_forgotten() {
    for (kind, files, _folder) in stores().await {
        assert_eq!(read(&files, &key("a"), None).await, None, "{kind}");
        assert_eq!(read(&files, &key("a"), Some(0..1)).await, None, "{kind}");
        for row in ["a", "b", "c"] {
            keep(&files, &key(row), row.as_bytes()).await;
        }
        files.forget(&[]).await.unwrap();
        files.forget(&[key("a"), key("never"), key("c")]).await.unwrap();
        for (row, left) in [("a", None), ("b", Some(b"b".to_vec())), ("c", None)] {
            assert_eq!(read(&files, &key(row), None).await, left, "{kind} {row}");
        }
        files.forget(&[key("a"), key("b")]).await.unwrap();
        assert_eq!(read(&files, &key("b"), None).await, None, "{kind}");
    }
}

#[tokio::test]
async fn many_at_once_do_not_mix() {
    for (kind, files, _folder) in stores().await {
        let keeping = (0..8_u8).map(|n| {
            let files = files.clone();
            tokio::spawn(async move { keep(&files, &key(&n.to_string()), &[n; 300_007]).await })
        });
        for kept in keeping.collect::<Vec<_>>() {
            kept.await.unwrap();
        }
        // Two of one key: one of them is there, whole. Azure refuses the other.
        let contents = [vec![1; PART + 1], vec![2; PART + 1]];
        let (one, other) = (spooled(&files, &contents[0]).await, spooled(&files, &contents[1]).await);
        let same = key("same");
        let (one, other) = tokio::join!(files.keep(&same, &one), files.keep(&same, &other));
        assert!(one.is_ok() || other.is_ok(), "{kind}");
        assert!(contents.contains(&read(&files, &same, None).await.unwrap()), "{kind}");
        for n in 0..8_u8 {
            assert!(read(&files, &key(&n.to_string()), None).await.unwrap() == [n; 300_007], "{kind}");
        }
    }
}

#[tokio::test]
async fn a_store_that_works_is_ready() {
    for (kind, files, folder) in stores().await {
        files.ready().await.unwrap();
        files.ready().await.unwrap();
        let left = folder.map(|folder| fs::read_dir(folder.path()).unwrap().count());
        assert_eq!(left.unwrap_or_default(), 0, "{kind}: nothing is left of it");
    }
}

#[tokio::test]
async fn a_folder_keeps_files_over_restarts_and_for_its_user_alone() {
    let outer = tempfile::tempdir().unwrap();
    let place = outer.path().join("a/files");
    let files = open(&place).await.unwrap();
    for folder in [&place, &outer.path().join("a")] {
        assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
    }
    let digest = spooled(&files, &pattern(PART + 1)).await.sha256();
    keep(&files, &key("a"), &pattern(PART + 1)).await;
    drop(files);
    let bytes = read(&open(&place).await.unwrap(), &key("a"), None).await.unwrap();
    assert_eq!(digest, <[u8; 32]>::from(Sha256::digest(&bytes)));
    // A folder of somebody else's making keeps its mode.
    fs::set_permissions(&place, fs::Permissions::from_mode(0o750)).unwrap();
    open(&place).await.unwrap();
    assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o750);
}

#[tokio::test]
async fn nothing_half_written_outlives_a_restart() {
    let (folder, files) = folder().await;
    keep(&files, &key("whole"), b"whole").await;
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("crashed")).unwrap();
    for name in ["handoff/whole#1", "handoff/b#12", "crashed/c#1"] {
        fs::write(path(name), b"half").unwrap();
    }
    fs::write(path("handoff/not#mine"), b"").unwrap();
    // Whoever only tries the place may not disturb a relay that is writing.
    assert!(Files::look_at(&FilesPlace::Folder(folder.path().into())).await.unwrap());
    assert!(path("handoff/whole#1").exists());
    let files = open(folder.path()).await.unwrap();
    for name in ["handoff/whole#1", "handoff/b#12", "crashed"] {
        assert!(!path(name).exists(), "{name}");
    }
    assert!(path("handoff/not#mine").exists());
    assert_eq!(read(&files, &key("whole"), None).await.unwrap(), b"whole");
}

#[tokio::test]
async fn a_keep_that_is_given_up_leaves_nothing() {
    let (folder, files) = folder().await;
    let file = spooled(&files, &pattern(3 * PART)).await;
    let key = key("a");
    {
        // Polled until the file has a part of it, then dropped, as at a stop. Dropped before, it would be a file that
        // nobody holds: the next start removes it.
        let mut keeping = std::pin::pin!(files.keep(&key, &file));
        let staged = folder.path().join("handoff/a#1");
        while fs::metadata(&staged).map_or(0, |staged| staged.len()) == 0 {
            assert!(futures_util::poll!(keeping.as_mut()).is_pending());
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(read(&files, &key, None).await, None);
    // Long, as a disk may be busy flushing what other tests write.
    let deadline = Instant::now() + Duration::from_secs(60);
    while fs::read_dir(folder.path().join("handoff")).unwrap().count() > 0 {
        assert!(Instant::now() < deadline, "the half written file stays");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_folder_of_a_handoff_goes_with_its_last_file() {
    let (folder, files) = folder().await;
    let (a, b) = (key("a"), key("b"));
    keep(&files, &a, b"a").await;
    keep(&files, &b, b"b").await;
    files.forget(std::slice::from_ref(&a)).await.unwrap();
    assert!(folder.path().join("handoff").exists());
    files.forget(&[b]).await.unwrap();
    assert!(!folder.path().join("handoff").exists() && folder.path().exists());
}

#[tokio::test]
async fn a_spool_lies_in_the_folder_and_has_no_name() {
    let (folder, files) = folder().await;
    let mut spool = files.spool().unwrap();
    spool.write(Bytes::from(pattern(300_000))).await.unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    // Without the folder there is none.
    drop(folder);
    assert!(matches!(files.spool(), Err(FilesError::Unavailable(_))));
}

#[tokio::test]
async fn a_folder_that_is_gone_is_unavailable_and_its_files_are_not_gone() {
    let (folder, files) = folder().await;
    keep(&files, &key("a"), b"a").await;
    files.ready().await.unwrap();
    let file = spooled(&files, b"b").await;
    let place = folder.path().to_owned();
    let elsewhere = place.with_extension("moved");
    fs::rename(&place, &elsewhere).unwrap();
    let gone = FilesError::Unavailable("the folder for files no longer exists".to_owned());
    assert_eq!(files.read(&key("a"), None).await.err(), Some(gone));
    // A file in its place stands for a disk that takes nothing, whoever runs the test.
    fs::write(&place, b"").unwrap();
    assert!(matches!(files.keep(&key("b"), &file).await, Err(FilesError::Unavailable(_))));
    assert!(matches!(open(&place).await, Err(FilesError::Unavailable(_))));
    *files.0.ready.lock().await = None;
    assert!(matches!(files.ready().await, Err(FilesError::Unavailable(_))));
    assert!(files.spool().is_err());
    // It comes back, and all is well without a restart.
    fs::remove_file(&place).unwrap();
    fs::rename(&elsewhere, &place).unwrap();
    files.ready().await.unwrap();
    assert_eq!(read(&files, &key("a"), None).await.unwrap(), b"a");
}

#[tokio::test]
async fn a_file_that_shrank_breaks_off() {
    let (folder, files) = folder().await;
    keep(&files, &key("a"), &pattern(1_000_000)).await;
    let mut reading = files.read(&key("a"), None).await.unwrap().unwrap();
    reading.try_next().await.unwrap().unwrap();
    fs::write(folder.path().join("handoff/a"), b"short").unwrap();
    assert!(reading.try_collect::<Vec<_>>().await.is_err());
}

#[tokio::test]
async fn a_cloud_without_keys_is_told_without_what_the_environment_says() {
    let bucket = Bucket { name: "files".to_owned(), prefix: "relay".to_owned() };
    // Azure needs an account; the others find out when they are called.
    match Files::open(&FilesPlace::Azure(bucket.clone())).await {
        Err(error) => assert!(matches!(error, FilesError::Unusable(_)), "{error}"),
        Ok(_) => assert!(std::env::var_os("AZURE_STORAGE_ACCOUNT_NAME").is_some()),
    }
    assert!(Files::open(&FilesPlace::S3(bucket)).await.is_ok());
}
