//! What is said to the end user joins the thread, and goes to Ada.

use crate::relay::{
    delivery::{Attachment, Outgoing, ShownAuthor, Write},
    id::RowId,
    thread::{Author, Bytes, Content, Role, Row, Sending, Source},
    time::Time,
    transaction::{NewRow, Transaction},
};

/// Adds a text to the thread and the outbox.
pub(super) fn say(
    tx: &mut Transaction<'_>,
    handoff: usize,
    by: ShownAuthor,
    text: String,
    source: Source,
) -> Row {
    let new = ours(tx, handoff, by, Content::Text { body: text }, source);
    let row = tx.add_row(handoff, new);
    send(tx, handoff, row, None)
}

/// The same for what somebody elsewhere has said, under an id that it has already. What can't be sent is only shown.
pub(super) fn say_as(
    tx: &mut Transaction<'_>,
    handoff: usize,
    row: RowId,
    by: ShownAuthor,
    content: Content,
) {
    let can_be_sent = can_be_sent(&content);
    let mut new = ours(tx, handoff, by, content, Source::Agent);
    new.sending = new.sending.filter(|_| can_be_sent);
    let row = tx.add_row_as(row, handoff, new);
    if can_be_sent {
        send(tx, handoff, row, None);
    }
}

/// The same for what comes when nothing is sent any more: its row says why.
pub(super) fn fail_as(
    tx: &mut Transaction<'_>,
    handoff: usize,
    row: RowId,
    by: ShownAuthor,
    content: Content,
    why: &str,
) {
    let sending = can_be_sent(&content).then(|| Sending::failed(why));
    let new = NewRow { sending, ..ours(tx, handoff, by, content, Source::Agent) };
    tx.add_row_as(row, handoff, new);
}

fn can_be_sent(content: &Content) -> bool {
    matches!(content, Content::Text { .. } | Content::File { bytes: Bytes::Kept { .. }, .. })
}

/// A row of ours that is to be sent.
pub(super) fn ours(
    tx: &Transaction<'_>,
    handoff: usize,
    by: ShownAuthor,
    content: Content,
    source: Source,
) -> NewRow {
    let author = human(by);
    let mut new = NewRow::own(tx.own_at(handoff), author, content, source);
    new.created_at = tx.now.at;
    new.sending = Some(Sending::Queued);
    new
}

/// A human agent as the author of a row.
pub(super) fn human(by: ShownAuthor) -> Author {
    Author { role: Role::HumanAgent, display_name: Some(by.display_name), avatar: by.avatar }
}

/// Queues the row at `index` for Ada, which may have it since `unknown_since`: then it is looked for first.
pub(super) fn send(
    tx: &mut Transaction<'_>,
    handoff: usize,
    index: usize,
    unknown_since: Option<Time>,
) -> Row {
    let row = tx.view.rows[index].clone();
    let what = match &row.content {
        Content::Text { body } => Outgoing::Text { text: body.clone() },
        Content::File { filename, mime_type, bytes: Bytes::Kept { size }, .. } => {
            let (filename, mime_type) = (filename.clone(), mime_type.clone());
            Outgoing::File { file: Attachment { filename, mime_type, size: *size, uploaded: None } }
        }
        _ => return row,
    };
    let Author { display_name, avatar, .. } = row.author.clone();
    let by = ShownAuthor { display_name: display_name.unwrap_or_default(), avatar };
    let id = tx.deliver(handoff, Write::Send { row: row.id.clone(), what, by });
    if let Some(index) = tx.find_delivery(&id) {
        tx.change_delivery(index).outcome_unknown_since = unknown_since;
    }
    row
}
