//! Many rows of one table at once, in the way that each database takes quickest.
//!
//! ```text
//!  values, row after row ──SQLite──> VALUES (…), (…) of AT_ONCE rows, kept prepared; what is left over as one more
//!                        ──PostgreSQL──> one array for each column, UNNEST: one text for any number of rows
//! ```
//!
//! Reading a text with thousands of placeholders takes both databases longer than the rows themselves.
//!
//! **Invariants.** Rows go in in the order given. Absent: what is read back (RETURNING).

use std::sync::OnceLock;

use sqlx::postgres::Postgres;
use sqlx::sqlite::Sqlite;
use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::{Connection, Value, fault};
use crate::StoreError;

/// Rows of SQLite's prepared text: with 11 columns 2,750 of its 32,766 placeholders, and of 200 rows and more the way to
/// its thread is no longer seen.
const AT_ONCE: usize = 250;

/// Rows of one statement of PostgreSQL: of 150 bytes each 1.5 MB.
const AT_ONCE_REMOTE: usize = 10_000;

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Int,
    Text,
    Bytes,
}

/// An INSERT of many rows.
pub(crate) struct Many {
    /// `INSERT INTO table`.
    head: &'static str,
    columns: &'static [(&'static str, Kind)],
    /// ON CONFLICT, or nothing.
    tail: &'static str,
    /// The text of the one database that this process talks to; tests talk to both.
    sqlite: OnceLock<String>,
    postgres: OnceLock<String>,
}

impl Many {
    pub(crate) const fn new(head: &'static str, columns: &'static [(&'static str, Kind)], tail: &'static str) -> Many {
        Many { head, columns, tail, sqlite: OnceLock::new(), postgres: OnceLock::new() }
    }

    fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    fn of_rows(&self, rows: usize) -> String {
        let row = format!("({})", vec!["?"; self.columns.len()].join(", "));
        format!("{} ({}) VALUES {} {}", self.head, self.names(), vec![row.as_str(); rows].join(", "), self.tail)
    }

    fn of_arrays(&self) -> String {
        let arrays = self.columns.iter().enumerate().map(|(n, (_, kind))| match kind {
            Kind::Int => format!("${}::BIGINT[]", n + 1),
            Kind::Text => format!("${}::TEXT[]", n + 1),
            Kind::Bytes => format!("${}::BYTEA[]", n + 1),
        });
        let arrays = arrays.collect::<Vec<_>>().join(", ");
        format!("{} ({}) SELECT * FROM UNNEST({arrays}) {}", self.head, self.names(), self.tail)
    }
}

impl Connection {
    /// Inserts rows, each as many values as `into` has columns, one row after the other; gives how many were inserted or
    /// changed.
    pub(crate) async fn insert(
        &mut self,
        into: &'static Many,
        values: Vec<Value>,
        place: &str,
    ) -> Result<u64, StoreError> {
        let width = into.columns.len();
        debug_assert!(values.len().is_multiple_of(width), "{}: rows of {width} values", into.head);
        let mut done = 0;
        let mut values = values.into_iter();
        while values.len() > 0 {
            let result = match self {
                Connection::Sqlite(c) => {
                    let rows = (values.len() / width).min(AT_ONCE);
                    let mut query = match rows {
                        AT_ONCE => {
                            let text: &'static str = into.sqlite.get_or_init(|| into.of_rows(AT_ONCE));
                            sqlx::query::<Sqlite>(text).persistent(true)
                        }
                        // Made of literals.
                        _ => sqlx::query(AssertSqlSafe(into.of_rows(rows)).into_sql_str()).persistent(false),
                    };
                    for value in values.by_ref().take(rows * width) {
                        query = match value {
                            Value::Int(value) => query.bind(value),
                            Value::Text(value) => query.bind(value),
                            Value::Bytes(value) => query.bind(value),
                        };
                    }
                    query.execute(c).await.map(|done| done.rows_affected())
                }
                Connection::Postgres(c) => {
                    let rows = (values.len() / width).min(AT_ONCE_REMOTE);
                    let (mut ints, mut texts) = (vec![Vec::new(); width], vec![Vec::new(); width]);
                    let mut bytes: Vec<Vec<Vec<u8>>> = vec![Vec::new(); width];
                    for (n, value) in values.by_ref().take(rows * width).enumerate() {
                        match value {
                            Value::Int(value) => ints[n % width].push(value),
                            Value::Text(value) => texts[n % width].push(value),
                            Value::Bytes(value) => bytes[n % width].push(value),
                        }
                    }
                    let text: &'static str = into.postgres.get_or_init(|| into.of_arrays());
                    let mut query = sqlx::query::<Postgres>(text).persistent(true);
                    for (n, (_, kind)) in into.columns.iter().enumerate() {
                        query = match kind {
                            Kind::Int => query.bind(std::mem::take(&mut ints[n])),
                            Kind::Text => query.bind(std::mem::take(&mut texts[n])),
                            Kind::Bytes => query.bind(std::mem::take(&mut bytes[n])),
                        };
                    }
                    query.execute(c).await.map(|done| done.rows_affected())
                }
            };
            done += result.map_err(|e| fault::translate(&e, place))?;
        }
        Ok(done)
    }
}
