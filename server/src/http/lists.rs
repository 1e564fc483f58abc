//! Lists of leads.

use super::Service;
use super::extract::{Json, Name};
use super::page::{Page, percent};
use super::problem::Problem;
use crate::config::check_name;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base::ListId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{ListRow, Store, StoreError, TenantId};
use utoipa::ToSchema;

/// A list with the states of its leads.
#[derive(Serialize, ToSchema)]
pub(super) struct List {
    /// Id.
    id: u64,
    /// Unique name.
    name: String,
    /// When it was made, in microseconds since the Unix epoch.
    created_us: i64,
    /// Leads on it.
    leads: u64,
    /// Leads by dial state.
    states: BTreeMap<String, u64>,
}

impl List {
    fn of(row: ListRow) -> List {
        List {
            id: row.list.0,
            name: row.name,
            created_us: row.created_at.as_unix_us(),
            leads: row.counts.total,
            states: row.counts.by_state.into_iter().collect(),
        }
    }
}

/// A list to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "spring-leads" }))]
pub(super) struct NewList {
    /// Unique name: 1 to 64 letters, digits, `_`, `-`, `.`.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
}

/// All lists, oldest first.
#[utoipa::path(get, path = "/api/v1/lists", tag = "lists", responses((status = 200, body = Page<List>)))]
pub(super) async fn list(State(service): State<Arc<Service>>) -> Result<axum::Json<Page<List>>, Problem> {
    let tenant = service.tenant;
    let lists = service.store(move |store| store.lists(tenant)).await?;
    Ok(axum::Json(Page::whole(lists.into_iter().map(List::of).collect())))
}

/// One list.
#[utoipa::path(get, path = "/api/v1/lists/{name}", tag = "lists", params(("name" = String, Path, description = "Name of the list")),
    responses((status = 200, body = List)))]
pub(super) async fn show(State(service): State<Arc<Service>>, Name(name): Name) -> Result<axum::Json<List>, Problem> {
    let (tenant, wanted) = (service.tenant, name.clone());
    let found = service.store(move |store| one(store, tenant, &wanted)).await?;
    found.map(axum::Json).ok_or_else(|| no_list(&name))
}

fn one(store: &Store, tenant: TenantId, name: &str) -> Result<Option<List>, StoreError> {
    Ok(store.list(tenant, name)?.map(List::of))
}

/// Makes an empty list.
#[utoipa::path(post, path = "/api/v1/lists", tag = "lists", request_body = NewList, responses(
    (status = 201, body = List, headers(("Location" = String, description = "Address of the list")))
))]
pub(super) async fn create(
    State(service): State<Arc<Service>>,
    Json(wanted): Json<NewList>,
) -> Result<Response, Problem> {
    check_name(&wanted.name).map_err(|mend| Problem::field("name", format!("{:?} is no name", wanted.name), mend))?;
    let (tenant, at, name) = (service.tenant, service.wall_now(), wanted.name.clone());
    let made = service
        .store(move |store| match store.find_list(tenant, &name)? {
            Some(_) => Ok(None),
            None => {
                store.create_list(tenant, &name, at)?;
                one(store, tenant, &name)
            }
        })
        .await?;
    let list = made.ok_or_else(|| Problem::conflict(format!("list {:?} exists, take another name", wanted.name)))?;
    let place = format!("{}/api/v1/lists/{}", service.base_path, percent(&wanted.name));
    let mut response = (StatusCode::CREATED, axum::Json(list)).into_response();
    if let Ok(place) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

/// Deletes an empty list that no campaign dials.
#[utoipa::path(delete, path = "/api/v1/lists/{name}", tag = "lists", params(("name" = String, Path, description = "Name of the list")),
    responses((status = 204, description = "Gone")))]
pub(super) async fn delete(State(service): State<Arc<Service>>, Name(name): Name) -> Result<StatusCode, Problem> {
    let list = id(&service, &name).await?;
    let tenant = service.tenant;
    service.store(move |store| store.delete_list(tenant, list)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn id(service: &Service, name: &str) -> Result<ListId, Problem> {
    let (tenant, wanted) = (service.tenant, name.to_owned());
    service.store(move |store| store.find_list(tenant, &wanted)).await?.ok_or_else(|| no_list(name))
}

fn no_list(name: &str) -> Problem {
    Problem::not_found(format!("list {name:?}"))
}
