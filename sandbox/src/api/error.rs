//! Errors in Ada's shape: `{"errors":[{"type","message","details"}]}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::Refusal;

/// An answer that isn't a success.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    kind: &'static str,
    message: String,
    details: Value,
}

impl ApiError {
    fn new(status: StatusCode, kind: &'static str, message: &str) -> Self {
        Self { status, kind, message: message.to_owned(), details: Value::Null }
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "The API key is missing or wrong")
    }

    pub(crate) fn not_found(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed")
    }

    pub(crate) fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "The request is too large")
    }

    pub(crate) fn too_many() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", "Too many requests")
    }

    /// An error that was asked for.
    pub(crate) fn fault(status: StatusCode) -> Self {
        let kind = match status {
            StatusCode::UNAUTHORIZED => "unauthorized",
            StatusCode::NOT_FOUND => "not_found",
            StatusCode::PAYLOAD_TOO_LARGE => "payload_too_large",
            StatusCode::UNPROCESSABLE_ENTITY => "unprocessable_entity",
            StatusCode::TOO_MANY_REQUESTS => return Self::too_many(),
            status if status.is_client_error() => "bad_request",
            _ => "internal_server_error",
        };
        Self::new(status, kind, status.canonical_reason().unwrap_or("The sandbox was told to fail"))
    }

    /// A wrong part of the request, named like `content.body`.
    pub(crate) fn invalid(parameter: &str, message: &str) -> Self {
        let mut error = Self::new(StatusCode::BAD_REQUEST, "validation_error", "The request is not valid");
        let location = if matches!(parameter, "limit" | "cursor") { "query" } else { "body" };
        error.details = json!([{ "parameter": parameter, "location": location, "message": message }]);
        error
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::UnknownConversation => Self::not_found(&message),
            Refusal::Metadata(reason) => Self::invalid("metadata", &reason),
            Refusal::ConversationEnded | Refusal::NotInHandoff | Refusal::HumanJoined | Refusal::NotChat => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable_entity", &message)
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let error = json!({ "type": self.kind, "message": self.message, "details": self.details });
        (self.status, Json(json!({ "errors": [error] }))).into_response()
    }
}
