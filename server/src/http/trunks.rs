//! Trunks: their settings, which the store keeps, and how they are, which lives.
//!
//! **Invariants.** A password goes in and never comes out; the database holds it sealed. A change takes effect at once and
//! survives a restart; one that cannot live is not kept.

use super::Service;
use super::calls::unexpected;
use super::campaigns::{field_errors, merge};
use super::extract::{Json, Name};
use super::page::{Page, percent};
use super::problem::Problem;
use crate::config::{self, TrunkSchema};
use crate::control::views::TrunkView;
use crate::control::{Reply, Request};
use crate::office;
use crate::serve::kept::row_of;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::Arc;
use store::{NewTrunk, TrunkRow};
use utoipa::ToSchema;

/// A trunk with the settings that the store keeps.
#[derive(Serialize, ToSchema)]
pub(super) struct TrunkDetail {
    #[serde(flatten)]
    live: TrunkView,
    /// The keys of `[[trunk]]`; a password is never shown.
    #[schema(value_type = TrunkSchema)]
    settings: Map<String, Value>,
}

/// All trunks as they are now.
#[utoipa::path(get, path = "/api/v1/trunks", tag = "trunks", responses((status = 200, body = Page<TrunkView>)))]
pub(super) async fn list(State(service): State<Arc<Service>>) -> axum::Json<Page<TrunkView>> {
    axum::Json(Page::whole(service.control.snapshot().trunks.values().cloned().collect()))
}

/// One trunk with settings.
#[utoipa::path(get, path = "/api/v1/trunks/{name}", tag = "trunks", params(("name" = String, Path, description = "Name of the trunk")),
    responses((status = 200, body = TrunkDetail)))]
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Name(name): Name,
) -> Result<axum::Json<TrunkDetail>, Problem> {
    let snapshot = service.control.snapshot();
    let live = snapshot.trunks.get(&name).cloned().ok_or_else(|| no_trunk(&name))?;
    let settings = in_force(&service, &name)?.to_json();
    Ok(axum::Json(TrunkDetail { live, settings }))
}

/// Makes a trunk; it takes calls at once.
#[utoipa::path(post, path = "/api/v1/trunks", tag = "trunks", request_body = TrunkSchema, responses(
    (status = 201, body = TrunkDetail, headers(("Location" = String, description = "Address of the trunk")))
))]
pub(super) async fn create(
    State(service): State<Arc<Service>>,
    Json(settings): Json<Map<String, Value>>,
) -> Result<Response, Problem> {
    let _turn = service.settings.lock().await;
    let checked = config::Trunk::from_json(&settings, &service.known()).map_err(field_errors)?;
    // A row without a live trunk is one of the file's that the file names no more: its name is free.
    if service.known().trunks.contains(&checked.name) {
        return Err(Problem::conflict(format!("trunk {:?} exists, change it with PATCH", checked.name)));
    }
    let place = format!("{}/api/v1/trunks/{}", service.base_path, percent(&checked.name));
    let detail = put(&service, checked, String::new(), None).await?;
    let mut response = (StatusCode::CREATED, axum::Json(detail)).into_response();
    if let Ok(place) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

/// Changes some settings of a trunk, for the calls to come; `null` sets a key back to its default. The name stays. A
/// password that is not named stays as it is.
#[utoipa::path(patch, path = "/api/v1/trunks/{name}", tag = "trunks", params(("name" = String, Path, description = "Name of the trunk")),
    request_body(content = Object, description = "Keys of [[trunk]]", example = json!({ "max_channels": 50 })),
    responses((status = 200, body = TrunkDetail)))]
pub(super) async fn change(
    State(service): State<Arc<Service>>,
    Name(name): Name,
    Json(changes): Json<Map<String, Value>>,
) -> Result<axum::Json<TrunkDetail>, Problem> {
    let _turn = service.settings.lock().await;
    let before = in_force(&service, &name)?;
    let row = row(&service, &name).await?.ok_or_else(|| no_trunk(&name))?;
    let mut settings = before.to_json();
    if let Some(password) = &before.password {
        settings.insert("password".to_owned(), Value::from(password.reveal()));
    }
    let settings = merge(settings, changes, &name)?;
    let checked = config::Trunk::from_json(&settings, &service.known()).map_err(field_errors)?;
    // The hash of a trunk of the file stays, so that a changed section is seen as one.
    let hash = row.config_hash.clone();
    Ok(axum::Json(put(&service, checked, hash, Some(row)).await?))
}

/// Takes a trunk away that no campaign and no route names and that has no calls. One that the file names is back at the
/// next start: take it out there.
#[utoipa::path(delete, path = "/api/v1/trunks/{name}", tag = "trunks", params(("name" = String, Path, description = "Name of the trunk")),
    responses((status = 204, description = "Gone; records that name the trunk stay")))]
pub(super) async fn delete(State(service): State<Arc<Service>>, Name(name): Name) -> Result<StatusCode, Problem> {
    let _turn = service.settings.lock().await;
    in_force(&service, &name)?;
    let row = row(&service, &name).await?.ok_or_else(|| no_trunk(&name))?;
    service.ask(Request::RemoveTrunk(row.trunk)).await?;
    let tenant = service.tenant;
    service.store(move |store| store.delete_trunk(tenant, row.trunk)).await?;
    service.change_config(|config| {
        let left = config.trunks.iter().filter(|trunk| trunk.name != name).cloned().collect();
        config.show_trunks(left);
    });
    Ok(StatusCode::NO_CONTENT)
}

fn no_trunk(name: &str) -> Problem {
    Problem::not_found(format!("trunk {name:?}"))
}

fn in_force(service: &Service, name: &str) -> Result<config::Trunk, Problem> {
    let config = service.config.load();
    config.trunks.iter().find(|trunk| trunk.name == name).cloned().ok_or_else(|| no_trunk(name))
}

/// The stored row of a trunk by name, if there is one.
pub(super) async fn row(service: &Service, name: &str) -> Result<Option<TrunkRow>, Problem> {
    let (tenant, name) = (service.tenant, name.to_owned());
    service.store(move |store| Ok(store.trunks(tenant)?.into_iter().find(|row| row.name == name))).await
}

/// Keeps settings and makes them live. When the control thread refuses, the row is as it was `before`.
async fn put(
    service: &Service,
    checked: config::Trunk,
    config_hash: String,
    before: Option<TrunkRow>,
) -> Result<TrunkDetail, Problem> {
    let (tenant, at) = (service.tenant, service.wall_now());
    let (wanted, key) = (checked.clone(), service.key().await?);
    // A host that cannot be found is refused before anything is kept.
    let (live, new) = service
        .wait(move || {
            let live = office::trunk(&wanted, "host")?;
            Ok((live, row_of(&key, tenant, &wanted, config_hash)?))
        })
        .await?;
    let trunk = service.store(move |store| store.put_trunk(tenant, &new, at)).await?;
    let refused = match service.ask(Request::PutTrunk { trunk, settings: Box::new(live) }).await {
        Ok(Reply::Trunk(live)) => {
            let settings = checked.to_json();
            service.change_config(|config| {
                let mut all = config.trunks.clone();
                match all.iter_mut().find(|trunk| trunk.name == checked.name) {
                    Some(trunk) => *trunk = checked,
                    None => all.push(checked),
                }
                config.show_trunks(all);
            });
            return Ok(TrunkDetail { live: *live, settings });
        }
        Ok(other) => unexpected(&other),
        Err(problem) => problem,
    };
    service
        .store(move |store| match before {
            None => store.delete_trunk(tenant, trunk),
            Some(TrunkRow { name, config, config_hash, secret, .. }) => {
                store.put_trunk(tenant, &NewTrunk { name, config, config_hash, secret }, at).map(drop)
            }
        })
        .await?;
    Err(refused)
}
