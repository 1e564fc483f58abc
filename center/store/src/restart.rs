//! What a process asks when it starts: what did the one before it leave, and what has the compliance figure counted.

use base::{AttemptId, CampaignId, LeadId, WallTime};

use crate::db::{Connection, Row, Sql};
use crate::ops::id;
use crate::read::{maybe_span, maybe_wall, small, unsigned, wall};
use crate::records::{attempt_row, cdr_row};
use crate::rows::*;
use crate::{ErrorKind, Store, StoreError};

/// Rows of one ledger: 30 days of 65,000 persons reached are 1,950,000, of about 80 bytes each 160 MB.
pub const LEDGER_ROWS_MAX: usize = 2_000_000;

/// Attempts at the numbers of one page of leads: 1,000 leads with 20 attempts each, the most that a profile allows in 30
/// days, ten times over for numbers that stand on several lists.
pub(crate) const HISTORY_ROWS_MAX: usize = 200_000;

/// Rows that a crash can leave open: as many as calls can be under way, 8,000, twenty times over.
const OPEN_ROWS_MAX: usize = 160_000;

/// Rows of one question: 2,000 take some 20 ms, so that others get their turn.
const PART_ROWS: usize = 2_000;

/// How often an outcome came of a lead at one number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutcomeCount {
    /// The lead.
    pub lead: LeadId,
    /// The number that was dialled.
    pub number: String,
    /// The outcome.
    pub outcome: String,
    /// How often.
    pub times: u32,
}

impl Store {
    /// All attempts that are not closed, oldest first: what a crash left behind.
    ///
    /// # Errors
    /// What the database says; [`ErrorKind::Value`] for more than calls can ever be under way.
    pub fn open_attempts(&self, tenant: TenantId) -> Result<Vec<AttemptRow>, StoreError> {
        self.all(
            "open attempts",
            "SELECT * FROM attempt WHERE tenant_id = $1 AND closed_us IS NULL AND attempt_id > $2 \
             ORDER BY attempt_id LIMIT $3",
            id(tenant.0)?,
            attempt_row,
            |row| row.intent.attempt.0,
        )
    }

    /// All CDRs that are not closed, oldest first, with what a BYE needs.
    ///
    /// # Errors
    /// As [`Store::open_attempts`].
    pub fn open_cdrs(&self, tenant: TenantId) -> Result<Vec<CdrRow>, StoreError> {
        self.all(
            "open CDRs",
            "SELECT * FROM cdr WHERE tenant_id = $1 AND ended_us IS NULL AND call_id > $2 ORDER BY call_id LIMIT $3",
            id(tenant.0)?,
            cdr_row,
            |row| row.open.call.0,
        )
    }

    /// The attempts of a campaign that entered its compliance ledger at or after `since`, in that order; calls that still
    /// go on are among them.
    ///
    /// # Errors
    /// What the database says; [`ErrorKind::Value`] for more than [`LEDGER_ROWS_MAX`].
    pub fn ledger(
        &self,
        tenant: TenantId,
        campaign: CampaignId,
        since: WallTime,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        let (tenant, campaign, mut from) = (id(tenant.0)?, id(campaign.0)?, since.as_unix_us());
        let mut rows: Vec<LedgerRow> = Vec::new();
        let mut after = 0;
        loop {
            // The latest word of an agent about an attempt counts.
            let query = Sql::new(
                "SELECT a.attempt_id, a.counted_us, a.counted_as, a.rang_us, \
                 (SELECT d.person FROM disposition d WHERE d.tenant_id = $1 \
                 AND d.attempt_id = a.attempt_id AND d.person IS NOT NULL ORDER BY d.disposition_id DESC LIMIT 1) \
                 AS person FROM attempt a WHERE a.tenant_id = $1 AND a.campaign_id = $2 \
                 AND (a.counted_us > $3 OR (a.counted_us = $3 AND a.attempt_id > $4)) \
                 ORDER BY a.counted_us, a.attempt_id LIMIT $5",
            );
            let query = query.with(tenant).with(campaign).with(from).with(after).with(PART_ROWS as i64);
            let part = self.page("ledger", query, ledger_row)?;
            let whole = part.len() == PART_ROWS;
            if let Some(last) = part.last() {
                (from, after) = (last.counted_at.as_unix_us(), id(last.attempt.0)?);
            }
            rows.extend(part);
            if rows.len() > LEDGER_ROWS_MAX {
                return Err(too_many("ledger", LEDGER_ROWS_MAX));
            }
            if !whole {
                return Ok(rows);
            }
        }
    }

    /// Attempts since `since` at these numbers, over all campaigns and lists, the oldest first; at most 200,000.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn history(
        &self,
        tenant: TenantId,
        numbers: &[String],
        since: WallTime,
    ) -> Result<Vec<HistoryRow>, StoreError> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = Sql::new(
            "SELECT number, intent_us, counted_us, counted_as, outcome, verdict_us FROM attempt WHERE tenant_id = ",
        );
        query.bind(id(tenant.0)?).push(" AND intent_us >= ").bind(since.as_unix_us()).push(" AND number IN (");
        query.list(numbers.iter().map(String::as_str)).push(") ORDER BY attempt_id LIMIT ");
        query.bind(HISTORY_ROWS_MAX as i64);
        self.page("history of numbers", query, |row| {
            Ok(HistoryRow {
                number: row.get("number")?,
                at: wall(row, "intent_us")?,
                counted_at: maybe_wall(row, "counted_us")?,
                counted_as: row.get("counted_as")?,
                outcome: row.get("outcome")?,
                verdict_at: maybe_wall(row, "verdict_us")?,
            })
        })
    }

    /// How often each outcome came of the attempts at these leads, by the number that was dialled.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn outcomes_of(&self, tenant: TenantId, leads: &[LeadId]) -> Result<Vec<OutcomeCount>, StoreError> {
        if leads.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = Sql::new("SELECT lead_id, number, outcome, COUNT(*) AS times FROM attempt WHERE tenant_id = ");
        query.bind(id(tenant.0)?).push(" AND outcome IS NOT NULL AND lead_id IN (");
        query.list(leads.iter().map(|lead| lead.0.cast_signed()));
        query.push(") GROUP BY lead_id, number, outcome ORDER BY lead_id, number, outcome");
        self.page("outcomes of leads", query, |row| {
            Ok(OutcomeCount {
                lead: LeadId(unsigned(row, "lead_id")?),
                number: row.get("number")?,
                outcome: row.get("outcome")?,
                times: small(row, "times")?,
            })
        })
    }

    /// The largest ids in use, so that new ones start after them.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn high_water(&self) -> Result<HighWater, StoreError> {
        let query = Sql::new(
            "SELECT (SELECT COALESCE(MAX(attempt_id), 0) FROM attempt) AS attempt, \
             (SELECT COALESCE(MAX(call_id), 0) FROM cdr) AS call, \
             (SELECT COALESCE(MAX(lead_id), 0) FROM lead) AS lead",
        );
        let found = self.page("largest ids", query, |row| {
            Ok(HighWater {
                attempt: unsigned(row, "attempt")?,
                call: unsigned(row, "call")?,
                lead: unsigned(row, "lead")?,
            })
        })?;
        Ok(found.into_iter().next().unwrap_or_default())
    }

    /// All rows of a question whose values are the tenant, the id of the last row and a number of rows.
    fn all<T: Send + 'static>(
        &self,
        place: &'static str,
        text: &'static str,
        tenant: i64,
        read: fn(&Row) -> Result<T, StoreError>,
        key: fn(&T) -> u64,
    ) -> Result<Vec<T>, StoreError> {
        self.reads.call(async move |connection: &mut Connection| {
            let mut rows: Vec<T> = Vec::new();
            loop {
                let after = id(rows.last().map_or(0, key))?;
                let query = Sql::new(text).with(tenant).with(after).with(PART_ROWS as i64);
                let part = connection.fetch(query, place).await?;
                let whole = part.len() == PART_ROWS;
                for row in &part {
                    rows.push(read(row)?);
                }
                if rows.len() > OPEN_ROWS_MAX {
                    return Err(too_many(place, OPEN_ROWS_MAX));
                }
                if !whole {
                    return Ok(rows);
                }
            }
        })
    }
}

fn too_many(place: &str, max: usize) -> StoreError {
    StoreError::new(ErrorKind::Value, format!("more than {max} rows"), place, "ask for a shorter time, or report it")
}

fn ledger_row(row: &Row) -> Result<LedgerRow, StoreError> {
    Ok(LedgerRow {
        attempt: AttemptId(unsigned(row, "attempt_id")?),
        counted_at: wall(row, "counted_us")?,
        counted_as: row.get("counted_as")?,
        disposition_person: row.get::<Option<i64>>("person")?.map(|person| person != 0),
        rang: maybe_span(row, "rang_us")?,
    })
}
