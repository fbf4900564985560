//! How servers are reached that somebody else names: at addresses that are allowed, and at no others. The address that
//! is checked is the one connected to. And what the headers of an answer say.

mod address;
mod client;
mod headers;
mod tls;

pub use address::Addresses;
#[cfg(test)]
pub(crate) use client::Guard;
pub use client::{Denied, GuardedClient, System, Unanswered, onward, unanswered};
pub use headers::{MAX_RETRY_AFTER, date, retry_after};
pub use tls::client_builder;
