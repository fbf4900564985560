//! Whatever comes in: inputs are made from a kept corpus, changed at random, and given to everything that reads
//! what others wrote. None may panic, be answered 5xx, or be quoted in a refusal.
//!
//! Each target first takes its corpus (`corpus/<target>/`), then a fixed number of changed inputs, the same in each
//! run. For longer, and other ones each time:
//!
//! ```sh
//! FUZZ_SECONDS=600 scripts/test --test fuzz webhook
//! ```
//!
//! An input that fails is printed and kept in the corpus as `failed-*`: mend what it found, and give it a name that
//! says what that was. To add a target: a file here with a function that takes one input, and a folder of examples.
//! Why it is done so: `docs/decisions/0013-fuzzing-on-stable-rust.md`.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failed test is a panic"
)]

mod agents;
mod config;
mod corpus;
mod door;
mod feedback;
mod list;
mod mutate;
mod reader;
mod run;
mod settings;
mod start;
mod webhook;

/// A customer's word. It may be anywhere in an input, and nowhere in a refusal.
const MARK: &str = "5eCr3t-Mark";
