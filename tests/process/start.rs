//! What a start says, and when it fails.

use std::net::TcpListener;

use crate::{
    ada::NOWHERE,
    process::{Process, log_line, run},
    relay::{Relay, folder, settings},
};

const FAILURE: Option<i32> = Some(1);

#[tokio::test]
async fn help_and_version_need_no_settings() {
    let help = run(folder().path(), &["--help"], &[]).await;
    assert_eq!(help.code, Some(0));
    let text = help.stdout.join("\n");
    for word in ["serve", "demo", "--version", ".env.example"] {
        assert!(text.contains(word), "{word} is missing:\n{text}");
    }
    let version = run(folder().path(), &["--version"], &[]).await;
    assert_eq!(version.code, Some(0));
    assert_eq!(version.stdout, [concat!("handoff-relay ", env!("CARGO_PKG_VERSION"))]);

    let unknown = run(folder().path(), &["sevre"], &[]).await;
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.join("\n").contains("serve"), "{:?}", unknown.stderr);
}

#[tokio::test]
async fn the_start_line_says_what_runs() {
    let folder = folder();
    let relay = Relay::start(folder.path(), NOWHERE, &[]).await;
    let line = &relay.line;
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(line["agents.listen"], line["listen"]);
    assert_eq!(line["store"], "handoffs.db");
    assert_eq!(line["integration"], "custom-handoff");
    assert!(folder.path().join("handoffs.db").exists());
    assert_eq!(relay.get("/health/ready").await["status"], "ok");
    let (ended, _) = relay.process.stopped().await;
    assert_eq!(ended.code, Some(0));
    ended.never_says(&["key-of-", "token-of-", "whsec_"]);
}

#[tokio::test]
async fn the_file_is_read_and_the_environment_wins() {
    let folder = folder();
    let lines = settings(NOWHERE).into_iter().map(|(name, value)| format!("{name}={value}\n"));
    let more = "HANDOFF_INTEGRATION=from-the-file\nDATABASE_URL=memory:\nPORT=1\n";
    std::fs::write(folder.path().join(".env"), lines.collect::<String>() + more).unwrap();
    let env = [("HANDOFF_INTEGRATION", "from-the-environment"), ("HANDOFF_AUTH_KEY", "off")];
    let relay = Relay::of(Process::start(folder.path(), &["serve"], &env)).await;
    assert_eq!(relay.line["integration"], "from-the-environment");
    assert_eq!(relay.line["store"], "memory");
    assert_eq!(relay.line["agents.listen"], relay.line["listen"]);
    let warnings: Vec<String> =
        relay.process.stderr.so_far().iter().filter_map(|line| warning(line)).collect();
    let told = [
        "PORT in .env is not a setting and has no effect",
        "AGENT_LISTEN is the address of LISTEN: whoever reaches Ada's doors reaches the console and the agent API, too",
        "HANDOFF_AUTH_KEY is off: anyone who can reach LISTEN can start handoffs, 60 new ones a minute",
    ];
    assert_eq!(warnings, told);
}

fn warning(line: &str) -> Option<String> {
    let line = log_line(line)?;
    (line["level"] == "WARN").then(|| line["message"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn agents_may_have_an_address_of_their_own() {
    let folder = folder();
    let relay = Relay::start(folder.path(), NOWHERE, &[("AGENT_LISTEN", "127.0.0.2:0")]).await;
    let agents = relay.line["agents.listen"].as_str().unwrap();
    assert!(agents.starts_with("127.0.0.2:"), "{agents}");
    let at = |address: &str| {
        let request = crate::relay::client().get(format!("http://{address}/api/handoffs"));
        request.bearer_auth(crate::relay::TOKEN).send()
    };
    assert_eq!(at(agents).await.unwrap().status(), 200);
    assert_eq!(at(relay.line["listen"].as_str().unwrap()).await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_database_belongs_to_one_process() {
    let folder = folder();
    let first = Relay::start(folder.path(), NOWHERE, &[]).await;
    let second = settings(NOWHERE);
    let second: Vec<(&str, &str)> = second.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let ended = run(folder.path(), &[], &second).await;
    assert_eq!(ended.code, FAILURE);
    let said = errors(&ended.stderr);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("DATABASE_URL: "), "{said:?}");
    assert!(said[0].ends_with("handoffs.db is in use by another handoff-relay"), "{said:?}");
    assert_eq!(said[0].matches("handoffs.db").count(), 1, "said once: {said:?}");
    ended.never_says(&[]);

    // The first one is none the worse, and the next may begin where it ended, however it ended.
    assert_eq!(first.get("/health/ready").await["status"], "ok");
    first.process.kill().await;
    Relay::start(folder.path(), NOWHERE, &[]).await;
}

#[tokio::test]
async fn an_address_in_use_is_named_with_its_setting() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for name in ["LISTEN", "AGENT_LISTEN"] {
        let folder = folder();
        let settings = settings(NOWHERE);
        let mut env: Vec<(&str, &str)> =
            settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        env.retain(|(known, _)| *known != name);
        env.push((name, &address));
        let ended = run(folder.path(), &[], &env).await;
        assert_eq!(ended.code, FAILURE);
        let said = errors(&ended.stderr);
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with(&format!("{name}: can't listen on {address}: ")), "{said:?}");
        ended.never_says(&[]);
        assert!(!folder.path().join("handoffs.db").exists(), "nothing was opened");
    }
}

fn errors(lines: &[String]) -> Vec<String> {
    let lines = lines.iter().filter_map(|line| log_line(line)).filter(|line| line["level"] == "ERROR");
    lines.map(|line| line["message"].as_str().unwrap().to_owned()).collect()
}
