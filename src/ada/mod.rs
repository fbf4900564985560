//! The AI side: how Ada signs, words and answers.
//!
//! Wire formats live here and end here: the rest of the crate speaks `relay/`'s terms. A new event of Ada's
//! is a variant of `relay::event::EventKind`, an arm in [`webhook::WebhookParser`], and the matches that the compiler
//! then asks for. Neither doors nor the store are imported.

pub mod answer;
pub mod api;
pub mod bodies;
pub mod client;
mod clock;
pub mod endpoints;
pub mod feedback_call;
pub mod limits;
pub(crate) mod message;
pub mod signature;
pub mod start_call;
pub mod webhook;
