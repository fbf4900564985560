//! The decisions, one file for each thing that can happen.
//!
//! Each is a function that gives a [`Rule`](super::rule::Rule): what it needs to see, and what it does to a
//! [`Transaction`](super::transaction::Transaction) of that.

pub(crate) mod absence;
pub mod act;
pub mod arrive;
pub mod arriving;
pub(crate) mod attempt;
pub(crate) mod banner;
pub mod contact;
mod ending;
pub mod expiry;
pub(crate) mod feedback;
pub(crate) mod file;
pub mod flush;
pub(crate) mod look;
mod message;
pub(crate) mod note;
pub mod notify;
pub mod offer;
mod owner;
pub(crate) mod recover;
pub(crate) mod replay;
mod say;
pub(crate) mod settle;
pub mod start;
pub(crate) mod team_gone;
pub(crate) mod time_out;
pub(crate) mod transcript;
pub(crate) mod unknown;
pub(crate) mod update;
mod values;
pub(crate) mod waiting_text;
pub mod write;

#[cfg(test)]
mod tests;
