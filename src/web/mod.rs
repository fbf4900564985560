//! Plumbing of HTTP: connections, bodies, forms, errors, cookies, what is asked of a request.
//!
//! It knows no door and nobody behind one.

pub mod body;
pub mod body_budget;
pub mod call_limit;
pub mod connections;
pub mod cookie;
pub mod entry;
pub mod extract;
mod filename;
pub mod form;
pub mod head;
pub mod origin;
pub mod peer;
pub mod places;
pub mod problem;
mod slots;
mod unreadable;
