//! The settings file: the bytes of `relay.toml`.

use std::{collections::BTreeMap, fs};

use handoff_relay::settings::{AiAgentsSettings, Settings, Terminal};

use crate::{MARK, run::Target};

const WORDS: &[&str] = &[
    "[[ai_agents]]",
    "[ai_agents]",
    "ai_agents",
    "id",
    "formerly",
    "domains",
    "base_url",
    "key_env",
    "key_file",
    "webhook_secret_env",
    "webhook_secret_file",
    "start_key",
    "start_key_env",
    "start_key_file",
    "integrations",
    "rate_per_second",
    "\"off\"",
    "\"KEY\"",
    "\"SECRET\"",
    "\"START_KEY\"",
    "\"127.0.0.1\"",
    "\"https://a.b/api\"",
    "[\"a.b\"]",
    "=",
    " = ",
    "\n",
    "\"\"\"",
    "'''",
    "#",
    ".",
    "{",
    "}",
    "[",
    "]",
    "\\u0041",
    "0x10",
    "1e9",
    "true",
    "1979-05-27",
    "\u{feff}",
];

#[test]
fn config() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.toml");
    Target { name: "config", count: 2_000, words: WORDS }.fuzz(|file| {
        fs::write(&path, file).unwrap();
        let env = [
            ("RELAY_CONFIG", path.to_str().unwrap()),
            ("AGENT_TOKENS", "Alex=0123456789abcdef"),
            ("KEY", "key"),
            ("SECRET", "whsec_MDEyMzQ1Njc4OWFiY2RlZg=="),
            ("START_KEY", "start-key-of-the-tests"),
        ];
        let env: BTreeMap<String, String> =
            env.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        match Settings::load(env, None, Terminal::Detached) {
            Ok((settings, _)) => {
                hold(&settings.ai_agents);
                format!("good, {}", settings.ai_agents.iter().count())
            }
            Err(error) => {
                let told = error.to_string();
                assert!(!told.contains(MARK), "quoted: {told}");
                // Another place is the same kind of answer.
                told.replace(|c: char| c.is_ascii_digit(), "")
            }
        }
    });
}

/// What is promised of a list that will do.
fn hold(ai_agents: &AiAgentsSettings) {
    assert!(ai_agents.are_listed);
    let ids = ai_agents.iter().flat_map(|known| known.formerly.iter().chain([&known.id])).collect();
    let domains = ai_agents.iter().flat_map(|known| &known.domains).collect();
    for names in [ids, domains] {
        let mut names: Vec<&String> = names;
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "{names:?}");
        assert!(!names.iter().any(|name| name.is_empty()), "{names:?}");
    }
    for known in ai_agents.iter() {
        assert!(!known.domains.is_empty() && !known.integrations.is_empty());
        assert_eq!(known.webhook_secrets.len(), 1);
    }
}
