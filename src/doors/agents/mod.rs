//! The agent API, over HTTP, with a bearer token or the console's session.

pub mod canned_replies;
pub mod dead_letters;
pub mod events;
pub mod files;
pub mod handoffs;
pub mod messages;
pub mod openapi;
pub mod platforms;
pub mod presence;
mod redact;
pub mod reports;
pub mod session;
pub mod settings;
pub mod sight;
pub mod teams;
mod transcript;
