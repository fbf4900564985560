//! An agent writes to the end user.

use super::act::{self, Refusal};
use crate::relay::{
    changes::{IdempotencyScope, Idempotent, Of, Scope},
    delivery::Task,
    draft::{Draft, NewRow},
    id::{HandoffId, RowId},
    thread::{Author, Content, Role, Row, Sending, Source},
};

/// How many messages of one handoff may wait to be sent.
pub const QUEUE_LIMIT: usize = 200;

/// What an agent asks for with a message, or with a note.
#[derive(Clone, Debug)]
pub struct Message {
    /// Who writes.
    pub agent: String,
    /// The words: 1 to 50,000 characters, checked at the door.
    pub text: String,
    /// The request's `Idempotency-Key`, and a digest of its body and of what it is for.
    pub idempotency: Option<(String, String)>,
}

impl Message {
    pub(super) fn scope_of_key(&self, handoff: &HandoffId) -> Option<(IdempotencyScope, &str)> {
        let (key, digest) = self.idempotency.as_ref()?;
        let scope =
            IdempotencyScope { agent: self.agent.clone(), handoff: handoff.clone(), key: key.clone() };
        Some((scope, digest))
    }
}

/// What [`message`] needs to see. The row an idempotency key stands for comes with the key.
pub fn scope(handoff: &HandoffId, message: &Message) -> Scope {
    let mut scope = Scope::new(Of::Handoff(handoff.clone()));
    scope.with_outbox = true;
    scope.idempotency = message.scope_of_key(handoff).map(|(scope, _)| scope);
    scope
}

/// Puts a message into the thread and the outbox. The first one accepts a waiting handoff. The same
/// request again gives the row it made.
///
/// # Errors
/// The handoff is unknown, over, or another agent's; its queue is full; the key stands for another request.
pub fn message(draft: &mut Draft<'_>, id: &HandoffId, message: &Message) -> Result<Row, Refusal> {
    if let Some(row) = repeated(draft, id, message)? {
        return Ok(row);
    }
    let handoff = draft.find_handoff(id).ok_or(Refusal::Unknown)?;
    act::may_write(&draft.view.handoffs[handoff], &message.agent)?;
    let waiting = draft.view.outbox.iter().filter(|delivery| delivery.handoff == *id).count();
    if waiting >= QUEUE_LIMIT || draft.outbox_is_full() {
        return Err(Refusal::QueueFull);
    }
    act::accept_if_waiting(draft, handoff, &message.agent);

    let row = say(draft, handoff, message.agent.clone(), message.text.clone(), Source::Agent);
    remember(draft, id, message, &row);
    Ok(row)
}

/// Puts words of ours into the thread and the outbox. The end user sees them under `name`.
pub fn say(draft: &mut Draft<'_>, handoff: usize, name: String, text: String, source: Source) -> Row {
    let author = Author { role: Role::HumanAgent, display_name: Some(name), avatar: None };
    let at = draft.own_at(handoff);
    let mut new = NewRow::own(at, author, Content::Text { body: text }, source);
    new.created_at = draft.now.at;
    new.sending = Some(Sending::Queued);
    let row = draft.add_row(handoff, new);
    let row = draft.view.rows[row].clone();
    send(draft, handoff, &row);
    row
}

/// The row that the same request has made before.
pub(super) fn repeated(draft: &Draft<'_>, id: &HandoffId, message: &Message) -> Result<Option<Row>, Refusal> {
    let (Some(known), Some((_, digest))) = (&draft.view.idempotent, message.scope_of_key(id)) else {
        return Ok(None);
    };
    if known.digest != digest {
        return Err(Refusal::OtherRequest);
    }
    let place = draft.find_row(&known.row).ok_or(Refusal::Unknown)?;
    Ok(Some(draft.view.rows[place].clone()))
}

/// From now on the request's key stands for this row.
pub(super) fn remember(draft: &mut Draft<'_>, id: &HandoffId, message: &Message, row: &Row) {
    if let Some((scope, digest)) = message.scope_of_key(id) {
        let stands_for = Idempotent { digest: digest.to_owned(), row: row.id.clone() };
        draft.changes().idempotent = Some((scope, stands_for));
    }
}

fn send(draft: &mut Draft<'_>, handoff: usize, row: &Row) {
    let Content::Text { body } = &row.content else { return };
    let display_name = row.author.display_name.clone().unwrap_or_default();
    let id = draft.deliver(handoff, Task::Send { row: row.id.clone(), text: body.clone(), display_name });
    // Ada may have it from an earlier attempt: then it is looked for first.
    if let Some(place) = draft.find_delivery(&id) {
        draft.change_delivery(place).doubt = row.tried_at;
    }
}

/// What [`retry`] and [`drop`] need to see.
pub fn scope_of_row(handoff: &HandoffId, row: &RowId) -> Scope {
    let mut scope = Scope::new(Of::Handoff(handoff.clone()));
    scope.rows = vec![row.clone()];
    scope
}

/// Sends a failed message again, behind what is queued.
///
/// # Errors
/// Unknown, over, another agent's, or the message hasn't failed.
pub fn retry(draft: &mut Draft<'_>, id: &HandoffId, row: &RowId, agent: &str) -> Result<Row, Refusal> {
    let (handoff, place) = failed(draft, id, row, agent)?;
    draft.mark(row, Sending::Queued);
    let row = draft.view.rows[place].clone();
    send(draft, handoff, &row);
    Ok(row)
}

/// Puts a failed message aside. Its row stays.
///
/// # Errors
/// Unknown, over, another agent's, or the message hasn't failed.
pub fn drop(draft: &mut Draft<'_>, id: &HandoffId, row: &RowId, agent: &str) -> Result<(), Refusal> {
    failed(draft, id, row, agent)?;
    draft.mark(row, Sending::Dropped);
    Ok(())
}

fn failed(draft: &Draft<'_>, id: &HandoffId, row: &RowId, agent: &str) -> Result<(usize, usize), Refusal> {
    let handoff = draft.find_handoff(id).ok_or(Refusal::Unknown)?;
    let place = draft.find_row(row).ok_or(Refusal::Unknown)?;
    let found = &draft.view.rows[place];
    if found.handoff != *id {
        return Err(Refusal::Unknown);
    }
    act::may_write(&draft.view.handoffs[handoff], agent)?;
    match (&found.sending, found.source) {
        (Some(Sending::Failed { .. }), Source::Agent) => Ok((handoff, place)),
        _ => Err(Refusal::NotFailed),
    }
}
