//! The agent API, over HTTP, with a bearer token or the console's session.

pub mod canned_replies;
mod context;
pub mod dead_letters;
pub mod events;
pub mod files;
pub mod handoffs;
pub mod messages;
pub mod openapi;
mod redact;
pub mod session;
mod transcript;
pub mod view;
