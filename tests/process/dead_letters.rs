//! `dead-letters`: what people do with them at the command line, at a relay that runs.

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    ada::NOWHERE,
    process::{Ended, run},
    relay::{Relay, TOKEN, folder, settings},
};

const SECRETS: [&str; 4] = ["token-of-", "whsec_", "key-of-", "5eCr3tMark"];

/// Runs a command for the relay at this address.
async fn at(folder: &Path, address: &str, args: &[&str]) -> Ended {
    with(folder, &[("LISTEN", address), ("AGENT_LISTEN", address)], args).await
}

async fn with(folder: &Path, more: &[(&str, &str)], args: &[&str]) -> Ended {
    let settings = settings(NOWHERE);
    let mut env: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    env.retain(|(name, _)| more.iter().all(|(other, _)| name != other));
    env.extend(more);
    let args: Vec<&str> = ["dead-letters"].iter().chain(args).copied().collect();
    let ended = run(folder, &args, &env).await;
    ended.never_says(&SECRETS);
    ended
}

/// A message so old that it can't be used unless a handoff covers it.
fn ancient(conversation: &str) -> String {
    let file = "https://192.0.2.7/a?X-Amz-Signature=5eCr3tMark";
    json!({
        "type": "v1.conversation.message", "timestamp": "2020-01-01T00:00:00Z",
        "data": {
            "message_id": format!("m-{conversation}"), "conversation_id": conversation,
            "handoff_integration": "custom-handoff", "author": { "role": "end_user" },
            "content": { "type": "file", "url": file, "mime_type": "text/plain", "filename": "a.txt" }
        }
    })
    .to_string()
}

fn ids(list: &Ended) -> Vec<String> {
    list.stdout[1..].iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn letters_are_listed_shown_replayed_and_dropped() {
    let folder = folder();
    let relay = Relay::start(folder.path(), NOWHERE, &[]).await;
    let address = relay.address().to_owned();
    let command = async |args: &[&str]| at(folder.path(), &address, args).await;
    let none = command(&["list"]).await;
    assert_eq!((none.code, none.stdout.as_slice()), (Some(0), &["no dead letters".to_owned()][..]));

    relay.gets("msg_1", "not JSON\u{9b}").await;
    relay.gets("msg_2", &ancient("lost")).await;
    relay.gets("msg_3", &ancient("found")).await;
    let list = command(&["list"]).await;
    assert_eq!((list.code, list.stdout.len()), (Some(0), 4), "{:#?}", list.stdout);
    for (line, words) in list.stdout.iter().zip([
        ["ID", "TIME", "REASON", "BYTES"],
        ["-", "Z", "older than 14 days, the time for which webhook ids are kept", ""],
        ["-", "Z", "older than 14 days, the time for which webhook ids are kept", ""],
        ["-", "Z", "the body is not a JSON object", "  10"],
    ]) {
        assert!(words.iter().all(|word| line.contains(word)), "{line:?} has {words:?}");
    }
    let [found, lost, broken] = ids(&list).try_into().unwrap();

    let shown = command(&["show", &found]).await;
    assert_eq!(shown.code, Some(0));
    let head = shown.stdout.iter().position(String::is_empty).unwrap();
    assert_eq!(shown.stdout[1], "svix-id  msg_3");
    let body: Value = serde_json::from_str(&shown.stdout[head..].join("\n")).unwrap();
    assert_eq!(body["key"]["conversation"], "found");
    let shown = command(&["show", &broken]).await;
    assert_eq!(shown.stdout.last().unwrap(), "\"not JSON\\u009b\"", "it can't steer a terminal");

    // Its handoff is known after all.
    let start = crate::relay::client().post(format!("{}/handoffs/start", relay.url));
    let start = start.bearer_auth(crate::ada::START_KEY).json(&json!({ "conversation_id": "found" }));
    assert_eq!(start.send().await.unwrap().status(), 200);
    let all = command(&["replay", "--all"]).await;
    assert_eq!(all.code, Some(1));
    let lines = [
        format!("{broken}  not replayed: the body is not a JSON object"),
        format!("{lost}  not replayed: older than 48 hours, and its handoff is unknown"),
        format!("{found}  kept"),
    ];
    assert_eq!(all.stdout, lines, "oldest first");
    assert_eq!(all.stderr, ["2 of 3 could not be replayed"]);
    let one = command(&["replay", &broken]).await;
    assert_eq!(
        (one.code, one.stderr.as_slice()),
        (Some(1), &["the body is not a JSON object".to_owned()][..])
    );

    let dropped = command(&["drop", &broken]).await;
    assert_eq!((dropped.code, dropped.stdout), (Some(0), vec![format!("{broken}  dropped")]));
    for args in [["drop", &broken], ["show", &broken], ["replay", &broken], ["show", ".."]] {
        let ended = command(&args).await;
        assert_eq!((ended.code, ended.stderr), (Some(1), vec!["no such dead letter".to_owned()]), "{args:?}");
    }
    assert_eq!(command(&["drop", "--all"]).await.stdout, [format!("{lost}  dropped")]);
    assert_eq!(command(&["list"]).await.stdout, ["no dead letters"]);
    assert_eq!(command(&["replay", "--all"]).await.code, Some(0), "nothing stays");
}

#[tokio::test]
async fn agents_own_address_is_the_one_that_is_asked() {
    let folder = folder();
    let relay = Relay::start(folder.path(), NOWHERE, &[("AGENT_LISTEN", "127.0.0.2:0")]).await;
    let agents = relay.line["agents.listen"].as_str().unwrap();
    let addresses = [("LISTEN", relay.address()), ("AGENT_LISTEN", agents)];
    assert_eq!(with(folder.path(), &addresses, &["list"]).await.code, Some(0));
    let public = at(folder.path(), relay.address(), &["list"]).await;
    assert_eq!(public.code, Some(1), "agents aren't served there");
}

#[tokio::test]
async fn what_keeps_it_from_working_is_said() {
    let folder = folder();
    let nobody = at(folder.path(), "127.0.0.1:9", &["list"]).await;
    assert_eq!(nobody.code, Some(1));
    assert!(nobody.stderr[0].starts_with("no relay answers at 127.0.0.1:9"), "{:?}", nobody.stderr);

    let relay = Relay::start(folder.path(), NOWHERE, &[]).await;
    let other = [("AGENT_LISTEN", relay.address()), ("AGENT_TOKENS", "Alex=another-0123456789")];
    let stranger = with(folder.path(), &other, &["list"]).await;
    assert_eq!(stranger.code, Some(1));
    assert!(stranger.stderr[0].ends_with("the bearer token is not known"), "{:?}", stranger.stderr);
    let tokens = format!("Alex={TOKEN},Sam=another-0123456789");
    let first = [("AGENT_LISTEN", relay.address()), ("AGENT_TOKENS", &tokens)];
    assert_eq!(with(folder.path(), &first, &["list"]).await.code, Some(0), "the first token counts");

    let unset = with(folder.path(), &[("AGENT_TOKENS", "")], &["list"]).await;
    assert_eq!(unset.code, Some(2));
    assert!(unset.stderr[0].starts_with("AGENT_TOKENS is required"), "{:?}", unset.stderr);
    for args in [&["replay"][..], &["drop"], &["drop", "x", "--all"], &["show"], &[]] {
        assert_eq!(with(folder.path(), &[], args).await.code, Some(2), "{args:?}");
    }
}
