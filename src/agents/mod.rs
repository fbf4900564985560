//! The human side. Today: the agent API and its event stream, which every desk uses, and the console's page.
//!
//! `ada/` is never imported. A platform that takes agents' work elsewhere is a folder here.

pub mod api;
pub mod console;
pub mod sign_in;
