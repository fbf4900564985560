//! How a server is reached: at addresses that are allowed, and at no others.

use std::{error::Error as StdError, net::SocketAddr, sync::Arc, time::Duration};

use reqwest::{
    Client, RequestBuilder,
    dns::{Addrs, Name, Resolve, Resolving},
    header, redirect,
};
use url::{Host, Url};

use super::{FetchError, address::Addresses, passing, refused};

const NOT_ALLOWED: &str = "the file's address is not public";

/// A client that connects to some addresses alone.
#[derive(Debug)]
pub(super) struct GuardedClient {
    client: Client,
    addresses: Addresses,
}

impl GuardedClient {
    /// `names` finds addresses; those outside `addresses` are as if they weren't there.
    pub(super) fn new(
        addresses: Addresses,
        names: impl Resolve + 'static,
        connect: Duration,
    ) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .dns_resolver(Arc::new(Guard { addresses, names: Arc::new(names) }))
            .connect_timeout(connect)
            // Each fetch looks anew to where it connects.
            .pool_max_idle_per_host(0)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .http1_only()
            // None of these is built in today; a dependency could change that.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .user_agent(concat!("handoff-relay/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, addresses })
    }

    /// The request for `url`, if its host is a name, or an address that is allowed: no resolver sees a literal.
    pub(super) fn get(&self, url: &Url) -> Result<RequestBuilder, FetchError> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("the file's address contains a user name or password"));
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            Some(Host::Domain(_)) => None,
            None => return Err(refused("the file's address names no server")),
        };
        if literal.is_some_and(|address| !self.addresses.contain(address)) {
            return Err(refused(NOT_ALLOWED));
        }
        Ok(self.client.get(url.clone()).header(header::ACCEPT_ENCODING, "identity"))
    }
}

/// Where a redirect from `url` leads. From https only to https.
pub(super) fn onward(url: &Url, location: &str) -> Result<Url, FetchError> {
    let next = url.join(location).map_err(|_| refused("the file's server redirects to an invalid URL"))?;
    if url.scheme() == "https" && next.scheme() != "https" {
        return Err(refused("the file's server redirects to an address without https"));
    }
    Ok(next)
}

/// Why there was no answer.
pub(super) fn unanswered(error: &reqwest::Error) -> FetchError {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if error.is::<NotAllowed>() {
            return refused(NOT_ALLOWED);
        }
        next = error.source();
    }
    if error.is_connect() {
        return passing("the file's server can't be reached");
    }
    passing("the file's server closed the connection before it answered")
}

/// A name has addresses, but none that is allowed.
#[derive(Debug, thiserror::Error)]
#[error("no allowed address")]
struct NotAllowed;

/// Finds the addresses of names, and leaves out those that aren't allowed. The others are used without being looked up
/// again, so that a name can't change its mind. A name with both kinds is not refused: networks with DNS64 or with
/// names of their own add private addresses to public ones.
pub(super) struct Guard {
    pub(super) addresses: Addresses,
    pub(super) names: Arc<dyn Resolve>,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (addresses, found) = (self.addresses, self.names.resolve(name));
        Box::pin(async move {
            let allowed: Vec<SocketAddr> =
                found.await?.filter(|address| addresses.contain(address.ip())).collect();
            if allowed.is_empty() {
                return Err(NotAllowed.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// The system's resolver.
pub(super) struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The port is the URL's; the client puts it in.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
