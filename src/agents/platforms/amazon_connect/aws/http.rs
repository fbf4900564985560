//! One request and its whole answer, within limits of time and size.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::{Client, Request, Response, StatusCode, redirect};
use tokio::time::timeout;

use super::{CallError, ErrorKind, Service};
use crate::{outbound, relay::time::Time};

/// For a whole call.
const TIME_LIMIT: Duration = Duration::from_secs(15);
/// For the upload of a file, which may have 20 MB.
const UPLOAD_LIMIT: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(5);
/// The most of an answer.
const MOST_READ: usize = 1 << 20;

/// What is called, and as whom.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// AWS's name for it, which its IAM action has, too.
    pub name: &'static str,
    /// As whom.
    pub sent: Sent,
}

/// As whom a request is sent: what a refusal means depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// With AWS credentials.
    Signed(Service),
    /// With the token of a participant of a chat.
    AsParticipant,
    /// To a URL that is signed itself, with the bytes of a file.
    ToStorage,
    /// As anybody.
    Unsigned,
}

/// An answer that was read to its end.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// `x-amzn-errortype`.
    pub error_type: Option<String>,
    /// `retry-after`.
    pub retry_after: Option<Duration>,
    /// `date`.
    pub date: Option<Time>,
    /// At most 1 MB.
    pub body: Bytes,
}

/// Calls servers that the settings, or AWS, name. Follows no redirect, and knows no proxy.
#[derive(Clone)]
pub struct Http {
    client: Client,
}

impl Http {
    /// A client with a pool of connections.
    ///
    /// # Errors
    /// TLS can't be set up on this machine.
    pub fn new() -> Result<Self, reqwest::Error> {
        let client = outbound::client_builder()
            .connect_timeout(CONNECT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .user_agent(concat!("handoff-relay/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client })
    }

    /// What makes requests.
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Sends a request. `now` is compared with the answer's `Date`, should it be refused.
    ///
    /// # Errors
    /// There is no answer, it is no success, or it has more than 1 MB.
    pub async fn call(&self, operation: Operation, request: Request, now: Time) -> Result<Answer, CallError> {
        let limit = if operation.sent == Sent::ToStorage { UPLOAD_LIMIT } else { TIME_LIMIT };
        let unclear = |why: &str| CallError::without_answer(ErrorKind::Unclear, operation.name, why);
        let answer = match timeout(limit, self.exchange(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(Broken::Unreached)) => {
                return Err(CallError::without_answer(
                    ErrorKind::Unreached,
                    operation.name,
                    "there is no connection",
                ));
            }
            Ok(Err(Broken::Closed)) => return Err(unclear("the connection ended before the answer")),
            Ok(Err(Broken::TooLong)) => return Err(unclear("the answer has more than 1 MB")),
            Err(_) => return Err(unclear(&format!("there was no answer within {} s", limit.as_secs()))),
        };
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(CallError::of_answer(&operation, &answer, now))
    }

    async fn exchange(&self, request: Request) -> Result<Answer, Broken> {
        let sent = self.client.execute(request).await;
        let response =
            sent.map_err(|error| if error.is_connect() { Broken::Unreached } else { Broken::Closed })?;
        let error_type = response.headers().get("x-amzn-errortype").and_then(|value| value.to_str().ok());
        Ok(Answer {
            status: response.status(),
            error_type: error_type.map(str::to_owned),
            retry_after: outbound::retry_after(&response),
            date: outbound::date(&response),
            body: whole(response).await?,
        })
    }
}

enum Broken {
    Unreached,
    Closed,
    TooLong,
}

async fn whole(mut response: Response) -> Result<Bytes, Broken> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| Broken::Closed)? {
        if body.len() + chunk.len() > MOST_READ {
            return Err(Broken::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
