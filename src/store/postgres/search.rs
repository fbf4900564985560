//! What a search looks through, and its index. Both are written beside other work, in steps, by one instance at a time. The row
//! of `search_state` says how far that is.

use std::collections::{BTreeMap, HashMap};

use super::{
    connect::{Connections, Transaction},
    connection::Connection,
    handoffs::{self, documents},
    migrations,
    query::{Value, all, doc, first, key, list, number, run, values},
    read,
    sample::Samples,
};
use crate::{
    relay::{handoff::Handoff, id::HandoffId, thread::Row},
    store::{
        self, FeedItem, HandoffQuery, Order, Page, Since, StoreError, or_note,
        search::{IndexProgress, NEWEST, Wanted, text_of_handoff, text_of_row},
        signed, unsigned,
    },
};

/// So many handoffs are asked for at once.
const HITS: usize = 200;

/// By position and number of the row. One that has no text any more has none.
type Entries = BTreeMap<(i64, i64), Option<String>>;

/// How far the index is.
#[derive(Clone, Copy)]
struct State {
    change: u64,
    /// The place before which nothing is; at the position 0 there is nothing to fill.
    filled: (i64, i64),
}

impl State {
    const fn progress(self) -> IndexProgress {
        if self.filled.0 == 0 { IndexProgress::All } else { IndexProgress::Filling }
    }
}

/// Makes the index, if the database may have it, on connections without limits. Without it, searches look through all texts.
pub async fn make_index(connections: &Connections) -> Result<(), StoreError> {
    let is_made = "SELECT 1 FROM pg_class WHERE oid = to_regclass('search_trigrams')";
    if first(&*connections.get().await?, is_made, values![]).await?.is_some() {
        return Ok(());
    }
    let change = connections.begin().await?;
    let make = "SET LOCAL client_min_messages = warning; \
                CREATE EXTENSION IF NOT EXISTS pg_trgm; \
                CREATE INDEX IF NOT EXISTS search_trigrams ON search_texts USING gin (text gin_trgm_ops)";
    let made = async {
        all(change.client(), migrations::LOCK, values![]).await?;
        Ok::<_, StoreError>(change.client().batch(make).await?)
    };
    match made.await {
        Ok(()) => change.commit().await,
        Err(error) => {
            Transaction::roll_back(change).await;
            tracing::warn!(
                error = %error,
                "searches have no index and are slow where there is much: let somebody who may run CREATE EXTENSION pg_trgm \
                 in the database, and start the relay again"
            );
            Ok(())
        }
    }
}

/// Does a step, unless another instance is at it.
pub async fn step(connections: &Connections, limit: usize) -> Result<IndexProgress, StoreError> {
    let transaction = connections.begin().await?;
    match index(transaction.client(), limit).await {
        Ok(Some(progress)) => transaction.commit().await.map(|()| progress),
        Ok(None) => {
            transaction.roll_back().await;
            Ok(IndexProgress::All)
        }
        Err(error) => {
            transaction.roll_back().await;
            Err(error)
        }
    }
}

/// None if there is nothing to do.
async fn index(client: &Connection, limit: usize) -> Result<Option<IndexProgress>, StoreError> {
    let sql = "SELECT change, position, seq FROM search_state FOR UPDATE SKIP LOCKED";
    let Some(row) = first(client, sql, values![]).await? else { return Ok(None) };
    let before = State { change: unsigned(row.try_get(0)?), filled: (row.try_get(1)?, row.try_get(2)?) };
    let (mut after, mut entries, mut has_more) = (before, Entries::new(), false);
    match read::changes_since(client, before.change, limit).await? {
        Since::Changes(changes) if changes.is_empty() && before.filled.0 == 0 => return Ok(None),
        Since::Changes(changes) if changes.is_empty() => {
            while after.filled.0 > 0 && entries.len() < limit {
                after.filled = fill(client, &mut entries, after.filled, limit).await?;
            }
        }
        Since::Changes(changes) => {
            after.change = changes.last().map_or(before.change, |(number, _)| *number);
            has_more = changes.len() == limit;
            add_changes(client, &mut entries, &changes).await?;
        }
        // What has changed meanwhile is not known any more. What changes from now on comes as a change.
        Since::Reset(newest) => {
            let end = number(client, "SELECT max(position) + 1 FROM handoffs", values![]).await?;
            after = State { change: newest, filled: (signed(end), 0) };
        }
    }
    write(client, entries).await?;
    let (position, seq) = after.filled;
    let sql = "UPDATE search_state SET change = $1, position = $2, seq = $3";
    run(client, sql, values![after.change, position, seq]).await?;
    Ok(Some(if has_more { IndexProgress::Part } else { after.progress() }))
}

async fn add_changes(
    client: &Connection,
    entries: &mut Entries,
    changes: &[(u64, FeedItem)],
) -> Result<(), StoreError> {
    let of_handoff = changes.iter().filter_map(|(_, change)| match change {
        FeedItem::CannedReplies => None,
        FeedItem::Handoff(handoff) => Some((&handoff.id, 0, Some(text_of_handoff(handoff)))),
        FeedItem::Row(row) => Some((&row.handoff, row.seq, text_of_row(row))),
    });
    let texts: Vec<(&HandoffId, u64, Option<String>)> = of_handoff.collect();
    let ids = Value::keys(texts.iter().map(|(id, ..)| id.as_str()));
    let rows = all(client, "SELECT id, position FROM handoffs WHERE id = ANY($1)", vec![ids]).await?;
    let positions = rows.iter().map(|row| Ok((HandoffId(key(row, 0)?), row.try_get(1)?)));
    let positions: HashMap<HandoffId, i64> = positions.collect::<Result<_, StoreError>>()?;
    for (id, seq, text) in texts {
        if let Some(position) = positions.get(id) {
            entries.insert((*position, signed(seq)), text);
        }
    }
    Ok(())
}

/// Adds what was there before the index and is before `end`: the newest first. Gives where the next step goes on.
async fn fill(
    client: &Connection,
    entries: &mut Entries,
    end: (i64, i64),
    limit: usize,
) -> Result<(i64, i64), StoreError> {
    // The thread of the handoff that was begun, or the next older one.
    let newest = if end.1 > 0 { end.0 } else { end.0 - 1 };
    let sql = concat!(
        "SELECT ",
        documents!(),
        ", position, id FROM handoffs WHERE position <= $1 ORDER BY position DESC LIMIT 1"
    );
    let Some(row) = first(client, sql, values![newest]).await? else { return Ok((0, 0)) };
    let (position, id): (i64, _) = (row.try_get(2)?, key(&row, 3)?);
    let text = or_note(handoffs::handoff(&row), "handoff")?.map(|handoff| text_of_handoff(&handoff));
    let below = if position == end.0 { end.1 } else { i64::MAX };
    let sql = "SELECT doc, seq FROM thread_rows WHERE handoff = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";
    let rows = all(client, sql, values![Value::key(&id), below, limit]).await?;
    let mut last = below;
    for row in &rows {
        last = row.try_get(1)?;
        if let Some(read) = or_note(doc::<Row>(row, 0), "row")? {
            entries.insert((position, last), text_of_row(&read));
        }
    }
    if rows.len() == limit && last > 1 {
        return Ok((position, last));
    }
    entries.insert((position, 0), text);
    Ok((position, 0))
}

async fn write(client: &Connection, entries: Entries) -> Result<(), StoreError> {
    let (mut positions, mut seqs, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    let mut gone = (Vec::new(), Vec::new());
    for ((position, seq), text) in entries {
        if let Some(text) = text {
            positions.push(position);
            seqs.push(seq);
            texts.push(text);
        } else {
            gone.0.push(position);
            gone.1.push(seq);
        }
    }
    // A handoff may have been purged meanwhile. What is as it was costs no write.
    let put = "INSERT INTO search_texts (position, seq, text) \
               SELECT entry.* FROM unnest($1, $2, $3) AS entry (position, seq, text) \
               WHERE EXISTS (SELECT 1 FROM handoffs WHERE handoffs.position = entry.position) \
               ON CONFLICT (position, seq) DO UPDATE SET text = excluded.text WHERE search_texts.text <> excluded.text";
    run(client, put, vec![Value::Numbers(positions), Value::Numbers(seqs), Value::Texts(texts)]).await?;
    let remove = "DELETE FROM search_texts USING unnest($1, $2) AS gone (position, seq) \
                  WHERE search_texts.position = gone.position AND search_texts.seq = gone.seq";
    run(client, remove, vec![Value::Numbers(gone.0), Value::Numbers(gone.1)]).await.map(drop)
}

/// Removes the entries of handoffs that are purged: `$1` has their ids.
pub const OF_HANDOFFS: &str =
    "DELETE FROM search_texts WHERE position IN (SELECT position FROM handoffs WHERE id = ANY($1))";

/// A page of the handoffs in which a text is found.
pub async fn page(
    client: &Connection,
    samples: &Samples,
    query: &HandoffQuery,
    wanted: &Wanted,
) -> Result<Page, StoreError> {
    let rare = if wanted.is_in_index() {
        samples.get(client).await?.rare_trigrams(wanted.folded())
    } else {
        Vec::new()
    };
    let (mut found, mut seqs) = (Vec::new(), HashMap::new());
    let most = query.limit.saturating_add(1);
    let mut behind = query.after;
    loop {
        let hits = hits(client, query.order, wanted, &rare, behind).await?;
        seqs.extend(hits.iter().copied());
        let among: Vec<i64> = hits.iter().map(|(position, _)| *position).collect();
        found.extend(read::listed(client, query, Some(&among), most - found.len()).await?);
        behind = among.last().map(|last| unsigned(*last));
        if found.len() == most || hits.len() < HITS {
            break;
        }
    }
    let rows: Vec<(HandoffId, i64)> = found
        .iter()
        .filter(|(handoff, _)| wanted.in_handoff(handoff).is_none())
        .filter_map(|(handoff, position)| Some((handoff.id.clone(), *seqs.get(&signed(*position))?)))
        .collect();
    let rows = rows_of(client, &rows).await?;
    let (handoffs, next) = store::page(found, query.limit);
    let place =
        |handoff: &Handoff| wanted.in_handoff(handoff).or_else(|| wanted.in_row(rows.get(&handoff.id)?));
    Ok(Page { found: handoffs.iter().map(place).collect(), handoffs, next })
}

/// What has so many rare trigrams is looked up first, whatever the planner knows of them, and its text says whether it has all
/// that is wanted. A trigram holds no character that `LIKE` would take for another.
fn with_rare(trigrams: usize, order: Order) -> String {
    let has: String = (4..4 + trigrams).map(|place| format!("text LIKE ${place} AND ")).collect();
    let behind = match order {
        Order::Newest => "position < $2 GROUP BY position ORDER BY position DESC",
        Order::Oldest => "position > $2 GROUP BY position ORDER BY position",
    };
    format!(
        "WITH entries AS MATERIALIZED (SELECT position, seq FROM search_texts WHERE {has}strpos(text, $1) > 0) \
         SELECT position, max(seq) FROM entries WHERE {behind} LIMIT $3"
    )
}

/// What is found next: positions of handoffs, and the newest of their rows.
async fn hits(
    client: &Connection,
    order: Order,
    wanted: &Wanted,
    rare: &[String],
    behind: Option<u64>,
) -> Result<Vec<(i64, i64)>, StoreError> {
    let first = if order == Order::Newest { i64::MAX } else { 0 };
    if !rare.is_empty() {
        let mut values = values![wanted.folded(), behind.map_or(first, signed), HITS];
        values.extend(rare.iter().map(|trigram| Value::from(format!("%{trigram}%"))));
        return positions_and_seqs(&all(client, &with_rare(rare.len(), order), values).await?);
    }
    let mut values = values![like(wanted), behind.map_or(first, signed), HITS];
    let sql = match (wanted.is_in_index(), order) {
        (true, Order::Newest) => {
            "SELECT position, max(seq) FROM search_texts WHERE text LIKE $1 AND position < $2 \
             GROUP BY position ORDER BY position DESC LIMIT $3"
        }
        (true, Order::Oldest) => {
            "SELECT position, max(seq) FROM search_texts WHERE text LIKE $1 AND position > $2 \
             GROUP BY position ORDER BY position LIMIT $3"
        }
        (false, Order::Newest) => {
            "SELECT position, seq FROM search_texts WHERE text LIKE $1 AND position < $2 AND seq = 0 \
             AND position > (SELECT max(position) FROM handoffs) - $4 ORDER BY position DESC LIMIT $3"
        }
        (false, Order::Oldest) => {
            "SELECT position, seq FROM search_texts WHERE text LIKE $1 AND position > $2 AND seq = 0 \
             AND position > (SELECT max(position) FROM handoffs) - $4 ORDER BY position LIMIT $3"
        }
    };
    if !wanted.is_in_index() {
        values.push(NEWEST.into());
    }
    positions_and_seqs(&list(client, sql, values).await?)
}

fn positions_and_seqs(rows: &[tokio_postgres::Row]) -> Result<Vec<(i64, i64)>, StoreError> {
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// A pattern for a text that holds what is wanted.
fn like(wanted: &Wanted) -> String {
    let escaped = wanted.folded().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

/// Rows by their handoffs.
async fn rows_of(
    client: &Connection,
    of: &[(HandoffId, i64)],
) -> Result<HashMap<HandoffId, Row>, StoreError> {
    if of.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = "SELECT thread_rows.doc FROM unnest($1, $2) AS wanted (handoff, seq) \
               JOIN thread_rows ON thread_rows.handoff = wanted.handoff AND thread_rows.seq = wanted.seq";
    let handoffs = Value::keys(of.iter().map(|(id, _)| id.as_str()));
    let seqs = Value::Numbers(of.iter().map(|(_, seq)| *seq).collect());
    let mut rows = HashMap::new();
    for row in all(client, sql, vec![handoffs, seqs]).await? {
        if let Some(read) = or_note(doc::<Row>(&row, 0), "row")? {
            rows.insert(read.handoff.clone(), read);
        }
    }
    Ok(rows)
}
