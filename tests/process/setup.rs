//! `setup`: the webhook endpoint at Ada, its secret in `.env`, and what arrives.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use reqwest::Method;
use sandbox::{Call, ScriptedAnswer};
use serde_json::{Value, json};

use crate::{
    ada::{API_KEY, Ada},
    process::{Process, run},
    relay::folder,
};

const PUBLIC: &str = "http://127.0.0.1:10";
const ENDPOINT: &str = "http://127.0.0.1:10/webhooks/message";
const EVENTS: [&str; 3] =
    ["v1.conversation.message", "v1.conversation.handoff.ended", "v1.conversation.ended"];

/// A folder with the `.env` of `init`, which knows no signing secret.
async fn begun(ada: &Ada) -> tempfile::TempDir {
    let folder = folder();
    let url = format!("{}/api", ada.url);
    let args = ["init", "--ada-base-url", &url, "--ada-api-key", API_KEY];
    assert_eq!(run(folder.path(), &args, &[]).await.code, Some(0));
    folder
}

fn written(folder: &Path) -> String {
    fs::read_to_string(folder.join(".env")).unwrap()
}

/// A call of Ada's API for endpoints.
async fn call(ada: &Ada, method: Method, path: &str, body: &Value) -> Value {
    let request = reqwest::Client::new().request(method, format!("{}/api/v2/webhooks/{path}", ada.url));
    let answer = request.bearer_auth(API_KEY).json(body).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.json().await.unwrap()
}

/// The endpoint that leads to `url`.
async fn endpoint(ada: &Ada, url: &str) -> Option<Value> {
    let list = call(ada, Method::GET, "", &json!({})).await;
    list["data"].as_array().unwrap().iter().find(|endpoint| endpoint["url"] == url).cloned()
}

fn changes(ada: &Ada) -> usize {
    let is_change = |call: &Option<Call>| matches!(call, Some(Call::CreateWebhook | Call::UpdateWebhook));
    ada.sandbox.calls().iter().filter(|recorded| is_change(&recorded.call)).count()
}

const SETUP: [&str; 4] = ["setup", "--no-run", "--public-url", PUBLIC];

#[tokio::test]
async fn it_registers_the_endpoint_once_and_check_is_content() {
    let ada = Ada::start().await;
    let folder = begun(&ada).await;
    let ended = run(folder.path(), &SETUP, &[]).await;
    assert_eq!(ended.code, Some(0), "{:#?}", ended.stderr);
    let made = endpoint(&ada, ENDPOINT).await.expect("an endpoint");
    assert_eq!((&made["event_filters"], &made["enabled"]), (&json!(EVENTS), &json!(true)));
    let secret =
        call(&ada, Method::GET, &format!("{}/secret/", made["id"].as_str().unwrap()), &json!({})).await;
    let secret = secret["key"].as_str().unwrap();
    let env = written(folder.path());
    assert!(env.contains(&format!("\nWEBHOOK_SECRET='{secret}'\n")), "{env}");
    assert!(env.ends_with(&format!("PUBLIC_URL='{PUBLIC}'\n")), "{env}");
    let mode = fs::metadata(folder.path().join(".env")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    ended.never_says(&[secret, API_KEY]);
    let said = ended.stdout.join("\n");
    for wanted in [
        "POST http://127.0.0.1:10/handoffs/start",
        "Authorization: Bearer ",
        "\"summary\": \"@summary\"",
        "Pause conversation here",
        "Channels, custom-handoff",
    ] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }

    let again = run(folder.path(), &SETUP, &[]).await;
    assert_eq!(again.code, Some(0));
    assert!(
        again.stdout[0].ends_with("is registered at Ada already, as it should be."),
        "{:?}",
        again.stdout
    );
    assert_eq!((changes(&ada), written(folder.path())), (1, env));

    let free = [("LISTEN", "127.0.0.1:0"), ("AGENT_LISTEN", "127.0.0.2:0")];
    let checked = run(folder.path(), &["check", "--all"], &free).await;
    let line = checked.stdout.iter().find(|line| line.contains("webhooks")).expect("a line");
    assert!(line.contains(&format!("Ada has the endpoint {ENDPOINT}")), "{line}");
    assert_eq!(checked.code, Some(0), "{:#?}", checked.stdout);
}

#[tokio::test]
async fn it_finds_its_endpoint_on_a_later_page() {
    let ada = Ada::start().await;
    let folder = begun(&ada).await;
    for number in 0..100 {
        call(&ada, Method::POST, "", &json!({ "url": format!("https://other.example/{number}") })).await;
    }
    call(&ada, Method::POST, "", &json!({ "url": ENDPOINT, "event_filters": EVENTS })).await;
    let before = changes(&ada);
    let ended = run(folder.path(), &SETUP, &[]).await;
    assert_eq!(ended.code, Some(0), "{:#?}", ended.stderr);
    assert_eq!(changes(&ada), before, "it was there already: {:#?}", ended.stdout);
}

#[tokio::test]
async fn it_corrects_an_endpoint_and_changes_nothing_in_a_dry_run() {
    let ada = Ada::start().await;
    let folder = begun(&ada).await;
    let wrong = json!({ "url": ENDPOINT, "enabled": false, "event_filters": ["v1.conversation.message"] });
    call(&ada, Method::POST, "", &wrong).await;
    let (before, calls) = (written(folder.path()), changes(&ada));
    let dry = run(folder.path(), &[&SETUP[..], &["--dry-run"]].concat(), &[]).await;
    assert_eq!(dry.code, Some(0), "{:#?}", dry.stderr);
    assert!(
        dry.stdout.iter().any(|line| line.trim_start().starts_with("PATCH /v2/webhooks/ep_")),
        "{:#?}",
        dry.stdout
    );
    assert_eq!((written(folder.path()), changes(&ada)), (before, calls));

    // `check` says the same of what the file has.
    let env = written(folder.path())
        + "PUBLIC_URL=http://127.0.0.1:10\nWEBHOOK_SECRET=whsec_cHJvY2Vzcy10ZXN0LXNlY3JldA==\n";
    fs::write(folder.path().join(".env"), env).unwrap();
    let free = [("LISTEN", "127.0.0.1:0"), ("AGENT_LISTEN", "127.0.0.2:0")];
    let checked = run(folder.path(), &["check"], &free).await;
    assert!(checked.stdout.iter().any(|line| line.contains("is disabled")), "{:#?}", checked.stdout);
    assert_eq!(checked.code, Some(1));

    assert_eq!(run(folder.path(), &SETUP, &[]).await.code, Some(0));
    let corrected = endpoint(&ada, ENDPOINT).await.unwrap();
    assert_eq!((&corrected["event_filters"], &corrected["enabled"]), (&json!(EVENTS), &json!(true)));
    assert_eq!(
        written(folder.path()).matches("WEBHOOK_SECRET=").count(),
        2,
        "the comment of init, and the setting"
    );
}

/// Somebody set one up by hand, at the relay's other path, whose secret the relay has.
#[tokio::test]
async fn an_endpoint_of_before_keeps_working() {
    let ada = Ada::start().await;
    let folder = begun(&ada).await;
    let events = json!({ "url": format!("{PUBLIC}/webhooks/events"), "event_filters": EVENTS });
    let made = call(&ada, Method::POST, "", &events).await;
    let secret =
        call(&ada, Method::GET, &format!("{}/secret/", made["id"].as_str().unwrap()), &json!({})).await;
    let secret = secret["key"].as_str().unwrap();
    let env = written(folder.path()) + "WEBHOOK_SECRET=whsec_cHJvY2Vzcy10ZXN0LXNlY3JldA==\n";
    let kept = folder.path().join("kept.env");
    fs::write(&kept, env).unwrap();
    fs::remove_file(folder.path().join(".env")).unwrap();
    std::os::unix::fs::symlink(&kept, folder.path().join(".env")).unwrap();
    assert_eq!(run(folder.path(), &SETUP, &[]).await.code, Some(0));
    assert_eq!((changes(&ada), endpoint(&ada, ENDPOINT).await), (1, None), "it is found");
    let both = format!("WEBHOOK_SECRET='{secret},whsec_cHJvY2Vzcy10ZXN0LXNlY3JldA=='\n");
    assert!(written(folder.path()).contains(&both), "{}", written(folder.path()));
    assert!(folder.path().join(".env").is_symlink());

    fs::write(&kept, written(folder.path()) + "WEBHOOK_SECRET=whsec_cHJvY2Vzcy10ZXN0LXNlY3JldA==\n").unwrap();
    let twice = run(folder.path(), &SETUP, &[]).await;
    assert_eq!(twice.code, Some(2));
    assert!(twice.stderr[0].contains("WEBHOOK_SECRET is in .env twice"), "{:#?}", twice.stderr);
}

#[tokio::test]
async fn it_shows_what_arrives() {
    let ada = Ada::start().await;
    let folder = begun(&ada).await;
    let free = [("LISTEN", "127.0.0.1:0"), ("AGENT_LISTEN", "127.0.0.2:0")];
    let process = Process::start(folder.path(), &["setup", "--public-url", PUBLIC], &free);
    let runs = |line: &str| Some(line.split_once("for Ada at ")?.1.split_once(',')?.0.to_owned());
    let url = process.stdout.find(1, "that it runs", runs).await.remove(0);
    // The tunnel that leads there, once it is known where that is.
    let made = endpoint(&ada, ENDPOINT).await.unwrap();
    let here = json!({ "url": format!("{url}/webhooks/message") });
    call(&ada, Method::PATCH, made["id"].as_str().unwrap(), &here).await;
    let env = written(folder.path());
    let key =
        env.lines().find_map(|line| line.strip_prefix("HANDOFF_AUTH_KEY='")).unwrap().trim_end_matches('\'');
    let block = json!({ "url": format!("{url}/handoffs/start"), "authorization": format!("Bearer {key}") });
    let page = format!("{}/sandbox/api/setup", ada.url);
    let http = reqwest::Client::new();
    let tried: Value =
        http.put(format!("{page}/block")).json(&block).send().await.unwrap().json().await.unwrap();
    assert_eq!(tried["status"], 400, "the relay takes the key, and misses a conversation");
    http.post(format!("{page}/test")).send().await.unwrap();
    let says = |wanted: &'static str| move |line: &str| line.contains(wanted).then_some(());
    process.stdout.find(1, "the test event", says("a test event")).await;
    let chat = ada.sandbox.open_conversation();
    assert_eq!(ada.sandbox.start_handoff(&chat, json!({})).await.unwrap(), 200);
    process.stdout.find(1, "the start call", says("a handoff began")).await;
    ada.customer_says(&chat, "Hello?").await;
    process.stdout.find(1, "the message", says("the customer's first message")).await;

    // Beside it, another one says that there is one already.
    let beside = run(folder.path(), &["setup", "--public-url", PUBLIC], &free).await;
    assert_eq!(beside.code, Some(0));
    assert!(beside.stdout.iter().any(|line| line.contains("restart that relay")), "{:#?}", beside.stdout);
}

#[tokio::test]
async fn what_keeps_it_from_working_is_said() {
    let ada = Ada::start().await;
    let bare = folder();
    let begun = begun(&ada).await;
    let secret = [("WEBHOOK_SECRET", "whsec_cHJvY2Vzcy10ZXN0LXNlY3JldA==")];
    for (folder, url, env, told, code) in [
        (&bare, PUBLIC, &[][..], "ADA_BASE_URL is missing or wrong", 2),
        (&begun, "http://relay.example.com", &[][..], "--public-url must begin with https://", 2),
        (
            &begun,
            "relay.example.com",
            &[][..],
            "--public-url must be a URL such as https://relay.example.com",
            2,
        ),
        (&begun, PUBLIC, &secret[..], "WEBHOOK_SECRET is set in the environment", 2),
    ] {
        let ended = run(folder.path(), &["setup", "--no-run", "--public-url", url], env).await;
        assert_eq!(ended.code, Some(code), "{told}: {:#?}", ended.stderr);
        assert!(ended.stderr.iter().any(|line| line.contains(told)), "{told}: {:#?}", ended.stderr);
    }
    // A key that may do anything but that.
    let forbidden = || ScriptedAnswer { status: 403, body: json!({}), headers: vec![] };
    ada.sandbox.answer_next(Call::ListWebhooks, forbidden());
    let ended = run(begun.path(), &SETUP, &[]).await;
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.stderr.iter().any(|line| line.contains("Ada did not give the list of endpoints")),
        "{:#?}",
        ended.stderr
    );
    assert_eq!(changes(&ada), 0);

    assert_eq!(run(begun.path(), &SETUP, &[]).await.code, Some(0));
    ada.sandbox.answer_next(Call::ListWebhooks, forbidden());
    let free = [("LISTEN", "127.0.0.1:0"), ("AGENT_LISTEN", "127.0.0.2:0")];
    let checked = run(begun.path(), &["check", "--all"], &free).await;
    assert_eq!(checked.code, Some(0), "{:#?}", checked.stdout);
    assert!(checked.stdout.iter().any(|line| line.contains("webhooks") && line.contains("not compared")));
}
