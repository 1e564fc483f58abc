//! Where a store is: `sqlite:PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE` (a folder of a unix socket as HOST,
//! with `%2F` for its slashes, or as `?host=/folder`).

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use crate::{ErrorKind, StoreError};

/// How long a write waits for another writer of the same file: an import's commit takes some 50 ms, and the queue of
/// ops bridges 2.7 s.
pub(crate) const BUSY_WAIT: Duration = Duration::from_secs(2);

/// How long SQLite itself waits before a short transaction asks again: its own pauses grow to 100 ms, in which an import,
/// ours or another program's, that pauses for 15 ms (`lists.rs`), would always come first.
const BUSY_ASK: Duration = Duration::from_millis(8);

/// Statements that each connection keeps prepared: all texts of this crate are some 80.
const PREPARED_MAX: usize = 128;

/// Memory of pages of SQLite, in KiB with a minus sign: its own default; and for imports what the part of an import touches
/// in a large store, where every row falls into other pages of two indexes: 10,000 × 2 × 4 KiB are 80 MiB, and some for
/// what grows at its end. With less the pages of one transaction are written and read again and again.
const USUAL_CACHE: &str = "-2000";
const IMPORT_CACHE: &str = "-114688";

/// Pages of the log after which a commit brings them into the file: SQLite's default; and for imports 64 MiB, so that the
/// pages that one part of an import after the other touches are written there once. For edits too, so that no login
/// brings an import's pages home.
const USUAL_LOG_PAGES: &str = "1000";
const IMPORT_LOG_PAGES: &str = "16384";

/// What a connection is for; a server is told how long its statements may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// Group commit.
    Ops,
    /// Questions.
    Reads,
    /// What the control plane writes: a few rows each.
    Edits,
    /// Imports.
    Imports,
    /// Counts over all records of a campaign.
    Reports,
    /// Bringing the schema forward.
    Schema,
}

impl Role {
    /// Longest statement; `None`: as long as it takes. A batch of ops takes 20 ms, a page some 10 ms, an import's part
    /// 100 ms, the ten counts of a report over ten million attempts a minute; a new index over as many takes minutes.
    pub(crate) fn limit(self) -> Option<Duration> {
        match self {
            Role::Ops => Some(Duration::from_secs(3)),
            Role::Reads => Some(Duration::from_secs(5)),
            Role::Edits => Some(Duration::from_secs(10)),
            Role::Imports => Some(Duration::from_secs(60)),
            Role::Reports => Some(Duration::from_secs(120)),
            Role::Schema => None,
        }
    }
}

/// A parsed address.
#[derive(Clone, Debug)]
pub(crate) enum Address {
    Sqlite(File),
    Postgres(Box<Server>),
}

/// A file of SQLite.
#[derive(Clone, Debug)]
pub(crate) struct File {
    path: PathBuf,
    said: String,
}

/// A database of a PostgreSQL server.
#[derive(Clone)]
pub(crate) struct Server {
    options: PgConnectOptions,
    said: String,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({})", self.said)
    }
}

impl Address {
    pub(crate) fn parse(url: &str) -> Result<Self, StoreError> {
        let said = redact(url);
        let fault = |what: String| {
            let place = format!("store url {said:?}");
            Err(StoreError::new(ErrorKind::Address, what, place, "write sqlite:PATH or postgres://USER@HOST/DATABASE"))
        };
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return match PgConnectOptions::from_str(url) {
                Ok(options) if options.get_database().is_none() => {
                    fault("the name of the database is missing".to_owned())
                }
                Ok(options) => Ok(Address::Postgres(Box::new(Server { options, said }))),
                Err(e) => fault(format!("this is no address of a database: {e}")),
            };
        }
        let Some(rest) = url.strip_prefix("sqlite:") else {
            return fault("this is no address of a store".to_owned());
        };
        let path = rest.strip_prefix("//").unwrap_or(rest);
        if path.is_empty() {
            return fault("the path of the file is missing".to_owned());
        }
        if path.starts_with(":memory:") || path.contains('?') {
            return fault("a store must be a file, without parameters".to_owned());
        }
        Ok(Address::Sqlite(File { path: PathBuf::from(path), said }))
    }

    /// The address as it may be said: without its password.
    pub(crate) fn said(&self) -> &str {
        match self {
            Address::Sqlite(file) => &file.said,
            Address::Postgres(server) => &server.said,
        }
    }
}

impl File {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn options(&self, role: Role) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .create_if_missing(role == Role::Schema)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(if matches!(role, Role::Ops | Role::Edits) { BUSY_ASK } else { BUSY_WAIT })
            .statement_cache_capacity(PREPARED_MAX)
            .pragma("cache_size", if role == Role::Imports { IMPORT_CACHE } else { USUAL_CACHE })
            .pragma(
                "wal_autocheckpoint",
                match role {
                    Role::Edits | Role::Imports => IMPORT_LOG_PAGES,
                    Role::Ops | Role::Reads | Role::Reports | Role::Schema => USUAL_LOG_PAGES,
                },
            )
    }

    /// For a look from outside that leaves no trace; journal mode and synchronisation are the owner's business.
    pub(crate) fn options_of_a_look(&self) -> SqliteConnectOptions {
        // A look at a write-ahead log leaves its files behind, even read-only. Without one the store was closed well
        // and the file alone is the truth, whoever opens it meanwhile.
        let mut log = self.path.as_os_str().to_owned();
        log.push("-wal");
        SqliteConnectOptions::new()
            .filename(&self.path)
            .read_only(true)
            .immutable(!Path::new(&log).exists())
            .create_if_missing(false)
            .busy_timeout(BUSY_WAIT)
    }
}

impl Server {
    pub(super) fn options(&self, role: Role) -> PgConnectOptions {
        let limit_ms = role.limit().map_or(0, |limit| limit.as_millis()).to_string();
        // An acknowledged row is on the disk, whatever the server's own default. A session whose client vanished in
        // mid-transaction (its host lost power) must not hold its rows for ever.
        let settings = [
            ("statement_timeout", limit_ms.as_str()),
            ("synchronous_commit", "on"),
            ("idle_in_transaction_session_timeout", "30000"),
            ("timezone", "UTC"),
        ];
        let options = self.options.clone().application_name("outpace").statement_cache_capacity(PREPARED_MAX);
        let options = options.options(settings);
        match role {
            // It looks up a thousand numbers at once in tables that grow faster than the planner's figures of them: the
            // planner would read the whole table for each thousand.
            Role::Imports => options.options([
                ("enable_seqscan", "off"),
                ("enable_hashjoin", "off"),
                ("enable_mergejoin", "off"),
                ("jit", "off"),
            ]),
            Role::Ops | Role::Reads | Role::Edits | Role::Reports | Role::Schema => options,
        }
    }
}

/// An address as logs and people may see it: a password becomes `***`.
pub fn redact(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (mut place, query) = match rest.split_once('?') {
        Some((place, query)) => (place.to_owned(), Some(query)),
        None => (rest.to_owned(), None),
    };
    if let Some((who, host)) = place.rsplit_once('@')
        && let Some((user, _password)) = who.split_once(':')
    {
        place = format!("{user}:***@{host}");
    }
    let query = query.map(|query| {
        let parts = query.split('&').map(|part| match part.split_once('=') {
            Some((key, _)) if key.contains("password") => format!("{key}=***"),
            _ => part.to_owned(),
        });
        format!("?{}", parts.collect::<Vec<_>>().join("&"))
    });
    format!("{scheme}://{place}{}", query.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_said() {
        for (url, said) in [
            ("postgres://me:s3cret@db:5432/outpace", "postgres://me:***@db:5432/outpace"),
            ("postgres://me:p@ss@db/outpace", "postgres://me:***@db/outpace"),
            ("postgres://me@db/outpace", "postgres://me@db/outpace"),
            ("postgres:///outpace?host=/run&password=x&user=me", "postgres:///outpace?host=/run&password=***&user=me"),
            ("sqlite:/var/lib/outpace.db", "sqlite:/var/lib/outpace.db"),
        ] {
            assert_eq!(redact(url), said);
            assert_eq!(Address::parse(url).unwrap().said(), said);
        }
        let fault = Address::parse("postgres://me:s3cret@db:port/outpace").unwrap_err();
        assert!(!fault.to_string().contains("s3cret"), "{fault}");
        assert!(!format!("{:?}", Address::parse("postgres://me:s3cret@db/outpace").unwrap()).contains("s3cret"));
    }
}
