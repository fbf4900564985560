#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, fs};

use serde_json::Value;

use super::{KEYS, ai_agent};
use crate::settings::{AiAgentSettings, Loaded, Settings, SettingsError, Terminal};

const EXAMPLE: &str = include_str!("../../../relay.example.toml");
const SCHEMA: &str = include_str!("../../../docs/relay.schema.json");
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
/// Everything that an AI Agent needs.
const GOOD: &str = r#"[[ai_agents]]
id = "acme"
domains = ["acme.ada.support"]
key_env = "ACME_KEY"
webhook_secret_env = "ACME_SECRET"
start_key_env = "ACME_START_KEY"
"#;
/// What may never be repeated.
const MARK: &str = "hunter2";

const ENV: [(&str, &str); 4] = [
    ("AGENT_TOKENS", "Alex=0123456789abcdef"),
    ("ACME_KEY", "key-of-acme"),
    ("ACME_SECRET", SECRET),
    ("ACME_START_KEY", "start-key-of-acme"),
];

fn load_with(text: &str, more: &[(&str, &str)], dotenv: &[(&str, &str)]) -> Result<Loaded, SettingsError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relay.toml");
    fs::write(&file, text).unwrap();
    fs::write(folder.path().join("key"), "key-of-a-file\n").unwrap();
    fs::write(folder.path().join("empty"), "\n").unwrap();
    let path = file.to_str().unwrap().to_owned();
    let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let mut env: BTreeMap<String, String> = own(&ENV).into_iter().collect();
    env.insert("RELAY_CONFIG".to_owned(), path);
    env.extend(own(more));
    Settings::load(env, Some(own(dotenv)), Terminal::Detached)
}

fn load(text: &str) -> Result<Vec<AiAgentSettings>, Vec<String>> {
    let loaded = load_with(text, &[], &[]);
    let told = |error: SettingsError| error.0.into_iter().map(|problem| problem.sentence).collect();
    loaded.map(|(settings, _)| settings.ai_agents.iter().cloned().collect()).map_err(told)
}

/// The only mistake of a file.
fn mistake(text: &str) -> String {
    let told = load(text).unwrap_err();
    assert_eq!(told.len(), 1, "{told:#?}");
    told.into_iter().next().unwrap()
}

#[test]
fn what_is_not_said_has_a_default() {
    let found = load(GOOD).unwrap();
    let [acme] = &found[..] else { unreachable!("{found:?}") };
    assert_eq!((acme.id.as_str(), acme.base_url.as_str()), ("acme", "https://acme.ada.support/api"));
    assert_eq!((acme.domains.as_slice(), acme.formerly.len()), (&["acme.ada.support".to_owned()][..], 0));
    assert_eq!(acme.key.expose(), "key-of-acme");
    assert_eq!(acme.webhook_secrets[0].expose(), SECRET);
    assert_eq!(acme.start_key.as_ref().unwrap().expose(), "start-key-of-acme");
    assert_eq!(acme.integrations, ["custom-handoff"]);
    assert_eq!((acme.rate_per_second, acme.rate_per_minute), (10, 100));
}

#[test]
fn what_is_said_is_taken_as_meant() {
    let second = r#"
[[ai_agents]]
id = "second"
formerly = ["127.0.0.1", "[::1]", "old.ada.support"]
domains = ["Second.EU.ada.support", "third.ada.support"]
base_url = "http://localhost:4010/api/"
key_file = "key"
webhook_secret_env = "SECOND_SECRETS"
start_key = "off"
integrations = ["one", "the other"]
rate_per_second = 1_0
rate_per_minute = 0x10
"#;
    let secrets = format!("{SECRET}, {OTHER_SECRET}");
    let text = format!("\u{feff}{GOOD}{second}").replace('\n', "\r\n");
    let (settings, told) = load_with(&text, &[], &[("SECOND_SECRETS", &secrets)]).unwrap();
    assert!(settings.ai_agents.are_listed);
    let second = &settings.ai_agents.others[0];
    assert_eq!(second.formerly, ["127.0.0.1", "[::1]", "old.ada.support"]);
    assert_eq!(second.domains, ["second.eu.ada.support", "third.ada.support"]);
    assert_eq!(second.base_url.as_str(), "http://localhost:4010/api");
    assert_eq!(second.key.expose(), "key-of-a-file");
    assert_eq!(second.webhook_secrets.len(), 2, "a variable may be in .env");
    assert_eq!(second.integrations, ["one", "the other"]);
    assert_eq!((second.rate_per_second, second.rate_per_minute), (10, 16));
    let told: Vec<&str> = told.iter().map(|warning| warning.sentence.as_str()).collect();
    let open = "the start key of second is off: anyone who can reach LISTEN can start its handoffs, 60 new ones a minute";
    assert_eq!(told, [open]);
    assert_eq!(settings.ai_agents.webhook_secrets().len(), 3);
}

#[test]
fn the_environment_wins_over_dotenv_for_secrets_too() {
    let key = |dotenv: &[(&str, &str)], env: &[(&str, &str)]| {
        load_with(GOOD, env, dotenv).unwrap().0.ai_agents.first.key.expose().to_owned()
    };
    assert_eq!(key(&[("ACME_KEY", "of-dotenv")], &[]), "key-of-acme");
    assert_eq!(key(&[("ACME_KEY", "of-dotenv")], &[("ACME_KEY", " ")]), "of-dotenv");
    assert_eq!(key(&[], &[("ACME_KEY", "'in-quotes'")]), "in-quotes");
}

/// Each line of the file is changed into something wrong.
#[test]
fn each_mistake_is_told_with_its_place() {
    let long = "x".repeat(101);
    for (line, wrong, told) in [
        (2, "", "1:1: [[ai_agents]] needs id"),
        (2, "id = 7", "2:6: id must be a text in quotes"),
        (2, "id = \"\"", "2:6: id must be 1 to 100 letters, digits, dots, hyphens and underscores"),
        (2, "id = \"a b\"", "2:6: id must be 1 to 100 letters, digits, dots, hyphens and underscores"),
        (
            2,
            &format!("id = \"{long}\""),
            "2:6: id must be 1 to 100 letters, digits, dots, hyphens and underscores",
        ),
        (
            2,
            "ID = \"acme\"",
            "1:1: [[ai_agents]] needs id\n2:1: this key (not shown) is no key of [[ai_agents]]; did you mean id?",
        ),
        (3, "", "1:1: [[ai_agents]] needs domains"),
        (3, "domains = \"acme.ada.support\"", "3:11: domains must be a list of texts, such as [\"...\"]"),
        (3, "domains = []", "3:11: domains must not be empty"),
        (
            3,
            "domains = [\"acme.ada.support\", \"https://acme\"]",
            "3:32: domains must hold names such as acme.ada.support, without https:// and /api: see number 2",
        ),
        (3, "domains = [\"a.b\", \"A.b\"]", "3:19: domains has the same text twice"),
        (3, "domains = [\"a.b\", 7]", "3:19: domains must be texts in quotes: see number 2"),
        (4, "", "1:1: [[ai_agents]] needs key_env or key_file"),
        (
            4,
            "key = \"hunter2\"",
            "4:7: key has no place in this file: name a variable with key_env or a file with key_file",
        ),
        (
            4,
            "key_env = \"hunter2\"",
            "4:11: key_env must be the name of an environment variable, in capitals",
        ),
        (
            4,
            "key_env = \"NOT_SET\"",
            "4:11: what key_env names is not set, neither in the environment nor in .env",
        ),
        (4, "key_file = \"\"", "4:12: key_file must be the path of a file"),
        (4, "key_file = \"hunter2\"", "4:12: what key_file names can't be read: entity not found"),
        (4, "key_file = \"empty\"", "4:12: what key_file names is empty"),
        (4, "key_env = \"A\"\nkey_file = \"key\"", "1:1: key_env and key_file exclude each other"),
        (4, "key_env = \"TWO_WORDS\"", "4:11: what key_env names must be printable ASCII without spaces"),
        (5, "", "1:1: [[ai_agents]] needs webhook_secret_env or webhook_secret_file"),
        (
            5,
            "webhook_secret = \"whsec_hunter2\"",
            "5:18: webhook_secret has no place in this file: name a variable with webhook_secret_env or a file with webhook_secret_file",
        ),
        (
            5,
            "webhook_secret_env = \"ACME_KEY\"",
            "5:22: what webhook_secret_env names must be whsec_ followed by base64, or several of these separated by spaces or commas; number 1 is not",
        ),
        (6, "", "1:1: [[ai_agents]] needs start_key_env or start_key_file"),
        (
            6,
            "start_key = \"hunter2\"",
            "6:13: start_key may only be off: name a variable with start_key_env or a file with start_key_file",
        ),
        (
            6,
            "start_key = \"off\"\nstart_key_env = \"ACME_START_KEY\"",
            "1:1: start_key = \"off\" excludes start_key_env and start_key_file",
        ),
        (
            6,
            "start_key_env = \"ACME_KEY\"",
            "6:17: what start_key_env names must have at least 16 characters, 8 of them different, or be off",
        ),
        (
            7,
            "base_url = \"http://hunter2.ada.support\"",
            "7:12: base_url must begin with https:// (http:// only for localhost)",
        ),
        (7, "base_url = 1", "7:12: base_url must be a text in quotes"),
        (7, "formerly = [\"a b\"]", "7:13: formerly must hold ids, without spaces: see number 1"),
        (7, "formerly = [\"acme\"]", "7:13: this id is there already, on line 2"),
        (7, "integrations = [\"\"]", "7:17: integrations must not be empty: see number 1"),
        (7, "rate_per_second = 0", "7:19: rate_per_second must be a whole number from 1 to 10000"),
        (7, "rate_per_second = \"10\"", "7:19: rate_per_second must be a whole number from 1 to 10000"),
        (7, "rate_per_minute = -1", "7:19: rate_per_minute must be a whole number from 1 to 10000"),
        (7, "rate_per_minute = 1.5", "7:19: rate_per_minute must be a whole number from 1 to 10000"),
        (
            7,
            "rates_per_minute = 1",
            "7:1: rates_per_minute is no key of [[ai_agents]]; did you mean rate_per_minute?",
        ),
        (7, "hunter2 = 1", "7:1: this key (not shown) is no key of [[ai_agents]]"),
        (7, "color = 1", "7:1: color is no key of [[ai_agents]]"),
        (7, "ä = [", "7:1: this is not TOML: "),
        (7, "base_url = \"hunter2", "7:20: this is not TOML: "),
        (7, "id = \"again\"", "7:1: this is not TOML: duplicate key"),
    ] {
        let mut lines: Vec<&str> = GOOD.lines().collect();
        lines.resize(7, "");
        lines[line - 1] = wrong;
        let found = load_with(&lines.join("\n"), &[("TWO_WORDS", "hunter2 x"), ("A", "hunter2")], &[]);
        let found = found.unwrap_err().to_string().replace("relay.toml:", "");
        if told.ends_with(": ") {
            assert!(found.starts_with(told), "{wrong}: {found}");
        } else {
            assert_eq!(found, told, "{wrong}");
        }
        assert!(!found.contains(MARK), "{found}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let second = GOOD.replace("\"acme\"", "\"second\"").replace("_env", "_envv");
    let text = format!("top = 1\n{GOOD}{second}[teams]\n").replacen("ACME_KEY", "NOWHERE", 1);
    let told = load(&text).unwrap_err();
    let wanted = [
        "1:1: top is no key of the file",
        "5:11: what key_env names is not set, neither in the environment nor in .env",
        "8:1: [[ai_agents]] needs key_env or key_file",
        "8:1: [[ai_agents]] needs webhook_secret_env or webhook_secret_file",
        "8:1: [[ai_agents]] needs start_key_env or start_key_file",
        "10:12: this domain is there already, on line 4",
        "11:1: key_envv is no key of [[ai_agents]]; did you mean key_env?",
        "12:1: webhook_secret_envv is no key of [[ai_agents]]; did you mean webhook_secret_env?",
        "13:1: start_key_envv is no key of [[ai_agents]]; did you mean start_key_env?",
        "14:2: teams is no key of the file",
    ];
    assert_eq!(told, wanted.map(|sentence| format!("relay.toml:{sentence}")));
}

#[test]
fn a_file_without_ai_agents_is_none() {
    assert_eq!(mistake(""), "relay.toml:1:1: there is no AI Agent: begin one with [[ai_agents]]");
    assert_eq!(
        mistake("ai_agents = []"),
        "relay.toml:1:1: there is no AI Agent: begin one with [[ai_agents]]"
    );
    for text in ["[ai_agents]\nid = \"acme\"", "ai_agents = 7", "ai_agents = [7]"] {
        assert!(mistake(text).ends_with("ai_agents must be written as [[ai_agents]]"), "{text}");
    }
    let ids = format!("{GOOD}{}", GOOD.replace("acme.ada.support", "other.ada.support"));
    assert_eq!(mistake(&ids), "relay.toml:8:6: this id is there already, on line 2");
}

#[test]
fn a_file_that_cannot_be_read_is_told_alone() {
    let folder = tempfile::tempdir().unwrap();
    for (path, why) in
        [("hunter2.toml", "entity not found"), (folder.path().to_str().unwrap(), "is a directory")]
    {
        let told = load_with(GOOD, &[("RELAY_CONFIG", path)], &[]).unwrap_err().to_string();
        assert_eq!(told, format!("RELAY_CONFIG names a file that can't be read: {why}"));
    }
}

#[test]
fn what_describes_the_one_ai_agent_can_not_be_set_beside_the_file() {
    let told = |env: &[(&str, &str)], dotenv: &[(&str, &str)]| {
        load_with(GOOD, env, dotenv).map(|_| ()).map_err(|error| error.to_string())
    };
    let sentence = |name: &str| {
        format!("{name} is set in the environment, but RELAY_CONFIG lists the AI Agents: remove {name}")
    };
    assert_eq!(told(&[("ADA_API_KEY", "hunter2")], &[]), Err(sentence("ADA_API_KEY")));
    let both = [("ADA_RATE_PER_MINUTE", "5"), ("HANDOFF_INTEGRATION", "hunter2")];
    let sentences = [sentence("HANDOFF_INTEGRATION"), sentence("ADA_RATE_PER_MINUTE")].join("\n");
    assert_eq!(told(&[], &both), Err(sentences));
    // The file may take its secrets from there.
    let text = GOOD.replace("ACME_KEY", "ADA_API_KEY");
    assert!(load_with(&text, &[], &[("ADA_API_KEY", "key")]).is_ok());
}

#[test]
fn the_variables_of_the_file_are_no_misspelt_settings() {
    let text = GOOD.replace("ACME_KEY", "ADA_API_KEYS");
    let (_, told) = load_with(&text, &[], &[("ADA_API_KEYS", "key")]).unwrap();
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn the_example_is_read_with_every_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("acme-eu-api-key"), "key").unwrap();
    fs::write(path("acme-eu-webhook-secret"), OTHER_SECRET).unwrap();
    fs::write(path("acme-eu-start-key"), "start-key-of-acme-eu").unwrap();
    let text = EXAMPLE.replace("/run/secrets/", &path(""));
    let env =
        [("ACME_API_KEY", "key"), ("ACME_WEBHOOK_SECRET", SECRET), ("ACME_START_KEY", "start-key-of-acme")];
    // What is commented out is the default, and may be said.
    let uncommented = [("# base_url", "base_url"), ("# integrations", "integrations"), ("# rate_", "rate_")];
    let all = uncommented.iter().fold(text.clone(), |text, (from, to)| text.replace(from, to));
    let [short, long] = [&text, &all].map(|text| load_with(text, &env, &[]).unwrap().0.ai_agents);
    assert_eq!(format!("{short:?}"), format!("{long:?}"));
    for key in ai_agent::KEYS {
        assert!(EXAMPLE.contains(key), "{key}");
    }
}

#[test]
fn the_schema_knows_the_same_keys() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let keys = |place: &str| -> Vec<String> {
        schema.pointer(place).unwrap().as_object().unwrap().keys().cloned().collect()
    };
    let sorted = |keys: &[&str]| {
        let mut keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        keys.sort_unstable();
        keys
    };
    let mut of_ai_agent = keys("/definitions/ai_agent/properties");
    of_ai_agent.sort_unstable();
    assert_eq!(of_ai_agent, sorted(&ai_agent::KEYS));
    assert_eq!(keys("/properties"), sorted(&KEYS));
    assert!(EXAMPLE.starts_with("#:schema docs/relay.schema.json\n"));
}
