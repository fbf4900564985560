//! An agent's messages and files to the end user.

use super::{
    act::{self, Refusal},
    file,
    say::{ours, say, send},
};
use crate::relay::{
    changes::{IdempotencyScope, Idempotent, Scope},
    delivery::{Attachment, Delivery, Destination, Job, ShownAuthor},
    id::{HandoffId, RowId},
    rule::Rule,
    thread::{Bytes, Content, Row, Sending, Source},
    transaction::Transaction,
};

/// How many messages of one handoff may wait to be sent.
pub const QUEUE_LIMIT: usize = 200;

/// Who makes a request, and its idempotency key.
#[derive(Clone, Debug)]
pub struct Request {
    /// The agent.
    pub agent: String,
    /// The `Idempotency-Key`, and a digest of the request's body and of what it is for.
    pub idempotency: Option<(String, String)>,
    /// The human who writes by way of a platform's service account, if it names one.
    pub author: Option<ShownAuthor>,
}

impl Request {
    /// Who is shown as the author.
    pub(super) fn shown(&self) -> ShownAuthor {
        self.author.clone().unwrap_or_else(|| ShownAuthor::named(self.agent.clone()))
    }

    /// The stored request with the same key, if there is a key.
    pub(super) fn scope_of_key(&self, handoff: &HandoffId) -> Option<IdempotencyScope> {
        let (key, _) = self.idempotency.as_ref()?;
        Some(IdempotencyScope { agent: self.agent.clone(), handoff: handoff.clone(), key: key.clone() })
    }
}

/// A message, or a note.
#[derive(Clone, Debug)]
pub struct AgentMessage {
    /// Who writes.
    pub by: Request,
    /// The text: 1 to 50,000 characters, checked by the endpoint.
    pub text: String,
}

/// A file whose bytes are stored already.
#[derive(Clone, Debug)]
pub struct AgentFile {
    /// Who sends it.
    pub by: Request,
    /// The id of its row, under which its bytes are stored.
    pub row: RowId,
    /// Its name and type, as Ada takes them, and its size.
    pub file: Attachment,
    /// A text that is sent before it.
    pub text: Option<String>,
}

fn scope(handoff: &HandoffId, request: &Request) -> Scope {
    Scope { idempotency: request.scope_of_key(handoff), ..Scope::handoff(handoff).with_outbox() }
}

/// Adds a message to the thread and the outbox. The first one accepts a waiting handoff. A repeated request returns the
/// first row.
///
/// # Errors
/// The handoff is unknown, over, or another agent's; its queue is full; the key stands for another request.
pub fn message(id: HandoffId, message: AgentMessage) -> Rule<Result<Row, Refusal>> {
    Rule::new(scope(&id, &message.by), move |tx| {
        if let Some(row) = repeated(tx, &message.by)? {
            return Ok(row);
        }
        let handoff = admit(tx, &id, &message.by)?;
        let row = say(tx, handoff, message.by.shown(), message.text, Source::Agent);
        remember(tx, &id, &message.by, &row);
        Ok(row)
    })
}

/// Adds a file to the thread and the outbox, after its text, if there is one; otherwise like [`message`].
///
/// # Errors
/// As [`message`]. The stored bytes then belong to no row.
pub fn file(id: HandoffId, message: AgentFile) -> Rule<Result<Row, Refusal>> {
    Rule::new(scope(&id, &message.by), move |tx| {
        let AgentFile { by, row, file, text } = message;
        if let Some(row) = repeated(tx, &by)? {
            return Ok(row);
        }
        let handoff = admit(tx, &id, &by)?;
        if let Some(text) = text {
            say(tx, handoff, by.shown(), text, Source::Agent);
        }
        let Attachment { filename, mime_type, size, .. } = file;
        let content = Content::File { filename, mime_type, source_url: None, bytes: Bytes::Kept { size } };
        let new = ours(tx, handoff, by.shown(), content, Source::Agent);
        let row = tx.add_row_as(row, handoff, new);
        let row = send(tx, handoff, row, None);
        remember(tx, &id, &by, &row);
        Ok(row)
    })
}

/// The handoff, if the agent may write in it and its queue has room. The agent has it from now on.
fn admit(tx: &mut Transaction<'_>, id: &HandoffId, by: &Request) -> Result<usize, Refusal> {
    let handoff = tx.find_handoff(id).ok_or(Refusal::Unknown)?;
    act::may_write(&tx.view.handoffs[handoff], &by.agent, tx.now.at)?;
    let waits = |delivery: &&Delivery| delivery.handoff == *id && matches!(delivery.job, Job::Write(_));
    let has_room = tx.has_room(&Destination::Writes(tx.view.handoffs[handoff].key.ai_agent.clone()));
    if tx.view.outbox.iter().filter(waits).count() >= QUEUE_LIMIT || !has_room {
        return Err(Refusal::QueueFull);
    }
    act::accept_if_waiting(tx, handoff, &by.agent, by.shown());
    Ok(handoff)
}

/// The row that the same request has created before.
pub(super) fn repeated(tx: &Transaction<'_>, by: &Request) -> Result<Option<Row>, Refusal> {
    let (Some(known), Some((_, digest))) = (&tx.view.idempotent, &by.idempotency) else {
        return Ok(None);
    };
    if known.digest != *digest {
        return Err(Refusal::OtherRequest);
    }
    let index = tx.find_row(&known.row).ok_or(Refusal::Unknown)?;
    Ok(Some(tx.view.rows[index].clone()))
}

/// Stores this row for the request's key.
pub(super) fn remember(tx: &mut Transaction<'_>, id: &HandoffId, by: &Request, row: &Row) {
    if let (Some(scope), Some((_, digest))) = (by.scope_of_key(id), &by.idempotency) {
        let stands_for = Idempotent { digest: digest.clone(), row: row.id.clone() };
        tx.writes().idempotent = Some((scope, stands_for));
    }
}

fn scope_of_row(handoff: &HandoffId, row: &RowId) -> Scope {
    Scope { rows: vec![row.clone()], ..Scope::handoff(handoff).with_outbox() }
}

/// Sends a failed message again, after the queued ones. Or downloads a missing file again, which any agent may do.
///
/// # Errors
/// Unknown, over, another agent's, or the message hasn't failed.
pub fn retry(id: HandoffId, row: RowId, agent: String) -> Rule<Result<Row, Refusal>> {
    Rule::new(scope_of_row(&id, &row), move |tx| {
        if let Some(row) = file::fetch_again(tx, &id, &row) {
            return Ok(row);
        }
        let (handoff, index) = failed(tx, &id, &row, &agent)?;
        let doubt = tx.row_outcome_unknown_since(&tx.view.rows[index]);
        tx.mark(&row, Sending::Queued);
        Ok(send(tx, handoff, index, doubt))
    })
}

/// Drops a failed message. Its row stays.
///
/// # Errors
/// Unknown, over, another agent's, or the message hasn't failed.
pub fn drop(id: HandoffId, row: RowId, agent: String) -> Rule<Result<(), Refusal>> {
    Rule::new(scope_of_row(&id, &row), move |tx| {
        failed(tx, &id, &row, &agent)?;
        tx.mark(&row, Sending::Dropped);
        Ok(())
    })
}

fn failed(tx: &Transaction<'_>, id: &HandoffId, row: &RowId, agent: &str) -> Result<(usize, usize), Refusal> {
    let handoff = tx.find_handoff(id).ok_or(Refusal::Unknown)?;
    let index = tx.find_row(row).ok_or(Refusal::Unknown)?;
    let found = &tx.view.rows[index];
    if found.handoff != *id {
        return Err(Refusal::Unknown);
    }
    act::may_write(&tx.view.handoffs[handoff], agent, tx.now.at)?;
    match &found.sending {
        Some(Sending::Failed { .. }) if found.is_ours() => Ok((handoff, index)),
        _ => Err(Refusal::NotFailed),
    }
}
