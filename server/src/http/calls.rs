//! Calls under way: listed, placed, ended. What is over stands in the CDRs.

use super::Service;
use super::auth::Holder;
use super::extract::{Id, Json, Query};
use super::page::{Page, shown_to};
use super::problem::{FieldError, Problem};
use crate::control::api::{Connect, NewCall};
use crate::control::views::{CallDetail, CallView};
use crate::control::{Reply, Request};
use crate::office::NamedBy;
use crate::token::Role;
use axum::Extension;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base::{AgentId, CallId};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Longest called name: a SIP user part of some length.
const TO_CHARS_MAX: usize = 128;

/// Which calls.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct CallFilter {
    /// `dialling`, `ringing`, `answered` or `connected`.
    state: Option<String>,
    /// Name of the campaign that placed them.
    campaign: Option<String>,
    /// Name of the agent who has them.
    agent: Option<String>,
    /// Name of the trunk that they run over.
    trunk: Option<String>,
}

impl CallFilter {
    fn fits(&self, call: &CallView) -> bool {
        let same = |wanted: &Option<String>, is: Option<&str>| wanted.as_deref().is_none_or(|w| Some(w) == is);
        same(&self.state, Some(call.state))
            && same(&self.campaign, call.campaign.as_deref())
            && same(&self.agent, call.agent.as_deref())
            && same(&self.trunk, call.trunk.as_deref())
    }
}

/// A call to be placed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "to": "+12125550100", "trunk": "carrier", "caller_id": "+12125550199", "connect": { "agent": "ann" } }))]
pub(super) struct PlaceCall {
    /// Whom: a number in international form, or a name that the trunk knows.
    #[schema(min_length = 1, max_length = 128)]
    to: String,
    /// Name of the trunk.
    trunk: String,
    /// Number to show.
    caller_id: Option<String>,
    /// What the called party hears: exactly one of the three.
    connect: PlaceConnect,
    /// Call a number that is on the do-not-call set, for supervisors; the audit log says so.
    #[serde(default)]
    despite_do_not_call: bool,
}

/// What a placed call is joined to when it is answered: exactly one of the three.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "echo": true }))]
pub(super) struct PlaceConnect {
    /// Name of an agent who is ready; reserved before the call is placed.
    agent: Option<String>,
    /// A WAV or FLAC file (8 kHz mono) of `data_dir`; the call ends with it.
    prompt: Option<String>,
    /// True: their own voice.
    echo: Option<bool>,
}

/// Calls under way, oldest first. Viewers see numbers shortened.
#[utoipa::path(get, path = "/api/v1/calls", tag = "calls", params(CallFilter), responses(
    (status = 200, body = Page<CallView>)
))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
    Query(filter): Query<CallFilter>,
) -> Result<axum::Json<Value>, Problem> {
    let snapshot = service.control.snapshot();
    let calls: Vec<&CallView> = snapshot.calls.values().filter(|call| filter.fits(call)).collect();
    Ok(axum::Json(shown_to(holder.role, &Page::whole(calls))?))
}

/// One call under way, with what happened in it. What is over stands in the CDRs, the same way.
#[utoipa::path(get, path = "/api/v1/calls/{id}", tag = "calls", params(("id" = u64, Path, description = "Id of the call")),
    responses((status = 200, body = CallDetail)))]
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
    Id(id): Id,
) -> Result<axum::Json<Value>, Problem> {
    if !service.control.snapshot().calls.contains_key(&id) {
        return Err(no_call(id));
    }
    match service.ask(Request::ShowCall(CallId(id))).await? {
        Reply::CallDetail(detail) => Ok(axum::Json(shown_to(holder.role, &detail)?)),
        other => Err(unexpected(&other)),
    }
}

fn no_call(id: u64) -> Problem {
    Problem::not_found(format!("call {id} (what is over stands in the CDRs)"))
}

/// Places a call. It is answered with 201 as soon as it is under way; events tell how it goes on.
#[utoipa::path(post, path = "/api/v1/calls", tag = "calls", request_body = PlaceCall, responses(
    (status = 201, body = CallView, headers(("Location" = String, description = "Address of the call")))
))]
pub(super) async fn place(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
    Json(wanted): Json<PlaceCall>,
) -> Result<Response, Problem> {
    if wanted.despite_do_not_call && holder.role == Role::Agent {
        return Err(Problem::forbidden("only supervisors call a number that is on the do-not-call set"));
    }
    if let Some(other) = &wanted.connect.agent
        && !holder.may_act_for(other)
    {
        return Err(Problem::forbidden("this is another agent, only supervisors place calls for others"));
    }
    if let Some(error) = wrong_party("to", &wanted.to)
        .or_else(|| wanted.caller_id.as_deref().and_then(|id| wrong_party("caller_id", id)))
    {
        return Err(Problem::invalid(vec![error]));
    }
    let known = service.known().trunks;
    if !known.contains(&wanted.trunk) {
        let known: Vec<String> = known.into_iter().collect();
        let near = crate::config::nearest(&wanted.trunk, known.iter().map(String::as_str));
        let mend =
            near.map_or_else(|| format!("known: {}", known.join(", ")), |near| format!("did you mean {near:?}?"));
        return Err(Problem::field("trunk", format!("{:?} is no trunk", wanted.trunk), mend));
    }
    let connect = connect(&service, wanted.connect).await?;
    let call = NewCall {
        to: wanted.to,
        trunk: wanted.trunk,
        caller_id: wanted.caller_id,
        connect,
        despite_do_not_call: wanted.despite_do_not_call,
    };
    match service.ask(Request::Originate(call)).await? {
        Reply::Call(call) => {
            let place = format!("{}/api/v1/calls/{}", service.base_path, call.id);
            let mut response = (StatusCode::CREATED, axum::Json(call)).into_response();
            if let Ok(place) = HeaderValue::from_str(&place) {
                response.headers_mut().insert(LOCATION, place);
            }
            Ok(response)
        }
        other => Err(unexpected(&other)),
    }
}

/// A name or number that can stand in a SIP address.
fn wrong_party(field: &str, text: &str) -> Option<FieldError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "+*#-_.".contains(c);
    if (1..=TO_CHARS_MAX).contains(&text.len()) && text.chars().all(fits) {
        return None;
    }
    let mend = "write a number like +12125550100, or a name of letters, digits, + * # - _ .";
    Some(FieldError::new(field, format!("{text:?} cannot be called"), mend))
}

async fn connect(service: &Service, wanted: PlaceConnect) -> Result<Connect, Problem> {
    match (wanted.agent, wanted.prompt, wanted.echo) {
        (Some(name), None, None) => {
            let snapshot = service.control.snapshot();
            let agent = snapshot.agents.values().find(|agent| agent.name == name);
            let agent = agent.ok_or_else(|| {
                Problem::field("connect.agent", format!("{name:?} is no agent"), "see GET /api/v1/agents")
            })?;
            Ok(Connect::Agent(AgentId(agent.id)))
        }
        (None, Some(file), None) => {
            let prompts = service.prompts.clone();
            let loaded = service.wait(move || Ok(prompts.load(&file, NamedBy::Request, "connect.prompt")?)).await?;
            Ok(Connect::Prompt(loaded))
        }
        (None, None, Some(true)) => Ok(Connect::Echo),
        _ => Err(Problem::field("connect", "names not exactly one thing", "give one of agent, prompt, echo: true")),
    }
}

/// Ends a call in whatever state it is. Whoever is logged in as an agent ends the calls of that agent alone.
#[utoipa::path(delete, path = "/api/v1/calls/{id}", tag = "calls", params(("id" = u64, Path, description = "Id of the call")),
    responses((status = 204, description = "It is being ended")))]
pub(super) async fn end(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    let of = service.control.snapshot().calls.get(&id).map(|call| call.agent.clone());
    if let Some(of) = of
        && !holder.may_act_for(of.as_deref().unwrap_or_default())
    {
        return Err(Problem::forbidden("this is not your call, only supervisors end others'"));
    }
    service.ask(Request::HangUp(CallId(id))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The control thread answered with something that was not asked for.
pub(super) fn unexpected(reply: &Reply) -> Problem {
    tracing::error!(?reply, "the control thread gave an answer of another kind");
    Problem::internal()
}
