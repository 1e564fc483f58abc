//! Fixed recordings that answer detection has learnt from calls: their fingerprints, and how often each was met.
//!
//! **Invariants.** One row a recording, written when it is learnt; only its meetings change it. What a line says is
//! `detect::print`'s, in the format that the row names. Absent: numbers and sound.

use base::WallTime;

use crate::db::{Sql, Value};
use crate::ops::{id, text};
use crate::read::{maybe_wall, unsigned, wall};
use crate::rows::TenantId;
use crate::{Store, StoreError};

/// Rows of [`Store::amd_recordings`]: four times what a process holds (256), for those of other formats.
const RECORDINGS_MAX: i64 = 1_024;

/// A recording as it is learnt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AmdRecordingRow {
    /// Owner of the row.
    pub tenant: TenantId,
    /// Hash of its fingerprint, sixteen hexadecimal digits.
    pub recording: String,
    /// Of the line.
    pub format: String,
    /// What it is, and its fingerprint.
    pub line: String,
    /// When it was learnt.
    pub at: WallTime,
}

/// A recording as it is read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AmdRecording {
    /// What was written.
    pub row: AmdRecordingRow,
    /// Calls since that it answered.
    pub met: u64,
    /// The last of them.
    pub met_at: Option<WallTime>,
}

pub(crate) fn recording_values(row: &AmdRecordingRow) -> Result<Vec<Value>, StoreError> {
    Ok(vec![
        id(row.tenant.0)?.into(),
        text(&row.recording)?.into(),
        text(&row.format)?.into(),
        text(&row.line)?.into(),
        row.at.as_unix_us().into(),
    ])
}

impl Store {
    /// All recordings, in the order in which they were learnt.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn amd_recordings(&self, tenant: TenantId) -> Result<Vec<AmdRecording>, StoreError> {
        let query =
            Sql::new("SELECT * FROM amd_recording WHERE tenant_id = $1 ORDER BY learnt_us, recording_id LIMIT $2");
        self.page("recordings", query.with(id(tenant.0)?).with(RECORDINGS_MAX), move |row| {
            Ok(AmdRecording {
                row: AmdRecordingRow {
                    tenant,
                    recording: row.get("recording_id")?,
                    format: row.get("format")?,
                    line: row.get("line")?,
                    at: wall(row, "learnt_us")?,
                },
                met: unsigned(row, "met")?,
                met_at: maybe_wall(row, "met_us")?,
            })
        })
    }
}
