//! What is moved: tables, their columns in order, and records of them. The columns are those of PostgreSQL's schema, which
//! has more of them: what one store looks up in its documents the other has in a column.

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text that is searched for or compared.
    Key,
    /// A text that is kept as it is, such as a document.
    Text,
    /// A number, or a time.
    Number,
    /// Yes or no.
    Flag,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// A table.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [Column],
    /// Whether the first column is a number that the database gives: the order of a list.
    pub is_numbered: bool,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Of a text.
    Text(Option<String>),
    /// Of a number.
    Number(Option<i64>),
    /// Of a flag.
    Flag(bool),
}

/// The values of a row, in the order of the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record(pub Vec<Cell>);

impl Record {
    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        let of_cell = |cell: &Cell| match cell {
            Cell::Text(Some(text)) => text.len(),
            Cell::Text(None) | Cell::Number(_) | Cell::Flag(_) => size_of::<i64>(),
        };
        self.0.iter().map(of_cell).sum()
    }
}

macro_rules! table {
    ($name:literal numbered: $($column:ident $kind:ident),+) => {
        Table { is_numbered: true, ..table!($name: $($column $kind),+) }
    };
    ($name:literal: $($column:ident $kind:ident),+) => {
        Table {
            name: $name,
            columns: &[$(Column { name: stringify!($column), kind: Kind::$kind }),+],
            is_numbered: false,
        }
    };
}

/// All that a relay keeps. A column that is named here is filled by each store's own file.
pub const TABLES: &[Table] = &[
    table!("handoffs" numbered: position Number, id Key, ai_agent Key, conversation Key, status Text, agent Key,
        platforms Text, ended_at Number, idle_since Number, took_until Number, last_seq Number, team Key,
        route Key, doc Text, end_user Key, missed Number),
    table!("contexts": handoff Key, doc Text),
    table!("thread_rows": id Key, handoff Key, seq Number, fingerprint Text, unread Flag, is_file Flag, doc Text),
    table!("row_marks": handoff Key, mark Key, row_id Key),
    table!("journal" numbered: seq Number, svix_id Key, at Number, ai_agent Key, conversation Key, sort_time Number,
        sort_created Number, sort_id Key, received_at Number, counted Flag, doc Text),
    table!("outbox" numbered: position Number, id Key, handoff Key, lane Key, queue Text, destination Key,
        ai_agent Key, conversation Key, is_notice Flag, is_next Flag, queued_at Number, due_at Number, holder Text,
        leased_until Number, ready_at Number, expires_at Number, doc Text),
    table!("changes" numbered: id Number, number Number, handoff Key, row_id Key),
    table!("dead_letters" numbered: position Number, id Key, at Number, doc Text),
    table!("idempotency": agent Key, handoff Key, key Key, at Number, doc Text),
    table!("sessions": id Text, token Text, created_at Number, used_at Number),
    table!("canned_replies": id Key, title_key Key, doc Text),
    table!("file_checks": handoff Key, row_id Key, at Number),
    table!("platforms": id Key, doc Text),
    table!("teams": name Key, doc Text),
    table!("contacts": handoff Key, contact Key, due_at Number, is_closed Flag, doc Text),
    table!("refused_starts": ai_agent Key, conversation Key, until Number),
];
