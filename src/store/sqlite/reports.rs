//! What reports read of handoffs.

use rusqlite::{Connection, params};

use super::query::{Query, doc};
use crate::{
    relay::{handoff::Handoff, report::Entry, time::Time},
    store::{
        StatusFilter, StoreError,
        begun::{Beginning, PAGE, Reading, Search},
        count, or_note, signed, unsigned,
    },
};

pub fn open(connection: &Connection, limit: usize) -> Result<Vec<Entry>, StoreError> {
    let sql = "SELECT doc FROM handoffs WHERE status = ?1 ORDER BY position LIMIT ?2";
    let mut entries = Vec::new();
    for status in [StatusFilter::Waiting, StatusFilter::Active] {
        let rest = count(limit - entries.len());
        connection.each(sql, params![status.as_str(), rest], |row| {
            entries.extend(or_note(doc::<Handoff>(row), "handoff")?.map(Entry::from));
            Ok(())
        })?;
    }
    Ok(entries)
}

pub fn begun(
    connection: &Connection,
    from: Time,
    until: Time,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    // All is read of one moment.
    let moment = connection.unchecked_transaction()?;
    let mut search = Search::new(from, moment.number("SELECT MAX(position) FROM handoffs", ())?);
    while let Some(range) = search.range() {
        search.narrow(range, first_within(&moment, range)?);
    }
    let sql = "SELECT doc, position FROM handoffs WHERE position >= ?1 ORDER BY position LIMIT ?2";
    let (mut reading, mut next) = (Reading::new(from, until, limit), Some(search.first()));
    while let Some(first) = next.take().filter(|_| !reading.is_over()) {
        let mut read = 0;
        moment.each(sql, params![signed(first), count(PAGE)], |row| {
            or_note(doc(row), "handoff")?.into_iter().for_each(|handoff| reading.take(handoff));
            read += 1;
            next = Some(unsigned(row.get(1)?) + 1).filter(|_| read == PAGE);
            Ok(())
        })?;
    }
    Ok(reading.entries())
}

/// The position of the first handoff within these that can be read, and when it began.
fn first_within(
    connection: &Connection,
    (mut low, high): (u64, u64),
) -> Result<Option<(u64, Time)>, StoreError> {
    let sql =
        "SELECT doc, position FROM handoffs WHERE position >= ?1 AND position < ?2 ORDER BY position LIMIT 1";
    loop {
        let found = connection.first(sql, params![signed(low), signed(high)], |row| {
            Ok((or_note(doc::<Beginning>(row), "handoff")?, unsigned(row.get(1)?)))
        })?;
        match found {
            None => return Ok(None),
            Some((Some(beginning), position)) => return Ok(Some((position, beginning.created_at))),
            Some((None, position)) => low = position + 1,
        }
    }
}
