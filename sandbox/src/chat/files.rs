//! Files through the page: those that the customer sends, and all that the customer sees.

use axum::Json;
use axum::extract::{FromRequest, Multipart, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::refused;
use crate::Sandbox;
use crate::files::form::{Unfit, receive};
use crate::files::{Telling, tell};
use crate::passage::Passage;

/// Takes a file of any name and type, as a form with one field `file`.
pub(super) async fn send(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let passage = Passage::new(body);
    let response = sandbox.take_file(&id, Request::from_parts(parts, passage.body())).await;
    passage.finish().await;
    response.unwrap_or_else(|refusal| refusal)
}

/// The page's own address of a file. It stays, while presigned URLs come and go, and the faults of the file
/// server leave it alone: they are the relay's.
pub(super) async fn show(
    State(sandbox): State<Sandbox>,
    Path((id, message)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let file = sandbox.peek(&id, |conversation| conversation.file_of(&message)).ok().flatten();
    let Some(file) = file.and_then(|file| sandbox.0.files.find(file.id)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let told = tell(&file, &headers, Telling::default()).await;
    let Some(mut response) = told else { return StatusCode::NOT_FOUND.into_response() };
    let kept = HeaderValue::from_static("private, max-age=3600");
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    response
}

impl Sandbox {
    async fn take_file(&self, id: &str, request: Request) -> Result<Response, Response> {
        let form = Multipart::from_request(request, &())
            .await
            .map_err(|wrong| unfit(Unfit::Broken(wrong.body_text())))?;
        let file = receive(&self.0.files, form, |name| Some(browsers_name(name))).await.map_err(unfit)?;
        let sent = self.customer_sends(id, &file).await;
        let message_id = sent.map_err(|error| refused(&error))?;
        Ok((StatusCode::CREATED, Json(json!({ "message_id": message_id }))).into_response())
    }
}

fn unfit(unfit: Unfit) -> Response {
    let (status, sentence) = match unfit {
        Unfit::Broken(sentence) => (StatusCode::BAD_REQUEST, sentence),
        Unfit::Missing | Unfit::Name => (StatusCode::BAD_REQUEST, "The form has no file.".to_owned()),
        Unfit::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Files can have up to 50 MB.".to_owned()),
        Unfit::Disk(error) => {
            tracing::error!("a customer's file can't be kept: {error}");
            (StatusCode::INTERNAL_SERVER_ERROR, "The file could not be kept.".to_owned())
        }
    };
    (status, Json(json!({ "error": sentence }))).into_response()
}

/// A name as it was before a browser put it into a form: browsers escape what would end its quotes or line.
fn browsers_name(name: &str) -> String {
    name.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}
