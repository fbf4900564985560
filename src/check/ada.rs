//! Whether Ada takes the key, and how far apart the clocks are.

use std::time::Duration;

use handoff_relay::{
    ada::{api::Ada, client::Client, endpoints::Endpoint, limits::Rates},
    relay::delivery::Failure,
    settings::{AiAgentSettings, Settings},
};

use super::Verdict;

/// Svix signatures are good for five minutes; a clock this far off is on its way there.
const CLOCK_WARNING: Duration = Duration::from_secs(30);
const CLOCK_FAILURE: Duration = Duration::from_secs(240);

pub async fn check(settings: &Settings) -> Vec<(String, Verdict)> {
    let mut lines = Vec::new();
    for ai_agent in settings.ai_agents.iter() {
        lines.extend(check_one(settings, ai_agent).await);
    }
    lines
}

async fn check_one(settings: &Settings, ai_agent: &AiAgentSettings) -> Vec<(String, Verdict)> {
    let words = Words::of(settings, ai_agent);
    let rates = Rates { per_second: ai_agent.rate_per_second, per_minute: ai_agent.rate_per_minute };
    let client = match Client::new(&ai_agent.base_url, ai_agent.key.clone(), rates, settings.ada_timeout) {
        Ok(client) => client,
        Err(error) => {
            return vec![(words.line("Ada"), Verdict::Bad(format!("TLS can't be set up: {error}")))];
        }
    };
    let host = ai_agent.base_url.host_str().unwrap_or_default().to_owned();
    let key = match client.check_key().await {
        Ok(()) => Verdict::Good(format!("{host} accepts {}", words.key)),
        Err(Failure::Denied(reason)) => Verdict::Bad(format!(
            "{reason}; create a new key for this AI Agent in Ada's dashboard, and set {}",
            words.key
        )),
        Err(failure) => Verdict::Bad(format!(
            "{} at {host}; check {}, and whether this machine can reach it",
            failure.reason(),
            words.base_url
        )),
    };
    let takes_key = matches!(key, Verdict::Good(_));
    let mut lines =
        vec![(words.line("Ada key"), key), (words.line("clock"), clock(client.offset().as_micros()))];
    if let (true, Some(public)) = (takes_key, &settings.public_url) {
        let verdict = webhooks(&client, public.as_str().trim_end_matches('/'), words.is_listed).await;
        lines.push((words.line("webhooks"), verdict));
    }
    lines
}

/// How lines call an AI Agent and what belongs to it.
struct Words<'a> {
    id: &'a str,
    is_listed: bool,
    key: &'static str,
    base_url: &'static str,
}

impl<'a> Words<'a> {
    fn of(settings: &Settings, ai_agent: &'a AiAgentSettings) -> Self {
        let is_listed = settings.ai_agents.are_listed;
        let (key, base_url) =
            if is_listed { ("its key", "its base_url") } else { ("ADA_API_KEY", "ADA_BASE_URL") };
        Self { id: &ai_agent.id, is_listed, key, base_url }
    }

    fn line(&self, name: &str) -> String {
        if self.is_listed { format!("{name} of {}", self.id) } else { name.to_owned() }
    }
}

/// Whether Ada has an endpoint that leads here, with the events that are needed.
async fn webhooks(client: &Client, public: &str, is_listed: bool) -> Verdict {
    let endpoints = match client.endpoints().await {
        Ok(endpoints) => endpoints,
        Err(failure) => {
            return Verdict::Known(format!(
                "not compared: Ada gave no list of endpoints ({})",
                failure.reason()
            ));
        }
    };
    let ours: Vec<&Endpoint> = endpoints.iter().filter(|endpoint| endpoint.leads_to(public)).collect();
    if ours.is_empty() && is_listed {
        return Verdict::Bad(format!(
            "Ada has no endpoint that leads to {public}; create one in the dashboard: docs/ada-setup.md"
        ));
    }
    if ours.is_empty() {
        return Verdict::Bad(format!(
            "Ada has no endpoint that leads to {public}; `handoff-relay setup --public-url {public}` makes one"
        ));
    }
    let problems: Vec<String> = ours.iter().filter_map(|endpoint| problem(endpoint)).collect();
    if problems.is_empty() {
        let urls: Vec<&str> = ours.iter().map(|endpoint| &*endpoint.url).collect();
        return Verdict::Good(format!("Ada has the endpoint {}", urls.join(" and ")));
    }
    let how = if is_listed { "" } else { ", or run setup" };
    Verdict::Bad(format!("{}; correct it in the dashboard{how}", problems.join("; ")))
}

fn problem(endpoint: &Endpoint) -> Option<String> {
    let url = &endpoint.url;
    if !endpoint.enabled {
        return Some(format!("Ada's endpoint {url} is disabled"));
    }
    let missing = endpoint.missing_events();
    (!missing.is_empty()).then(|| format!("Ada's endpoint {url} does not get {}", missing.join(", ")))
}

fn clock(offset_micros: i64) -> Verdict {
    if offset_micros == 0 {
        return Verdict::Known("not compared: Ada's answer has no time".to_owned());
    }
    let apart = Duration::from_micros(offset_micros.unsigned_abs());
    let seconds = format!("{:.0} s from Ada's", apart.as_secs_f64());
    if apart >= CLOCK_FAILURE {
        return Verdict::Bad(format!("{seconds}: every webhook will be refused; set this machine's clock"));
    }
    if apart >= CLOCK_WARNING {
        return Verdict::Known(format!(
            "{seconds}; from five minutes on, every webhook is refused: set this machine's clock"
        ));
    }
    Verdict::Good(seconds)
}
