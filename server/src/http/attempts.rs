//! Attempts: what was dialled, why, and how it ended. Dispositions are recorded here.

use super::amd::Answered;
use super::auth::Holder;
use super::campaigns::{id_of, names};
use super::extract::{Id, Json, Query};
use super::page::Page;
use super::problem::Problem;
use super::records::{self, Record, RecordFilter};
use super::{Service, csv};
use crate::control::Request;
use axum::Extension;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use base::{AgentId, AttemptId, CampaignId, WallTime};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{AmdLabelRow, AttemptRow, Filter, Store, StoreError, TenantId};
use utoipa::ToSchema;

/// Longest code of a disposition.
const CODE_CHARS_MAX: usize = 64;
/// Longest note.
const NOTE_CHARS_MAX: usize = 2_000;

/// One attempt.
#[derive(Serialize, ToSchema)]
pub(super) struct Attempt {
    /// Id.
    pub(super) id: u64,
    /// Name of the campaign.
    campaign: Option<String>,
    /// Id of the lead.
    lead: u64,
    /// Counts the lead's attempts from 1.
    attempt_number: u32,
    /// Number that was dialled.
    number: String,
    /// Name of the trunk.
    trunk: String,
    /// Number that was shown.
    caller_id: Option<String>,
    /// When it was decided, in microseconds since the Unix epoch.
    at_us: i64,
    /// The rule that allowed it.
    consent_rule: String,
    /// The consent or outside proof that it rests on.
    consent_proof: Option<String>,
    /// Why now and with which forecast.
    #[schema(value_type = Object)]
    why: serde_json::Value,
    /// How it ended; `null` while it is under way.
    end: Option<AttemptEnd>,
}

/// How an attempt ended.
#[derive(Serialize, ToSchema)]
pub(super) struct AttemptEnd {
    /// What the system concluded.
    outcome: String,
    /// What the compliance figure counts it as.
    counted_as: String,
    /// What answer detection said.
    verdict: Option<String>,
    /// Id of the agent who had the call.
    agent: Option<u64>,
    /// Who ended it: `carrier`, `callee`, `agent`, `us`.
    cause_whose: String,
    /// SIP code, where one ended it.
    cause_code: Option<u16>,
    /// First ring.
    ringing_us: Option<i64>,
    /// Answer.
    answered_us: Option<i64>,
    /// End of the callee's first utterance.
    greeting_end_us: Option<i64>,
    /// Verdict.
    verdict_us: Option<i64>,
    /// First agent audio to the callee.
    connected_us: Option<i64>,
    /// End.
    ended_us: i64,
}

impl Attempt {
    pub(super) fn of(row: AttemptRow, campaigns: &BTreeMap<u64, String>) -> Attempt {
        let AttemptRow { intent, close, .. } = row;
        let us = |moment: Option<WallTime>| moment.map(WallTime::as_unix_us);
        Attempt {
            id: intent.attempt.0,
            campaign: campaigns.get(&intent.campaign.0).cloned(),
            lead: intent.lead.0,
            attempt_number: intent.attempt_number,
            number: intent.number,
            trunk: intent.trunk,
            caller_id: intent.caller_id,
            at_us: intent.at.as_unix_us(),
            consent_rule: intent.consent_rule,
            consent_proof: intent.consent_proof,
            why: serde_json::from_str(&intent.why).unwrap_or(serde_json::Value::String(intent.why)),
            end: close.map(|close| AttemptEnd {
                outcome: close.outcome,
                counted_as: close.counted_as,
                verdict: close.verdict,
                agent: close.agent.map(|agent| agent.0),
                cause_whose: close.cause_whose,
                cause_code: close.cause_code,
                ringing_us: us(close.ringing_at),
                answered_us: us(close.answered_at),
                greeting_end_us: us(close.greeting_end_at),
                verdict_us: us(close.verdict_at),
                connected_us: us(close.connected_at),
                ended_us: close.ended_at.as_unix_us(),
            }),
        }
    }
}

const HEADER: [&str; 17] = [
    "id",
    "campaign",
    "lead",
    "attempt_number",
    "number",
    "trunk",
    "caller_id",
    "at",
    "outcome",
    "counted_as",
    "verdict",
    "agent",
    "cause_whose",
    "cause_code",
    "answered_at",
    "connected_at",
    "ended_at",
];

fn cells(row: &AttemptRow, campaigns: &BTreeMap<u64, String>) -> Vec<String> {
    let (intent, close) = (&row.intent, row.close.as_ref());
    vec![
        intent.attempt.0.to_string(),
        csv::maybe(campaigns.get(&intent.campaign.0)),
        intent.lead.0.to_string(),
        intent.attempt_number.to_string(),
        intent.number.clone(),
        intent.trunk.clone(),
        csv::maybe(intent.caller_id.as_ref()),
        csv::at(Some(intent.at)),
        csv::maybe(close.map(|close| &close.outcome)),
        csv::maybe(close.map(|close| &close.counted_as)),
        csv::maybe(close.and_then(|close| close.verdict.as_ref())),
        csv::maybe(close.and_then(|close| close.agent).map(|agent| agent.0)),
        csv::maybe(close.map(|close| &close.cause_whose)),
        csv::maybe(close.and_then(|close| close.cause_code)),
        csv::at(close.and_then(|close| close.answered_at)),
        csv::at(close.and_then(|close| close.connected_at)),
        csv::at(close.map(|close| close.ended_at)),
    ]
}

impl Record for Attempt {
    type Row = AttemptRow;
    const NAME: &'static str = "attempts";
    const HEADER: &'static [&'static str] = &HEADER;

    fn read(store: &Store, tenant: TenantId, filter: Filter) -> Result<Vec<AttemptRow>, StoreError> {
        store.attempts(tenant, filter)
    }
    fn of(row: AttemptRow, campaigns: &BTreeMap<u64, String>) -> Attempt {
        Attempt::of(row, campaigns)
    }
    fn cells(row: &AttemptRow, campaigns: &BTreeMap<u64, String>) -> Vec<String> {
        cells(row, campaigns)
    }
    fn cursor(row: &AttemptRow) -> u64 {
        row.intent.attempt.0
    }
    fn id(&self) -> u64 {
        self.id
    }
}

/// Attempts, oldest first. As CSV: all that fit the filter, in one file; numbers get an apostrophe in front (see the
/// guide).
#[utoipa::path(get, path = "/api/v1/attempts", tag = "records", params(RecordFilter), responses(
    (status = 200, content((Page<Attempt> = "application/json"), (String = "text/csv")))
))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Query(wanted): Query<RecordFilter>,
) -> Result<Response, Problem> {
    records::answer::<Attempt>(service, uri, headers, wanted).await
}

/// One attempt.
#[utoipa::path(get, path = "/api/v1/attempts/{id}", tag = "records", params(("id" = u64, Path, description = "Id of the attempt")),
    responses((status = 200, body = Attempt)))]
pub(super) async fn show(State(service): State<Arc<Service>>, Id(id): Id) -> Result<axum::Json<Attempt>, Problem> {
    let tenant = service.tenant;
    let found = service
        .store(move |store| {
            let campaigns = names(store, tenant)?;
            Ok(one(store, tenant, id)?.map(|row| Attempt::of(row, &campaigns)))
        })
        .await?;
    found.map(axum::Json).ok_or_else(|| no_attempt(id))
}

fn one(store: &store::Store, tenant: store::TenantId, id: u64) -> Result<Option<AttemptRow>, store::StoreError> {
    // Ids begin at 1: the page after the one before begins with it, if it is there.
    let Some(before) = id.checked_sub(1) else { return Ok(None) };
    let page = store.attempts(tenant, Filter { after: Some(before), limit: 1, ..Filter::default() })?;
    Ok(page.into_iter().find(|row| row.intent.attempt.0 == id))
}

fn no_attempt(id: u64) -> Problem {
    Problem::not_found(format!("attempt {id}"))
}

/// What came of an attempt, as its agent saw it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "code": "sale", "answered": "person", "note": "wants the blue one" }))]
pub(super) struct NewDisposition {
    /// The code chosen; free, 1 to 64 characters.
    #[schema(min_length = 1, max_length = 64)]
    code: String,
    /// True (default): a person was there; false: a machine that detection let through. Left out, `answered` says it.
    person: Option<bool>,
    /// What answered. Tells answer detection whether it was right, as `person` does when that is sent.
    answered: Option<Answered>,
    /// Free text.
    #[schema(max_length = 2000)]
    note: Option<String>,
    /// Name of the agent who says so.
    agent: Option<String>,
}

/// Records what came of an attempt, also after its end. What is said about persons and machines teaches the forecast.
#[utoipa::path(post, path = "/api/v1/attempts/{id}/disposition", tag = "records", params(("id" = u64, Path, description = "Id of the attempt")),
    request_body = NewDisposition, responses((status = 204, description = "It is written down")))]
pub(super) async fn dispose(
    State(service): State<Arc<Service>>,
    Extension(holder): Extension<Arc<Holder>>,
    Id(id): Id,
    Json(wanted): Json<NewDisposition>,
) -> Result<StatusCode, Problem> {
    if let Some(other) = &wanted.agent
        && !holder.may_act_for(other)
    {
        return Err(Problem::forbidden("this is another agent's name, say what came of your own calls"));
    }
    let code = wanted.code.trim();
    if !(1..=CODE_CHARS_MAX).contains(&code.chars().count()) || code.chars().any(char::is_control) {
        return Err(Problem::field(
            "code",
            "is no code",
            format!("write 1 to {CODE_CHARS_MAX} characters on one line"),
        ));
    }
    if wanted.note.as_ref().is_some_and(|note| note.chars().count() > NOTE_CHARS_MAX || note.contains('\0')) {
        let mend = format!("write at most {NOTE_CHARS_MAX} characters, none of them NUL");
        return Err(Problem::field("note", "cannot be kept", mend));
    }
    let agent = match &wanted.agent {
        None => None,
        Some(name) => {
            let snapshot = service.control.snapshot();
            let agent = snapshot.agents.values().find(|agent| agent.name == *name);
            let agent = agent
                .ok_or_else(|| Problem::field("agent", format!("{name:?} is no agent"), "see GET /api/v1/agents"))?;
            Some(AgentId(agent.id))
        }
    };
    let answered = match (wanted.answered, wanted.person) {
        (Some(answered), Some(person)) if person != (answered == Answered::Person) => {
            let words = format!("{:?} and person {person} say different things", answered.name());
            return Err(Problem::field("answered", words, "leave one of them out"));
        }
        (Some(answered), _) => Some(answered),
        // A code alone says nothing of what answered.
        (None, said) => said.map(|person| if person { Answered::Person } else { Answered::Machine }),
    };
    let tenant = service.tenant;
    let row = service.store(move |store| one(store, tenant, id)).await?.ok_or_else(|| no_attempt(id))?;
    let whose = row.close.as_ref().and_then(|close| close.agent);
    if let Some(whose) = whose {
        let snapshot = service.control.snapshot();
        let name = snapshot.agents.values().find(|agent| agent.id == whose.0).map(|agent| agent.name.as_str());
        if !holder.may_act_for(name.unwrap_or_default()) {
            return Err(Problem::forbidden("this was another agent's call, say what came of your own"));
        }
    }
    let label = answered.map(|answered| AmdLabelRow {
        tenant,
        attempt: AttemptId(id),
        answered: Some(answered.name().to_owned()),
        source: "agent".to_owned(),
        who: wanted.agent.clone().unwrap_or_else(|| holder.name.clone()),
        at: service.wall_now(),
    });
    let request = Request::Disposition {
        attempt: AttemptId(id),
        campaign: CampaignId(row.intent.campaign.0),
        agent,
        code: code.to_owned(),
        note: wanted.note,
        // A silent line may have been a person: it is not taken off the abandoned as machines are.
        person: wanted.person.unwrap_or_else(|| {
            answered.is_none_or(|answered| matches!(answered, Answered::Person | Answered::Silence))
        }),
        answered: label,
    };
    service.ask(request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The id of a live campaign that a record is for, if one is named.
pub(super) fn maybe_campaign(service: &Service, name: Option<&str>) -> Result<Option<CampaignId>, Problem> {
    let Some(name) = name else { return Ok(None) };
    match id_of(service, name) {
        Ok(id) => Ok(Some(id)),
        Err(_) => Err(Problem::field("campaign", format!("{name:?} does not exist"), "see GET /api/v1/campaigns")),
    }
}
