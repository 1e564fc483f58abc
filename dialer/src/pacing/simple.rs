//! The two laws without a forecast.

use base::{Instant, Stream};
use desk::AgentState;

use super::guard::{Guard, Leeway};
use super::{Decision, Observation, Pacer, Reason, Snapshot};
use crate::campaign::Mode;

/// One call for one free agent.
pub struct Progressive;

impl Pacer for Progressive {
    fn decide(&mut self, snapshot: &Snapshot<'_>, _chance: &mut Stream) -> Decision {
        one_to_one(snapshot, Reason::OneToOne)
    }
    fn observe(&mut self, _now: Instant, _observation: Observation) {}
    fn retune(&mut self, mode: Mode) -> bool {
        matches!(mode, Mode::Progressive | Mode::Preview(_) | Mode::Agentless(_))
    }
}

/// The 1:1 decision, for whatever reason it is taken.
pub(super) fn one_to_one(snapshot: &Snapshot<'_>, reason: Reason) -> Decision {
    let launch = snapshot.one_to_one().min(snapshot.room);
    let forecast_no_agent = vec![0.0; launch as usize];
    Decision { launch, reason, forecast_no_agent, promised: true, ..Decision::default() }
}

/// A fixed number of lines for each agent that is free or talking, less the calls there are. This is the ratio dialling
/// of the trade; it knows nothing of the future, so the ledger's guard holds it to 1:1 whenever there is no slack.
pub struct Ratio {
    ratio: f64,
    guard: Guard,
}

impl Ratio {
    /// `ratio` lines per agent, 1 or more.
    pub fn new(ratio: f64) -> Ratio {
        Ratio { ratio, guard: Guard::new() }
    }
}

impl Pacer for Ratio {
    fn decide(&mut self, snapshot: &Snapshot<'_>, _chance: &mut Stream) -> Decision {
        // A ratio has no forecast of its own: each call under way is reckoned as a certain risk of 3 %.
        let pending = 0.03 * snapshot.calls.len() as f64;
        if !matches!(self.guard.leeway(snapshot, pending, pending), Leeway::Open { .. }) {
            return one_to_one(snapshot, Reason::LedgerGuard);
        }
        let with = |state| snapshot.agents.iter().filter(|agent| agent.state == state).count() as f64;
        let talking = with(AgentState::Talking) + with(AgentState::Reserved);
        let lines = self.ratio * (with(AgentState::Ready) + talking);
        let live = talking + f64::from(snapshot.waiting) + snapshot.under_way() as f64;
        let launch = ((lines - live).max(0.0).floor() as u32).max(snapshot.one_to_one()).min(snapshot.room);
        let forecast_no_agent = vec![0.0; launch as usize];
        Decision { launch, reason: Reason::Ratio, forecast_no_agent, ..Decision::default() }
    }

    fn observe(&mut self, now: Instant, observation: Observation) {
        self.guard.observe(now, observation);
    }

    fn retune(&mut self, mode: Mode) -> bool {
        let Mode::Power(ratio) = mode else { return false };
        self.ratio = ratio;
        true
    }
}
