#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, fs};

use serde_json::Value;

use super::{KEYS, ai_agent, route, team};
use crate::{
    relay::{
        dispatch::Assignment,
        id::TeamName,
        policy::{Timeout, Timeouts},
        routing::{Offering, Priority},
        waiting_room::{Banner, WaitingRoom, WaitingText},
    },
    settings::{
        AgentsSee, AiAgentSettings, ListedAgent, Loaded, Role, Secret, Settings, SettingsError, Terminal,
    },
    store::sessions::Digest,
};

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

/// Without `AGENT_TOKENS`, whose place the file takes.
fn loaded(text: &str, env: &[(&str, &str)]) -> Result<Settings, String> {
    let env: Vec<_> = env.iter().copied().chain([("AGENT_TOKENS", "")]).collect();
    load_with(text, &env, &[]).map(|(settings, _)| settings).map_err(|error| error.to_string())
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
        (4, "key_file = \"hunter2\"", "4:12: what key_file names can't be read: it is not there"),
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
        "14:1: teams must be written as [[teams]]",
    ];
    assert_eq!(told, wanted.map(|sentence| format!("relay.toml:{sentence}")));
}

#[test]
fn a_file_without_ai_agents_is_none() {
    assert_eq!(
        mistake("ai_agents = []"),
        "relay.toml:1:1: there is no AI Agent: begin one with [[ai_agents]]"
    );
    for text in ["[ai_agents]\nid = \"acme\"", "ai_agents = 7", "ai_agents = [7]"] {
        assert!(mistake(text).ends_with("ai_agents must be written as [[ai_agents]]"), "{text}");
    }
    let ids = format!("{GOOD}{}", GOOD.replace("acme.ada.support", "other.ada.support"));
    assert_eq!(mistake(&ids), "relay.toml:8:6: this id is there already, on line 2");
    let own = GOOD.replace("\"acme\"", "\"ACME.ada.support\"");
    assert!(load(&own).is_ok(), "it may be called as its own domain");
    let other = GOOD.replace("\"acme\"", "\"other\"").replace("acme.ada", "other.ada");
    let own = GOOD.replace("\"acme\"", "\"OTHER.ada.support\"");
    let told = "this id is a domain of another AI Agent, on line";
    assert_eq!(mistake(&format!("{other}{own}")), format!("relay.toml:8:6: {told} 3"));
    assert_eq!(mistake(&format!("{own}{other}")), format!("relay.toml:2:6: {told} 9"));
}

#[test]
fn a_file_that_cannot_be_read_is_told_alone() {
    let folder = tempfile::tempdir().unwrap();
    for (path, why) in
        [("hunter2.toml", "it is not there"), (folder.path().to_str().unwrap(), "it is a folder")]
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
    let uncommented = ["base_url", "integrations =", "rate_", "agents_see", "outcomes", "role"];
    let uncommented = uncommented.map(|key| (format!("# {key}"), key));
    let all = uncommented.iter().fold(text.clone(), |text, (from, to)| text.replace(from, to));
    let [short, long] = [&text, &all].map(|text| {
        let settings = loaded(text, &env).unwrap();
        (settings.ai_agents, settings.listed_agents, settings.agents_see, settings.outcomes, settings.routing)
    });
    assert_eq!(format!("{short:?}"), format!("{long:?}"));
    let keys = ai_agent::KEYS.into_iter().chain(route::KEYS).chain(team::TEAM_KEYS).chain(team::AGENT_KEYS);
    for key in keys.chain(KEYS) {
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
    for (place, known) in [
        ("/definitions/ai_agent/properties", &ai_agent::KEYS[..]),
        ("/definitions/route/properties", &route::KEYS),
        ("/definitions/team/properties", &team::TEAM_KEYS),
        ("/definitions/agent/properties", &team::AGENT_KEYS),
        ("/properties", &KEYS),
    ] {
        let mut keys = keys(place);
        keys.sort_unstable();
        assert_eq!(keys, sorted(known));
    }
    assert!(EXAMPLE.starts_with("#:schema docs/relay.schema.json\n"));
}

const DESK: &str = r#"default_team = "Support"
[[teams]]
name = "Support"
[[teams]]
name = "Billing"
waiting_timeout = "2m"
[[agents]]
name = "Alex"
token_sha256 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
teams = ["Billing"]
[[routes]]
name = "Invoices"
context.plan = "gold"
team = "Billing"
idle_timeout = "off"
"#;

#[test]
fn teams_agents_and_routes_are_read() {
    let more = "[[agents]]\nname = \"Kim\"\ntoken_sha256 = \"KIM\"\nrole = \"lead\"\n\
                languages = [\"de\"]\nlimit = 3\n\
                [[teams]]\nname = \"Night\"\nassignment = \"least_busy\"\noffer_timeout = \"30s\"\n\
                [[routes]]\nname = \"Rest\"\npriority = \"low\"\nwaiting_timeout = \"1h\"\nwaiting_timeout_text = \"off\"\n";
    let kim = Digest::of("a token of 16 signs");
    let text = format!("{DESK}{}\n{GOOD}", more.replace("KIM", kim.as_str()));
    let env = [("WAITING_TIMEOUT_TEXT", "Sorry."), ("ASSIGNMENT", "round_robin")];
    let settings = loaded(&text, &env).unwrap();
    let [alex, lead] = &settings.listed_agents[..] else { unreachable!() };
    let ListedAgent { name, token, teams, role, languages, limit } = alex;
    let billing = Some(vec!["Billing".into()]);
    assert_eq!((name.as_str(), teams, role), ("Alex", &billing, &Role::Agent));
    assert_eq!(token.as_str(), "a".repeat(64), "its case is no matter");
    assert_eq!((languages, limit), (&None, &None));
    assert_eq!((&lead.languages, lead.limit), (&Some(vec!["de".to_owned()]), Some(3)));
    assert_eq!((&lead.token, &lead.teams, lead.role), (&kim, &None, Role::Lead));
    assert_eq!(settings.agents_see, AgentsSee::Teams);
    assert_eq!(settings.outcomes, ["solved", "unresolved", "spam"]);
    assert!(settings.agent_tokens.is_empty() && !settings.made_token);
    let routing = &settings.routing;
    assert_eq!(routing.default_team, Some("Support".into()));
    assert_eq!(
        routing.routes.iter().map(|route| route.priority).collect::<Vec<_>>(),
        [Priority::Normal, Priority::Low]
    );
    let general =
        Timeouts { waiting: settings.waiting_timeout.as_ref(), idle: settings.idle_timeout.as_ref() };
    let waiting = |route, team: &str| routing.timeouts(route, Some(&team.into()), general).waiting.cloned();
    let timeout = |minutes, text: Option<&str>| {
        Some(Timeout { after: std::time::Duration::from_mins(minutes), text: text.map(str::to_owned) })
    };
    let offering = |team: &str| {
        let Offering { assignment, timeout } = routing.offering(Some(&team.into()));
        (assignment, timeout.as_secs())
    };
    assert_eq!(offering("Night"), (Assignment::LeastBusy, 30));
    assert_eq!(offering("Support"), (Assignment::RoundRobin, 60));
    assert_eq!(waiting(None, "Billing"), timeout(2, Some("Sorry.")), "the text of the environment");
    assert_eq!(waiting(Some("Invoices"), "Support"), timeout(15, Some("Sorry.")));
    assert_eq!(waiting(Some("Rest"), "Billing"), timeout(60, None));
}

/// What customers of the team Billing are told who came by the route Invoices, who came otherwise, and those of the team
/// Support, which says nothing of its own.
fn waiting_rooms(of_route: &str, of_team: &str, of_ai_agent: &str) -> Result<[WaitingRoom; 3], String> {
    let env = [("ACCEPT_TEXT", "{agent} is here."), ("WAITING_TEXT", "Please wait.")];
    let text = DESK.replace("waiting_timeout = \"2m\"", of_team);
    let settings = loaded(&format!("{text}{of_route}\n{GOOD}{of_ai_agent}"), &env)?;
    let rooms = settings.ai_agents.first.waiting_rooms(&settings);
    let room = |route, team: &str| rooms.of(route, Some(&TeamName::from(team))).clone();
    assert_eq!(*rooms.of(None, None), room(None, "Support"));
    Ok([room(Some("Invoices"), "Billing"), room(None, "Billing"), room(None, "Support")])
}

const NOT_TOGETHER: &str = "Ada takes the banner away when a text is sent";

/// What a team says counts for its customers, and what the environment says for the others.
#[test]
fn a_team_tells_its_customers_something_of_its_own() {
    let room = |of_team: &str| waiting_rooms("", of_team, "").map(|[_, billing, _]| billing);
    let text = |seconds, text: &str| WaitingText {
        after: std::time::Duration::from_secs(seconds),
        text: text.to_owned(),
    };
    let of_environment = room("").unwrap();
    assert_eq!(of_environment.texts, [text(0, "Please wait.")]);
    let texts = "waiting_texts = [{ after = \"5m\", text = \"Still.\" }, { after = \"0s\", text = \"off\" }]";
    let own = room(&format!("accept_text = \"off\"\n{texts}")).unwrap();
    assert_eq!((own.accept_text, own.banner), (None, Banner::Off));
    assert_eq!(own.texts, [text(0, "off"), text(300, "Still.")], "by their time");
    let own = room("queue_banner = \"position\"\nwaiting_texts = []").unwrap();
    assert_eq!(own, WaitingRoom { banner: Banner::Position, texts: Vec::new(), ..of_environment });

    let both = room("queue_banner = \"time\"").unwrap_err();
    assert_eq!(both, format!("relay.toml:4:1: queue_banner can't be used with WAITING_TEXT: {NOT_TOGETHER}"));
    let both = room(&format!("queue_banner = \"time\"\n{texts}")).unwrap_err();
    assert_eq!(
        both,
        format!("relay.toml:4:1: queue_banner can't be used with waiting_texts: {NOT_TOGETHER}")
    );
}

/// An AI Agent counts before the environment, a team before it, and a route before both.
#[test]
fn a_route_and_an_ai_agent_tell_their_customers_something_of_their_own() {
    let accept_text = |text: &str| Some(text.to_owned());
    let accept_texts = ["Invoices", "Billing", "Acme"].map(|text| format!("accept_text = \"{text}.\""));
    let [of_route, of_team, of_ai_agent] = &accept_texts;
    let [invoice, billing, support] = waiting_rooms(of_route, of_team, of_ai_agent).unwrap();
    assert_eq!(invoice.accept_text, accept_text("Invoices."));
    assert_eq!(support.accept_text, accept_text("Acme."));
    assert_eq!(billing.accept_text, accept_text("Billing."));
    assert_eq!((&billing.texts, billing.texts.len()), (&support.texts, 1), "of the environment");

    let banner = "queue_banner = \"position\"\nwaiting_texts = []";
    let by_time = "queue_banner = \"time\"";
    let [invoice, billing, support] = waiting_rooms(by_time, "queue_banner = \"off\"", banner).unwrap();
    assert_eq!((support.banner, support.texts), (Banner::Position, Vec::new()));
    assert_eq!((invoice.banner, invoice.texts), (Banner::Time, Vec::new()));
    assert_eq!((billing.banner, billing.texts), (Banner::Off, Vec::new()));

    let texts = "waiting_texts = [{ after = \"5m\", text = \"Still.\" }]";
    for (of_route, of_team, of_ai_agent, told) in [
        ("", "", by_time, "17:1: queue_banner can't be used with WAITING_TEXT"),
        ("", texts, banner, "4:1: queue_banner of the AI Agent acme can't be used with waiting_texts"),
        ("", by_time, texts, "4:1: queue_banner can't be used with waiting_texts of the AI Agent acme"),
        (by_time, "", "", "11:1: queue_banner can't be used with WAITING_TEXT"),
        (texts, banner, "", "12:1: queue_banner of the team Billing can't be used with waiting_texts"),
    ] {
        let both = waiting_rooms(of_route, of_team, of_ai_agent).unwrap_err();
        assert_eq!(both, format!("relay.toml:{told}: {NOT_TOGETHER}"));
    }
}

#[test]
fn outcomes_stand_in_one_place() {
    let text = format!("outcomes = [\"Sold\", \"Called back\"]\n{DESK}\n{GOOD}");
    assert_eq!(loaded(&text, &[]).unwrap().outcomes, ["Sold", "Called back"]);
    assert_eq!(loaded(&format!("{DESK}\n{GOOD}"), &[("OUTCOMES", "a, b")]).unwrap().outcomes, ["a", "b"]);
    let twice = loaded(&text, &[("OUTCOMES", "off")]).unwrap_err();
    assert!(twice.contains("OUTCOMES is set in the environment, but RELAY_CONFIG has outcomes"), "{twice}");
}

#[test]
fn each_mistake_of_the_desk_is_told_with_its_place() {
    let digest = "0".repeat(64);
    let text = "waiting_texts = [{ after = \"5m\", text = \"...\" }]";
    let eleven: Vec<String> = (0..11).map(|n| format!("{{ after = \"{n}s\", text = \"a\" }}")).collect();
    let eleven = format!("waiting_texts = [{}]", eleven.join(", "));
    for (line, wrong, told) in [
        (1, "default_team = \"support\"", "1:16: no team of [[teams]] has this name"),
        (1, "agents_see = \"mine\"", "1:14: agents_see must be teams or all"),
        (1, "outcomes = \"solved\"", "1:12: outcomes must be a list of texts, such as [\"...\"]"),
        (1, "outcomes = []", "1:12: outcomes must not be empty"),
        (
            1,
            "outcomes = [\"a\", \" \"]",
            "1:18: outcomes must have 1 to 100 visible characters: see number 2",
        ),
        (1, "outcomes = [\"a\", \"a\"]", "1:18: outcomes has the same text twice"),
        (3, "", "2:1: [[teams]] needs name"),
        (3, "name = \"\"", "3:8: name must have 1 to 200 visible characters"),
        (6, "[[teams]]\nname = \"support\"", "7:8: this name is there already, on line 3"),
        (
            6,
            "waiting_timeout = \"2\"",
            "6:19: waiting_timeout must be a duration such as 90s, 15m or 2h, from 1s to 24h, or off",
        ),
        (6, "idle_timeout_text = \"hunter2\"", "6:21: idle_timeout_text needs idle_timeout"),
        (
            6,
            "hours = [\"Mon 9-17\"]",
            "4:1: hours and time_zone need each other\n6:10: hours must be such as Mon-Fri 09:00-17:30: see number 1",
        ),
        (
            6,
            "time_zone = \"Mars\"\nhours = [\"Mon 09:00-17:00\"]",
            "6:13: time_zone must be a time zone such as Europe/Berlin",
        ),
        (
            6,
            "holidays = [\"25.12.\"]",
            "4:1: holidays need hours\n6:13: holidays must be dates such as 2026-12-25: see number 1",
        ),
        (6, "assignment = \"fair\"", "6:14: assignment must be off, round_robin or least_busy"),
        (6, "offer_timeout = 5", "6:17: offer_timeout must be a text in quotes"),
        (6, "needs_agents = \"yes\"", "6:16: needs_agents must be true or false"),
        (6, "queue_banner = \"on\"", "6:16: queue_banner must be position, time or off"),
        (6, "waiting_texts = \"hunter2\"", &format!("6:17: waiting_texts must be written as {text}")),
        (6, "waiting_texts = [\"hunter2\"]", &format!("6:17: waiting_texts must be written as {text}")),
        (
            6,
            "waiting_texts = [{ text = \"\", afer = \"5m\" }]",
            "6:18: a text of waiting_texts needs after\n6:27: text must be 1 to 1000 characters\n\
             6:31: afer is no key of a text of waiting_texts; did you mean after?",
        ),
        (
            6,
            "waiting_texts = [{ after = \"2d\", text = \"hunter2\" }]",
            "6:28: after must be a duration such as 0s, 90s or 5m, up to 24h",
        ),
        (
            6,
            "waiting_texts = [{ after = \"1m\", text = \"a\" }, { after = \"60s\", text = \"b\" }]",
            "6:58: another text of waiting_texts has this time",
        ),
        (6, &eleven, "6:17: waiting_texts must be at most 10 texts"),
        (6, "color = 1", "6:1: color is no key of [[teams]]"),
        (
            8,
            "name = \"Ann (Amazon Connect)\"",
            "8:8: name must not end with (Amazon Connect), as the names of agents there do",
        ),
        (9, "token = \"hunter2\"", "7:1: [[agents]] needs token_sha256\n9:1: token is no key of [[agents]]"),
        (
            9,
            "token_sha256 = \"hunter2\"",
            "9:16: token_sha256 must be what `handoff-relay token new` shows: 64 hexadecimal digits",
        ),
        (10, "teams = []", "10:9: teams must not be empty"),
        (10, "teams = [\"Sales\"]", "10:10: no team of [[teams]] has this name"),
        (10, "role = \"boss\"", "10:8: role must be agent, lead or operator"),
        (10, "limit = 0", "10:9: limit must be a number from 1 to 1000"),
        (10, "languages = []", "10:13: languages must not be empty"),
        (
            10,
            &format!("[[agents]]\nname = \"alex\"\ntoken_sha256 = \"{digest}\""),
            "11:8: this name is there already, on line 8",
        ),
        (
            10,
            &format!("[[agents]]\nname = \"Sam\"\ntoken_sha256 = \"{}\"", "A".repeat(64)),
            "12:16: this token is there already, on line 9",
        ),
        (12, "", "11:1: [[routes]] needs name"),
        (13, "ai_agents = [\"other\"]", "13:14: no AI Agent of [[ai_agents]] has this id"),
        (13, "hours = [\"Mon 09:00-17:00\"]", "11:1: hours and time_zone need each other"),
        (13, "context = 7", "13:11: context must be fields, such as context.plan = \"gold\""),
        (13, "context.plan = []", ""),
        (13, "context.plan = [\"gold\", [\"a\"]]", ""),
        (13, "context.plan = { matches = \"(\" }", ""),
        (
            13,
            "context.plan = { matches = \"(a{1000}){1000}\" }",
            "13:16: the regular expression of context.plan is too large",
        ),
        (13, "context.plan = { is = \"gold\" }", ""),
        (13, "context.plan = { present = \"yes\" }", ""),
        (13, "channels = [\"\"]", "13:13: channels must be texts of 1 to 1000 characters: see number 1"),
        (14, "team = \"billing\"", "14:8: no team of [[teams]] has this name"),
        (14, "priority = \"top\"", "14:12: priority must be low, normal, high or urgent"),
        (14, "platforms = [\"desk\"]", "14:14: platforms names a platform that is not set up"),
        (14, "tem = \"Billing\"", "14:1: tem is no key of [[routes]]; did you mean team?"),
        (15, "[[routes]]\nname = \"invoices\"", "16:8: this name is there already, on line 12"),
    ] {
        let told = match told {
            "" => {
                "13:16: context.plan must be a value, a list of values, { present = true }, or { matches = \"...\" } with a \
                   regular expression"
            }
            told => told,
        };
        let mut lines: Vec<&str> = DESK.lines().collect();
        lines[line - 1] = wrong;
        let found =
            loaded(&format!("{}\n{GOOD}", lines.join("\n")), &[]).unwrap_err().replace("relay.toml:", "");
        assert_eq!(found, told, "{wrong}");
        assert!(!found.contains(MARK), "{found}");
    }
}

#[test]
fn agents_are_listed_in_one_place() {
    let text = format!("{DESK}{GOOD}");
    let told = load_with(&text, &[], &[]).unwrap_err().to_string();
    assert_eq!(
        told,
        "AGENT_TOKENS is set in the environment, but RELAY_CONFIG lists the agents: remove AGENT_TOKENS"
    );
    // Accounts of platforms and operators may have neither their names nor their tokens.
    let token = Secret::new("0123456789abcdef");
    let mine = text.replace(&"A".repeat(64), Digest::of(token.expose()).as_str());
    let told = loaded(&mine, &[("OPERATOR_TOKENS", "Olga=0123456789abcdef")]).unwrap_err();
    assert_eq!(told, "OPERATOR_TOKENS has a token that another account or agent has");
}

#[test]
fn without_ai_agents_in_the_file_the_environment_describes_the_one() {
    let env = [
        ("ADA_BASE_URL", "https://acme.ada.support/api"),
        ("ADA_API_KEY", "key"),
        ("WEBHOOK_SECRET", SECRET),
        ("HANDOFF_AUTH_KEY", "start-key-of-acme"),
    ];
    let settings = loaded(DESK, &env).unwrap();
    assert!(!settings.ai_agents.are_listed);
    assert_eq!((settings.ai_agents.first.id.as_str(), settings.routing.teams.len()), ("acme.ada.support", 2));
    assert!(loaded("", &[]).unwrap_err().starts_with("ADA_BASE_URL is required"));
}

/// Of a file that can't be read nothing is known, so that nothing else is said to be missing or superfluous.
#[test]
fn what_a_file_that_cannot_be_read_may_list_is_not_asked_for() {
    let of_environment = [("ADA_API_KEY", "hunter2")];
    for more in [&[("AGENT_TOKENS", "")][..], &[], &of_environment] {
        let told = load_with("agents = [", more, &[]).unwrap_err().to_string();
        assert!(told.starts_with("relay.toml:1:") && told.contains("this is not TOML"), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
        let nowhere: Vec<_> = more.iter().copied().chain([("RELAY_CONFIG", "nowhere.toml")]).collect();
        let told = load_with(GOOD, &nowhere, &[]).unwrap_err().to_string();
        assert_eq!(told, "RELAY_CONFIG names a file that can't be read: it is not there");
    }
    assert_eq!(loaded(&format!("agents = 7\n{GOOD}"), &[]).unwrap_err().lines().count(), 1);
    let empty = loaded(&format!("agents = []\n{GOOD}"), &[]).unwrap_err();
    assert!(empty.starts_with("AGENT_TOKENS is required"), "{empty}");
}

#[test]
fn a_relay_that_runs_makes_up_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relay.toml");
    let pairs = ENV.into_iter().chain([("RELAY_CONFIG", file.to_str().unwrap())]);
    let env: BTreeMap<String, String> =
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let start = || Settings::load(env.clone(), None, Terminal::Detached);
    fs::write(&file, GOOD).unwrap();
    let (running, _) = start().unwrap();
    fs::write(&file, "").unwrap();
    let key = |told: SettingsError| {
        let told = told.to_string();
        told.lines().find(|line| line.starts_with("HANDOFF_AUTH_KEY")).unwrap().to_owned()
    };
    assert!(key(start().unwrap_err()).contains("(just made)"));
    assert_eq!(
        key(running.again().unwrap_err()),
        "HANDOFF_AUTH_KEY is required: a long random text, which Ada's HTTP Request block sends in the header \
         Authorization as Bearer and this text; HANDOFF_AUTH_KEY=off lets anyone start handoffs"
    );
}

#[test]
fn languages_are_checked_wherever_they_are_said() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let pattern = schema.pointer("/definitions/language/pattern").unwrap().as_str().unwrap();
    let pattern = regex::Regex::new(pattern).unwrap();
    let text = format!("{DESK}{GOOD}");
    let files = |language: &str| {
        let list = format!("languages = [\"{language}\"]");
        [
            text.replacen("teams =", &format!("{list}\nteams ="), 1),
            text.replacen("\nteam =", &format!("\n{list}\nteam ="), 1),
            format!("{text}language = \"{language}\"\n"),
        ]
    };
    for good in ["de", "gsw", "pt-BR", "de_AT", "zh-Hant-TW"] {
        assert!(pattern.is_match(good), "{good}");
        files(good).iter().for_each(|text| drop(loaded(text, &[]).unwrap()));
    }
    for bad in ["German", "", "d", "1a", "de-", "de--AT", "de at", "de-abcdefghi"] {
        assert!(!pattern.is_match(bad), "{bad}");
        for text in files(bad) {
            let told = loaded(&text, &[]).unwrap_err();
            assert!(told.contains(" must be a language such as de or pt-BR"), "{bad}: {told}");
            assert_eq!(told.lines().count(), 1, "{told}");
        }
    }
}
