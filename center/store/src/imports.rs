//! Imports as jobs: how far each is, and the lines that it would not take.

use base::{ListId, WallTime};

use crate::db::{Connection, Kind, Many, Row, Sql};
use crate::lanes::in_transaction;
use crate::ops::{id, maybe_text, text, us};
use crate::read::{maybe_wall, page_rows, unsigned, wall};
use crate::rows::TenantId;
use crate::{ErrorKind, Store, StoreError};

/// Rejected lines of one import that are kept; of at most 1.3 KiB each they are 130 MB, and nobody mends more by hand.
pub const REJECTS_MAX: u64 = 100_000;

/// Rejected lines of one call of [`Store::put_rejects`]: of at most 1.3 KiB each 1.3 MB.
pub const REJECTS_BATCH_MAX: usize = 1_000;

static REJECTS: Many = Many::new(
    "INSERT INTO import_reject",
    &[
        ("tenant_id", Kind::Int),
        ("import_id", Kind::Int),
        ("line", Kind::Int),
        ("field", Kind::Text),
        ("reason", Kind::Text),
        ("raw", Kind::Text),
    ],
    "",
);

/// What is kept of a rejected line.
pub const REJECT_RAW_BYTES_MAX: usize = 1_024;

/// An import.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ImportId(pub u64);

/// How far an import is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportProgress {
    /// running, paused, done, failed, cancelled.
    pub state: String,
    /// Bytes of the file that are read.
    pub bytes: u64,
    /// Lines read.
    pub lines: u64,
    /// Leads that are new on the list.
    pub accepted: u64,
    /// Lines that hold no lead.
    pub rejected: u64,
    /// Lines whose number was there before.
    pub duplicates: u64,
    /// Why lines hold no lead, as JSON: reason to count.
    pub reasons: String,
    /// When it ended.
    pub ended_at: Option<WallTime>,
    /// Why it failed.
    pub error: Option<String>,
}

impl Default for ImportProgress {
    /// At the beginning.
    fn default() -> Self {
        ImportProgress {
            state: "running".to_owned(),
            bytes: 0,
            lines: 0,
            accepted: 0,
            rejected: 0,
            duplicates: 0,
            reasons: "{}".to_owned(),
            ended_at: None,
            error: None,
        }
    }
}

/// An import to begin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewImport {
    /// The list it fills.
    pub list: ListId,
    /// Name of the file, for people.
    pub file_name: String,
    /// Size of the file.
    pub bytes_total: u64,
    /// A rehearsal: everything is counted, nothing goes on the list.
    pub dry_run: bool,
    /// How the file is read, in the words of whoever reads it; `None`: nobody can go on with it.
    pub options: Option<String>,
}

/// An import as stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportRow {
    /// The import.
    pub import: ImportId,
    /// What was begun.
    pub new: NewImport,
    /// When it began.
    pub started_at: WallTime,
    /// How far it is.
    pub progress: ImportProgress,
}

/// A line that was not imported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reject {
    /// Its line in the file, from 1.
    pub line: u64,
    /// The field that is at fault.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
    /// What stood there, cut to [`REJECT_RAW_BYTES_MAX`].
    pub raw: String,
}

impl Store {
    /// Notes the beginning of an import, in state `running`.
    ///
    /// # Errors
    /// [`ErrorKind::Rule`] for an unknown list.
    pub fn put_import(&self, tenant: TenantId, import: &NewImport, at: WallTime) -> Result<ImportId, StoreError> {
        let insert = Sql::new(
            "INSERT INTO import_job (tenant_id, list_id, state, file_name, started_us, bytes_total, dry_run, options) \
             VALUES ($1, $2, 'running', $3, $4, $5, $6, $7) RETURNING import_id",
        );
        let insert = insert
            .with(id(tenant.0)?)
            .with(id(import.list.0)?)
            .with(text(&import.file_name)?)
            .with(at.as_unix_us())
            .with(id(import.bytes_total)?)
            .with(import.dry_run)
            .with(maybe_text(import.options.as_deref())?);
        self.made(format!("import into list {}", import.list), insert, "import_id").map(ImportId)
    }

    /// Notes how far an import is.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for an unknown import.
    pub fn update_import(
        &self,
        tenant: TenantId,
        import: ImportId,
        progress: &ImportProgress,
    ) -> Result<(), StoreError> {
        let update = Sql::new(
            "UPDATE import_job SET state = $1, lines = $2, accepted = $3, rejected = $4, duplicates = $5, \
             ended_us = $6, error = $7, bytes = $8, reasons = $9 WHERE tenant_id = $10 AND import_id = $11",
        );
        let update = update
            .with(text(&progress.state)?)
            .with(id(progress.lines)?)
            .with(id(progress.accepted)?)
            .with(id(progress.rejected)?)
            .with(id(progress.duplicates)?)
            .with(us(progress.ended_at))
            .with(maybe_text(progress.error.as_deref())?)
            .with(id(progress.bytes)?)
            .with(text(&progress.reasons)?)
            .with(id(tenant.0)?)
            .with(id(import.0)?);
        self.change(format!("import {}", import.0), "no such import", update)
    }

    /// An import.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn import(&self, tenant: TenantId, import: ImportId) -> Result<Option<ImportRow>, StoreError> {
        let query = Sql::new("SELECT * FROM import_job WHERE tenant_id = $1 AND import_id = $2");
        let found = self.page("imports", query.with(id(tenant.0)?).with(id(import.0)?), import_row)?;
        Ok(found.into_iter().next())
    }

    /// Imports of a tenant, the latest first, before `before`; `limit` 0 means
    /// [`PAGE_ROWS_MAX`](crate::PAGE_ROWS_MAX).
    ///
    /// # Errors
    /// Only what the database says.
    pub fn imports(
        &self,
        tenant: TenantId,
        before: Option<ImportId>,
        limit: u32,
    ) -> Result<Vec<ImportRow>, StoreError> {
        let query = Sql::new(
            "SELECT * FROM import_job WHERE tenant_id = $1 AND import_id < $2 ORDER BY import_id DESC LIMIT $3",
        );
        let before = before.map_or(Ok(i64::MAX), |import| id(import.0))?;
        self.page("imports", query.with(id(tenant.0)?).with(before).with(page_rows(limit)), import_row)
    }

    /// Keeps lines that an import would not take, at most [`REJECTS_BATCH_MAX`] a call and [`REJECTS_MAX`] in all; gives
    /// how many of these were kept.
    ///
    /// # Errors
    /// [`ErrorKind::Value`] for more than a call takes, [`ErrorKind::Rule`] for an unknown import.
    pub fn put_rejects(&self, tenant: TenantId, import: ImportId, rejects: &[Reject]) -> Result<u64, StoreError> {
        let place = format!("rejected lines of import {}", import.0);
        if rejects.len() > REJECTS_BATCH_MAX {
            let what = format!("{} lines are more than {REJECTS_BATCH_MAX}", rejects.len());
            return Err(StoreError::new(ErrorKind::Value, what, place, "hand them over in parts"));
        }
        let (tenant, import) = (id(tenant.0)?, id(import.0)?);
        let mut rows = Vec::with_capacity(rejects.len());
        for reject in rejects {
            rows.push((id(reject.line)?, text(&reject.field)?, text(&reject.reason)?, cut(&reject.raw)));
        }
        self.imports.call(async move |connection| {
            in_transaction(connection, async |connection: &mut Connection| {
                let count =
                    Sql::new("SELECT COUNT(*) AS kept FROM import_reject WHERE tenant_id = $1 AND import_id = $2");
                let there = connection.fetch_one(count.with(tenant).with(import), &place).await?;
                let there = there.map_or(Ok(0), |row| unsigned(&row, "kept"))?;
                rows.truncate(usize::try_from(REJECTS_MAX.saturating_sub(there)).unwrap_or(usize::MAX));
                if rows.is_empty() {
                    return Ok(0);
                }
                let kept = rows.len() as u64;
                let rows = rows.into_iter().flat_map(|(line, field, reason, raw)| {
                    [tenant.into(), import.into(), line.into(), field.into(), reason.into(), raw.into()]
                });
                connection.insert(&REJECTS, rows.collect(), &place).await?;
                Ok(kept)
            })
            .await
        })
    }

    /// Forgets the rejected lines of an import behind this one: whoever goes on with it comes to them again.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn forget_rejects(&self, tenant: TenantId, import: ImportId, after_line: u64) -> Result<(), StoreError> {
        let delete = Sql::new("DELETE FROM import_reject WHERE tenant_id = $1 AND import_id = $2 AND line > $3");
        let delete = delete.with(id(tenant.0)?).with(id(import.0)?).with(id(after_line)?);
        self.changed(format!("rejected lines of import {}", import.0), delete).map(drop)
    }

    /// Lines that an import would not take, with their ids, in the order of lines after the line and id of `after`;
    /// `limit` 0 means [`PAGE_ROWS_MAX`](crate::PAGE_ROWS_MAX).
    ///
    /// # Errors
    /// Only what the database says.
    pub fn rejects(
        &self,
        tenant: TenantId,
        import: ImportId,
        after: (u64, u64),
        limit: u32,
    ) -> Result<Vec<(u64, Reject)>, StoreError> {
        let query = Sql::new(
            "SELECT reject_id, line, field, reason, raw FROM import_reject WHERE tenant_id = $1 AND import_id = $2 \
             AND (line, reject_id) > ($3, $4) ORDER BY line, reject_id LIMIT $5",
        );
        let query = query.with(id(tenant.0)?).with(id(import.0)?).with(id(after.0)?).with(id(after.1)?);
        self.page("rejected lines", query.with(page_rows(limit)), |row| {
            let reject = Reject {
                line: unsigned(row, "line")?,
                field: row.get("field")?,
                reason: row.get("reason")?,
                raw: row.get("raw")?,
            };
            Ok((unsigned(row, "reject_id")?, reject))
        })
    }
}

/// What can be kept of a line: rubbish may hold anything.
fn cut(raw: &str) -> String {
    let mut end = raw.len().min(REJECT_RAW_BYTES_MAX);
    while !raw.is_char_boundary(end) {
        end -= 1;
    }
    raw[..end].replace('\0', "\u{fffd}")
}

fn import_row(row: &Row) -> Result<ImportRow, StoreError> {
    Ok(ImportRow {
        import: ImportId(unsigned(row, "import_id")?),
        new: NewImport {
            list: ListId(unsigned(row, "list_id")?),
            file_name: row.get("file_name")?,
            bytes_total: unsigned(row, "bytes_total")?,
            dry_run: row.get::<i64>("dry_run")? != 0,
            options: row.get("options")?,
        },
        started_at: wall(row, "started_us")?,
        progress: ImportProgress {
            state: row.get("state")?,
            bytes: unsigned(row, "bytes")?,
            reasons: row.get("reasons")?,
            lines: unsigned(row, "lines")?,
            accepted: unsigned(row, "accepted")?,
            rejected: unsigned(row, "rejected")?,
            duplicates: unsigned(row, "duplicates")?,
            ended_at: maybe_wall(row, "ended_us")?,
            error: row.get("error")?,
        },
    })
}
