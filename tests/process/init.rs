//! `init`: a `.env` for a first start, from flags, the environment or a terminal.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Stdio};

use tokio::{io::AsyncWriteExt, process::Command};

use crate::{
    ada::{API_KEY, Ada, WEBHOOK_SECRET},
    process::{Lines, Process, run},
    relay::{folder, up},
};

fn written(folder: &Path) -> String {
    fs::read_to_string(folder.join(".env")).unwrap()
}

/// The value of a setting in `.env`.
fn value(folder: &Path, setting: &str) -> String {
    let text = written(folder);
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{setting}=")));
    line.unwrap_or_else(|| panic!("no {setting} in {text}")).trim_matches('\'').to_owned()
}

#[tokio::test]
async fn what_it_writes_starts_a_relay() {
    let (ada, folder) = (Ada::start().await, folder());
    let url = format!("{}/api", ada.url);
    let args = ["init", "--ada-base-url", &url, "--ada-api-key", API_KEY];
    let ended = run(folder.path(), &args, &[("WEBHOOK_SECRET", WEBHOOK_SECRET)]).await;
    assert_eq!(ended.code, Some(0), "{:#?}", ended.stderr);
    assert!(ended.stdout.iter().any(|line| line.contains("handoff-relay check")), "{:#?}", ended.stdout);
    let mode = fs::metadata(folder.path().join(".env")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (key, token) = (value(folder.path(), "HANDOFF_AUTH_KEY"), value(folder.path(), "AGENT_TOKENS"));
    ended.never_says(&[&key, token.trim_start_matches("Agent="), API_KEY, WEBHOOK_SECRET]);
    assert_eq!(
        value(folder.path(), "FILES_ALLOW_PRIVATE"),
        "on",
        "a stand-in Ada has its files on this machine"
    );
    let before = written(folder.path());
    let free = [("LISTEN", "127.0.0.1:0"), ("AGENT_LISTEN", "127.0.0.2:0")];
    let checked = run(folder.path(), &["check"], &free).await;
    assert_eq!(checked.code, Some(0), "{:#?}", checked.stdout);
    up(&Process::start(folder.path(), &[], &free)).await;

    let again = run(folder.path(), &args, &[]).await;
    assert_eq!((again.code, again.stderr.len()), (Some(1), 1));
    assert!(again.stderr[0].starts_with(".env already exists"), "{:?}", again.stderr);
    assert_eq!(written(folder.path()), before);
}

#[tokio::test]
async fn what_it_is_not_given_or_given_wrong_it_names() {
    let url = ["--ada-base-url", "https://acme.ada.support"];
    for (args, told) in [
        (vec![], "ADA_BASE_URL is required: give --ada-base-url"),
        (vec!["--ada-base-url", "hunter2", "--ada-api-key", "hunter2"], "ADA_BASE_URL must be a URL"),
        (url.to_vec(), "ADA_API_KEY is required: give --ada-api-key"),
        (
            [&url[..], &["--ada-api-key", "Bearer hunter2"]].concat(),
            "ADA_API_KEY must be the key alone: leave out Bearer",
        ),
        ([&url[..], &["--ada-api-key", "hunter'2"]].concat(), "ADA_API_KEY contains a quote"),
        ([&url[..], &["--ada-api-key", "\"hunter2\""]].concat(), "ADA_API_KEY contains a quote"),
        (
            [&url[..], &["--ada-api-key", "k", "--webhook-secret", "hunter2"]].concat(),
            "WEBHOOK_SECRET must be whsec_",
        ),
    ] {
        let folder = folder();
        let ended = run(folder.path(), &[&["init"], &args[..]].concat(), &[]).await;
        assert_eq!(ended.code, Some(2), "{args:?}");
        assert!(ended.stderr[0].starts_with(told), "{args:?}: {:?}", ended.stderr);
        ended.never_says(&["hunter"]);
        assert!(!folder.path().join(".env").exists());
    }
    let folder = folder();
    let ended = run(folder.path(), &[&["init"], &url[..], &["--ada-api-key", "key"]].concat(), &[]).await;
    assert_eq!(ended.code, Some(0), "the signing secret may follow: {:?}", ended.stderr);
    assert!(ended.stdout.iter().any(|line| line.contains("WEBHOOK_SECRET")), "{:#?}", ended.stdout);
    assert_eq!(value(folder.path(), "ADA_BASE_URL"), "https://acme.ada.support/api");
    assert!(!written(folder.path()).contains("\nWEBHOOK_SECRET="));
}

#[tokio::test]
async fn on_a_terminal_it_asks_until_the_answers_will_do() {
    let folder = folder();
    let mut command = Command::new("script");
    command
        .args(["--quiet", "--flush", "--return", "--command"])
        .arg(format!("{} init", env!("CARGO_BIN_EXE_handoff-relay")))
        .arg("/dev/null")
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut terminal = command.spawn().unwrap();
    let (screen, mut keys) = (Lines::of(terminal.stdout.take().unwrap()), terminal.stdin.take().unwrap());
    for typed in ["nonsense", "https://acme.ada.support/api", "key-of-acme", ""] {
        keys.write_all(format!("{typed}\n").as_bytes()).await.unwrap();
    }
    let is_done = |line: &str| line.contains("is written").then_some(());
    screen.find(1, "the end", is_done).await;
    let told = |line: &str| line.contains("ADA_BASE_URL must be a URL").then_some(());
    screen.find(1, "what was wrong", told).await;
    assert_eq!(value(folder.path(), "ADA_API_KEY"), "key-of-acme");
    assert_eq!(value(folder.path(), "ADA_BASE_URL"), "https://acme.ada.support/api");
}
