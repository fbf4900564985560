//! Canned replies: texts that agents use again and again. Whoever shows them fills in their fields.

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::messages::check_text;
use crate::{
    doors::{
        App,
        extract::{Agent, Body},
    },
    store::replies::{CannedReply, MOST_PERSONAL_REPLIES, MOST_REPLIES, ReplyOutcome},
    web::{
        extract::In,
        problem::{Problem, ProblemBody},
    },
};

const MAX_TITLE_CHARS: usize = 100;

/// The canned replies that the caller sees.
#[derive(Serialize, ToSchema)]
pub struct CannedReplyList {
    /// The canned replies, sorted by title.
    data: Vec<CannedReplyView>,
}

/// A canned reply.
#[derive(Serialize, ToSchema)]
#[schema(as = CannedReply)]
pub struct CannedReplyView {
    /// Its id.
    id: String,
    /// Its title.
    #[schema(example = "Greeting")]
    title: String,
    /// Its text. The client fills in fields such as `{name}`.
    #[schema(example = "Hello {name}, this is {agent}. How can I help?")]
    text: String,
    /// When it was created.
    created_at: String,
    /// When it was last changed.
    updated_at: String,
    /// The agent who created it or changed it last.
    #[schema(example = "Alex")]
    updated_by: String,
    /// The agent who alone sees it; null if all agents share it.
    owner: Option<String>,
}

/// A new canned reply.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"title": "Greeting", "text": "Hello {name}, this is {agent}. How can I help?", "personal": false}))]
pub struct NewCannedReply {
    /// 1 to 100 characters. Unique among the shared ones, or among the agent's own; upper and lower case are the same.
    #[schema(min_length = 1, max_length = 100, pattern = r"\S")]
    title: String,
    /// 1 to 50,000 characters, not all of them blank.
    #[schema(min_length = 1, max_length = 50_000, pattern = r"\S")]
    text: String,
    /// Whether only the agent who creates it sees it. This can't be changed later.
    #[serde(default)]
    personal: bool,
}

/// What a canned reply says from now on.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"title": "Greeting", "text": "Hello {name}, this is {agent}. How can I help?"}))]
pub struct ChangedCannedReply {
    /// 1 to 100 characters. Unique among the shared ones, or among the agent's own; upper and lower case are the same.
    #[schema(min_length = 1, max_length = 100, pattern = r"\S")]
    title: String,
    /// 1 to 50,000 characters, not all of them blank.
    #[schema(min_length = 1, max_length = 50_000, pattern = r"\S")]
    text: String,
}

impl From<CannedReply> for CannedReplyView {
    fn from(reply: CannedReply) -> Self {
        Self {
            id: reply.id,
            title: reply.title,
            text: reply.text,
            created_at: reply.created_at.to_string(),
            updated_at: reply.updated_at.to_string(),
            updated_by: reply.updated_by,
            owner: reply.owner,
        }
    }
}

/// List the shared canned replies and your own, sorted by title.
#[utoipa::path(get, path = "/api/canned-replies", tag = "canned replies",
    responses((status = 200, body = CannedReplyList), (status = 401, body = ProblemBody)))]
pub async fn list(State(app): State<App>, agent: Agent) -> Result<Json<CannedReplyList>, Problem> {
    let replies = app.engine.store().canned_replies().await?.into_iter();
    let seen = replies.filter(|reply| reply.is_seen_by(&agent.0));
    Ok(Json(CannedReplyList { data: seen.map(CannedReplyView::from).collect() }))
}

/// Create a canned reply. All event streams send `canned_replies`.
#[utoipa::path(post, path = "/api/canned-replies", tag = "canned replies", request_body = NewCannedReply,
    responses((status = 201, body = CannedReplyView), (status = 400, body = ProblemBody),
        (status = 409, body = ProblemBody, description = "Another canned reply has this title, or there are 1000 shared ones or 200 of your own already"),
        (status = 413, body = ProblemBody)))]
pub async fn add(
    State(app): State<App>,
    Body { caller, value, .. }: Body<NewCannedReply>,
) -> Result<(StatusCode, Json<CannedReplyView>), Problem> {
    let NewCannedReply { title, text, personal } = value;
    let title = checked(&title, &text)?;
    let owner = personal.then(|| caller.agent.clone());
    match app.engine.add_reply(title, text, caller.agent, owner).await? {
        ReplyOutcome::TooMany if personal => conflict(format!(
            "you have {MOST_PERSONAL_REPLIES} canned replies of your own already; delete one first"
        )),
        outcome => Ok((StatusCode::CREATED, Json(done(outcome)?))),
    }
}

/// Change a canned reply. All event streams send `canned_replies`.
#[utoipa::path(put, path = "/api/canned-replies/{id}", tag = "canned replies", params(("id" = String, Path)),
    request_body = ChangedCannedReply,
    responses((status = 200, body = CannedReplyView), (status = 400, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody, description = "Another canned reply has this title"),
        (status = 413, body = ProblemBody)))]
pub async fn replace(
    State(app): State<App>,
    In(id): In<String>,
    Body { caller, value, .. }: Body<ChangedCannedReply>,
) -> Result<Json<CannedReplyView>, Problem> {
    let ChangedCannedReply { title, text } = value;
    let title = checked(&title, &text)?;
    Ok(Json(done(app.engine.replace_reply(id, title, text, caller.agent).await?)?))
}

/// Delete a canned reply. All event streams send `canned_replies`.
#[utoipa::path(delete, path = "/api/canned-replies/{id}", tag = "canned replies", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemBody)))]
pub async fn drop(State(app): State<App>, agent: Agent, In(id): In<String>) -> Result<StatusCode, Problem> {
    done(app.engine.drop_reply(id, agent.0).await?)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The title without blanks around it, if it and the text may be used.
fn checked(title: &str, text: &str) -> Result<String, Problem> {
    let title = title.trim();
    if title.is_empty() {
        return Err(Problem::bad_request("title is empty"));
    }
    if title.chars().count() > MAX_TITLE_CHARS {
        let detail = format!("title is over {MAX_TITLE_CHARS} characters");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    if title.chars().any(char::is_control) {
        return Err(Problem::bad_request("title has control characters"));
    }
    check_text("text", text)?;
    Ok(title.to_owned())
}

fn conflict<T>(detail: String) -> Result<T, Problem> {
    Err(Problem::new(StatusCode::CONFLICT, detail))
}

fn done(outcome: ReplyOutcome) -> Result<CannedReplyView, Problem> {
    match outcome {
        ReplyOutcome::Done(reply) => Ok(reply.into()),
        ReplyOutcome::Unknown => Err(Problem::not_found("no such canned reply")),
        ReplyOutcome::TitleTaken => conflict("another canned reply has this title".to_owned()),
        ReplyOutcome::TooMany => {
            conflict(format!("there are {MOST_REPLIES} canned replies already; delete one first"))
        }
    }
}
