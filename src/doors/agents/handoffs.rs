//! Handoffs: find, accept, release, read, end.

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    events::{Place, SightMark},
    messages::check_text,
};
use crate::{
    agents::view::{HandoffView, LedgerView},
    doors::{
        App,
        extract::{Body, Caller},
    },
    relay::{
        id::{HandoffId, TeamName},
        rules::{
            act::{self, Ending, Receiver, TakeOver},
            offer,
        },
    },
    store::{HandoffQuery, Order, StatusFilter},
    unseen,
    web::{
        extract::{In, Params},
        problem::{Problem, ProblemBody},
    },
};

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;
const MAX_OUTCOME_CHARS: usize = 100;

/// Which handoffs to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HandoffListQuery {
    /// `waiting`, `active` or `ended`; `missed` for those of the ended ones that ran out before the customer had an
    /// answer.
    #[param(pattern = "^(waiting|active|ended|missed)?$")]
    status: Option<String>,
    /// Only handoffs of the conversation with this id at Ada.
    conversation_id: Option<String>,
    /// Only handoffs of the end user with this id at Ada.
    end_user: Option<String>,
    /// Only handoffs that are or were assigned to this agent.
    agent: Option<String>,
    /// Only handoffs of this team, by its name.
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
    /// The page shows all changes up to this event. An event stream that is opened with it as `Last-Event-ID` sends all
    /// changes since.
    last_event_id: String,
}

/// Options for accepting a handoff.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"take_over": false}))]
pub struct Accept {
    /// Take the handoff over from the agent who has it.
    take_over: bool,
}

/// Options for returning a handoff to the queue.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"note": "It is about an invoice."}))]
pub struct Release {
    /// A note for colleagues: 1 to 50,000 characters.
    #[schema(nullable = false, min_length = 1, max_length = 50_000)]
    note: Option<String>,
}

/// Who gets the handoff: either an agent or a team.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"agent": "Sam", "note": "It is about an invoice."}))]
pub struct HandOver {
    /// The name of an agent, who has the handoff at once.
    #[schema(nullable = false)]
    agent: Option<String>,
    /// The name of a team, in whose queue the handoff waits.
    #[schema(nullable = false)]
    team: Option<String>,
    /// A note for whoever gets it: 1 to 50,000 characters.
    #[schema(nullable = false, min_length = 1, max_length = 50_000)]
    note: Option<String>,
}

/// Options for ending a handoff.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"outcome": "solved"}))]
pub struct End {
    /// What came of it: 1 to 100 visible characters.
    #[schema(nullable = false, min_length = 1, max_length = 100)]
    outcome: Option<String>,
    /// A note for colleagues: 1 to 50,000 characters.
    #[schema(nullable = false, min_length = 1, max_length = 50_000)]
    note: Option<String>,
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
    let (platform, sight) = (caller.platform.clone(), caller.sight.clone());
    let query = HandoffQuery { platform, sight, ..query(&wanted)? };
    // Before the page is read: what changes meanwhile is told again.
    let change = *app.engine.store().signals().feed().borrow();
    let last_event_id = Place { change, view: SightMark::of(&caller.sight) }.to_string();
    let page = app.engine.store().handoffs(&query).await?;
    let found = page.found.into_iter().chain(std::iter::repeat(None));
    let views = page.handoffs.iter().zip(found).map(|(one, found)| caller.listed(&app, one).found(found));
    let next_cursor = page.next.map(|next| next.to_string());
    Ok(Json(HandoffList { data: views.collect(), next_cursor, last_event_id }))
}

fn query(wanted: &HandoffListQuery) -> Result<HandoffQuery, Problem> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let (status, missed) = match given(&wanted.status).as_deref() {
        None => (None, false),
        Some("waiting") => (Some(StatusFilter::Waiting), false),
        Some("active") => (Some(StatusFilter::Active), false),
        Some("ended") => (Some(StatusFilter::Ended), false),
        Some("missed") => (None, true),
        Some(_) => return Err(Problem::bad_request("status must be waiting, active, ended or missed")),
    };
    let order = match given(&wanted.sort).as_deref() {
        None | Some("newest") => Order::Newest,
        Some("oldest") => Order::Oldest,
        Some(_) => return Err(Problem::bad_request("sort must be newest or oldest")),
    };
    let after = given(&wanted.cursor).map(|cursor| cursor.parse());
    Ok(HandoffQuery {
        status,
        missed,
        conversation: given(&wanted.conversation_id),
        end_user: given(&wanted.end_user),
        agent: given(&wanted.agent),
        team: given(&wanted.team).map(TeamName),
        text: given(&wanted.q),
        order,
        after: after.transpose().map_err(|_| Problem::bad_request("cursor is not valid"))?,
        limit: limit(wanted.limit, DEFAULT_LIMIT, MAX_LIMIT)?,
        ..HandoffQuery::default()
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
    let handoff = caller.handoff(&app, &HandoffId(id)).await?;
    Ok(Json(caller.whole(&app, &handoff)))
}

/// Count a handoff's messages. If `lost` is not 0, the relay has a defect.
#[utoipa::path(get, path = "/api/handoffs/{id}/ledger", tag = "handoffs", params(("id" = String, Path)),
    responses((status = 200, body = LedgerView), (status = 404, body = ProblemBody)))]
pub async fn ledger(
    State(app): State<App>,
    caller: Caller,
    In(id): In<String>,
) -> Result<Json<LedgerView>, Problem> {
    let handoff = caller.handoff(&app, &HandoffId(id)).await?;
    Ok(Json(LedgerView::from(&handoff.ledger)))
}

/// Accept a waiting handoff, or take one over.
#[utoipa::path(post, path = "/api/handoffs/{id}/accept", tag = "handoffs", params(("id" = String, Path)),
    request_body(content = Accept, description = "Optional"),
    responses((status = 200, body = HandoffView), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody, description = "Another agent has the handoff or is offered it, or it has ended")))]
pub async fn accept(
    State(app): State<App>,
    In(id): In<String>,
    Body { caller, value, .. }: Body<Accept>,
) -> Result<Json<HandoffView>, Problem> {
    let id = HandoffId(id);
    let take_over = if value.take_over { TakeOver::Yes } else { TakeOver::No };
    let rule = act::accept(id.clone(), caller.agent.clone(), take_over);
    let handoff = caller.act(&app, &id, rule).await?;
    Ok(Json(caller.whole(&app, &handoff)))
}

/// Decline a waiting handoff that is offered to you. It is offered to somebody else.
#[utoipa::path(post, path = "/api/handoffs/{id}/decline", tag = "handoffs", params(("id" = String, Path)),
    responses((status = 200, body = HandoffView), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody, description = "It is not offered to you, or it has ended")))]
pub async fn decline(
    State(app): State<App>,
    caller: Caller,
    In(id): In<String>,
) -> Result<Json<HandoffView>, Problem> {
    let id = HandoffId(id);
    let handoff = caller.act(&app, &id, offer::decline(id.clone(), caller.agent.clone())).await?;
    Ok(Json(caller.whole(&app, &handoff)))
}

/// Return a handoff to the queue of its team.
#[utoipa::path(post, path = "/api/handoffs/{id}/release", tag = "handoffs", params(("id" = String, Path)),
    request_body(content = Release, description = "Optional"),
    responses((status = 200, body = HandoffView), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub async fn release(
    State(app): State<App>,
    In(id): In<String>,
    Body { caller, value, .. }: Body<Release>,
) -> Result<Json<HandoffView>, Problem> {
    let id = HandoffId(id);
    let rule = act::release(id.clone(), caller.agent.clone(), checked_note(value.note)?);
    let handoff = caller.act(&app, &id, rule).await?;
    Ok(Json(caller.whole(&app, &handoff)))
}

/// Hand a handoff over to a colleague or to a team. Only its agent may, or anyone while it waits.
#[utoipa::path(post, path = "/api/handoffs/{id}/hand-over", tag = "handoffs", params(("id" = String, Path)),
    request_body = HandOver,
    responses((status = 200, body = HandoffView),
        (status = 400, body = ProblemBody, description = "There is no such agent or team"),
        (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody, description = "Another agent has the handoff, or it has ended")))]
pub async fn hand_over(
    State(app): State<App>,
    In(id): In<String>,
    Body { caller, value: HandOver { agent, team, note }, .. }: Body<HandOver>,
) -> Result<Json<HandoffView>, Problem> {
    let id = HandoffId(id);
    let receiver = match (agent, team) {
        (Some(agent), None) => Receiver::Agent(known_agent(&app, &agent)?),
        (None, Some(team)) => Receiver::Team(known_team(&app, &team)?),
        _ => return Err(Problem::bad_request("the body needs either an agent or a team")),
    };
    let rule = act::hand_over(id.clone(), caller.agent.clone(), receiver, checked_note(note)?);
    let handoff = caller.act(&app, &id, rule).await?;
    Ok(Json(caller.whole(&app, &handoff)))
}

fn known_agent(app: &App, name: &str) -> Result<String, Problem> {
    let known = app.sign_in.agents().into_iter().find(|account| account.name == name.trim());
    known
        .map(|account| account.name.clone())
        .ok_or_else(|| Problem::bad_request("there is no agent of this name"))
}

fn known_team(app: &App, name: &str) -> Result<TeamName, Problem> {
    let policy = app.engine.policy();
    let known = policy.routing.find(name.trim());
    known.map(|team| team.name.clone()).ok_or_else(|| Problem::bad_request("there is no team of this name"))
}

fn checked_note(note: Option<String>) -> Result<Option<String>, Problem> {
    note.map(|note| check_text("note", &note).map(|()| note)).transpose()
}

/// Mark rows as read.
#[utoipa::path(post, path = "/api/handoffs/{id}/read", tag = "handoffs", params(("id" = String, Path)),
    request_body = Read,
    responses((status = 204), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody)))]
pub async fn read(
    State(app): State<App>,
    In(id): In<String>,
    Body { caller, value, .. }: Body<Read>,
) -> Result<StatusCode, Problem> {
    let id = HandoffId(id);
    caller.act(&app, &id, act::read(id.clone(), value.seq)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End a handoff. It ends in the relay at once, and in Ada after its queued messages have been sent.
#[utoipa::path(post, path = "/api/handoffs/{id}/end", tag = "handoffs", params(("id" = String, Path)),
    request_body(content = End, description = "Optional"),
    responses((status = 200, body = HandoffView), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub async fn end(
    State(app): State<App>,
    In(id): In<String>,
    Body { caller, value: End { outcome, note }, .. }: Body<End>,
) -> Result<Json<HandoffView>, Problem> {
    let id = HandoffId(id);
    let ending = Ending {
        outcome: outcome.map(|name| checked_outcome(&name)).transpose()?,
        note: checked_note(note)?,
    };
    let handoff = caller.act(&app, &id, act::end(id.clone(), caller.agent.clone(), ending)).await?;
    Ok(Json(caller.whole(&app, &handoff)))
}

fn checked_outcome(name: &str) -> Result<String, Problem> {
    let name = unseen::name(name).filter(|name| name.chars().count() <= MAX_OUTCOME_CHARS);
    name.ok_or_else(|| {
        Problem::bad_request(format!("outcome must be 1 to {MAX_OUTCOME_CHARS} visible characters"))
    })
}
