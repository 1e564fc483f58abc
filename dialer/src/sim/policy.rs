//! Which law paces a simulated run, by the names of the command line: the product's modes, the laws to compare with,
//! and the oracle. The last two exist only here: a live campaign knows nothing but [`Mode`].

use super::open_loop::OpenLoop;
use super::run::SimError;
use crate::campaign::{ConfigError, Flow, Mode, RATIO_MAX};
use crate::pacing::Pacer;
use crate::pacing::baseline::{Adapt, FixedRatio, MeanValue, OverLimit, Pid};

/// The names a run may be given.
pub const POLICIES: [&str; 12] = [
    "predictive",
    "progressive",
    "power:R",
    "agentless:N",
    "ratio:R",
    "adapt-hard",
    "adapt-average",
    "adapt-tapered",
    "pid",
    "mean-value",
    "oracle-ring",
    "open-loop:R",
];

/// Launches a second of the open loop: what a trunk of a scenario takes without being told otherwise.
const OPEN_LOOP_MAX: f64 = 1_000.0;

/// A law, as named.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Policy {
    /// As a live campaign paces: progressive, predictive, so many lines per agent under the ledger's guard, or so many
    /// calls at once without agents.
    Product(Mode),
    /// So many lines per agent, whatever happens.
    Ratio(f64),
    Adapt(OverLimit),
    Pid,
    MeanValue,
    /// Predictive, told how and when each ringing call will end: the ceiling for what better prediction can win.
    OracleRing,
    /// So many launches a second in a Poisson stream, to hold the simulator against queueing theory.
    OpenLoop(f64),
}

impl Policy {
    pub(super) fn parse(name: &str) -> Result<Policy, SimError> {
        let ratio = |text: &str| match text.parse() {
            Ok(ratio) if (1.0..=RATIO_MAX).contains(&ratio) => Ok(ratio),
            _ => Err(SimError::Config(ConfigError::Ratio)),
        };
        Ok(match name {
            "predictive" => Policy::Product(Mode::Predictive),
            "progressive" => Policy::Product(Mode::Progressive),
            "adapt-hard" => Policy::Adapt(OverLimit::Hard),
            "adapt-average" => Policy::Adapt(OverLimit::Average),
            "adapt-tapered" => Policy::Adapt(OverLimit::Tapered),
            "pid" => Policy::Pid,
            "mean-value" => Policy::MeanValue,
            "oracle-ring" => Policy::OracleRing,
            _ => match name.split_once(':') {
                Some(("ratio", text)) => Policy::Ratio(ratio(text)?),
                Some(("open-loop", text)) => match text.parse() {
                    Ok(per_s) if per_s > 0.0 && per_s <= OPEN_LOOP_MAX => Policy::OpenLoop(per_s),
                    _ => return Err(SimError::Options("open-loop: launches a second must be above 0, at most 1000")),
                },
                Some(("agentless", text)) => match text.parse() {
                    Ok(channels) => {
                        Policy::Product(Mode::Agentless(Flow { channels: Some(channels), calls_per_s: None }))
                    }
                    Err(_) => return Err(SimError::Config(ConfigError::Flow)),
                },
                Some(("power", text)) => Policy::Product(Mode::Power(ratio(text)?)),
                _ => return Err(SimError::Policy(name.into())),
            },
        })
    }

    /// The campaign's mode: what stands behind the law where it is none of the product's.
    pub(super) fn mode(self) -> Mode {
        match self {
            Policy::Product(mode) => mode,
            _ => Mode::Predictive,
        }
    }

    /// The pacer to put in place of the mode's own.
    pub(super) fn pacer(self) -> Option<Box<dyn Pacer>> {
        Some(match self {
            Policy::Product(_) | Policy::OracleRing => return None,
            Policy::Ratio(ratio) => Box::new(FixedRatio::new(ratio)),
            Policy::Adapt(over) => Box::new(Adapt::new(over)),
            Policy::Pid => Box::new(Pid::default()),
            Policy::MeanValue => Box::new(MeanValue::default()),
            Policy::OpenLoop(per_s) => Box::new(OpenLoop::new(per_s)),
        })
    }
}
