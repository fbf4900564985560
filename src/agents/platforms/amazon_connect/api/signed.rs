//! Calls that are signed with AWS credentials.

use std::time::Duration;

use reqwest::{Method, Request, header::CONTENT_TYPE};
use serde_json::Value;

use super::{Connect, unwritable};
use crate::agents::platforms::amazon_connect::aws::{
    Answer, CallError, ErrorKind, Operation, Sent, Service, credentials::Keys, sign_request,
};

/// How long nobody calls after a 429 that doesn't say.
const PAUSE: Duration = Duration::from_secs(1);

/// An operation of Amazon Connect's own API.
pub(super) const fn connect(name: &'static str) -> Operation {
    Operation { name, sent: Sent::Signed(Service::Connect) }
}

impl Connect {
    /// A call to Amazon Connect, when its turn has come.
    pub(super) async fn call(
        &self,
        operation: Operation,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, CallError> {
        let url = format!("{}{path}", self.endpoints.connect);
        let body = body.map(Value::to_string);
        let request = || {
            let request = self.http.client().request(method.clone(), &url);
            let request = match &body {
                Some(body) => request.header(CONTENT_TYPE, "application/json").body(body.clone()),
                None => request,
            };
            request.build().map_err(|_| unwritable(operation))
        };
        self.signed(operation, Service::Connect, request).await
    }

    /// A signed call, and once more with new credentials if these are refused.
    pub(super) async fn signed(
        &self,
        operation: Operation,
        service: Service,
        request: impl Fn() -> Result<Request, CallError>,
    ) -> Result<Answer, CallError> {
        let keys = self.credentials.keys(self.environment.now()).await?;
        let mut outcome = self.signed_with(operation, service, request()?, &keys).await;
        if let Err(error) = &outcome
            && error.refuses_keys()
            && self.credentials.refused(&keys).await
        {
            let keys = self.credentials.keys(self.environment.now()).await?;
            outcome = self.signed_with(operation, service, request()?, &keys).await;
        }
        outcome
    }

    async fn signed_with(
        &self,
        operation: Operation,
        service: Service,
        mut request: Request,
        keys: &Keys,
    ) -> Result<Answer, CallError> {
        if service == Service::Connect {
            self.pace.turn().await;
        }
        // Signed after the wait: a signature is valid for minutes only.
        let now = self.environment.now();
        sign_request(&mut request, service, &self.region, keys, now).map_err(|_| unwritable(operation))?;
        let outcome = self.http.call(operation, request, now).await;
        if let Err(CallError { kind: ErrorKind::Throttled, retry_after, .. }) = &outcome
            && service == Service::Connect
        {
            self.pace.pause(retry_after.unwrap_or(PAUSE));
        }
        outcome
    }
}
