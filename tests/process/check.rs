//! `check` and `health`: what they find, and that they say it without a secret.

use axum::http::StatusCode;

use crate::{
    ada::{Ada, NOWHERE, Refusing},
    postgres,
    process::{Ended, Env, run},
    relay::{Relay, folder, settings},
};

const SECRETS: [&str; 4] = ["key-of-", "token-of-", "whsec_", "hunter2"];

async fn check(folder: &std::path::Path, ada_url: &str, more: Env<'_>) -> Ended {
    let settings = settings(ada_url);
    let mut env: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    env.retain(|(name, _)| more.iter().all(|(other, _)| name != other));
    env.extend(more);
    let before = listing(folder);
    let short = run(folder, &["check"], &env).await;
    let ended = run(folder, &["check", "--all"], &env).await;
    assert_eq!(listing(folder), before, "it changes nothing");
    for ended in [&short, &ended] {
        ended.never_says(&SECRETS);
    }
    // What needs doing comes first, and is all that is shown unless more is asked for.
    let needs = |line: &&String| !line.starts_with("ok");
    let first = ended.stdout.iter().take_while(needs);
    assert!(first.eq(ended.stdout.iter().filter(needs)), "{:#?}", ended.stdout);
    let (last, shown) = short.stdout.split_last().unwrap();
    assert_eq!(shown.len(), ended.stdout.iter().filter(needs).count(), "{:#?}", short.stdout);
    assert!(last.starts_with("ok") && last.ends_with("--all shows them"), "{last}");
    assert_eq!(short.code, ended.code);
    ended
}

/// Each file in a folder, with its size and when it was changed.
fn listing(folder: &std::path::Path) -> Vec<(std::path::PathBuf, u64, std::time::SystemTime)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut all: Vec<_> = entries
        .filter(|entry| !entry.file_name().to_string_lossy().ends_with("-wal"))
        .map(|entry| (entry.path(), entry.metadata().unwrap()))
        .map(|(path, about)| (path, about.len(), about.modified().unwrap()))
        .collect();
    all.sort();
    all
}

/// The line about `name`: its mark, and the rest.
fn about<'a>(ended: &'a Ended, name: &str) -> (&'a str, &'a str) {
    let lines = ended.stdout.iter().filter_map(|line| line.split_once(' '));
    let mut found =
        lines.filter_map(|(mark, rest)| Some((mark, rest.trim_start().strip_prefix(name)?.trim())));
    found.next().unwrap_or_else(|| panic!("nothing about {name}: {:#?}", ended.stdout))
}

#[tokio::test]
async fn check_says_that_all_is_well() {
    let (ada, folder) = (Ada::start().await, folder());
    let ended = check(folder.path(), &ada.url, &[]).await;
    assert_eq!(ended.code, Some(0), "{:#?}", ended.stdout);
    for name in ["ADA_API_KEY", "DEBOUNCE_MS", "store", "files", "LISTEN port", "Ada key", "clock"] {
        assert_eq!(about(&ended, name).0, "ok", "{name}");
    }
}

#[tokio::test]
async fn check_says_what_is_wrong_and_fails() {
    let (ada, folder) = (Ada::start().await, folder());
    let wrong_key = check(folder.path(), &ada.url, &[("ADA_API_KEY", "hunter2")]).await;
    assert_eq!((wrong_key.code, about(&wrong_key, "Ada key").0), (Some(1), "FAIL"));
    let nobody = check(folder.path(), NOWHERE, &[]).await;
    assert_eq!((nobody.code, about(&nobody, "Ada key").0), (Some(1), "FAIL"));
    let malformed = check(folder.path(), &ada.url, &[("DEBOUNCE_MS", "hunter2"), ("LISTEN", "")]).await;
    assert_eq!((malformed.code, about(&malformed, "DEBOUNCE_MS").0), (Some(1), "FAIL"));
    for (place, told) in [
        ("file:///dev/null/files", "/dev/null/files: the disk for files: not a directory; check that"),
        ("az://files", "the container files: the environment variables for this provider are missing"),
    ] {
        let nowhere = check(folder.path(), &ada.url, &[("FILES_URL", place)]).await;
        let (mark, sentence) = about(&nowhere, "files");
        assert_eq!((nowhere.code, mark), (Some(1), "FAIL"), "{sentence}");
        assert!(sentence.starts_with(told), "{sentence}");
    }

    let owner = Relay::start(folder.path(), &ada.url, &[]).await;
    let address = owner.address();
    let in_use = check(folder.path(), &ada.url, &[("LISTEN", address)]).await;
    assert_eq!((in_use.code, about(&in_use, "store").0), (Some(0), "note"));
    assert_eq!(about(&in_use, "LISTEN port").0, "note", "it is the relay's");
    let other = check(crate::relay::folder().path(), &ada.url, &[("LISTEN", address)]).await;
    assert_eq!((other.code, about(&other, "LISTEN port").0), (Some(1), "FAIL"));
}

/// As in a container of a cluster: PostgreSQL has no lock that says so.
#[tokio::test]
async fn check_beside_a_relay_on_postgresql_says_that_it_is_running() {
    let (ada, folder) = (Ada::start().await, folder());
    let url = postgres::shared().database().await;
    let on_postgres = [("DATABASE_URL", &*url)];
    let relay = Relay::start(folder.path(), &ada.url, &on_postgres).await;
    let listens = [on_postgres[0], ("LISTEN", relay.address())];
    let beside = check(folder.path(), &ada.url, &listens).await;
    assert_eq!(about(&beside, "LISTEN port").0, "note", "{:#?}", beside.stdout);
    assert_eq!(beside.code, Some(0), "{:#?}", beside.stdout);
    // Another program has the port.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    drop(std::thread::spawn(move || taken.incoming().for_each(drop)));
    let other = check(folder.path(), &ada.url, &[on_postgres[0], ("LISTEN", &address)]).await;
    assert_eq!((other.code, about(&other, "LISTEN port").0), (Some(1), "FAIL"));
    relay.stops_well().await;
}

/// What people get wrong: the line that says so, and what the others are worth all the same.
#[tokio::test]
async fn each_mistake_has_a_line_that_says_what_to_do() {
    let ada = Ada::start().await;
    let empty: fn(&std::path::Path) = |folder| std::fs::write(folder.join("handoffs.db"), b"").unwrap();
    let text: fn(&std::path::Path) = |folder| std::fs::write(folder.join("handoffs.db"), b"hello").unwrap();
    let nothing: fn(&std::path::Path) = |_| {};
    for (setting, value, prepare, line, mark, words) in [
        ("ADA_BASE_URL", "https://acme.ada.support", nothing, "ADA_BASE_URL", "note", "add /api"),
        ("ADA_BASE_URL", "https://example.ada.support/api", nothing, "ADA_BASE_URL", "note", "your AI Agent"),
        ("ADA_BASE_URL", "hunter2", nothing, "store", "ok", "does not exist yet"),
        ("ADA_BASE_URL", "", nothing, "Ada key", "note", "ADA_BASE_URL"),
        ("ADA_API_KEY", "Bearer hunter2", nothing, "ADA_API_KEY", "FAIL", "leave out Bearer"),
        ("ADA_API_KEY", "'hunter2'", nothing, "ADA_API_KEY", "note", "quotes"),
        ("DEBOUNCE_MS", "hunter2", nothing, "Ada key", "ok", "accepts ADA_API_KEY"),
        ("WEBHOOK_SECRETS", "hunter2", nothing, "WEBHOOK_SECRETS", "note", "did you mean WEBHOOK_SECRET?"),
        (
            "HANDOFF_AUTH_KEY",
            "Bearer hunter2hunter2",
            nothing,
            "HANDOFF_AUTH_KEY",
            "FAIL",
            "leave out Bearer",
        ),
        ("HANDOFF_AUTH_KEY", "off", nothing, "HANDOFF_AUTH_KEY", "note", "can start handoffs"),
        ("DATABASE_URL", "sqlite://no/such/folder/a.db", nothing, "store", "FAIL", "there is no folder"),
        ("DATABASE_URL", "sqlite://handoffs.db", empty, "store", "FAIL", "is empty: put a backup"),
        ("DATABASE_URL", "sqlite://handoffs.db", text, "store", "FAIL", "file is not a database"),
        ("DATABASE_URL", "hunter2", nothing, "store", "note", "DATABASE_URL is wrong"),
        ("FILES_URL", "file:///dev/null/files", nothing, "files", "FAIL", "not a directory"),
    ] {
        let folder = folder();
        prepare(folder.path());
        let ended = check(folder.path(), &ada.url, &[(setting, value)]).await;
        let (said, sentence) = about(&ended, line);
        assert_eq!(said, mark, "{setting}={value}: {sentence}");
        assert!(sentence.contains(words), "{setting}={value}: {sentence}");
    }
}

/// `check | head -1`, `dead-letters list | true`: whoever read has gone.
#[tokio::test]
async fn a_reader_that_leaves_is_no_reason_to_panic() {
    let folder = folder();
    for args in [&["check", "--all"][..], &["health"], &["--help"]] {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_handoff-relay"))
            .args(args)
            .current_dir(folder.path())
            .env_clear()
            .envs(settings(NOWHERE))
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let ended = tokio::task::spawn_blocking(|| child.wait_with_output()).await.unwrap().unwrap();
        let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!stderr.contains("panicked"), "{args:?}: {stderr}");
        assert_ne!(ended.status.code(), Some(101), "{args:?}");
    }
}

#[tokio::test]
async fn check_tells_ada_from_other_servers() {
    let folder = folder();
    let missing = r#"{"errors":[{"type":"not_found","message":"Not found"}]}"#;
    for (status, body, mark) in [
        (404, missing, "ok"),
        (200, "{}", "ok"),
        (404, "", "FAIL"),
        (404, "<html>Not Found</html>", "FAIL"),
        (404, r#"{"detail":"Not Found"}"#, "FAIL"),
        (404, r#"{"errors":"Not Found"}"#, "FAIL"),
        (422, missing, "FAIL"),
        (200, "<html>Welcome</html>", "FAIL"),
        (200, r#"["welcome"]"#, "FAIL"),
        (302, "", "FAIL"),
    ] {
        let server = Refusing::saying(StatusCode::from_u16(status).unwrap(), body).await;
        let ended = check(folder.path(), &server.url, &[]).await;
        let (said, sentence) = about(&ended, "Ada key");
        assert_eq!(
            (said, ended.code),
            (mark, Some(i32::from(mark == "FAIL"))),
            "{status} {body}: {sentence}"
        );
        assert_eq!(sentence.contains("check ADA_BASE_URL"), mark == "FAIL", "{status} {body}: {sentence}");
        assert!(!sentence.contains('<'), "{sentence}");
    }
}

#[tokio::test]
async fn health_asks_the_relay_that_listens() {
    let (ada, folder) = (Ada::start().await, folder());
    let relay = Relay::start(folder.path(), &ada.url, &[]).await;
    let address = relay.address().to_owned();
    let mut env = settings(&ada.url);
    env.retain(|(name, _)| *name != "LISTEN");
    env.push(("LISTEN", address));
    let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for (args, answer) in [(&["health"][..], "live"), (&["health", "--ready"], "ready")] {
        let ended = run(folder.path(), args, &env).await;
        assert_eq!((ended.code, ended.stdout.as_slice()), (Some(0), &[answer.to_owned()][..]));
    }
    relay.process.kill().await;
    let ended = run(folder.path(), &["health"], &env).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr[0].starts_with("not live: "), "{:?}", ended.stderr);
    ended.never_says(&SECRETS);
}
