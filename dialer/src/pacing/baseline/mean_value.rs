//! Means against means: agents expected to be free one dial delay from now, times a factor, against answers expected
//! from the calls that ring; at least one call for each idle agent. Once a minute the factor is trimmed towards the limit.

use base::{Duration, Instant, Stream};
use desk::AgentState;

use super::{Today, launching, limit};
use crate::campaign::Mode;
use crate::pacing::{Decision, Observation, Pacer, RingEnd, Snapshot};

/// How often the balance is drawn up.
const LOOK: Duration = Duration::from_secs(1);
/// How often the factor is trimmed.
const TRIM: Duration = Duration::from_secs(60);
/// The factor moves by at most this share at each trimming.
const TRIM_STEP: f64 = 0.03;
/// The loop aims at this part of the limit: it hovers about its target, and the limit must hold at the day's end.
const AIM: f64 = 0.9;
/// Bounds of the factor.
const FACTOR_MIN: f64 = 0.2;
const FACTOR_MAX: f64 = 5.0;
/// Means are over about so many events.
const EVENTS: f64 = 300.0;

/// See the module's page.
pub(crate) struct MeanValue {
    factor: f64,
    /// Share of calls that a person answers.
    answer: f64,
    /// From launch to a person's answer, talk, wrap-up: seconds.
    delay_s: f64,
    talk_s: f64,
    wrap_s: f64,
    today: Today,
    look_at: Option<Instant>,
    trim_at: Option<Instant>,
}

impl Default for MeanValue {
    /// With the priors of the predictive pacer: 30 % answers after 12 s, 120 s talk, 25 s wrap-up.
    fn default() -> Self {
        MeanValue {
            factor: 1.0,
            answer: 0.3,
            delay_s: 12.0,
            talk_s: 120.0,
            wrap_s: 25.0,
            today: Today::default(),
            look_at: None,
            trim_at: None,
        }
    }
}

fn towards(mean: &mut f64, sample: f64) {
    *mean += (sample - *mean) / EVENTS;
}

impl Pacer for MeanValue {
    fn decide(&mut self, snapshot: &Snapshot<'_>, _chance: &mut Stream) -> Decision {
        self.today.roll(snapshot);
        if self.look_at.is_some_and(|at| snapshot.now < at) {
            return launching(snapshot, 0.0);
        }
        self.look_at = Some(snapshot.now + LOOK);
        let limit = limit(snapshot);
        if self.trim_at.is_none_or(|at| snapshot.now >= at) && limit > 0.0 {
            self.trim_at = Some(snapshot.now + TRIM);
            let miss = (1.0 - self.today.share() / (AIM * limit)).clamp(-1.0, 1.0);
            self.factor = (self.factor * (TRIM_STEP * miss).exp()).clamp(FACTOR_MIN, FACTOR_MAX);
        }
        let idle = f64::from(snapshot.idle());
        let busy = snapshot.agents.iter().filter(|agent| agent.state != AgentState::Ready && !agent.leaving).count();
        let soon = busy as f64 * (self.delay_s / (self.talk_s + self.wrap_s)).min(1.0);
        let free = idle - f64::from(snapshot.waiting) + soon;
        let answers = self.answer * snapshot.calls.len() as f64;
        let wanted = (self.factor * free - answers) / self.answer.max(0.01);
        launching(snapshot, wanted.max(f64::from(snapshot.one_to_one())))
    }

    fn observe(&mut self, _now: Instant, observation: Observation) {
        self.today.observe(&observation);
        match observation {
            Observation::RingOver { age_s, how, .. } => {
                towards(&mut self.answer, f64::from(u8::from(how == RingEnd::Person)));
                if how == RingEnd::Person {
                    towards(&mut self.delay_s, age_s);
                }
            }
            Observation::Talk(length_s) => towards(&mut self.talk_s, length_s),
            Observation::Wrap(length_s) => towards(&mut self.wrap_s, length_s),
            _ => {}
        }
    }

    fn retune(&mut self, _mode: Mode) -> bool {
        false
    }
}
