//! What can go wrong in the store, said as one line: what, where, how to mend it.

use std::fmt;

/// The family of a fault: what a caller decides by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// The disk has no room. Nothing of the batch was written; dialling must pause until there is room.
    DiskFull,
    /// Another process held the database longer than the wait allows, a question took too long, or the spool has no
    /// room for this op. Trying again later is right.
    Busy,
    /// The row breaks a rule of the schema (a second row of the same name, a change of an append-only row, …).
    Rule,
    /// The row that should change is not there, or is closed already.
    NotFound,
    /// A value cannot be stored or read back as what it should be.
    Value,
    /// The key does not open the blob, or its bytes were changed.
    Sealed,
    /// The file is not a store, or was written by a newer program.
    Schema,
    /// The address of the store is not one that this program can open.
    Address,
    /// The store was closed.
    Closed,
    /// The database server is lost or too slow, or has not yet been given what was kept while it was.
    Away,
    /// Any other failure of the database or the disk.
    Io,
}

impl ErrorKind {
    /// It may be different in a moment, with nothing wrong about what was asked.
    pub fn is_passing(self) -> bool {
        matches!(self, ErrorKind::Busy | ErrorKind::DiskFull | ErrorKind::Away)
    }
}

/// A fault of the store. `Display` gives `what, where, how to mend it` on one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoreError {
    /// The family of the fault.
    pub kind: ErrorKind,
    /// What happened.
    pub what: String,
    /// Where: the store's file, the operation, the row.
    pub place: String,
    /// How to mend it.
    pub mend: String,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, {}", self.what, self.place, self.mend)
    }
}

impl std::error::Error for StoreError {}

impl StoreError {
    pub(crate) fn new(kind: ErrorKind, what: impl Into<String>, place: impl Into<String>, mend: &str) -> Self {
        StoreError { kind, what: what.into(), place: place.into(), mend: mend.to_owned() }
    }

    pub(crate) fn closed(place: &str) -> Self {
        Self::new(ErrorKind::Closed, "the store is closed", place, "open the store again")
    }

    pub(crate) fn not_found(what: impl Into<String>, place: &str) -> Self {
        Self::new(ErrorKind::NotFound, what, place, "check the id; a closed row is not changed again")
    }

    /// True when the fault lies in one row and not in the store, so that its neighbours can still be written.
    pub(crate) fn is_of_one_row(&self) -> bool {
        matches!(self.kind, ErrorKind::Rule | ErrorKind::NotFound | ErrorKind::Value)
    }
}
