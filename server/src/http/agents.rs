//! Agents: their settings, which the store keeps, and their states, which live.

use super::Service;
use super::accounts::kept;
use super::auth::Holder;
use super::calls::unexpected;
use super::campaigns::{field_errors, merge};
use super::extract::{Json, Name};
use super::page::{Page, percent, shown_to};
use super::problem::Problem;
use crate::config::{self, AgentSchema};
use crate::control::api::AgentWish;
use crate::control::views::AgentView;
use crate::control::{Reply, Request};
use crate::office;
use crate::{account, password};
use axum::Extension;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base::AgentId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;
use store::{AgentRow, LoginOf, NewAgent};
use utoipa::ToSchema;

/// An agent with the settings that the store keeps.
#[derive(Serialize, ToSchema)]
pub(super) struct AgentDetail {
    #[serde(flatten)]
    live: AgentView,
    /// The keys of `[[agent]]`; a password is never shown.
    #[schema(value_type = AgentSchema)]
    settings: Map<String, Value>,
}

/// A state to be in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WantedState {
    /// What the agent wants to be.
    state: AgentWish,
}

/// All agents, by id.
#[utoipa::path(get, path = "/api/v1/agents", tag = "agents", responses((status = 200, body = Page<AgentView>)))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
) -> Result<axum::Json<Value>, Problem> {
    let snapshot = service.control.snapshot();
    Ok(axum::Json(shown_to(holder.role, &Page::whole(snapshot.agents.values().collect()))?))
}

/// One agent with settings.
#[utoipa::path(get, path = "/api/v1/agents/{name}", tag = "agents", params(("name" = String, Path, description = "Name of the agent")),
    responses((status = 200, body = AgentDetail)))]
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
    Name(name): Name,
) -> Result<axum::Json<Value>, Problem> {
    let live = live(&service, &name)?;
    let row = row(&service, &name).await?;
    let settings = row.map(|row| stored(&row)).unwrap_or_default();
    Ok(axum::Json(shown_to(holder.role, &AgentDetail { live, settings })?))
}

/// Makes an agent; with a password also the account that the agent logs in with.
#[utoipa::path(post, path = "/api/v1/agents", tag = "agents", request_body = AgentSchema, responses(
    (status = 201, body = AgentDetail, headers(("Location" = String, description = "Address of the agent")))
))]
pub(super) async fn create(
    State(service): State<Arc<Service>>,
    Json(mut settings): Json<Map<String, Value>>,
) -> Result<Response, Problem> {
    let password = take_password(&service, &mut settings).await?;
    let _turn = service.settings.lock().await;
    let checked = config::Agent::from_json(&settings, &service.known()).map_err(field_errors)?;
    if row(&service, &checked.name).await?.is_some() {
        return Err(Problem::conflict(format!("agent {:?} exists, change it with PATCH", checked.name)));
    }
    let name = checked.name.clone();
    may_log_in(&service, &name, &password).await?;
    let place = format!("{}/api/v1/agents/{}", service.base_path, percent(&checked.name));
    let detail = put(&service, checked, settings, None).await?;
    log_in_with(&service, name, password).await?;
    let mut response = (StatusCode::CREATED, axum::Json(detail)).into_response();
    if let Ok(place) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

/// Changes some settings of an agent; `null` sets a key back to its default. The name stays. A `password` makes or changes
/// the account that the agent logs in with, `null` deletes it; its logins end.
#[utoipa::path(patch, path = "/api/v1/agents/{name}", tag = "agents", params(("name" = String, Path, description = "Name of the agent")),
    request_body(content = Object, description = "Keys of [[agent]]", example = json!({ "skills": ["sales"] })),
    responses((status = 200, body = AgentDetail)))]
pub(super) async fn change(
    State(service): State<Arc<Service>>,
    Name(name): Name,
    Json(mut changes): Json<Map<String, Value>>,
) -> Result<axum::Json<AgentDetail>, Problem> {
    let password = take_password(&service, &mut changes).await?;
    let _turn = service.settings.lock().await;
    let row = row(&service, &name).await?.ok_or_else(|| no_agent(&name))?;
    let settings = merge(stored(&row), changes, &name)?;
    let checked = config::Agent::from_json(&settings, &service.known()).map_err(field_errors)?;
    may_log_in(&service, &name, &password).await?;
    let detail = put(&service, checked, settings, Some(row)).await?;
    log_in_with(&service, name, password).await?;
    Ok(axum::Json(detail))
}

/// Takes an agent away who has no call in hand, and the account that the agent logged in with.
#[utoipa::path(delete, path = "/api/v1/agents/{name}", tag = "agents", params(("name" = String, Path, description = "Name of the agent")),
    responses((status = 204, description = "Gone; records that name the agent stay")))]
pub(super) async fn delete(State(service): State<Arc<Service>>, Name(name): Name) -> Result<StatusCode, Problem> {
    let _turn = service.settings.lock().await;
    let row = row(&service, &name).await?.ok_or_else(|| no_agent(&name))?;
    service.ask(Request::RemoveAgent(row.agent)).await?;
    let (tenant, at) = (service.tenant, service.wall_now());
    service.store(move |store| store.delete_agent(tenant, row.agent, at)).await?;
    log_in_with(&service, name, Password::None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets what an agent wants to be: `ready` calls the phone if it is down; `on_break` and `logged_out` take effect after
/// the call in hand. Whoever is logged in as an agent sets no other agent's.
#[utoipa::path(post, path = "/api/v1/agents/{name}/state", tag = "agents", params(("name" = String, Path, description = "Name of the agent")),
    request_body(content = WantedState, example = json!({ "state": "ready" })), responses((status = 200, body = AgentView)))]
pub(super) async fn set_state(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
    Name(name): Name,
    Json(wanted): Json<WantedState>,
) -> Result<axum::Json<AgentView>, Problem> {
    if !holder.may_act_for(&name) {
        return Err(Problem::forbidden("this is another agent's state, only supervisors set it"));
    }
    let agent = AgentId(live(&service, &name)?.id);
    match service.ask(Request::SetAgent { agent, wish: wanted.state }).await? {
        Reply::Agent(view) => Ok(axum::Json(*view)),
        other => Err(unexpected(&other)),
    }
}

fn no_agent(name: &str) -> Problem {
    Problem::not_found(format!("agent {name:?}"))
}

pub(super) fn live(service: &Service, name: &str) -> Result<AgentView, Problem> {
    let snapshot = service.control.snapshot();
    snapshot.agents.values().find(|agent| agent.name == name).cloned().ok_or_else(|| no_agent(name))
}

/// The stored row of an agent by name, if there is one.
pub(super) async fn row(service: &Service, name: &str) -> Result<Option<AgentRow>, Problem> {
    let (tenant, name) = (service.tenant, name.to_owned());
    service
        .store(move |store| {
            let mut after = None;
            loop {
                let page = store.agents(tenant, after, 0)?;
                after = page.last().map(|row| row.agent);
                let full = page.len() >= store::PAGE_ROWS_MAX as usize;
                match page.into_iter().find(|row| row.name == name) {
                    None if full => {}
                    found => return Ok(found),
                }
            }
        })
        .await
}

fn stored(row: &AgentRow) -> Map<String, Value> {
    let mut settings: Map<String, Value> = serde_json::from_str(&row.config).unwrap_or_default();
    // Of an agent of the file it says that there is one.
    settings.remove("password");
    settings
}

/// What is said of an agent's password.
enum Password {
    /// Nothing.
    Unsaid,
    /// The agent is to have none.
    None,
    /// This, as it is kept.
    Kept(String),
}

/// Takes the password out of settings: it goes to the agent's account and is kept nowhere else.
async fn take_password(service: &Service, settings: &mut Map<String, Value>) -> Result<Password, Problem> {
    match settings.remove("password") {
        None => Ok(Password::Unsaid),
        Some(Value::Null) => Ok(Password::None),
        Some(Value::String(text)) => kept(service, "password", text).await.map(Password::Kept),
        Some(_) => Err(Problem::field("password", "is no text", password::MEND)),
    }
}

/// Refuses a password for an agent whose name somebody else logs in with.
async fn may_log_in(service: &Service, name: &str, password: &Password) -> Result<(), Problem> {
    if !matches!(password, Password::Kept(_)) {
        return Ok(());
    }
    let (tenant, wanted) = (service.tenant, name.to_owned());
    match service.store(move |store| store.account(tenant, &wanted)).await? {
        Some(row) if !account::is_of_agent(&row, name) => {
            let what = format!("cannot be given: the account {name:?} is not this agent's");
            Err(Problem::field("password", what, "change that account, or name the agent otherwise"))
        }
        _ => Ok(()),
    }
}

/// Makes, changes or deletes the account that the agent logs in with.
async fn log_in_with(service: &Service, name: String, password: Password) -> Result<(), Problem> {
    let (tenant, at) = (service.tenant, service.wall_now());
    let changed = service
        .store(move |store| match password {
            Password::Unsaid => Ok(None),
            Password::Kept(kept) => match account::put_of_agent(store, tenant, &name, kept, at)? {
                account::Done::Kept(account) => Ok(Some(account)),
                account::Done::Taken => Ok(None),
            },
            Password::None => match store.account(tenant, &name)?.filter(|row| account::is_of_agent(row, &name)) {
                Some(row) => store.delete_account(tenant, row.account, at).map(|()| Some(row.account)),
                None => Ok(None),
            },
        })
        .await?;
    if let Some(account) = changed {
        service.tokens.forget(LoginOf::Account(account));
    }
    Ok(())
}

/// Keeps settings and makes them live. When the control thread refuses, the row is as it was `before`.
async fn put(
    service: &Service,
    checked: config::Agent,
    settings: Map<String, Value>,
    before: Option<AgentRow>,
) -> Result<AgentDetail, Problem> {
    let (tenant, at) = (service.tenant, service.wall_now());
    let new = NewAgent {
        name: checked.name.clone(),
        config: Value::Object(settings.clone()).to_string(),
        // Empty: of the API. That of an agent of the file stays, so that a changed section is seen as one.
        config_hash: before.as_ref().map(|row| row.config_hash.clone()).unwrap_or_default(),
    };
    // A phone that cannot be found is refused before anything is kept.
    let tried = checked.clone();
    service.wait(move || Ok(office::put_agent(AgentId(0), tried)?)).await?;
    let agent = service.store(move |store| store.put_agent(tenant, &new, at)).await?;
    let request = service.wait(move || Ok(office::put_agent(agent, checked)?)).await?;
    let refused = match service.ask(request).await {
        Ok(Reply::Agent(live)) => return Ok(AgentDetail { live: *live, settings }),
        Ok(other) => unexpected(&other),
        Err(problem) => problem,
    };
    service
        .store(move |store| match before {
            None => store.delete_agent(tenant, agent, at),
            Some(AgentRow { name, config, config_hash, .. }) => {
                store.put_agent(tenant, &NewAgent { name, config, config_hash }, at).map(drop)
            }
        })
        .await?;
    Err(refused)
}
