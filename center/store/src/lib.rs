//! Floor 5: what must survive. SQLite (one file, WAL) or PostgreSQL, the same statements on both; every commit is on a disk
//! before it is acknowledged.
//!
//! ```text
//!  control plane ──submit(token, Op)──> queue ──> writer: 2-5 ms or 256 ops ──> one commit ──> Ack{token, result}
//!                                                   └─ PostgreSQL away ──> spool (synced) ──> Ack; replayed later
//!                ──leads(), attempts(), cdrs()…───> reads: 3 connections   ──> answer
//!                ──put_agent(), put_login()…──────> edits: 1 connection    ──> answer
//!                ──import_leads()…────────────────> imports: 1 connection  ──> answer
//!                ──report()───────────────────────> reports: 1 connection  ──> answer
//!                                                      └── all live on the one thread "store" ──┘
//! ```
//!
//! **Invariants.**
//! - An [`Ack`] with `Ok` is sent after the commit (or the spool's record) that holds its op was synced; a killed process
//!   loses no such op, and none is written twice.
//! - Ops of one store are applied in the order of `submit`. An op that breaks a rule fails alone; a full disk fails the
//!   batch, and the next batch tries anew.
//! - `submit` never blocks and never waits for the disk. At most [`OPS_OUTSTANDING_MAX`] ops are queued or have an
//!   acknowledgement that nobody has read. The spool holds at most [`SPOOL_OPS_MAX`] ops and [`SPOOL_BYTES_MAX`].
//! - While the database is away, and until the spool is empty again, reads fail at once: half the truth is not told.
//! - What proves the compliance figure is sealed in the commit that writes it: see `seal`.
//! - Every row has a tenant. Consent, suppression and audit only grow, and the intent of an attempt never changes: the
//!   database itself refuses (triggers). (tenant, lead, attempt_number) is unique.
//! - Absent: no decision is made here, no vocabulary of another room is judged, no clock is read but those that end the
//!   gathering of a batch and the patience with a server; wall times come with the ops. tokio and sqlx do not show
//!   outside; sqlx is known to the module `db` alone.
//!
//! **Units.** Moments are [`base::WallTime`], kept as microseconds since the Unix epoch.

mod amd;
mod audit;
mod blob;
mod campaigns;
mod contacts;
mod db;
mod error;
mod expression;
mod health;
mod hopper;
mod imports;
mod lanes;
mod lists;
mod logins;
mod marks;
mod ops;
mod read;
mod recordings;
mod records;
mod reports;
mod restart;
mod rows;
mod screens;
mod seal;
mod spool;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod tokens;
mod trunks;
mod writer;

pub use amd::*;
pub use audit::*;
pub use blob::{BLOB_BYTES_MAX, BlobKey};
pub use campaigns::*;
pub use contacts::*;
pub use db::address::redact;
pub use db::migrate::list_names;
pub use error::{ErrorKind, StoreError};
pub use expression::{EXPRESSION_BYTES_MAX, ExpressionFault, LeadExpression};
pub use health::Health;
pub use hopper::{Due, DueBy, Fresh, LeadOrder, Place, Walk};
pub use imports::*;
pub use lists::*;
pub use logins::*;
pub use marks::*;
pub use ops::TEXT_BYTES_MAX;
pub use read::PAGE_ROWS_MAX;
pub use recordings::*;
pub use reports::*;
pub use restart::{LEDGER_ROWS_MAX, OutcomeCount};
pub use rows::*;
pub use screens::*;
pub use seal::{SealFault, SealReport};
pub use spool::{SPOOL_BYTES_MAX, SPOOL_OPS_MAX};
pub use tokens::*;
pub use trunks::*;
pub use writer::{Ack, BATCH_OPS_MAX, Full, GATHER, OPS_OUTSTANDING_MAX, Stats};

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crossbeam::channel::Receiver;
use db::{Address, Role};
use health::Board;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// Folder of the spool; it is made if only its parent is there. `None`: while the database is away, ops fail with
    /// [`ErrorKind::Away`]. Without meaning for a file, which does not go away.
    pub spool_dir: Option<PathBuf>,
    /// Ops that the spool takes, at most [`SPOOL_OPS_MAX`].
    pub spool_ops_max: u64,
    /// The store is taken as it is: one that is not there is not made, one of another schema is refused. For a look into
    /// a store that an older program may be working on.
    pub as_it_is: bool,
}

impl Default for OpenOptions {
    /// No spool: for programs that only read or edit.
    fn default() -> Self {
        OpenOptions { spool_dir: None, spool_ops_max: SPOOL_OPS_MAX, as_it_is: false }
    }
}

/// The handle of an open store. Dropping it drains the queue, writes the log back and ends the thread.
pub struct Store {
    writer: writer::Handle,
    reads: lanes::Lane,
    edits: lanes::Lane,
    imports: lanes::Lane,
    /// Beside imports on a server, which takes several writers; a file's one writer does both in turn.
    indexing: Option<lanes::Lane>,
    reports: lanes::Lane,
    /// Leads of one transaction of an import, as the last ones went.
    import_rows: Arc<std::sync::atomic::AtomicUsize>,
    board: Arc<Board>,
    thread: Mutex<Option<JoinHandle<Result<(), StoreError>>>>,
}

impl Store {
    /// Opens or creates the store at `url` (`sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`, where the
    /// database must exist) without a spool. See [`Store::open_with`].
    ///
    /// # Errors
    /// As [`Store::open_with`].
    pub fn open(url: &str) -> Result<(Store, Receiver<Ack>), StoreError> {
        Self::open_with(url, OpenOptions::default())
    }

    /// Opens or creates the store at `url`, runs its migrations forward, writes what an earlier process left in the
    /// spool and starts the store's thread.
    ///
    /// # Errors
    /// [`ErrorKind::Address`] for any other kind of address, [`ErrorKind::Schema`] for what is no store or was written
    /// by a newer program, or a spool of another database, [`ErrorKind::Away`] when the server does not answer,
    /// [`ErrorKind::Io`], [`ErrorKind::Busy`] and [`ErrorKind::DiskFull`] from the disk.
    pub fn open_with(url: &str, options: OpenOptions) -> Result<(Store, Receiver<Ack>), StoreError> {
        let address = Address::parse(url)?;
        let place = address.said().to_owned();
        let (writer, writer_end, acks) = writer::channel(&place);
        let (reads, reads_end) = lanes::lane(&place);
        let (edits, edits_end) = lanes::lane(&place);
        let (imports, imports_end) = lanes::lane(&place);
        let (indexing, indexing_end) = lanes::lane(&place);
        let (reports, reports_end) = lanes::lane(&place);
        let board = Arc::new(Board::default());
        let ends = [
            (reads_end.clone(), Role::Reads),
            (reads_end.clone(), Role::Reads),
            (reads_end, Role::Reads),
            (edits_end, Role::Edits),
            (imports_end, Role::Imports),
            (indexing_end, Role::Imports),
            (reports_end, Role::Reports),
        ];
        let indexing = matches!(address, Address::Postgres(_)).then_some(indexing);
        let inside = Inside { address, options, writer_end, ends, board: board.clone() };
        let (ready_tx, ready_rx) = std::sync::mpsc::sync_channel(1);
        let spawned = std::thread::Builder::new().name("store".to_owned()).spawn(move || inside.run(&ready_tx));
        let thread = spawned.map_err(|e| {
            StoreError::new(
                ErrorKind::Io,
                format!("no thread for the store: {e}"),
                &place,
                "raise the limit of threads",
            )
        })?;
        let import_rows = lists::import_rows();
        let thread = Mutex::new(Some(thread));
        let store = Store { writer, reads, edits, imports, indexing, reports, import_rows, board, thread };
        match ready_rx.recv() {
            Ok(Ok(())) => Ok((store, acks)),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(StoreError::closed(&place)),
        }
    }

    /// Hands over one write; `token` comes back in its [`Ack`]. Never blocks.
    ///
    /// # Errors
    /// [`Full`] when too much is outstanding, or when the store is closed: the op was not taken.
    pub fn submit(&self, token: u64, op: Op) -> Result<(), Full> {
        self.writer.submit(token, op)
    }

    /// Blocks until every op submitted before is acknowledged, kept in the spool or refused, and its [`Ack`] is in the
    /// receiver.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] when the store is closed.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.writer.flush()
    }

    /// Ops and commits so far.
    pub fn stats(&self) -> Stats {
        self.writer.stats()
    }

    /// Whether the database is there. Cheap; from any thread.
    pub fn health(&self) -> Health {
        self.board.health()
    }

    /// Takes no more ops, commits those that are queued, writes the log back into the file and ends the thread. What
    /// is in the spool stays there for the next opening. Calling it again does nothing.
    ///
    /// # Errors
    /// Whatever the disk says to the last checkpoint; what was acknowledged is safe all the same.
    pub fn close(&self) -> Result<(), StoreError> {
        self.writer.close();
        let lanes = [&self.reads, &self.edits, &self.imports, &self.reports];
        for lane in lanes.into_iter().chain(&self.indexing) {
            lane.close();
        }
        let thread = self.thread.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        match thread.map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(StoreError::new(
                ErrorKind::Closed,
                "the store's thread ended by a fault of the program",
                "store",
                "report it with the log",
            )),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Whoever wants to know calls close(); acknowledged ops are safe whatever happens here.
        let _ = self.close();
    }
}

/// What the store's thread owns.
struct Inside {
    address: Address,
    options: OpenOptions,
    writer_end: writer::End,
    /// One for each connection beside the writer's.
    ends: [(lanes::LaneEnd, Role); 7],
    board: Arc<Board>,
}

impl Inside {
    /// All connections on one runtime, until the handles are closed.
    fn run(self, ready: &std::sync::mpsc::SyncSender<Result<(), StoreError>>) -> Result<(), StoreError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| {
            StoreError::new(ErrorKind::Io, e.to_string(), self.address.said(), "raise the limits of this process")
        });
        let opened = match &runtime {
            Ok(runtime) => runtime.block_on(self.open()).map(|writer| (runtime, writer)),
            Err(error) => Err(error.clone()),
        };
        let (runtime, writer) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                let _ = ready.send(Err(error.clone()));
                return Err(error);
            }
        };
        // The opener waits on the other side; if it is gone, the closed channels end all loops at once.
        let _ = ready.send(Ok(()));
        let (address, board) = (&self.address, &*self.board);
        let [a, b, c, d, e, f, g] = self.ends.map(|(end, role)| lanes::run(end, address, role, board));
        runtime.block_on(async {
            let (connection, ..) = tokio::join!(writer::run(writer, self.writer_end), a, b, c, d, e, f, g);
            match connection {
                Some(connection) => db::close_last(connection, address.said()).await,
                None => Ok(()),
            }
        })
    }

    async fn open(&self) -> Result<writer::Writer, StoreError> {
        if self.options.as_it_is {
            db::migrate::check(&self.address).await?;
        } else {
            db::migrate::run(&self.address).await?;
        }
        let spool = match (&self.address, &self.options.spool_dir) {
            (Address::Postgres(_), Some(folder)) => {
                Some(spool::Spool::open(folder, self.options.spool_ops_max.min(SPOOL_OPS_MAX))?)
            }
            _ => None,
        };
        writer::Writer::open(self.address.clone(), spool, self.board.clone(), &self.writer_end).await
    }
}

#[cfg(test)]
mod tests;
