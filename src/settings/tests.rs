#![allow(clippy::unwrap_used, clippy::panic)]

use super::names::NAMES;
use super::timeout::IDLE_TEXT;
use super::*;
use crate::relay::{
    values::{Fact, NamedFact},
    waiting_room::{Banner, WaitingText},
};

const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER_WEBHOOK_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const TOKEN: &str = "0123456789abcdef";
const START_KEY: &str = "start-key-of-the-tests";
const EXAMPLE: &str = include_str!("../../.env.example");

type Pairs<'a> = &'a [(&'a str, &'a str)];

fn owned(pairs: Pairs<'_>) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Everything that is required anywhere, then `changes` on top.
fn env(changes: Pairs<'_>) -> BTreeMap<String, String> {
    let tokens = format!("Alex={TOKEN}");
    let required = [
        ("ADA_BASE_URL", "https://acme.ada.support/api"),
        ("ADA_API_KEY", "key"),
        ("WEBHOOK_SECRET", WEBHOOK_SECRET),
        ("AGENT_TOKENS", &tokens),
        ("HANDOFF_AUTH_KEY", START_KEY),
    ];
    owned(&required).into_iter().chain(owned(changes)).collect()
}

fn load(changes: Pairs<'_>) -> Result<Settings, String> {
    Settings::load(env(changes), None, Terminal::Detached)
        .map(|(settings, _)| settings)
        .map_err(|error| error.to_string())
}

fn load_file(file: Pairs<'_>) -> Result<Loaded, SettingsError> {
    Settings::load(env(&[]), Some(owned(file)), Terminal::Detached)
}

fn warnings(warnings: &[Warning]) -> Vec<&str> {
    warnings.iter().map(|warning| warning.sentence.as_str()).collect()
}

#[test]
fn defaults() {
    let (settings, told) = Settings::load(env(&[]), None, Terminal::Detached).unwrap();
    assert_eq!(settings.ai_agents.first.base_url.as_str(), "https://acme.ada.support/api");
    assert_eq!(settings.ai_agents.first.key.expose(), "key");
    assert_eq!(settings.ai_agents.first.webhook_secrets.len(), 1);
    assert_eq!(settings.ai_agents.first.integrations[0], "custom-handoff");
    assert_eq!(settings.ai_agents.first.start_key.unwrap().expose(), START_KEY);
    let waiting = settings.waiting_timeout.unwrap();
    assert_eq!(waiting.after, Duration::from_secs(900));
    assert!(waiting.text.unwrap().starts_with("Sorry, nobody"));
    assert_eq!(settings.idle_timeout, None);
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8090");
    assert_eq!(settings.agent_listen.unwrap().to_string(), "127.0.0.1:8091");
    assert_eq!(settings.database, Database::Sqlite("handoffs.db".into()));
    assert_eq!(settings.files, FilesPlace::Folder("handoff-files".into()));
    assert!(!settings.files_allow_private);
    assert_eq!(settings.keep_ended, Some(90 * DAY));
    assert_eq!(settings.keep_dead_letters, Some(30 * DAY));
    assert_eq!(settings.debounce, Duration::from_millis(1500));
    assert_eq!(settings.debounce_max, Duration::from_secs(5));
    assert_eq!(settings.unknown_hold, Duration::from_secs(30));
    assert_eq!((settings.inbox_limit, settings.outbox_limit), (100_000, 100_000));
    assert_eq!(settings.ada_timeout, Duration::from_secs(10));
    assert_eq!(settings.send_max_age, Duration::from_secs(900));
    assert_eq!(settings.recover_after, Duration::from_secs(120));
    assert_eq!(settings.log_format, LogFormat::Json);
    assert_eq!(settings.log_filter, "info");
    assert!(!settings.made_token);
    assert!(told.is_empty());
}

#[test]
fn values_are_taken_as_meant() {
    let settings = load(&[
        ("ADA_BASE_URL", " http://[::1]:4010/api// "),
        ("WEBHOOK_SECRET", &format!("{WEBHOOK_SECRET}, {OTHER_WEBHOOK_SECRET}\n")),
        ("AGENT_TOKENS", &format!("Alex Doe = {TOKEN} ,Sam={TOKEN}=3")),
        ("HANDOFF_AUTH_KEY", "off"),
        ("LISTEN", "0.0.0.0:80"),
        ("AGENT_LISTEN", "0.0.0.0:80"),
        ("DATABASE_URL", "sqlite:///var/lib/relay.db"),
        ("FILES_URL", "file:///var/lib/files"),
        ("FILES_ALLOW_PRIVATE", "on"),
        ("KEEP_ENDED", "off"),
        ("KEEP_DEAD_LETTERS", "72h"),
        ("DEBOUNCE_MS", "0"),
        ("DEBOUNCE_MAX_MS", "0"),
        ("SEND_MAX_AGE", "2h"),
        ("RECOVER_AFTER", "10s"),
        ("CONSOLE_DIR", "console"),
        ("CONSOLE_FIELDS", "topic, order number"),
        ("OUTCOMES", "Sold, Called back"),
        ("LOG_FORMAT", "pretty"),
    ])
    .unwrap();
    assert_eq!(settings.console_dir.as_deref(), Some("console".as_ref()));
    assert_eq!(settings.console_fields, ["topic", "order number"]);
    assert_eq!(settings.outcomes, ["Sold", "Called back"]);
    assert_eq!(settings.ai_agents.first.base_url.as_str(), "http://[::1]:4010/api");
    assert_eq!(settings.ai_agents.first.webhook_secrets[1].expose(), OTHER_WEBHOOK_SECRET);
    let agents = settings.agent_tokens.iter().map(|agent| (agent.name.as_str(), agent.token.expose()));
    let sams = format!("{TOKEN}=3");
    assert_eq!(agents.collect::<Vec<_>>(), [("Alex Doe", TOKEN), ("Sam", sams.as_str())]);
    assert!(settings.ai_agents.first.start_key.is_none());
    assert_eq!(settings.agent_listen, None);
    assert_eq!(settings.database, Database::Sqlite("/var/lib/relay.db".into()));
    assert_eq!(settings.files, FilesPlace::Folder("/var/lib/files".into()));
    assert!(settings.files_allow_private);
    assert_eq!((settings.keep_ended, settings.keep_dead_letters), (None, Some(3 * DAY)));
    assert_eq!(settings.debounce_max, Duration::ZERO);
    assert_eq!(settings.send_max_age, Duration::from_secs(7200));
    assert_eq!(settings.recover_after, Duration::from_secs(10));
    assert_eq!(settings.log_format, LogFormat::Pretty);
    assert_eq!(load(&[("DATABASE_URL", "memory:")]).unwrap().database, Database::Memory);
    assert_eq!(load(&[("SEND_MAX_AGE", "90s")]).unwrap().send_max_age, Duration::from_secs(90));
    assert_eq!(
        load(&[("AGENT_LISTEN", "127.0.0.1:1")]).unwrap().agent_listen.unwrap().to_string(),
        "127.0.0.1:1"
    );
}

#[test]
fn files_may_be_kept_in_somebodys_cloud() {
    let bucket = |name: &str, prefix: &str| Bucket { name: name.to_owned(), prefix: prefix.to_owned() };
    for (url, place) in [
        ("memory:", FilesPlace::Memory),
        ("file://here/files", FilesPlace::Folder("here/files".into())),
        ("s3://acme-files", FilesPlace::S3(bucket("acme-files", ""))),
        ("s3://acme.files/", FilesPlace::S3(bucket("acme.files", ""))),
        ("gs://acme_files/relay/eu/", FilesPlace::Gcs(bucket("acme_files", "relay/eu"))),
        ("az://files/relay", FilesPlace::Azure(bucket("files", "relay"))),
    ] {
        assert_eq!(load(&[("FILES_URL", url)]).unwrap().files, place, "{url}");
    }
}

#[test]
fn those_who_wait_have_a_text_or_a_banner() {
    let room = |changes: Pairs<'_>| load(changes).map(|settings| settings.waiting_room);
    assert_eq!(room(&[]).unwrap(), WaitingRoom::default());
    let read = room(&[
        ("ACCEPT_TEXT", " {agent} is here. "),
        ("WAITING_TEXT", "Please wait."),
        ("WAITING_TEXT_AFTER", "5m"),
    ]);
    let text = WaitingText { after: Duration::from_secs(300), text: "Please wait.".to_owned() };
    let accept_text = Some("{agent} is here.".to_owned());
    assert_eq!(read.unwrap(), WaitingRoom { accept_text, banner: Banner::Off, texts: vec![text] });
    for (shown, banner) in [("position", Banner::Position), ("time", Banner::Time), ("off", Banner::Off)] {
        assert_eq!(room(&[("QUEUE_BANNER", shown)]).unwrap().banner, banner);
    }
    let told = room(&[("QUEUE_BANNER", "time"), ("WAITING_TEXT", "Please wait.")]).unwrap_err();
    assert_eq!(
        told,
        "QUEUE_BANNER can't be used with WAITING_TEXT: Ada takes the banner away when a text is sent"
    );
}

#[test]
fn ada_learns_what_is_named() {
    let named = |fact, name: &str| NamedFact { fact, name: name.to_owned() };
    let settings =
        load(&[("ADA_METAVARIABLES", "agent = support_agent , outcome"), ("ADA_METADATA", "off")]).unwrap();
    let metavariables = vec![named(Fact::Agent, "support_agent"), named(Fact::Outcome, "outcome")];
    assert_eq!(settings.values, HandoffValues { metavariables, metadata: Vec::new() });
    assert_eq!(load(&[]).unwrap().values, HandoffValues::default());
}

#[test]
fn a_timeout_and_its_text_are_switched_off_each_for_itself() {
    let timeout = |seconds, text: Option<&str>| {
        Some(Timeout { after: Duration::from_secs(seconds), text: text.map(str::to_owned) })
    };
    let settings = load(&[
        ("WAITING_TIMEOUT", "90s"),
        ("WAITING_TIMEOUT_TEXT", "off"),
        ("IDLE_TIMEOUT", "1h"),
        ("IDLE_TIMEOUT_TEXT", " Bye! "),
    ])
    .unwrap();
    assert_eq!(settings.waiting_timeout, timeout(90, None));
    assert_eq!(settings.idle_timeout, timeout(3600, Some("Bye!")));
    let settings = load(&[("WAITING_TIMEOUT", "off"), ("IDLE_TIMEOUT", "1s")]).unwrap();
    assert_eq!(settings.waiting_timeout, None);
    assert_eq!(settings.idle_timeout, timeout(1, Some(IDLE_TEXT)));
    let longest = "ä".repeat(1_000);
    let settings = load(&[("WAITING_TIMEOUT_TEXT", &longest)]).unwrap();
    assert_eq!(settings.waiting_timeout, timeout(900, Some(&longest)));
}

#[test]
fn wrong_values_are_told_in_one_sentence() {
    let long = "n".repeat(201);
    let second = format!("{WEBHOOK_SECRET} whsec_?");
    let versioned = format!("v1,{WEBHOOK_SECRET}");
    let second_example = format!("Alex={TOKEN},Sam=replace-with-another-token");
    let known = "is the value of .env.example, which is public; set your own";
    let [bare, nameless] = [format!("A={TOKEN},"), format!("={TOKEN}")];
    let unseen = format!("S\u{202e}am={TOKEN}");
    let [same_name, same_token] = [format!("A={TOKEN},A={TOKEN}2"), format!("A={TOKEN},B={TOKEN}")];
    let secrets =
        "must be whsec_ followed by base64, or several of these separated by spaces or commas; number";
    let agents = "must be Name=token, several separated by commas; entry";
    let kept = "must be a duration such as 90d, from 3d to 3650d, or off";
    let places =
        "must be file://path, s3://bucket/prefix, gs://bucket/prefix, az://container/prefix or memory:";
    let whole = "must be a whole number of milliseconds from";
    let too_long = "x".repeat(1_001);
    let off = "must be a duration such as 90s, 15m or 2h, from 1s to 24h, or off";
    let facts = "must be off or some of handoff_id, team, agent, started_at, accepted_at, ended_at, ended_by, outcome, note, \
                 each with =name if need be";
    let named = "needs a name of 1 to 100 letters, digits, _ and - in entry 1";
    let wait = "must be a duration such as 0s, 90s or 5m, up to 24h";
    let table: &[(&str, &str, &[&str])] = &[
        (
            "ADA_BASE_URL",
            "must be a URL such as https://example.ada.support/api",
            &["acme", "acme.ada.support"],
        ),
        (
            "ADA_BASE_URL",
            "must begin with https:// (http:// only for localhost)",
            &["http://acme.ada.support/api", "ftp://localhost", "mailto:a@b", "http://127.0.0.1.example.com"],
        ),
        ("ADA_BASE_URL", "must not contain a user name or password", &["https://u:p@a.b", "https://u@a.b"]),
        ("ADA_BASE_URL", "must not contain a query (?) or fragment (#)", &["https://a.b/?a", "https://a.b#"]),
        ("ADA_API_KEY", "must be printable ASCII without spaces", &["two words", "schlüssel"]),
        ("HANDOFF_AUTH_KEY", "must be printable ASCII without spaces", &["two words", "schlüssel"]),
        (
            "HANDOFF_AUTH_KEY",
            "must have at least 16 characters, 8 of them different, or be off",
            &["a", "on", "0123456789abcde", "aaaaaaaaaaaaaaaaaaaaaaaa", "abcdefgabcdefgabcdefg"],
        ),
        ("ADA_API_KEY", known, &["replace-with-your-api-key"]),
        ("HANDOFF_AUTH_KEY", known, &["replace-with-a-long-random-text"]),
        (
            "AGENT_TOKENS",
            &format!("{known}: see entry 1"),
            &["Alex=replace-with-a-random-token,Sam=replace-with-another-token"],
        ),
        ("AGENT_TOKENS", &format!("{known}: see entry 2"), &[&second_example]),
        ("WEBHOOK_SECRET", &format!("{known}: see number 1"), &["whsec_cmVwbGFjZS13aXRoLXlvdXItc2VjcmV0"]),
        (
            "WEBHOOK_SECRET",
            "must have at least 16 bytes after whsec_, 8 of them different: see number 1",
            &[
                "whsec_QQ==",
                "whsec_QQ",
                "whsec_MTIzNDU2Nzg5MGFiY2Rl",
                "whsec_YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh",
            ],
        ),
        (
            "WEBHOOK_SECRET",
            "begins with v1, which is a version marker; remove v1 and the comma, so that it begins with whsec_",
            &[&versioned],
        ),
        ("WEBHOOK_SECRET", "holds no secret", &[",", " , "]),
        (
            "WEBHOOK_SECRET",
            &format!("{secrets} 1 is not"),
            &["MfKQ9r8GKYqrTwjU", "whsec_", "whsec_MfK?", "x"],
        ),
        ("WEBHOOK_SECRET", &format!("{secrets} 2 is not"), &[&second]),
        ("HANDOFF_INTEGRATION", "must be at most 200 visible characters", &[&long, "a\tb"]),
        ("WAITING_TIMEOUT", off, &["0s", "OFF", "15", "25h"]),
        ("IDLE_TIMEOUT", off, &["never"]),
        ("WAITING_TIMEOUT_TEXT", "must be at most 1000 characters, or off", &[&too_long]),
        ("IDLE_TIMEOUT_TEXT", "must be at most 1000 characters, or off", &[&too_long]),
        ("ACCEPT_TEXT", "must be at most 1000 characters, or off", &[&too_long]),
        ("WAITING_TEXT", "must be at most 1000 characters, or off", &[&too_long]),
        ("WAITING_TEXT_AFTER", wait, &["off", "5", "25h", "-1s"]),
        ("ADA_METADATA", &format!("{facts}; entry 2 is not"), &["agent,hunter2", "agent,"]),
        ("ADA_METAVARIABLES", named, &["agent=", "agent=a b", "agent=ä"]),
        ("ADA_METADATA", "has a name twice: see entry 2", &["agent=a,team=a"]),
        ("QUEUE_BANNER", "must be position, time or off", &["on", "Position"]),
        ("AGENT_TOKENS", &format!("{agents} 1 is not"), &[TOKEN, ","]),
        ("AGENT_TOKENS", &format!("{agents} 2 is not"), &[&bare]),
        ("AGENT_TOKENS", "needs a name of 1 to 200 visible characters in entry 1", &[&nameless, &unseen]),
        (
            "AGENT_TOKENS",
            "needs a token of printable ASCII characters without spaces in entry 1",
            &["Alex=0123456789 abcdef", "Alex=schlüsselschlüssel"],
        ),
        (
            "AGENT_TOKENS",
            "must have at least 16 characters, 8 of them different: see entry 1",
            &["Alex=", "Alex=0123456789abcde", "Alex=aaaaaaaaaaaaaaaa"],
        ),
        ("AGENT_TOKENS", "gives two agents the same name", &[&same_name]),
        (
            "AGENT_TOKENS",
            "must not end a name with (Amazon Connect), as agents there have; see entry 1",
            &["Sam (Amazon Connect)=0123456789abcdef"],
        ),
        ("AGENT_TOKENS", "gives two agents the same token", &[&same_token]),
        (
            "LISTEN",
            "must be an IP address and a port, such as 127.0.0.1:8090",
            &["localhost:8090", "8090", "127.0.0.1", "127.0.0.1:65536"],
        ),
        ("AGENT_LISTEN", "must be an IP address and a port, such as 127.0.0.1:8090", &["8091"]),
        (
            "DATABASE_URL",
            "must name a database, as in postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full",
            &["postgres://me:hunter2@db", "postgresql://db"],
        ),
        (
            "RUST_LOG",
            "must be such as info or warn,handoff_relay=debug",
            &["info,handoff_relay=loud", "a=b=c"],
        ),
        ("DATABASE_MAX_CONNECTIONS", "must be a whole number from 2 to 1000", &["1", "1001"]),
        (
            "DATABASE_URL",
            "must be sqlite://path, postgres://user:password@host/database or memory:",
            &["mysql://db", "sqlite://", "relay.db", "memory"],
        ),
        ("DATABASE_URL", "must be sqlite://path without options (?)", &["sqlite://a.db?mode=ro"]),
        ("DATABASE_URL", "must be memory: to keep everything in memory", &["sqlite://:memory:"]),
        ("FILES_URL", places, &["files", "https://a.b/c", "file://", "/var/files", "memory"]),
        ("FILES_URL", "must be file://path without ? and #", &["file://a?b", "file://a#1"]),
        (
            "FILES_URL",
            &format!(
                "{places}; bucket and prefix may contain only letters, digits, '.', '-' and '_', and the URL no keys"
            ),
            &[
                "s3://",
                "s3:///a",
                "gs://me:hunter2@a",
                "az://a/b?sig=c",
                "s3://a//b",
                "s3://a/../b",
                "s3://..",
            ],
        ),
        ("FILES_ALLOW_PRIVATE", "must be on or off", &["true", "yes", "1", "ON"]),
        (
            "CONSOLE_DIR",
            "must name a folder that has the console's index.html",
            &["src", "/none", "console/main.js"],
        ),
        (
            "CONSOLE_FIELDS",
            "must be 1 to 20 names of fields between commas, such as category,plan, or off",
            &["category,", ",", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u"],
        ),
        (
            "OUTCOMES",
            "must be 1 to 20 different outcomes between commas, such as solved,unresolved, or off",
            &["solved,", ",", "a,a", "a,\u{200b}", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u"],
        ),
        ("KEEP_ENDED", kept, &["90", "0d", "71h", "3651d", "on", "OFF", "213503982334602d"]),
        ("KEEP_DEAD_LETTERS", kept, &["2d"]),
        ("DEBOUNCE_MS", &format!("{whole} 0 to 60000"), &["60001", "1.5", "1s"]),
        ("DEBOUNCE_MAX_MS", &format!("{whole} 0 to 300000"), &["300001", "+1"]),
        ("DEBOUNCE_MAX_MS", "must be at least DEBOUNCE_MS", &["1499"]),
        ("UNKNOWN_HOLD_MS", &format!("{whole} 0 to 600000"), &["-1", "600001"]),
        ("INBOX_LIMIT", "must be a whole number of 1 or more", &["0", "many", "99999999999999999999"]),
        ("OUTBOX_LIMIT", "must be a whole number of 1 or more", &["0", "many"]),
        ("ADA_TIMEOUT_MS", &format!("{whole} 100 to 120000"), &["99", "120001"]),
        ("ADA_RATE_PER_SECOND", "must be a whole number from 1 to 10000", &["0", "10001", "ten"]),
        ("ADA_RATE_PER_MINUTE", "must be a whole number from 1 to 10000", &["0", "1.5"]),
        (
            "SEND_MAX_AGE",
            "must be a duration such as 90s, 15m or 2h, from 1s to 24h",
            &["15", "m", "0m", "25h", "2d", "1h30m", "5124095576030432h"],
        ),
        ("LOG_FORMAT", "must be pretty or json", &["xml", "JSON"]),
    ];
    for (name, wanted, values) in table {
        for value in *values {
            assert_eq!(load(&[(name, value)]).unwrap_err(), format!("{name} {wanted}"), "{value}");
        }
    }
}

#[test]
fn everything_missing_is_told_at_once() {
    let empty = env(&[]).into_keys().map(|name| (name, String::new())).collect();
    let error = Settings::load(empty, None, Terminal::Detached).unwrap_err();
    assert_eq!(
        error.0.iter().map(|problem| problem.name.as_str()).collect::<Vec<_>>(),
        ["ADA_BASE_URL", "ADA_API_KEY", "WEBHOOK_SECRET", "HANDOFF_AUTH_KEY", "AGENT_TOKENS"]
    );
    let lines = error.to_string();
    assert!(
        lines.starts_with("ADA_BASE_URL is required\nADA_API_KEY is required\nWEBHOOK_SECRET is required\n")
    );
    assert!(lines.ends_with(agents::REQUIRED));
}

/// The error brings all that is needed to mend it.
#[test]
fn a_missing_start_key_comes_with_one_that_was_just_made() {
    let told = || load(&[("HANDOFF_AUTH_KEY", "")]).unwrap_err();
    let (one, other) = (told(), told());
    let key = |sentence: &str| {
        let key = sentence.split("HANDOFF_AUTH_KEY=").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        assert!(sentence.contains(&format!("`Authorization: Bearer {key}`")), "{sentence}");
        assert!(sentence.contains("HANDOFF_AUTH_KEY=off"), "{sentence}");
        key
    };
    assert_ne!(key(&one), key(&other));
    assert_eq!(
        load(&[("HANDOFF_AUTH_KEY", &key(&one))]).unwrap().ai_agents.first.start_key.unwrap().expose(),
        key(&one)
    );
}

#[test]
fn a_token_is_made_on_a_terminal_and_loopback_alone() {
    let try_with = |terminal, changes: Pairs<'_>| {
        let changes: Vec<_> = [("AGENT_TOKENS", "")].into_iter().chain(changes.iter().copied()).collect();
        Settings::load(env(&changes), None, terminal).map(|(settings, _)| settings)
    };
    let first =
        try_with(Terminal::Attached, &[("LISTEN", "[::1]:1"), ("AGENT_LISTEN", "127.0.0.2:1")]).unwrap();
    let second = try_with(Terminal::Attached, &[]).unwrap();
    let tokens = [&first, &second].map(|settings| settings.agent_tokens[0].token.expose());
    assert!(first.made_token && second.made_token);
    assert_eq!(first.agent_tokens[0].name, "Agent");
    assert!(tokens.iter().all(|token| token.len() == 64), "32 bytes in hex");
    assert_ne!(tokens[0], tokens[1]);
    let refused: [(Terminal, Pairs<'_>); 3] = [
        (Terminal::Detached, &[]),
        (Terminal::Attached, &[("LISTEN", "0.0.0.0:8090")]),
        (Terminal::Attached, &[("AGENT_LISTEN", "[::]:8090")]),
    ];
    for (terminal, changes) in refused {
        assert_eq!(try_with(terminal, changes).unwrap_err().to_string(), agents::REQUIRED, "{changes:?}");
    }
}

#[test]
fn the_environment_overrules_the_file_unless_empty() {
    let file = [("HANDOFF_INTEGRATION", "file"), ("RUST_LOG", "debug")];
    let env = env(&[("HANDOFF_INTEGRATION", "environment"), ("RUST_LOG", " ")]);
    let (settings, told) = Settings::load(env, Some(owned(&file)), Terminal::Attached).unwrap();
    assert_eq!(settings.ai_agents.first.integrations[0], "environment");
    assert_eq!(settings.log_filter, "debug");
    assert_eq!(settings.log_format, LogFormat::Pretty);
    assert!(told.is_empty());
}

#[test]
fn strange_names_in_the_file_are_told() {
    let (_, told) = load_file(&[
        ("NGROK_AUTHTOKEN", "x"),
        ("NGROK_AUTHTOKEN", "x"),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "="),
    ])
    .unwrap();
    assert_eq!(
        warnings(&told),
        [
            "NGROK_AUTHTOKEN in .env is not a setting and has no effect",
            "A name in .env (not shown) is not a setting and has no effect",
        ]
    );
    let error = load_file(&[("LOG-FORMAT", "json"), ("LISTEN", "x"), ("LISTEN", "127.0.0.1:1")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "LOG-FORMAT in .env is not a setting; did you mean LOG_FORMAT?\nLISTEN is in .env twice"
    );
}

#[test]
fn a_misspelt_required_name_is_told_once() {
    let mut env = env(&[("IDLE_TIMEOUT", "5m")]);
    env.remove("ADA_BASE_URL");
    let file = owned(&[("ADA_BASE_ULR", "https://acme.ada.support/api")]);
    let error = Settings::load(env, Some(file), Terminal::Detached).unwrap_err();
    assert_eq!(error.to_string(), "ADA_BASE_ULR in .env is not a setting; did you mean ADA_BASE_URL?");
}

#[test]
fn a_start_door_without_a_key_is_open_only_if_somebody_says_so_or_tries_it_out() {
    let load = |terminal, changes: Pairs<'_>| Settings::load(env(changes), None, terminal);
    for (terminal, changes, how) in [
        (Terminal::Detached, &[("HANDOFF_AUTH_KEY", "off")][..], "is off"),
        (Terminal::Attached, &[("HANDOFF_AUTH_KEY", "off"), ("LISTEN", "0.0.0.0:80")], "is off"),
        (Terminal::Attached, &[("HANDOFF_AUTH_KEY", "")], "is not set"),
    ] {
        let (settings, told) = load(terminal, changes).unwrap();
        assert!(settings.ai_agents.first.start_key.is_none());
        let sentence = format!(
            "HANDOFF_AUTH_KEY {how}: anyone who can reach LISTEN can start handoffs, 60 new ones a minute"
        );
        assert_eq!(warnings(&told), [sentence], "{changes:?}");
    }
    for (terminal, changes) in [
        (Terminal::Detached, &[("HANDOFF_AUTH_KEY", "")][..]),
        (Terminal::Attached, &[("HANDOFF_AUTH_KEY", ""), ("LISTEN", "0.0.0.0:80")]),
        (Terminal::Attached, &[("HANDOFF_AUTH_KEY", ""), ("AGENT_LISTEN", "0.0.0.0:80")]),
    ] {
        assert!(load(terminal, changes).unwrap_err().to_string().starts_with("HANDOFF_AUTH_KEY is required"));
    }
}

#[test]
fn all_on_one_address_is_warned_of_and_never_happens_by_chance() {
    let (settings, told) =
        Settings::load(env(&[("AGENT_LISTEN", "127.0.0.1:8090")]), None, Terminal::Detached).unwrap();
    assert_eq!(settings.agent_listen, None);
    assert!(warnings(&told)[0].starts_with("AGENT_LISTEN is the address of LISTEN: "), "{told:?}");
    let sentence = "AGENT_LISTEN must be set, because LISTEN uses its default, 127.0.0.1:8091";
    assert_eq!(load(&[("LISTEN", "127.0.0.1:8091")]).unwrap_err(), sentence);
}

/// Dashboards and tools cut the padding off; the svix crate wants it.
#[test]
fn a_webhook_secret_may_lack_its_padding() {
    for secret in ["whsec_MDEyMzQ1Njc4OWFiY2RlZg==", "whsec_MDEyMzQ1Njc4OWFiY2RlZg"] {
        let settings = load(&[("WEBHOOK_SECRET", secret)]).unwrap();
        assert_eq!(settings.ai_agents.first.webhook_secrets[0].expose(), "whsec_MDEyMzQ1Njc4OWFiY2RlZg==");
    }
}

#[test]
fn no_value_is_ever_shown() {
    const MARK: &str = "hunter2";
    let wrong = |suffix: &str| -> Vec<(String, String)> {
        NAMES.iter().map(|name| ((*name).to_owned(), format!("{MARK}{suffix}"))).collect()
    };
    for suffix in ["", "=x", "://x", "\u{1}é"] {
        let from_env =
            Settings::load(wrong(suffix).into_iter().collect(), None, Terminal::Attached).unwrap_err();
        let from_file = Settings::load(BTreeMap::new(), Some(wrong(suffix)), Terminal::Detached).unwrap_err();
        for error in [from_env, from_file] {
            assert!(error.0.len() > 10);
            assert!(!format!("{error} {error:?}").contains(MARK), "{error}");
        }
    }
    let token = format!("Alex={MARK}{TOKEN}");
    let key = format!("{MARK}-and-something-more");
    let secrets =
        [("ADA_API_KEY", MARK), ("HANDOFF_AUTH_KEY", key.as_str()), ("AGENT_TOKENS", token.as_str())];
    let settings = format!("{:?}", load(&secrets).unwrap());
    assert!(!settings.contains(MARK) && !settings.contains(WEBHOOK_SECRET));
}

/// The lines of the manual, with every commented setting switched on if `all`.
fn manual(switch_on: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let text = EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(setting) if NAMES.iter().any(|name| setting.starts_with(&format!("{name}="))) => {
                if switch_on(setting) { setting } else { line }
            }
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n");
    dotenvy::from_read_iter(text.as_bytes()).collect::<Result<_, _>>().unwrap()
}

/// The same with secrets of one's own.
fn filled_in(switch_on: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    let own = env(&[
        ("ADA_BASE_URL", "https://example.ada.support/api"),
        ("PUBLIC_URL", "https://relay.example.com"),
        ("PLATFORM_WEBHOOK_SECRET", OTHER_WEBHOOK_SECRET),
        ("PLATFORM_TOKENS", "Desk=token-of-the-desk-0123456789"),
        ("OPERATOR_TOKENS", "Olivia=token-of-olivia-0123456789"),
        ("AMAZON_CONNECT_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
    ]);
    let fill = |(name, value): (String, String)| {
        let value = own.get(&name).cloned().unwrap_or(value);
        (name, value)
    };
    manual(switch_on).into_iter().map(fill).collect()
}

/// Copied and started as it is, it names everything that is to be filled in.
#[test]
fn the_manuals_own_secrets_are_refused() {
    let error = Settings::load(BTreeMap::new(), Some(manual(|_| true)), Terminal::Attached).unwrap_err();
    let names: Vec<&str> = error.0.iter().map(|problem| problem.name.as_str()).collect();
    let platforms =
        ["OPERATOR_TOKENS", "PLATFORM_WEBHOOK_SECRET", "PLATFORM_TOKENS", "AMAZON_CONNECT_SECRET_ACCESS_KEY"];
    let always = ["ADA_API_KEY", "WEBHOOK_SECRET", "HANDOFF_AUTH_KEY", "AGENT_TOKENS"];
    assert_eq!(names, [&always[..], &platforms[..]].concat());
    assert!(error.0.iter().all(|problem| problem.sentence.contains("the value of .env.example")), "{error}");
}

#[test]
fn the_manual_loads_as_it_is_and_switched_on() {
    let (settings, _) =
        Settings::load(BTreeMap::new(), Some(filled_in(|_| false)), Terminal::Attached).unwrap();
    assert!(settings.made_token);
    let all = filled_in(|_| true);
    let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, NAMES, "in the manual, in the order of NAMES");
    let (_, told) = Settings::load(BTreeMap::new(), Some(all), Terminal::Detached).unwrap();
    let example =
        "ADA_BASE_URL is the value of .env.example: replace example with the handle of your AI Agent";
    assert_eq!(warnings(&told), [example]);
}

#[test]
fn the_manual_tells_the_defaults() {
    // These have none.
    let without = [
        "AGENT_TOKENS=",
        "PUBLIC_URL=",
        "PLATFORM_WEBHOOK_",
        "PLATFORM_TOKENS=",
        "OPERATOR_TOKENS=",
        "AMAZON_CONNECT_",
        "CONSOLE_DIR=",
    ];
    let defaults = filled_in(|setting| !without.iter().any(|name| setting.starts_with(name)));
    let load = |file| Settings::load(BTreeMap::new(), Some(file), Terminal::Attached).unwrap().0;
    let (mut written, mut left_out) = (load(defaults), load(filled_in(|_| false)));
    // Each draws its own.
    written.agent_tokens.clear();
    left_out.agent_tokens.clear();
    assert_eq!(format!("{written:?}"), format!("{left_out:?}"));
    assert!(EXAMPLE.contains(IDLE_TEXT), "has no effect while the timeout is off");
}

/// As `docker run --env-file` passes on a file's quotes.
#[test]
fn quotes_around_a_value_of_the_environment_are_ignored_with_a_warning() {
    for (given, warned) in
        [("'custom one'", true), ("\"custom one\"", true), (" 'custom one' ", true), ("custom one", false)]
    {
        let (settings, told) =
            Settings::load(env(&[("HANDOFF_INTEGRATION", given)]), None, Terminal::Detached).unwrap();
        assert_eq!(settings.ai_agents.first.integrations[0], "custom one");
        let sentence = "HANDOFF_INTEGRATION has quotes around its value in the environment; they are ignored";
        assert_eq!(warnings(&told).contains(&sentence), warned, "{given}: {told:?}");
    }
    for given in ["'custom", "custom'", "'custom\"", "'"] {
        assert_eq!(load(&[("HANDOFF_INTEGRATION", given)]).unwrap().ai_agents.first.integrations[0], given);
    }
    let settings = load(&[("HANDOFF_INTEGRATION", "''")]).unwrap();
    assert_eq!(settings.ai_agents.first.integrations[0], "custom-handoff", "nothing in quotes is unset");
}

/// What a relay with a platform needs, and `changes` on top.
fn load_platform(changes: Pairs<'_>) -> Result<Settings, String> {
    let platform = [
        ("PUBLIC_URL", "https://relay.example.com"),
        ("PLATFORM_WEBHOOK_URL", "https://desk.example.com/ada?team=1"),
        ("PLATFORM_WEBHOOK_SECRET", WEBHOOK_SECRET),
        ("PLATFORM_TOKENS", "Desk=token-of-the-desk-0123456789"),
    ];
    load(&[&platform[..], changes].concat())
}

#[test]
fn platforms_are_those_that_have_a_url() {
    assert!(load(&[]).unwrap().platforms.webhooks.is_empty());
    let second = [
        ("PLATFORM_WEBHOOK_URL_2", "https://other.example.com"),
        ("PLATFORM_WEBHOOK_SECRET_2", WEBHOOK_SECRET),
        ("PLATFORM_TOKENS_2", "Other=token-of-the-other-0123456789"),
    ];
    let ids = |changes: Pairs<'_>| {
        let platforms = load_platform(&[&second[..], changes].concat()).unwrap().platforms;
        platforms.webhooks.iter().map(|platform| platform.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&[]), ["webhook", "webhook-2"]);
    assert_eq!(ids(&[("PLATFORMS", "webhook-2")]), ["webhook-2"]);
    let platforms = load_platform(&[("PLATFORM_MAX_AGE", "2h")]).unwrap().platforms;
    assert_eq!((platforms.max_age, platforms.allow_private), (Duration::from_hours(2), false));
    let rotating = format!("{WEBHOOK_SECRET} {OTHER_WEBHOOK_SECRET}");
    let platforms = load_platform(&[("PLATFORM_WEBHOOK_SECRET", &rotating)]).unwrap().platforms;
    assert_eq!(platforms.webhooks[0].secrets.len(), 2);
}

#[test]
fn wrong_platforms_are_told_by_name() {
    let agents_token = format!("Desk={TOKEN}");
    let changes: [(&str, &str, &str); 14] = [
        ("PUBLIC_URL", "", "PUBLIC_URL is required with the platform webhook"),
        ("PLATFORM_WEBHOOK_URL", "", "PLATFORM_WEBHOOK_SECRET has no effect without PLATFORM_WEBHOOK_URL"),
        ("PLATFORM_WEBHOOK_URL", "desk", "must be a URL such as"),
        ("PLATFORM_WEBHOOK_URL", "http://desk.example.com", "must begin with https://"),
        ("PLATFORM_WEBHOOK_URL", "https://127.0.0.1/", "must be a public name"),
        (
            "PLATFORM_WEBHOOK_URL",
            "https://me:pw@desk.example.com",
            "must not contain a user name or password",
        ),
        ("PLATFORM_WEBHOOK_URL", "https://desk.example.com/#a", "must not contain a fragment"),
        ("PLATFORM_WEBHOOK_SECRET", "", "PLATFORM_WEBHOOK_SECRET is required with PLATFORM_WEBHOOK_URL"),
        ("PLATFORM_TOKENS", "Alex=token-of-the-desk-0123456789", "a name that another account or agent has"),
        ("PLATFORM_TOKENS", &agents_token, "PLATFORM_TOKENS has a token that another account or agent has"),
        ("OPERATOR_TOKENS", &agents_token, "OPERATOR_TOKENS has a token that another account or agent has"),
        ("PLATFORMS", "slack", "PLATFORMS must be platforms such as"),
        ("PLATFORMS", "webhook-2", "PLATFORMS names a platform that has no PLATFORM_WEBHOOK_URL"),
        ("PLATFORM_MAX_AGE", "25h", "PLATFORM_MAX_AGE must be a duration"),
    ];
    for (name, value, told) in changes {
        let error = load_platform(&[(name, value)]).unwrap_err();
        assert!(error.contains(told), "{name}={value}: {error}");
    }
    let allowed = [("PLATFORM_ALLOW_PRIVATE", "on"), ("PLATFORM_WEBHOOK_URL", "http://127.0.0.1:1/")];
    assert!(load_platform(&allowed).is_ok());
}

const INSTANCE: &str = "arn:aws:connect:us-east-1:123456789012:instance/11111111-2222-3333-4444-555555555555";
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:chat";

/// What a relay with Amazon Connect needs, and `changes` on top.
fn load_connect(changes: Pairs<'_>) -> Result<Settings, String> {
    let connect = [
        ("PUBLIC_URL", "https://relay.example.com"),
        ("AMAZON_CONNECT_INSTANCE_ID", INSTANCE),
        ("AMAZON_CONNECT_REGION", "us-east-1"),
        ("AMAZON_CONNECT_TOPIC_ARN", TOPIC),
    ];
    load(&[&connect[..], changes].concat())
}

fn connect(changes: Pairs<'_>) -> AmazonConnect {
    load_connect(changes).unwrap().amazon_connect.unwrap()
}

#[test]
fn amazon_connect_has_defaults() {
    assert!(load(&[]).unwrap().amazon_connect.is_none());
    let connect = connect(&[]);
    assert_eq!(connect.instance_id, "11111111-2222-3333-4444-555555555555");
    assert_eq!((connect.region.as_str(), connect.topic_arn.as_str()), ("us-east-1", TOPIC));
    assert_eq!(connect.topics, [TOPIC]);
    assert!(matches!(connect.credentials, Credentials::Ambient));
    assert_eq!(connect.agent_left_grace, Duration::from_secs(60));
    assert_eq!(connect.if_unavailable, IfUnavailable::Keep);
    assert_eq!((connect.message_limit, connect.chat_duration_minutes), (16_384, None));
    assert!(!connect.system_messages && !connect.check_hours && connect.attributes.is_empty());
    // As the manual has them.
    let manual: std::collections::HashMap<String, String> = filled_in(|_| true).into_iter().collect();
    let written = [
        "AMAZON_CONNECT_AGENT_LEFT_GRACE",
        "AMAZON_CONNECT_SYSTEM_MESSAGES",
        "AMAZON_CONNECT_IF_UNAVAILABLE",
        "AMAZON_CONNECT_CHECK_HOURS",
        "AMAZON_CONNECT_MESSAGE_LIMIT",
    ];
    let written = written.map(|name| (name, manual[name].as_str()));
    assert_eq!(format!("{:?}", self::connect(&written)), format!("{connect:?}"));
    let end = self::connect(&[("AMAZON_CONNECT_IF_UNAVAILABLE", "end")]).if_unavailable;
    assert_eq!(end, IfUnavailable::End { text: manual["AMAZON_CONNECT_IF_UNAVAILABLE_TEXT"].clone() });
}

#[test]
fn amazon_connect_is_read_as_meant() {
    let flow = "arn:aws:connect:us-east-1:123456789012:instance/1-2/contact-flow/3-4";
    let second = "arn:aws:sns:us-east-1:123456789012:next_chat";
    let connect = connect(&[
        ("AMAZON_CONNECT_INSTANCE_ID", "1-2"),
        ("AMAZON_CONNECT_CONTACT_FLOW_ID", flow),
        ("AMAZON_CONNECT_TOPIC_ARN", &format!("{TOPIC}, {second}")),
        ("AMAZON_CONNECT_ENDPOINT", "http://127.0.0.1:4010/"),
        ("AMAZON_CONNECT_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AMAZON_CONNECT_SECRET_ACCESS_KEY", "hunter2"),
        ("AMAZON_CONNECT_SESSION_TOKEN", "hunter3"),
        ("AMAZON_CONNECT_ROLE_ARN", "arn:aws:iam::123456789012:role/path/relay"),
        ("AMAZON_CONNECT_EXTERNAL_ID", "a:b"),
        ("AMAZON_CONNECT_CHAT_DURATION", "7d"),
        ("AMAZON_CONNECT_ATTRIBUTES", "plan=customer_plan, first name = FirstName"),
        ("AMAZON_CONNECT_AGENT_LEFT_GRACE", "0s"),
        ("AMAZON_CONNECT_SYSTEM_MESSAGES", "on"),
        ("AMAZON_CONNECT_IF_UNAVAILABLE", "end"),
        ("AMAZON_CONNECT_IF_UNAVAILABLE_TEXT", "Bye!"),
        ("AMAZON_CONNECT_QUEUE_ID", "arn:aws:connect:us-east-1:123456789012:instance/1-2/queue/5"),
        ("AMAZON_CONNECT_CHECK_HOURS", "on"),
        ("AMAZON_CONNECT_MESSAGE_LIMIT", "1024"),
    ]);
    assert_eq!(connect.instance_id, "1-2");
    assert_eq!(connect.contact_flow_id.as_deref(), Some("3-4"));
    assert_eq!((connect.topic_arn.as_str(), connect.topics.len()), (TOPIC, 2));
    assert_eq!(connect.endpoint.as_ref().unwrap().as_str(), "http://127.0.0.1:4010/");
    assert_eq!(connect.chat_duration_minutes, Some(10_080));
    assert_eq!(connect.attributes[1], ("first name".to_owned(), "FirstName".to_owned()));
    assert_eq!(connect.if_unavailable, IfUnavailable::End { text: "Bye!".to_owned() });
    assert_eq!(connect.queue_id.as_deref(), Some("5"));
    let Credentials::Static { secret_access_key, session_token, .. } = &connect.credentials else { panic!() };
    assert_eq!(
        (secret_access_key.expose(), session_token.as_ref().unwrap().expose()),
        ("hunter2", "hunter3")
    );
    assert!(!format!("{connect:?}").contains("hunter"));
}

#[test]
fn amazon_connect_borrows_from_aws_own_variables() {
    let aws = [
        ("AMAZON_CONNECT_REGION", ""),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
    ];
    let connect = connect(&aws);
    assert_eq!(connect.region, "us-east-1");
    let Credentials::Static { access_key_id, .. } = connect.credentials else { panic!() };
    assert_eq!(access_key_id, "AKIDEXAMPLE");
    let error = load_connect(&[("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")]).unwrap_err();
    assert!(error.contains("only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is"), "{error}");
}

#[test]
fn amazon_connect_is_one_of_the_platforms() {
    let is_on = |platforms| load_connect(&[("PLATFORMS", platforms)]).unwrap().amazon_connect.is_some();
    assert!(is_on("") && is_on("amazon-connect"));
    let webhook = [
        ("PLATFORM_WEBHOOK_URL", "https://desk.example.com/ada"),
        ("PLATFORM_WEBHOOK_SECRET", WEBHOOK_SECRET),
        ("PLATFORM_TOKENS", "Desk=token-of-the-desk-0123456789"),
        ("PLATFORMS", "webhook"),
    ];
    let settings = load_connect(&webhook).unwrap();
    assert!(settings.amazon_connect.is_none() && settings.platforms.webhooks.len() == 1);
    let error = load(&[("PLATFORMS", "amazon-connect")]).unwrap_err();
    assert_eq!(error, "PLATFORMS names a platform that has no AMAZON_CONNECT_INSTANCE_ID");
}

#[test]
fn wrong_settings_of_amazon_connect_are_told_by_name() {
    let region = "must be a region such as us-east-1";
    let topic = "must be the ARN of an SNS topic, such as arn:aws:sns:us-east-1:123456789012:chat";
    let role = "must be the ARN of a role, such as arn:aws:iam::123456789012:role/relay";
    let too_many = format!("{TOPIC} {TOPIC} {TOPIC}");
    let fifo = format!("{TOPIC}.fifo");
    let too_long = "x".repeat(1_001);
    let id = "x".repeat(101);
    let others = ["REGION", "TOPIC_ARN"]
        .map(|name| format!("AMAZON_CONNECT_{name} has no effect without AMAZON_CONNECT_INSTANCE_ID"));
    assert_eq!(load_connect(&[("AMAZON_CONNECT_INSTANCE_ID", "")]).unwrap_err(), others.join("\n"));
    let public = "PUBLIC_URL is required with the platform amazon-connect: agents' links to files lead there";
    assert_eq!(load_connect(&[("PUBLIC_URL", "")]).unwrap_err(), public);
    let needs = "is required with AMAZON_CONNECT_INSTANCE_ID";
    let table: &[(&str, &str, &[&str])] = &[
        (
            "INSTANCE_ID",
            "must be the id of the instance, or its ARN",
            &["a b", &id, "arn:aws:s3:::a", "arn:x", "a/b"],
        ),
        (
            "INSTANCE_ID",
            "is the ARN of an instance outside AMAZON_CONNECT_REGION",
            &["arn:aws:connect:us-west-2:123456789012:instance/1"],
        ),
        (
            "REGION",
            region,
            &["US-EAST-1", "us-east", "useast1", "us-east-1.evil.example", "us--1", "us-east-1/"],
        ),
        ("REGION", needs, &[""]),
        (
            "CONTACT_FLOW_ID",
            "must be the id of the contact flow, or its ARN",
            &["a/b", "arn:aws:connect:us-east-1:123456789012:instance/1/queue/2"],
        ),
        ("TOPIC_ARN", needs, &[""]),
        (
            "TOPIC_ARN",
            topic,
            &["chat", "arn:aws:sqs:us-east-1:123456789012:chat", "arn:aws:sns:us-east-1:1:chat"],
        ),
        ("TOPIC_ARN", "must be a standard topic: Amazon Connect can't stream to FIFO topics", &[&fifo]),
        ("TOPIC_ARN", "must be 1 to 2 topic ARNs", &[&too_many, ","]),
        ("TOPIC_ARN", "must be in AMAZON_CONNECT_REGION", &["arn:aws:sns:us-west-2:123456789012:chat"]),
        ("ENDPOINT", "must begin with https:// (http:// only for localhost)", &["http://aws.example.com"]),
        ("SNS_ENDPOINT", "must not contain a query (?) or fragment (#)", &["https://a.example/?b"]),
        (
            "SECRET_ACCESS_KEY",
            "is the value of .env.example, which is public; set your own",
            &["replace-with-your-secret"],
        ),
        ("SECRET_ACCESS_KEY", "must be printable ASCII without spaces", &["a b"]),
        ("ROLE_ARN", role, &["relay", "arn:aws:iam::1:role/a", "arn:aws:iam::123456789012:user/a"]),
        ("EXTERNAL_ID", "must be 2 to 1224 letters, digits and _+=,.@:/-", &["a", "a b"]),
        ("EXTERNAL_ID", "has no effect without AMAZON_CONNECT_ROLE_ARN", &["ab"]),
        (
            "CHAT_DURATION",
            "must be a duration such as 24h, from 1h to 7d, in whole minutes",
            &["59m", "8d", "3661s", "1440"],
        ),
        (
            "ATTRIBUTES",
            "must be field=attribute, several separated by commas; entry 2 is not",
            &["a=b,c", "a=b,=c"],
        ),
        ("ATTRIBUTES", "needs an attribute of letters, digits, _ and - in entry 1", &["a=b c", "a="]),
        ("ATTRIBUTES", "has an attribute twice: see entry 2", &["a=b,c=b"]),
        ("AGENT_LEFT_GRACE", "must be a duration such as 60s, from 0s to 1h", &["61m", "-1s", "off"]),
        ("SYSTEM_MESSAGES", "must be on or off", &["yes"]),
        ("IF_UNAVAILABLE", "must be keep or end", &["drop"]),
        ("IF_UNAVAILABLE_TEXT", "must be at most 1000 characters", &[&too_long]),
        ("QUEUE_ID", "must be the id of the queue, or its ARN", &["a/b"]),
        ("MESSAGE_LIMIT", "must be a whole number of bytes from 256 to 16384", &["255", "16385", "1k"]),
    ];
    for (name, wanted, values) in table {
        let name = format!("AMAZON_CONNECT_{name}");
        for value in *values {
            assert_eq!(load_connect(&[(&name, value)]).unwrap_err(), format!("{name} {wanted}"), "{value}");
        }
    }
    let with = |name| load_connect(&[(name, "on")]).unwrap_err();
    // Each start call may name its queue.
    assert!(load_connect(&[("AMAZON_CONNECT_CHECK_HOURS", "on")]).is_ok());
    let key = "is required with the other settings of the access key";
    assert_eq!(with("AMAZON_CONNECT_ACCESS_KEY_ID"), format!("AMAZON_CONNECT_SECRET_ACCESS_KEY {key}"));
    assert_eq!(
        with("AMAZON_CONNECT_SESSION_TOKEN"),
        format!("AMAZON_CONNECT_ACCESS_KEY_ID {key}\nAMAZON_CONNECT_SECRET_ACCESS_KEY {key}")
    );
}
