//! Ada's doors.

pub mod start;
pub mod webhook;
