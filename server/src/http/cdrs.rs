//! Call detail records: every answered call, from its answer on.

use super::attempts::RecordFilter;
use super::campaigns::names;
use super::extract::Query;
use super::page::Page;
use super::problem::Problem;
use super::{Service, csv};
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use base::WallTime;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use store::{CdrRow, Filter};
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

/// Answered calls, oldest first. As CSV: all that fit the filter, in one file; numbers get an apostrophe in front (see
/// the guide).
#[utoipa::path(get, path = "/api/v1/cdrs", tag = "records", params(RecordFilter), responses(
    (status = 200, content((Page<Cdr> = "application/json"), (String = "text/csv")))
))]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    uri: Uri,
    headers: HeaderMap,
    Query(wanted): Query<RecordFilter>,
) -> Result<Response, Problem> {
    let filter = wanted.checked(&service).await?;
    let tenant = service.tenant;
    if csv::wanted(wanted.format, &headers) {
        let mut campaigns = None;
        return csv::file(&service, "cdrs", &HEADER, move |store, cursor: Option<u64>| {
            let filter = Filter { after: cursor.or(filter.after), limit: store::PAGE_ROWS_MAX, ..filter.clone() };
            let campaigns = match &campaigns {
                Some(campaigns) => campaigns,
                None => campaigns.insert(names(store, tenant)?),
            };
            let page = store.cdrs(tenant, filter)?;
            let full = page.len() >= store::PAGE_ROWS_MAX as usize;
            let next = page.last().filter(|_| full).map(|row| row.open.call.0);
            Ok((page.iter().map(|row| cells(row, campaigns)).collect(), next))
        })
        .await;
    }
    let limit = filter.limit;
    let page = service
        .store(move |store| {
            let campaigns = names(store, tenant)?;
            let page = store.cdrs(tenant, filter)?;
            Ok(page.into_iter().map(|row| Cdr::of(row, &campaigns)).collect::<Vec<_>>())
        })
        .await?;
    Ok(axum::Json(Page::of(page, limit, &uri, |cdr| cdr.id.to_string())).into_response())
}
