//! Whether a database is whole: SQLite's own check, and what always holds between what it keeps.

use std::path::Path;

use rusqlite::Connection;

use super::{
    backup::open_to_read,
    migrations,
    query::{Query, doc, text},
};
use crate::{
    relay::{
        delivery::Delivery,
        handoff::Handoff,
        id::{HandoffId, RowId},
        ledger::Ledger,
        thread::{Bytes, Content, Row},
    },
    store::{StoreError, signed},
};

/// So many faults are told; a file with more is beyond reading.
const MOST: usize = 100;
/// The first schema with a journal.
const JOURNAL: i64 = 15;
/// The first schema with marks of rows, and with contexts apart from handoffs.
const MARKS: i64 = 16;

/// What was found.
#[derive(Debug, Default)]
pub struct Verification {
    /// How many handoffs there are.
    pub handoffs: u64,
    /// How many rows their threads have.
    pub rows: u64,
    /// How many deliveries wait.
    pub deliveries: u64,
    /// The files that should be there, with their sizes.
    pub files: Vec<(HandoffId, RowId, u64)>,
    /// What is wrong, a sentence each; the first hundred.
    pub faults: Vec<String>,
    /// SQLite's own check failed: parts of the file are lost.
    pub is_damaged: bool,
}

impl Verification {
    fn fault(&mut self, sentence: String) {
        if self.faults.len() < MOST {
            self.faults.push(sentence);
        }
    }
}

/// Looks through the database at `path` as it stands at one moment, also while a relay has it open. `progress` is told how
/// many handoffs of how many have been looked at.
///
/// # Errors
/// It can't be opened.
pub fn verify(path: &Path, progress: &mut (dyn FnMut(u64, u64) + Send)) -> Result<Verification, StoreError> {
    let connection = open_to_read(path)?;
    let mut found = Verification::default();
    own_check(&connection, &mut found);
    // What SQLite can't read nobody can.
    found.is_damaged = !found.faults.is_empty();
    if !found.is_damaged {
        let moment = connection.unchecked_transaction()?;
        handoffs(&moment, &mut found, progress)?;
        let schema = migrations::schema(&moment)?.unwrap_or(0);
        strays(&moment, &mut found, schema)?;
        deliveries(&moment, &mut found)?;
        waiting(&moment, &mut found, schema)?;
    }
    Ok(found)
}

/// SQLite's own check. Where the damage is such that it breaks off, it is made table by table.
fn own_check(connection: &Connection, found: &mut Verification) {
    if let Err(error) = integrity(connection, found, "PRAGMA integrity_check") {
        found.fault(format!("SQLite: {error}"));
        let tables = "SELECT name, rootpage FROM sqlite_schema WHERE type = 'table' ORDER BY rootpage";
        let tables = connection.all(tables, (), |row| Ok((text(row, 0)?.to_owned(), row.get::<_, i64>(1)?)));
        for (name, page) in tables.unwrap_or_default() {
            let check = format!("PRAGMA integrity_check('{}')", name.replace('\'', "''"));
            if let Err(error) = integrity(connection, found, &check) {
                found.fault(format!("the table {name}, which begins on page {page}, can't be read: {error}"));
            }
        }
    }
}

fn integrity(connection: &Connection, found: &mut Verification, check: &str) -> Result<(), StoreError> {
    connection.each(check, (), |line| {
        match text(line, 0) {
            Ok("ok") | Err(_) => {}
            Ok(line) => found.fault(format!("SQLite: {line}")),
        }
        Ok(())
    })
}

fn handoffs(
    connection: &Connection,
    found: &mut Verification,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<(), StoreError> {
    let all = connection.number("SELECT count(*) FROM handoffs", ())?;
    connection.each("SELECT doc, id FROM handoffs ORDER BY position", (), |row| {
        found.handoffs += 1;
        progress(found.handoffs, all);
        let id = HandoffId(row.get(1)?);
        match doc::<Handoff>(row) {
            Ok(handoff) => thread(connection, found, &id, &handoff)?,
            Err(error) => found.fault(format!("handoff {id} can't be read: {error}")),
        }
        Ok(())
    })
}

/// A thread's numbers, and its account.
fn thread(
    connection: &Connection,
    found: &mut Verification,
    id: &HandoffId,
    handoff: &Handoff,
) -> Result<(), StoreError> {
    let mut account =
        Ledger { taken: handoff.ledger.taken, duplicates: handoff.ledger.duplicates, ..Ledger::default() };
    let (mut is_whole, mut last) = (true, 0);
    let rows = "SELECT doc, id, seq FROM thread_rows WHERE handoff = ?1 ORDER BY seq";
    connection.each(rows, [id.as_str()], |stored| {
        found.rows += 1;
        let row_id = RowId(stored.get(1)?);
        last = stored.get::<_, i64>(2)?;
        match doc::<Row>(stored) {
            Ok(row) => {
                if row.id != row_id || row.handoff != *id || signed(row.seq) != last {
                    found.fault(format!(
                        "row {row_id} of handoff {id} stands under another id, handoff or number"
                    ));
                }
                account = account.and(&Ledger::of(&row));
                if let Content::File { bytes: Bytes::Kept { size }, .. } = row.content {
                    found.files.push((id.clone(), row_id, size));
                }
            }
            Err(error) => {
                is_whole = false;
                found.fault(format!("row {row_id} of handoff {id} can't be read: {error}"));
            }
        }
        Ok(())
    })?;
    if last > signed(handoff.last_seq) {
        found.fault(format!("handoff {id} has a row {last}, and its last number is {}", handoff.last_seq));
    }
    if is_whole && account != handoff.ledger {
        found.fault(format!(
            "the account of handoff {id} differs from its rows: {:?}, and they make {account:?}",
            handoff.ledger
        ));
    }
    if handoff.ledger.lost() > 0 {
        found.fault(format!("handoff {id} has lost {} messages", handoff.ledger.lost()));
    }
    Ok(())
}

/// What belongs to nothing.
fn strays(connection: &Connection, found: &mut Verification, schema: i64) -> Result<(), StoreError> {
    let always = [
        ("rows", "SELECT count(*) FROM thread_rows WHERE handoff NOT IN (SELECT id FROM handoffs)"),
        ("deliveries", "SELECT count(*) FROM outbox WHERE handoff NOT IN (SELECT id FROM handoffs)"),
    ];
    let since_marks = [
        ("marks", "SELECT count(*) FROM row_marks WHERE row_id NOT IN (SELECT id FROM thread_rows)"),
        ("contexts", "SELECT count(*) FROM contexts WHERE handoff NOT IN (SELECT id FROM handoffs)"),
    ];
    // A backup may be older.
    let since_marks = since_marks.into_iter().filter(|_| schema >= MARKS);
    for (what, sql) in always.into_iter().chain(since_marks) {
        let strays = connection.number(sql, ())?;
        if strays > 0 {
            found.fault(format!("{strays} {what} belong to nothing"));
        }
    }
    Ok(())
}

/// A start looks for what waits behind the journal's floor alone.
fn waiting(connection: &Connection, found: &mut Verification, schema: i64) -> Result<(), StoreError> {
    // A backup of before the journal has none.
    if schema < JOURNAL {
        return Ok(());
    }
    let before = "SELECT count(*) FROM journal WHERE doc <> '' AND seq < (SELECT seq FROM journal_floor)";
    let before = connection.number(before, ())?;
    if before > 0 {
        found
            .fault(format!("{before} events wait before the journal's floor, where no start looks for them"));
    }
    Ok(())
}

/// Each delivery has the row that it is about.
fn deliveries(connection: &Connection, found: &mut Verification) -> Result<(), StoreError> {
    connection.each("SELECT doc, id, handoff FROM outbox ORDER BY position", (), |stored| {
        found.deliveries += 1;
        let id: String = stored.get(1)?;
        let delivery: Delivery = match doc(stored) {
            Ok(delivery) => delivery,
            Err(error) => {
                found.fault(format!("delivery {id} can't be read: {error}"));
                return Ok(());
            }
        };
        if delivery.handoff.as_str() != text(stored, 2)? {
            found.fault(format!("delivery {id} stands in another handoff's lane"));
        }
        let Some(row) = delivery.job.row() else { return Ok(()) };
        let known = "SELECT 1 FROM thread_rows WHERE id = ?1 AND handoff = ?2";
        if !connection.exists(known, [row.as_str(), delivery.handoff.as_str()])? {
            found.fault(format!("delivery {id} is about row {row}, which is not there"));
        }
        Ok(())
    })
}
