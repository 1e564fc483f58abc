//! Reads and bulk writes: a connection of its own, so that a page of CDRs never waits in the queue of intents. Every
//! function here blocks its caller until the answer is there; none may be called from a shard's thread.

use std::pin::Pin;

use base::{CampaignId, ListId, WallTime};
use sqlx::{AssertSqlSafe, Row, SqliteConnection};
use tokio::sync::mpsc;

use crate::ops::{id, maybe_text, text};
use crate::read::unsigned;
use crate::rows::*;
use crate::{ErrorKind, Store, StoreError};

/// Leads that one call of [`Store::import_leads`] takes: some 150 bytes each, so 1.5 MiB.
pub const IMPORT_BATCH_MAX: usize = 10_000;

/// Rows of one page of any list: of about 1 KiB each, so 1 MiB.
pub const PAGE_ROWS_MAX: u32 = 1_000;

/// Leads of one INSERT: 8 values each make 4,000 of SQLite's 32,766.
const INSERT_ROWS: usize = 500;

/// Leads of one transaction: written in about 40 ms, for which the group commit of running calls has to wait.
const COMMIT_ROWS: usize = 2_000;

type Work<'c> = Pin<Box<dyn Future<Output = ()> + 'c>>;
type Job = Box<dyn for<'c> FnOnce(&'c mut SqliteConnection) -> Work<'c> + Send>;

/// The callers' side.
pub(crate) struct Handle {
    // Each caller waits for its answer, so there are never more jobs than threads that call.
    jobs: mpsc::UnboundedSender<Option<Job>>,
    place: String,
}

/// The thread's side.
pub(crate) struct End {
    jobs: mpsc::UnboundedReceiver<Option<Job>>,
}

pub(crate) fn channel(place: &str) -> (Handle, End) {
    let (jobs_tx, jobs_rx) = mpsc::unbounded_channel();
    (Handle { jobs: jobs_tx, place: place.to_owned() }, End { jobs: jobs_rx })
}

/// Does jobs in their order until the handle closes.
pub(crate) async fn run(mut end: End, connection: &mut SqliteConnection) {
    while let Some(message) = end.jobs.recv().await {
        match message {
            Some(job) => job(connection).await,
            // Jobs sent before still come out; then the queue gives None.
            None => end.jobs.close(),
        }
    }
}

/// Gives the closure that a caller wrote the one type that the queue carries.
fn job<T, F>(work: F, answer: std::sync::mpsc::SyncSender<Result<T, StoreError>>) -> Job
where
    T: Send + 'static,
    F: AsyncFnOnce(&mut SqliteConnection) -> Result<T, StoreError> + Send + 'static,
{
    Box::new(move |connection| {
        Box::pin(async move {
            // The caller waits for it; only a caller whose thread died does not.
            let _ = answer.send(work(connection).await);
        })
    })
}

impl Handle {
    pub(crate) fn close(&self) {
        // A thread that has ended needs no message.
        let _ = self.jobs.send(None);
    }

    /// Runs `work` on the bulk connection and waits for its answer.
    pub(crate) fn call<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: AsyncFnOnce(&mut SqliteConnection) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer_tx, answer_rx) = std::sync::mpsc::sync_channel(1);
        // A job that cannot be sent is dropped here, with its end of the answer.
        let sent = self.jobs.send(Some(job(work, answer_tx))).is_ok();
        let answer = if sent { answer_rx.recv().ok() } else { None };
        answer.unwrap_or_else(|| Err(StoreError::closed(&self.place)))
    }
}

impl Store {
    pub(crate) fn bulk(&self) -> &Handle {
        &self.bulk
    }

    /// Makes a list; its name is unique for the tenant.
    ///
    /// # Errors
    /// [`ErrorKind::Rule`] when the list exists.
    pub fn create_list(&self, tenant: TenantId, name: &str, at: WallTime) -> Result<ListId, StoreError> {
        let (tenant, name) = (id(tenant.0)?, text(name)?);
        self.bulk.call(async move |connection| {
            let place = format!("list {name:?}");
            let row = sqlx::query("INSERT INTO list (tenant_id, name, created_us) VALUES (?, ?, ?) RETURNING list_id")
                .bind(tenant)
                .bind(name)
                .bind(at.as_unix_us())
                .fetch_one(connection)
                .await
                .map_err(|e| StoreError::from_sqlx(&e, place))?;
            unsigned(&row, "list_id").map(ListId)
        })
    }

    /// The list of this name, if there is one.
    ///
    /// # Errors
    /// Only what the disk says.
    pub fn find_list(&self, tenant: TenantId, name: &str) -> Result<Option<ListId>, StoreError> {
        let (tenant, name) = (id(tenant.0)?, text(name)?);
        self.bulk.call(async move |connection| {
            let row = sqlx::query("SELECT list_id FROM list WHERE tenant_id = ? AND name = ?")
                .bind(tenant)
                .bind(name)
                .fetch_optional(connection)
                .await
                .map_err(|e| StoreError::from_sqlx(&e, "lists"))?;
            row.map(|row| unsigned(&row, "list_id").map(ListId)).transpose()
        })
    }

    /// The campaign of this name, made in state `stopped` if it is new.
    ///
    /// # Errors
    /// Only what the disk says.
    pub fn ensure_campaign(&self, tenant: TenantId, name: &str, at: WallTime) -> Result<CampaignId, StoreError> {
        let (tenant, name) = (id(tenant.0)?, text(name)?);
        self.bulk.call(async move |connection| {
            let place = format!("campaign {name:?}");
            let fault = |e: sqlx::Error| StoreError::from_sqlx(&e, place.clone());
            sqlx::query(
                "INSERT INTO campaign (tenant_id, name, state_changed_us) VALUES (?, ?, ?) \
                 ON CONFLICT (tenant_id, name) DO NOTHING",
            )
            .bind(tenant)
            .bind(name.clone())
            .bind(at.as_unix_us())
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
            let row = sqlx::query("SELECT campaign_id FROM campaign WHERE tenant_id = ? AND name = ?")
                .bind(tenant)
                .bind(name.clone())
                .fetch_one(connection)
                .await
                .map_err(fault)?;
            unsigned(&row, "campaign_id").map(CampaignId)
        })
    }

    /// Adds leads to a list; numbers that are on it already are left as they are. At most [`IMPORT_BATCH_MAX`] a call.
    /// After the last batch call [`Store::analyze`].
    ///
    /// # Errors
    /// [`ErrorKind::Value`] for a number that is not E.164 or a batch that is too large, [`ErrorKind::NotFound`] for
    /// an unknown list: nothing was added. When the disk fails half way, parts of 2,000 leads may have been added;
    /// importing the batch again is right.
    pub fn import_leads(&self, list: ListId, batch: Vec<NewLead>, at: WallTime) -> Result<Imported, StoreError> {
        let place = format!("import into list {list}");
        if batch.len() > IMPORT_BATCH_MAX {
            let what = format!("a batch of {} leads is larger than {IMPORT_BATCH_MAX}", batch.len());
            return Err(StoreError::new(ErrorKind::Value, what, place, "import in smaller batches"));
        }
        for lead in &batch {
            check_lead(lead, &place)?;
        }
        let list = id(list.0)?;
        self.bulk.call(async move |connection| {
            let mut imported = Imported::default();
            for part in batch.chunks(COMMIT_ROWS) {
                let added = import_part(connection, list, part, at, &place).await?;
                imported.added += added;
                imported.already_there += part.len() as u64 - added;
            }
            Ok(imported)
        })
    }

    /// Refreshes the figures that the database plans its queries by; right after a large import.
    ///
    /// # Errors
    /// Only what the disk says.
    pub fn analyze(&self) -> Result<(), StoreError> {
        self.bulk.call(async move |connection| {
            let done = sqlx::query("ANALYZE").execute(connection).await;
            done.map(drop).map_err(|e| StoreError::from_sqlx(&e, "analyze"))
        })
    }
}

fn check_lead(lead: &NewLead, place: &str) -> Result<(), StoreError> {
    // E.164 (ITU-T): a plus sign and up to 15 digits, the first of which is not 0.
    let digits = lead.number.strip_prefix('+').unwrap_or_default().as_bytes();
    let valid = (3..=15).contains(&digits.len()) && digits[0] != b'0' && digits.iter().all(u8::is_ascii_digit);
    if !valid {
        // The number itself stays out of messages, which end in logs.
        let what = "a number that is not E.164";
        return Err(StoreError::new(ErrorKind::Value, what, place, "normalise numbers before the import"));
    }
    for value in [&lead.first_name, &lead.last_name, &lead.timezone, &lead.external_id] {
        maybe_text(value.as_deref())?;
    }
    Ok(())
}

/// One transaction of an import; gives the number of rows that are new.
async fn import_part(
    connection: &mut SqliteConnection,
    list: i64,
    part: &[NewLead],
    at: WallTime,
    place: &str,
) -> Result<u64, StoreError> {
    let fault = |e: sqlx::Error| StoreError::from_sqlx(&e, place);
    let mut transaction = sqlx::Connection::begin_with(connection, "BEGIN IMMEDIATE").await.map_err(fault)?;
    let tenant: i64 = sqlx::query("SELECT tenant_id FROM list WHERE list_id = ?")
        .bind(list)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(fault)?
        .ok_or_else(|| StoreError::not_found("no such list", place))?
        .try_get("tenant_id")
        .map_err(fault)?;
    let mut added = 0;
    for rows in part.chunks(INSERT_ROWS) {
        let mut sql = String::from(
            "INSERT INTO lead (tenant_id, list_id, number, first_name, last_name, timezone, external_id, imported_us) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        );
        for _ in 1..rows.len() {
            sql.push_str(", (?, ?, ?, ?, ?, ?, ?, ?)");
        }
        sql.push_str(" ON CONFLICT (tenant_id, list_id, number) DO NOTHING");
        // The text is made of the literals above alone; only the full size is worth keeping prepared.
        let mut insert = sqlx::query(AssertSqlSafe(sql)).persistent(rows.len() == INSERT_ROWS);
        for lead in rows {
            insert = insert
                .bind(tenant)
                .bind(list)
                .bind(lead.number.as_str())
                .bind(lead.first_name.as_deref())
                .bind(lead.last_name.as_deref())
                .bind(lead.timezone.as_deref())
                .bind(lead.external_id.as_deref())
                .bind(at.as_unix_us());
        }
        added += insert.execute(&mut *transaction).await.map_err(fault)?.rows_affected();
    }
    transaction.commit().await.map_err(fault)?;
    Ok(added)
}
