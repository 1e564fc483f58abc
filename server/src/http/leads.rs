//! Leads of lists with their dial states. They come by imports and change by dialling.

use super::Service;
use super::extract::{Id, Name, Query, phone};
use super::page::{Page, id_cursor, rows};
use super::problem::Problem;
use axum::extract::{OriginalUri, State};
use base::{LeadId, WallTime};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{LeadExpression, LeadFilter, LeadRow, Store, StoreError, TenantId};
use utoipa::{IntoParams, ToSchema};

/// Which leads.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LeadQuery {
    /// Name of the list.
    list: Option<String>,
    /// Dial state, such as `new`, `waiting`, `dialling`, `done`.
    state: Option<String>,
    /// Exact number, such as `+12125550100` (percent-encode the plus sign).
    number: Option<String>,
    /// Rows of a page, 100 unless said otherwise.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where to go on; from `next`.
    cursor: Option<String>,
}

/// A person on a list.
#[derive(Serialize, ToSchema)]
pub(super) struct Lead {
    /// Id.
    id: u64,
    /// Name of the list.
    list: Option<String>,
    /// E.164.
    number: String,
    /// The number of the same person that is dialled now, where that is another one.
    dial_number: Option<String>,
    /// Given name.
    first_name: Option<String>,
    /// Family name.
    last_name: Option<String>,
    /// IANA zone.
    timezone: Option<String>,
    /// Id in the system that the lead came from.
    external_id: Option<String>,
    /// Dial state.
    state: String,
    /// Attempts so far.
    attempts: u32,
    /// When the latest attempt was decided, in microseconds since the Unix epoch.
    last_attempt_us: Option<i64>,
    /// Not to be dialled before this moment.
    next_us: Option<i64>,
    /// Outcome of the latest attempt.
    last_outcome: Option<String>,
    /// Its group, as its list's owner names it.
    segment: Option<String>,
    /// Where the person lives, as the list's owner writes it.
    region: Option<String>,
    /// Larger ones are dialled first.
    priority: i64,
}

impl Lead {
    pub(super) fn list(&self) -> Option<&str> {
        self.list.as_deref()
    }

    pub(super) fn number(&self) -> &str {
        &self.number
    }

    fn of(row: LeadRow, lists: &BTreeMap<u64, String>) -> Lead {
        let us = |moment: Option<WallTime>| moment.map(WallTime::as_unix_us);
        Lead {
            id: row.lead.0,
            list: lists.get(&row.list.0).cloned(),
            number: row.number,
            dial_number: row.dial_number,
            first_name: row.first_name,
            last_name: row.last_name,
            timezone: row.timezone,
            external_id: row.external_id,
            state: row.state,
            attempts: row.attempt_number,
            last_attempt_us: us(row.last_attempt_at),
            next_us: us(row.next_at),
            last_outcome: row.last_outcome,
            segment: row.segment,
            region: row.region,
            priority: row.priority,
        }
    }
}

/// Leads of all lists, by id.
#[utoipa::path(get, path = "/api/v1/leads", tag = "lists", params(LeadQuery), responses((status = 200, body = Page<Lead>)))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    OriginalUri(uri): OriginalUri,
    Query(wanted): Query<LeadQuery>,
) -> Result<axum::Json<Page<Lead>>, Problem> {
    let tenant = service.tenant;
    let number = wanted.number.as_deref().map(|number| phone("number", number)).transpose()?;
    let list =
        match wanted.list {
            None => None,
            Some(name) => {
                let asked = name.clone();
                let found = service.store(move |store| store.find_list(tenant, &asked)).await?;
                Some(found.ok_or_else(|| {
                    Problem::field("list", format!("{name:?} does not exist"), "see GET /api/v1/lists")
                })?)
            }
        };
    let (after, limit) = (id_cursor(wanted.cursor.as_deref())?.map(LeadId), rows(wanted.limit)?);
    let filter = LeadFilter { list, state: wanted.state, number, after, limit };
    let leads = service
        .store(move |store| {
            let page = store.leads_page(tenant, filter)?;
            named(store, tenant, page)
        })
        .await?;
    Ok(axum::Json(Page::of(leads, limit, &uri, |lead| lead.id.to_string())))
}

/// Which leads of a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct MatchQuery {
    /// An expression over leads, such as `attempts < 3 and segment in ("gold", "trial") and last_attempt older 2d`. Fields
    /// are `attempts`, `priority`; `number`, `first_name`, `last_name`, `timezone`, `external_id`, `segment`, `region`,
    /// `state`, `last_outcome`; `last_attempt`, `next`, `imported`. What never happened is older than everything.
    #[param(max_length = 4096, example = "attempts < 3 and region = \"CA\"")]
    filter: String,
    /// Leads that are shown, 100 unless said otherwise.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// What an expression means on a list.
#[derive(Serialize, ToSchema)]
pub(super) struct Matches {
    /// The expression as it was understood.
    filter: String,
    /// All leads that it means.
    total: u64,
    /// The first of them by their ids.
    items: Vec<Lead>,
}

/// How many leads of a list an expression means, and the first of them: to try what a campaign's `filter` would dial.
/// Looks at the whole list, which takes seconds for millions of leads.
#[utoipa::path(get, path = "/api/v1/lists/{name}/leads", tag = "lists",
    params(("name" = String, Path, description = "Name of the list"), MatchQuery), responses((status = 200, body = Matches)))]
pub(super) async fn matching(
    State(service): State<Arc<Service>>,
    Name(name): Name,
    Query(wanted): Query<MatchQuery>,
) -> Result<axum::Json<Matches>, Problem> {
    let expression = LeadExpression::parse(&wanted.filter)
        .map_err(|fault| Problem::field("filter", format!("character {}: {}", fault.at, fault.what), fault.mend))?;
    let list = super::lists::id(&service, &name).await?;
    let (tenant, at, limit) = (service.tenant, service.wall_now(), rows(wanted.limit)?);
    let filter = expression.to_string();
    let found = service.store(move |store| {
        let found = store.matching(tenant, list, &expression, at, limit)?;
        Ok((found.total, named(store, tenant, found.leads)?))
    });
    let (total, items) = found.await?;
    Ok(axum::Json(Matches { filter, total, items }))
}

fn named(store: &Store, tenant: TenantId, rows: Vec<LeadRow>) -> Result<Vec<Lead>, StoreError> {
    let lists = store.list_names(tenant)?.into_iter().map(|(list, name)| (list.0, name)).collect();
    Ok(rows.into_iter().map(|row| Lead::of(row, &lists)).collect())
}

/// One lead by its id, if there is one.
pub(super) async fn find(service: &Service, id: u64) -> Result<Option<Lead>, Problem> {
    let tenant = service.tenant;
    let found = service
        .store(move |store| {
            let Some(before) = id.checked_sub(1) else { return Ok(Vec::new()) };
            let filter = LeadFilter { after: Some(LeadId(before)), limit: 1, ..LeadFilter::default() };
            let page = store.leads_page(tenant, filter)?;
            named(store, tenant, page.into_iter().filter(|row| row.lead.0 == id).collect())
        })
        .await?;
    Ok(found.into_iter().next())
}

/// One lead.
#[utoipa::path(get, path = "/api/v1/leads/{id}", tag = "lists", params(("id" = u64, Path, description = "Id of the lead")),
    responses((status = 200, body = Lead)))]
pub(super) async fn show(State(service): State<Arc<Service>>, Id(id): Id) -> Result<axum::Json<Lead>, Problem> {
    find(&service, id).await?.map(axum::Json).ok_or_else(|| Problem::not_found(format!("lead {id}")))
}
