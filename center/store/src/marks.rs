//! Numbers at which nobody is to be reached, as calls have shown it: a fax machine, no such number.
//!
//! **Invariants.** One row a number, of the last call that showed it; it holds for every campaign until it is lifted. No
//! person has asked for it: who did stands in `suppression`. Absent: which reasons there are, and what they forbid.

use base::{AttemptId, CampaignId, WallTime};

use crate::db::{Sql, Value};
use crate::ops::{id, text};
use crate::read::{page_rows, unsigned, wall};
use crate::rows::TenantId;
use crate::{Store, StoreError};

const PLACE: &str = "marked numbers";

/// A number at which nobody is to be reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NumberMarkRow {
    /// Owner of the row.
    pub tenant: TenantId,
    /// E.164.
    pub number: String,
    /// Why, as the dialer spells it: `fax`, `intercept`, `vacant`.
    pub reason: String,
    /// The campaign whose call showed it.
    pub campaign: CampaignId,
    /// That call.
    pub attempt: AttemptId,
    /// When.
    pub at: WallTime,
}

pub(crate) fn mark_values(row: &NumberMarkRow) -> Result<Vec<Value>, StoreError> {
    Ok(vec![
        id(row.tenant.0)?.into(),
        text(&row.number)?.into(),
        text(&row.reason)?.into(),
        id(row.campaign.0)?.into(),
        id(row.attempt.0)?.into(),
        row.at.as_unix_us().into(),
    ])
}

impl Store {
    /// Marked numbers in their order, after `after`; `limit` 0 means [`PAGE_ROWS_MAX`](crate::PAGE_ROWS_MAX).
    ///
    /// # Errors
    /// Only what the database says.
    pub fn number_marks(
        &self,
        tenant: TenantId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<NumberMarkRow>, StoreError> {
        let query = Sql::new("SELECT * FROM number_mark WHERE tenant_id = $1 AND number > $2 ORDER BY number LIMIT $3");
        let query = query.with(id(tenant.0)?).with(after.unwrap_or_default()).with(page_rows(limit));
        self.marks(tenant, query)
    }

    /// The marks of these numbers, those that have one.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn marks_of(&self, tenant: TenantId, numbers: &[String]) -> Result<Vec<NumberMarkRow>, StoreError> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = Sql::new("SELECT * FROM number_mark WHERE tenant_id = ");
        query.bind(id(tenant.0)?).push(" AND number IN (").list(numbers.iter().map(String::as_str));
        query.push(") ORDER BY number");
        self.marks(tenant, query)
    }

    fn marks(&self, tenant: TenantId, query: Sql) -> Result<Vec<NumberMarkRow>, StoreError> {
        self.page(PLACE, query, move |row| {
            Ok(NumberMarkRow {
                tenant,
                number: row.get("number")?,
                reason: row.get("reason")?,
                campaign: CampaignId(unsigned(row, "campaign_id")?),
                attempt: AttemptId(unsigned(row, "attempt_id")?),
                at: wall(row, "at_us")?,
            })
        })
    }
}
