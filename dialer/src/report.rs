//! What `simulate` answers: the contract's JSON object. All rates are shares of 1, times carry their unit in the name.

use std::collections::BTreeMap;

use serde::Serialize;

/// A simulated run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Name of the scenario.
    pub scenario: String,
    /// Policy that paced.
    pub policy: String,
    /// Seed of the run.
    pub seed: u64,
    /// Days simulated.
    pub days: u32,
    /// Calls launched.
    pub attempts: u64,
    /// Calls that a person answered, by the world's own knowledge.
    pub answered_by_human: u64,
    /// Persons who talked with an agent.
    pub connected: u64,
    /// Persons classified live whom no agent took within the deadline.
    pub abandoned: u64,
    /// abandoned ÷ (abandoned + connected).
    pub abandon_rate: f64,
    /// The abandon limit in force, the lowest of all campaigns.
    pub limit: f64,
    /// Persons classified live who hung up while waiting, before the deadline. In neither of the two above.
    pub hung_up_waiting: u64,
    /// Persons whom detection took for a machine.
    pub human_as_machine: u64,
    /// (abandoned + human_as_machine) ÷ (abandoned + human_as_machine + connected).
    pub strict_rate: f64,
    /// Machines that were handed to agents.
    pub machines_connected: u64,
    /// (talk + wrap-up) ÷ logged-in time not on break.
    pub occupancy: f64,
    /// Minutes of talk with persons per agent and hour worked.
    pub talk_minutes_per_agent_hour: f64,
    /// How long agents waited for a call.
    pub agent_wait_s: WaitTimes,
    /// Days on which a campaign's own abandon rate is over its limit.
    pub days_over_limit: u32,
    /// Windows of the binding ledger over the limit.
    pub windows_over_limit: u32,
    /// The highest rate of such a window.
    pub worst_window_rate: f64,
    /// Time of one pacing decision, by the caller's clock; zero without one.
    pub decision_us: DecisionTimes,
    /// Pacing decisions made.
    pub decisions: u64,
    /// Inputs given to the dialer and outputs taken from it.
    pub events: u64,
    /// Real time the run took, by the caller's clock; zero without one.
    pub wall_s: f64,
    /// FNV-1a (64 bit) over every input and output in order, as 16 hexadecimal digits. Same seed, same hash.
    pub trace_hash: String,
    /// Attempts per outcome, as the dialer concluded.
    pub outcomes: BTreeMap<String, u64>,
    /// Each day.
    pub per_day: Vec<DayReport>,
    /// Each campaign.
    pub campaigns: Vec<CampaignReport>,
    /// Inbound calls of each kind.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inbound: Vec<InboundReport>,
    /// How days differ.
    pub bands: Bands,
    /// The course of a day, all days together.
    pub over_day: Vec<SlotReport>,
}

/// What became of inbound calls of one kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct InboundReport {
    /// Name.
    pub name: String,
    /// Calls that arrived.
    pub calls: u64,
    /// Calls that an agent took.
    pub answered: u64,
    /// Callers who hung up while waiting.
    pub left: u64,
    /// Calls answered in time ÷ calls.
    pub service_level: f64,
    /// What it should be.
    pub target: f64,
    /// How long callers waited who were answered.
    pub wait_s: WaitTimes,
}

/// Where 95 of 100 values lie: from the 2.5th to the 97.5th percentile. Of fewer than 40 values these are nearly the
/// lowest and the highest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Band {
    /// Mean of the values.
    pub mean: f64,
    /// Standard error of that mean; 0 for a single value.
    pub error: f64,
    /// 2.5th percentile.
    pub low: f64,
    /// 97.5th percentile.
    pub high: f64,
}

impl Band {
    /// Of these values; zeros when there are none.
    pub fn of(mut values: Vec<f64>) -> Band {
        values.sort_by(f64::total_cmp);
        let Some(last) = values.len().checked_sub(1) else { return Band::default() };
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let error = if last == 0 { 0.0 } else { (squares / (count * last as f64)).sqrt() };
        // Between two neighbours in proportion.
        let at = |share: f64| {
            let place = share * last as f64;
            let below = place as usize;
            let above = (below + 1).min(last);
            values[below] + (values[above] - values[below]) * place.fract()
        };
        Band { mean, error, low: at(0.025), high: at(0.975) }
    }
}

/// Bands over the days of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Bands {
    /// Of occupancy.
    pub occupancy: Band,
    /// Of the abandon rate.
    pub abandon_rate: Band,
    /// Of talk with persons per agent and hour worked, in minutes.
    pub talk_minutes_per_agent_hour: Band,
}

/// One campaign of a run; persons only, as in [`Report`].
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CampaignReport {
    /// Name.
    pub name: String,
    /// Its abandon limit.
    pub limit: f64,
    /// Calls launched and over.
    pub attempts: u64,
    /// Classified live and connected in time.
    pub connected: u64,
    /// Classified live and not connected in time.
    pub abandoned: u64,
    /// abandoned ÷ (abandoned + connected).
    pub abandon_rate: f64,
    /// Days whose own rate is over the limit.
    pub days_over_limit: u32,
    /// Windows of its ledger over the limit.
    pub windows_over_limit: u32,
    /// The highest rate of such a window.
    pub worst_window_rate: f64,
}

/// A part of the day, over all days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct SlotReport {
    /// Its end, in hours since the start of the day.
    pub until_h: f64,
    /// In this part of the day.
    pub occupancy: Band,
    /// From the start of the day to here: abandoned ÷ (abandoned + connected).
    pub abandon_rate: Band,
    /// Persons who may still be abandoned at the end of this part, in the tightest window; below zero: over the limit.
    pub budget_left: Band,
}

/// Waiting time of agents between calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct WaitTimes {
    /// Mean in seconds.
    pub mean: f64,
    /// 90th percentile in seconds (of a histogram of 1 s).
    pub p90: f64,
}

/// Time of a decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct DecisionTimes {
    /// Median in microseconds.
    pub p50: f64,
    /// 99th percentile in microseconds.
    pub p99: f64,
}

/// One day of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct DayReport {
    /// From 0.
    pub day: u32,
    /// As in [`Report`], of this day.
    pub occupancy: f64,
    /// As in [`Report`], of this day.
    pub abandon_rate: f64,
    /// Calls launched.
    pub attempts: u64,
    /// Calls that a person answered.
    pub answered_by_human: u64,
    /// Persons who talked with an agent.
    pub connected: u64,
    /// Persons abandoned.
    pub abandoned: u64,
    /// Minutes of talk with persons per agent and hour worked.
    pub talk_minutes_per_agent_hour: f64,
}
