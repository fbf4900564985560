//! The rules, told as stories: what comes in, what agents do, and what is kept and sent in the end.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests: what is unexpected ends the story")]

mod books;
mod make;
mod world;

mod adopt;
mod age;
mod agents;
mod any_order;
mod anything;
mod arriving;
mod claims;
mod contacts;
mod doubt;
mod echo;
mod ends;
mod feedback;
mod files;
mod first_answer;
mod note;
mod offers;
mod order;
mod platforms;
mod recover;
mod replay;
mod send;
mod start;
mod teams;
mod time_out;
mod transcript;
mod unknown;
mod values;
mod waiting;
mod waiting_room;
