//! Floor 5: what must survive. One SQLite file (WAL, every commit on the disk before it is acknowledged).
//!
//! ```text
//!  control plane ──submit(token, Op)──> queue ──> writer: 2-5 ms or 256 ops ──> one commit ──> Ack{token, result}
//!                ──leads(), attempts(), import_leads(), put_blob()…──> bulk: a connection of its own ──> answer
//!                                                      └── both live on the one thread "store" ──┘
//! ```
//!
//! **Invariants.**
//! - An [`Ack`] with `Ok` is sent after the commit that holds its op was synced; a killed process loses no such op.
//! - Ops of one store are applied in the order of `submit`. An op that breaks a rule fails alone; a full disk fails the
//!   batch, and the next batch tries anew.
//! - `submit` never blocks and never waits for the disk. At most [`OPS_OUTSTANDING_MAX`] ops are queued or have an
//!   acknowledgement that nobody has read.
//! - Every row has a tenant. Consent and suppression only grow, and the intent of an attempt never changes: the
//!   database itself refuses (triggers). (tenant, lead, attempt_number) is unique.
//! - Absent: no decision is made here, no vocabulary of another room is judged, no clock is read but the one that ends
//!   the gathering of a batch; wall times come with the ops. tokio and sqlx do not show outside.
//!
//! **Units.** Moments are [`base::WallTime`], kept as microseconds since the Unix epoch.

mod blob;
mod bulk;
mod error;
mod ops;
mod read;
mod rows;
mod schema;
mod writer;

pub use blob::{BLOB_BYTES_MAX, BlobKey};
pub use bulk::{IMPORT_BATCH_MAX, PAGE_ROWS_MAX};
pub use error::{ErrorKind, StoreError};
pub use ops::TEXT_BYTES_MAX;
pub use rows::*;
pub use schema::list_names;
pub use writer::{Ack, BATCH_OPS_MAX, Full, GATHER, OPS_OUTSTANDING_MAX, Stats};

use std::sync::Mutex;
use std::thread::JoinHandle;

use crossbeam::channel::Receiver;

/// The handle of an open store. Dropping it drains the queue, writes the log back and ends the thread.
pub struct Store {
    writer: writer::Handle,
    bulk: bulk::Handle,
    thread: Mutex<Option<JoinHandle<Result<(), StoreError>>>>,
}

impl Store {
    /// Opens or creates the store at `url` (`sqlite:PATH`), runs its migrations forward and starts its thread.
    ///
    /// # Errors
    /// [`ErrorKind::Address`] for any other kind of address, [`ErrorKind::Schema`] for a file that is no store or was
    /// written by a newer program, [`ErrorKind::Io`], [`ErrorKind::Busy`] and [`ErrorKind::DiskFull`] from the disk.
    pub fn open(url: &str) -> Result<(Store, Receiver<Ack>), StoreError> {
        let options = schema::parse_url(url)?;
        let place = url.to_owned();
        let (writer, writer_end, acks) = writer::channel(&place);
        let (bulk, bulk_end) = bulk::channel(&place);
        let (ready_tx, ready_rx) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || run(&place, options, writer_end, bulk_end, &ready_tx))
            .map_err(|e| {
                StoreError::new(
                    ErrorKind::Io,
                    format!("no thread for the store: {e}"),
                    url,
                    "raise the limit of threads",
                )
            })?;
        let store = Store { writer, bulk, thread: Mutex::new(Some(thread)) };
        match ready_rx.recv() {
            Ok(Ok(())) => Ok((store, acks)),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(StoreError::closed(url)),
        }
    }

    /// Hands over one write; `token` comes back in its [`Ack`]. Never blocks.
    ///
    /// # Errors
    /// [`Full`] when too much is outstanding, or when the store is closed: the op was not taken.
    pub fn submit(&self, token: u64, op: Op) -> Result<(), Full> {
        self.writer.submit(token, op)
    }

    /// Blocks until every op submitted before is committed or refused and its [`Ack`] is in the receiver.
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

    /// Takes no more ops, commits those that are queued, writes the log back into the file and ends the thread.
    /// Calling it again does nothing.
    ///
    /// # Errors
    /// Whatever the disk says to the last checkpoint; what was acknowledged is safe all the same.
    pub fn close(&self) -> Result<(), StoreError> {
        self.writer.close();
        self.bulk.close();
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

/// The store's thread: both connections on one runtime, until both handles are closed.
fn run(
    place: &str,
    options: sqlx::sqlite::SqliteConnectOptions,
    writer_end: writer::End,
    bulk_end: bulk::End,
    ready: &std::sync::mpsc::SyncSender<Result<(), StoreError>>,
) -> Result<(), StoreError> {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            let error = StoreError::new(ErrorKind::Io, e.to_string(), place, "raise the limits of this process");
            let _ = ready.send(Err(error.clone()));
            return Err(error);
        }
    };
    runtime.block_on(async {
        let (mut writes, mut reads) = match schema::connect_both(&options, place).await {
            Ok(both) => both,
            Err(error) => {
                let _ = ready.send(Err(error.clone()));
                return Err(error);
            }
        };
        // The opener waits on the other side; if it is gone, the closed channels end both loops at once.
        let _ = ready.send(Ok(()));
        tokio::join!(writer::run(writer_end, &mut writes), bulk::run(bulk_end, &mut reads));
        schema::close_both(writes, reads, place).await
    })
}

#[cfg(test)]
mod tests;
