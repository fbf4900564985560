//! The thread of a handoff: read it, write to it.

use std::fmt::Write as _;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;
use utoipa::{IntoParams, ToSchema};

use super::{handoffs::limit, transcript};
use crate::{
    agents::view::{ArrivingView, MessageView},
    doors::{
        App,
        extract::{Agent, Body, Caller},
    },
    relay::{
        delivery::ShownAuthor,
        id::{HandoffId, RowId},
        rules::{
            note,
            write::{self, AgentMessage, Request},
        },
        thread::Row,
    },
    unseen,
    web::{
        extract::{In, Params},
        problem::{Problem, ProblemBody},
    },
};

/// Ada accepts 10 MB, but nobody reads that much.
const MAX_TEXT_CHARS: usize = 50_000;
const MAX_KEY_CHARS: usize = 255;
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;

/// Which rows to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MessageQuery {
    /// Only rows after this `seq`.
    after: Option<u64>,
    /// 1 to 1000; 100 if not given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Rows of a thread, sorted by `seq`.
#[derive(Serialize, ToSchema)]
pub struct MessageList {
    /// The page.
    data: Vec<MessageView>,
    /// The `after` of the next page; null on the last page.
    next_after: Option<u64>,
    /// On the last page, messages that are kept and wait for their quiet period: readers may show them already. The
    /// row follows as `message` with the same `message_id`, or a withdrawal. Platforms get none.
    #[serde(skip_serializing_if = "Option::is_none")]
    arriving: Option<Vec<ArrivingView>>,
}

/// A message to the end user.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"text": "Hello, this is Alex. How can I help?"}))]
pub struct NewMessage {
    /// 1 to 50,000 characters, not all of them blank.
    #[schema(min_length = 1, max_length = 50_000, pattern = r"\S")]
    text: String,
    /// The human who writes it: only a platform's service account may name one.
    author: Option<HumanAuthor>,
}

/// A note for other agents.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"text": "Wants a refund; the parcel is at the depot."}))]
pub struct NewNote {
    /// 1 to 50,000 characters, not all of them blank.
    #[schema(min_length = 1, max_length = 50_000, pattern = r"\S")]
    text: String,
    /// The human who writes it: only a platform's service account may name one.
    author: Option<HumanAuthor>,
}

/// The human who writes by way of a platform's service account: what the customer and the console see.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({"display_name": "Ann", "avatar": "https://desk.example.com/ann.png"}))]
pub struct HumanAuthor {
    /// 1 to 200 visible characters.
    #[schema(min_length = 1, max_length = 200)]
    pub display_name: String,
    /// The address of a picture: https, at most 2,000 characters.
    pub avatar: Option<String>,
}

const MAX_NAME_CHARS: usize = 200;
const MAX_AVATAR_CHARS: usize = 2_000;

/// Who makes a request, and as whom they are shown.
///
/// # Errors
/// 400: the author can't be shown. 403: an agent names another author.
pub fn request(
    caller: &Caller,
    idempotency: Option<(String, String)>,
    author: Option<HumanAuthor>,
) -> Result<Request, Problem> {
    let author = author.map(|author| shown(caller, author)).transpose()?;
    Ok(Request { agent: caller.agent.clone(), idempotency, author })
}

fn shown(caller: &Caller, author: HumanAuthor) -> Result<ShownAuthor, Problem> {
    if caller.platform.is_none() {
        let detail = "only a platform's service account may name an author";
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    let display_name = unseen::name(&author.display_name)
        .filter(|name| name.chars().count() <= MAX_NAME_CHARS)
        .ok_or_else(|| Problem::bad_request("author.display_name must be 1 to 200 visible characters"))?;
    let is_picture = |url: &String| {
        let parsed = Url::parse(url);
        url.chars().count() <= MAX_AVATAR_CHARS && parsed.is_ok_and(|url| url.scheme() == "https")
    };
    if author.avatar.as_ref().is_some_and(|url| !is_picture(url)) {
        return Err(Problem::bad_request("author.avatar must be an https URL of at most 2000 characters"));
    }
    Ok(ShownAuthor { display_name, avatar: author.avatar })
}

/// List the rows of a thread.
#[utoipa::path(get, path = "/api/handoffs/{id}/messages", tag = "messages",
    params(("id" = String, Path), MessageQuery),
    responses((status = 200, body = MessageList), (status = 404, body = ProblemBody)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    In(id): In<String>,
    Params(wanted): Params<MessageQuery>,
) -> Result<Json<MessageList>, Problem> {
    let id = HandoffId(id);
    let limit = limit(wanted.limit, DEFAULT_LIMIT, MAX_LIMIT)?;
    // Before the rows: what leaves the inbox meanwhile is among them.
    let arriving = arriving(&app, &caller, &id).await?;
    let mut rows = app.engine.store().rows(&id, wanted.after.unwrap_or(0), limit + 1).await?;
    if rows.is_empty() {
        exists(&app, &id).await?;
    }
    if wanted.after.is_none_or(|after| after == 0) {
        app.engine.opened(id);
    }
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_after = rows.last().filter(|_| more).map(|row| row.seq);
    let data: Vec<MessageView> = rows.iter().map(|row| caller.message(&app, row)).collect();
    let is_row = |view: &ArrivingView| data.iter().any(|row| row.message_id() == Some(view.message_id()));
    let arriving = arriving.map(|mut arriving| {
        arriving.retain(|view| !more && !is_row(view));
        arriving
    });
    Ok(Json(MessageList { data, next_after, arriving }))
}

/// What arrives in a thread, for an agent. A platform gets each message once, sorted.
async fn arriving(app: &App, caller: &Caller, id: &HandoffId) -> Result<Option<Vec<ArrivingView>>, Problem> {
    if caller.platform.is_some() {
        return Ok(None);
    }
    let arriving = app.engine.arriving_in(id).await?;
    Ok(Some(arriving.iter().map(ArrivingView::from).collect()))
}

async fn exists(app: &App, id: &HandoffId) -> Result<(), Problem> {
    let known = app.engine.store().handoff(id).await?;
    known.map(|_| ()).ok_or_else(|| Problem::not_found("no such handoff"))
}

/// Send a message to the end user. The first message accepts a waiting handoff.
#[utoipa::path(post, path = "/api/handoffs/{id}/messages", tag = "messages",
    params(("id" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, description = "If the request is repeated with the same key within 24 hours, the answer is the first message")),
    request_body = NewMessage,
    responses((status = 202, body = MessageView), (status = 400, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 413, body = ProblemBody),
        (status = 422, body = ProblemBody, description = "The key was used with another body"),
        (status = 429, body = ProblemBody, description = "Too many messages are waiting to be sent")))]
pub async fn write(
    State(app): State<App>,
    In(id): In<String>,
    headers: HeaderMap,
    Body { caller, value: NewMessage { text, author }, held }: Body<NewMessage>,
) -> Result<(StatusCode, Json<MessageView>), Problem> {
    check_text("text", &text)?;
    let id = HandoffId(id);
    let idempotency = idempotency_key(&headers)?.map(|key| (key, digest("", &held.bytes)));
    let message = AgentMessage { by: request(&caller, idempotency, author)?, text };
    let row = caller.act(&app, &id, write::message(id.clone(), message)).await?;
    Ok((StatusCode::ACCEPTED, Json(caller.message(&app, &row))))
}

/// Add a note for other agents. Works in every handoff, also an ended one. The end user never sees it.
#[utoipa::path(post, path = "/api/handoffs/{id}/notes", tag = "messages",
    params(("id" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, description = "If the request is repeated with the same key within 24 hours, the answer is the first note")),
    request_body = NewNote,
    responses((status = 201, body = MessageView), (status = 400, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 413, body = ProblemBody),
        (status = 422, body = ProblemBody, description = "The key was used with another body or for a message")))]
pub async fn note(
    State(app): State<App>,
    In(id): In<String>,
    headers: HeaderMap,
    Body { caller, value: NewNote { text, author }, held }: Body<NewNote>,
) -> Result<(StatusCode, Json<MessageView>), Problem> {
    check_text("text", &text)?;
    let id = HandoffId(id);
    let idempotency = idempotency_key(&headers)?.map(|key| (key, digest("note ", &held.bytes)));
    let note = AgentMessage { by: request(&caller, idempotency, author)?, text };
    let row = caller.act(&app, &id, note::note(id.clone(), note)).await?;
    Ok((StatusCode::CREATED, Json(caller.message(&app, &row))))
}

/// Refuses a text that is empty or too long. `field` is where it stands.
///
/// # Errors
/// 400, 413.
pub fn check_text(field: &str, text: &str) -> Result<(), Problem> {
    if text.trim().is_empty() {
        return Err(Problem::bad_request(format!("{field} is empty")));
    }
    if text.chars().count() > MAX_TEXT_CHARS {
        let detail = format!("{field} is over {MAX_TEXT_CHARS} characters");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    Ok(())
}

/// The request's `Idempotency-Key`.
///
/// # Errors
/// 400.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let key = key.to_str().unwrap_or_default();
    if key.is_empty() || key.len() > MAX_KEY_CHARS {
        return Err(Problem::bad_request("Idempotency-Key is not 1 to 255 ASCII characters"));
    }
    Ok(Some(key.to_owned()))
}

/// Distinguishes requests with the same key: the kind of request and its body.
pub fn digest(what_for: &str, body: &[u8]) -> String {
    Sha256::digest(body).iter().fold(what_for.to_owned(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Send a failed message again, or download a missing file again.
#[utoipa::path(post, path = "/api/handoffs/{id}/messages/{row}/retry", tag = "messages",
    params(("id" = String, Path), ("row" = String, Path)),
    responses((status = 202, body = MessageView), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub async fn retry(
    State(app): State<App>,
    caller: Caller,
    In((id, row)): In<(String, String)>,
) -> Result<(StatusCode, Json<MessageView>), Problem> {
    let id = HandoffId(id);
    let rule = write::retry(id.clone(), RowId(row), caller.agent.clone());
    let row = caller.act(&app, &id, rule).await?;
    Ok((StatusCode::ACCEPTED, Json(caller.message(&app, &row))))
}

/// Drop a failed message. Its row stays.
#[utoipa::path(delete, path = "/api/handoffs/{id}/messages/{row}", tag = "messages",
    params(("id" = String, Path), ("row" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
pub async fn drop(
    State(app): State<App>,
    caller: Caller,
    In((id, row)): In<(String, String)>,
) -> Result<StatusCode, Problem> {
    let id = HandoffId(id);
    let rule = write::drop(id.clone(), RowId(row), caller.agent.clone());
    caller.act(&app, &id, rule).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Get the thread as plain text, without notes.
#[utoipa::path(get, path = "/api/handoffs/{id}/transcript", tag = "messages", params(("id" = String, Path)),
    responses((status = 200, body = String, content_type = "text/plain"), (status = 404, body = ProblemBody)))]
pub async fn transcript(
    State(app): State<App>,
    _agent: Agent,
    In(id): In<String>,
) -> Result<impl IntoResponse, Problem> {
    let id = HandoffId(id);
    exists(&app, &id).await?;
    let mut rows: Vec<Row> = Vec::new();
    loop {
        let after = rows.last().map_or(0, |row| row.seq);
        let page = app.engine.store().rows(&id, after, MAX_LIMIT).await?;
        let last = page.len() < MAX_LIMIT;
        rows.extend(page);
        if last {
            break;
        }
    }
    rows.sort_by_key(|row| (row.at, row.seq));
    let text: String = rows.iter().filter(|row| !row.is_note()).map(transcript::line).collect();
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")], text))
}
