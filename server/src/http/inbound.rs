//! Routes: what happens to inbound calls. The whole ordered list is read and replaced at once, since its order decides.

use super::Service;
use super::campaigns::field_errors;
use super::extract::Json;
use super::problem::Problem;
use crate::config::{Route, RouteSchema};
use crate::control::Request;
use crate::office::{self, NamedBy};
use crate::serve::kept::{ROUTES, instead_of};
use axum::extract::State;
use base::{TrunkId, WallTime};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use store::SettingRow;
use utoipa::ToSchema;

/// All routes; for an inbound call the first that fits is taken, without one it gets 404.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "items": [{ "to": "echo", "action": "echo" }, { "to": "\\+1555.*", "action": "reject:486" }] }))]
pub(super) struct Routes {
    /// Each with the keys of `[[route]]`, in the order in which they are tried.
    #[schema(value_type = Vec<RouteSchema>)]
    items: Vec<Map<String, Value>>,
}

/// The routes in force.
#[utoipa::path(get, path = "/api/v1/routes", tag = "trunks", responses((status = 200, body = Routes)))]
pub(super) async fn list(State(service): State<Arc<Service>>) -> axum::Json<Routes> {
    let shown = service.config.load().shown_routes();
    axum::Json(Routes { items: serde_json::from_value(shown).unwrap_or_default() })
}

/// Replaces all routes, for the calls to come. Prompts that they name stand in `data_dir`. A changed file wins again.
#[utoipa::path(put, path = "/api/v1/routes", tag = "trunks", request_body = Routes, responses((status = 200, body = Routes)))]
pub(super) async fn replace(
    State(service): State<Arc<Service>>,
    Json(wanted): Json<Routes>,
) -> Result<axum::Json<Routes>, Problem> {
    let _turn = service.settings.lock().await;
    let (items, known) = (wanted.items.clone(), service.known());
    // Patterns are compiled, which takes its time.
    let routes = service.wait(move || Route::list_from_json(&items, &known).map_err(field_errors)).await?;
    let tenant = service.tenant;
    let ids: BTreeMap<String, TrunkId> = service
        .store(move |store| Ok(store.trunks(tenant)?.into_iter().map(|row| (row.name, row.trunk)).collect()))
        .await?;
    let (prompts, checked) = (service.prompts.clone(), routes.clone());
    let live = service
        .wait(move || Ok(office::routes(&prompts, &checked, NamedBy::Request, |name| ids.get(name).copied())?))
        .await?;
    let value = Value::from(wanted.items.iter().cloned().map(Value::Object).collect::<Vec<_>>()).to_string();
    let (row, at) = (instead_of(&service.config.load().file_says(ROUTES), value), service.wall_now());
    keep_and_ask(&service, ROUTES, row, at, Request::SetRoutes(live)).await?;
    service.change_config(|config| config.show_routes(routes, wanted.items));
    Ok(list(State(service.clone())).await)
}

/// Keeps a setting and makes it live; what the control thread refuses is not kept, and what is not kept never lives.
pub(super) async fn keep_and_ask(
    service: &Service,
    name: &'static str,
    row: SettingRow,
    at: WallTime,
    request: Request,
) -> Result<(), Problem> {
    let tenant = service.tenant;
    let before = service
        .store(move |store| {
            let before = store.setting(tenant, name)?;
            store.put_setting(tenant, name, &row, at).map(|()| before)
        })
        .await?;
    let Err(refused) = service.ask(request).await else { return Ok(()) };
    service
        .store(move |store| match before {
            Some(row) => store.put_setting(tenant, name, &row, at),
            None => store.delete_setting(tenant, name),
        })
        .await?;
    Err(refused)
}
