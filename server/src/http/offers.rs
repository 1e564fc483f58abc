//! Leads that agents look at before they are dialled, in campaigns of mode preview.

use super::Service;
use super::agents::live;
use super::auth::Holder;
use super::calls::unexpected;
use super::extract::{Json, Name};
use super::leads::{self, Lead};
use super::problem::Problem;
use crate::conductor::REASON_BYTES_MAX;
use crate::control::api::PreviewChoice;
use crate::control::views::{AgentView, OfferView};
use crate::control::{Reply, Request};
use axum::Extension;
use axum::extract::State;
use base::{AgentId, LeadId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// What an agent looks at.
#[derive(Serialize, ToSchema)]
pub(super) struct Preview {
    /// The lead that is shown, until when, and what happens then; `null`: none.
    offer: Option<OfferView>,
    /// The lead as stored; `null`: none is shown.
    lead: Option<Lead>,
}

/// What to do with the lead.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
    /// Dial it for this agent.
    Accept,
    /// Do not; needs a reason.
    Skip,
}

/// An agent's decision.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Decision {
    /// What to do.
    action: Action,
    /// Id of the lead as shown: a late answer must not meet the next one.
    lead: u64,
    /// Why it is skipped, up to 200 bytes; it stands in the event `agent.offer_over`.
    reason: Option<String>,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
pub(super) struct Decided {
    /// `accepted`: it is dialled; `skipped`; `withdrawn`: it may not be dialled any more.
    how: &'static str,
    /// The agent as things stand now.
    agent: AgentView,
}

/// The lead that an agent looks at.
#[utoipa::path(get, path = "/api/v1/agents/{name}/preview", tag = "agents", params(("name" = String, Path, description = "Name of the agent")),
    responses((status = 200, body = Preview)))]
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
    Name(name): Name,
) -> Result<axum::Json<Preview>, Problem> {
    if !holder.may_act_for(&name) {
        return Err(Problem::forbidden("this is another agent's screen, only supervisors see it"));
    }
    let offer = live(&service, &name)?.offer;
    let lead = match &offer {
        None => None,
        Some(offer) => leads::find(&service, offer.lead).await?,
    };
    Ok(axum::Json(Preview { offer, lead }))
}

/// Accepts or skips the lead that an agent looks at. Whoever is logged in as an agent decides for no other agent.
#[utoipa::path(post, path = "/api/v1/agents/{name}/preview", tag = "agents", params(("name" = String, Path, description = "Name of the agent")),
    request_body(content = Decision, example = json!({ "action": "skip", "lead": 7, "reason": "called back already" })),
    responses((status = 200, body = Decided)))]
pub(super) async fn decide(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
    Name(name): Name,
    Json(decision): Json<Decision>,
) -> Result<axum::Json<Decided>, Problem> {
    if !holder.may_act_for(&name) {
        return Err(Problem::forbidden("this is another agent's screen, only supervisors decide for others"));
    }
    let reason = decision.reason.map(|reason| reason.trim().to_owned()).filter(|reason| !reason.is_empty());
    let choice = match (decision.action, reason) {
        (Action::Skip, Some(reason)) if reason.len() <= REASON_BYTES_MAX => PreviewChoice::Skip(reason),
        (Action::Skip, Some(_)) => {
            return Err(Problem::field("reason", "is too long", format!("{REASON_BYTES_MAX} bytes are the most")));
        }
        (Action::Skip, None) => return Err(Problem::field("reason", "is missing", "say why the lead is skipped")),
        (Action::Accept, None) => PreviewChoice::Accept,
        (Action::Accept, Some(_)) => {
            return Err(Problem::field("reason", "does nothing here", "leave it out, or send action skip"));
        }
    };
    let agent = AgentId(live(&service, &name)?.id);
    match service.ask(Request::Preview { agent, lead: LeadId(decision.lead), choice }).await? {
        Reply::Preview(how, view) => Ok(axum::Json(Decided { how: how.name(), agent: *view })),
        other => Err(unexpected(&other)),
    }
}
