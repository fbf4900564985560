//! Background tasks, each with a name and an owner. One that dies takes the process down, rather than
//! leaving half a relay.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use super::worker::{self, Worker};
use crate::environment::Environment;

/// The tasks of one server.
#[derive(Default)]
pub struct Tasks {
    running: JoinSet<()>,
    names: HashMap<Id, &'static str>,
}

/// A task ended unexpectedly.
#[derive(Debug, thiserror::Error)]
#[error("the task `{0}` ended unexpectedly")]
pub struct TaskDied(pub &'static str);

impl Tasks {
    /// Starts a task. It must run until told to stop.
    pub fn spawn(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.running.spawn(task).id();
        self.names.insert(id, name);
    }

    /// Starts a worker, under its name.
    pub fn work(
        &mut self,
        worker: impl Worker + 'static,
        environment: &Arc<dyn Environment>,
        stop: &CancellationToken,
    ) {
        self.spawn(worker.name(), worker::run(worker, Arc::clone(environment), stop.clone()));
    }

    /// Waits for the stop, or for a task to die before it.
    ///
    /// # Errors
    /// Names the task that died.
    pub async fn watch(&mut self, stop: &CancellationToken) -> Result<(), TaskDied> {
        tokio::select! {
            biased;
            () = stop.cancelled() => Ok(()),
            ended = self.running.join_next_with_id() => {
                let id = match ended {
                    Some(Ok((id, ()))) => id,
                    Some(Err(error)) => error.id(),
                    None => return Err(TaskDied("all")),
                };
                Err(TaskDied(self.names.get(&id).copied().unwrap_or("unnamed")))
            }
        }
    }

    /// Waits for the tasks that were told to stop, for `patience` at most; what still runs then is aborted.
    pub async fn finish(&mut self, patience: Duration) {
        let all_ended = async { while self.running.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, all_ended).await.is_err() {
            tracing::warn!(
                "some tasks did not finish in time and were stopped; everything accepted is in the store"
            );
            self.running.shutdown().await;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_returns_or_panics_is_named() {
        for died in [false, true] {
            let mut tasks = Tasks::default();
            tasks.spawn("steady", std::future::pending());
            tasks.spawn("mortal", async move {
                if died {
                    panic!("for this test")
                }
            });
            let error = tasks.watch(&CancellationToken::new()).await.unwrap_err();
            assert_eq!(error.to_string(), "the task `mortal` ended unexpectedly");
        }
    }

    #[tokio::test]
    async fn a_stop_is_no_death() {
        let (mut tasks, stop) = (Tasks::default(), CancellationToken::new());
        let told = stop.clone();
        tasks.spawn("obedient", async move { told.cancelled().await });
        stop.cancel();
        tasks.watch(&stop).await.unwrap();
        tasks.finish(Duration::from_secs(5)).await;
        assert!(tasks.running.is_empty());
    }
}
