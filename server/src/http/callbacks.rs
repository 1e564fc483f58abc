//! Promises to call back: to the minute, by whoever is free or by the agent who gave the promise.

use super::Service;
use super::agents::live;
use super::auth::Holder;
use super::campaigns::id_of;
use super::extract::{Json, moment};
use super::leads;
use super::page::Page;
use super::problem::Problem;
use crate::control::Request;
use crate::control::views::CampaignView;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use base::{AgentId, LeadId, WallTime};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use store::CallbackRow;
use utoipa::ToSchema;

/// Longest note.
const NOTE_CHARS_MAX: usize = 1_000;
/// Nobody promises further ahead: a year.
const AHEAD_MAX_US: i64 = 366 * 86_400_000_000;

/// A promise to be written down.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "lead": 7, "campaign": "spring", "at": "2026-11-24T15:30:00Z", "agent": "ann" }))]
pub(super) struct NewCallback {
    /// Id of the lead.
    lead: u64,
    /// Name of the campaign that calls; the lead is on its list, or on one of its mix.
    campaign: String,
    /// When: RFC 3339 or microseconds since the Unix epoch; now or later. The rules of the campaign's profile hold.
    at: String,
    /// Name of the agent who calls. The call waits for the agent as long as the campaign's `callback_wait_min`; then
    /// `callback_then` says what.
    agent: Option<String>,
    /// What the agent should know.
    #[schema(max_length = 1000)]
    note: Option<String>,
}

/// A promise that is not kept yet.
#[derive(Serialize, ToSchema)]
pub(super) struct Callback {
    /// Id of the row.
    id: u64,
    /// Id of the lead.
    lead: u64,
    /// Name of the campaign that calls.
    campaign: Option<String>,
    /// Name of the agent who calls; `null`: whoever is free.
    agent: Option<String>,
    /// When, in microseconds since the Unix epoch.
    at_us: i64,
    /// What the agent should know.
    note: Option<String>,
}

/// Promises that are not kept yet, the most urgent first; at most 1,000.
#[utoipa::path(get, path = "/api/v1/callbacks", tag = "campaigns", responses((status = 200, body = Page<Callback>)))]
pub(super) async fn list(State(service): State<Arc<Service>>) -> Result<axum::Json<Page<Callback>>, Problem> {
    let tenant = service.tenant;
    let open = service.store(move |store| store.callbacks_due(tenant, WallTime::from_unix_us(i64::MAX), 0)).await?;
    let snapshot = service.control.snapshot();
    let agents: BTreeMap<u64, &str> = snapshot.agents.iter().map(|(id, agent)| (*id, agent.name.as_str())).collect();
    let shown = open.into_iter().map(|row| Callback {
        id: row.id,
        lead: row.lead.0,
        campaign: snapshot.campaigns.get(&row.campaign.0).map(|campaign| campaign.name.clone()),
        agent: row.agent.and_then(|agent| agents.get(&agent.0).map(|name| (*name).to_owned())),
        at_us: row.due_at.as_unix_us(),
        note: row.note,
    });
    Ok(axum::Json(Page::whole(shown.collect())))
}

/// Promises to call a lead back, whatever became of it before. Do-not-call, consent, hours and caps hold as for any call.
/// Whoever is logged in as an agent promises for no other agent.
#[utoipa::path(post, path = "/api/v1/callbacks", tag = "campaigns", request_body = NewCallback,
    responses((status = 201, description = "Written down")))]
pub(super) async fn create(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
    Json(wanted): Json<NewCallback>,
) -> Result<StatusCode, Problem> {
    if let Some(other) = &wanted.agent
        && !holder.may_act_for(other)
    {
        return Err(Problem::forbidden("this is another agent, only supervisors promise for others"));
    }
    let due_at = moment("at", &wanted.at).map_err(|fault| Problem::invalid(vec![fault]))?;
    let at = service.wall_now();
    let ahead_us = due_at.as_unix_us() - at.as_unix_us();
    if !(-60_000_000..=AHEAD_MAX_US).contains(&ahead_us) {
        return Err(Problem::field("at", "is past, or more than a year ahead", "name a moment that can be kept"));
    }
    if wanted.note.as_ref().is_some_and(|note| note.chars().count() > NOTE_CHARS_MAX) {
        return Err(Problem::field("note", "is too long", format!("{NOTE_CHARS_MAX} characters are the most")));
    }
    let campaign = id_of(&service, &wanted.campaign)?;
    let agent = wanted.agent.as_deref().map(|name| live(&service, name)).transpose()?.map(|agent| AgentId(agent.id));
    let Some(lead) = leads::find(&service, wanted.lead).await? else {
        return Err(Problem::not_found(format!("lead {}", wanted.lead)));
    };
    let dials = service.control.snapshot().campaigns.get(&campaign.0).map_or(Vec::new(), lists_of);
    if !lead.list().is_some_and(|list| dials.iter().any(|dialled| dialled == list)) {
        let what = format!("{:?} does not dial the list of lead {}", wanted.campaign, wanted.lead);
        return Err(Problem::field("campaign", what, "name the one that does"));
    }
    let (tenant, note) = (service.tenant, wanted.note);
    let row = CallbackRow { tenant, lead: LeadId(wanted.lead), campaign, agent, due_at, note, at };
    service.ask(Request::CallBack { row: Box::new(row), number: lead.number().to_owned() }).await?;
    Ok(StatusCode::CREATED)
}

/// Names of the lists that a campaign dials.
fn lists_of(campaign: &CampaignView) -> Vec<String> {
    let mix = campaign.settings["mix"].as_str().map_or(Vec::new(), crate::config::mix);
    mix.into_iter().map(|(name, _)| name).chain([campaign.list.clone()]).collect()
}
