//! Who did what: the operators' audit log, written by [`Op::Audit`](crate::Op::Audit).

use base::WallTime;

use crate::db::Sql;
use crate::ops::{id, maybe_id, maybe_text};
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

/// Which entries of the audit log, and in which order.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// By names that have this in them, whatever its case (ASCII).
    pub who: Option<String>,
    /// To targets that have this in them, likewise.
    pub target: Option<String>,
    /// From this moment on.
    pub from: Option<WallTime>,
    /// Before this moment.
    pub to: Option<WallTime>,
    /// Newest first.
    pub newest_first: bool,
    /// Beyond this entry.
    pub after: Option<u64>,
    /// Rows at most; 0 takes [`crate::PAGE_ROWS_MAX`].
    pub limit: u32,
}

impl Store {
    /// A page of the audit log with the entries' ids. It is walked in the order of ids: a filter that little fits reads
    /// all of it.
    ///
    /// # Errors
    /// Only what the database says.
    pub fn audit(&self, tenant: TenantId, filter: &AuditFilter) -> Result<Vec<(u64, AuditRow)>, StoreError> {
        let mut query = Sql::new("SELECT * FROM audit WHERE tenant_id = ");
        query.bind(id(tenant.0)?);
        let parts = [(" AND LOWER(who) LIKE ", &filter.who), (" AND LOWER(target) LIKE ", &filter.target)];
        for (condition, part) in parts {
            if let Some(part) = maybe_text(part.as_deref())? {
                query.push(condition).bind(inside(&part)).push(r" ESCAPE '\'");
            }
        }
        query.and(" AND at_us >= ", filter.from.map(WallTime::as_unix_us));
        query.and(" AND at_us < ", filter.to.map(WallTime::as_unix_us));
        let (beyond, order) = match filter.newest_first {
            false => (" AND audit_id > ", " ORDER BY audit_id LIMIT "),
            true => (" AND audit_id < ", " ORDER BY audit_id DESC LIMIT "),
        };
        query.and(beyond, maybe_id(filter.after)?);
        query.push(order).bind(page_rows(filter.limit));
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

/// A pattern for texts that have this in them; what a pattern would take for its own signs stands for itself.
fn inside(part: &str) -> String {
    let plain = part.to_ascii_lowercase().replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{plain}%")
}
