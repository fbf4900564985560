//! What agents see of a handoff, in the console, over the agent API and in their platforms; and the platforms themselves.

pub(crate) mod context;
pub mod found;
pub mod platforms;
pub mod present;
pub mod view;
