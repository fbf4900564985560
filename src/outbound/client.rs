//! A client for such servers.

use std::{error::Error as StdError, net::SocketAddr, sync::Arc, time::Duration};

use reqwest::{
    Client, Method, RequestBuilder,
    dns::{Addrs, Name, Resolve, Resolving},
    header, redirect,
};
use url::{Host, Url};

use super::{Addresses, tls};

/// Why a request is not even made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The URL contains a user name or password.
    Credentials,
    /// The URL names no server.
    NoServer,
    /// Its address is none of those that are allowed.
    Address,
    /// A redirect would leave https.
    WithoutTls,
    /// A redirect leads to what is no URL.
    NoUrl,
}

/// Why a request has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The name has no address that is allowed.
    Address,
    /// There was no connection.
    Unreached,
    /// The connection ended before the answer.
    Closed,
}

/// A client that connects to some addresses alone, sends nothing of ours along, and follows no redirect.
#[derive(Debug)]
pub struct GuardedClient {
    client: Client,
    addresses: Addresses,
}

impl GuardedClient {
    /// `names` finds addresses; those outside `addresses` are as if they weren't there. `idle` connections are kept to
    /// each server: with 0, each request looks anew to where it connects.
    ///
    /// # Errors
    /// TLS can't be set up on this machine.
    pub fn new(
        addresses: Addresses,
        names: impl Resolve + 'static,
        connect: Duration,
        idle: usize,
    ) -> Result<Self, reqwest::Error> {
        let client = tls::client_builder()
            .dns_resolver(Arc::new(Guard { addresses, names: Arc::new(names) }))
            .connect_timeout(connect)
            .pool_max_idle_per_host(idle)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            // None of these is built in today; a dependency could change that.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .user_agent(concat!("handoff-relay/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, addresses })
    }

    /// A request to `url`, if its host is a name, or an address that is allowed: no resolver sees a literal.
    ///
    /// # Errors
    /// It is not allowed.
    pub fn request(&self, method: Method, url: &Url) -> Result<RequestBuilder, Denied> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Denied::Credentials);
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            Some(Host::Domain(_)) => None,
            None => return Err(Denied::NoServer),
        };
        if literal.is_some_and(|address| !self.addresses.contain(address)) {
            return Err(Denied::Address);
        }
        Ok(self.client.request(method, url.clone()).header(header::ACCEPT_ENCODING, "identity"))
    }
}

/// Where a redirect from `url` leads. From https only to https.
///
/// # Errors
/// It leads nowhere that is allowed.
pub fn onward(url: &Url, location: &str) -> Result<Url, Denied> {
    let next = url.join(location).map_err(|_| Denied::NoUrl)?;
    if url.scheme() == "https" && next.scheme() != "https" {
        return Err(Denied::WithoutTls);
    }
    Ok(next)
}

/// Why there was no answer.
pub fn unanswered(error: &reqwest::Error) -> Unanswered {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if error.is::<NotAllowed>() {
            return Unanswered::Address;
        }
        next = error.source();
    }
    if error.is_connect() { Unanswered::Unreached } else { Unanswered::Closed }
}

/// A name has addresses, but none that is allowed.
#[derive(Debug, thiserror::Error)]
#[error("no allowed address")]
struct NotAllowed;

/// Finds the addresses of names, and leaves out those that aren't allowed. The others are used without being looked up
/// again, so that a name can't change its mind. A name with both kinds is not refused: networks with DNS64 or with
/// names of their own add private addresses to public ones.
pub(crate) struct Guard {
    pub(crate) addresses: Addresses,
    pub(crate) names: Arc<dyn Resolve>,
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
pub struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The port is the URL's; the client puts it in.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
