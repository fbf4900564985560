//! Settings that won't do: everything is told at once, by name, and never with a value.

use crate::{
    process::run,
    relay::{folder, settings},
};

const WRONG_SETTINGS: Option<i32> = Some(2);
const NO_TOKENS: &str = "AGENT_TOKENS is required (Alex=token,Sam=token); only on a terminal, and with loopback \
                         addresses alone, one is made";

#[tokio::test]
async fn all_that_is_missing_is_told_at_once() {
    for args in [&[][..], &["serve"]] {
        let mut ended = run(folder().path(), args, &[]).await;
        assert_eq!(ended.code, WRONG_SETTINGS);
        // It brings a key that is new each time.
        assert!(ended.stderr.remove(3).starts_with("HANDOFF_AUTH_KEY is required, "), "{:#?}", ended.stderr);
        assert_eq!(
            ended.stderr,
            ["ADA_BASE_URL is required", "ADA_API_KEY is required", "WEBHOOK_SECRET is required", NO_TOKENS]
        );
        assert!(ended.stdout.is_empty());
        ended.never_says(&[]);
    }
}

#[tokio::test]
async fn all_that_is_malformed_is_told_at_once_and_no_value_is_shown() {
    let env = [
        ("ADA_BASE_URL", "http://hunter2.ada.support/api"),
        ("ADA_API_KEY", "hunter2 with spaces"),
        ("WEBHOOK_SECRET", "hunter2"),
        ("HANDOFF_AUTH_KEY", "hunter2\u{e9}"),
        ("AGENT_TOKENS", "hunter2"),
        ("LISTEN", "hunter2:8090"),
        ("AGENT_LISTEN", "hunter2"),
        ("DATABASE_URL", "mysql://user:hunter2@db/handoffs"),
        ("DEBOUNCE_MS", "hunter2"),
        ("DEBOUNCE_MAX_MS", "hunter2"),
        ("UNKNOWN_HOLD_MS", "-1"),
        ("INBOX_LIMIT", "0"),
        ("ADA_TIMEOUT_MS", "5s"),
        ("SEND_MAX_AGE", "25h"),
        ("LOG_FORMAT", "hunter2"),
    ];
    let ended = run(folder().path(), &[], &env).await;
    assert_eq!(ended.code, WRONG_SETTINGS);
    assert_eq!(ended.stderr.len(), env.len(), "{:#?}", ended.stderr);
    for (name, _) in env {
        let of_it = |line: &&String| line.split(' ').next() == Some(name);
        assert_eq!(ended.stderr.iter().filter(of_it).count(), 1, "{name} in {:#?}", ended.stderr);
    }
    ended.never_says(&["hunter2"]);
}

#[tokio::test]
async fn what_is_wrong_in_the_file_is_told_in_the_same_way() {
    let folder = folder();
    let file = "ADA_BASE_ULR=https://hunter2.ada.support/api\n\
                ADA_API_KEY=one-hunter2\n\
                ADA_API_KEY=two-hunter2\n\
                WEBHOOK_SECRET=whsec_!hunter2\n\
                whsec_hunter2\n\
                LISTEN=hunter2\n";
    std::fs::write(folder.path().join(".env"), file).unwrap();
    let mut ended = run(folder.path(), &[], &[]).await;
    assert_eq!(ended.code, WRONG_SETTINGS);
    let told = [
        "A line of .env below WEBHOOK_SECRET is not NAME=value; a value with spaces, quotes, # or $ belongs \
         in single quotes that are closed",
        "ADA_BASE_ULR in .env is not a setting; did you mean ADA_BASE_URL?",
        "ADA_API_KEY is in .env twice",
        "WEBHOOK_SECRET must be whsec_ followed by base64, or several of these separated by spaces or commas; \
         number 1 is not",
        "LISTEN must be an IP address and a port, such as 127.0.0.1:8090",
        NO_TOKENS,
    ];
    // It brings a key that is new each time.
    assert!(ended.stderr.remove(5).starts_with("HANDOFF_AUTH_KEY is required, "), "{:#?}", ended.stderr);
    assert_eq!(ended.stderr, told);
    ended.never_says(&["hunter2"]);
}

#[tokio::test]
async fn agents_need_tokens_where_nobody_sits_in_front() {
    let settings = settings("https://example.ada.support");
    let env: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let without: Vec<_> = env.iter().copied().filter(|(name, _)| *name != "AGENT_TOKENS").collect();
    let ended = run(folder().path(), &[], &without).await;
    assert_eq!((ended.code, ended.stderr.as_slice()), (WRONG_SETTINGS, &[NO_TOKENS.to_owned()][..]));
}

#[tokio::test]
async fn a_malformed_log_filter_is_a_wrong_setting_too() {
    let settings = settings("https://example.ada.support");
    let mut env: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    env.push(("RUST_LOG", "info,handoff_relay=hunter2"));
    let ended = run(folder().path(), &[], &env).await;
    assert_eq!(ended.code, WRONG_SETTINGS);
    assert_eq!(ended.stderr, ["RUST_LOG must be such as info or warn,handoff_relay=debug"]);
    ended.never_says(&["hunter2"]);
}

#[tokio::test]
async fn the_demo_tries_settings_but_not_its_own() {
    for (setting, sentence) in [
        ("ADA_API_KEY=hunter2", "the demo sets ADA_API_KEY itself"),
        ("DATABASE_URL=hunter2", "the demo sets DATABASE_URL itself"),
        ("IDLE_TIMOUT=hunter2", "IDLE_TIMOUT is not a setting"),
        ("hunter2", "demo takes settings as NAME=VALUE, such as IDLE_TIMEOUT=1m"),
    ] {
        let ended = run(folder().path(), &["demo", setting], &[]).await;
        assert_eq!(ended.code, WRONG_SETTINGS, "{setting}");
        assert_eq!(ended.stderr, [sentence]);
    }
    let ended = run(folder().path(), &["demo", "IDLE_TIMEOUT=hunter2"], &[]).await;
    assert_eq!(ended.code, WRONG_SETTINGS);
    assert!(ended.stderr[0].starts_with("IDLE_TIMEOUT "), "{:?}", ended.stderr);
    ended.never_says(&["hunter2"]);
}
