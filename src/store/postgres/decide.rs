//! A decision: one transaction that locks its conversation, sees, decides and writes.
//!
//! Transactions of many conversations run beside each other, and PostgreSQL flushes their commits together. Each locks its
//! conversation before anything else, and changes nothing of another, so none waits for one that waits for it.

use std::sync::Arc;

use super::{
    Shared, apply, commit,
    connect::Transaction,
    connection::Connection,
    hints::Seen,
    journal::Buffered,
    view::{self, Locked},
};
use crate::{
    relay::{
        changes::{Scope, View, WriteSet},
        id::ConversationKey,
    },
    store::{Decision, DecisionResult, StoreError, conversation_of, signals::TouchedTopics, take},
};

/// Takes a decision, and goes on with it if its caller goes away.
pub async fn decide(shared: &Arc<Shared>, scope: Scope, decision: Decision) -> Result<(), StoreError> {
    let deciding = shared.decisions.spawn(run(Arc::clone(shared), scope, decision));
    let decided = deciding.await.unwrap_or_else(|error| {
        Err(if error.is_panic() { StoreError::Panicked } else { StoreError::Stopped })
    });
    if matches!(decided, Err(StoreError::Unavailable(_))) {
        shared.writes.failed();
    }
    decided
}

/// What a decision looks at, in its transaction.
struct Look {
    transaction: Transaction,
    locked: Locked,
    seen: Seen,
    view: View,
    buffered: Buffered,
}

async fn run(shared: Arc<Shared>, scope: Scope, decision: Decision) -> Result<(), StoreError> {
    let turn = shared.turns.of(&scope).await?;
    let Look { transaction, locked, seen, view, buffered } = look(&shared, &scope).await?;
    let was_buffered = view.buffer.is_some();
    let DecisionResult { mut changes, committed } = match take(decision, &scope.of, view) {
        Ok(result) => result,
        Err(error) => {
            transaction.roll_back().await;
            return Err(error);
        }
    };
    let touched = TouchedTopics::by(&changes);
    let conversation = conversation_of(&changes, &scope.of);
    let written = async {
        locked.extend(transaction.client(), &changes.deliveries).await?;
        apply::changes(transaction.client(), &mut changes, &buffered).await
    };
    let growth = match written.await {
        Ok(growth) => growth,
        Err(error) => {
            transaction.roll_back().await;
            return Err(error);
        }
    };
    commit::surely(&shared, transaction).await?;
    drop(turn);
    shared.hints.grow(growth.inbox, &growth.queued);
    remember(&shared, &changes, locked.key.as_ref().filter(|_| !was_buffered), seen);
    shared.announce(touched).await;
    conversation.into_iter().for_each(|key| shared.inbox_changed(key));
    committed.into_iter().for_each(|committed| committed());
    Ok(())
}

async fn look(shared: &Shared, scope: &Scope) -> Result<Look, StoreError> {
    let lock = async |client: &Connection| view::lock(client, scope).await;
    let (transaction, locked) = shared.connections.begin_with(lock).await?;
    let looked = async {
        let seen = locked.key.as_ref().map_or_else(Seen::default, |key| shared.hints.seen(key));
        let (view, buffered) = view::load(transaction.client(), scope, locked.key.as_ref()).await?;
        Ok((locked, seen, view, buffered))
    };
    match looked.await {
        Ok((locked, seen, view, buffered)) => {
            let (inbox_depth, queued) = (shared.hints.inbox(), shared.hints.queued());
            Ok(Look {
                transaction,
                locked,
                seen,
                view: View { inbox_depth, queued, certain_since: shared.history.since(), ..view },
                buffered,
            })
        }
        Err(error) => {
            transaction.roll_back().await;
            Err(error)
        }
    }
}

/// What this process knows from now on. `empty` is the key of a conversation that was found to have nothing buffered.
fn remember(shared: &Shared, changes: &WriteSet, empty: Option<&ConversationKey>, seen: Seen) {
    match &changes.buffer {
        Some((key, buffer)) => shared.hints.set(key, *buffer, seen),
        None => empty.into_iter().for_each(|key| shared.hints.set(key, None, seen)),
    }
    for handoff in changes.handoffs.iter().chain(&changes.handoffs_unseen) {
        shared.hints.changed(handoff);
    }
}
