//! Moves everything that a stopped relay has kept in SQLite into an empty database of PostgreSQL: all of it or nothing, and
//! compared before it counts. The one place that knows of both stores; neither knows of the other.

pub mod table;

use std::path::Path;

use tokio::{sync::mpsc, task::spawn_blocking};

use self::table::{Record, TABLES, Table};
use super::{StoreError, postgres::Import, sqlite::Export};
use crate::settings::Postgres;

/// So many rows are written in one statement, or fewer if they are long: this many bytes.
const BATCH: usize = 1_000;
const BATCH_BYTES: usize = 2_000_000;
/// Batches that are read ahead.
const AHEAD: usize = 2;

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many rows of all are written.
    Written {
        /// So many.
        rows: u64,
        /// Of so many.
        of: u64,
    },
    /// This table is compared.
    Compares(&'static str),
}

/// What was moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved(Vec<(&'static str, u64)>);

impl Moved {
    /// The rows of one table.
    pub fn of(&self, table: &str) -> u64 {
        self.0.iter().find(|(name, _)| *name == table).map_or(0, |(_, rows)| *rows)
    }

    /// The rows of all tables.
    pub fn rows(&self) -> u64 {
        self.0.iter().map(|(_, rows)| rows).sum()
    }
}

/// Moves the database at `from`, on which no relay may run, to the one of `to`, in which nothing may be. `progress` is told
/// how far that has come.
///
/// # Errors
/// One of them can't be used, or what was written differs from what was read. Then nothing is written.
pub async fn migrate(
    from: &Path,
    to: &Postgres,
    progress: &mut dyn FnMut(Step),
) -> Result<Moved, StoreError> {
    let export = Export::open(from)?;
    let counts: Vec<(&'static str, u64)> = TABLES
        .iter()
        .map(|table| Ok((table.name, export.count(table)?)))
        .collect::<Result<_, StoreError>>()?;
    let (moved, newest) = (Moved(counts), export.newest()?);
    // The file stays ours until what was read of it is kept.
    let export = Import::run(to, async |import| {
        let export = write(export, import, moved.rows(), progress).await?;
        import.go_on_from(&newest).await?;
        for table in TABLES {
            progress(Step::Compares(table.name));
            import.compare(table, moved.of(table.name)).await?;
        }
        Ok(export)
    })
    .await?;
    drop(export);
    Ok(moved)
}

/// Reads on a thread that may wait for the disk, and writes meanwhile what was read.
async fn write(
    export: Export,
    import: &mut Import,
    of: u64,
    progress: &mut dyn FnMut(Step),
) -> Result<Export, StoreError> {
    let (send, mut batches) = mpsc::channel(AHEAD);
    let reading = spawn_blocking(move || {
        TABLES.iter().try_for_each(|table| read(&export, table, &send))?;
        Ok(export)
    });
    let mut rows = 0;
    while let Some((table, records)) = batches.recv().await {
        rows += records.len() as u64;
        import.put(table, records).await?;
        progress(Step::Written { rows, of });
    }
    reading.await.map_err(|error| StoreError::Unavailable(error.to_string()))?
}

type Batch = (&'static Table, Vec<Record>);

fn read(export: &Export, table: &'static Table, send: &mpsc::Sender<Batch>) -> Result<(), StoreError> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    let pass_on = |batch| send.blocking_send((table, batch)).map_err(|_| StoreError::Stopped);
    export.each(table, |record| {
        bytes += record.bytes();
        batch.push(record);
        if batch.len() < BATCH && bytes < BATCH_BYTES {
            return Ok(());
        }
        bytes = 0;
        pass_on(std::mem::take(&mut batch))
    })?;
    if batch.is_empty() { Ok(()) } else { pass_on(batch) }
}
