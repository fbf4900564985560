//! The decisions, one file for each thing that can happen.
//!
//! Each takes a [`Transaction`](super::transaction::Transaction) and changes it. What scope of the store's knowledge a
//! decision needs is said by the `scope` function beside it.

pub mod act;
pub mod arrive;
pub mod attempt;
mod ending;
pub mod expiry;
pub mod file;
pub mod flush;
pub mod look;
mod message;
pub mod note;
mod place;
pub mod recover;
pub mod replay;
pub mod settle;
pub mod start;
pub mod time_out;
pub mod transcript;
pub mod unknown;
pub mod write;

#[cfg(test)]
mod tests;
