//! A PID loop on the abandon rate: lines for each agent who is idle (in wrap-up: half an agent), corrected after every 70
//! answers of persons and at most once a minute.

use base::{Duration, Instant, Stream};
use desk::AgentState;

use super::{launching, limit};
use crate::campaign::Mode;
use crate::pacing::{Decision, Observation, Pacer, Snapshot};

/// Answers between two corrections: at 3 % two abandonments are expected in them.
const ANSWERS: u32 = 70;
/// Corrections are at least so far apart: a faster loop sees only calls that it launched before the last correction.
const APART: Duration = Duration::from_secs(60);
/// Gains on the logarithm of the lines per agent, for an error of the whole limit.
const PROPORTIONAL: f64 = 0.08;
const INTEGRAL: f64 = 0.05;
const DERIVATIVE: f64 = 0.02;
/// The error is held within so many limits, so that one bad minute does not empty the lines.
const ERROR_MIN: f64 = -3.0;
/// Lines per agent: from less than 1:1, where wrap-up ends late, to what 5 % answers would need. Idle agents always get
/// one call each.
const LEVEL_MIN: f64 = 0.5;
const LEVEL_MAX: f64 = 20.0;

/// See the module's page.
pub(crate) struct Pid {
    level: f64,
    answers: u32,
    abandoned: u32,
    /// The last two errors, the latest first.
    errors: [f64; 2],
    next: Option<Instant>,
}

impl Default for Pid {
    fn default() -> Self {
        Pid { level: 1.0, answers: 0, abandoned: 0, errors: [0.0; 2], next: None }
    }
}

impl Pid {
    fn correct(&mut self, limit: f64) {
        let share = f64::from(self.abandoned) / f64::from(self.answers);
        let error = if limit > 0.0 { (1.0 - share / limit).max(ERROR_MIN) } else { ERROR_MIN };
        let [last, before] = self.errors;
        let change = PROPORTIONAL * (error - last) + INTEGRAL * error + DERIVATIVE * (error - 2.0 * last + before);
        self.level = (self.level * change.exp()).clamp(LEVEL_MIN, LEVEL_MAX);
        self.errors = [error, last];
        (self.answers, self.abandoned) = (0, 0);
    }
}

impl Pacer for Pid {
    fn decide(&mut self, snapshot: &Snapshot<'_>, _chance: &mut Stream) -> Decision {
        if self.answers >= ANSWERS && self.next.is_none_or(|at| snapshot.now >= at) {
            self.next = Some(snapshot.now + APART);
            self.correct(limit(snapshot));
        }
        let with = |state| snapshot.agents.iter().filter(|agent| agent.state == state).count() as f64;
        let free = with(AgentState::Ready) - f64::from(snapshot.waiting) + 0.5 * with(AgentState::WrapUp);
        let wanted = (self.level * free).floor() - snapshot.calls.len() as f64;
        launching(snapshot, wanted.max(f64::from(snapshot.one_to_one())))
    }

    fn observe(&mut self, _now: Instant, observation: Observation) {
        if let Observation::Resolved { abandoned, .. } = observation {
            self.answers += 1;
            self.abandoned += u32::from(abandoned);
        }
    }

    fn retune(&mut self, _mode: Mode) -> bool {
        false
    }
}
