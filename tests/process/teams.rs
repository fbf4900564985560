//! Teams and agents of the settings file, from the command line.

use std::fs;

use crate::{
    ada::NOWHERE,
    process::run,
    relay::{folder, settings, start},
};

const DESK: &str = r#"default_team = "Support"
[[teams]]
name = "Support"
[[teams]]
name = "Billing"
waiting_texts = [{ after = "5m", text = "Thank you." }, { after = "0s", text = "Please wait." }]
[[routes]]
name = "VIP"
context.plan = ["gold", "platinum"]
priority = "urgent"
[[routes]]
name = "German billing"
languages = ["de"]
context.category = { matches = "(?i)^billing" }
team = "Billing"
waiting_timeout = "5m"
waiting_timeout_text = "Sorry."
[[routes]]
name = "Everybody else"
"#;

#[tokio::test]
async fn route_says_which_one_takes_a_start_call_and_why() {
    let folder = folder();
    fs::write(folder.path().join("relay.toml"), DESK).unwrap();
    let mut settings = settings(NOWHERE);
    settings.push(("RELAY_CONFIG", "relay.toml".to_owned()));
    settings.push(("ACCEPT_TEXT", "{agent} is here.".to_owned()));
    let env: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let body = r#"{"conversation_id": "c-1", "language": "de-AT", "category": "Billing", "plan": "silver"}"#;
    fs::write(folder.path().join("call.json"), body).unwrap();
    let ended = run(folder.path(), &["route", "--file", "call.json"], &env).await;
    let told = [
        "conversation c-1 of the AI Agent 127.0.0.1",
        "",
        "no   VIP: plan is gold or platinum (it is silver)",
        "yes  German billing: language is de (it is de-AT); category matches (?i)^billing (it is Billing)",
        "     Everybody else: not tried",
        "",
        "route            German billing",
        "team             Billing (by the route)",
        "hours            always open",
        "priority         normal",
        "platforms        all",
        "waiting_timeout  5m, \"Sorry.\"",
        "idle_timeout     off",
        "accept_text      \"{agent} is here.\"",
        "queue_banner     off",
        "waiting_texts    0s, \"Please wait.\"; 5m, \"Thank you.\"",
    ];
    assert_eq!((ended.code, ended.stdout), (Some(0), told.map(str::to_owned).to_vec()));

    let hours = "time_zone = \"Europe/Berlin\"\nhours = [\"Mon-Fri 09:00-17:00\"]\n";
    let with_hours = DESK.replacen("name = \"Billing\"\n", &format!("name = \"Billing\"\n{hours}"), 1);
    fs::write(folder.path().join("relay.toml"), with_hours).unwrap();
    for (at, told) in [
        ("2026-12-24T08:00:00Z", "hours            open"),
        ("2026-12-24T07:59:59Z", "hours            closed, opens 2026-12-24T08:00:00Z"),
    ] {
        let ended = run(folder.path(), &["route", "--file", "call.json", "--at", at], &env).await;
        assert_eq!((ended.code, ended.stdout[8].as_str()), (Some(0), told));
    }

    for (body, wrong) in [
        ("{}", "Missing conversation_id"),
        ("[]", "the body is not a JSON object"),
        ("", "the body is empty"),
    ] {
        fs::write(folder.path().join("call.json"), body).unwrap();
        let ended = run(folder.path(), &["route", "--file", "call.json"], &env).await;
        assert_eq!((ended.code, ended.stderr), (Some(1), vec![wrong.to_owned()]));
    }
    let ended = run(folder.path(), &["route", "--file", "nowhere.json"], &env).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr[0].starts_with("nowhere.json: "), "{:?}", ended.stderr);
}

#[tokio::test]
async fn route_wants_one_ai_agent_that_the_body_does_not_contradict() {
    let folder = folder();
    let ai_agent = |id: &str| {
        format!(
            "[[ai_agents]]\nid = \"{id}\"\ndomains = [\"{id}.ada.support\"]\nkey_env = \"KEY\"\n\
             webhook_secret_env = \"SECRET\"\nstart_key = \"off\"\n"
        )
    };
    fs::write(folder.path().join("relay.toml"), format!("{}{}", ai_agent("a"), ai_agent("b"))).unwrap();
    let env = [
        ("RELAY_CONFIG", "relay.toml"),
        ("KEY", "key"),
        ("SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("AGENT_TOKENS", "Alex=0123456789abcdef"),
    ];
    let several = "there are several AI Agents: name one with --ai-agent, or in ai_agent of the body";
    let other = "--ai-agent and ai_agent of the body name different AI Agents: with the start key of a, the relay answers \
                 401 unless b has the same";
    for (named, option, wanted) in [
        (r#""b""#, "", Ok("conversation c of the AI Agent b")),
        ("null", "b", Ok("conversation c of the AI Agent b")),
        (r#""{ai_agent}""#, "a", Ok("conversation c of the AI Agent a")),
        (r#""A.ada.support""#, "a", Ok("conversation c of the AI Agent a")),
        (r#""b""#, "a", Err(other)),
        (r#""{ai_agent}""#, "", Err(several)),
        (r#""c""#, "a", Err("there is no AI Agent of the name in ai_agent of the body")),
        (r#""a""#, "c", Err("there is no AI Agent of the name in --ai-agent")),
        ("7", "a", Err("ai_agent is not a string")),
    ] {
        let body = format!(r#"{{"conversation_id": "c", "ai_agent": {named}}}"#);
        fs::write(folder.path().join("call.json"), body).unwrap();
        let mut args = vec!["route", "--file", "call.json"];
        if !option.is_empty() {
            args.extend(["--ai-agent", option]);
        }
        let ended = run(folder.path(), &args, &env).await;
        match wanted {
            Ok(first) => assert_eq!((ended.code, ended.stdout[0].as_str()), (Some(0), first)),
            Err(told) => assert_eq!((ended.code, ended.stderr), (Some(1), vec![told.to_owned()]), "{named}"),
        }
    }
}

#[tokio::test]
async fn sighup_reads_the_settings_file_again() {
    let folder = folder();
    let write = |text: &str| fs::write(folder.path().join("relay.toml"), text).unwrap();
    write("[[teams]]\nname = \"Billing\"\n");
    let relay = crate::relay::Relay::start(folder.path(), NOWHERE, &[("RELAY_CONFIG", "relay.toml")]).await;
    let teams = async || {
        let teams = relay.get("/api/teams").await;
        let names =
            teams["data"].as_array().unwrap().iter().map(|team| team["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(teams().await, ["Billing"]);
    write("[[teams]]\nname = \"Billing\"\n[[teams]]\nname = \"Sales\"\n");
    relay.process.signal("HUP");
    relay.process.stderr.logged(1, "the settings file was read again").await;
    assert_eq!(teams().await, ["Billing", "Sales"]);
    write("[[teams]]\nname = 1\n");
    relay.process.signal("HUP");
    let told = "the settings file can't be used: what was read before stays in force";
    let told = relay.process.stderr.logged(1, told).await;
    let why = told[0]["error"].as_str().unwrap();
    assert!(why.ends_with("relay.toml:2:8: name must be a text in quotes"), "{why}");
    assert_eq!(teams().await, ["Billing", "Sales"]);
    relay.stops_well().await;
}

#[tokio::test]
async fn sighup_during_the_start_is_heeded_after_it() {
    let folder = folder();
    fs::write(folder.path().join("relay.toml"), "[[teams]]\nname = \"Billing\"\n").unwrap();
    let env = [("RELAY_CONFIG", "relay.toml"), ("HANDOFF_AUTH_KEY", "off")];
    let process = start(folder.path(), NOWHERE, &env);
    process.stderr.find(1, "a warning", |line| line.contains("HANDOFF_AUTH_KEY is off").then_some(())).await;
    process.signal("HUP");
    let relay = crate::relay::Relay::of(process).await;
    relay.process.stderr.logged(1, "the settings file was read again").await;
    relay.stops_well().await;
}

#[tokio::test]
async fn a_new_token_signs_in_whom_the_file_lists_with_its_digest() {
    let folder = folder();
    let long = "x".repeat(201);
    for (name, wanted) in [
        ("", "must have 1 to 200 visible characters"),
        (" ", "must have 1 to 200 visible characters"),
        (&long, "must have 1 to 200 visible characters"),
        ("A\u{7f}nn", "must have 1 to 200 visible characters"),
        ("Ann (Amazon Connect)", "must not end with (Amazon Connect), as the names of agents there do"),
    ] {
        let ended = run(folder.path(), &["token", "new", name], &[]).await;
        assert_eq!((ended.code, ended.stdout.len()), (Some(2), 0), "{name}");
        assert!(ended.stderr[0].ends_with(&format!(" for '<NAME>': {wanted}")), "{:?}", ended.stderr);
    }
    let ended = run(folder.path(), &["token", "new", " Zoë \"Z\" "], &[]).await;
    assert_eq!(ended.code, Some(0));
    let token = ended.stdout[2].trim().to_owned();
    let lines = ended.stdout.iter().skip_while(|line| *line != "[[agents]]").cloned().collect::<Vec<_>>();
    assert_eq!(lines[1], "name = \"Zoë \\\"Z\\\"\"");
    assert!(!lines.join("\n").contains(&token), "the file has a digest only");
    fs::write(folder.path().join("relay.toml"), lines.join("\n")).unwrap();
    let mut settings = settings(NOWHERE);
    settings.retain(|(name, _)| *name != "AGENT_TOKENS");
    settings.push(("RELAY_CONFIG", "relay.toml".to_owned()));
    let env: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let relay = crate::relay::Relay::of(crate::process::Process::start(folder.path(), &[], &env)).await;
    let asked = |token: String| {
        let request = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = request.get(format!("{}/api/session", relay.url)).bearer_auth(token);
        async move { request.send().await.unwrap() }
    };
    let me: serde_json::Value = asked(token).await.json().await.unwrap();
    assert_eq!(me["agent"]["name"], "Zoë \"Z\"");
    let digest = lines[2].trim_start_matches("token_sha256 = ").trim_matches('"').to_owned();
    assert_eq!(asked(digest).await.status(), 401);
    relay.stops_well().await;
}
