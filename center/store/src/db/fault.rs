//! What a fault of a database means for whoever wrote or asked.

use crate::{ErrorKind, StoreError};

/// Translates a fault; `place` names the operation.
pub(super) fn translate(error: &sqlx::Error, place: &str) -> StoreError {
    match error {
        sqlx::Error::Database(fault) => {
            let what = one_line(fault.message());
            let code = fault.code().unwrap_or_default();
            let (kind, mend) = if fault.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() {
                of_postgres(&code)
            } else {
                of_sqlite(&code)
            };
            StoreError::new(kind, what, place, mend)
        }
        sqlx::Error::RowNotFound => StoreError::not_found("no such row", place),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => StoreError::new(
            ErrorKind::Value,
            one_line(&error.to_string()),
            place,
            "the row was not written by this program",
        ),
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) => StoreError::new(
            ErrorKind::Away,
            one_line(&error.to_string()),
            place,
            "is the database running? see its log",
        ),
        _ => StoreError::new(ErrorKind::Io, one_line(&error.to_string()), place, "check the store and its disk"),
    }
}

/// A fault while connecting to a server: whatever is not plainly a wrong address will pass.
pub(super) fn of_connecting(error: &sqlx::Error, place: &str) -> StoreError {
    let fault = translate(error, place);
    match (error, fault.kind) {
        (sqlx::Error::Configuration(_), _) => {
            StoreError { kind: ErrorKind::Address, mend: "correct the store's url".to_owned(), ..fault }
        }
        (_, ErrorKind::Io) => {
            StoreError { kind: ErrorKind::Away, mend: "is the database running? see its log".to_owned(), ..fault }
        }
        _ => fault,
    }
}

/// SQLite's extended result code; its low byte is the primary code (sqlite.org/rescode.html).
fn of_sqlite(code: &str) -> (ErrorKind, &'static str) {
    match code.parse::<u32>().unwrap_or(1) & 0xff {
        13 => (ErrorKind::DiskFull, "free space on the store's disk; work goes on by itself then"),
        5 | 6 => (ErrorKind::Busy, "end the other program that writes this store, or try again"),
        8 | 14 => (ErrorKind::Io, "check that the folder exists and that this user may write in it"),
        10 => (ErrorKind::Io, "check the disk (kernel log, SMART) and its free space"),
        11 | 26 => (ErrorKind::Schema, "this file is damaged or no store: restore a backup or name another file"),
        18 => (ErrorKind::Value, "the row is too large to store"),
        19 => (ErrorKind::Rule, "the row breaks a rule of the records and was not written"),
        _ => (ErrorKind::Io, "see the message; check the store's file with `sqlite3 FILE 'pragma integrity_check'`"),
    }
}

/// PostgreSQL's SQLSTATE (PostgreSQL manual, appendix A): the first two characters are the class.
fn of_postgres(code: &str) -> (ErrorKind, &'static str) {
    match code {
        "53100" => (ErrorKind::DiskFull, "free space on the database's disk; work goes on by itself then"),
        // Too many connections, out of memory, a lock or a statement that took too long, deadlock, serialisation.
        "53200" | "53300" | "53400" | "55P03" | "57014" | "40001" | "40P01" => {
            (ErrorKind::Busy, "the database is overloaded: try again, narrow the question, see its log")
        }
        // A trigger of ours spoke.
        "P0001" => (ErrorKind::Rule, "the row breaks a rule of the records and was not written"),
        "3D000" => (ErrorKind::Address, "create the database or correct the store's url"),
        // A server that only reads: a standby that has not taken over yet.
        "25006" => (ErrorKind::Away, "name the primary server in the store's url"),
        _ => match code.get(..2).unwrap_or_default() {
            // Connection lost; the server shuts down, starts up or has crashed; its disk or memory failed.
            "08" | "57" | "58" | "XX" => (ErrorKind::Away, "is the database running? see its log"),
            "23" => (ErrorKind::Rule, "the row breaks a rule of the records and was not written"),
            "22" | "54" => (ErrorKind::Value, "the value cannot be stored"),
            "28" => (ErrorKind::Address, "correct user and password in the store's url"),
            "42" => {
                (ErrorKind::Schema, "the tables are not this program's, or its user may not use them: see the message")
            }
            _ => (ErrorKind::Io, "see the message and the database's log"),
        },
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
