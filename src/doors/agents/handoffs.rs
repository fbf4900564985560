//! Handoffs: find, accept, release, read, end.

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    agents::view::{HandoffView, LedgerView},
    doors::{
        App,
        extract::{Agent, Body, Caller},
    },
    relay::{
        id::HandoffId,
        rules::act::{self, TakeOver},
    },
    store::{HandoffQuery, Order, StatusFilter},
    web::{
        extract::{In, Params},
        problem::{Problem, ProblemBody},
    },
};

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;

/// Which handoffs to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HandoffListQuery {
    /// `waiting`, `active` or `ended`.
    #[param(pattern = "^(waiting|active|ended)?$")]
    status: Option<String>,
    /// Only handoffs of the conversation with this id at Ada.
    conversation_id: Option<String>,
    /// Only handoffs that are or were assigned to this agent.
    agent: Option<String>,
    /// Only handoffs for this team.
    team: Option<String>,
    /// Only handoffs that have this text in their ids, end user or context, or in a message, note, link or file name of
    /// their thread; without regard to case and accents. A text of one or two characters is looked for in ids, end users
    /// and contexts of the newest 2,000 handoffs. What is new is found within a second.
    q: Option<String>,
    /// `newest` or `oldest` first, by start time; `newest` if not given.
    #[param(pattern = "^(newest|oldest)?$")]
    sort: Option<String>,
    /// 1 to 200; 50 if not given.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// Handoffs, newest first unless `sort` says otherwise.
#[derive(Serialize, ToSchema)]
pub struct HandoffList {
    /// The page.
    data: Vec<HandoffView>,
    /// The `cursor` of the next page; null on the last page.
    next_cursor: Option<String>,
}

/// Options for accepting a handoff.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"take_over": false}))]
pub struct Accept {
    /// Take the handoff over from the agent who has it.
    take_over: bool,
}

/// How far an agent has read.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"seq": 3}))]
pub struct Read {
    /// Rows up to this `seq` have been read.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    seq: u64,
}

/// List handoffs.
#[utoipa::path(get, path = "/api/handoffs", tag = "handoffs", params(HandoffListQuery),
    responses((status = 200, body = HandoffList), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(wanted): Params<HandoffListQuery>,
) -> Result<Json<HandoffList>, Problem> {
    let query = HandoffQuery { platform: caller.platform.clone(), ..query(&wanted)? };
    // No handoff is routed to a team yet.
    if wanted.team.as_deref().is_some_and(|team| !team.is_empty()) {
        return Ok(Json(HandoffList { data: Vec::new(), next_cursor: None }));
    }
    let page = app.engine.store().handoffs(&query).await?;
    let found = page.found.into_iter().chain(std::iter::repeat(None));
    let views = page.handoffs.iter().zip(found).map(|(one, found)| HandoffView::listed(one).found(found));
    Ok(Json(HandoffList {
        data: views.map(|view| caller.handoff(&app, view)).collect(),
        next_cursor: page.next.map(|next| next.to_string()),
    }))
}

fn query(wanted: &HandoffListQuery) -> Result<HandoffQuery, Problem> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let status = match given(&wanted.status).as_deref() {
        None => None,
        Some("waiting") => Some(StatusFilter::Waiting),
        Some("active") => Some(StatusFilter::Active),
        Some("ended") => Some(StatusFilter::Ended),
        Some(_) => return Err(Problem::bad_request("status must be waiting, active or ended")),
    };
    let order = match given(&wanted.sort).as_deref() {
        None | Some("newest") => Order::Newest,
        Some("oldest") => Order::Oldest,
        Some(_) => return Err(Problem::bad_request("sort must be newest or oldest")),
    };
    let after = given(&wanted.cursor).map(|cursor| cursor.parse());
    Ok(HandoffQuery {
        status,
        conversation: given(&wanted.conversation_id),
        agent: given(&wanted.agent),
        platform: None,
        text: given(&wanted.q),
        order,
        after: after.transpose().map_err(|_| Problem::bad_request("cursor is not valid"))?,
        limit: limit(wanted.limit, DEFAULT_LIMIT, MAX_LIMIT)?,
    })
}

/// A page size within its bounds.
///
/// # Errors
/// 400 that names the bounds.
pub fn limit(asked: Option<usize>, default: usize, most: usize) -> Result<usize, Problem> {
    match asked.unwrap_or(default) {
        limit if (1..=most).contains(&limit) => Ok(limit),
        _ => Err(Problem::bad_request(format!("limit must be between 1 and {most}"))),
    }
}

/// Get a handoff.
#[utoipa::path(get, path = "/api/handoffs/{id}", tag = "handoffs", params(("id" = String, Path)),
    responses((status = 200, body = HandoffView), (status = 404, body = ProblemBody)))]
pub async fn one(
    State(app): State<App>,
    caller: Caller,
    In(id): In<String>,
) -> Result<Json<HandoffView>, Problem> {
    let handoff = app.engine.store().handoff(&HandoffId(id)).await?;
    let handoff = handoff.ok_or_else(|| Problem::not_found("no such handoff"))?;
    Ok(Json(caller.handoff(&app, HandoffView::whole(&handoff))))
}

/// Count a handoff's messages. If `lost` is not 0, the relay has a defect.
#[utoipa::path(get, path = "/api/handoffs/{id}/ledger", tag = "handoffs", params(("id" = String, Path)),
    responses((status = 200, body = LedgerView), (status = 404, body = ProblemBody)))]
pub async fn ledger(
    State(app): State<App>,
    _agent: Agent,
    In(id): In<String>,
) -> Result<Json<LedgerView>, Problem> {
    let handoff = app.engine.store().handoff(&HandoffId(id)).await?;
    let handoff = handoff.ok_or_else(|| Problem::not_found("no such handoff"))?;
    Ok(Json(LedgerView::from(&handoff.ledger)))
}

/// Accept a waiting handoff, or take one over.
#[utoipa::path(post, path = "/api/handoffs/{id}/accept", tag = "handoffs", params(("id" = String, Path)),
    request_body(content = Accept, description = "Optional"),
    responses((status = 200, body = HandoffView), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody, description = "Another agent has the handoff, or it has ended")))]
pub async fn accept(
    State(app): State<App>,
    caller: Caller,
    In(id): In<String>,
    body: Body<Accept>,
) -> Result<Json<HandoffView>, Problem> {
    let take_over = if body.value.take_over { TakeOver::Yes } else { TakeOver::No };
    let handoff = app.engine.act(act::accept(HandoffId(id), caller.agent.clone(), take_over)).await?;
    Ok(Json(caller.handoff(&app, HandoffView::whole(&handoff))))
}

/// Return a handoff to the queue.
#[utoipa::path(post, path = "/api/handoffs/{id}/release", tag = "handoffs", params(("id" = String, Path)),
    responses((status = 200, body = HandoffView), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub async fn release(
    State(app): State<App>,
    caller: Caller,
    In(id): In<String>,
) -> Result<Json<HandoffView>, Problem> {
    let handoff = app.engine.act(act::release(HandoffId(id), caller.agent.clone())).await?;
    Ok(Json(caller.handoff(&app, HandoffView::whole(&handoff))))
}

/// Mark rows as read.
#[utoipa::path(post, path = "/api/handoffs/{id}/read", tag = "handoffs", params(("id" = String, Path)),
    request_body = Read,
    responses((status = 204), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub async fn read(
    State(app): State<App>,
    _agent: Agent,
    In(id): In<String>,
    body: Body<Read>,
) -> Result<StatusCode, Problem> {
    app.engine.act(act::read(HandoffId(id), body.value.seq)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End a handoff. It ends in the relay at once, and in Ada after its queued messages have been sent.
#[utoipa::path(post, path = "/api/handoffs/{id}/end", tag = "handoffs", params(("id" = String, Path)),
    responses((status = 200, body = HandoffView), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub async fn end(
    State(app): State<App>,
    caller: Caller,
    In(id): In<String>,
) -> Result<Json<HandoffView>, Problem> {
    let handoff = app.engine.act(act::end(HandoffId(id), caller.agent.clone())).await?;
    Ok(Json(caller.handoff(&app, HandoffView::whole(&handoff))))
}
