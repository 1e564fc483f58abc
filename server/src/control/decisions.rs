//! Decisions of the pacer as others see them: why so many calls at a moment, and how forecasts turned out.

use dialer::pacing::{CALIBRATION_UPTO, Calibration, DecisionRecord, Forecast};
use serde::Serialize;
use std::borrow::Cow;
use utoipa::ToSchema;

/// Decisions around a moment.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DecisionsView {
    /// In order. Kept are those that launched something or changed the reason, the latest 65,536 of all campaigns
    /// together, of this process.
    pub items: Vec<DecisionView>,
    /// The campaign's oldest that is kept, in microseconds since the Unix epoch; `null`: none is.
    pub oldest_us: Option<i64>,
    /// The latest.
    pub newest_us: Option<i64>,
}

/// One decision, with what it was made of.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DecisionView {
    /// When, in microseconds since the Unix epoch.
    pub at_us: i64,
    /// Calls launched.
    pub launched: u32,
    /// Why so many and not more, in words.
    pub why: &'static str,
    /// The same as a name for programs, as `why_code` of the campaign.
    pub why_code: &'static str,
    /// Agents who can serve the campaign.
    pub agents: DecisionAgents,
    /// Calls under way before it.
    pub calls: DecisionCalls,
    /// How many calls could be launched at all.
    pub room: DecisionRoom,
    /// What it expected; all zero where the mode has no forecast.
    pub forecast: DecisionForecast,
    /// Chance of no agent for the person of the first call launched, and of the last; `null`: nothing was launched.
    pub no_agent: Option<DecisionChances>,
    /// The highest chance of no agent at which a call was launched, of 1.
    pub price: f64,
    /// The mean chance of no agent that the price is steered to; 0 while the ledger gives none.
    pub target: f64,
    /// Real over forecast abandonments, lately.
    pub calibration: f64,
    /// The ledger's windows as the pacer saw them.
    pub ledgers: Vec<DecisionLedger>,
}

/// Agents at a decision.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DecisionAgents {
    /// Waiting for a call.
    pub idle: u32,
    /// In talk or about to be connected.
    pub talking: u32,
    /// In wrap-up.
    pub wrap_up: u32,
}

/// Calls at a decision.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DecisionCalls {
    /// Nobody has answered.
    pub ringing: u32,
    /// Answered, detection listens.
    pub answered: u32,
    /// Persons who wait for an agent.
    pub waiting: u32,
}

/// What could be launched; zeros when something else forbids it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DecisionRoom {
    /// The least of the three below.
    pub calls: u32,
    /// Free channels of the trunk.
    pub channels: u32,
    /// What the trunk's rate allows.
    pub rate: u32,
    /// Leads that could be dialled at once.
    pub leads: u32,
}

/// What a decision expected.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DecisionForecast {
    /// How far ahead the next two look, in seconds.
    pub ahead_s: f64,
    /// Persons who will be offered to agents, from calls under way.
    pub answers: f64,
    /// Agents who will become free, besides those who wait.
    pub free: f64,
    /// Persons who will be abandoned, of all calls under way.
    pub pending: f64,
    /// Chance that a person answers a call launched now.
    pub person: f64,
}

/// Chances of no agent.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DecisionChances {
    /// For the first call launched.
    pub first: f64,
    /// For the last.
    pub last: f64,
}

/// A window of the ledger at a decision.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DecisionLedger {
    /// `run`, `local_day`, `month`, `rolling:24h` or `days:30`.
    pub window: Cow<'static, str>,
    /// The limit for persons that can be counted, of 1.
    pub limit: f64,
    /// Persons so far, connected and abandoned.
    pub answered: f64,
    /// Abandoned so far, by an upper estimate.
    pub abandoned: f64,
    /// Persons who could have been abandoned with the rate still not above the limit.
    pub slack: f64,
    /// Time left in the window in seconds; `null`: it has no end of its own.
    pub left_s: Option<f64>,
}

/// Forecasts of abandonment against what happened.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CalibrationView {
    /// By forecast, lowest first.
    pub bins: Vec<CalibrationBinView>,
}

/// Persons whose calls were launched with a forecast between two values.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CalibrationBinView {
    /// Forecasts above this, of 1.
    pub from: f64,
    /// Up to this.
    pub to: f64,
    /// Persons, connected or abandoned.
    pub persons: u64,
    /// As many were expected to be abandoned.
    pub forecast: f64,
    /// As many were.
    pub abandoned: u64,
}

impl DecisionView {
    /// Of a record made at wall time `at_us`; `windows` are the names of the ledger's windows in its order.
    pub fn of(record: &DecisionRecord, at_us: i64, windows: &[Cow<'static, str>]) -> DecisionView {
        let ledgers = record.ledgers.iter().zip(windows).map(|(ledger, window)| DecisionLedger {
            window: window.clone(),
            limit: ledger.limit,
            answered: ledger.answered,
            abandoned: ledger.abandoned_upper,
            slack: ledger.limit * ledger.answered - ledger.abandoned_upper,
            left_s: ledger.left.map(|left| left.as_secs_f64()),
        });
        DecisionView {
            at_us,
            launched: record.launched,
            why: record.reason.text(),
            why_code: record.reason.code(),
            agents: DecisionAgents { idle: record.idle, talking: record.talking, wrap_up: record.wrap_up },
            calls: DecisionCalls { ringing: record.ringing, answered: record.answered, waiting: record.waiting },
            room: DecisionRoom {
                calls: record.room.calls,
                channels: record.room.channels,
                rate: record.room.rate,
                leads: record.room.leads,
            },
            forecast: DecisionForecast {
                ahead_s: Forecast::AHEAD_S,
                answers: record.forecast.answers,
                free: record.forecast.free,
                pending: record.forecast.pending,
                person: record.forecast_person,
            },
            no_agent: record.no_agent.map(|(first, last)| DecisionChances { first, last }),
            price: record.forecast.price,
            target: record.forecast.target,
            calibration: record.forecast.calibration,
            ledgers: ledgers.collect(),
        }
    }
}

impl From<&Calibration> for CalibrationView {
    fn from(calibration: &Calibration) -> CalibrationView {
        let lower = std::iter::once(0.0).chain(CALIBRATION_UPTO);
        let bins = calibration.bins.iter().zip(CALIBRATION_UPTO).zip(lower);
        let bins = bins.map(|((bin, to), from)| CalibrationBinView {
            from,
            to,
            persons: bin.persons,
            forecast: bin.forecast,
            abandoned: bin.abandoned,
        });
        CalibrationView { bins: bins.collect() }
    }
}
