//! Writing what a decision changed: all statements in one round trip, and a second one if a lane's next is to be chosen.

use std::collections::BTreeMap;

use tokio_postgres::Row as SqlRow;

use super::{
    connection::Connection,
    contacts,
    deliveries::{self, Lanes},
    handoffs,
    journal::{self, Buffered, Moves},
    query::{Statement, Value, run_together, values},
    refused_starts,
};
use crate::{
    relay::{
        changes::{DeadLetter, WriteSet},
        delivery::Destination,
        id::RowId,
        thread::{Content, Row},
    },
    store::{StoreError, document, marks},
};

/// What there is more of, or less.
#[derive(Debug, Default)]
pub struct Growth {
    /// Deliveries, by their destination.
    pub queued: BTreeMap<Destination, i64>,
    /// Events in the inbox.
    pub inbox: i64,
}

/// What a statement's rows say.
enum Says {
    Nothing,
    /// Whether a delivery for this destination is new.
    Queued(Destination),
    /// Which delivery was removed.
    Removed,
    Moved(Moves),
}

/// Writes everything. The contexts leave the handoffs.
pub async fn changes(
    client: &Connection,
    changes: &mut WriteSet,
    buffered: &Buffered,
) -> Result<Growth, StoreError> {
    let (says, statements): (Vec<Says>, Vec<Statement>) = statements(changes, buffered)?.into_iter().unzip();
    let answers = run_together(client, statements).await?;
    let mut growth = Growth::default();
    let mut lanes = Lanes::default();
    changes.deliveries.iter().for_each(|delivery| lanes.joined(delivery));
    for (says, rows) in says.into_iter().zip(answers) {
        growth.add(says, &rows, &mut lanes)?;
    }
    run_together(client, lanes.choices(changes.at)).await?;
    Ok(growth)
}

impl Growth {
    fn add(&mut self, says: Says, rows: &[SqlRow], lanes: &mut Lanes) -> Result<(), StoreError> {
        let is_new = || rows.first().map_or(Ok(false), |row| row.try_get::<_, bool>(0));
        match says {
            Says::Nothing | Says::Moved(Moves::Nothing) => {}
            Says::Queued(destination) => {
                if is_new()? {
                    *self.queued.entry(destination).or_default() += 1;
                }
            }
            Says::Removed => {
                for row in rows {
                    if let Some(destination) = lanes.left(row)? {
                        *self.queued.entry(destination).or_default() -= 1;
                    }
                }
            }
            Says::Moved(Moves::In) => self.inbox += i64::try_from(rows.len()).unwrap_or(i64::MAX),
            Says::Moved(Moves::Out) => self.inbox -= i64::try_from(rows.len()).unwrap_or(i64::MAX),
        }
        Ok(())
    }
}

fn statements(changes: &mut WriteSet, buffered: &Buffered) -> Result<Vec<(Says, Statement)>, StoreError> {
    let mut all = Vec::new();
    for handoff in changes.handoffs.iter_mut().chain(&mut changes.handoffs_unseen) {
        let [put, context] = handoffs::put(handoff)?;
        all.extend([(Says::Nothing, put), (Says::Nothing, context)]);
    }
    let mut quiet = |statement| all.push((Says::Nothing, statement));
    for handoff in &changes.handoffs {
        quiet(change(handoff.id.as_str(), None));
    }
    for row in changes.rows.iter().chain(&changes.rows_unseen) {
        put_row(row)?.into_iter().for_each(&mut quiet);
    }
    for row in &changes.rows {
        quiet(change(row.handoff.as_str(), Some(&row.id)));
    }
    for letter in &changes.dead_letters {
        quiet(put_dead_letter(letter)?);
    }
    if !changes.dead_letters_done.is_empty() {
        let done = Value::keys(changes.dead_letters_done.iter().map(String::as_str));
        quiet(Statement::new("DELETE FROM dead_letters WHERE id = ANY($1)", vec![done]));
    }
    if let Some((key, until)) = &changes.start_refused {
        quiet(refused_starts::put(key, *until));
    }
    if let Some((contact, due_at)) = &changes.contact {
        quiet(contacts::put(contact, *due_at)?);
    }
    if let Some((asked, known)) = &changes.idempotent {
        let sql = "INSERT INTO idempotency (handoff, agent, key, at, doc) VALUES ($1, $2, $3, $4, $5)";
        let [handoff, agent, key] = [asked.handoff.as_str(), &asked.agent, &asked.key].map(Value::key);
        quiet(Statement::new(sql, values![handoff, agent, key, changes.at, document::write(known)?]));
    }
    for delivery in &changes.deliveries {
        all.push((Says::Queued(delivery.destination()), deliveries::put(delivery)?));
    }
    all.extend(changes.deliveries_done.iter().map(|id| (Says::Removed, deliveries::remove(id))));
    let moved = journal::changes(changes, buffered)?.into_iter();
    all.extend(moved.map(|(moves, statement)| (Says::Moved(moves), statement)));
    Ok(all)
}

fn put_row(row: &Row) -> Result<[Statement; 3], StoreError> {
    let (id, handoff) = (Value::key(row.id.as_str()), Value::key(row.handoff.as_str()));
    let fingerprint = row.fingerprint();
    let no_longer_alike = "DELETE FROM row_marks USING thread_rows WHERE thread_rows.id = $1 \
                               AND thread_rows.fingerprint <> $3 AND row_marks.handoff = $2 AND row_marks.row_id = $1 \
                               AND row_marks.mark = $4 || thread_rows.fingerprint";
    let before = values![id.clone(), handoff.clone(), fingerprint.clone(), marks::alike("")];
    let put = "INSERT INTO thread_rows (id, handoff, seq, fingerprint, unread, is_file, doc) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) \
               ON CONFLICT (id) DO UPDATE SET fingerprint = excluded.fingerprint, unread = excluded.unread, \
                   is_file = excluded.is_file, doc = excluded.doc";
    let is_file = matches!(row.content, Content::File { .. });
    let values = values![
        id.clone(),
        handoff.clone(),
        row.seq,
        fingerprint.clone(),
        row.counts_as_unread(),
        is_file,
        document::write(row)?,
    ];
    let mark =
        "INSERT INTO row_marks (handoff, mark, row_id) SELECT $1, unnest($2), $3 ON CONFLICT DO NOTHING";
    let ids = row.ids.all().map(|ada_id| marks::id(ada_id.as_str()));
    let of_row: Vec<String> = ids.chain([marks::alike(&fingerprint)]).collect();
    let of_row = Value::keys(of_row.iter().map(String::as_str));
    Ok([
        Statement::new(no_longer_alike, before),
        Statement::new(put, values),
        Statement::new(mark, vec![handoff, of_row, id]),
    ])
}

fn put_dead_letter(letter: &DeadLetter) -> Result<Statement, StoreError> {
    let sql = "INSERT INTO dead_letters (id, at, doc) VALUES ($1, $2, $3) \
               ON CONFLICT (id) DO UPDATE SET doc = excluded.doc";
    Ok(Statement::new(sql, values![Value::key(&letter.id), letter.at, document::write(letter)?]))
}

/// Records a change of a handoff or of one of its rows; without a handoff, of the canned replies. It gets its number once it
/// is committed.
pub fn change(handoff: &str, row: Option<&RowId>) -> Statement {
    let row = Value::optional_key(row.map(RowId::as_str));
    Statement::new("INSERT INTO changes (handoff, row_id) VALUES ($1, $2)", vec![Value::key(handoff), row])
}
