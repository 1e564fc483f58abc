//! Fixed recordings that answer detection has learnt from the operator's own calls.

use super::Service;
use super::extract::Name;
use super::page::Page;
use super::problem::Problem;
use crate::control::Request;
use axum::extract::State;
use axum::http::StatusCode;
use detect::print::{FORMAT, Recording};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// A fixed recording that answered on several numbers. Neither numbers nor sound are kept of it.
#[derive(Serialize, ToSchema)]
pub(super) struct RecordingView {
    /// Its name: a hash of its fingerprint.
    id: String,
    /// What it is: `machine`, `ivr` or `screening`; `null`: its row cannot be read and is set aside.
    kind: Option<&'static str>,
    /// When it was learnt, in microseconds since the Unix epoch.
    learnt_us: i64,
    /// Calls since in which it was recognised.
    met: u64,
    /// The last of them, in microseconds since the Unix epoch.
    met_us: Option<i64>,
}

impl From<store::AmdRecording> for RecordingView {
    fn from(found: store::AmdRecording) -> RecordingView {
        let known = Recording::from_line(&found.row.line).filter(|_| found.row.format == FORMAT);
        RecordingView {
            kind: known.map(|known| known.verdict().name()),
            id: found.row.recording,
            learnt_us: found.row.at.as_unix_us(),
            met: found.met,
            met_us: found.met_at.map(|at| at.as_unix_us()),
        }
    }
}

/// Fixed recordings that calls are held against, in the order in which they were learnt.
#[utoipa::path(get, path = "/api/v1/amd/recordings", tag = "answer detection", responses((status = 200, body = Page<RecordingView>)))]
pub(super) async fn list(State(service): State<Arc<Service>>) -> Result<axum::Json<Page<RecordingView>>, Problem> {
    let tenant = service.tenant;
    let rows = service.store(move |store| store.amd_recordings(tenant)).await?;
    Ok(axum::Json(Page::whole(rows.into_iter().map(RecordingView::from).collect())))
}

/// Forgets a recording: calls from now on are not held against it. The same opening on three numbers teaches it again.
#[utoipa::path(delete, path = "/api/v1/amd/recordings/{id}", tag = "answer detection", params(("id" = String, Path, description = "Name of the recording")),
    responses((status = 204, description = "It is forgotten")))]
pub(super) async fn forget(State(service): State<Arc<Service>>, Name(id): Name) -> Result<StatusCode, Problem> {
    let (tenant, wanted) = (service.tenant, id.clone());
    let known = service.store(move |store| store.amd_recordings(tenant)).await?;
    if !known.iter().any(|known| known.row.recording == wanted) {
        return Err(Problem::not_found(format!("recording {wanted}")));
    }
    service.ask(Request::ForgetRecording(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
