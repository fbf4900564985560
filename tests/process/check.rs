//! `check` and `health`: what they find, and that they say it without a secret.

use axum::http::StatusCode;

use crate::{
    ada::{Ada, NOWHERE, Refusing},
    process::{Ended, Env, run},
    relay::{Relay, folder, settings},
};

const SECRETS: [&str; 4] = ["key-of-", "token-of-", "whsec_", "hunter2"];

async fn check(folder: &std::path::Path, ada_url: &str, more: Env<'_>) -> Ended {
    let settings = settings(ada_url);
    let mut env: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    env.retain(|(name, _)| more.iter().all(|(other, _)| name != other));
    env.extend(more);
    let ended = run(folder, &["check"], &env).await;
    ended.never_says(&SECRETS);
    ended
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
    for name in ["ADA_API_KEY", "DEBOUNCE_MS", "store", "files", "Ada key", "clock"] {
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
        ("file:///dev/null/files", "/dev/null/files: the disk for files: not a directory; see that"),
        ("az://files", "the container files: the environment's variables for this provider are missing"),
    ] {
        let nowhere = check(folder.path(), &ada.url, &[("FILES_URL", place)]).await;
        let (mark, sentence) = about(&nowhere, "files");
        assert_eq!((nowhere.code, mark), (Some(1), "FAIL"), "{sentence}");
        assert!(sentence.starts_with(told), "{sentence}");
    }

    let _owner = Relay::start(folder.path(), &ada.url, &[]).await;
    let in_use = check(folder.path(), &ada.url, &[]).await;
    assert_eq!((in_use.code, about(&in_use, "store").0), (Some(1), "FAIL"));
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
        assert_eq!(sentence.contains("see ADA_BASE_URL"), mark == "FAIL", "{status} {body}: {sentence}");
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
