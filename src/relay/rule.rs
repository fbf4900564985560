//! A rule and what it needs to see are one value: nobody can run it on less.

use super::{changes::Scope, transaction::Transaction};

/// A decision that is ready to be taken.
pub struct Rule<T> {
    scope: Scope,
    decide: Decide<T>,
}

type Decide<T> = Box<dyn FnOnce(&mut Transaction<'_>) -> T + Send>;

impl<T> Rule<T> {
    /// The rule `decide`, which looks at what `scope` names and nothing else.
    pub fn new(scope: Scope, decide: impl FnOnce(&mut Transaction<'_>) -> T + Send + 'static) -> Self {
        Self { scope, decide: Box::new(decide) }
    }

    /// For whoever runs it: load what the first names, and give the second a transaction of that.
    pub fn into_parts(self) -> (Scope, Decide<T>) {
        (self.scope, self.decide)
    }
}
