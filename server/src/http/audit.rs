//! Who did what, and the configuration in force.

use super::Service;
use super::extract::Query;
use super::page::{Page, id_cursor, rows};
use super::problem::Problem;
use axum::extract::State;
use axum::http::Uri;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
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
    /// Rows of a page, 100 unless said otherwise.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where to go on; from `next`.
    cursor: Option<String>,
}

/// Everything that was changed over the API, oldest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(AuditQuery), responses((status = 200, body = Page<Entry>)))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    uri: Uri,
    Query(wanted): Query<AuditQuery>,
) -> Result<axum::Json<Page<Entry>>, Problem> {
    let (tenant, limit) = (service.tenant, rows(wanted.limit)?);
    let after = id_cursor(wanted.cursor.as_deref())?.unwrap_or(0);
    let page = service.store(move |store| store.audit(tenant, after, limit)).await?;
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
