//! The settings: the bytes of `.env`.

use std::collections::BTreeMap;

use handoff_relay::{
    ada::signature::Verifier,
    settings::{Settings, Terminal},
    telemetry::{Colours, lines},
};

use crate::{MARK, run::Target};

const WORDS: &[&str] = &[
    "ADA_BASE_URL",
    "ADA_API_KEY",
    "WEBHOOK_SECRET",
    "HANDOFF_AUTH_KEY",
    "AGENT_TOKENS",
    "LISTEN",
    "AGENT_LISTEN",
    "DATABASE_URL",
    "FILES_URL",
    "DEBOUNCE_MS",
    "DEBOUNCE_MAX_MS",
    "RUST_LOG",
    "KEEP_ENDED",
    "WAITING_TIMEOUT",
    "off",
    "whsec_",
    "https://",
    "http://localhost",
    "http://[::1]:1/",
    "user:password@",
    "sqlite://",
    "file://",
    "s3://a/b",
    "memory:",
    "Alex=",
    "export ",
    "=",
    "\n",
    "'",
    "\"",
    "$",
    "\\",
    "#",
    "\u{feff}",
    "15m",
    "90d",
    "info,handoff_relay=debug",
    "[{x=5}]",
    "0.0.0.0:0",
    "[::]:65536",
    "99999999999999999999d",
];

#[test]
fn settings() {
    Target { name: "settings", count: 2_000, words: WORDS }.fuzz(|file| {
        match Settings::load_file(BTreeMap::new(), file, Terminal::Detached) {
            Ok((settings, warnings)) => {
                hold(&settings);
                let told: Vec<String> = warnings.iter().map(ToString::to_string).collect();
                assert!(!told.concat().contains(MARK), "quoted: {told:?}");
                format!("good, {} warnings", told.len())
            }
            Err(error) => {
                let told = error.to_string();
                assert!(!told.contains(MARK), "quoted: {told}");
                told
            }
        }
    });
}

/// What is promised of settings that will do.
fn hold(settings: &Settings) {
    let url = &settings.ai_agents.first.base_url;
    assert!(url.scheme() == "https" || url.host_str().is_some_and(|host| !host.contains(".ada.")), "{url}");
    assert!(url.username().is_empty() && url.password().is_none());
    assert!(Verifier::new("".into(), &settings.ai_agents.first.webhook_secrets).is_ok());
    let agents = &settings.agent_tokens;
    for (place, agent) in agents.iter().enumerate() {
        assert!(!agent.name.is_empty() && agent.token.expose().len() >= 16);
        let is_another = |other: &handoff_relay::settings::AgentToken| {
            other.name != agent.name && other.token.expose() != agent.token.expose()
        };
        assert!(agents[..place].iter().all(is_another));
    }
    // A filter may be malformed, and is then refused without being quoted.
    let refusal = lines(settings.log_format, &settings.log_filter, Colours::Off, std::io::sink).err();
    assert!(!refusal.unwrap_or_default().contains(MARK));
}
