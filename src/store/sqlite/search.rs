//! The index of a search. It is written beside other work, in steps: what a step reads it reads beside the writer. The row of
//! `search_state` says how far it is, so a crash costs nothing but the step.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, params};

use super::{
    handoffs::{self, documents},
    query::{Query, doc},
    read,
    recent::RecentChanges,
};
use crate::{
    relay::{handoff::Handoff, id::HandoffId, thread::Row},
    store::{
        self, FeedItem, HandoffQuery, Order, Page, Since, StoreError, count, or_note,
        search::{Found, IndexProgress, NEWEST, SHORTEST_IN_INDEX, Wanted, text_of_handoff, text_of_row},
        signed, unsigned,
    },
};

/// An entry's id has its handoff's position above these bits, and the number of its row in them.
const SEQ_BITS: u32 = 24;
const SEQS: i64 = (1 << SEQ_BITS) - 1;
/// So many entries are asked for at once.
const HITS: usize = 200;
/// The index is asked for so many trigrams of a text, of so many that are looked at.
const ASKED_FOR: usize = 3;
const LOOKED_AT: usize = 20;
/// How rare they are is looked up in so many handoffs; what is there so often is common.
const SAMPLE: u64 = 50;
const COMMON: i64 = 100;

/// How far the index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    change: u64,
    filled: i64,
}

/// What a step is to write.
pub struct Step {
    before: State,
    after: State,
    /// By their ids. One that has no text any more has none.
    entries: BTreeMap<i64, Option<String>>,
    progress: IndexProgress,
}

/// Reads what the next step is to write, at most so many entries; none if the index has everything.
pub fn next_step(
    connection: &Connection,
    recent: &RecentChanges,
    limit: usize,
) -> Result<Option<Step>, StoreError> {
    let before = state(connection)?;
    let (mut after, mut entries) = (before, BTreeMap::new());
    let since = match recent.since(before.change, limit) {
        Some(since) => since,
        None => read::changes_since(connection, before.change, limit)?,
    };
    match since {
        Since::Changes(changes) if changes.is_empty() => {}
        Since::Changes(changes) => {
            for (number, change) in &changes {
                after.change = *number;
                add_change(connection, &mut entries, change)?;
            }
            let progress = if changes.len() == limit { IndexProgress::Part } else { filling(after) };
            return Ok(Some(Step { before, after, entries, progress }));
        }
        // What has changed meanwhile is not known any more. What changes from now on comes as a change.
        Since::Reset(newest) => {
            let end = connection.number("SELECT MAX(position) + 1 FROM handoffs", ())? << SEQ_BITS;
            after = State { change: newest, filled: signed(end) };
            return Ok(Some(Step { before, after, entries, progress: filling(after) }));
        }
    }
    if before.filled == 0 {
        return Ok(None);
    }
    while after.filled > 0 && entries.len() < limit {
        after.filled = fill(connection, &mut entries, after.filled, limit)?;
    }
    Ok(Some(Step { before, after, entries, progress: filling(after) }))
}

const fn filling(state: State) -> IndexProgress {
    if state.filled == 0 { IndexProgress::All } else { IndexProgress::Filling }
}

fn state(connection: &Connection) -> Result<State, StoreError> {
    let sql = "SELECT change, filled FROM search_state";
    let state =
        connection.first(sql, (), |row| Ok(State { change: unsigned(row.get(0)?), filled: row.get(1)? }))?;
    Ok(state.unwrap_or(State { change: 0, filled: 0 }))
}

fn add_change(
    connection: &Connection,
    entries: &mut BTreeMap<i64, Option<String>>,
    change: &FeedItem,
) -> Result<(), StoreError> {
    let (handoff, seq, text) = match change {
        FeedItem::CannedReplies => return Ok(()),
        FeedItem::Handoff(handoff) => (&handoff.id, 0, Some(text_of_handoff(handoff))),
        FeedItem::Row(row) => (&row.handoff, row.seq, text_of_row(row)),
    };
    if let Some(id) = position(connection, handoff)?.and_then(|position| entry(position, seq)) {
        entries.insert(id, text);
    }
    Ok(())
}

fn position(connection: &Connection, handoff: &HandoffId) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT position FROM handoffs WHERE id = ?1";
    connection.first(sql, [handoff.as_str()], |row| Ok(row.get(0)?))
}

/// The id of an entry; none of a thread that is too long.
fn entry(position: i64, seq: u64) -> Option<i64> {
    (signed(seq) <= SEQS).then(|| position << SEQ_BITS | signed(seq))
}

/// Adds what was there before the index and has ids below `end`: the newest first. Gives where the next step goes on.
fn fill(
    connection: &Connection,
    entries: &mut BTreeMap<i64, Option<String>>,
    end: i64,
    limit: usize,
) -> Result<i64, StoreError> {
    // The thread of the handoff that was begun, or the next older one.
    let (begun, seq) = ((end - 1) >> SEQ_BITS, ((end - 1) & SEQS) + 1);
    let sql = concat!(
        "SELECT ",
        documents!(),
        ", position, id FROM handoffs WHERE position <= ?1 ORDER BY position DESC LIMIT 1"
    );
    let handoff = connection.first(sql, [begun], |row| {
        let text = or_note(handoffs::handoff(row), "handoff")?.map(|handoff| text_of_handoff(&handoff));
        Ok((row.get::<_, i64>(2)?, row.get::<_, String>(3)?, text))
    })?;
    let Some((position, id, text)) = handoff else { return Ok(0) };
    let below = if position == begun { seq } else { SEQS + 1 };
    let sql = "SELECT doc, seq FROM thread_rows WHERE handoff = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3";
    let (mut last, mut rows) = (below, 0);
    connection.each(sql, params![id, below, count(limit)], |row| {
        last = row.get(1)?;
        rows += 1;
        if let Some(read) = or_note(doc::<Row>(row), "row")? {
            entries.insert(position << SEQ_BITS | last, text_of_row(&read));
        }
        Ok(())
    })?;
    if rows == limit && last > 1 {
        return Ok(position << SEQ_BITS | last);
    }
    entries.insert(position << SEQ_BITS, text);
    Ok(position << SEQ_BITS)
}

/// Writes a step, unless another has been written since it was read.
pub fn write(connection: &Connection, step: &Step) -> Result<IndexProgress, StoreError> {
    if state(connection)? != step.before {
        return Ok(IndexProgress::Part);
    }
    for (id, text) in &step.entries {
        put(connection, *id, text.as_deref())?;
    }
    let sql = "UPDATE search_state SET change = ?1, filled = ?2";
    connection.run(sql, params![signed(step.after.change), step.after.filled])?;
    Ok(step.progress)
}

fn put(connection: &Connection, id: i64, text: Option<&str>) -> Result<(), StoreError> {
    let Some(text) = text else {
        return connection.run("DELETE FROM search_texts WHERE id = ?1", [id]).map(drop);
    };
    // Its handoff may have been purged meanwhile. What is as it was costs no write.
    let sql = "INSERT INTO search_texts (id, text) SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM handoffs WHERE position = ?3) \
               ON CONFLICT (id) DO UPDATE SET text = excluded.text WHERE text <> excluded.text";
    connection.run(sql, params![id, text, id >> SEQ_BITS]).map(drop)
}

/// A page of the handoffs in which a text is found.
pub fn page(connection: &Connection, query: &HandoffQuery, wanted: &Wanted) -> Result<Page, StoreError> {
    let (mut found, mut rows) = (Vec::new(), BTreeMap::new());
    let most = query.limit.saturating_add(1);
    let probe = Probe::new(connection, wanted)?;
    let mut from = Some(first_place(query));
    while let Some(place) = from {
        let hits = probe.hits(connection, query.order, place)?;
        from = hits.last().filter(|_| hits.len() == HITS).map(|(last, _)| place_behind(query.order, *last));
        for (position, seq) in &hits {
            let newest: &mut i64 = rows.entry(*position).or_insert(*seq);
            *newest = (*newest).max(*seq);
        }
        let mut among: Vec<i64> = hits.into_iter().map(|(position, _)| position).collect();
        among.dedup();
        found.extend(read::listed(connection, query, Some(&among), most - found.len())?);
        if found.len() == most {
            break;
        }
    }
    let (handoffs, next) = to_page(found, query.limit);
    let places = handoffs.iter().map(|(handoff, position)| {
        match (wanted.in_handoff(handoff), rows.get(position), query.order) {
            (Some(found), ..) => Ok(Some(found)),
            (None, None, _) => Ok(None),
            (None, Some(seq), Order::Newest) => in_row(connection, handoff, wanted, *seq),
            // More of its thread may have it behind what was looked at.
            (None, Some(_), Order::Oldest) => {
                in_row(connection, handoff, wanted, probe.newest_hit(connection, *position)?)
            }
        }
    });
    let found = places.collect::<Result<_, StoreError>>()?;
    Ok(Page { found, handoffs: handoffs.into_iter().map(|(handoff, _)| handoff).collect(), next })
}

/// Handoffs with their positions, and where the rest begins.
fn to_page(found: Vec<(Handoff, u64)>, limit: usize) -> (Vec<(Handoff, i64)>, Option<u64>) {
    let with_position = found.into_iter().map(|(handoff, position)| ((handoff, signed(position)), position));
    store::page(with_position.collect(), limit)
}

fn in_row(
    connection: &Connection,
    handoff: &Handoff,
    wanted: &Wanted,
    seq: i64,
) -> Result<Option<Found>, StoreError> {
    let sql = "SELECT doc FROM thread_rows WHERE handoff = ?1 AND seq = ?2";
    let row =
        connection.first(sql, params![handoff.id.as_str(), seq], |row| or_note(doc::<Row>(row), "row"))?;
    Ok(row.flatten().and_then(|row| wanted.in_row(&row)))
}

/// The id where a list begins: the first that is in it, or, newest first, the first that is not.
fn first_place(query: &HandoffQuery) -> i64 {
    let last = i64::MAX >> SEQ_BITS;
    match (query.order, query.after) {
        (Order::Newest, None) => last << SEQ_BITS,
        (Order::Newest, Some(after)) => signed(after).min(last) << SEQ_BITS,
        (Order::Oldest, None) => 0,
        (Order::Oldest, Some(after)) => (signed(after).min(last - 1) + 1) << SEQ_BITS,
    }
}

const fn place_behind(order: Order, position: i64) -> i64 {
    match order {
        Order::Newest => position << SEQ_BITS,
        Order::Oldest => (position + 1) << SEQ_BITS,
    }
}

/// How a text is looked for.
struct Probe<'a> {
    wanted: &'a str,
    /// What the index is asked for; nothing for a text that is too short for it.
    rarest: Option<String>,
}

impl<'a> Probe<'a> {
    fn new(connection: &Connection, wanted: &'a Wanted) -> Result<Self, StoreError> {
        let rarest = wanted.is_in_index().then(|| rarest(connection, wanted.folded())).transpose()?;
        Ok(Self { wanted: wanted.folded(), rarest })
    }

    /// What is found next: positions of handoffs, and numbers of their rows.
    fn hits(&self, connection: &Connection, order: Order, place: i64) -> Result<Vec<(i64, i64)>, StoreError> {
        let read = |row: &rusqlite::Row<'_>| {
            let id: i64 = row.get(0)?;
            Ok((id >> SEQ_BITS, id & SEQS))
        };
        let (hits, newest) = (count(HITS), signed(NEWEST));
        match (&self.rarest, order) {
            (Some(rarest), Order::Newest) => {
                connection.all(NEWEST_FIRST, params![rarest, place, self.wanted, hits], read)
            }
            (Some(rarest), Order::Oldest) => {
                connection.all(OLDEST_FIRST, params![rarest, place, self.wanted, hits], read)
            }
            (None, Order::Newest) => {
                connection.all(SHORT_NEWEST_FIRST, params![newest, place, self.wanted, hits], read)
            }
            (None, Order::Oldest) => {
                connection.all(SHORT_OLDEST_FIRST, params![newest, place, self.wanted, hits], read)
            }
        }
    }

    /// The newest row of a handoff that has it.
    fn newest_hit(&self, connection: &Connection, position: i64) -> Result<i64, StoreError> {
        let hits = self.hits(connection, Order::Newest, (position + 1) << SEQ_BITS)?;
        Ok(hits.first().map_or(0, |(_, seq)| *seq))
    }
}

/// The index gives what has some trigrams of the text, and the text of an entry says whether it has all of it.
macro_rules! in_index {
    ($behind:literal) => {
        concat!(
            "SELECT search.rowid FROM search JOIN search_texts ON search_texts.id = search.rowid \
             WHERE search MATCH ?1 AND instr(search_texts.text, ?3) > 0 AND search.rowid ",
            $behind,
            " LIMIT ?4"
        )
    };
}

/// The newest handoffs are counted down to: their documents would have to be read.
macro_rules! in_the_newest {
    ($behind:literal) => {
        concat!(
            "WITH RECURSIVE newest (position) AS (SELECT MAX(position) FROM handoffs UNION ALL SELECT position - 1 FROM newest \
                 WHERE position > (SELECT MAX(position) FROM handoffs) - ?1 + 1) \
             SELECT search_texts.id FROM newest CROSS JOIN search_texts ON search_texts.id = newest.position << 24 \
             WHERE instr(text, ?3) > 0 AND newest.position ",
            $behind,
            " LIMIT ?4"
        )
    };
}

const NEWEST_FIRST: &str = in_index!("< ?2 ORDER BY search.rowid DESC");
const OLDEST_FIRST: &str = in_index!(">= ?2 ORDER BY search.rowid");
const SHORT_NEWEST_FIRST: &str = in_the_newest!("< ?2 >> 24 ORDER BY newest.position DESC");
const SHORT_OLDEST_FIRST: &str = in_the_newest!(">= ?2 >> 24 ORDER BY newest.position");

/// What asks the index for the rarest trigrams of a text. All of them would be read for every entry that has the common ones.
/// How rare they are is looked up in the newest entries.
fn rarest(connection: &Connection, wanted: &str) -> Result<String, StoreError> {
    let letters: Vec<char> = wanted.chars().collect();
    let trigrams: BTreeSet<String> =
        letters.windows(SHORTEST_IN_INDEX).take(LOOKED_AT).map(|three| three.iter().collect()).collect();
    let newest = connection.number("SELECT MAX(position) FROM handoffs", ())?;
    let from = signed(newest.saturating_sub(SAMPLE)) << SEQ_BITS;
    let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM search WHERE search MATCH ?1 AND rowid >= ?2 LIMIT ?3)";
    let mut known = Vec::new();
    for trigram in trigrams {
        let quoted = format!("\"{}\"", trigram.replace('"', "\"\""));
        known.push((connection.number(sql, params![quoted, from, COMMON])?, quoted));
    }
    known.sort();
    known.truncate(ASKED_FOR);
    Ok(known.into_iter().map(|(_, quoted)| quoted).collect::<Vec<_>>().join(" AND "))
}

/// Removes the entries of handoffs that are purged: `?1` has their ids.
pub const OF_HANDOFFS: &str = "DELETE FROM search_texts WHERE id IN (SELECT entry.id FROM handoffs \
    JOIN search_texts AS entry ON entry.id BETWEEN handoffs.position << 24 AND handoffs.position << 24 | 16777215 \
    WHERE handoffs.id IN (SELECT value FROM json_each(?1)))";
