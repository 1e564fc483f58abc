//! Opening the file: address, connection settings, migrations, the last checkpoint.

use std::path::PathBuf;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, SqlSafeStr, SqliteConnection};

use crate::{ErrorKind, StoreError};

/// How long a write waits for another writer of the same file: an import's commit takes some 50 ms, and the queue of
/// ops bridges 2.7 s.
const BUSY_WAIT: Duration = Duration::from_secs(2);

/// Migrations in order; a released one never changes (its checksum is kept in the file).
const MIGRATIONS: [(i64, &str, &str); 2] = [
    (1, "base", include_str!("../migrations/0001_base.sql")),
    (2, "guards", include_str!("../migrations/0002_guards.sql")),
];

/// `sqlite:PATH` as connection settings.
pub(crate) fn parse_url(url: &str) -> Result<SqliteConnectOptions, StoreError> {
    let fault =
        |what: &str| Err(StoreError::new(ErrorKind::Address, what, format!("store url {url:?}"), "write sqlite:PATH"));
    if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        return fault("PostgreSQL is not built into this version");
    }
    let Some(rest) = url.strip_prefix("sqlite:") else {
        return fault("this is no address of a store");
    };
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() {
        return fault("the path of the file is missing");
    }
    if path.starts_with(":memory:") || path.contains('?') {
        return fault("a store must be a file, without parameters");
    }
    Ok(SqliteConnectOptions::new()
        .filename(PathBuf::from(path))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_WAIT)
        .statement_cache_capacity(128))
}

/// The writer's connection and the bulk connection, with the schema brought forward.
pub(crate) async fn connect_both(
    options: &SqliteConnectOptions,
    place: &str,
) -> Result<(SqliteConnection, SqliteConnection), StoreError> {
    let mut writes = SqliteConnection::connect_with(options).await.map_err(|e| StoreError::from_sqlx(&e, place))?;
    migrate(&mut writes, place).await?;
    let reads = SqliteConnection::connect_with(options).await.map_err(|e| StoreError::from_sqlx(&e, place))?;
    Ok((writes, reads))
}

async fn migrate(connection: &mut SqliteConnection, place: &str) -> Result<(), StoreError> {
    let migrations = MIGRATIONS
        .iter()
        .map(|&(version, name, sql)| {
            Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
        })
        .collect();
    Migrator::with_migrations(migrations).run(connection).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => StoreError::new(
            ErrorKind::Schema,
            format!("the store has schema version {version}, which this program does not know"),
            place,
            "use the newer program that wrote it, or name another file",
        ),
        MigrateError::VersionMismatch(version) => StoreError::new(
            ErrorKind::Schema,
            format!("schema version {version} of the store differs from this program's"),
            place,
            "use the program that wrote it, or name another file",
        ),
        MigrateError::Execute(e) | MigrateError::ExecuteMigration(e, _) => StoreError::from_sqlx(&e, place),
        other => StoreError::new(ErrorKind::Schema, other.to_string(), place, "restore a backup or name another file"),
    })
}

/// Writes the log back into the file and closes both connections.
pub(crate) async fn close_both(
    mut writes: SqliteConnection,
    reads: SqliteConnection,
    place: &str,
) -> Result<(), StoreError> {
    let fault = |e: sqlx::Error| StoreError::from_sqlx(&e, place);
    let read_closed = reads.close().await;
    let checkpoint = sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut writes).await;
    let write_closed = writes.close().await;
    read_closed.map_err(fault)?;
    checkpoint.map_err(fault)?;
    write_closed.map_err(fault)
}

/// The names of a store's lists, read without changing or creating anything; `None` when there is no such file. For a
/// look from outside while the store may be in use; blocks until it has the answer.
///
/// # Errors
/// As [`Store::open`](crate::Store::open).
pub fn list_names(url: &str) -> Result<Option<Vec<String>>, StoreError> {
    let options = parse_url(url)?;
    if !options.get_filename().exists() {
        return Ok(None);
    }
    let place = url.to_owned();
    // A thread of its own, so that it may also be called from inside an async program.
    let look = std::thread::spawn(move || {
        let fault = |e: sqlx::Error| StoreError::from_sqlx(&e, place.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(|e| fault(sqlx::Error::Io(e)))?;
        runtime.block_on(async {
            // A look at a write-ahead log leaves its files behind, even read-only. Without one the store was closed
            // well and the file alone is the truth, whoever opens it meanwhile.
            let mut log = options.get_filename().as_os_str().to_owned();
            log.push("-wal");
            // Journal mode and synchronisation are the owner's business and would be writes.
            let options = SqliteConnectOptions::new()
                .filename(options.get_filename())
                .read_only(true)
                .immutable(!std::path::Path::new(&log).exists())
                .create_if_missing(false)
                .busy_timeout(BUSY_WAIT);
            let mut connection = SqliteConnection::connect_with(&options).await.map_err(fault)?;
            let names = sqlx::query_scalar("SELECT name FROM list ORDER BY name").fetch_all(&mut connection).await;
            let names = names.map_err(|e| match e {
                sqlx::Error::Database(ref missing) if missing.message().contains("no such table") => StoreError::new(
                    ErrorKind::Schema,
                    "this file is no store",
                    place.clone(),
                    "name another file, or one that is not there yet",
                ),
                other => fault(other),
            })?;
            connection.close().await.map_err(fault)?;
            Ok(Some(names))
        })
    });
    look.join().unwrap_or_else(|_| Err(StoreError::closed(url)))
}
