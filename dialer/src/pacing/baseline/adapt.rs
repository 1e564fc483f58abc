//! The adaptive levels that VICIdial documents (ADAPT_HARD_LIMIT, ADAPT_AVERAGE, ADAPT_TAPERED): every 15 s the level of
//! lines per agent is multiplied by 1 + (ready − waiting) ÷ agents, and cut while today's share of drops, read once a
//! minute, is over the limit.

use base::{Duration, Instant, Stream};
use desk::AgentState;

use super::ratio::Lines;
use super::{Today, launching, limit};
use crate::campaign::Mode;
use crate::pacing::{Decision, Observation, Pacer, Snapshot};

/// How often the level follows the agents.
const STEP: Duration = Duration::from_secs(15);
/// How often the share of drops is read.
const READ: Duration = Duration::from_secs(60);
/// The documented default of the highest level.
const LEVEL_MAX: f64 = 3.0;
/// Drops of one minute above this share halve the level in every mode.
const MINUTE_MAX: f64 = 0.5;

/// What happens while today's share is over the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OverLimit {
    /// ADAPT_HARD_LIMIT: one line for one agent.
    Hard,
    /// ADAPT_AVERAGE: the level is halved.
    Average,
    /// ADAPT_TAPERED: the level times the hours left ÷ 10.
    Tapered,
}

/// See the module's page.
pub(crate) struct Adapt {
    over: OverLimit,
    level: f64,
    lines: Lines,
    today: Today,
    step_at: Option<Instant>,
    read_at: Option<Instant>,
    /// Answers and drops of today at the last reading.
    read: (u32, u32),
    /// Today's share was over the limit at the last reading.
    is_over: bool,
}

impl Adapt {
    /// Starts at one line for one agent.
    pub(crate) fn new(over: OverLimit) -> Adapt {
        let today = Today::default();
        Adapt {
            over,
            level: 1.0,
            lines: Lines::default(),
            today,
            step_at: None,
            read_at: None,
            read: (0, 0),
            is_over: false,
        }
    }

    fn read_drops(&mut self, snapshot: &Snapshot<'_>) {
        let (answers, drops) = (self.today.answers(), self.today.abandoned);
        // A new day counts from zero.
        let minute = (answers.saturating_sub(self.read.0), drops.saturating_sub(self.read.1));
        self.read = (answers, drops);
        if minute.0 > 0 && f64::from(minute.1) > MINUTE_MAX * f64::from(minute.0) {
            self.level /= 2.0;
        }
        self.is_over = self.today.share() > limit(snapshot);
    }

    fn step(&mut self, snapshot: &Snapshot<'_>) {
        let ready = snapshot.agents.iter().filter(|agent| agent.state == AgentState::Ready).count() as f64;
        let apart = (ready - f64::from(snapshot.waiting)) / (snapshot.agents.len() as f64).max(1.0);
        self.level *= 1.0 + apart;
        let hours_left = snapshot.plan_left.map_or(0.0, |left| left.as_secs_f64() / 3_600.0);
        match self.over {
            _ if !self.is_over => {}
            OverLimit::Hard => self.level = 1.0,
            OverLimit::Average => self.level /= 2.0,
            OverLimit::Tapered => self.level *= hours_left / 10.0,
        }
    }
}

impl Pacer for Adapt {
    fn decide(&mut self, snapshot: &Snapshot<'_>, _chance: &mut Stream) -> Decision {
        self.today.roll(snapshot);
        if self.read_at.is_none_or(|at| snapshot.now >= at) {
            self.read_at = Some(snapshot.now + READ);
            self.read_drops(snapshot);
        }
        if self.step_at.is_none_or(|at| snapshot.now >= at) {
            self.step_at = Some(snapshot.now + STEP);
            self.step(snapshot);
        }
        self.level = self.level.clamp(1.0, LEVEL_MAX);
        launching(snapshot, self.lines.wanted(snapshot, self.level))
    }

    fn observe(&mut self, _now: Instant, observation: Observation) {
        self.today.observe(&observation);
    }

    fn retune(&mut self, _mode: Mode) -> bool {
        false
    }
}
