//! The link into the console that a start shows on a terminal, and nowhere else.

use std::{path::Path, process::Stdio};

use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::{
    ada::NOWHERE,
    process::Lines,
    relay::{client, folder, settings},
    until,
};

/// A relay on a terminal of its own, which shows standard output and standard error alike.
struct OnATerminal {
    _terminal: Child,
    screen: Lines,
}

impl OnATerminal {
    fn start(folder: &Path, format: &str) -> Self {
        let mut command = Command::new("script");
        command
            .args(["--quiet", "--flush", "--return", "--command", env!("CARGO_BIN_EXE_handoff-relay")])
            .arg("/dev/null")
            .current_dir(folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("NO_COLOR", "1")
            .env("LOG_FORMAT", format)
            .envs(settings(NOWHERE))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut terminal = command.spawn().unwrap();
        let screen = Lines::of(terminal.stdout.take().unwrap());
        Self { _terminal: terminal, screen }
    }

    /// The first thing on the screen that begins so, to the next blank.
    async fn shows(&self, begin: &str) -> String {
        let word = |line: &str| {
            let rest = &line[line.find(begin)?..];
            Some(rest.split([' ', '"', ',']).next()?.trim().to_owned())
        };
        self.screen.find(1, begin, word).await.remove(0)
    }
}

async fn signs_in(url: &str, code: &str) -> (u16, Value) {
    let request = client().post(format!("{url}/api/session")).json(&json!({ "code": code }));
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_terminal_shows_a_link_that_signs_in_once() {
    let folder = folder();
    let relay = OnATerminal::start(folder.path(), "pretty");
    let link = relay.shows("http://127.0.0.1:").await;
    let (url, code) = link.split_once("/#code=").expect("a link with a code");
    assert_eq!(code.len(), 64);
    let (status, session) = signs_in(url, code).await;
    assert_eq!((status, &session["agent"]["name"]), (200, &json!("Alex")));
    assert_eq!(signs_in(url, code).await.0, 401);
}

#[tokio::test]
async fn a_log_never_has_the_link() {
    let on_a_terminal = folder();
    let relay = OnATerminal::start(on_a_terminal.path(), "json");
    let address = relay.shows("127.0.0.1:").await;
    let live = format!("http://{address}/health/live");
    until("the doors open", || async { client().get(&live).send().await.ok() }).await;
    assert!(relay.screen.so_far().iter().all(|line| !line.contains("code=")), "{:#?}", relay.screen.so_far());

    for format in ["pretty", "json"] {
        let detached = folder();
        let relay = crate::relay::start(detached.path(), NOWHERE, &[("LOG_FORMAT", format)]);
        let line = |line: &str| line.contains("handoff-relay is up").then_some(());
        relay.stderr.find(1, "the start line", line).await;
        let (ended, _) = relay.stopped().await;
        assert_eq!(ended.code, Some(0));
        ended.never_says(&["code="]);
    }
}
