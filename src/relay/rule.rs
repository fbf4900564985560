//! A rule and its scope are one value, so a rule always gets the data that it needs.

use super::{changes::Scope, transaction::Transaction};

/// A decision that is ready to run.
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

    /// The scope to load, and the function to call with a transaction of the loaded data.
    pub fn into_parts(self) -> (Scope, Decide<T>) {
        (self.scope, self.decide)
    }
}
