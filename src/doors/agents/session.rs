//! Who am I, sign in, sign out.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::teams::teams_of;
use crate::{
    accounts::{Account, Credential, SignedIn},
    agents::view::AgentView,
    doors::{
        App,
        extract::{Body, Caller, StrangersBody},
    },
    relay::sight::Sight,
    settings::{Role, Secret},
    store::sessions::SESSION_MAX,
    web::{
        origin,
        peer::Peer,
        problem::{Problem, ProblemBody},
    },
};

const NO_STORE: (HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

/// The credentials of a sign-in: a token or a code.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"token": "the-token-of-an-agent"}))]
pub struct NewSession {
    /// The token of an agent.
    #[schema(nullable = false)]
    token: Option<String>,
    /// The code of a sign-in link. It works once, within 10 minutes.
    #[schema(nullable = false)]
    code: Option<String>,
}

/// The agent who makes the request.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionView {
    /// The agent.
    agent: AgentView,
    /// `agent` or `lead`.
    #[schema(example = "agent")]
    role: &'static str,
    /// The teams whose handoffs the agent sees, beside those of no team; null for all.
    teams: Option<Vec<String>>,
    /// When the session ends if it is not used again; null with a bearer token.
    expires_at: Option<String>,
    /// The fields of start calls that lists show, the most important first (`CONSOLE_FIELDS`).
    #[schema(example = json!(["category", "plan"]))]
    fields: Vec<String>,
    /// What the console offers as what came of a handoff (`OUTCOMES`). The API takes any other text, too.
    #[schema(example = json!(["solved", "unresolved", "spam"]))]
    outcomes: Vec<String>,
}

impl SessionView {
    fn new(app: &App, agent: &str, role: Role, sight: &Sight, session: Option<&SignedIn>) -> Self {
        Self {
            agent: AgentView::new(agent),
            role: role.as_str(),
            teams: teams_of(sight),
            expires_at: session.map(|session| session.ends_at.to_string()),
            fields: app.settings.console_fields.clone(),
            outcomes: app.reloader.settings().outcomes.clone(),
        }
    }
}

/// Get the current agent.
#[utoipa::path(get, path = "/api/session", tag = "session",
    responses((status = 200, body = SessionView), (status = 401, body = ProblemBody)))]
pub async fn one(State(app): State<App>, caller: Caller) -> impl IntoResponse {
    let Caller { agent, role, sight, session, .. } = &caller;
    ([NO_STORE], Json(SessionView::new(&app, agent, *role, sight, session.as_ref())))
}

/// Sign in. The answer sets the session's cookie. A session ends 12 hours after its last use, at the latest after 7
/// days, and when its token is removed from the settings.
#[utoipa::path(post, path = "/api/session", tag = "session", security(()),
    request_body = NewSession,
    responses((status = 200, body = SessionView), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody, description = "The token or code is not valid"),
        (status = 403, body = ProblemBody, description = "The request comes from another site's page, or the token is that of an operator or of a service account"),
        (status = 429, body = ProblemBody, description = "The token or code is not valid, after too many wrong ones; `Retry-After` says when to try again")))]
pub async fn begin(
    State(app): State<App>,
    Peer(peer): Peer,
    headers: HeaderMap,
    StrangersBody(body): StrangersBody<NewSession>,
) -> Result<impl IntoResponse, Problem> {
    origin::refuse_other_pages(&headers)?;
    let proof = match (body.token, body.code) {
        (Some(token), None) => Credential::Token(Secret::new(token)),
        (None, Some(code)) => Credential::Code(Secret::new(code)),
        _ => return Err(Problem::bad_request("the body needs either a token or a code")),
    };
    let (secret, signed_in) = app.sign_in.begin(&proof, peer).await?;
    if let Some(before) = app.cookie.of(&headers) {
        app.sign_in.end(before).await?;
    }
    let Account { name, role, sight, .. } = &*signed_in.account;
    tracing::info!(agent = name, "signed in");
    let view = SessionView::new(&app, name, *role, sight, Some(&signed_in));
    Ok(([NO_STORE], cookie(app.cookie.set(&secret, SESSION_MAX)), Json(view)))
}

/// Whether an agent takes handoffs.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"state": "on"}))]
pub struct DutyBody {
    /// `on` or `away`.
    #[schema(pattern = "^(on|away)$")]
    state: String,
}

/// Say whether you take handoffs. It changes nothing about those that you have.
#[utoipa::path(put, path = "/api/session/duty", tag = "session", request_body = DutyBody,
    responses((status = 204), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody)))]
pub async fn duty(
    State(app): State<App>,
    Body { caller, value, .. }: Body<DutyBody>,
) -> Result<StatusCode, Problem> {
    let is_away = match value.state.as_str() {
        "on" => false,
        "away" => true,
        _ => return Err(Problem::bad_request("state must be on or away")),
    };
    app.engine.set_away(&caller.agent, is_away).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sign out. The session's event streams end.
#[utoipa::path(delete, path = "/api/session", tag = "session", security(("session" = [])),
    responses((status = 204), (status = 403, body = ProblemBody, description = "The request comes from another site's page")))]
pub async fn end(State(app): State<App>, headers: HeaderMap) -> Result<impl IntoResponse, Problem> {
    if let Some(secret) = app.cookie.of(&headers) {
        origin::require_our_page(&headers)?;
        app.sign_in.end(secret).await?;
    }
    Ok((StatusCode::NO_CONTENT, cookie(app.cookie.clear())))
}

fn cookie(value: Option<HeaderValue>) -> HeaderMap {
    value.map(|value| (header::SET_COOKIE, value)).into_iter().collect()
}
