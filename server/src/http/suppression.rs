//! Numbers that must not be called.

use super::Service;
use super::attempts::maybe_campaign;
use super::auth::Holder;
use super::campaigns::names;
use super::consents::word;
use super::extract::{Json, Name, Query, phone};
use super::page::{Page, next_link, rows};
use super::problem::Problem;
use crate::control::Request;
use axum::Extension;
use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// A number that must not be called.
#[derive(Serialize, ToSchema)]
pub(super) struct Suppressed {
    /// E.164.
    number: String,
    /// Name of the campaign that must not; `null`: all of them.
    campaign: Option<String>,
}

/// A number to be put on the set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "number": "+12125550100", "reason": "asked not to be called" }))]
pub(super) struct NewSuppressed {
    /// E.164.
    #[schema(pattern = "^\\+[1-9][0-9]{2,14}$")]
    number: String,
    /// Only for this campaign; left out: for all.
    campaign: Option<String>,
    /// Why, for the record.
    #[schema(min_length = 1, max_length = 64)]
    reason: String,
}

/// Which numbers.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SuppressedQuery {
    /// Exact number, such as `+12125550100` (percent-encode the plus sign).
    number: Option<String>,
    /// Numbers of a page, 100 unless said otherwise.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where to go on; from `next`.
    cursor: Option<String>,
}

/// Numbers that must not be called, in their order.
#[utoipa::path(get, path = "/api/v1/do-not-call", tag = "compliance", params(SuppressedQuery), responses((status = 200, body = Page<Suppressed>)))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    OriginalUri(uri): OriginalUri,
    Query(wanted): Query<SuppressedQuery>,
) -> Result<axum::Json<Page<Suppressed>>, Problem> {
    let (tenant, limit, at) = (service.tenant, rows(wanted.limit)?, service.wall_now());
    let number = wanted.number.as_deref().map(|number| phone("number", number)).transpose()?;
    let after = wanted.cursor;
    let single = number.is_some();
    let page = service
        .store(move |store| {
            let found = match number {
                Some(number) => {
                    let campaigns = store.suppressions_of(tenant, &number, at)?;
                    campaigns.into_iter().map(|campaign| (number.clone(), campaign)).collect()
                }
                None => store.suppressed(tenant, at, after.as_deref(), limit)?,
            };
            let campaigns = names(store, tenant)?;
            let items = found.into_iter().map(|(number, campaign)| Suppressed {
                number,
                campaign: campaign.and_then(|campaign| campaigns.get(&campaign.0).cloned()),
            });
            Ok(items.collect::<Vec<_>>())
        })
        .await?;
    // A page is so many numbers, each with all its rows.
    let mut numbers: Vec<&str> = page.iter().map(|row| row.number.as_str()).collect();
    numbers.dedup();
    let next = numbers.last().filter(|_| !single && numbers.len() >= limit as usize).map(|last| next_link(&uri, last));
    Ok(axum::Json(Page { next, items: page }))
}

/// Puts a number on the set: from now on it is not dialled, and calls being placed to it are no exception for long.
#[utoipa::path(post, path = "/api/v1/do-not-call", tag = "compliance", request_body = NewSuppressed,
    responses((status = 204, description = "It holds and is written down")))]
pub(super) async fn add(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
    Json(wanted): Json<NewSuppressed>,
) -> Result<StatusCode, Problem> {
    let request = Request::DoNotCall {
        number: phone("number", &wanted.number)?,
        campaign: maybe_campaign(&service, wanted.campaign.as_deref())?,
        reason: word("reason", &wanted.reason)?,
        source: format!("API, {}", holder.name),
    };
    service.ask(request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a number off the set, for all campaigns. The rows that put it there stay; a row that lifts them is added.
#[utoipa::path(delete, path = "/api/v1/do-not-call/{number}", tag = "compliance", params(("number" = String, Path, description = "E.164")),
    responses((status = 204, description = "It may be called again")))]
pub(super) async fn lift(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
    Name(number): Name,
) -> Result<StatusCode, Problem> {
    let number = phone("number", &number)?;
    let (tenant, wanted, at) = (service.tenant, number.clone(), service.wall_now());
    let campaigns = service.store(move |store| store.suppressions_of(tenant, &wanted, at)).await?;
    if campaigns.is_empty() {
        return Err(Problem::not_found("this number on the do-not-call set"));
    }
    service.ask(Request::CallAgain { number, campaigns, source: format!("API, {}", holder.name) }).await?;
    Ok(StatusCode::NO_CONTENT)
}
