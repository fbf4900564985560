//! What is the same for all of AWS: where it is, who calls, how calls are signed, and what errors mean.

mod ambient;
pub mod credentials;
mod endpoints;
pub mod error;
mod http;
mod sign;
mod xml;

pub use credentials::CredentialSource;
pub use endpoints::Endpoints;
pub use error::{CallError, ErrorKind};
pub use http::{Answer, Http, Operation, Sent};
pub use sign::Service;
pub(super) use sign::sign_request;
pub(super) use xml::{blocks, text};
