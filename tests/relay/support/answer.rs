//! An answer of the relay, and what a test wants to know of it.

use axum::http::HeaderMap;
use bytes::Bytes;
use serde_json::{Value, json};

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// Sends `request` and reads all of the answer.
    pub async fn to(request: reqwest::RequestBuilder) -> Self {
        let response = super::soon("an answer", request.send()).await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = super::soon("a body", response.bytes()).await.expect("a body");
        Self { status, headers, body }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub fn good(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// The status and the sentence of a problem that looks as RFC 9457 wants it; else what is wrong with it.
    pub fn refusal(&self) -> Result<(u16, String), String> {
        let seen = || format!("{} {:?} {}", self.status, self.header("content-type"), self.text());
        let body: Value = serde_json::from_slice(&self.body).map_err(|_| seen())?;
        let title =
            axum::http::StatusCode::from_u16(self.status).ok().and_then(|code| code.canonical_reason());
        let detail = body["detail"].as_str().unwrap_or_default();
        let wanted =
            json!({ "type": "about:blank", "title": title, "status": self.status, "detail": detail });
        let good =
            self.header("content-type") == "application/problem+json" && body == wanted && !detail.is_empty();
        if good { Ok((self.status, detail.to_owned())) } else { Err(seen()) }
    }

    /// The sentence of a problem with this status.
    #[track_caller]
    pub fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        self.refusal().expect("a problem").1
    }
}
