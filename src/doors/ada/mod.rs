//! Ada's doors.

pub mod availability;
pub mod start;
pub mod webhook;
