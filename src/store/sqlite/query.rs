//! How statements are run: prepared once for a connection, and read row by row.

use rusqlite::{Connection, Params, Row};

use crate::store::{
    StoreError,
    document::{self, Document},
    unsigned,
};

/// What can be asked of a connection. Statements are kept prepared, under their text.
pub trait Query {
    /// Changes something. Gives how many rows it changed.
    fn run(&self, sql: &str, parameters: impl Params) -> Result<usize, StoreError>;

    /// The first row, if there is one.
    fn first<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError>;

    /// Each row.
    fn each(
        &self,
        sql: &str,
        parameters: impl Params,
        read: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// All rows.
    fn all<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::new();
        self.each(sql, parameters, |row| {
            rows.push(read(row)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Whether there is a row.
    fn exists(&self, sql: &str, parameters: impl Params) -> Result<bool, StoreError> {
        Ok(self.first(sql, parameters, |_| Ok(()))?.is_some())
    }

    /// The number in the first column of the only row.
    fn number(&self, sql: &str, parameters: impl Params) -> Result<u64, StoreError> {
        let number = self.first(sql, parameters, |row| Ok(row.get::<_, Option<i64>>(0)?))?;
        Ok(number.flatten().map_or(0, unsigned))
    }
}

impl Query for Connection {
    fn run(&self, sql: &str, parameters: impl Params) -> Result<usize, StoreError> {
        Ok(self.prepare_cached(sql)?.execute(parameters)?)
    }

    fn first<T>(
        &self,
        sql: &str,
        parameters: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.prepare_cached(sql)?;
        let mut rows = statement.query(parameters)?;
        rows.next()?.map(read).transpose()
    }

    fn each(
        &self,
        sql: &str,
        parameters: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.prepare_cached(sql)?;
        let mut rows = statement.query(parameters)?;
        while let Some(row) = rows.next()? {
            read(row)?;
        }
        Ok(())
    }
}

/// The text in a column, as long as its row is read.
pub fn text<'row>(row: &'row Row<'_>, column: usize) -> Result<&'row str, StoreError> {
    let value = row.get_ref(column)?;
    value.as_str().map_err(|_| StoreError::Unreadable(format!("column {column} holds no text")))
}

/// The document in the first column.
pub fn doc<T: Document>(row: &Row<'_>) -> Result<T, StoreError> {
    document::read(text(row, 0)?)
}
