//! Simulation scenarios: the contract's TOML. An empty file is `base` with 20 agents.
//!
//! Text comes in, a checked [`Scenario`] or one error goes out; files of samples (`dist = "empirical"`) are asked of
//! the caller. Keys the project does not know are refused with the nearest one it does.

mod check;
pub(crate) mod dist;
mod keys;
mod model;
mod parts;

pub use dist::Dist;
pub(crate) use dist::{exponential, normal};
pub(crate) use keys::{line_of, nearest};
pub use model::Scenario;
pub use parts::{
    AgentModel, AmdModel, CampaignPart, CarrierFailure, Change, ClockStep, CustomerModel, DialModel, InboundModel,
    Leave, LedgerKind, SegmentModel, Shift, TrunkModel,
};

/// What is wrong with a scenario: what, where, how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// Line in the text, from 1; `None` when it comes from an override or concerns the whole.
    pub line: Option<usize>,
    /// Key path, may be empty.
    pub key: String,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl std::fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ScenarioError {}

#[cfg(test)]
mod tests;
