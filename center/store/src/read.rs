//! Questions to the store. Pages are in the order of ids; the last id of a page continues it. Every function blocks its
//! caller until the answer is there.

use base::{AgentId, AttemptId, CampaignId, Duration, LeadId, WallTime};

use crate::db::{Row, Sql};
use crate::ops::{id, text};
use crate::rows::*;
use crate::{ErrorKind, Store, StoreError};

/// Rows of one page of any list: of about 1 KiB each, so 1 MiB.
pub const PAGE_ROWS_MAX: u32 = 1_000;

/// Answers of [`Store::double_dials`] at most: one is a fault already, a hundred show its pattern.
const DOUBLE_DIALS_MAX: i64 = 100;

impl Store {
    /// Numbers that must not be dialled at `at`, in alphabetical order, after `after`: the latest row of a number and
    /// campaign decides. (number, `None` for all campaigns).
    ///
    /// # Errors
    /// Only what the database says.
    pub fn suppressed(
        &self,
        tenant: TenantId,
        at: WallTime,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(String, Option<CampaignId>)>, StoreError> {
        // Whole numbers only: a page may not end between two campaigns of one number.
        let query = Sql::new(
            "WITH latest AS (SELECT number, campaign_id, action, until_us, ROW_NUMBER() OVER \
             (PARTITION BY number, COALESCE(campaign_id, 0) ORDER BY suppression_id DESC) AS age \
             FROM suppression WHERE tenant_id = $1 AND number > $2 AND at_us <= $3), \
             live AS (SELECT number, campaign_id FROM latest WHERE age = 1 AND action = 'add' \
             AND (until_us IS NULL OR until_us > $3)) \
             SELECT number, campaign_id FROM live WHERE number IN \
             (SELECT DISTINCT number FROM live ORDER BY number LIMIT $4) \
             ORDER BY number, COALESCE(campaign_id, 0)",
        );
        let query = query.with(id(tenant.0)?).with(text(after.unwrap_or_default())?).with(at.as_unix_us());
        self.page("suppression", query.with(page_rows(limit)), |row| {
            Ok((row.get("number")?, maybe_unsigned(row, "campaign_id")?.map(CampaignId)))
        })
    }

    /// What forbids to dial a number at `at`: the campaigns, `None` for all of them. Empty: nothing does.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn suppressions_of(
        &self,
        tenant: TenantId,
        number: &str,
        at: WallTime,
    ) -> Result<Vec<Option<CampaignId>>, StoreError> {
        let query = Sql::new(
            "WITH latest AS (SELECT campaign_id, action, until_us, ROW_NUMBER() OVER \
             (PARTITION BY COALESCE(campaign_id, 0) ORDER BY suppression_id DESC) AS age \
             FROM suppression WHERE tenant_id = $1 AND number = $2 AND at_us <= $3) \
             SELECT campaign_id FROM latest WHERE age = 1 AND action = 'add' \
             AND (until_us IS NULL OR until_us > $3) ORDER BY COALESCE(campaign_id, 0)",
        );
        let query = query.with(id(tenant.0)?).with(text(number)?).with(at.as_unix_us());
        self.page("suppression", query, |row| Ok(maybe_unsigned(row, "campaign_id")?.map(CampaignId)))
    }

    /// The latest consent row of a number for a scope, with its id, if there is one.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn consent(
        &self,
        tenant: TenantId,
        number: &str,
        scope: &str,
    ) -> Result<Option<(u64, ConsentRow)>, StoreError> {
        let query = Sql::new(
            "SELECT * FROM consent WHERE tenant_id = $1 AND number = $2 AND scope = $3 \
             ORDER BY consent_id DESC LIMIT 1",
        );
        let query = query.with(id(tenant.0)?).with(text(number)?).with(text(scope)?);
        Ok(self.page("consent", query, move |row| consent_row(tenant, row))?.into_iter().next())
    }

    /// The latest consent row of each number for a scope, with its id, in alphabetical order of numbers after
    /// `after_number`: given or withdrawn.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn consents(
        &self,
        tenant: TenantId,
        scope: &str,
        after_number: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(u64, ConsentRow)>, StoreError> {
        let query = Sql::new(
            "SELECT * FROM consent WHERE consent_id IN (SELECT MAX(consent_id) FROM consent \
             WHERE tenant_id = $1 AND scope = $2 AND number > $3 GROUP BY number ORDER BY number LIMIT $4) \
             ORDER BY number",
        );
        let query = query.with(id(tenant.0)?).with(text(scope)?).with(text(after_number.unwrap_or_default())?);
        self.page("consents", query.with(page_rows(limit)), move |row| consent_row(tenant, row))
    }

    /// Call backs that are due before `before` and not done, the most urgent first.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn callbacks_due(
        &self,
        tenant: TenantId,
        before: WallTime,
        limit: u32,
    ) -> Result<Vec<CallbackInfo>, StoreError> {
        let query = Sql::new(
            "SELECT * FROM callback WHERE tenant_id = $1 AND done_us IS NULL AND due_us < $2 \
             ORDER BY due_us, callback_id LIMIT $3",
        );
        let query = query.with(id(tenant.0)?).with(before.as_unix_us()).with(page_rows(limit));
        self.page("call backs", query, callback_row)
    }

    /// Call backs of a campaign that are not done, the most urgent first, at most
    /// [`PAGE_ROWS_MAX`]; those of some leads only, if any are named.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn promises(
        &self,
        tenant: TenantId,
        campaign: CampaignId,
        leads: &[LeadId],
    ) -> Result<Vec<CallbackInfo>, StoreError> {
        let mut query = Sql::new("SELECT * FROM callback WHERE tenant_id = ");
        query.bind(id(tenant.0)?).push(" AND done_us IS NULL AND campaign_id = ").bind(id(campaign.0)?);
        if !leads.is_empty() {
            query.push(" AND lead_id IN (").list(leads.iter().map(|lead| lead.0.cast_signed())).push(")");
        }
        query.push(" ORDER BY due_us, callback_id LIMIT ").bind(page_rows(0));
        self.page("call backs", query, callback_row)
    }

    /// Pairs of neighbouring attempts at one number whose intents are closer than `min_gap`, or of which the second
    /// was decided before the first had ended or while it is still open. Empty is what the law wants. At most 100.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn double_dials(&self, tenant: TenantId, min_gap: Duration) -> Result<Vec<DoubleDial>, StoreError> {
        let query = Sql::new(
            "WITH pair AS (SELECT number, attempt_id AS later, intent_us AS later_us, \
             LAG(attempt_id) OVER neighbours AS earlier, LAG(intent_us) OVER neighbours AS earlier_us, \
             LAG(ended_us) OVER neighbours AS earlier_end_us FROM attempt WHERE tenant_id = $1 \
             WINDOW neighbours AS (PARTITION BY number ORDER BY intent_us, attempt_id)) \
             SELECT number, earlier, later, later_us - earlier_us AS gap_us FROM pair \
             WHERE earlier IS NOT NULL \
             AND (later_us - earlier_us < $2 OR later_us < earlier_end_us OR earlier_end_us IS NULL) \
             ORDER BY later LIMIT $3",
        );
        let query = query.with(id(tenant.0)?).with(id(min_gap.as_us())?).with(DOUBLE_DIALS_MAX);
        self.page("double dials", query, |row| {
            Ok(DoubleDial {
                number: row.get("number")?,
                first: AttemptId(unsigned(row, "earlier")?),
                second: AttemptId(unsigned(row, "later")?),
                gap_us: row.get("gap_us")?,
            })
        })
    }

    /// Runs a question and reads every row of the answer.
    pub(crate) fn page<T: Send + 'static>(
        &self,
        place: &'static str,
        query: Sql,
        read: impl Fn(&Row) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Vec<T>, StoreError> {
        self.reads.call(async move |connection| connection.fetch(query, place).await?.iter().map(read).collect())
    }
}

pub(crate) fn consent_row(tenant: TenantId, row: &Row) -> Result<(u64, ConsentRow), StoreError> {
    let action: String = row.get("action")?;
    let consent = ConsentRow {
        tenant,
        number: row.get("number")?,
        action: if action == Action::Add.text() { Action::Add } else { Action::Lift },
        scope: row.get("scope")?,
        source: row.get("source")?,
        proof: row.get("proof")?,
        at: wall(row, "at_us")?,
    };
    Ok((unsigned(row, "consent_id")?, consent))
}

/// The rows of a page: 0 and too many both mean the most.
pub(crate) fn page_rows(limit: u32) -> i64 {
    i64::from(if limit == 0 { PAGE_ROWS_MAX } else { limit.min(PAGE_ROWS_MAX) })
}

/// A column that holds what this program never writes there.
pub(crate) fn foreign(column: &str, what: &str) -> StoreError {
    StoreError::new(ErrorKind::Value, what, format!("column {column}"), "the row was not written by this program")
}

/// A number of the size that this column has.
pub(crate) fn small<T: TryFrom<i64>>(row: &Row, column: &str) -> Result<T, StoreError> {
    T::try_from(row.get::<i64>(column)?).map_err(|_| foreign(column, "a number out of range"))
}

/// A number of the size that this column has, or none.
pub(crate) fn maybe_small<T: TryFrom<i64>>(row: &Row, column: &str) -> Result<Option<T>, StoreError> {
    let value = row.get::<Option<i64>>(column)?;
    value.map(|value| T::try_from(value).map_err(|_| foreign(column, "a number out of range"))).transpose()
}

pub(crate) fn unsigned(row: &Row, column: &str) -> Result<u64, StoreError> {
    small(row, column)
}

pub(crate) fn maybe_unsigned(row: &Row, column: &str) -> Result<Option<u64>, StoreError> {
    maybe_small(row, column)
}

pub(crate) fn wall(row: &Row, column: &str) -> Result<WallTime, StoreError> {
    row.get(column).map(WallTime::from_unix_us)
}

pub(crate) fn maybe_wall(row: &Row, column: &str) -> Result<Option<WallTime>, StoreError> {
    Ok(row.get::<Option<i64>>(column)?.map(WallTime::from_unix_us))
}

/// A column of microseconds.
pub(crate) fn maybe_span(row: &Row, column: &str) -> Result<Option<Duration>, StoreError> {
    Ok(maybe_unsigned(row, column)?.map(Duration::from_us))
}

fn callback_row(row: &Row) -> Result<CallbackInfo, StoreError> {
    Ok(CallbackInfo {
        id: unsigned(row, "callback_id")?,
        lead: LeadId(unsigned(row, "lead_id")?),
        campaign: CampaignId(unsigned(row, "campaign_id")?),
        agent: maybe_unsigned(row, "agent_id")?.map(AgentId),
        due_at: wall(row, "due_us")?,
        note: row.get("note")?,
    })
}
