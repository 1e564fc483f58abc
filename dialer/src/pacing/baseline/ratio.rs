//! Lines per agent, fixed: "goal lines = level x (ready + in-call agents) minus live calls", looked at every 2.5 s
//! (VICIdial's RATIO mode as its manual and the study describe it).

use base::{Duration, Instant, Stream};
use desk::AgentState;

use super::launching;
use crate::campaign::Mode;
use crate::pacing::{Decision, Observation, Pacer, Snapshot};

/// How often the loop of the ratio laws looks.
const LOOP: Duration = Duration::from_ms(2_500);

/// The ratio law's loop: when it looks, and how many lines a level means.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lines {
    next: Option<Instant>,
}

impl Lines {
    /// Calls that a level of lines per agent asks for; 0 between two looks.
    pub(super) fn wanted(&mut self, snapshot: &Snapshot<'_>, level: f64) -> f64 {
        if self.next.is_some_and(|next| snapshot.now < next) {
            return 0.0;
        }
        self.next = Some(snapshot.now + LOOP);
        let with = |state| snapshot.agents.iter().filter(|agent| agent.state == state).count() as f64;
        let in_call = with(AgentState::Talking) + with(AgentState::Reserved);
        let live = in_call + f64::from(snapshot.waiting) + snapshot.calls.len() as f64;
        (level * (with(AgentState::Ready) + in_call) - live).max(0.0).floor()
    }
}

/// See the module's page.
pub(crate) struct FixedRatio {
    level: f64,
    lines: Lines,
}

impl FixedRatio {
    /// `level` lines per agent, 1 or more.
    pub(crate) fn new(level: f64) -> FixedRatio {
        FixedRatio { level, lines: Lines::default() }
    }
}

impl Pacer for FixedRatio {
    fn decide(&mut self, snapshot: &Snapshot<'_>, _chance: &mut Stream) -> Decision {
        launching(snapshot, self.lines.wanted(snapshot, self.level))
    }
    fn observe(&mut self, _now: Instant, _observation: Observation) {}
    fn retune(&mut self, _mode: Mode) -> bool {
        false
    }
}
