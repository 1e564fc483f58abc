//! Looks at what the labels say of answer detection, again and again: tells the pacers what was measured, tells when a
//! campaign is unlike its last week, and empties what has been kept long enough.

use super::Service;
use super::problem::Problem;
use crate::amd::figures::{Figures, drift};
use crate::amd::measured;
use crate::control::Request;
use base::{CampaignId, WallTime};
use dialer::AmdMeasured;
use std::sync::Arc;
use std::time::Duration;

/// A day's figures move slowly; counting a month of 5,000 verdicts a day takes a tenth of a second.
const LOOK_EVERY: Duration = Duration::from_secs(300);
/// Days that the measure is taken from.
const DAYS: i64 = 30;
const DAY_US: i64 = 86_400_000_000;

/// For as long as the server serves.
pub(super) async fn watch(service: Arc<Service>) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    let mut stop = service.stopping.subscribe();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = async { drop(stop.wait_for(|stopping| *stopping).await) } => return,
        }
        if let Err(problem) = purge(&service).await {
            tracing::warn!(problem = problem.detail, "what answer detection kept could not be emptied in time");
        }
        let snapshot = service.control.snapshot();
        for campaign in snapshot.campaigns.values() {
            let name = &campaign.name;
            if let Err(problem) = look(&service, CampaignId(campaign.id)).await {
                tracing::warn!(problem = problem.detail, "answer detection of campaign {name:?} could not be measured");
            }
        }
    }
}

async fn purge(service: &Service) -> Result<(), Problem> {
    let now = service.wall_now();
    let emptied = move |store: &store::Store| {
        let mut total = store::AmdPurged::default();
        loop {
            let part = store.amd_purge(now)?;
            if part == store::AmdPurged::default() {
                return Ok(total);
            }
            total.audio += part.audio;
            total.traces += part.traces;
        }
    };
    let total = service.store(emptied).await?;
    if total != store::AmdPurged::default() {
        let (audio, traces) = (total.audio, total.traces);
        tracing::info!(audio, traces, "what answer detection kept has had its time and is emptied");
    }
    Ok(())
}

/// Looks at one campaign.
///
/// # Errors
/// The store or the control thread cannot answer.
pub(super) async fn look(service: &Service, campaign: CampaignId) -> Result<(), Problem> {
    let (tenant, now) = (service.tenant, service.wall_now());
    let from = WallTime::from_unix_us((now.as_unix_us() / DAY_US - DAYS) * DAY_US);
    let (measured, drift) = service
        .store(move |store| {
            let counts = store.amd_counts(tenant, campaign, Some(from), None)?;
            let figures = Figures::of(&counts);
            let found = figures.human_as_machine().filter(|_| figures.is_measured()).map(|found| AmdMeasured {
                // Upward to the hundredth of a percent, so that a single call does not change the terms of the ledger.
                rate: (found.high * 1e4).ceil() / 1e4,
                evidence: format!("upper bound of {} labelled audits of the last {DAYS} days", figures.audited().0),
            });
            if measured::load(store, tenant, campaign)? != found {
                measured::keep(store, tenant, campaign, found.as_ref(), now)?;
            }
            Ok((found, drift(&counts)))
        })
        .await?;
    service.ask(Request::AmdFound { campaign, measured, drift }).await?;
    Ok(())
}
