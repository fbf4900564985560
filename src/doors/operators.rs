//! For whoever runs the relay: whether the process lives, whether it can do its work, and how it is doing.

use std::time::Duration;

use axum::{Json, extract::State, http::header, response::IntoResponse};
use serde_json::{Value, json};

use super::App;
use crate::{
    agents::platforms::Health,
    engine::AiAgent,
    metrics,
    relay::{delivery::Destination, time::Time},
    reload::FileState,
    store::Unreadable,
    web::problem::Problem,
};

/// A store that takes longer is as good as gone; so is the place for files.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /health/live`
pub async fn live() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// `GET /health/ready`
pub async fn ready(State(app): State<App>) -> Result<Json<Value>, Problem> {
    match tokio::time::timeout(PATIENCE, app.engine.store().ready()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(error.into()),
        Err(_) => return Err(Problem::unavailable("the store does not answer")),
    }
    if let Some(what) = app.engine.is_full().await? {
        return Err(Problem::unavailable(format!("the {what} is full: webhooks are refused for now")));
    }
    let ai_agents = of_ai_agents(&app)?;
    let mut said = json!({"status": "ok"});
    if let Some(ai_agents) = ai_agents {
        said["ai_agents"] = ai_agents;
    }
    if let Some(FileState { digest, since, refused }) = app.reloader.state() {
        said["settings"] = json!({ "sha256": digest.as_str(), "since": since.to_string() });
        if let Some((at, why)) = refused {
            said["settings"]["refused"] = json!({ "at": at.to_string(), "why": why });
        }
    }
    // A relay without a place for files still carries words: it must not be taken out of service.
    if let Some(reason) = no_place_for_files(&app).await {
        said["files"] = reason.into();
    }
    let Unreadable { deliveries, conversations } = app.engine.store().unreadable().await?;
    if deliveries > 0 {
        said["outbox"] =
            format!("{deliveries} deliveries can't be read, and the deliveries queued behind them wait")
                .into();
    }
    if conversations > 0 {
        said["inbox"] = format!("{conversations} conversations can't be read, and their events wait").into();
    }
    for platform in app.engine.platforms().iter() {
        let Health { last_error, open_since, disabled, .. } = platform.circuit.health();
        let why =
            |error: Option<(Time, String)>| error.map_or_else(String::new, |(_, why)| format!(": {why}"));
        if disabled.is_some() {
            said[platform.id.as_str()] =
                format!("disabled until an operator enables it{}", why(disabled)).into();
        } else if let Some(since) = open_since {
            said[platform.id.as_str()] = format!("has taken nothing since {since}{}", why(last_error)).into();
        }
    }
    if let Some((platform, connect)) = app.engine.amazon_connect()
        && let (Some(trouble), true) =
            (connect.subscription.get().trouble(), said[platform.id.as_str()].is_null())
    {
        said[platform.id.as_str()] = trouble.into();
    }
    if app.engine.ai_agents().any_start_key_is_off() {
        let what = if app.engine.ai_agents().are_listed() { "a start key" } else { "HANDOFF_AUTH_KEY" };
        said["handoffs/start"] =
            format!("{what} is off: anyone who can reach this address can start handoffs").into();
    }
    Ok(Json(said))
}

/// How each AI Agent of the settings file is doing. One that Ada refuses is no reason to take the others out of service.
fn of_ai_agents(app: &App) -> Result<Option<Value>, Problem> {
    let ai_agents = app.engine.ai_agents();
    let denied = |ai_agent: &AiAgent| ai_agent.ada.denied();
    if !ai_agents.are_listed() {
        return match denied(ai_agents.first()) {
            Some(reason) => Err(Problem::unavailable(format!("ADA_API_KEY is refused: {reason}"))),
            None => Ok(None),
        };
    }
    if ai_agents.iter().all(|ai_agent| denied(ai_agent).is_some()) {
        return Err(Problem::unavailable("Ada refuses the keys of all AI Agents"));
    }
    let state = |ai_agent: &AiAgent| match (denied(ai_agent), app.engine.silent_since(ai_agent)) {
        (Some(reason), _) => format!("its key is refused: {reason}"),
        (None, Some(since)) => format!("its API has not answered since {since}"),
        (None, None) => "ok".to_owned(),
    };
    let states = ai_agents.iter().map(|ai_agent| (ai_agent.id().0.clone(), state(ai_agent).into()));
    Ok(Some(Value::Object(states.collect())))
}

async fn no_place_for_files(app: &App) -> Option<String> {
    match tokio::time::timeout(PATIENCE, app.engine.files().ready()).await {
        Ok(ready) => ready.err().map(|error| error.to_string()),
        Err(_) => Some("the file store does not answer".to_owned()),
    }
}

/// `GET /metrics`
pub async fn metrics(State(app): State<App>) -> Result<impl IntoResponse, Problem> {
    let depths = app.engine.store().depths().await?;
    for platform in app.engine.platforms().iter() {
        let health = platform.circuit.health();
        let is_up = health.disabled.is_none() && health.open_since.is_none();
        app.metrics.platform(
            platform.id.as_str(),
            is_up,
            depths.waiting_for(&Destination::Platform(platform.id.clone())),
        );
    }
    let text = app.metrics.text(&depths, app.engine.environment().now());
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text))
}
