//! Why? Decisions of a campaign's pacer around a moment, and its forecasts against what happened.

use super::Service;
use super::calls::unexpected;
use super::campaigns::id_of;
use super::extract::{Name, Query, moment};
use super::problem::Problem;
use crate::control::decisions::{CalibrationView, DecisionsView};
use crate::control::{Reply, Request};
use axum::extract::State;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

/// Decisions of one answer unless said otherwise, and at most: half before the moment and half after.
const DECISIONS: u32 = 100;
const DECISIONS_MAX: u32 = 500;

/// Which decisions.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Around {
    /// The moment, RFC 3339 or microseconds since the Unix epoch; now unless said.
    at: Option<String>,
    /// How many, 100 unless said: half of them at that moment or before, the others after it.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Why did it dial seven at 10:41:07? Decisions around a moment, each with what it saw, expected and had room for. Only of
/// this process, and those that launched something or changed the reason.
#[utoipa::path(get, path = "/api/v1/campaigns/{name}/decisions", tag = "campaigns",
    params(("name" = String, Path, description = "Name of the campaign"), Around),
    responses((status = 200, body = DecisionsView)))]
pub(super) async fn decisions(
    State(service): State<Arc<Service>>,
    Name(name): Name,
    Query(around): Query<Around>,
) -> Result<axum::Json<DecisionsView>, Problem> {
    let at = around.at.as_deref().map(|text| moment("at", text)).transpose();
    let at = at.map_err(|error| Problem::invalid(vec![error]))?.unwrap_or_else(|| service.wall_now());
    let limit = around.limit.unwrap_or(DECISIONS);
    if !(1..=DECISIONS_MAX).contains(&limit) {
        let mend = format!("ask for 1 to {DECISIONS_MAX}");
        return Err(Problem::field("limit", format!("{limit} is no number of decisions"), mend));
    }
    let campaign = id_of(&service, &name)?;
    match service.ask(Request::ShowDecisions { campaign, at, limit }).await? {
        Reply::Decisions(decisions) => Ok(axum::Json(*decisions)),
        other => Err(unexpected(&other)),
    }
}

/// Forecasts of abandonment against what happened, since the campaign was loaded: when the pacer said 3 %, was it 3 %?
#[utoipa::path(get, path = "/api/v1/campaigns/{name}/calibration", tag = "campaigns",
    params(("name" = String, Path, description = "Name of the campaign")),
    responses((status = 200, body = CalibrationView)))]
pub(super) async fn calibration(
    State(service): State<Arc<Service>>,
    Name(name): Name,
) -> Result<axum::Json<CalibrationView>, Problem> {
    match service.ask(Request::ShowCalibration(id_of(&service, &name)?)).await? {
        Reply::Calibration(calibration) => Ok(axum::Json(*calibration)),
        other => Err(unexpected(&other)),
    }
}
