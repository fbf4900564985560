//! How statements are run: with the types of their parameters, so that each is one round trip, also without a name. Statements
//! that are polled together are sent together.

use futures_util::future::try_join_all;
use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};

use super::{connection::Connection, text};
use crate::{
    relay::time::Time,
    store::{
        StoreError,
        document::{self, Document},
        signed, unsigned,
    },
};

/// A parameter.
#[derive(Clone, Debug)]
pub enum Value {
    Text(Option<String>),
    Texts(Vec<String>),
    Number(Option<i64>),
    Numbers(Vec<i64>),
    Flag(bool),
}

impl Value {
    /// A column that is searched for or compared: see [`text::column`].
    pub fn key(key: &str) -> Self {
        Self::Text(Some(text::column(key).into_owned()))
    }

    /// The same, where there is one.
    pub fn optional_key(key: Option<&str>) -> Self {
        key.map_or(Self::Text(None), Self::key)
    }

    /// Several of them.
    pub fn keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        Self::Texts(keys.into_iter().map(|key| text::column(key).into_owned()).collect())
    }

    /// As the driver takes it.
    pub fn parameter(&self) -> (&(dyn ToSql + Sync), Type) {
        match self {
            Self::Text(value) => (value, Type::TEXT),
            Self::Texts(value) => (value, Type::TEXT_ARRAY),
            Self::Number(value) => (value, Type::INT8),
            Self::Numbers(value) => (value, Type::INT8_ARRAY),
            Self::Flag(value) => (value, Type::BOOL),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(Some(signed(number)))
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Number(Some(i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<Time> for Value {
    fn from(time: Time) -> Self {
        Self::Number(Some(time.as_micros()))
    }
}

impl From<Option<Time>> for Value {
    fn from(time: Option<Time>) -> Self {
        Self::Number(time.map(Time::as_micros))
    }
}

/// The values of a statement.
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::postgres::query::Value::from($value)),*] };
}
pub(super) use values;

/// A statement and its values.
#[derive(Debug)]
pub struct Statement {
    pub sql: &'static str,
    pub values: Vec<Value>,
}

impl Statement {
    pub const fn new(sql: &'static str, values: Vec<Value>) -> Self {
        Self { sql, values }
    }
}

/// All rows that a statement gives.
pub async fn all(client: &Connection, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
    let parameters: Vec<_> = values.iter().map(Value::parameter).collect();
    Ok(client.rows(sql, &parameters).await?)
}

/// The same for a list, which is planned for these values: whether it is better read in its order or searched for depends on
/// how many there are of what is wanted.
pub async fn list(client: &Connection, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
    let parameters: Vec<_> = values.iter().map(Value::parameter).collect();
    Ok(client.rows_planned_anew(sql, &parameters).await?)
}

/// The first row, if there is one.
pub async fn first(client: &Connection, sql: &str, values: Vec<Value>) -> Result<Option<Row>, StoreError> {
    Ok(all(client, sql, values).await?.into_iter().next())
}

/// Runs it, and gives how many rows it has changed.
pub async fn run(client: &Connection, sql: &str, values: Vec<Value>) -> Result<u64, StoreError> {
    let parameters: Vec<_> = values.iter().map(Value::parameter).collect();
    Ok(client.changed(sql, &parameters).await?)
}

/// The number in the first column of the only row.
pub async fn number(client: &Connection, sql: &str, values: Vec<Value>) -> Result<u64, StoreError> {
    let row = first(client, sql, values).await?;
    Ok(row.map_or(Ok(None), |row| row.try_get::<_, Option<i64>>(0))?.map_or(0, unsigned))
}

/// Runs statements one after another in one round trip, and gives the rows of each.
pub async fn run_together(
    client: &Connection,
    statements: Vec<Statement>,
) -> Result<Vec<Vec<Row>>, StoreError> {
    try_join_all(statements.into_iter().map(|statement| all(client, statement.sql, statement.values))).await
}

/// The document in a column.
pub fn doc<T: Document>(row: &Row, column: usize) -> Result<T, StoreError> {
    document::read(row.try_get(column)?)
}

/// The time in a column.
pub fn time(row: &Row, column: usize) -> Result<Time, StoreError> {
    Ok(Time::from_micros(row.try_get(column)?))
}

/// What [`text::column`] has stored in a column.
pub fn key(row: &Row, column: usize) -> Result<String, StoreError> {
    Ok(text::read(row.try_get(column)?))
}

/// The same, where there is one.
pub fn optional_key(row: &Row, column: usize) -> Result<Option<String>, StoreError> {
    Ok(row.try_get::<_, Option<&str>>(column)?.map(text::read))
}
