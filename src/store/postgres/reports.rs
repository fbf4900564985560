//! What reports read of handoffs.

use super::{
    connection::Connection,
    query::{all, doc, first, number, values},
};
use crate::{
    relay::{handoff::Handoff, report::Entry, time::Time},
    store::{
        StatusFilter, StoreError,
        begun::{Beginning, PAGE, Reading, Search},
        or_note, unsigned,
    },
};

pub async fn open(client: &Connection, limit: usize) -> Result<Vec<Entry>, StoreError> {
    let sql = "SELECT doc FROM handoffs WHERE status = $1 ORDER BY position LIMIT $2";
    let mut entries = Vec::new();
    for status in [StatusFilter::Waiting, StatusFilter::Active] {
        for row in all(client, sql, values![status.as_str(), limit - entries.len()]).await? {
            entries.extend(or_note(doc::<Handoff>(&row, 0), "handoff")?.map(Entry::from));
        }
    }
    Ok(entries)
}

pub async fn begun(
    client: &Connection,
    from: Time,
    until: Time,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let last = number(client, "SELECT MAX(position) FROM handoffs", values![]).await?;
    let mut search = Search::new(from, last);
    while let Some(range) = search.range() {
        search.narrow(range, first_within(client, range).await?);
    }
    let sql = "SELECT doc, position FROM handoffs WHERE position >= $1 ORDER BY position LIMIT $2";
    let (mut reading, mut next) = (Reading::new(from, until, limit), Some(search.first()));
    while let Some(first) = next.take().filter(|_| !reading.is_over()) {
        let rows = all(client, sql, values![first, PAGE]).await?;
        for row in &rows {
            or_note(doc(row, 0), "handoff")?.into_iter().for_each(|handoff| reading.take(handoff));
        }
        if let Some(last) = rows.last().filter(|_| rows.len() == PAGE) {
            next = Some(unsigned(last.try_get(1)?) + 1);
        }
    }
    Ok(reading.entries())
}

/// The position of the first handoff within these that can be read, and when it began.
async fn first_within(
    client: &Connection,
    (mut low, high): (u64, u64),
) -> Result<Option<(u64, Time)>, StoreError> {
    let sql =
        "SELECT doc, position FROM handoffs WHERE position >= $1 AND position < $2 ORDER BY position LIMIT 1";
    loop {
        let Some(row) = first(client, sql, values![low, high]).await? else { return Ok(None) };
        let position = unsigned(row.try_get(1)?);
        match or_note(doc::<Beginning>(&row, 0), "handoff")? {
            Some(beginning) => return Ok(Some((position, beginning.created_at))),
            None => low = position + 1,
        }
    }
}
