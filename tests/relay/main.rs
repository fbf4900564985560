//! Stories about the whole relay, told from outside: a real server, a stand-in Ada, agents with HTTP clients.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "tests: what is unexpected ends the story"
)]

mod support;

mod age;
mod agents;
mod agents_list;
mod agents_write;
mod ai_agents;
mod amazon_connect;
mod arriving;
mod assignment;
mod canned_replies;
mod console;
mod dead_letters;
mod document;
mod doors_start;
mod doors_webhook;
mod feedback;
mod files;
mod gaps;
mod handed_off_twice;
mod hostile_ids;
mod housekeeping;
mod isolation;
mod late_bodies;
mod leaving;
mod life;
mod limits;
mod limits_flood;
mod made_up;
mod notes;
mod odd_json;
mod once;
mod order;
mod outbox;
mod platforms;
mod presence;
mod refusals;
mod refused_alone;
mod reload;
mod reports;
mod restart;
mod restored;
mod secrets;
mod shutdown;
mod sign_in;
mod slow_bodies;
mod stream;
mod teams;
mod time_out;
mod triage;
mod two_relays;
mod unknown;
mod unreadable;
mod values;
mod waiting_room;
