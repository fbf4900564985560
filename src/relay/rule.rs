//! A rule and what it needs to see are one value: nobody can run it on less.

use super::{changes::Scope, draft::Draft};

/// A decision that is ready to be taken.
pub struct Rule<T> {
    scope: Scope,
    decide: Decide<T>,
}

type Decide<T> = Box<dyn FnOnce(&mut Draft<'_>) -> T + Send>;

impl<T> Rule<T> {
    /// The rule `decide`, which looks at what `scope` names and nothing else.
    pub fn new(scope: Scope, decide: impl FnOnce(&mut Draft<'_>) -> T + Send + 'static) -> Self {
        Self { scope, decide: Box::new(decide) }
    }

    /// For whoever runs it: load what the first names, and give the second a draft of that.
    pub fn into_parts(self) -> (Scope, Decide<T>) {
        (self.scope, self.decide)
    }
}
