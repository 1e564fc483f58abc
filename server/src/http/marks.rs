//! Numbers at which nobody is to be reached, as calls have shown it.

use super::Service;
use super::campaigns::names;
use super::extract::{Name, Query, phone};
use super::page::{Page, rows};
use super::problem::Problem;
use crate::control::Request;
use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// A number at which nobody is to be reached. No campaign dials it.
#[derive(Serialize, ToSchema)]
pub(super) struct Marked {
    /// E.164.
    number: String,
    /// `fax`, `intercept` (the network says that it was changed or is out of service) or `vacant` (there is no such number).
    reason: String,
    /// Name of the campaign whose call showed it; `null`: it is gone.
    campaign: Option<String>,
    /// That call's attempt.
    attempt: u64,
    /// When, in microseconds since the Unix epoch.
    at_us: i64,
}

/// Which numbers.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct MarkedQuery {
    /// Exact number, such as `+12125550100` (percent-encode the plus sign).
    number: Option<String>,
    /// Numbers of a page, 100 unless said otherwise.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where to go on; from `next`.
    cursor: Option<String>,
}

/// Numbers at which a call met a fax machine, or the network's word that nobody is there, in their order.
#[utoipa::path(get, path = "/api/v1/number-marks", tag = "compliance", params(MarkedQuery), responses((status = 200, body = Page<Marked>)))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    OriginalUri(uri): OriginalUri,
    Query(wanted): Query<MarkedQuery>,
) -> Result<axum::Json<Page<Marked>>, Problem> {
    let (tenant, limit) = (service.tenant, rows(wanted.limit)?);
    let number = wanted.number.as_deref().map(|number| phone("number", number)).transpose()?;
    let (single, after) = (number.is_some(), wanted.cursor);
    let items: Vec<Marked> = service
        .store(move |store| {
            let found = match number {
                Some(number) => store.marks_of(tenant, &[number])?,
                None => store.number_marks(tenant, after.as_deref(), limit)?,
            };
            let campaigns = names(store, tenant)?;
            let shown = found.into_iter().map(|row| Marked {
                number: row.number,
                reason: row.reason,
                campaign: campaigns.get(&row.campaign.0).cloned(),
                attempt: row.attempt.0,
                at_us: row.at.as_unix_us(),
            });
            Ok(shown.collect())
        })
        .await?;
    if single {
        return Ok(axum::Json(Page::whole(items)));
    }
    Ok(axum::Json(Page::of(items, limit, &uri, |row| row.number.clone())))
}

/// Takes a mark off a number: it may be called again, by every campaign, until a call shows the same once more.
#[utoipa::path(delete, path = "/api/v1/number-marks/{number}", tag = "compliance", params(("number" = String, Path, description = "E.164")),
    responses((status = 204, description = "It may be called again")))]
pub(super) async fn lift(State(service): State<Arc<Service>>, Name(number): Name) -> Result<StatusCode, Problem> {
    let number = phone("number", &number)?;
    let (tenant, wanted) = (service.tenant, vec![number.clone()]);
    if service.store(move |store| store.marks_of(tenant, &wanted)).await?.is_empty() {
        return Err(Problem::not_found("a mark of this number"));
    }
    service.ask(Request::LiftMark(number)).await?;
    Ok(StatusCode::NO_CONTENT)
}
