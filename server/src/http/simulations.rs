//! What if? A day of a campaign is replayed through the simulator twice: as it was steered, and as it might have been.
//!
//! ```text
//!  POST ──> attempts of the day ──> replay ──┬── as it is ──┬──> runs on one background thread ──> before, after
//!      └──> base scenario ─────────────^     └── changed ───┘
//! ```
//!
//! Simulations live in memory: they are quickly asked again. Both sides see the same callees.

use super::Service;
use super::campaigns::{no_campaign, row, span_of};
use super::extract::{Id, Json};
use super::limits::{SIMULATED_AGENT_DAYS_MAX, SIMULATIONS_KEPT_MAX, SIMULATIONS_WAITING_MAX};
use super::page::Page;
use super::problem::Problem;
use crate::config;
use crate::simulate::replay::{HOURS_MAX, Known, Observed, Replay, policy_of, wrap_up};
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base::WallTime;
use dialer::report::{self, DayReport, Report};
use dialer::scenario::Scenario;
use dialer::sim::{Options, SimError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use utoipa::ToSchema;

/// Days of each side unless asked otherwise: the ends of its band lie by the second worst and best of 40.
const DAYS: u32 = 40;
/// Least and most days of each side.
const DAYS_MIN: u32 = 4;
const DAYS_MAX: u32 = 400;
/// Longest mean of wrap-up: an hour.
const WRAP_UP_S_MAX: f64 = 3_600.0;

/// What is asked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "campaign": "spring", "limit": 0.02, "agents": 25 }))]
pub(super) struct NewSimulation {
    /// Name of the campaign whose day is replayed.
    campaign: String,
    /// From this moment on, RFC 3339 or microseconds since the Unix epoch; 24 hours before `to` unless said.
    from: Option<String>,
    /// Before this moment; now unless said.
    to: Option<String>,
    /// Another abandon limit, a share of 1.
    limit: Option<f64>,
    /// Another number of agents at the peak; each hour grows or shrinks alike.
    agents: Option<u32>,
    /// So many agents more at the peak, or less; instead of `agents`.
    more_agents: Option<i32>,
    /// Another mean of wrap-up in seconds.
    wrap_up_s: Option<f64>,
    /// The base scenario instead of a day of records: 20 agents, eight hours, callees as in the study of pacers; with the
    /// campaign's mode, profile and limit. For a campaign that has not dialled enough yet.
    #[serde(default)]
    base: bool,
    /// With answer detection or without.
    amd: Option<bool>,
    /// Another mode: `progressive`, `power` or `predictive`.
    mode: Option<String>,
    /// Lines per agent of `power`.
    ratio: Option<f64>,
    /// Days of each side, 40 unless said.
    days: Option<u32>,
    /// The same seed and records give the same answer; 1 unless said.
    seed: Option<u64>,
}

/// What was changed for `after`.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
struct Changes {
    limit: Option<f64>,
    agents: Option<u32>,
    more_agents: Option<i32>,
    wrap_up_s: Option<f64>,
    amd: Option<bool>,
    mode: Option<String>,
    ratio: Option<f64>,
}

impl Changes {
    /// Agents at the peak of a day that had so many.
    fn agents(&self, had: u32) -> u32 {
        self.agents.unwrap_or_else(|| had.saturating_add_signed(self.more_agents.unwrap_or_default()).max(1))
    }

    /// Those that are keys of a scenario.
    fn keys(&self) -> toml::Table {
        let mut over = toml::Table::new();
        if let Some(limit) = self.limit {
            over.insert("limit".to_owned(), limit.into());
        }
        if let Some(amd) = self.amd {
            over.insert("amd".to_owned(), toml::Table::from_iter([("enabled".to_owned(), amd.into())]).into());
        }
        if let Some(mean_s) = self.wrap_up_s {
            let wrap_up = toml::Table::from_iter([("wrap_s".to_owned(), wrap_up(mean_s).into())]);
            over.insert("agent".to_owned(), wrap_up.into());
        }
        over
    }
}

/// A figure over the simulated days.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
struct Band {
    /// Mean of the days.
    mean: f64,
    /// Standard error of that mean.
    error: f64,
    /// 2.5th percentile of the days.
    low: f64,
    /// 97.5th percentile.
    high: f64,
}

impl From<report::Band> for Band {
    fn from(band: report::Band) -> Band {
        Band { mean: band.mean, error: band.error, low: band.low, high: band.high }
    }
}

/// One side of the comparison.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
struct Side {
    /// Policy that paced.
    policy: String,
    /// Days simulated.
    days: u32,
    /// The abandon limit in force, a share of 1.
    limit: f64,
    /// (talk + wrap-up) ÷ time logged in and not on break, of 1.
    occupancy: Band,
    /// abandoned ÷ (abandoned + connected), of 1.
    abandon_rate: Band,
    /// Minutes of talk per agent and hour.
    talk_minutes_per_agent_hour: Band,
    /// Attempts a day.
    attempts: Band,
    /// Persons connected a day.
    connected: Band,
    /// Persons abandoned a day.
    abandoned: Band,
    /// Most agents at once.
    agents: u32,
    /// Days whose own rate is over the limit.
    days_over_limit: u32,
    /// The course of the day, in quarters of an hour.
    over_day: Vec<Slot>,
}

/// A part of the day.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
struct Slot {
    /// Its end, in hours since the first agent had a call.
    until_h: f64,
    /// In this part of the day.
    occupancy: Band,
    /// From the start of the day to here.
    abandon_rate: Band,
    /// Persons who may still be abandoned at its end, in the tightest window.
    budget_left: Band,
}

impl Side {
    fn of(report: &Report, agents: u32) -> Side {
        let band =
            |value: fn(&DayReport) -> f64| Band::from(report::Band::of(report.per_day.iter().map(value).collect()));
        let slots = report.over_day.iter().map(|slot| Slot {
            until_h: slot.until_h,
            occupancy: slot.occupancy.into(),
            abandon_rate: slot.abandon_rate.into(),
            budget_left: slot.budget_left.into(),
        });
        Side {
            policy: report.policy.clone(),
            days: report.days,
            limit: report.limit,
            occupancy: band(|day| day.occupancy),
            abandon_rate: band(|day| day.abandon_rate),
            talk_minutes_per_agent_hour: band(|day| day.talk_minutes_per_agent_hour),
            attempts: band(|day| day.attempts as f64),
            connected: band(|day| day.connected as f64),
            abandoned: band(|day| day.abandoned as f64),
            agents,
            days_over_limit: report.days_over_limit,
            over_day: slots.collect(),
        }
    }
}

/// A simulation, under way or done.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Simulation {
    /// Id.
    id: u64,
    /// The campaign.
    campaign: String,
    /// `waiting`, `running`, `done`, `failed` or `cancelled`.
    state: &'static str,
    /// How much of it is done, of 1.
    progress: f64,
    /// When the replayed day begins, in microseconds since the Unix epoch; `null` for the base scenario.
    from_us: Option<i64>,
    /// When it ends.
    to_us: Option<i64>,
    /// The moment of hour 0 of `over_day`; `null` until the attempts are read, and for the base scenario.
    begins_us: Option<i64>,
    /// Attempts that the replay is made of; 0 until they are read.
    attempts: u64,
    /// Agents at the peak of that day, or of the base scenario; 0 until the attempts are read.
    agents: u32,
    /// What is other than it was.
    changes: Changes,
    /// The day as the campaign is steered now.
    before: Option<Side>,
    /// The day with the changes.
    after: Option<Side>,
    /// Why it failed.
    error: Option<String>,
}

/// Simulations by id, and those that were told to end.
#[derive(Default)]
pub(super) struct Simulations {
    known: Mutex<BTreeMap<u64, (Simulation, Arc<AtomicBool>)>>,
    /// One runs at a time: the engine's cores are for calls.
    turn: Arc<Mutex<()>>,
}

impl Simulations {
    fn known(&self) -> MutexGuard<'_, BTreeMap<u64, (Simulation, Arc<AtomicBool>)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, id: u64) -> Option<Simulation> {
        self.known().get(&id).map(|(simulation, _)| simulation.clone())
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut Simulation)) {
        if let Some((simulation, _)) = self.known().get_mut(&id) {
            change(simulation);
        }
    }

    /// Makes room by forgetting the oldest that is over; `None`: too many wait.
    fn put(&self, mut simulation: Simulation) -> Option<(Simulation, Arc<AtomicBool>)> {
        let mut known = self.known();
        let over = |simulation: &Simulation| !["waiting", "running"].contains(&simulation.state);
        if known.values().filter(|(simulation, _)| !over(simulation)).count() >= SIMULATIONS_WAITING_MAX {
            return None;
        }
        if known.len() >= SIMULATIONS_KEPT_MAX
            && let Some(oldest) = known.values().find(|(simulation, _)| over(simulation)).map(|(known, _)| known.id)
        {
            known.remove(&oldest);
        }
        simulation.id = known.last_key_value().map_or(1, |(id, _)| id + 1);
        let cancel = Arc::new(AtomicBool::new(false));
        known.insert(simulation.id, (simulation.clone(), cancel.clone()));
        Some((simulation, cancel))
    }
}

/// What a simulation works with.
struct Work {
    service: Arc<Service>,
    id: u64,
    cancel: Arc<AtomicBool>,
    campaign: base::CampaignId,
    /// The day; `None`: the base scenario.
    day: Option<(WallTime, WallTime)>,
    known: Known,
    /// What `profile` of the day may name.
    profiles: Arc<dialer::Profiles>,
    policy: String,
    /// The policy with the changes.
    other: String,
    changes: Changes,
    days: u32,
    seed: u64,
}

/// Asks what would have been if. It runs in the background, one at a time; ask again until `state` is `done`.
#[utoipa::path(post, path = "/api/v1/simulations", tag = "campaigns", request_body = NewSimulation, responses(
    (status = 202, body = Simulation, headers(("Location" = String, description = "Address of the simulation")))
))]
pub(super) async fn begin(
    State(service): State<Arc<Service>>,
    Json(wanted): Json<NewSimulation>,
) -> Result<Response, Problem> {
    let row = row(&service, &wanted.campaign).await?.ok_or_else(|| no_campaign(&wanted.campaign))?;
    let settings: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&row.config).unwrap_or_default();
    let settings = config::Campaign::from_json(&settings, &service.known()).map_err(super::campaigns::field_errors)?;
    let day = match (wanted.base, wanted.from.as_deref(), wanted.to.as_deref()) {
        (true, None, None) => None,
        (true, _, _) => return Err(Problem::field("base", "is no day of records", "leave out from and to, or base")),
        (false, from, to) => {
            let (from, to) = span_of(from, to)?;
            let day_us = HOURS_MAX as i64 * 3_600_000_000;
            let to = to.unwrap_or_else(|| service.wall_now());
            let from = from.unwrap_or_else(|| WallTime::from_unix_us(to.as_unix_us() - day_us));
            if !(1..=day_us).contains(&(to.as_unix_us() - from.as_unix_us())) {
                return Err(Problem::field("to", "ends no day that begins with from", "ask for at most 24 hours"));
            }
            Some((from, to))
        }
    };
    if let dialer::Mode::Agentless(_) = settings.mode {
        let mend = "ask about a campaign that has agents";
        return Err(Problem::field("campaign", "has no agents, so there is nothing to try", mend));
    }
    let policy = match (wanted.mode.as_deref(), wanted.ratio) {
        (None, None) => None,
        (Some("power"), Some(ratio)) if (1.0..=dialer::RATIO_MAX).contains(&ratio) => {
            Some(policy_of(dialer::Mode::Power(ratio)))
        }
        (Some("power"), _) => {
            let mend = format!("write the lines per agent, from 1 to {}", dialer::RATIO_MAX);
            return Err(Problem::field("ratio", "is not what power needs", mend));
        }
        (_, Some(_)) => {
            return Err(Problem::field("ratio", "does nothing in this mode", "leave it out, or send mode power"));
        }
        (Some(mode @ ("progressive" | "predictive")), None) => Some(mode.to_owned()),
        (Some(_), None) => {
            return Err(Problem::field("mode", "cannot be simulated", "write progressive, power or predictive"));
        }
    };
    if wanted.limit.is_some_and(|limit| !(0.0..=1.0).contains(&limit)) {
        return Err(Problem::field("limit", "is no share", "write a number from 0 to 1, 0.03 is 3 %"));
    }
    if wanted.agents == Some(0) {
        return Err(Problem::field("agents", "are none", "write a number from 1"));
    }
    if wanted.agents.is_some() && wanted.more_agents.is_some() {
        return Err(Problem::field("more_agents", "says what agents says already", "leave one of them out"));
    }
    if wanted.wrap_up_s.is_some_and(|wrap_up_s| !(0.0..=WRAP_UP_S_MAX).contains(&wrap_up_s)) {
        let mend = format!("write seconds from 0 to {WRAP_UP_S_MAX}");
        return Err(Problem::field("wrap_up_s", "is no wrap-up", mend));
    }
    let days = wanted.days.unwrap_or(DAYS);
    if !(DAYS_MIN..=DAYS_MAX).contains(&days) {
        return Err(Problem::field(
            "days",
            format!("{days} are too few or too many"),
            format!("write {DAYS_MIN} to {DAYS_MAX}"),
        ));
    }
    let config = service.config.load();
    let trunk = config.trunks.iter().find(|trunk| trunk.name == settings.trunk);
    let known = Known::of(&settings, trunk, config.desk.wrap_up);
    let profiles = Arc::clone(&config.profiles);
    let NewSimulation { campaign, limit, agents, more_agents, wrap_up_s, amd, mode, ratio, seed, .. } = wanted;
    let changes = Changes { limit, agents, more_agents, wrap_up_s, amd, mode, ratio };
    let asked = Simulation {
        id: 0,
        campaign,
        state: "waiting",
        progress: 0.0,
        from_us: day.map(|(from, _)| from.as_unix_us()),
        to_us: day.map(|(_, to)| to.as_unix_us()),
        begins_us: None,
        attempts: 0,
        agents: 0,
        changes: changes.clone(),
        before: None,
        after: None,
        error: None,
    };
    let Some((shown, cancel)) = service.simulations.put(asked) else {
        return Err(Problem::too_many(format!("{SIMULATIONS_WAITING_MAX} simulations wait already"), 10));
    };
    let work = Work {
        service: service.clone(),
        id: shown.id,
        cancel,
        campaign: row.campaign,
        day,
        known,
        profiles,
        other: policy.unwrap_or_else(|| policy_of(settings.mode)),
        policy: policy_of(settings.mode),
        changes,
        days,
        seed: seed.unwrap_or(1),
    };
    let thread = std::thread::Builder::new().name("simulation".to_owned()).spawn(move || work.run());
    if let Err(error) = thread {
        service.simulations.change(shown.id, |simulation| simulation.state = "failed");
        tracing::error!(%error, "no thread for a simulation");
        return Err(Problem::busy("the system gives no thread", 10));
    }
    let place = format!("{}/api/v1/simulations/{}", service.base_path, shown.id);
    let mut response = (StatusCode::ACCEPTED, axum::Json(shown)).into_response();
    if let Ok(place) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

/// A fault of ours ends this simulation, and not without a word: nobody else would end it, and its place would be lost.
fn guarded(work: impl FnOnce() -> Result<(), Option<String>>) -> Result<(), Option<String>> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        tracing::error!("a simulation ended by a panic");
        Err(Some("the server met a fault of its own, the log of the same moment says more".to_owned()))
    })
}

impl Work {
    fn run(self) {
        net::be_background();
        let simulations = &self.service.simulations;
        let turn = simulations.turn.clone();
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let result = guarded(|| self.answer());
        simulations.change(self.id, |simulation| match result {
            Ok(()) => (simulation.state, simulation.progress) = ("done", 1.0),
            Err(None) => simulation.state = "cancelled",
            Err(Some(why)) => (simulation.state, simulation.error) = ("failed", Some(why)),
        });
    }

    /// `Err(None)`: it was cancelled.
    fn answer(&self) -> Result<(), Option<String>> {
        let simulations = &self.service.simulations;
        simulations.change(self.id, |simulation| simulation.state = "running");
        let replay = match self.day {
            Some(day) => self.replay(day)?,
            None if self.cancelled() => return Err(None),
            None => Replay::base(&self.known),
        };
        simulations.change(self.id, |simulation| {
            (simulation.attempts, simulation.agents) = (replay.attempts, replay.agents);
            simulation.begins_us = replay.begins.map(|begins| begins.as_unix_us());
        });
        let agents = self.changes.agents(replay.agents);
        let most = agents.max(replay.agents);
        if u64::from(most) * u64::from(self.days) > SIMULATED_AGENT_DAYS_MAX {
            let days = SIMULATED_AGENT_DAYS_MAX / u64::from(most);
            return Err(Some(format!("{most} agents for {} days take too long, ask for {days} days", self.days)));
        }
        let fault = |error: toml::de::Error| Some(format!("the changes cannot be laid over the day: {error}"));
        let mut changed = replay.clone().under(&self.changes.keys().to_string()).map_err(fault)?;
        if agents != replay.agents {
            changed = changed.with_agents(agents).map_err(fault)?;
        }
        let before = self.side(&replay, &self.policy, 0)?;
        simulations.change(self.id, |simulation| simulation.before = Some(before));
        let after = self.side(&changed, &self.other, self.days)?;
        simulations.change(self.id, |simulation| simulation.after = Some(after));
        Ok(())
    }

    /// The day as its attempts show it.
    fn replay(&self, day: (WallTime, WallTime)) -> Result<Replay, Option<String>> {
        let (store, tenant) = (&self.service.store, self.service.tenant);
        let read = Observed::read(store, tenant, self.campaign, day, &|| !self.cancelled());
        let observed = read.map_err(|error| {
            tracing::error!(%error, "the attempts of a simulation cannot be read");
            Some("the store cannot be read now, try again".to_owned())
        })?;
        let observed = observed.ok_or(None)?;
        observed.replay(&self.known).map_err(|little| Some(format!("{little}; choose a busier day")))
    }

    fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// One side; `done` days of both are over.
    fn side(&self, replay: &Replay, policy: &str, done: u32) -> Result<Side, Option<String>> {
        let said = |error: &dyn std::fmt::Display| Some(format!("the day cannot be simulated: {error}"));
        let load = &mut |name: &str| replay.load(name);
        let scenario = Scenario::parse_with(&replay.text, &[], &self.profiles, load).map_err(|e| said(&e))?;
        let (service, id, cancel, all) = (self.service.clone(), self.id, self.cancel.clone(), 2 * self.days);
        let progress = move |days: u32| {
            let share = f64::from(done + days) / f64::from(all);
            service.simulations.change(id, |simulation| simulation.progress = share);
            !cancel.load(Ordering::Relaxed)
        };
        let options = Options {
            days: self.days,
            seed: self.seed,
            policy: policy.to_owned(),
            progress: Some(Arc::new(progress)),
            ..Options::default()
        };
        match dialer::sim::simulate(&scenario, &options) {
            Ok(report) => Ok(Side::of(&report, replay.agents)),
            Err(SimError::Cancelled) => Err(None),
            Err(error) => Err(said(&error)),
        }
    }
}

fn no_simulation(id: u64) -> Problem {
    Problem::not_found(format!("simulation {id} (the last {SIMULATIONS_KEPT_MAX} are kept, and none over a restart)"))
}

/// Simulations, newest first.
#[utoipa::path(get, path = "/api/v1/simulations", tag = "campaigns", responses((status = 200, body = Page<Simulation>)))]
pub(super) async fn list(State(service): State<Arc<Service>>) -> axum::Json<Page<Simulation>> {
    let known = service.simulations.known();
    axum::Json(Page::whole(known.values().rev().map(|(simulation, _)| simulation.clone()).collect()))
}

/// One simulation, as far as it is.
#[utoipa::path(get, path = "/api/v1/simulations/{id}", tag = "campaigns", params(("id" = u64, Path, description = "Id of the simulation")),
    responses((status = 200, body = Simulation)))]
pub(super) async fn show(State(service): State<Arc<Service>>, Id(id): Id) -> Result<axum::Json<Simulation>, Problem> {
    service.simulations.show(id).map(axum::Json).ok_or_else(|| no_simulation(id))
}

/// Ends a simulation with its next run.
#[utoipa::path(delete, path = "/api/v1/simulations/{id}", tag = "campaigns", params(("id" = u64, Path, description = "Id of the simulation")),
    responses((status = 204, description = "It ends")))]
pub(super) async fn cancel(State(service): State<Arc<Service>>, Id(id): Id) -> Result<StatusCode, Problem> {
    let known = service.simulations.known();
    let (_, cancel) = known.get(&id).ok_or_else(|| no_simulation(id))?;
    cancel.store(true, Ordering::Relaxed);
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulation_that_panics_has_failed() {
        let why = guarded(|| panic!("a fault of the program")).unwrap_err().unwrap();
        assert!(why.contains("fault"), "{why}");
        assert_eq!(guarded(|| Err(None)), Err(None), "cancelled");
    }
}
