//! The console in a real browser, against a real relay and a stand-in Ada.
//!
//! Each test has a relay and a browser of its own. A [`desk::Desk`] is the page as an agent meets it: it clicks,
//! types, and waits for what must show, up to a deadline. A desk that closes looks back: the page may have logged
//! nothing that the test didn't expect, and asked nobody but the relay for anything. To add a test: a function in the
//! file of its subject.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "tests: what is unexpected ends the story"
)]

/// The relay, its Ada, and ways to wait, from the stories about the relay; not all of it is needed here.
#[allow(dead_code, reason = "made for other tests")]
#[path = "../relay/support/mod.rs"]
mod support;

mod browser;
mod chromium;
mod desk;

mod accessibility;
mod arriving;
mod attention;
mod canned;
mod chat;
mod connection;
mod displaced;
mod drafts;
mod early_calls;
mod ends;
mod failures;
mod feedback;
mod figures;
mod files_interrupted;
mod files_sent;
mod files_shown;
mod firefox;
mod first_message;
mod hostile;
mod keyboard;
mod languages;
mod notes;
mod offers;
mod palette;
mod pictures;
mod platforms;
mod pseudo;
mod relay;
mod reports;
mod samples;
mod sign_in;
mod slow_line;
mod tabs;
mod team;
mod texts;
mod together;
mod tour;
mod triage;

use support::soon;
