//! `handoff-relay setup`: registers the webhook endpoint at Ada, puts its secret into `.env`, says what a person must do in
//! the dashboard, and runs the relay while the first events come.

mod dashboard;
mod dotenv;
mod live;

use std::{fs, path::Path, process::ExitCode};

use clap::Args;
use handoff_relay::{
    ada::{
        client::Client,
        endpoints::{EVENTS, Endpoint, PATHS},
        limits::Rates,
    },
    relay::delivery::Failure,
    settings::{Database, Settings, public_url},
    store::{self, FileState},
};
use tokio::signal::unix::{SignalKind, signal};

use crate::{WRONG_SETTINGS, complain, print, tell};

const FILE: &str = ".env";

/// What to set up.
#[derive(Args)]
pub struct Wanted {
    /// Where the outside reaches the relay's LISTEN, such as https://relay.example.com
    #[arg(long, value_name = "URL", env = "PUBLIC_URL")]
    public_url: String,
    /// Print the calls to Ada and the changes of .env, and make none of them
    #[arg(long)]
    dry_run: bool,
    /// Don't run the relay afterwards
    #[arg(long)]
    no_run: bool,
}

/// What Ada must be asked for.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Create,
    Correct(Endpoint),
    Nothing(Endpoint),
}

pub async fn run(wanted: Wanted) -> ExitCode {
    let public = match public_url(&wanted.public_url) {
        Ok(public) => public.as_str().trim_end_matches('/').to_owned(),
        Err(sentence) => return complain(&format!("--public-url {sentence}"), WRONG_SETTINGS),
    };
    let settings = match before(&public) {
        Ok(settings) => settings,
        Err(sentence) => return complain(&sentence, WRONG_SETTINGS),
    };
    match set_up(&settings, &public, wanted.dry_run).await {
        Ok(()) => {}
        Err(sentence) => return complain(&sentence, 1),
    }
    print(&dashboard::steps(&settings, &public));
    if wanted.dry_run {
        return ExitCode::SUCCESS;
    }
    if let Some(running) = running(&settings).await {
        print(&format!("{running}: restart that relay, so that it takes the new settings."));
        return ExitCode::SUCCESS;
    }
    if wanted.no_run {
        print("Start the relay with `handoff-relay`.");
        return ExitCode::SUCCESS;
    }
    watch().await
}

/// The settings, of which the signing secret may still be missing.
fn before(public: &str) -> Result<Settings, String> {
    let survey = Settings::survey();
    if survey.settings.as_ref().is_some_and(|settings| settings.ai_agents.are_listed)
        || survey.is_wrong("RELAY_CONFIG")
    {
        return Err(
            "setup is for the AI Agent of .env, but RELAY_CONFIG lists several: docs/ada-setup.md says what \
             to do for each of them"
                .to_owned(),
        );
    }
    for name in ["WEBHOOK_SECRET", "PUBLIC_URL"] {
        let is_other = |value: std::ffi::OsString| {
            name != "PUBLIC_URL" || value.to_string_lossy().trim_end_matches('/') != public
        };
        if std::env::var_os(name).is_some_and(is_other) {
            return Err(format!("{name} is set in the environment, which overrules .env: unset it there"));
        }
    }
    let text = fs::read_to_string(FILE).unwrap_or_default();
    if let Some(name) =
        ["WEBHOOK_SECRET", "PUBLIC_URL"].into_iter().find(|name| dotenv::count(&text, name) > 1)
    {
        return Err(format!("{name} is in .env twice: leave one line"));
    }
    let needed = ["ADA_BASE_URL", "ADA_API_KEY", "HANDOFF_AUTH_KEY", "HANDOFF_INTEGRATION"];
    if let Some(name) = needed.into_iter().find(|name| survey.is_wrong(name)) {
        return Err(format!(
            "{name} is missing or wrong: `handoff-relay init` writes .env, `handoff-relay check` says more"
        ));
    }
    let has_secrets = !survey.is_wrong("WEBHOOK_SECRET");
    let mut settings = survey
        .settings
        .ok_or_else(|| "the settings can't be read: `handoff-relay check` says why".to_owned())?;
    // A placeholder is no secret.
    if !has_secrets {
        settings.ai_agents.first.webhook_secrets.clear();
    }
    Ok(settings)
}

async fn set_up(settings: &Settings, public: &str, dry_run: bool) -> Result<(), String> {
    let client = client(settings)?;
    let url = format!("{public}{}", PATHS[0]);
    tell("Asking Ada for its webhook endpoints...");
    let endpoints = client.endpoints().await.map_err(|failure| explain("the list of endpoints", &failure))?;
    let description = format!("handoff-relay ({})", settings.ai_agents.first.integrations.join(", "));
    for other in endpoints.iter().filter(|other| other.description == description && !other.leads_to(public))
    {
        print(&format!(
            "Ada has another endpoint of a relay, {}: delete it in the dashboard if that relay is gone.",
            other.url
        ));
    }
    let step = step(endpoints, public);
    if dry_run {
        dry(&step, &url, &description);
        return Ok(());
    }
    let endpoint = match step {
        Step::Create => {
            let made = client.create_endpoint(&url, &description).await;
            let made = made.map_err(|failure| explain("a new endpoint", &failure))?;
            print(&format!("Registered {url} at Ada, with the three events that the relay needs."));
            made
        }
        Step::Correct(endpoint) => {
            let corrected = client.correct_endpoint(&endpoint.id).await;
            let corrected = corrected.map_err(|failure| explain("the endpoint's events", &failure))?;
            print(&format!(
                "Corrected {} at Ada: it is on, and gets the three events that the relay needs.",
                corrected.url
            ));
            corrected
        }
        Step::Nothing(endpoint) => {
            print(&format!("{} is registered at Ada already, as it should be.", endpoint.url));
            endpoint
        }
    };
    let secret = client.endpoint_secret(&endpoint.id).await;
    let secret = secret.map_err(|failure| explain("the endpoint's signing secret", &failure))?;
    keep(settings, secret.expose(), public)
}

fn client(settings: &Settings) -> Result<Client, String> {
    let ai_agent = &settings.ai_agents.first;
    let rates = Rates { per_second: ai_agent.rate_per_second, per_minute: ai_agent.rate_per_minute };
    let client = Client::new(&ai_agent.base_url, ai_agent.key.clone(), rates, settings.ada_timeout);
    client.map_err(|error| format!("TLS can't be set up: {error}"))
}

fn explain(what: &str, failure: &Failure) -> String {
    format!(
        "Ada did not give {what}: {}. Nothing was changed after that; run setup again when it is mended.",
        failure.reason()
    )
}

/// What is to be done about the endpoint that leads to `public`: of several the one that needs least.
fn step(endpoints: Vec<Endpoint>, public: &str) -> Step {
    let is_right = |endpoint: &Endpoint| endpoint.enabled && endpoint.has_the_events();
    let ours = endpoints.into_iter().filter(|endpoint| endpoint.leads_to(public));
    match ours.max_by_key(|endpoint| (is_right(endpoint), endpoint.enabled)) {
        None => Step::Create,
        Some(endpoint) if is_right(&endpoint) => Step::Nothing(endpoint),
        Some(endpoint) => Step::Correct(endpoint),
    }
}

fn dry(step: &Step, url: &str, description: &str) {
    let events = EVENTS.map(|event| format!("\"{event}\"")).join(",");
    let call = match step {
        Step::Create => format!(
            "POST /v2/webhooks/ {{\"url\":\"{url}\",\"description\":\"{description}\",\"event_filters\":[{events}],\"enabled\":true}}"
        ),
        Step::Correct(endpoint) => {
            format!("PATCH /v2/webhooks/{} {{\"event_filters\":[{events}],\"enabled\":true}}", endpoint.id)
        }
        Step::Nothing(_) => "no call that changes anything: the endpoint is as it should be".to_owned(),
    };
    let id = match step {
        Step::Create => "<its id>",
        Step::Correct(endpoint) | Step::Nothing(endpoint) => &endpoint.id,
    };
    print(&format!(
        "Without --dry-run these calls would follow:\n  {call}\n  GET /v2/webhooks/{id}/secret/\nand .env would get \
         WEBHOOK_SECRET and PUBLIC_URL.\n"
    ));
}

/// Puts the secret and the address into `.env`, unless they are there.
fn keep(settings: &Settings, secret: &str, public: &str) -> Result<(), String> {
    if secret.contains(['\'', '\n']) || secret.is_empty() {
        return Err("Ada's signing secret can't be written into .env: set WEBHOOK_SECRET by hand".to_owned());
    }
    let failed = |error: std::io::Error| format!(".env can't be changed: {error}");
    let text =
        if Path::new(FILE).exists() { fs::read_to_string(FILE).map_err(failed)? } else { String::new() };
    let has_secret = settings.ai_agents.first.webhook_secrets.iter().any(|known| known.expose() == secret);
    let has_url =
        settings.public_url.as_ref().is_some_and(|known| known.as_str().trim_end_matches('/') == public);
    let mut changed = text.clone();
    if !has_secret {
        // Other endpoints may still sign with what was there.
        let former = settings.ai_agents.first.webhook_secrets.iter().map(|known| known.expose());
        let all: Vec<&str> = std::iter::once(secret).chain(former).collect();
        changed = dotenv::with(&changed, "WEBHOOK_SECRET", &all.join(","));
    }
    if !has_url {
        changed = dotenv::with(&changed, "PUBLIC_URL", public);
    }
    if changed == text {
        print(".env has its signing secret and PUBLIC_URL already.\n");
        return Ok(());
    }
    dotenv::write(Path::new(FILE), &changed).map_err(failed)?;
    print(".env has its signing secret as WEBHOOK_SECRET, and PUBLIC_URL.\n");
    Ok(())
}

/// What says that a relay runs on these settings already.
async fn running(settings: &Settings) -> Option<String> {
    if let Database::Sqlite(path) = &settings.database
        && matches!(store::inspect(path), Ok(FileState::InUse))
    {
        return Some(format!("{} is in use", path.display()));
    }
    let free = tokio::net::TcpListener::bind(settings.listen).await;
    free.err().map(|_| format!("{} is in use", settings.listen))
}

/// Runs the relay with what is in `.env` now, and shows what arrives.
async fn watch() -> ExitCode {
    let mut settings = match Settings::from_process() {
        Ok((settings, _)) => settings,
        Err(error) => return complain(&error.to_string(), WRONG_SETTINGS),
    };
    "warn".clone_into(&mut settings.log_filter);
    if let Err(error) = handoff_relay::telemetry::init(settings.log_format, &settings.log_filter) {
        return complain(&error, WRONG_SETTINGS);
    }
    let runs = async { crate::run_watched(settings, signal(SignalKind::hangup())?, live::show).await };
    match runs.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("{error:#}"), 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str, events: &[&str], enabled: bool) -> Endpoint {
        Endpoint {
            id: "ep_1".to_owned(),
            url: url.to_owned(),
            description: String::new(),
            event_filters: events.iter().map(|&event| event.to_owned()).collect(),
            enabled,
        }
    }

    #[test]
    fn an_endpoint_is_made_corrected_or_left_alone() {
        let public = "https://relay.example.com";
        let url = "https://relay.example.com/webhooks/message";
        let step = |endpoints: &[&Endpoint]| {
            step(endpoints.iter().map(|&endpoint| endpoint.clone()).collect(), public)
        };
        assert_eq!(step(&[]), Step::Create);
        for other in [
            "https://other.example.com/webhooks/message",
            "https://relay.example.com.evil.example/webhooks/message",
        ] {
            assert_eq!(step(&[&endpoint(other, &EVENTS, true)]), Step::Create, "{other}");
        }
        for wrong in [
            endpoint(url, &EVENTS, false),
            endpoint(url, &EVENTS[..2], true),
            endpoint(url, &[], true),
            endpoint(
                url,
                &["v1.conversation.message", "v1.conversation.created", "v1.conversation.ended"],
                true,
            ),
        ] {
            assert_eq!(step(&[&wrong]), Step::Correct(wrong.clone()));
        }
        let right = endpoint(url, &[EVENTS[2], EVENTS[0], EVENTS[1]], true);
        assert_eq!(step(&[&right]), Step::Nothing(right.clone()));
        // The other path leads here, too: a second endpoint would only double the events.
        let events = endpoint("https://relay.example.com/webhooks/events", &EVENTS, true);
        assert_eq!(step(&[&events]), Step::Nothing(events.clone()));
        assert_eq!(step(&[&endpoint(url, &EVENTS, false), &events]), Step::Nothing(events));
    }
}
