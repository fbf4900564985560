//! Agents work in Amazon Connect: each handoff is a chat there.

mod begins;
mod ends;
mod faults;
mod hours;
mod notifications;
mod seldom;
mod talks;
mod together;
