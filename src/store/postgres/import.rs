//! Everything of another store, into a database in which nothing is yet. All of it is one transaction, with the schema: while
//! it lasts, no relay starts on the database.

use std::{collections::BTreeMap, fmt::Write as _};

use sha2::{Digest as _, Sha256};
use tokio_postgres::types::{ToSql, Type};

use super::{
    connect::{self, Connections},
    connection::Connection,
    migrations,
    query::{Value, all, first, run, values},
    text,
};
use crate::{
    relay::{buffer::Buffer, time::Time},
    settings::Postgres,
    store::{
        StoreError, document,
        migrate::table::{Cell, Column, Kind, Record, TABLES, Table},
        unsigned,
    },
};

/// Nobody else may have the tables, and what is long ago begun takes as long as it takes.
const LIMITS: &str = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; \
                      SET LOCAL lock_timeout = '5s'";
/// Between the values of a row whose digest is made, and in the place of none.
const BETWEEN: char = '\u{1f}';
const NONE: &str = "\u{1}";

/// A transaction that writes.
pub struct Import {
    client: Connection,
    /// The database, for people.
    name: String,
    written: BTreeMap<&'static str, Sum>,
}

/// What rows come to, in whatever order: how many, and the sum of their digests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    rows: u64,
    digests: i128,
}

impl Import {
    /// Connects to a database in which nothing is, and does `work` there: all of it or nothing.
    ///
    /// # Errors
    /// The database can't be used or is not empty, or `work` fails.
    pub async fn run<T>(
        to: &Postgres,
        work: impl AsyncFnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let (client, connection) = Connections::new(to)?.alone().await?;
        let mut import = Self { client, name: to.name(), written: BTreeMap::new() };
        let whole = async {
            let worked = async {
                import.begin().await?;
                work(&mut import).await
            };
            match worked.await {
                Ok(done) => import.commit().await.map(|()| done),
                Err(error) => {
                    let _ = import.client.batch("ROLLBACK").await;
                    Err(error)
                }
            }
        };
        tokio::select! {
            done = whole => done,
            ended = connection => Err(ended.err().map_or_else(
                || StoreError::Unavailable("PostgreSQL has closed the connection".to_owned()),
                StoreError::from,
            )),
        }
    }

    async fn begin(&self) -> Result<(), StoreError> {
        self.client.batch(&format!("{}; {LIMITS}", connect::BEGIN)).await?;
        migrations::upgrade(&self.client).await?;
        let tables: Vec<&str> =
            TABLES.iter().map(|table| table.name).chain(["buffers", "lines", "feed"]).collect();
        let lock = format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", tables.join(", "));
        self.client.batch(&lock).await?;
        let running = "SELECT 1 FROM lines WHERE until > clock_timestamp()";
        if !all(&self.client, running, values![]).await?.is_empty() {
            return Err(self.refused("is in use by a handoff-relay: stop it first"));
        }
        for table in TABLES.iter().map(|table| table.name).chain(["buffers"]) {
            let any = format!("SELECT 1 FROM {table} LIMIT 1");
            if !all(&self.client, &any, values![]).await?.is_empty() {
                return Err(
                    self.refused(&format!("is not empty: its table {table} has rows; name a new database"))
                );
            }
        }
        Ok(())
    }

    fn refused(&self, why: &str) -> StoreError {
        StoreError::Unavailable(format!("{} {why}", self.name))
    }

    /// Writes rows of a table.
    pub async fn put(&mut self, table: &Table, records: Vec<Record>) -> Result<(), StoreError> {
        let sum = self.written.entry(table.name).or_default();
        let mut lists: Vec<List> = table.columns.iter().map(|column| List::of(column.kind)).collect();
        for mut record in records {
            for (cell, column) in record.0.iter_mut().zip(table.columns) {
                store_as(cell, column.kind);
            }
            check(table, &record)?;
            sum.add(&record);
            lists.iter_mut().zip(record.0).for_each(|(list, cell)| list.push(cell));
        }
        let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
        let places: Vec<String> = (1..=names.len()).map(|place| format!("${place}")).collect();
        let sql = format!(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT * FROM unnest({})",
            table.name,
            names.join(", "),
            places.join(", ")
        );
        let parameters: Vec<_> = lists.iter().map(List::parameter).collect();
        self.client.changed(&sql, &parameters).await?;
        Ok(())
    }

    /// What comes next gets numbers behind these, the newest of the numbered tables. What waits is due at once, as at a start.
    pub async fn go_on_from(&self, newest: &[(&'static str, i64)]) -> Result<(), StoreError> {
        for table in TABLES.iter().filter(|table| table.is_numbered) {
            let known = newest.iter().find(|(name, _)| *name == table.name).map(|(_, number)| *number);
            let Some(known) = known else { continue };
            let sql = format!(
                "ALTER TABLE {} ALTER COLUMN {} RESTART WITH {}",
                table.name,
                table.columns[0].name,
                known.max(0).saturating_add(1)
            );
            self.client.batch(&sql).await?;
            if table.name == "changes" {
                run(&self.client, "UPDATE feed SET last = $1", values![known]).await?;
            }
        }
        // What was moved is in no index of a search yet.
        run(&self.client, "UPDATE search_state SET change = 0", values![]).await?;
        self.hold_what_waits().await
    }

    async fn hold_what_waits(&self) -> Result<(), StoreError> {
        let sql = "SELECT ai_agent, conversation, min(received_at), max(received_at) FROM journal WHERE doc <> '' \
                   GROUP BY ai_agent, conversation";
        let (mut ai_agents, mut conversations, mut documents) = (Vec::new(), Vec::new(), Vec::new());
        for row in all(&self.client, sql, values![]).await? {
            ai_agents.push(row.try_get(0)?);
            conversations.push(row.try_get(1)?);
            let arrivals = (Time::from_micros(row.try_get(2)?), Time::from_micros(row.try_get(3)?));
            let buffer = Buffer { arrivals: Some(arrivals), held_until: None };
            documents.push(document::write(&buffer)?);
        }
        let sql = "INSERT INTO buffers (ai_agent, conversation, due_at, doc) \
                   SELECT ai_agent, conversation, 0, doc FROM unnest($1, $2, $3) AS waits (ai_agent, conversation, doc)";
        let waits = [ai_agents, conversations, documents].map(Value::Texts);
        run(&self.client, sql, waits.into()).await.map(drop)
    }

    /// Compares what a table has with what was written, and with how many `rows` it was to have.
    ///
    /// # Errors
    /// They differ. The text names the table.
    pub async fn compare(&self, table: &Table, rows: u64) -> Result<(), StoreError> {
        let written = self.written.get(table.name).copied().unwrap_or_default();
        let stored = self.stored(table).await?;
        if stored.rows != rows || written.rows != rows {
            return Err(self.refused(&format!(
                "would have {} rows in the table {}, where {rows} were to be moved, so nothing was",
                stored.rows, table.name
            )));
        }
        if stored != written {
            return Err(self.refused(&format!(
                "would have another content in the table {} than was to be moved, so nothing was",
                table.name
            )));
        }
        Ok(())
    }

    async fn stored(&self, table: &Table) -> Result<Sum, StoreError> {
        let value = |column: &Column| format!("coalesce({}::text, U&'\\0001')", column.name);
        let values: Vec<String> = table.columns.iter().map(value).collect();
        let sql = format!(
            "SELECT count(*), coalesce(sum(('x' || left(encode(sha256(convert_to(\
                 concat_ws(U&'\\001f', {}), 'UTF8')), 'hex'), 16))::bit(64)::bigint), 0)::text FROM {}",
            values.join(", "),
            table.name
        );
        let row = first(&self.client, &sql, values![]).await?;
        let Some(row) = row else { return Ok(Sum::default()) };
        let digests: &str = row.try_get(1)?;
        let digests = digests.parse().map_err(|_| self.refused("gives no digest of a table"))?;
        Ok(Sum { rows: unsigned(row.try_get(0)?), digests })
    }

    async fn commit(&self) -> Result<(), StoreError> {
        let tables: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
        // Without it the first searches would look through everything.
        self.client.batch(&format!("ANALYZE {}", tables.join(", "))).await?;
        self.client.batch("COMMIT").await.map_err(|error| match StoreError::from(error) {
            StoreError::Unavailable(why) => self.refused(&format!(
                "did not say whether it keeps everything: start the command again, and it will be empty or not ({why})"
            )),
            other => other,
        })
    }
}

impl Sum {
    fn add(&mut self, record: &Record) {
        self.rows += 1;
        let mut values = String::new();
        for (place, cell) in record.0.iter().enumerate() {
            if place > 0 {
                values.push(BETWEEN);
            }
            let _ = match cell {
                Cell::Text(Some(text)) => write!(values, "{text}"),
                Cell::Number(Some(number)) => write!(values, "{number}"),
                Cell::Flag(flag) => write!(values, "{flag}"),
                Cell::Text(None) | Cell::Number(None) => write!(values, "{NONE}"),
            };
        }
        let digest = Sha256::digest(&values);
        let first = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        self.digests += i128::from(first.cast_signed());
    }
}

/// A value as this store keeps it.
fn store_as(cell: &mut Cell, kind: Kind) {
    if let Cell::Text(Some(value)) = cell {
        match kind {
            Kind::Key => *value = text::column(value).into_owned(),
            Kind::Text | Kind::Number | Kind::Flag => {}
        }
    }
}

/// Refuses what PostgreSQL has no place for. No relay has written it.
fn check(table: &Table, record: &Record) -> Result<(), StoreError> {
    let has_nul = |cell: &Cell| matches!(cell, Cell::Text(Some(text)) if text.contains('\0'));
    let Some(place) = record.0.iter().position(has_nul) else { return Ok(()) };
    let key = record.0.iter().find_map(|cell| match cell {
        Cell::Text(Some(text)) => Some(text.as_str()),
        _ => None,
    });
    let (table, column, key) = (table.name, table.columns[place].name, key.unwrap_or_default());
    Err(StoreError::Unreadable(format!(
        "table {table}: the {column} of {key:?} has a NUL character, and PostgreSQL stores none"
    )))
}

/// The values of one column.
enum List {
    Texts(Vec<Option<String>>),
    Numbers(Vec<Option<i64>>),
    Flags(Vec<bool>),
}

impl List {
    const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Key | Kind::Text => Self::Texts(Vec::new()),
            Kind::Number => Self::Numbers(Vec::new()),
            Kind::Flag => Self::Flags(Vec::new()),
        }
    }

    fn push(&mut self, cell: Cell) {
        match (self, cell) {
            (Self::Texts(list), Cell::Text(text)) => list.push(text),
            (Self::Numbers(list), Cell::Number(number)) => list.push(number),
            (Self::Flags(list), Cell::Flag(flag)) => list.push(flag),
            // A row that is too short is no row, says PostgreSQL.
            _ => {}
        }
    }

    fn parameter(&self) -> (&(dyn ToSql + Sync), Type) {
        match self {
            Self::Texts(list) => (list, Type::TEXT_ARRAY),
            Self::Numbers(list) => (list, Type::INT8_ARRAY),
            Self::Flags(list) => (list, Type::BOOL_ARRAY),
        }
    }
}
