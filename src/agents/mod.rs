//! The human side. Today: the agent API and its event stream, which every desk uses.
//!
//! `ada/` is never imported. A platform that takes agents' work elsewhere is a folder here.

pub mod api;
