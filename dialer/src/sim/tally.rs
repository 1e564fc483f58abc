//! Counts of a run: what the dialer concluded, against what the world knows.

use std::collections::BTreeMap;

use base::{AgentId, Instant};
use desk::{AgentState, StateTimes};

use super::world::{World, index_of_campaign};
use crate::attempt::Outcome;
use crate::compliance::Window;
use crate::io::{CountedAs, Output};
use crate::report::{Band, Bands, CampaignReport, DayReport, Report, SlotReport, WaitTimes};

#[derive(Clone, Copy, Debug, Default)]
struct Day {
    attempts: u64,
    answered_by_human: u64,
    connected: u64,
    abandoned: u64,
    hung_up_waiting: u64,
    human_as_machine: u64,
    machines_connected: u64,
    talk_s: f64,
    worked_s: f64,
    busy_s: f64,
}

impl Day {
    fn plus(&self, other: &Day) -> Day {
        Day {
            attempts: self.attempts + other.attempts,
            answered_by_human: self.answered_by_human + other.answered_by_human,
            connected: self.connected + other.connected,
            abandoned: self.abandoned + other.abandoned,
            hung_up_waiting: self.hung_up_waiting + other.hung_up_waiting,
            human_as_machine: self.human_as_machine + other.human_as_machine,
            machines_connected: self.machines_connected + other.machines_connected,
            talk_s: self.talk_s + other.talk_s,
            worked_s: self.worked_s + other.worked_s,
            busy_s: self.busy_s + other.busy_s,
        }
    }

    fn rate(&self) -> f64 {
        ratio(self.abandoned as f64, (self.abandoned + self.connected) as f64)
    }

    fn talk_minutes_per_hour(&self) -> f64 {
        ratio(self.talk_s / 60.0, self.worked_s / 3_600.0)
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Waiting times of agents are kept in bins of a second up to an hour.
const WAIT_BINS: usize = 3_600;

/// What the law asks of one campaign, and what it did each day.
#[derive(Clone, Debug)]
pub(super) struct CampaignDays {
    pub(super) name: String,
    pub(super) limit: f64,
    pub(super) windows: Vec<Window>,
    days: Vec<Day>,
}

impl CampaignDays {
    pub(super) fn new(name: &str, limit: f64, windows: &[Window], days: u32) -> CampaignDays {
        CampaignDays { name: name.into(), limit, windows: windows.to_vec(), days: vec![Day::default(); days as usize] }
    }

    fn is_over(&self, rate: f64) -> bool {
        rate > self.limit + 1e-12
    }

    fn report(&self) -> CampaignReport {
        let sum = |days: &[Day]| days.iter().fold(Day::default(), |sum, day| sum.plus(day));
        let mut rates = Vec::new();
        for window in &self.windows {
            let length = match window {
                Window::LocalDay => 1,
                Window::Days(days) => (*days as usize).max(1),
                // Simulated months have 30 days; the hours of a rolling window are those of as many whole shifts.
                Window::Month => 30,
                Window::Rolling(hours) => (*hours as usize).div_ceil(24).max(1),
                Window::Run => self.days.len(),
            };
            rates.extend(self.days.chunks(length).map(|days| sum(days).rate()));
        }
        let total = sum(&self.days);
        CampaignReport {
            name: self.name.clone(),
            limit: self.limit,
            attempts: total.attempts,
            connected: total.connected,
            abandoned: total.abandoned,
            abandon_rate: total.rate(),
            days_over_limit: self.days.iter().filter(|day| self.is_over(day.rate())).count() as u32,
            windows_over_limit: rates.iter().filter(|rate| self.is_over(**rate)).count() as u32,
            worst_window_rate: rates.iter().copied().fold(0.0, f64::max),
        }
    }
}

/// What a part of the day has brought, on one day.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    busy_s: f64,
    worked_s: f64,
    /// Of the day so far.
    rate: f64,
    budget_left: f64,
}

pub(super) struct Tally {
    /// All campaigns together.
    days: Vec<Day>,
    campaigns: Vec<CampaignDays>,
    /// By part of the day, then by day.
    slots: Vec<(f64, Vec<Slot>)>,
    slot_times: StateTimes,
    outcomes: BTreeMap<String, u64>,
    idle_since: BTreeMap<AgentId, Instant>,
    waits: Vec<u64>,
    waited_s: f64,
    times: StateTimes,
}

impl Tally {
    pub(super) fn new(days: u32, campaigns: Vec<CampaignDays>) -> Tally {
        Tally {
            campaigns,
            days: vec![Day::default(); days as usize],
            slots: Vec::new(),
            slot_times: StateTimes::default(),
            outcomes: BTreeMap::new(),
            idle_since: BTreeMap::new(),
            waits: vec![0; WAIT_BINS],
            waited_s: 0.0,
            times: StateTimes::default(),
        }
    }

    /// Looks at an output before the world reacts to it.
    pub(super) fn see(&mut self, now: Instant, output: &Output, world: &World) {
        let day = &mut self.days[world.day() as usize];
        match output {
            Output::Originate { .. } => day.attempts += 1,
            Output::AgentChanged { agent, state } => match state {
                AgentState::Ready => {
                    self.idle_since.insert(*agent, now);
                }
                AgentState::Reserved => {
                    if let Some(since) = self.idle_since.remove(agent) {
                        let wait_s = now.since(since).as_secs_f64();
                        self.waited_s += wait_s;
                        self.waits[(wait_s as usize).min(WAIT_BINS - 1)] += 1;
                    }
                }
                _ => {
                    self.idle_since.remove(agent);
                }
            },
            Output::AttemptClosed(record) => {
                *self.outcomes.entry(record.outcome.name().to_string()).or_insert(0) += 1;
                let campaign = &mut self.campaigns[index_of_campaign(record.campaign)].days[world.day() as usize];
                campaign.attempts += u64::from(record.times.launched.is_some());
                let Some(truth) = world.truth(record.attempt) else { return };
                if !truth.answered {
                    return;
                }
                if !truth.person {
                    day.machines_connected += u64::from(record.outcome == Outcome::Connected);
                    return;
                }
                day.answered_by_human += 1;
                match record.counted_as {
                    CountedAs::Connected => {
                        day.connected += 1;
                        campaign.connected += 1;
                    }
                    CountedAs::Abandoned => {
                        day.abandoned += 1;
                        campaign.abandoned += 1;
                    }
                    CountedAs::Lost | CountedAs::Nothing => {
                        day.hung_up_waiting += u64::from(record.outcome == Outcome::HungUpWaiting);
                        day.human_as_machine += u64::from(record.outcome == Outcome::Machine);
                    }
                }
                day.talk_s += truth.talk.as_secs_f64();
            }
            _ => {}
        }
    }

    /// A part of the day, the `index`-th, is over at `until_h`; `times` are the agents' times since the start of the run.
    pub(super) fn slot_ends(&mut self, index: usize, until_h: f64, day: u32, times: &StateTimes, budget_left: f64) {
        if self.slots.len() == index {
            self.slots.push((until_h, Vec::new()));
        }
        // What the night brings (wrap-ups after the end) belongs to no part of the day.
        let before = if index == 0 { self.times } else { self.slot_times };
        let rate = self.days[day as usize].rate();
        let busy_s = (times.busy() - before.busy()).as_secs_f64();
        let worked_s = (times.worked() - before.worked()).as_secs_f64();
        if let Some((_, days)) = self.slots.get_mut(index) {
            days.push(Slot { busy_s, worked_s, rate, budget_left });
        }
        self.slot_times = *times;
    }

    fn over_day(&self) -> Vec<SlotReport> {
        let of = |(until_h, days): &(f64, Vec<Slot>)| {
            let band = |value: &dyn Fn(&Slot) -> f64| Band::of(days.iter().map(value).collect());
            // A part in which nobody worked has no occupancy.
            let worked = days.iter().filter(|slot| slot.worked_s > 0.0);
            SlotReport {
                until_h: *until_h,
                occupancy: Band::of(worked.map(|slot| ratio(slot.busy_s, slot.worked_s)).collect()),
                abandon_rate: band(&|slot| slot.rate),
                budget_left: band(&|slot| slot.budget_left),
            }
        };
        self.slots.iter().map(of).collect()
    }

    fn bands(&self) -> Bands {
        let band = |value: &dyn Fn(&Day) -> f64| Band::of(self.days.iter().map(value).collect());
        Bands {
            occupancy: band(&|day| ratio(day.busy_s, day.worked_s)),
            abandon_rate: band(&Day::rate),
            talk_minutes_per_agent_hour: band(&Day::talk_minutes_per_hour),
        }
    }

    /// The day is over; `times` are the agents' times since the start of the run.
    pub(super) fn day_ends(&mut self, day: u32, times: &StateTimes) {
        let day = &mut self.days[day as usize];
        day.worked_s = (times.worked() - self.times.worked()).as_secs_f64();
        day.busy_s = (times.busy() - self.times.busy()).as_secs_f64();
        self.times = *times;
    }

    pub(super) fn report(&self) -> Report {
        let total = self.days.iter().fold(Day::default(), |sum, day| sum.plus(day));
        let campaigns: Vec<CampaignReport> = self.campaigns.iter().map(CampaignDays::report).collect();
        let is_over = |day: &usize| self.campaigns.iter().any(|campaign| campaign.is_over(campaign.days[*day].rate()));
        let strict = total.abandoned + total.human_as_machine;
        Report {
            days: self.days.len() as u32,
            attempts: total.attempts,
            answered_by_human: total.answered_by_human,
            connected: total.connected,
            abandoned: total.abandoned,
            abandon_rate: total.rate(),
            hung_up_waiting: total.hung_up_waiting,
            human_as_machine: total.human_as_machine,
            strict_rate: ratio(strict as f64, (strict + total.connected) as f64),
            machines_connected: total.machines_connected,
            occupancy: ratio(total.busy_s, total.worked_s),
            talk_minutes_per_agent_hour: total.talk_minutes_per_hour(),
            agent_wait_s: self.wait_times(),
            limit: self.campaigns.iter().map(|campaign| campaign.limit).fold(1.0, f64::min),
            days_over_limit: (0..self.days.len()).filter(is_over).count() as u32,
            windows_over_limit: campaigns.iter().map(|campaign| campaign.windows_over_limit).sum(),
            worst_window_rate: campaigns.iter().map(|campaign| campaign.worst_window_rate).fold(0.0, f64::max),
            campaigns,
            outcomes: self.outcomes.clone(),
            bands: self.bands(),
            over_day: self.over_day(),
            per_day: self.days.iter().enumerate().map(|(index, day)| day_report(index, day)).collect(),
            ..Report::default()
        }
    }

    fn wait_times(&self) -> WaitTimes {
        let count: u64 = self.waits.iter().sum();
        let mut seen = 0;
        let p90 = self.waits.iter().position(|bin| {
            seen += bin;
            count > 0 && seen as f64 >= 0.9 * count as f64
        });
        WaitTimes { mean: ratio(self.waited_s, count as f64), p90: p90.map_or(0.0, |bin| bin as f64 + 0.5) }
    }
}

fn day_report(index: usize, day: &Day) -> DayReport {
    DayReport {
        day: index as u32,
        occupancy: ratio(day.busy_s, day.worked_s),
        abandon_rate: day.rate(),
        attempts: day.attempts,
        answered_by_human: day.answered_by_human,
        connected: day.connected,
        abandoned: day.abandoned,
        talk_minutes_per_agent_hour: day.talk_minutes_per_hour(),
    }
}
