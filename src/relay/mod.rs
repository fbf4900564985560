//! The rules: what a handoff is and how it changes. Pure code.
//!
//! Nothing here is async, reads a clock, draws a random number, speaks HTTP or SQL, or imports another
//! folder of this crate. Time, new ids and jitter are arguments, so tests assert exact values.
//!
//! A decision works on a [`Transaction`](transaction::Transaction) of a [`View`](changes::View) (the stored data that
//! it needs), which becomes a [`WriteSet`](changes::WriteSet) (what the store must write, all or nothing). To add one:
//! a function in [`rules`], a table test beside it, and a caller in `engine/`.

pub(crate) mod backoff;
pub mod buffer;
pub mod changes;
pub mod contact;
pub(crate) mod context;
pub mod delivery;
pub mod dispatch;
pub mod duty;
pub mod event;
pub mod feedback;
pub mod handoff;
pub mod hours;
pub mod id;
pub mod idle;
pub mod ledger;
pub mod likeness;
pub mod matching;
pub mod platform;
pub mod policy;
pub mod presence;
pub mod report;
pub mod routing;
pub mod rule;
pub mod rules;
pub mod sight;
pub mod thread;
pub mod time;
pub mod transaction;
pub mod values;
pub mod waiting_room;
