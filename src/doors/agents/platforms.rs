//! The platforms: how they are doing, and what operators do with them.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    agents::platforms::{Health, Kind, Platform},
    doors::{App, extract::Staff},
    relay::{delivery::Destination, id::PlatformId, time::Time},
    web::{
        extract::In,
        problem::{Problem, ProblemBody},
    },
};

/// A platform in which agents work.
#[derive(Serialize, ToSchema)]
#[schema(as = Platform)]
pub struct PlatformView {
    /// Its name.
    #[schema(example = "webhook")]
    id: String,
    /// `up`; `open`: it has taken nothing for 5 minutes and is tried every 30 s; `disabled`: it answered 410, and an
    /// operator must enable it; `deaf`: nothing comes back from it, as its topic's subscription is not confirmed.
    state: &'static str,
    /// Since when it is not up.
    since: Option<String>,
    /// How many events wait for it.
    queued: u64,
    /// When it took an event last, since the relay began.
    last_success: Option<String>,
    /// When an attempt failed last, since the relay began.
    last_error_at: Option<String>,
    /// Why.
    last_error: Option<String>,
}

/// The platforms.
#[derive(Serialize, ToSchema)]
pub struct PlatformList {
    /// All of them.
    data: Vec<PlatformView>,
}

/// What came of a test.
#[derive(Serialize, ToSchema)]
pub struct PlatformTest {
    /// Whether the platform took the `ping`.
    ok: bool,
    /// Why not.
    error: Option<String>,
}

impl PlatformView {
    fn of(platform: &Platform, queued: u64) -> Self {
        let Health { last_success, last_error, open_since, disabled } = platform.circuit.health();
        let deaf = match &platform.kind {
            Kind::AmazonConnect(connect) => connect.subscription.get().trouble(),
            Kind::Webhook(_) => None,
        };
        let (state, since) = match (&disabled, open_since, deaf) {
            (Some((at, _)), ..) => ("disabled", Some(*at)),
            (None, Some(at), _) => ("open", Some(at)),
            (None, None, Some(_)) => ("deaf", None),
            (None, None, None) => ("up", None),
        };
        // Why it is disabled is what matters, also after a restart.
        let (last_error_at, last_error) = disabled.or(last_error).unzip();
        let last_error = last_error.or_else(|| deaf.map(str::to_owned));
        let shown = |at: Option<Time>| at.map(|at| at.to_string());
        Self {
            id: platform.id.0.clone(),
            state,
            since: shown(since),
            queued,
            last_success: shown(last_success),
            last_error_at: shown(last_error_at),
            last_error,
        }
    }
}

async fn view(app: &App, platform: &Platform) -> Result<PlatformView, Problem> {
    let depths = app.engine.store().depths().await?;
    let destination = Destination::Platform(platform.id.clone());
    Ok(PlatformView::of(platform, depths.waiting_for(&destination)))
}

fn find(app: &App, id: String) -> Result<&Platform, Problem> {
    let platform = app.engine.platforms().find(&PlatformId(id));
    platform.ok_or_else(|| Problem::not_found("no such platform"))
}

/// List the platforms, and how they are doing.
#[utoipa::path(get, path = "/api/platforms", tag = "platforms", responses((status = 200, body = PlatformList)))]
pub async fn list(State(app): State<App>, _staff: Staff) -> Result<Json<PlatformList>, Problem> {
    let mut data = Vec::new();
    for platform in app.engine.platforms().iter() {
        data.push(view(&app, platform).await?);
    }
    Ok(Json(PlatformList { data }))
}

/// Send events to a platform again that was disabled. Needs an operator's token.
#[utoipa::path(post, path = "/api/platforms/{id}/enable", tag = "platforms", params(("id" = String, Path)),
    responses((status = 200, body = PlatformView),
        (status = 403, body = ProblemBody, description = "This needs an operator's token"), (status = 404, body = ProblemBody)))]
pub async fn enable(
    State(app): State<App>,
    staff: Staff,
    In(id): In<String>,
) -> Result<Json<PlatformView>, Problem> {
    staff.require_operator()?;
    let platform = app.engine.enable_platform(&PlatformId(id)).await?;
    let platform = platform.ok_or_else(|| Problem::not_found("no such platform"))?;
    Ok(Json(view(&app, platform).await?))
}

/// Send a `ping` to a platform, and say what came of it. Needs an operator's token.
#[utoipa::path(post, path = "/api/platforms/{id}/test", tag = "platforms", params(("id" = String, Path)),
    responses((status = 200, body = PlatformTest),
        (status = 403, body = ProblemBody, description = "This needs an operator's token"), (status = 404, body = ProblemBody)))]
pub async fn test(
    State(app): State<App>,
    staff: Staff,
    In(id): In<String>,
) -> Result<Json<PlatformTest>, Problem> {
    staff.require_operator()?;
    let error = app.engine.test_platform(find(&app, id)?).await.err();
    Ok(Json(PlatformTest { ok: error.is_none(), error }))
}
