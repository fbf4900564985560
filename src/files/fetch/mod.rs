//! Fetches a file from where Ada points: a presigned URL, which is a secret and may lead anywhere.
//!
//! - **Where to:** https alone, and public addresses alone, unless loopback is opened for a stand-in Ada. The address
//!   that is checked is the one connected to: names are checked by the client's own resolver, literals before the
//!   call. So is each redirect's.
//! - **What is sent:** a request without anything of ours: no key, no cookie, no referer, no proxy of the
//!   environment between.
//! - **What is taken:** bytes as they come, within limits. Nothing is ever inflated: an answer that is compressed
//!   though `identity` was asked for is refused before its body is read, since its bytes are not the file's. Codings
//!   that change no byte (S3 hands out `aws-chunked`) are none.
//! - **What is told:** sentences for agents, without URL, host or query. Libraries' errors have them, so that no such
//!   error is ever passed on; so do their log lines, so that none is written.

mod answer;
#[cfg(test)]
mod tests;

use std::time::Duration;

use reqwest::{Method, Response};
use tokio::time::timeout;
use tracing::{Dispatch, instrument::WithSubscriber};
use url::Url;

use super::{FilesError, Spool, SpooledFile};
use crate::outbound::{self, Addresses, Denied, GuardedClient, System, Unanswered};
use answer::Answer;

/// From where files may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowedHosts {
    /// From public addresses, over https.
    Public,
    /// From this machine's loopback too, over plain http as well. Not from other private addresses.
    PublicAndLoopback,
}

/// How much, how long, how far.
#[derive(Clone, Copy, Debug)]
pub struct FetchLimits {
    /// The size of a file, in bytes.
    pub bytes: u64,
    /// For a connection, with names and TLS.
    pub connect: Duration,
    /// Without a byte.
    pub quiet: Duration,
    /// For all of it, redirects included.
    pub total: Duration,
    /// How many redirects are followed.
    pub redirects: usize,
}

impl Default for FetchLimits {
    /// 100 MiB; 5 s, 15 s, 5 min; 5 redirects.
    fn default() -> Self {
        Self {
            bytes: 100 * 1024 * 1024,
            connect: Duration::from_secs(5),
            quiet: Duration::from_secs(15),
            total: Duration::from_secs(300),
            redirects: 5,
        }
    }
}

/// Why a file wasn't fetched. The sentences are for agents, and never hold the URL or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Worth another try: not reached, timed out, broke off, or the server has trouble.
    #[error("{0}")]
    Passing(String),
    /// The server refuses the URL: it may have run out.
    #[error("{0}")]
    Expired(String),
    /// Never: the scheme, the address, where it leads, the size or the type.
    #[error("{0}")]
    Refused(String),
    /// It came, but could not be written here.
    #[error(transparent)]
    Local(#[from] FilesError),
}

/// Fetches files.
#[derive(Debug)]
pub struct Fetcher {
    https: GuardedClient,
    http: Option<GuardedClient>,
    limits: FetchLimits,
}

impl Fetcher {
    /// One that goes no further than `reach`.
    ///
    /// # Errors
    /// TLS can't be set up on this machine.
    pub fn new(reach: AllowedHosts, limits: FetchLimits) -> Result<Self, reqwest::Error> {
        let way = |addresses| GuardedClient::new(addresses, System, limits.connect, 0);
        let (https, http) = match reach {
            AllowedHosts::Public => (way(Addresses::Public)?, None),
            AllowedHosts::PublicAndLoopback => {
                (way(Addresses::PublicAndLoopback)?, Some(way(Addresses::Loopback)?))
            }
        };
        Ok(Self { https, http, limits })
    }

    /// Fetches what `url` has into `spool`. `mime_type` is what the message says about it: a web page is not taken
    /// for anything else.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn fetch(&self, url: &str, mime_type: &str, spool: Spool) -> Result<SpooledFile, FetchError> {
        // At the finest levels libraries log where they connect, and more.
        let unheard = self.follow(url, mime_type, spool).with_subscriber(Dispatch::none());
        let Ok(fetched) = timeout(self.limits.total, unheard).await else {
            return Err(FetchError::Passing("the file's server took too long to send it".to_owned()));
        };
        fetched
    }

    async fn follow(&self, url: &str, mime_type: &str, spool: Spool) -> Result<SpooledFile, FetchError> {
        let mut url = Url::parse(url).map_err(|_| refused("the file's address is not a URL"))?;
        for _ in 0..=self.limits.redirects {
            match answer::judge(self.ask(&url).await?, mime_type)? {
                Answer::File(response) => return self.take(response, spool).await,
                Answer::Elsewhere(location) => url = outbound::onward(&url, &location).map_err(denied)?,
            }
        }
        Err(refused("the file's server redirects too often"))
    }

    async fn ask(&self, url: &Url) -> Result<Response, FetchError> {
        let request = self.way(url)?.request(Method::GET, url).map_err(denied)?;
        match timeout(self.limits.quiet, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(unanswered(&error)),
            Err(_) => Err(silent()),
        }
    }

    fn way(&self, url: &Url) -> Result<&GuardedClient, FetchError> {
        match url.scheme() {
            "https" => Ok(&self.https),
            "http" => self.http.as_ref().ok_or_else(|| refused("the file's address is not https")),
            _ => Err(refused("the file's address is not https")),
        }
    }

    async fn take(&self, mut response: Response, mut spool: Spool) -> Result<SpooledFile, FetchError> {
        if response.content_length().is_some_and(|declared| declared > self.limits.bytes) {
            return Err(self.too_large());
        }
        loop {
            let piece = timeout(self.limits.quiet, response.chunk()).await.map_err(|_| silent())?;
            // The length that was declared is hyper's to compare: a shorter body is an error here.
            let piece = piece
                .map_err(|_| passing("the file's server closed the connection before the end of the file"))?;
            let Some(piece) = piece else { return Ok(spool.finish().await?) };
            let size = spool.len().saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            if size > self.limits.bytes {
                return Err(self.too_large());
            }
            spool.write(piece).await?;
        }
    }

    fn too_large(&self) -> FetchError {
        refused(&format!("the file is larger than {} MB", self.limits.bytes.div_ceil(1024 * 1024)))
    }
}

fn denied(denied: Denied) -> FetchError {
    refused(match denied {
        Denied::Credentials => "the file's address contains a user name or password",
        Denied::NoServer => "the file's address names no server",
        Denied::Address => "the file's address is not public",
        Denied::WithoutTls => "the file's server redirects to an address without https",
        Denied::NoUrl => "the file's server redirects to an invalid URL",
    })
}

fn unanswered(error: &reqwest::Error) -> FetchError {
    match outbound::unanswered(error) {
        Unanswered::Address => denied(Denied::Address),
        Unanswered::Unreached => passing("the file's server can't be reached"),
        Unanswered::Closed => passing("the file's server closed the connection before it answered"),
    }
}

fn silent() -> FetchError {
    passing("the file's server did not answer in time")
}

fn passing(sentence: &str) -> FetchError {
    FetchError::Passing(sentence.to_owned())
}

fn refused(sentence: &str) -> FetchError {
    FetchError::Refused(sentence.to_owned())
}
