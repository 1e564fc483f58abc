//! Campaigns: made, tuned while they run, started, paused, stopped.

use super::Service;
use super::auth::Holder;
use super::calls::unexpected;
use super::extract::{Json, Name, Query, moment};
use super::page::{Page, percent, shown_to};
use super::problem::{FieldError, Problem};
use crate::config::{self, CampaignSchema, KeyFault};
use crate::control::history::{POINTS_KEPT, Series};
use crate::control::views::CampaignView;
use crate::control::{Reply, Request};
use crate::office::{self, NamedBy};
use axum::Extension;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base::{CampaignId, ListId, WallTime};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{CAMPAIGN_CONFIG_BYTES_MAX, CampaignRow, Filter, NewCampaign};
use utoipa::IntoParams;

/// Minutes of a series, unless asked otherwise, and at most: what is kept of each campaign.
const SERIES_MINUTES: u32 = 15;
const SERIES_MINUTES_MAX: u32 = (POINTS_KEPT / 60) as u32;

/// All campaigns, by id.
#[utoipa::path(get, path = "/api/v1/campaigns", tag = "campaigns", responses((status = 200, body = Page<CampaignView>)))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
) -> Result<axum::Json<Value>, Problem> {
    let snapshot = service.control.snapshot();
    Ok(axum::Json(shown_to(holder.role, &Page::whole(snapshot.campaigns.values().collect()))?))
}

/// One campaign as it stands: state, why it launches what it launches, settings, ledger.
#[utoipa::path(get, path = "/api/v1/campaigns/{name}", tag = "campaigns", params(("name" = String, Path, description = "Name of the campaign")),
    responses((status = 200, body = CampaignView)))]
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
    Name(name): Name,
) -> Result<axum::Json<Value>, Problem> {
    let snapshot = service.control.snapshot();
    let view = snapshot.campaigns.values().find(|campaign| campaign.name == name);
    Ok(axum::Json(shown_to(holder.role, view.ok_or_else(|| no_campaign(&name))?)?))
}

/// Makes a campaign, stopped. Its list must be there.
#[utoipa::path(post, path = "/api/v1/campaigns", tag = "campaigns", request_body = CampaignSchema, responses(
    (status = 201, body = CampaignView, headers(("Location" = String, description = "Address of the campaign")))
))]
pub(super) async fn create(
    State(service): State<Arc<Service>>,
    Json(settings): Json<Map<String, Value>>,
) -> Result<Response, Problem> {
    let _turn = service.settings.lock().await;
    let checked = config::Campaign::from_json(&settings, &service.known()).map_err(field_errors)?;
    if row(&service, &checked.name).await?.is_some() {
        return Err(Problem::conflict(format!("campaign {:?} exists, change it with PATCH", checked.name)));
    }
    let place = format!("{}/api/v1/campaigns/{}", service.base_path, percent(&checked.name));
    let view = put(&service, checked, settings, None).await?;
    let mut response = (StatusCode::CREATED, axum::Json(view)).into_response();
    if let Ok(place) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

/// Changes some settings, also while the campaign runs; they take effect with the next decision. `null` sets a key back
/// to its default. The name stays.
#[utoipa::path(patch, path = "/api/v1/campaigns/{name}", tag = "campaigns", params(("name" = String, Path, description = "Name of the campaign")),
    request_body(content = Object, description = "Keys of [[campaign]]", example = json!({ "limit": 0.02 })),
    responses((status = 200, body = CampaignView)))]
pub(super) async fn change(
    State(service): State<Arc<Service>>,
    Name(name): Name,
    Json(changes): Json<Map<String, Value>>,
) -> Result<axum::Json<CampaignView>, Problem> {
    let _turn = service.settings.lock().await;
    let row = row(&service, &name).await?.ok_or_else(|| no_campaign(&name))?;
    let stored: Map<String, Value> = serde_json::from_str(&row.config).unwrap_or_default();
    let settings = merge(stored, changes, &name)?;
    let checked = config::Campaign::from_json(&settings, &service.known()).map_err(field_errors)?;
    Ok(axum::Json(put(&service, checked, settings, Some(row)).await?))
}

/// Deletes a campaign that never dialled. One with records can only be stopped.
#[utoipa::path(delete, path = "/api/v1/campaigns/{name}", tag = "campaigns", params(("name" = String, Path, description = "Name of the campaign")),
    responses((status = 204, description = "Gone")))]
pub(super) async fn delete(State(service): State<Arc<Service>>, Name(name): Name) -> Result<StatusCode, Problem> {
    let _turn = service.settings.lock().await;
    let row = row(&service, &name).await?.ok_or_else(|| no_campaign(&name))?;
    let (tenant, campaign) = (service.tenant, row.campaign);
    let of_it = Filter { campaign: Some(campaign), limit: 1, ..Filter::default() };
    let dialled = service.store(move |store| store.attempts(tenant, of_it)).await?;
    if !dialled.is_empty() {
        return Err(Problem::conflict(format!("campaign {name:?} has records, which are kept, stop it and leave it")));
    }
    service.ask(Request::RemoveCampaign(campaign)).await?;
    service.store(move |store| store.delete_campaign(tenant, campaign)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Starts a campaign, or goes on after a pause.
#[utoipa::path(post, path = "/api/v1/campaigns/{name}/start", tag = "campaigns", params(("name" = String, Path, description = "Name of the campaign")),
    responses((status = 200, body = CampaignView)))]
pub(super) async fn start(
    State(service): State<Arc<Service>>,
    Name(name): Name,
) -> Result<axum::Json<CampaignView>, Problem> {
    drive(&service, &name, Request::StartCampaign).await
}

/// Launches nothing new; calls under way go on.
#[utoipa::path(post, path = "/api/v1/campaigns/{name}/pause", tag = "campaigns", params(("name" = String, Path, description = "Name of the campaign")),
    responses((status = 200, body = CampaignView)))]
pub(super) async fn pause(
    State(service): State<Arc<Service>>,
    Name(name): Name,
) -> Result<axum::Json<CampaignView>, Problem> {
    drive(&service, &name, Request::PauseCampaign).await
}

/// Launches nothing new and cancels what nobody has answered.
#[utoipa::path(post, path = "/api/v1/campaigns/{name}/stop", tag = "campaigns", params(("name" = String, Path, description = "Name of the campaign")),
    responses((status = 200, body = CampaignView)))]
pub(super) async fn stop(
    State(service): State<Arc<Service>>,
    Name(name): Name,
) -> Result<axum::Json<CampaignView>, Problem> {
    drive(&service, &name, Request::StopCampaign).await
}

async fn drive(
    service: &Service,
    name: &str,
    request: impl FnOnce(CampaignId) -> Request,
) -> Result<axum::Json<CampaignView>, Problem> {
    let id = id_of(service, name)?;
    match service.ask(request(id)).await? {
        Reply::Campaign(view) => Ok(axum::Json(*view)),
        other => Err(unexpected(&other)),
    }
}

/// How far back.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Back {
    /// Minutes, 15 unless said otherwise.
    #[param(minimum = 1, maximum = 60)]
    minutes: Option<u32>,
}

/// The last minutes of a campaign, a point a second, as columns; empty when it was not at work. Only of this process,
/// and of an hour at most: what is older stands in the report.
#[utoipa::path(get, path = "/api/v1/campaigns/{name}/series", tag = "campaigns",
    params(("name" = String, Path, description = "Name of the campaign"), Back),
    responses((status = 200, body = Series)))]
pub(super) async fn series(
    State(service): State<Arc<Service>>,
    Name(name): Name,
    Query(back): Query<Back>,
) -> Result<axum::Json<Series>, Problem> {
    let minutes = back.minutes.unwrap_or(SERIES_MINUTES);
    if !(1..=SERIES_MINUTES_MAX).contains(&minutes) {
        let mend = format!("ask for 1 to {SERIES_MINUTES_MAX} minutes");
        return Err(Problem::field("minutes", format!("{minutes} is not kept"), mend));
    }
    let id = id_of(&service, &name)?;
    Ok(axum::Json(service.control.series(id, minutes)))
}

/// The two ends of a span of time.
pub(super) fn span_of(from: Option<&str>, to: Option<&str>) -> Result<(Option<WallTime>, Option<WallTime>), Problem> {
    let read = |field, text: Option<&str>| text.map(|text| moment(field, text)).transpose();
    let (from, to) = match (read("from", from), read("to", to)) {
        (Ok(from), Ok(to)) => (from, to),
        (from, to) => return Err(Problem::invalid([from.err(), to.err()].into_iter().flatten().collect())),
    };
    Ok((from, to))
}

pub(super) fn no_campaign(name: &str) -> Problem {
    Problem::not_found(format!("campaign {name:?}"))
}

/// A live campaign's id by name.
pub(super) fn id_of(service: &Service, name: &str) -> Result<CampaignId, Problem> {
    let snapshot = service.control.snapshot();
    let found = snapshot.campaigns.values().find(|campaign| campaign.name == name);
    found.map(|campaign| CampaignId(campaign.id)).ok_or_else(|| no_campaign(name))
}

pub(super) async fn row(service: &Service, name: &str) -> Result<Option<CampaignRow>, Problem> {
    let (tenant, name) = (service.tenant, name.to_owned());
    service.store(move |store| Ok(store.campaigns(tenant)?.into_iter().find(|row| row.name == name))).await
}

/// Names of campaigns by id, for records.
pub(super) fn names(store: &store::Store, tenant: store::TenantId) -> Result<BTreeMap<u64, String>, store::StoreError> {
    Ok(store.campaigns(tenant)?.into_iter().map(|row| (row.campaign.0, row.name)).collect())
}

/// Keeps settings and makes them live. When the control thread refuses, the row is as it was `before`.
async fn put(
    service: &Service,
    checked: config::Campaign,
    settings: Map<String, Value>,
    before: Option<CampaignRow>,
) -> Result<CampaignView, Problem> {
    let (tenant, at) = (service.tenant, service.wall_now());
    let config = Value::Object(settings).to_string();
    if config.len() > CAMPAIGN_CONFIG_BYTES_MAX {
        // Every other setting has a limit of its own.
        let what = format!("names so many agents that the settings are longer than {CAMPAIGN_CONFIG_BYTES_MAX} bytes");
        return Err(Problem::field("agents", what, "name fewer, or give the agents a skill and the campaign its name"));
    }
    let name = checked.list.clone();
    let list = service.store(move |store| store.find_list(tenant, &name)).await?.ok_or_else(|| {
        let mend = "make it with POST /api/v1/lists, or import one";
        Problem::field("list", format!("{:?} is no list", checked.list), mend)
    })?;
    // What cannot be made live is refused before it is kept.
    live(service, CampaignId(0), list, checked.clone()).await?;
    let new = NewCampaign {
        name: checked.name.clone(),
        config,
        // Empty: of the API. That of a campaign of the file stays, so that a changed section is seen as one.
        config_hash: before.as_ref().map(|row| row.config_hash.clone()).unwrap_or_default(),
        list: Some(list),
    };
    let campaign = service.store(move |store| store.put_campaign(tenant, &new, at)).await?;
    let request = live(service, campaign, list, checked).await?;
    let refused = match service.ask(request).await {
        Ok(Reply::Campaign(view)) => return Ok(*view),
        Ok(other) => unexpected(&other),
        Err(problem) => problem,
    };
    service
        .store(move |store| match before {
            None => store.delete_campaign(tenant, campaign),
            Some(CampaignRow { name, config, config_hash, list, .. }) => {
                store.put_campaign(tenant, &NewCampaign { name, config, config_hash, list }, at).map(drop)
            }
        })
        .await?;
    Err(refused)
}

async fn live(
    service: &Service,
    campaign: CampaignId,
    list: ListId,
    settings: config::Campaign,
) -> Result<Request, Problem> {
    let prompts = service.prompts.clone();
    service.wait(move || Ok(office::put_campaign(&prompts, campaign, list, settings, NamedBy::Request)?)).await
}

/// The file's faults as fields.
pub(super) fn field_errors(faults: Vec<KeyFault>) -> Problem {
    Problem::invalid(faults.into_iter().map(|fault| FieldError::new(fault.key, fault.what, fault.mend)).collect())
}

/// Settings with some keys changed (RFC 7396: `null` takes a key away); the name stays.
pub(super) fn merge(
    mut settings: Map<String, Value>,
    changes: Map<String, Value>,
    name: &str,
) -> Result<Map<String, Value>, Problem> {
    for (key, value) in changes {
        if key == "name" && value != name {
            return Err(Problem::field("name", "cannot be changed", "make a new one"));
        }
        match value {
            Value::Null => settings.remove(&key),
            value => settings.insert(key, value),
        };
    }
    settings.insert("name".to_owned(), Value::from(name));
    Ok(settings)
}
