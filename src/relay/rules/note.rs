//! An agent's note for other agents. It is never sent to Ada, and no message from Ada is ever matched to it.

use super::{
    act::Refusal,
    say,
    write::{self, AgentMessage},
};
use crate::relay::{
    changes::Scope,
    delivery::ShownAuthor,
    id::HandoffId,
    rule::Rule,
    thread::{Content, Row, Source},
    transaction::{NewRow, Transaction},
};

/// Adds a note to any thread, also to an ended one. It neither accepts the handoff nor restarts its timeout. A repeated
/// request returns the first row.
///
/// # Errors
/// The handoff is unknown; the key stands for another request, a message with the same words included.
pub fn note(id: HandoffId, note: AgentMessage) -> Rule<Result<Row, Refusal>> {
    let scope = Scope { idempotency: note.by.scope_of_key(&id), ..Scope::handoff(&id) };
    Rule::new(scope, move |tx| {
        if let Some(row) = write::repeated(tx, &note.by)? {
            return Ok(row);
        }
        let handoff = tx.find_handoff(&id).ok_or(Refusal::Unknown)?;
        let row = add(tx, handoff, note.by.shown(), note.text);
        let row = tx.view.rows[row].clone();
        write::remember(tx, &id, &note.by, &row);
        Ok(row)
    })
}

/// Adds a note, and gives the row.
pub(super) fn add(tx: &mut Transaction<'_>, handoff: usize, author: ShownAuthor, body: String) -> usize {
    let content = Content::Note { body };
    let mut new = NewRow::own(tx.own_at(handoff), say::human(author), content, Source::Agent);
    new.created_at = tx.now.at;
    tx.add_row(handoff, new)
}
