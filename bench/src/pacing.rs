//! `outpace-bench pacing`: the table of pacing laws, measured with the production dialer in its simulator, and what the
//! simulator itself is checked by.
//!
//! ```text
//!  plan (sizes × laws, stress, limits, queues, small worlds) ──> jobs of a few days, on threads, seeds of their own
//!                                                            ──> bench/results/pacing.json ──> docs/pacing.md, *.svg
//! ```
//!
//! **Invariants.** The page holds nothing that is not in the JSON. Seeds follow from one number (by default the date), so
//! a fresh one is a fresh sample and an old one the same days. Times are processor time of the thread. A part that is
//! measured alone takes its place among the kept ones, and each row says of which commit it is. Absent: the laws themselves,
//! which live in the dialer.

mod chart;
mod page;
mod part;
mod plan;

use crate::machine::{Machine, today};
use crate::results::{read_json, write_json};
use dialer::report::{DayReport, Report};
use dialer::scenario::Scenario;
use dialer::sim::optimum::SmallWorld;
use dialer::sim::theory::{QueueCase, one_to_one};
use dialer::sim::{Options, simulate};
pub(crate) use part::Part;
use plan::{Row, Size};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Days of one job: a day of 1,000 agents takes a minute, so that a hundred jobs still show progress; and a window of 30
/// days fits in.
const JOB_DAYS: u32 = 30;
/// A short run may differ from the committed one by so many standard errors of both.
const NOISE: f64 = 4.0;

/// `pacing.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Results {
    date: String,
    machine: Machine,
    seed: u64,
    /// `quick` or `full`: how many days.
    set: String,
    laws: Vec<Measured>,
    limits: Vec<Measured>,
    stress: Vec<Measured>,
    /// Beside the study, with its cadence.
    #[serde(default)]
    study: Vec<Measured>,
    queues: Vec<Check>,
    small_worlds: Vec<Small>,
}

/// One law in one scenario.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Measured {
    scenario: String,
    agents: u32,
    policy: String,
    limit: f64,
    days: u32,
    /// Mean of the days and its standard error.
    occupancy: f64,
    occupancy_error: f64,
    talk_minutes_per_agent_hour: f64,
    agent_wait_s: f64,
    /// Of all days together.
    abandon_rate: f64,
    days_over_limit: u32,
    worst_day: f64,
    /// Processor time: of one day, and of one decision.
    cpu_s_per_day: f64,
    decision_p99_us: f64,
    /// Of the source that was measured.
    #[serde(default)]
    commit: String,
}

/// The simulated desk against a formula.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Check {
    case: String,
    what: String,
    days: u32,
    simulated: f64,
    error: f64,
    theory: f64,
    /// Of the source that was measured.
    #[serde(default)]
    commit: String,
}

/// The predictive law against the exact optimum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Small {
    optimum: f64,
    measured: Measured,
}

/// What to do.
pub(crate) struct Wanted<'a> {
    pub(crate) json: &'a Path,
    pub(crate) page: &'a Path,
    pub(crate) seed: Option<u64>,
    pub(crate) full: bool,
    pub(crate) threads: usize,
    /// What to measure anew; empty: everything.
    pub(crate) parts: &'a [Part],
    /// Of laws and stress only these groups; empty: all.
    pub(crate) agents: &'a [u32],
    /// Of laws only these, of stress only these scenarios, of queues only these cases; empty: all.
    pub(crate) laws: &'a [String],
}

/// Measures everything and writes the JSON, the page and its pictures.
pub(crate) fn run(wanted: &Wanted<'_>) -> Result<(), String> {
    let date = today();
    // The date as a number: 20260302.
    let seed = wanted.seed.unwrap_or_else(|| date.replace('-', "").parse().unwrap_or(1));
    let size = if wanted.full { Size::Full } else { Size::Quick };
    let wants = |part: Part| wanted.parts.is_empty() || wanted.parts.contains(&part);
    let rows = |part: Part, mut rows: Vec<Row>| {
        rows.retain(|row| wants(part) && wanted.takes(part, row));
        measure(part.name(), &rows, seed, wanted.threads)
    };
    let mut results = Results {
        date,
        machine: Machine::here(),
        seed,
        set: if wanted.full { "full" } else { "quick" }.to_owned(),
        laws: rows(Part::Laws, plan::laws(size))?,
        limits: rows(Part::Limits, plan::limits(size))?,
        stress: rows(Part::Stress, plan::stress(size))?,
        study: rows(Part::Study, plan::study(size))?,
        queues: if wants(Part::Queues) { queues(size, seed, wanted)? } else { Vec::new() },
        small_worlds: if wants(Part::SmallWorlds) { small_worlds(size, seed, wanted.threads)? } else { Vec::new() },
    };
    results.stamp();
    if wanted.is_partial() {
        results = part::among(read_json(wanted.json)?, results)?;
    }
    write_json(wanted.json, &results)?;
    page::write(&results, wanted.page)
}

/// The page from the results that are there.
pub(crate) fn redraw(json: &Path, page: &Path) -> Result<(), String> {
    page::write(&read_json(json)?, page)
}

/// A short run of the predictive law with fresh seeds against the committed figures.
pub(crate) fn check(json: &Path, threads: usize) -> Result<(), String> {
    let committed: Results = read_json(json)?;
    let seed = today().replace('-', "").parse().unwrap_or(1);
    let measured = measure("check", &plan::gate(), seed, threads)?;
    let faults: Vec<String> = measured.iter().filter_map(|row| judge(row, &committed.laws)).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
}

/// What is wrong with a row next to the committed one of the same law and size.
fn judge(row: &Measured, committed: &[Measured]) -> Option<String> {
    let said = format!("{} with {} agents", row.policy, row.agents);
    let Some(entry) = committed.iter().find(|entry| (&entry.policy, entry.agents) == (&row.policy, row.agents)) else {
        return Some(format!("{said}: no committed figure; run make pacing"));
    };
    let noise = NOISE * row.occupancy_error.hypot(entry.occupancy_error);
    if (row.occupancy - entry.occupancy).abs() > noise {
        return Some(format!(
            "{said}: occupancy {:.4}, committed {:.4}, noise {noise:.4}; if it is meant to differ, run make pacing",
            row.occupancy, entry.occupancy
        ));
    }
    (row.days_over_limit > 0).then(|| format!("{said}: {} days over the limit", row.days_over_limit))
}

/// Processor time of this thread in nanoseconds.
fn thread_ns() -> u64 {
    let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID);
    time.map_or(0, |time| time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
}

fn options(days: u32, seed: u64, policy: &str) -> Options {
    Options { days, seed, policy: policy.to_owned(), clock: Some(Arc::new(thread_ns)), ..Options::default() }
}

/// Runs the rows in jobs on threads, and puts the days of each row together.
fn measure(what: &str, rows: &[Row], seed: u64, threads: usize) -> Result<Vec<Measured>, String> {
    let mut jobs = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let mut left = row.days;
        while left > 0 {
            let days = left.min(JOB_DAYS);
            // Rows share seeds, so that laws are compared on the same days; jobs of a row do not.
            jobs.push((index, days, seed * 1_000 + u64::from(row.days - left)));
            left -= days;
        }
    }
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        let mut reports = Vec::new();
        while let Some((place, (index, days, seed))) = {
            let place = next.fetch_add(1, Ordering::Relaxed);
            jobs.get(place).map(|job| (place, *job))
        } {
            let row = &rows[index];
            let options = Options { decide_every_ms: row.every_ms, ..options(days, seed, &row.policy) };
            let report = simulate(&row.scenario, &options);
            let report = report.map_err(|error| format!("{error}, {} of {}", row.policy, row.scenario.name))?;
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            eprintln!(
                "{what} {done}/{}: {}, {}, {} agents, {days} days: {:.2} % occupancy, {:.2} % abandoned",
                jobs.len(),
                row.scenario.name,
                row.policy,
                row.scenario.agents,
                100.0 * report.occupancy,
                100.0 * report.abandon_rate
            );
            reports.push((place, index, report));
        }
        Ok::<_, String>(reports)
    };
    type Part = Result<Vec<(usize, usize, Report)>, String>;
    let parts: Vec<Part> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap_or(Err("a run panicked".to_owned()))).collect()
    });
    let mut reports = parts.into_iter().collect::<Result<Vec<_>, String>>()?.concat();
    reports.sort_by_key(|(place, ..)| *place);
    let of_row = |index: usize| reports.iter().filter(move |entry| entry.1 == index).map(|(.., report)| report);
    Ok(rows.iter().enumerate().map(|(index, row)| together(row, &of_row(index).collect::<Vec<_>>())).collect())
}

/// The reports of one row's jobs as one.
fn together(row: &Row, reports: &[&Report]) -> Measured {
    let days: Vec<&DayReport> = reports.iter().flat_map(|report| &report.per_day).collect();
    let count = days.len().max(1) as f64;
    let mean = |value: &dyn Fn(&Report) -> f64| {
        reports.iter().map(|report| value(report) * f64::from(report.days)).sum::<f64>() / count
    };
    let (occupancy, occupancy_error) = mean_and_error(days.iter().map(|day| day.occupancy));
    let sum = |value: &dyn Fn(&DayReport) -> u64| days.iter().map(|day| value(day)).sum::<u64>() as f64;
    let (connected, abandoned) = (sum(&|day| day.connected), sum(&|day| day.abandoned));
    Measured {
        scenario: row.scenario.name.clone(),
        agents: row.scenario.agents,
        policy: row.policy.clone(),
        limit: row.limit(),
        days: days.len() as u32,
        occupancy,
        occupancy_error,
        talk_minutes_per_agent_hour: mean(&|report| report.talk_minutes_per_agent_hour),
        agent_wait_s: mean(&|report| report.agent_wait_s.mean),
        abandon_rate: abandoned / (abandoned + connected).max(1.0),
        days_over_limit: reports.iter().map(|report| report.days_over_limit).sum(),
        worst_day: days.iter().map(|day| day.abandon_rate).fold(0.0, f64::max),
        cpu_s_per_day: mean(&|report| report.wall_s / f64::from(report.days)),
        decision_p99_us: reports.iter().map(|report| report.decision_us.p99).fold(0.0, f64::max),
        commit: String::new(),
    }
}

/// Mean and its standard error; the error of one value is not known and stands as 0.
fn mean_and_error(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count.max(1.0);
    let squares: f64 = values.map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (count * (count - 1.0)).max(1.0)).sqrt())
}

fn queues(size: Size, seed: u64, wanted: &Wanted<'_>) -> Result<Vec<Check>, String> {
    let mut checks = Vec::new();
    let cases: Vec<QueueCase> = plan::queues(size);
    for case in cases.into_iter().filter(|case| wanted.takes_named(case.name)) {
        let (hours, days) = size.queue_hours_and_days();
        let (scenario, policy, every_ms) = case.setting(hours);
        let options = Options { decide_every_ms: Some(every_ms), ..options(days, seed, &policy) };
        let report = simulate(&scenario, &options).map_err(|error| format!("{error}, {}", case.name))?;
        let lost = mean_and_error(report.per_day.iter().map(|day| day.abandon_rate));
        let occupancy = mean_and_error(report.per_day.iter().map(|day| day.occupancy));
        for (what, (simulated, error), theory) in
            [("lost", lost, case.lost()), ("occupancy", occupancy, case.occupancy())]
        {
            eprintln!("{}: {what} {simulated:.5} ± {error:.5}, theory {theory:.5}", case.name);
            let (case, what, commit) = (case.name.to_owned(), what.to_owned(), String::new());
            checks.push(Check { case, what, days, simulated, error, theory, commit });
        }
    }
    let (hours, days) = size.queue_hours_and_days();
    let scenario = plan::one_to_one(hours);
    if !wanted.takes_named(&scenario.name) {
        return Ok(checks);
    }
    let report = simulate(&scenario, &options(days, seed, "progressive")).map_err(|error| error.to_string())?;
    let (simulated, error) = mean_and_error(report.per_day.iter().map(|day| day.occupancy));
    let theory = one_to_one(&scenario);
    let (case, what, commit) = (scenario.name, "occupancy".to_owned(), String::new());
    checks.push(Check { case, what, days, simulated, error, theory, commit });
    Ok(checks)
}

fn small_worlds(size: Size, seed: u64, threads: usize) -> Result<Vec<Small>, String> {
    let limit = Scenario::default().campaign_config(dialer::Mode::Predictive);
    let limit = limit.map_err(|error| error.to_string())?.abandon_limit();
    let worlds: Vec<SmallWorld> = plan::small_worlds(size).map(SmallWorld::new).collect();
    let rows: Vec<Row> =
        worlds.iter().map(|world| Row::new(world.scenario(), "predictive", size.small_world_days())).collect();
    let measured = measure("small worlds", &rows, seed, threads)?;
    let together = worlds.iter().zip(measured);
    Ok(together.map(|(world, measured)| Small { optimum: world.optimum(limit), measured }).collect())
}

#[cfg(test)]
mod tests;
