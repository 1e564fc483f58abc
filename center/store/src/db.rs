//! The one door to the databases: SQLite and PostgreSQL behind one connection, one text for each statement.
//!
//! Integers are 64 bits wide in both. What differs stands here and nowhere else:
//! opening ([`address`]), the schema's dialect ([`migrate`]) and what a fault means ([`fault`]).

pub(crate) mod address;
mod fault;
mod many;
pub(crate) mod migrate;

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnection, PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Row as _, SqlSafeStr};

use crate::{ErrorKind, StoreError};
use address::BUSY_WAIT;
pub(crate) use address::{Address, Role};
pub(crate) use many::{Kind, Many};

/// Longest wait for a connection to PostgreSQL, sign-in included: a server on the same continent answers within 0.2 s,
/// and a stopped one takes connections (the kernel does) without ever answering.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// A value of a statement. NULL has a type too, because PostgreSQL asks for it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) enum Value {
    /// An integer: ids, counts, microseconds, 0 and 1 for truth.
    #[serde(rename = "i")]
    Int(Option<i64>),
    /// A text.
    #[serde(rename = "t")]
    Text(Option<String>),
    /// Bytes.
    #[serde(rename = "b", with = "hex")]
    Bytes(Vec<u8>),
}

/// Bytes as the spool writes them: two letters each, where JSON's arrays take up to four.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        use std::fmt::Write as _;
        let mut text = String::with_capacity(2 * bytes.len());
        for byte in bytes {
            // Writing to a String does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        serializer.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let pair = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        (0..text.len()).step_by(2).map(|at| pair(at).ok_or_else(|| D::Error::custom("no bytes"))).collect()
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(Some(value))
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Value::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Int(Some(i64::from(value)))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::Text(Some(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Text(Some(value.to_owned()))
    }
}

impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        Value::Text(value)
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Value::Bytes(value)
    }
}

/// A statement with its values. The text is put together from literals alone; whatever comes from outside is a value.
///
/// A literal text has numbered placeholders (`$1`), filled by [`Sql::with`]. A text that is built piece by piece has
/// `?`, put there by [`Sql::bind`] and numbered for PostgreSQL at the end: SQLite finds numbered ones by walking through
/// all of them, which for the 4,000 of an import takes ten times longer than the import itself.
#[derive(Clone, Debug)]
pub(crate) struct Sql {
    text: Cow<'static, str>,
    values: Vec<Value>,
}

impl Sql {
    /// A text whose placeholders are filled by as many [`Sql::with`].
    pub(crate) fn new(text: &'static str) -> Self {
        Sql { text: Cow::Borrowed(text), values: Vec::new() }
    }

    /// The value of the next placeholder.
    pub(crate) fn with(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Values in the order of their placeholders.
    pub(crate) fn with_all(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        self.values.extend(values);
        self
    }

    /// More text.
    pub(crate) fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.to_mut().push_str(text);
        self
    }

    /// A placeholder here, and its value.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.push("?")
    }

    /// Placeholders with commas between, and their values.
    pub(crate) fn list(&mut self, values: impl IntoIterator<Item = impl Into<Value>>) -> &mut Self {
        for (n, value) in values.into_iter().enumerate() {
            self.push(if n == 0 { "" } else { ", " }).bind(value);
        }
        self
    }

    /// The question how SQLite would answer this one.
    #[cfg(test)]
    pub(crate) fn explained(mut self) -> Self {
        self.text.to_mut().insert_str(0, "EXPLAIN QUERY PLAN ");
        self
    }

    /// `condition` and a value, if there is one.
    pub(crate) fn and(&mut self, condition: &'static str, value: Option<impl Into<Value>>) -> &mut Self {
        if let Some(value) = value {
            self.push(condition).bind(value);
        }
        self
    }
}

/// An open connection. Dropping it in the middle of a statement undoes its transaction.
pub(crate) enum Connection {
    /// A file.
    Sqlite(SqliteConnection),
    /// A server.
    Postgres(PgConnection),
}

/// Runs `$body` with `$query` built for the database of `$connection` and `$c` the connection itself.
macro_rules! on_either {
    ($connection:expr, $sql:expr, |$query:ident, $c:ident| $body:expr) => {{
        let Sql { text, values } = $sql;
        // Built texts differ from call to call (filters, import sizes); only literals are worth keeping prepared.
        let keep = matches!(text, Cow::Borrowed(_));
        let text = match text {
            Cow::Borrowed(text) => text.into_sql_str(),
            // Sql's text is made of literals; see there.
            Cow::Owned(text) if $connection.is_remote() => AssertSqlSafe(numbered(&text)).into_sql_str(),
            Cow::Owned(text) => AssertSqlSafe(text).into_sql_str(),
        };
        match $connection {
            Connection::Sqlite($c) => {
                let mut $query = sqlx::query::<Sqlite>(text).persistent(keep);
                for value in values {
                    $query = match value {
                        Value::Int(value) => $query.bind(value),
                        Value::Text(value) => $query.bind(value),
                        Value::Bytes(value) => $query.bind(value),
                    };
                }
                $body
            }
            Connection::Postgres($c) => {
                let mut $query = sqlx::query::<Postgres>(text).persistent(keep);
                for value in values {
                    $query = match value {
                        Value::Int(value) => $query.bind(value),
                        Value::Text(value) => $query.bind(value),
                        Value::Bytes(value) => $query.bind(value),
                    };
                }
                $body
            }
        }
    }};
}

/// A built text in PostgreSQL's notation: each `?` gets its number.
fn numbered(text: &str) -> String {
    let mut parts = text.split('?');
    let mut numbered = parts.next().unwrap_or_default().to_owned();
    for (n, part) in parts.enumerate() {
        numbered.push_str(&format!("${}", n + 1));
        numbered.push_str(part);
    }
    numbered
}

impl Connection {
    /// Connects for `role`; within [`CONNECT_LIMIT`] where a server is asked.
    pub(crate) async fn open(address: &Address, role: Role) -> Result<Self, StoreError> {
        match address {
            Address::Sqlite(file) => {
                let opened = SqliteConnection::connect_with(&file.options(role)).await;
                Ok(Connection::Sqlite(opened.map_err(|e| fault::translate(&e, address.said()))?))
            }
            Address::Postgres(server) => {
                let options = server.options(role);
                match tokio::time::timeout(CONNECT_LIMIT, PgConnection::connect_with(&options)).await {
                    Ok(opened) => {
                        Ok(Connection::Postgres(opened.map_err(|e| fault::of_connecting(&e, address.said()))?))
                    }
                    Err(_elapsed) => Err(StoreError::new(
                        ErrorKind::Away,
                        format!("the database does not answer within {} s", CONNECT_LIMIT.as_secs()),
                        address.said(),
                        "is the database running? see its log and the network",
                    )),
                }
            }
        }
    }

    /// True for a server, which can go away.
    pub(crate) fn is_remote(&self) -> bool {
        matches!(self, Connection::Postgres(_))
    }

    /// Runs a statement; gives the number of rows that it changed.
    pub(crate) async fn execute(&mut self, sql: Sql, place: &str) -> Result<u64, StoreError> {
        on_either!(self, sql, |query, c| match query.execute(c).await {
            Ok(done) => Ok(done.rows_affected()),
            Err(e) => Err(fault::translate(&e, place)),
        })
    }

    /// Runs a question and gives all rows of its answer.
    pub(crate) async fn fetch(&mut self, sql: Sql, place: &str) -> Result<Vec<Row>, StoreError> {
        on_either!(self, sql, |query, c| match query.fetch_all(c).await {
            Ok(rows) => Ok(rows.into_iter().map(Row::from).collect()),
            Err(e) => Err(fault::translate(&e, place)),
        })
    }

    /// The first row of the answer, if there is one.
    pub(crate) async fn fetch_one(&mut self, sql: Sql, place: &str) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch(sql, place).await?.into_iter().next())
    }

    /// A statement that takes no values and cannot be prepared: transactions, savepoints, settings.
    pub(crate) async fn plain(&mut self, sql: &'static str) -> Result<(), StoreError> {
        let done = match self {
            Connection::Sqlite(c) => c.execute(sqlx::raw_sql(sql)).await.map(drop),
            Connection::Postgres(c) => c.execute(sqlx::raw_sql(sql)).await.map(drop),
        };
        done.map_err(|e| fault::translate(&e, sql))
    }

    /// Any SQL, for tests that change a store behind its back.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) async fn script(&mut self, sql: String) -> Result<(), StoreError> {
        let place = sql.clone();
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        let done = match self {
            Connection::Sqlite(c) => c.execute(sql).await.map(drop),
            Connection::Postgres(c) => c.execute(sql).await.map(drop),
        };
        done.map_err(|e| fault::translate(&e, &place))
    }

    /// Opens a transaction that will write.
    pub(crate) async fn begin(&mut self) -> Result<(), StoreError> {
        if self.is_remote() {
            return self.plain("BEGIN").await;
        }
        // Takes the writer's place at once, so that the wait for another writer stands here and nowhere later.
        let until = tokio::time::Instant::now() + BUSY_WAIT;
        loop {
            match self.plain("BEGIN IMMEDIATE").await {
                Err(error) if error.kind == ErrorKind::Busy && tokio::time::Instant::now() < until => {}
                done => return done,
            }
        }
    }

    /// Runs questions that walk an index in its order and look each entry up. PostgreSQL's planner would read whole tables
    /// where it expects many entries in vain; compiling such a plan would take longer than running it.
    pub(crate) async fn by_index<T>(
        &mut self,
        questions: impl AsyncFnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if !self.is_remote() {
            return questions(self).await;
        }
        self.plain(
            "BEGIN READ ONLY; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; \
             SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off",
        )
        .await?;
        let answer = questions(self).await;
        // Nothing was written, and the settings go with the transaction.
        self.roll_back().await;
        answer
    }

    /// Runs questions over one state of the database, whatever is written meanwhile.
    pub(crate) async fn at_one_moment<T>(
        &mut self,
        questions: impl AsyncFnOnce(&mut Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match self {
            Connection::Sqlite(_) => self.plain("BEGIN").await?,
            Connection::Postgres(_) => self.plain("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?,
        }
        let answer = questions(self).await;
        self.roll_back().await;
        answer
    }

    /// Makes the transaction durable; what fails is undone.
    pub(crate) async fn commit(&mut self) -> Result<(), StoreError> {
        let done = self.plain("COMMIT").await;
        if done.is_err() {
            self.roll_back().await;
        }
        done
    }

    /// Undoes the transaction.
    pub(crate) async fn roll_back(&mut self) {
        // After a full disk SQLite has rolled back by itself, and a lost server needs no word: nothing is left to undo.
        let _ = self.plain("ROLLBACK").await;
    }

    /// Says goodbye. A file's last connection writes the log back before.
    pub(crate) async fn close(self, place: &str) -> Result<(), StoreError> {
        let closed = match self {
            Connection::Sqlite(c) => c.close().await,
            Connection::Postgres(c) => c.close().await,
        };
        closed.map_err(|e| fault::translate(&e, place))
    }
}

/// Closes a store's last connection; a file gets its log back.
pub(crate) async fn close_last(mut connection: Connection, place: &str) -> Result<(), StoreError> {
    let checkpoint = match &connection {
        Connection::Sqlite(_) => connection.plain("PRAGMA wal_checkpoint(TRUNCATE)").await,
        Connection::Postgres(_) => Ok(()),
    };
    connection.close(place).await?;
    checkpoint
}

/// A row of an answer.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl From<SqliteRow> for Row {
    fn from(row: SqliteRow) -> Self {
        Row::Sqlite(row)
    }
}

impl From<PgRow> for Row {
    fn from(row: PgRow) -> Self {
        Row::Postgres(row)
    }
}

/// What a column can be read as: i64, String, `Vec<u8>` and their options.
pub(crate) trait Column:
    for<'r> sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite> + for<'r> sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>
{
}

impl<T> Column for T where
    T: for<'r> sqlx::Decode<'r, Sqlite>
        + sqlx::Type<Sqlite>
        + for<'r> sqlx::Decode<'r, Postgres>
        + sqlx::Type<Postgres>
{
}

impl Row {
    pub(crate) fn get<T: Column>(&self, column: &str) -> Result<T, StoreError> {
        let value = match self {
            Row::Sqlite(row) => row.try_get(column),
            Row::Postgres(row) => row.try_get(column),
        };
        value.map_err(|e| fault::translate(&e, &format!("column {column}")))
    }
}
