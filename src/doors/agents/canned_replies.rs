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
    store::replies::{CannedReply, MOST_REPLIES, ReplyOutcome},
    web::{
        extract::In,
        problem::{Problem, ProblemBody},
    },
};

const MAX_TITLE_CHARS: usize = 100;

/// All canned replies.
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
}

/// A new or changed canned reply.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"title": "Greeting", "text": "Hello {name}, this is {agent}. How can I help?"}))]
pub struct NewCannedReply {
    /// 1 to 100 characters. Unique; upper and lower case are the same.
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
        }
    }
}

/// List all canned replies, sorted by title.
#[utoipa::path(get, path = "/api/canned-replies", tag = "canned replies",
    responses((status = 200, body = CannedReplyList), (status = 401, body = ProblemBody)))]
pub async fn list(State(app): State<App>, _agent: Agent) -> Result<Json<CannedReplyList>, Problem> {
    let replies = app.engine.store().canned_replies().await?;
    Ok(Json(CannedReplyList { data: replies.into_iter().map(CannedReplyView::from).collect() }))
}

/// Create a canned reply. All event streams send `canned_replies`.
#[utoipa::path(post, path = "/api/canned-replies", tag = "canned replies", request_body = NewCannedReply,
    responses((status = 201, body = CannedReplyView), (status = 400, body = ProblemBody),
        (status = 409, body = ProblemBody, description = "Another canned reply has this title, or there are 1000 already"),
        (status = 413, body = ProblemBody)))]
pub async fn add(
    State(app): State<App>,
    agent: Agent,
    body: Body<NewCannedReply>,
) -> Result<(StatusCode, Json<CannedReplyView>), Problem> {
    let (title, text) = checked(body.value)?;
    let reply = done(app.engine.add_reply(title, text, agent.0).await?)?;
    Ok((StatusCode::CREATED, Json(reply)))
}

/// Change a canned reply. All event streams send `canned_replies`.
#[utoipa::path(put, path = "/api/canned-replies/{id}", tag = "canned replies", params(("id" = String, Path)),
    request_body = NewCannedReply,
    responses((status = 200, body = CannedReplyView), (status = 400, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody, description = "Another canned reply has this title"),
        (status = 413, body = ProblemBody)))]
pub async fn replace(
    State(app): State<App>,
    agent: Agent,
    In(id): In<String>,
    body: Body<NewCannedReply>,
) -> Result<Json<CannedReplyView>, Problem> {
    let (title, text) = checked(body.value)?;
    Ok(Json(done(app.engine.replace_reply(id, title, text, agent.0).await?)?))
}

/// Delete a canned reply. All event streams send `canned_replies`.
#[utoipa::path(delete, path = "/api/canned-replies/{id}", tag = "canned replies", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemBody)))]
pub async fn drop(State(app): State<App>, _agent: Agent, In(id): In<String>) -> Result<StatusCode, Problem> {
    done(app.engine.drop_reply(id).await?)?;
    Ok(StatusCode::NO_CONTENT)
}

fn checked(new: NewCannedReply) -> Result<(String, String), Problem> {
    let title = new.title.trim();
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
    check_text(&new.text)?;
    Ok((title.to_owned(), new.text))
}

fn done(outcome: ReplyOutcome) -> Result<CannedReplyView, Problem> {
    let conflict = |detail: String| Err(Problem::new(StatusCode::CONFLICT, detail));
    match outcome {
        ReplyOutcome::Done(reply) => Ok(reply.into()),
        ReplyOutcome::Unknown => Err(Problem::not_found("no such canned reply")),
        ReplyOutcome::TitleTaken => conflict("another canned reply has this title".to_owned()),
        ReplyOutcome::TooMany => {
            conflict(format!("there are {MOST_REPLIES} canned replies already; delete one first"))
        }
    }
}
