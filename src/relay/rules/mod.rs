//! The decisions, one file for each thing that can happen.
//!
//! Each takes a [`Transaction`](super::transaction::Transaction) and changes it. What scope of the store's knowledge a
//! decision needs is said by the `scope` function beside it.

pub mod act;
pub mod arrive;
pub(crate) mod attempt;
mod ending;
pub mod expiry;
pub(crate) mod file;
pub mod flush;
pub(crate) mod look;
mod message;
pub(crate) mod note;
mod place;
pub(crate) mod recover;
pub(crate) mod replay;
pub(crate) mod settle;
pub mod start;
pub(crate) mod time_out;
pub(crate) mod transcript;
pub(crate) mod unknown;
pub mod write;

#[cfg(test)]
mod tests;
