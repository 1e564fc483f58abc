//! Call detail records: every answered call, from its answer on.

use super::campaigns::names;
use super::extract::{Id, Query};
use super::page::Page;
use super::problem::Problem;
use super::records::{self, Record, RecordFilter};
use super::{Service, csv};
use crate::control::views::TimelineEntry;
use axum::extract::{OriginalUri, State};
use axum::http::HeaderMap;
use axum::response::Response;
use base::WallTime;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{CdrRow, Filter, Store, StoreError, TenantId};
use utoipa::ToSchema;

/// One answered call.
#[derive(Serialize, ToSchema)]
pub(super) struct Cdr {
    /// Id of the call.
    id: u64,
    /// Attempt that made it, if a campaign did.
    attempt: Option<u64>,
    /// Name of that campaign.
    campaign: Option<String>,
    /// `outbound` or `inbound`.
    direction: String,
    /// Number or address of the caller.
    caller: String,
    /// Number or address of the called party.
    callee: String,
    /// Name of the trunk.
    trunk: Option<String>,
    /// Call-ID of the SIP dialog; empty in a rebuilt record.
    sip_call_id: String,
    /// Answer, in microseconds since the Unix epoch.
    answered_us: i64,
    /// First agent audio.
    connected_us: Option<i64>,
    /// End; `null` while the call lasts.
    ended_us: Option<i64>,
    /// Id of the agent who talked.
    agent: Option<u64>,
    /// Who ended it: `carrier`, `callee`, `agent`, `us`.
    cause_whose: Option<String>,
    /// SIP code, where one ended it.
    cause_code: Option<u16>,
    /// Packets, loss, jitter.
    #[schema(value_type = Option<Object>)]
    media: Option<serde_json::Value>,
    /// Written after a crash from the attempt alone.
    rebuilt: bool,
}

impl Cdr {
    fn of(row: CdrRow, campaigns: &BTreeMap<u64, String>) -> Cdr {
        let CdrRow { open, close, rebuilt } = row;
        let close = close.as_ref();
        Cdr {
            id: open.call.0,
            attempt: open.attempt.map(|attempt| attempt.0),
            campaign: open.campaign.and_then(|campaign| campaigns.get(&campaign.0).cloned()),
            direction: open.direction,
            caller: open.caller,
            callee: open.callee,
            trunk: open.trunk,
            sip_call_id: open.sip_call_id,
            answered_us: open.answered_at.as_unix_us(),
            connected_us: close.and_then(|close| close.connected_at).map(WallTime::as_unix_us),
            ended_us: close.map(|close| close.ended_at.as_unix_us()),
            agent: close.and_then(|close| close.agent).map(|agent| agent.0),
            cause_whose: close.map(|close| close.cause_whose.clone()),
            cause_code: close.and_then(|close| close.cause_code),
            media: close.and_then(|close| serde_json::from_str(close.media.as_deref()?).ok()),
            rebuilt,
        }
    }
}

/// One answered call with what happened in it.
#[derive(Serialize, ToSchema)]
pub(super) struct CdrDetail {
    /// The record.
    #[serde(flatten)]
    cdr: Cdr,
    /// What happened, in order; empty while the call lasts, and of a call whose end nobody saw.
    timeline: Vec<TimelineEntry>,
}

const HEADER: [&str; 14] = [
    "id",
    "attempt",
    "campaign",
    "direction",
    "caller",
    "callee",
    "trunk",
    "answered_at",
    "connected_at",
    "ended_at",
    "agent",
    "cause_whose",
    "cause_code",
    "rebuilt",
];

fn cells(row: &CdrRow, campaigns: &BTreeMap<u64, String>) -> Vec<String> {
    let (open, close) = (&row.open, row.close.as_ref());
    vec![
        open.call.0.to_string(),
        csv::maybe(open.attempt.map(|attempt| attempt.0)),
        csv::maybe(open.campaign.and_then(|campaign| campaigns.get(&campaign.0))),
        open.direction.clone(),
        open.caller.clone(),
        open.callee.clone(),
        csv::maybe(open.trunk.as_ref()),
        csv::at(Some(open.answered_at)),
        csv::at(close.and_then(|close| close.connected_at)),
        csv::at(close.map(|close| close.ended_at)),
        csv::maybe(close.and_then(|close| close.agent).map(|agent| agent.0)),
        csv::maybe(close.map(|close| &close.cause_whose)),
        csv::maybe(close.and_then(|close| close.cause_code)),
        row.rebuilt.to_string(),
    ]
}

impl Record for Cdr {
    type Row = CdrRow;
    const NAME: &'static str = "cdrs";
    const HEADER: &'static [&'static str] = &HEADER;

    fn read(store: &Store, tenant: TenantId, filter: Filter) -> Result<Vec<CdrRow>, StoreError> {
        store.cdrs(tenant, filter)
    }
    fn of(row: CdrRow, campaigns: &BTreeMap<u64, String>) -> Cdr {
        Cdr::of(row, campaigns)
    }
    fn cells(row: &CdrRow, campaigns: &BTreeMap<u64, String>) -> Vec<String> {
        cells(row, campaigns)
    }
    fn cursor(row: &CdrRow) -> u64 {
        row.open.call.0
    }
    fn id(&self) -> u64 {
        self.id
    }
}

/// Answered calls, oldest first. As CSV: all that fit the filter, in one file; numbers get an apostrophe in front (see
/// the guide).
#[utoipa::path(get, path = "/api/v1/cdrs", tag = "records", params(RecordFilter), responses(
    (status = 200, content((Page<Cdr> = "application/json"), (String = "text/csv")))
))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Query(wanted): Query<RecordFilter>,
) -> Result<Response, Problem> {
    records::answer::<Cdr>(service, uri, headers, wanted).await
}

/// One answered call, with what happened in it.
#[utoipa::path(get, path = "/api/v1/cdrs/{id}", tag = "records", params(("id" = u64, Path, description = "Id of the call")),
    responses((status = 200, body = CdrDetail)))]
pub(super) async fn show(State(service): State<Arc<Service>>, Id(id): Id) -> Result<axum::Json<CdrDetail>, Problem> {
    let tenant = service.tenant;
    // Ids begin at 1: the page after the one before begins with it, if it is there.
    let before = id.checked_sub(1).ok_or_else(|| no_cdr(id))?;
    let found = service
        .store(move |store| {
            let page = store.cdrs(tenant, Filter { after: Some(before), limit: 1, ..Filter::default() })?;
            let Some(row) = page.into_iter().find(|row| row.open.call.0 == id) else { return Ok(None) };
            let told = row.close.as_ref().and_then(|close| serde_json::from_str(close.timeline.as_deref()?).ok());
            Ok(Some(CdrDetail { cdr: Cdr::of(row, &names(store, tenant)?), timeline: told.unwrap_or_default() }))
        })
        .await?;
    found.map(axum::Json).ok_or_else(|| no_cdr(id))
}

fn no_cdr(id: u64) -> Problem {
    Problem::not_found(format!("CDR {id} (only answered calls have one)"))
}
