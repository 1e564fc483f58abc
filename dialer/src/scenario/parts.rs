//! The sections of a scenario and their defaults (*base* of the study). Field names are the contract's keys.

use serde::Deserialize;

use super::{Dist, Scenario};

/// Which window the limit holds over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerKind {
    /// Each day.
    Day,
    /// The profile's windows.
    Profile,
    /// The whole run, which may end any moment.
    Run,
}

/// `[[shift]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Shift {
    /// Hours since the start of the day.
    #[serde(default)]
    pub from_h: f64,
    /// Hours since the start of the day.
    pub to_h: f64,
    /// Agents of the shift.
    pub agents: u32,
}

/// `[dial]`: shares of 1, times in seconds.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
#[allow(missing_docs)] // the contract's keys, described there and in docs
pub struct DialModel {
    pub human: f64,
    pub hour_shape: Vec<f64>,
    pub day_sd: f64,
    pub drift_sd: f64,
    pub drift_min: f64,
    pub machine: f64,
    pub busy: f64,
    pub fail: f64,
    pub ring_timeout_s: f64,
    pub post_dial_s: Dist,
    pub human_ring_s: Dist,
    pub machine_ring_s: Dist,
    pub early_progress: f64,
}

/// `[amd]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
#[allow(missing_docs)] // the contract's keys
pub struct AmdModel {
    pub enabled: bool,
    pub greeting_s: Dist,
    pub human_decision_s: Dist,
    pub machine_decision_s: Dist,
    pub human_as_machine: f64,
    pub machine_as_human: f64,
}

/// `[agent]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
#[allow(missing_docs)] // the contract's keys
pub struct AgentModel {
    pub talk_s: Dist,
    pub wrap_s: Dist,
    pub machine_talk_s: Dist,
    pub machine_wrap_s: Dist,
    pub pause_share: f64,
    pub pause_s: Dist,
}

/// `[customer]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct CustomerModel {
    /// A waiting person hangs up with this rate per second.
    pub hang_up_rate: f64,
    /// Deadline in seconds from the end of the greeting.
    pub deadline_s: f64,
}

/// `[trunk]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct TrunkModel {
    /// Most calls at once.
    pub max_channels: u32,
    /// Most call attempts a second.
    pub max_cps: f64,
}

/// `[[change]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Change {
    /// From this hour of each day on.
    pub at_h: f64,
    /// Key path and value.
    pub set: toml::Table,
}

/// `[[campaign]]`: one of several on the same agents.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct CampaignPart {
    /// Name for reports.
    pub name: String,
    /// Its part of the agents and lines, next to the others'.
    #[serde(default = "one")]
    pub weight: f64,
    /// Its abandon limit; the scenario's without.
    #[serde(default)]
    pub limit: Option<f64>,
    /// Keys of `[dial]` that differ from the scenario's.
    #[serde(default)]
    pub dial: toml::Table,
}

fn one() -> f64 {
    1.0
}

/// `[[leave]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Leave {
    /// Hour of the day.
    pub at_h: f64,
    /// Share of the agents.
    pub share: f64,
    /// How long they stay away.
    pub minutes: f64,
    /// They leave spread over this time.
    #[serde(default)]
    pub within_s: f64,
    /// They say so beforehand ("after this call").
    #[serde(default)]
    pub announced: bool,
}

/// `[[carrier_failure]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct CarrierFailure {
    /// Hour of the day.
    pub from_h: f64,
    /// Hour of the day.
    pub to_h: f64,
    /// Share of attempts that get a 503.
    pub share: f64,
    /// Its Retry-After.
    #[serde(default)]
    pub retry_after_s: Option<u32>,
}

/// `[[segment]]`: a part of each list whose persons answer more or less often. Its leads are scattered over the list.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct SegmentModel {
    /// Name for readers.
    #[serde(default)]
    pub name: String,
    /// Part of the leads; what is left over is in no segment.
    pub share: f64,
    /// Share of its attempts that a person answers, in place of `dial.human`.
    pub human: f64,
}

/// `[[inbound]]`: calls that come in for the same agents.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct InboundModel {
    /// Name for reports.
    pub name: String,
    /// Calls an hour for each hour of the day; the last one goes on.
    pub calls_per_hour: Vec<f64>,
    /// This share of them is to be answered …
    pub service_level: f64,
    /// … within this time.
    pub within_s: f64,
    /// Agents to leave free; none: as many as the service level needs.
    pub reserve: Option<u32>,
    /// A caller hangs up after waiting so long.
    pub patience_s: Dist,
    /// Talk.
    pub talk_s: Dist,
    /// The agent's work after it.
    pub wrap_s: Dist,
}

impl Default for InboundModel {
    fn default() -> Self {
        InboundModel {
            name: "inbound".into(),
            calls_per_hour: vec![30.0],
            service_level: 0.8,
            within_s: 20.0,
            reserve: None,
            patience_s: Dist::Exponential(120.0),
            talk_s: Dist::lognormal(150.0, 1.0),
            wrap_s: Dist::lognormal(25.0, 0.8),
        }
    }
}

/// `[[clock_step]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ClockStep {
    /// Hour of the day.
    pub at_h: f64,
    /// By how much the wall clock jumps.
    pub seconds: f64,
}

impl Default for CustomerModel {
    fn default() -> Self {
        Scenario::default().customer
    }
}

impl Default for TrunkModel {
    fn default() -> Self {
        Scenario::default().trunk
    }
}

impl Default for DialModel {
    fn default() -> Self {
        DialModel {
            human: 0.25,
            hour_shape: vec![0.85, 0.9, 1.0, 1.05, 0.95, 0.9, 1.1, 1.25],
            day_sd: 0.15,
            drift_sd: 0.12,
            drift_min: 30.0,
            machine: 0.27,
            busy: 0.04,
            fail: 0.05,
            ring_timeout_s: 25.0,
            post_dial_s: Dist::lognormal(2.0, 0.4),
            human_ring_s: Dist::lognormal(9.0, 0.55),
            machine_ring_s: Dist::Mix(vec![(0.25, Dist::Uniform(0.2, 2.0)), (1.0, Dist::Uniform(14.0, 24.0))]),
            early_progress: 0.0,
        }
    }
}

impl Default for AmdModel {
    fn default() -> Self {
        AmdModel {
            enabled: true,
            greeting_s: Dist::lognormal(0.9, 0.4),
            human_decision_s: Dist::Uniform(0.2, 0.8),
            machine_decision_s: Dist::Uniform(1.5, 3.0),
            human_as_machine: 0.02,
            machine_as_human: 0.08,
        }
    }
}

impl Default for AgentModel {
    fn default() -> Self {
        AgentModel {
            talk_s: Dist::lognormal(120.0, 1.1),
            wrap_s: Dist::lognormal(25.0, 0.8),
            machine_talk_s: Dist::Constant(8.0),
            machine_wrap_s: Dist::Constant(3.0),
            pause_share: 0.02,
            pause_s: Dist::lognormal(240.0, 0.7),
        }
    }
}
