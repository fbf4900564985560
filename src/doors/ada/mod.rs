//! Ada's doors.

mod admission;
pub mod availability;
pub mod feedback;
pub mod start;
pub mod webhook;
