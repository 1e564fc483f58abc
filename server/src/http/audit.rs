//! Who did what, and the configuration in force.

use super::Service;
use super::campaigns::span_of;
use super::extract::Query;
use super::page::{Page, id_cursor, rows};
use super::problem::Problem;
use super::records::Order;
use axum::extract::{OriginalUri, State};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use store::AuditFilter;
use utoipa::{IntoParams, ToSchema};

/// One thing that was done.
#[derive(Serialize, ToSchema)]
pub(super) struct Entry {
    /// Id.
    id: u64,
    /// When, in microseconds since the Unix epoch.
    at_us: i64,
    /// Name of the token that did it.
    who: String,
    /// Method and path of the operation.
    action: String,
    /// To what.
    target: String,
    /// The rest.
    #[schema(value_type = Object)]
    detail: serde_json::Value,
}

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// Done by names that have this in them, whatever its case.
    who: Option<String>,
    /// Done to paths that have this in them, such as `campaigns/spring`, likewise.
    target: Option<String>,
    /// From this moment on: RFC 3339 or microseconds since the Unix epoch.
    from: Option<String>,
    /// Before this moment.
    to: Option<String>,
    /// `asc` (default): oldest first; `desc`: newest first.
    #[param(inline)]
    order: Option<Order>,
    /// Rows of a page, 100 unless said otherwise.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where to go on; from `next`.
    cursor: Option<String>,
}

/// Everything that was changed over the API.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(AuditQuery), responses((status = 200, body = Page<Entry>)))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    OriginalUri(uri): OriginalUri,
    Query(wanted): Query<AuditQuery>,
) -> Result<axum::Json<Page<Entry>>, Problem> {
    let (tenant, limit) = (service.tenant, rows(wanted.limit)?);
    let (from, to) = span_of(wanted.from.as_deref(), wanted.to.as_deref())?;
    let filter = AuditFilter {
        who: wanted.who,
        target: wanted.target,
        from,
        to,
        newest_first: wanted.order == Some(Order::Desc),
        after: id_cursor(wanted.cursor.as_deref())?,
        limit,
    };
    let page = service.store(move |store| store.audit(tenant, &filter)).await?;
    let entries = page.into_iter().map(|(id, row)| Entry {
        id,
        at_us: row.at.as_unix_us(),
        who: row.who,
        action: row.action,
        target: row.target,
        detail: serde_json::from_str(&row.detail).unwrap_or(serde_json::Value::String(row.detail)),
    });
    Ok(axum::Json(Page::of(entries.collect(), limit, &uri, |entry: &Entry| entry.id.to_string())))
}

/// The configuration in force, with all defaults, secrets hidden.
#[utoipa::path(get, path = "/api/v1/config", tag = "audit", responses((status = 200, body = Object)))]
pub(super) async fn config(State(service): State<Arc<Service>>) -> axum::Json<serde_json::Value> {
    axum::Json(service.config.load().shown.clone())
}
