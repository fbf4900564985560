//! The settings file: what a start and `check` say of it.

use std::{fs, path::Path};

use axum::http::StatusCode;

use crate::{
    ada::{Ada, NOWHERE, Refusing},
    postgres,
    process::{Ended, Process, log_line, run},
    relay::{Relay, folder, settings},
};

const WRONG_SETTINGS: Option<i32> = Some(2);
const FAILURE: Option<i32> = Some(1);
const SECRETS: [&str; 5] = ["key-of-", "token-of-", "whsec_", "hunter2", "cHJvY2Vzcy10ZXN0LXNlY3JldA"];

/// An AI Agent that has the secrets of `.env`; its API is at `url`.
fn ai_agent(id: &str, url: &str, more: &str) -> String {
    format!(
        "[[ai_agents]]\nid = \"{id}\"\ndomains = [\"{id}.ada.support\"]\nbase_url = \"{url}/api\"\n\
         key_env = \"ADA_API_KEY\"\nwebhook_secret_env = \"WEBHOOK_SECRET\"\n\
         start_key_env = \"HANDOFF_AUTH_KEY\"\n{more}\n"
    )
}

/// The settings of a relay with this file.
fn with_file(folder: &Path, file: &str) -> Vec<(&'static str, String)> {
    fs::write(folder.join("relay.toml"), file).unwrap();
    let mut settings = settings(NOWHERE);
    settings.retain(|(name, _)| *name != "ADA_BASE_URL");
    settings.push(("RELAY_CONFIG", "relay.toml".to_owned()));
    settings
}

async fn runs(folder: &Path, args: &[&str], settings: &[(&'static str, String)]) -> Ended {
    let env: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let ended = run(folder, args, &env).await;
    ended.never_says(&SECRETS);
    ended
}

async fn starts(folder: &Path, settings: &[(&'static str, String)]) -> Relay {
    let env: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Relay::of(Process::start(folder, &[], &env)).await
}

/// The lines of `check` about something that begins so.
fn about<'a>(ended: &'a Ended, name: &str) -> Vec<&'a str> {
    let lines = ended.stdout.iter().map(String::as_str);
    lines
        .filter(|line| line.split_once(' ').is_some_and(|(_, rest)| rest.trim_start().starts_with(name)))
        .collect()
}

#[tokio::test]
async fn a_wrong_file_is_told_with_line_and_column() {
    let folder = folder();
    let file =
        ai_agent("acme", NOWHERE, "key = \"hunter2\"\nrate_per_minuet = 5").replace("ADA_API_KEY", "NOT_SET");
    let mut settings = with_file(folder.path(), &file);
    settings.push(("ADA_BASE_URL", "https://hunter2.ada.support".to_owned()));
    let told = [
        "ADA_BASE_URL is set in the environment, but RELAY_CONFIG lists the AI Agents: remove ADA_BASE_URL",
        "relay.toml:5:11: what key_env names is not set, neither in the environment nor in .env",
        "relay.toml:8:7: key has no place in this file: name a variable with key_env or a file with key_file",
        "relay.toml:9:1: rate_per_minuet is no key of [[ai_agents]]; did you mean rate_per_minute?",
    ];
    let twice =
        "ADA_API_KEY is set in the environment, but RELAY_CONFIG lists the AI Agents: remove ADA_API_KEY";
    let ended = runs(folder.path(), &[], &settings).await;
    assert_eq!(ended.code, WRONG_SETTINGS);
    assert_eq!(ended.stderr, [&told[..1], &[twice], &told[1..]].concat());
    let checked = runs(folder.path(), &["check"], &settings).await;
    assert_eq!(checked.code, FAILURE);
    for sentence in told {
        let lines = checked.stdout.iter();
        let failed = lines.filter(|line| line.starts_with("FAIL") && line.ends_with(sentence));
        assert_eq!(failed.count(), 1, "{sentence} in {:#?}", checked.stdout);
    }
    assert_eq!(
        about(&checked, "Ada key"),
        ["note  Ada key                not checked, because RELAY_CONFIG is wrong"]
    );
}

#[tokio::test]
async fn check_tries_the_key_of_each_ai_agent() {
    let (ada, folder) = (Ada::start().await, folder());
    let refusing = Refusing::start(StatusCode::UNAUTHORIZED).await;
    let file = [ai_agent("good", &ada.url, ""), ai_agent("refused", &refusing.url, "")].concat();
    let settings = with_file(folder.path(), &file);
    let checked = runs(folder.path(), &["check", "--all"], &settings).await;
    assert_eq!(checked.code, FAILURE, "{:#?}", checked.stdout);
    for (line, words) in [
        ("Ada key of good", "127.0.0.1 accepts its key"),
        ("clock of good", "from Ada's"),
        ("Ada key of refused", "create a new key for this AI Agent in Ada's dashboard, and set its key"),
        ("owners", "all open handoffs belong to an AI Agent of the settings file"),
    ] {
        let lines = about(&checked, line);
        assert!(lines.len() == 1 && lines[0].contains(words), "{line}: {:#?}", checked.stdout);
    }
    assert!(about(&checked, "ADA_BASE_URL").is_empty(), "it has no effect");
    let set_up =
        runs(folder.path(), &["setup", "--public-url", "https://relay.example.com"], &settings).await;
    assert_eq!(set_up.code, WRONG_SETTINGS);
    assert!(set_up.stderr[0].starts_with("setup is for the AI Agent of .env, "), "{:?}", set_up.stderr);
}

#[tokio::test]
async fn check_reads_the_example() {
    let (ada, folder) = (Ada::start().await, folder());
    let base_url = format!("base_url = \"{}/api\"", ada.url);
    let file = include_str!("../../relay.example.toml")
        .replace("# base_url = \"https://acme.ada.support/api\"", &base_url)
        .replace("key_file = \"/run/secrets/acme-eu-api-key\"", &format!("{base_url}\nkey_file = \"key\""))
        .replace("/run/secrets/acme-eu-", "");
    let mut settings = with_file(folder.path(), &file);
    // The file lists the agents, too.
    settings.retain(|(name, _)| *name != "AGENT_TOKENS");
    for (setting, variable, name) in [
        ("ADA_API_KEY", "ACME_API_KEY", "key"),
        ("WEBHOOK_SECRET", "ACME_WEBHOOK_SECRET", "webhook-secret"),
        ("HANDOFF_AUTH_KEY", "ACME_START_KEY", "start-key"),
    ] {
        let (known, value) = settings.iter_mut().find(|(known, _)| *known == setting).unwrap();
        fs::write(folder.path().join(name), &*value).unwrap();
        *known = variable;
    }
    let checked = runs(folder.path(), &["check", "--all"], &settings).await;
    assert_eq!(checked.code, Some(0), "{:#?}", checked.stdout);
    for line in ["RELAY_CONFIG", "Ada key of acme ", "Ada key of acme-eu "] {
        let lines = about(&checked, line);
        assert!(lines.len() == 1 && lines[0].starts_with("ok "), "{line}: {:#?}", checked.stdout);
    }
}

#[tokio::test]
async fn open_handoffs_without_an_owner_keep_the_relay_from_starting() {
    let sqlite = "sqlite://handoffs.db";
    let unread = "note  owners                 not compared: the store can't be read at present";
    starts_for_owners_only(sqlite, unread).await;
    let all_is_well =
        "ok    owners                 all open handoffs belong to an AI Agent of the settings file";
    starts_for_owners_only(&postgres::shared().database().await, all_is_well).await;
}

/// `while_it_runs` is what `check` says of owners beside a relay.
async fn starts_for_owners_only(database: &str, while_it_runs: &str) {
    let (ada, folder) = (Ada::start().await, folder());
    let with_file = |folder: &Path, file: &str| {
        let mut settings = with_file(folder, file);
        settings.push(("DATABASE_URL", database.to_owned()));
        settings
    };
    let relay = Relay::start(folder.path(), &ada.url, &[("DATABASE_URL", database)]).await;
    ada.meets(&relay.url);
    ada.hands_off().await;
    relay.handoff().await;
    relay.stops_well().await;

    let sentence = "there are open handoffs or unsent messages of 127.0.0.1, which the settings file does not list: add \
                    it, or name it in `formerly` of its successor";
    let settings = with_file(folder.path(), &ai_agent("acme", &ada.url, ""));
    let ended = runs(folder.path(), &[], &settings).await;
    assert_eq!(ended.code, FAILURE);
    let errors =
        ended.stderr.iter().filter_map(|line| log_line(line)).filter(|line| line["level"] == "ERROR");
    let errors: Vec<String> = errors.map(|line| line["message"].as_str().unwrap().to_owned()).collect();
    assert_eq!(errors, [format!("RELAY_CONFIG: {sentence}")]);
    let checked = runs(folder.path(), &["check"], &settings).await;
    assert_eq!(checked.code, FAILURE);
    assert_eq!(about(&checked, "owners"), [format!("FAIL  owners                 {sentence}")]);

    let settings = with_file(folder.path(), &ai_agent("acme", &ada.url, "formerly = [\"127.0.0.1\"]"));
    assert_eq!(runs(folder.path(), &["check"], &settings).await.code, Some(0));
    let relay = starts(folder.path(), &settings).await;
    assert_eq!(
        (&relay.line["ai_agents"], &relay.line["integration"]),
        (&"acme".into(), &"custom-handoff".into())
    );
    let checked = runs(folder.path(), &["check", "--all"], &settings).await;
    assert_eq!(about(&checked, "owners"), [while_it_runs]);
    relay.stops_well().await;
}
