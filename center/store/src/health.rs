//! Whether the database is there, as everybody may ask.

use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use crate::{ErrorKind, StoreError};

/// Whether the database is there. A file always is: its faults come with each op.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Health {
    /// Rows go where they belong.
    Ok,
    /// The database is lost or too slow, or came back and what was kept meanwhile is being written to it. Reads fail
    /// with [`ErrorKind::Away`].
    Away {
        /// Since when.
        since: Instant,
        /// Ops that are kept on the disk until it is back.
        spooled_ops: u64,
        /// The spool is so full that intents are refused ([`ErrorKind::Busy`]), so that what calls under way still
        /// have to say fits.
        intents_refused: bool,
        /// The spool takes nothing more.
        spool_full: bool,
        /// What the database or the network said last.
        error: String,
    },
}

/// What the writer knows and everybody may read; the lock is held for a copy.
#[derive(Default)]
pub(crate) struct Board {
    away: Mutex<Option<Away>>,
}

#[derive(Clone)]
pub(crate) struct Away {
    pub(crate) since: Instant,
    pub(crate) spooled_ops: u64,
    pub(crate) intents_refused: bool,
    pub(crate) spool_full: bool,
    pub(crate) error: StoreError,
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Option<Away>> {
        self.away.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(crate) fn set(&self, away: Option<Away>) {
        *self.lock() = away;
    }

    /// Why reads cannot be answered, if so.
    pub(crate) fn away_error(&self) -> Option<StoreError> {
        self.lock().as_ref().map(|away| StoreError { kind: ErrorKind::Away, ..away.error.clone() })
    }

    pub(crate) fn health(&self) -> Health {
        match self.lock().clone() {
            None => Health::Ok,
            Some(away) => Health::Away {
                since: away.since,
                spooled_ops: away.spooled_ops,
                intents_refused: away.intents_refused,
                spool_full: away.spool_full,
                error: away.error.to_string(),
            },
        }
    }
}
