//! Reports for those who see all handoffs: how it stands now, and how a day went.
//!
//! A store reads handoffs and keeps an [`Entry`] of each; from these, everything else is worked out here.

pub mod day;
pub mod entry;
pub mod figures;
pub mod now;
pub mod span;

pub use day::{DayReport, Hour};
pub use entry::{Entry, Stage};
pub use figures::{EndedCounts, Figures, Ratings, Spread};
pub use now::{AgentLoad, Load, NowReport, Present};
pub use span::Day;

/// A report has no more handoffs than this.
pub const MOST_ENTRIES: usize = 20_000;
