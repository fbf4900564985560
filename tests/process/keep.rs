//! `backup`, `restore` and `verify`: a database is copied under load, comes back, and says where it is damaged.

use std::{
    fs,
    io::{Seek, SeekFrom, Write},
    path::Path,
};

use crate::{
    ada::{Ada, NOWHERE},
    parcel::Parcel,
    process::{Ended, run},
    relay::{Relay, folder, said, settings},
};

const ASKED: [&str; 3] = ["Is anybody there?", "My parcel is late.", "Order A-1042."];

/// A command with the settings of a relay in `folder`.
async fn keeps(folder: &Path, args: &[&str]) -> Ended {
    let settings = settings(NOWHERE);
    let env: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let ended = run(folder, args, &env).await;
    ended.never_says(&["token-of-", "key-of-", "whsec_"]);
    ended
}

async fn is_well(folder: &Path, args: &[&str]) -> String {
    let ended = keeps(folder, args).await;
    assert_eq!(ended.code, Some(0), "{args:?}: {:#?} {:#?}", ended.stdout, ended.stderr);
    ended.stdout.join("\n")
}

async fn fails(folder: &Path, args: &[&str], words: &str) {
    let ended = keeps(folder, args).await;
    let said = [ended.stdout, ended.stderr].concat().join("\n");
    assert_eq!(ended.code, Some(1), "{args:?}: {said}");
    assert!(said.contains(words), "{args:?}: {said}");
}

/// A relay that dies after a conversation, part of which came after the backup `copy.db`.
async fn told_and_copied(ada: &Ada, folder: &Path) -> String {
    let relay = Relay::start(folder, &ada.url, &[("FILES_ALLOW_PRIVATE", "on")]).await;
    ada.meets(&relay.url);
    let chat = ada.hands_off().await;
    let handoff = relay.handoff().await;
    ada.customer_says(&chat, ASKED[0]).await;
    ada.customer_sends(&chat, &Parcel::new("plan.png", 40_000)).await;
    relay.file(&handoff, "plan.png", "kept").await;
    relay.writes(&handoff, "Hello").await;
    relay.thread_with(&handoff, "all of it", |rows| said(rows, "end_user") == [ASKED[0]]).await;
    // Others write meanwhile.
    let (copied, ()) = tokio::join!(is_well(folder, &["backup", "copy.db"]), async {
        ada.customer_says(&chat, ASKED[1]).await;
        relay.writes(&handoff, "One moment").await;
    });
    assert!(copied.contains("copy.db is a backup of handoffs.db"), "{copied}");
    assert!(copied.contains("handoff-files: copy that folder"), "{copied}");
    let whole = is_well(folder, &["verify"]).await;
    assert!(whole.starts_with("ok") && whole.ends_with("1 files"), "{whole}");
    is_well(folder, &["verify", "copy.db"]).await;
    ada.customer_says(&chat, ASKED[2]).await;
    relay
        .thread_with(&handoff, "the rest", |rows| said(rows, "end_user").contains(&ASKED[2].to_owned()))
        .await;
    relay.process.kill().await;
    chat
}

#[tokio::test]
async fn what_is_restored_goes_on_and_doubles_nothing() {
    let (ada, folder) = (Ada::start().await, folder());
    let chat = told_and_copied(&ada, folder.path()).await;
    let path = |name: &str| folder.path().join(name);
    fails(folder.path(), &["restore", "copy.db"], "handoffs.db is there: move it away").await;
    fails(folder.path(), &["backup", "copy.db"], "copy.db: there is a file already").await;
    for name in ["handoffs.db", "handoffs.db-wal", "handoffs.db-shm"] {
        let _ = fs::remove_file(path(name));
    }
    let restored = is_well(folder.path(), &["restore", "copy.db"]).await;
    assert!(restored.starts_with("handoffs.db is restored from copy.db: 1 handoffs"), "{restored}");
    is_well(folder.path(), &["verify"]).await;

    let relay = Relay::start(folder.path(), &ada.url, &[("RECOVER_AFTER", "1s")]).await;
    ada.meets(&relay.url);
    let handoff = relay.handoff().await;
    let rows = relay.thread_with(&handoff, "what came after the backup", |rows| {
        let said = said(rows, "end_user");
        ASKED.iter().all(|asked| said.iter().filter(|said| said == asked).count() == 1)
    });
    let rows = rows.await;
    assert_eq!(ada.agents_said(&chat), ["Hello", "One moment"], "once each: {rows:#?}");
    fs::remove_dir_all(path("handoff-files")).unwrap();
    fails(folder.path(), &["verify"], "the files can't be checked: ").await;
}

#[tokio::test]
async fn what_is_damaged_is_named_and_not_restored() {
    let (ada, folder) = (Ada::start().await, folder());
    told_and_copied(&ada, folder.path()).await;
    let path = |name: &str| folder.path().join(name);
    fs::copy(path("copy.db"), path("floor.db")).unwrap();
    let floor = rusqlite::Connection::open(path("floor.db")).unwrap();
    let waits = "INSERT INTO journal (svix_id, at, ai_agent, conversation, doc) VALUES ('s', 0, '', '', '{}'); \
                 UPDATE journal_floor SET seq = 1000";
    floor.execute_batch(waits).unwrap();
    drop(floor);
    fails(folder.path(), &["verify", "floor.db"], "events wait before the journal's floor").await;
    let mut damaged = fs::OpenOptions::new().write(true).open(path("copy.db")).unwrap();
    damaged.seek(SeekFrom::Start(4096 * 7)).unwrap();
    damaged.write_all(&[0xff; 4096]).unwrap();
    fails(folder.path(), &["verify", "copy.db"], "page 8").await;
    fs::rename(path("handoffs.db"), path("away.db")).unwrap();
    let _ = (fs::remove_file(path("handoffs.db-wal")), fs::remove_file(path("handoffs.db-shm")));
    fails(folder.path(), &["restore", "copy.db"], "copy.db is damaged and was not restored").await;
    assert!(!path("handoffs.db").exists());

    for (content, words) in [(&b"hello"[..], "file is not a database"), (b"", "is empty: put a backup")] {
        fs::write(path("wrong.db"), content).unwrap();
        fails(folder.path(), &["restore", "wrong.db"], words).await;
        fails(folder.path(), &["verify", "wrong.db"], words).await;
    }
    fails(folder.path(), &["verify", "none.db"], "no database at none.db").await;
    // An empty file is what is left of a database, and no new one.
    fs::write(path("handoffs.db"), b"").unwrap();
    let settings = settings(NOWHERE);
    let env: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let ended = run(folder.path(), &[], &env).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.iter().any(|line| line.contains("is empty: put a backup")), "{:#?}", ended.stderr);
}

/// A backup for which there is no room leaves nothing.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_backup_without_room_leaves_nothing() {
    let (ada, folder) = (Ada::start().await, folder());
    told_and_copied(&ada, folder.path()).await;
    let settings = settings(NOWHERE);
    let full = std::process::Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 100; exec \"$0\" backup full.db",
            env!("CARGO_BIN_EXE_handoff-relay"),
        ])
        .current_dir(folder.path())
        .env_clear()
        .envs(settings)
        .output();
    let full = full.unwrap();
    assert_eq!(full.status.code(), Some(1), "{full:?}");
    assert!(String::from_utf8_lossy(&full.stderr).contains("full.db: "), "{full:?}");
    for left in fs::read_dir(folder.path()).unwrap() {
        let name = left.unwrap().file_name();
        assert!(!name.to_string_lossy().contains("full.db"), "{name:?}");
    }
}

/// Where the setting names the database by a path that begins nowhere, as the default does.
#[tokio::test]
async fn the_copy_of_before_an_upgrade_stays_beside_the_file() {
    let folder = folder();
    let database = rusqlite::Connection::open(folder.path().join("handoffs.db")).unwrap();
    let steps = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/sqlite/migrations");
    let mut steps: Vec<_> = fs::read_dir(steps).unwrap().map(|step| step.unwrap().path()).collect();
    steps.sort();
    for step in &steps[..14] {
        database.execute_batch(&fs::read_to_string(step).unwrap()).unwrap();
    }
    database.pragma_update(None, "user_version", 14).unwrap();
    drop(database);
    fs::write(folder.path().join("handoffs.db.before-14"), b"of before").unwrap();
    Relay::start(folder.path(), NOWHERE, &[]).await;
    let copy = format!("handoffs.db.before-{}", steps.len());
    assert!(folder.path().join(copy).exists(), "the only way back");
    assert!(!folder.path().join("handoffs.db.before-14").exists(), "the one of the change before");
}
