//! How many files and connections the system lets this process have open at a time.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit as far as the system lets this process raise it, and says what it is then. The usual limit of a
/// shell, 1024, is for programs that call `select`, which this one doesn't.
pub fn raise() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let highest = Rlimit { current: limit.maximum, ..limit };
    let raised = setrlimit(Resource::Nofile, highest).is_ok();
    let current = if raised { limit.maximum } else { getrlimit(Resource::Nofile).current };
    current.map_or(usize::MAX, |current| usize::try_from(current).unwrap_or(usize::MAX))
}
