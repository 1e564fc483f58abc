//! Is the process alive, and can it work?

use super::Service;
use crate::control::Snapshot;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// The process is alive.
#[derive(Serialize, ToSchema)]
pub(super) struct Alive {
    /// Always true.
    alive: bool,
    /// Version of the program.
    version: &'static str,
}

/// Whether the process can take calls.
#[derive(Serialize, ToSchema)]
pub(super) struct Ready {
    /// It can.
    ready: bool,
    /// Why not; empty when it can.
    reasons: Vec<String>,
}

/// Alive: the process runs and answers.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, body = Alive)))]
pub(super) async fn healthz() -> Json<Alive> {
    Json(Alive { alive: true, version: env!("CARGO_PKG_VERSION") })
}

/// Ready: calls can be taken and placed. 503 with the reasons while not.
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, body = Ready), (status = 503, body = Ready, description = "Not ready, with the reasons")
))]
pub(super) async fn readyz(State(service): State<Arc<Service>>) -> (StatusCode, Json<Ready>) {
    let reasons = reasons(&service.control.snapshot());
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready: reasons.is_empty(), reasons }))
}

/// What stands against taking calls. A store that is away is not among it: calls go on and rows are spooled.
fn reasons(snapshot: &Snapshot) -> Vec<String> {
    let mut reasons = Vec::new();
    if !snapshot.ready {
        reasons.push("the server is starting".to_owned());
    }
    if snapshot.draining {
        reasons.push("the server is shutting down".to_owned());
    }
    if snapshot.store.state == "full" {
        let fault = snapshot.store.fault.as_deref().unwrap_or("no more rows can be kept");
        reasons.push(format!("the store takes no rows: {fault}"));
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_said() {
        let mut snapshot = Snapshot::default();
        assert_eq!(reasons(&snapshot).len(), 1);
        snapshot.ready = true;
        assert!(reasons(&snapshot).is_empty());
        snapshot.store.state = "away";
        assert!(reasons(&snapshot).is_empty());
        snapshot.store.state = "full";
        snapshot.draining = true;
        assert_eq!(reasons(&snapshot).len(), 2);
    }
}
