//! What attempts and CDRs have in common: the filter, pages, and the whole as a file.

use super::campaigns::{names, span_of};
use super::page::{Page, id_cursor, rows};
use super::problem::Problem;
use super::{Service, csv};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use base::LeadId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{Filter, Store, StoreError, TenantId};
use utoipa::{IntoParams, ToSchema};

/// In which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    /// Oldest first.
    Asc,
    /// Newest first.
    Desc,
}

/// Which records, and how.
#[derive(Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RecordFilter {
    /// Name of the campaign.
    pub(super) campaign: Option<String>,
    /// Name of the list.
    pub(super) list: Option<String>,
    /// Name of the agent.
    pub(super) agent: Option<String>,
    /// Outcome, such as `human` or `no_answer`.
    pub(super) outcome: Option<String>,
    /// Number from its front, such as `+1212` (percent-encode the plus sign; it may be left out).
    #[param(max_length = 32)]
    pub(super) number: Option<String>,
    /// Name of the trunk.
    pub(super) trunk: Option<String>,
    /// Id of the lead.
    pub(super) lead: Option<u64>,
    /// From this moment on: RFC 3339 or microseconds since the Unix epoch.
    pub(super) from: Option<String>,
    /// Before this moment.
    pub(super) to: Option<String>,
    /// `asc` (default): oldest first; `desc`: newest first.
    #[param(inline)]
    pub(super) order: Option<Order>,
    /// Rows of a page, 100 unless said otherwise.
    #[param(minimum = 1, maximum = 1000)]
    pub(super) limit: Option<u32>,
    /// Where to go on; from `next`.
    pub(super) cursor: Option<String>,
    /// `json` (default) or `csv`; `Accept: text/csv` means the latter.
    #[param(inline)]
    pub(super) format: Option<csv::Format>,
}

impl RecordFilter {
    /// For the store; a name of nothing is a wrong value.
    pub(super) async fn checked(&self, service: &Service) -> Result<Filter, Problem> {
        let (from, to) = span_of(self.from.as_deref(), self.to.as_deref())?;
        let nothing =
            |field: &str, name: &str| Problem::field(field, format!("{name:?} does not exist"), "see its list");
        let campaign = match &self.campaign {
            None => None,
            Some(name) => {
                let row = super::campaigns::row(service, name).await?;
                Some(row.ok_or_else(|| nothing("campaign", name))?.campaign)
            }
        };
        let list = match &self.list {
            None => None,
            Some(name) => {
                let (tenant, wanted) = (service.tenant, name.clone());
                let found = service.store(move |store| store.find_list(tenant, &wanted)).await?;
                Some(found.ok_or_else(|| nothing("list", name))?)
            }
        };
        let agent = match &self.agent {
            None => None,
            Some(name) => {
                let row = super::agents::row(service, name).await?;
                Some(row.ok_or_else(|| nothing("agent", name))?.agent)
            }
        };
        Ok(Filter {
            campaign,
            list,
            agent,
            lead: self.lead.map(LeadId),
            number: self.number.as_deref().map(front).transpose()?,
            trunk: self.trunk.clone(),
            outcome: self.outcome.clone(),
            from,
            to,
            open_only: false,
            newest_first: self.order == Some(Order::Desc),
            after: id_cursor(self.cursor.as_deref())?,
            limit: rows(self.limit)?,
        })
    }
}

/// The front of a number as people type it. What is no number (a SIP name of an inbound caller) stays as it is.
fn front(text: &str) -> Result<String, Problem> {
    let bare: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.' | '/')).collect();
    let digits = bare.strip_prefix('+').unwrap_or(&bare);
    if text.len() > 32 || digits.is_empty() || text.contains('\0') {
        return Err(Problem::field("number", format!("{text:?} is no front of a number"), "write it like +1212"));
    }
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    Ok(if is_number { format!("+{digits}") } else { text.to_owned() })
}

/// A kind of stored record as the API shows it.
pub(super) trait Record: Serialize + Send + Sized + 'static {
    /// As the store gives it.
    type Row: Send + 'static;
    /// Name of the file.
    const NAME: &'static str;
    /// Its columns.
    const HEADER: &'static [&'static str];

    /// A page of rows.
    fn read(store: &Store, tenant: TenantId, filter: Filter) -> Result<Vec<Self::Row>, StoreError>;
    /// A row for people and programs; campaigns by their names.
    fn of(row: Self::Row, campaigns: &BTreeMap<u64, String>) -> Self;
    /// A row of the file.
    fn cells(row: &Self::Row, campaigns: &BTreeMap<u64, String>) -> Vec<String>;
    /// Where a page after this row begins.
    fn cursor(row: &Self::Row) -> u64;
    /// Its id.
    fn id(&self) -> u64;
}

/// A page of records as JSON, or all that fit the filter as CSV.
pub(super) async fn answer<R: Record>(
    service: Arc<Service>,
    uri: Uri,
    headers: HeaderMap,
    wanted: RecordFilter,
) -> Result<Response, Problem> {
    let filter = wanted.checked(&service).await?;
    let tenant = service.tenant;
    if csv::wanted(wanted.format, &headers) {
        let mut campaigns = None;
        return csv::file(&service, R::NAME, R::HEADER, move |store, cursor: Option<u64>| {
            let filter = Filter { after: cursor.or(filter.after), limit: store::PAGE_ROWS_MAX, ..filter.clone() };
            let campaigns = match &campaigns {
                Some(campaigns) => campaigns,
                None => campaigns.insert(names(store, tenant)?),
            };
            let page = R::read(store, tenant, filter)?;
            let full = page.len() >= store::PAGE_ROWS_MAX as usize;
            let next = page.last().filter(|_| full).map(R::cursor);
            Ok((page.iter().map(|row| R::cells(row, campaigns)).collect(), next))
        })
        .await;
    }
    let limit = filter.limit;
    let page = service
        .store(move |store| {
            let campaigns = names(store, tenant)?;
            let page = R::read(store, tenant, filter)?;
            Ok(page.into_iter().map(|row| R::of(row, &campaigns)).collect::<Vec<_>>())
        })
        .await?;
    Ok(axum::Json(Page::of(page, limit, &uri, |record| record.id().to_string())).into_response())
}
