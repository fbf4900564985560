//! How the APIs refuse.

use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use uuid::Uuid;

use super::operation::Service;

/// A refusal with a code of the API.
#[derive(Debug, Clone)]
pub(super) struct ApiError {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
    /// Whether the caller has broken a rule, rather than met a state.
    pub(super) is_violation: bool,
}

impl ApiError {
    pub(super) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into(), is_violation: false }
    }

    /// The caller has done what no caller may do.
    pub(super) fn violation(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { is_violation: true, ..Self::new(status, code, message) }
    }

    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::violation(400, "ValidationException", message)
    }

    pub(super) fn denied(message: impl Into<String>) -> Self {
        Self::new(403, "AccessDeniedException", message)
    }

    pub(super) fn answer(&self, service: Service) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        match service {
            Service::Sts | Service::Sns => self.query_answer(status),
            Service::Connect | Service::Participant => {
                let headers = [
                    (header::CONTENT_TYPE, "application/json".to_owned()),
                    (
                        HeaderName::from_static("x-amzn-errortype"),
                        format!("{}:http://internal.amazon.com/", self.code),
                    ),
                    (HeaderName::from_static("x-amzn-requestid"), Uuid::new_v4().to_string()),
                ];
                (status, headers, json!({ "Message": self.message }).to_string()).into_response()
            }
        }
    }

    fn query_answer(&self, status: StatusCode) -> Response {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error>\
             <RequestId>{}</RequestId></ErrorResponse>",
            escaped(&self.code),
            escaped(&self.message),
            Uuid::new_v4()
        );
        (status, [(header::CONTENT_TYPE, "text/xml")], body).into_response()
    }
}

/// Text as XML takes it.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
