//! Who did what: the operators' audit log, written by [`Op::Audit`](crate::Op::Audit).

use base::WallTime;

use crate::db::Sql;
use crate::ops::id;
use crate::read::{page_rows, unsigned, wall};
use crate::rows::TenantId;
use crate::{Store, StoreError};

/// One thing that was done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditRow {
    /// Owner of the row.
    pub tenant: TenantId,
    /// When.
    pub at: WallTime,
    /// Who: a token's name, a program, a person.
    pub who: String,
    /// What: `campaign.start`, `token.revoke`, …
    pub action: String,
    /// To what: a name or an id.
    pub target: String,
    /// The rest, as JSON.
    pub detail: String,
}

impl Store {
    /// A page of the audit log after the entry `after` (0: from the beginning), oldest first, with the entries' ids.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn audit(&self, tenant: TenantId, after: u64, limit: u32) -> Result<Vec<(u64, AuditRow)>, StoreError> {
        let query = Sql::new("SELECT * FROM audit WHERE tenant_id = $1 AND audit_id > $2 ORDER BY audit_id LIMIT $3");
        let query = query.with(id(tenant.0)?).with(id(after)?).with(page_rows(limit));
        self.page("audit log", query, move |row| {
            let entry = AuditRow {
                tenant,
                at: wall(row, "at_us")?,
                who: row.get("who")?,
                action: row.get("action")?,
                target: row.get("target")?,
                detail: row.get("detail")?,
            };
            Ok((unsigned(row, "audit_id")?, entry))
        })
    }
}
