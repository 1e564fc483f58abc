//! What answer detection did in a campaign: verdicts by day, and how many people it lost, as far as that can be said.

use super::Service;
use super::campaigns::{no_campaign, row, span_of};
use super::extract::{Name, Query};
use super::problem::Problem;
use crate::amd::figures::{Figures, Interval, drift};
use crate::control::views::{AmdDrift, AmdLost};
use axum::extract::State;
use base::WallTime;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use store::AmdCount;
use utoipa::{IntoParams, ToSchema};

/// Days that are shown unless a span is named.
const DAYS: i64 = 30;
const DAY_US: i64 = 86_400_000_000;

/// Which span of time.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AmdQuery {
    /// From this moment on: RFC 3339 or microseconds since the Unix epoch; 30 days ago unless said otherwise.
    from: Option<String>,
    /// Before this moment.
    to: Option<String>,
}

/// What answer detection did in a campaign.
#[derive(Serialize, ToSchema)]
pub(super) struct AmdReport {
    /// Name of the campaign.
    campaign: String,
    /// `off`, `shadow`, `sample` or `on`.
    mode: String,
    /// Share of those taken for machines that go to agents.
    audit_share: f64,
    /// The knob: at most this share of people may be taken for machines.
    max_human_as_machine: f64,
    /// The whole span.
    total: AmdPart,
    /// Day by day (UTC), oldest first; days without verdicts are left out.
    days: Vec<AmdDay>,
    /// What is unlike the week before the latest day; empty where nothing is, or there are too few calls to know.
    drift: Vec<AmdDrift>,
    /// What the pacer's abandon budget reckons with where the law counts people lost to detection.
    budget: AmdLost,
}

/// One day.
#[derive(Serialize, ToSchema)]
pub(super) struct AmdDay {
    /// Its beginning (UTC), in microseconds since the Unix epoch.
    at_us: i64,
    /// What happened in it.
    #[serde(flatten)]
    part: AmdPart,
}

/// Verdicts and what is known of them.
#[derive(Serialize, ToSchema)]
pub(super) struct AmdPart {
    /// All verdicts.
    calls: u64,
    /// By what was said: `human`, `machine`, `ivr`, `screening`, `silence`, `fax`, `sit`.
    verdicts: BTreeMap<String, u64>,
    /// By what they led to: `person`, `acted`, `audited`, `shadow`.
    handling: BTreeMap<String, u64>,
    /// By what answered, of those with a label.
    answered: BTreeMap<String, u64>,
    /// With a label.
    labelled: u64,
    /// Mean time of the verdict after the answer, in milliseconds.
    verdict_ms: Option<f64>,
    /// Labelled calls among those that were taken for machines and went to an agent.
    audited: u64,
    /// Of these: persons.
    audited_persons: u64,
    /// Persons among those taken for machines.
    persons_among_machines: Option<Interval>,
    /// People taken for machines, of all people who answered; `null`: nothing can be said.
    human_as_machine: Option<Interval>,
    /// Machines of any kind among those taken for people.
    machine_as_human: Option<Interval>,
    /// There are labels enough on both sides.
    measured: bool,
    /// Labelled audits without a person among them that would show that the knob is kept.
    audits_needed: Option<u64>,
    /// What can be said, in words.
    says: String,
}

impl AmdPart {
    fn of<'a>(counts: impl IntoIterator<Item = &'a AmdCount>, goal: f64) -> AmdPart {
        let figures = Figures::of(counts);
        let (audited, audited_persons) = figures.audited();
        AmdPart {
            calls: figures.calls,
            labelled: figures.labelled,
            verdict_ms: figures.verdict_ms_mean(),
            audited,
            audited_persons,
            persons_among_machines: figures.persons_among_machines(),
            human_as_machine: figures.human_as_machine(),
            machine_as_human: figures.machine_as_human(),
            measured: figures.is_measured(),
            audits_needed: figures.audits_needed(goal),
            says: figures.says(goal),
            verdicts: figures.verdicts,
            handling: figures.handling,
            answered: figures.answered,
        }
    }
}

/// What answer detection did in a campaign, by day, and how many people it took for machines: the reasoned estimate that
/// some regulators ask for.
#[utoipa::path(get, path = "/api/v1/campaigns/{name}/amd", tag = "answer detection", params(("name" = String, Path, description = "Name of the campaign"), AmdQuery),
    responses((status = 200, body = AmdReport)))]
pub(super) async fn report(
    State(service): State<Arc<Service>>,
    Name(name): Name,
    Query(wanted): Query<AmdQuery>,
) -> Result<axum::Json<AmdReport>, Problem> {
    let (from, to) = span_of(wanted.from.as_deref(), wanted.to.as_deref())?;
    let campaign = row(&service, &name).await?.ok_or_else(|| no_campaign(&name))?.campaign;
    let now_us = service.wall_now().as_unix_us();
    let from = from.unwrap_or_else(|| WallTime::from_unix_us((now_us / DAY_US - DAYS) * DAY_US));
    let tenant = service.tenant;
    let counts = service.store(move |store| store.amd_counts(tenant, campaign, Some(from), to)).await?;
    let goal = service.config.load().amd.max_human_as_machine;
    let snapshot = service.control.snapshot();
    let view = snapshot.campaigns.get(&campaign.0);
    let settings = view.map(|view| &view.settings);
    let setting = |key: &str| settings.and_then(|settings| settings.get(key));
    let on = setting("amd").and_then(serde_json::Value::as_bool).unwrap_or(true);
    let mode = setting("amd_mode").and_then(serde_json::Value::as_str).filter(|_| on).unwrap_or("off");
    let mut by_day: BTreeMap<i64, Vec<&AmdCount>> = BTreeMap::new();
    for count in &counts {
        by_day.entry(count.day.as_unix_us()).or_default().push(count);
    }
    let day = |(at_us, counts): (i64, Vec<&AmdCount>)| AmdDay { at_us, part: AmdPart::of(counts, goal) };
    Ok(axum::Json(AmdReport {
        campaign: name,
        mode: mode.to_owned(),
        audit_share: setting("amd_audit_share").and_then(serde_json::Value::as_f64).unwrap_or(0.0),
        max_human_as_machine: goal,
        total: AmdPart::of(&counts, goal),
        drift: drift(&counts),
        days: by_day.into_iter().map(day).collect(),
        budget: view.map(|view| view.amd_lost.clone()).unwrap_or_default(),
    }))
}
