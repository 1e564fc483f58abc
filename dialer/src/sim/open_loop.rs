//! Calls in a Poisson stream, whatever the agents do: with it the simulated desk is a queue of the textbooks, and the
//! simulator can be held against their formulas (see [`super::theory`]).

use base::{Duration, Instant, Stream};

use crate::campaign::Mode;
use crate::pacing::{Decision, Observation, Pacer, Reason, Snapshot};
use crate::scenario::exponential;

/// Looks are a second apart while anybody works; longer gaps are nights, unless the stream itself is that slow.
const NIGHT: Duration = Duration::from_secs(3_600);

/// So many launches a second.
pub(super) struct OpenLoop {
    per_s: f64,
    /// The moment of the next call of the stream.
    next: Option<Instant>,
}

impl OpenLoop {
    pub(super) fn new(per_s: f64) -> OpenLoop {
        OpenLoop { per_s, next: None }
    }

    fn gap(&self, chance: &mut Stream) -> Duration {
        Duration::from_secs_f64(exponential(chance, 1.0 / self.per_s))
    }
}

impl Pacer for OpenLoop {
    /// Launches what the stream has brought since the last look, so that the number depends on no event of the desk. It
    /// is the callee's post-dial delay that spreads these calls over the time between two looks.
    fn decide(&mut self, snapshot: &Snapshot<'_>, chance: &mut Stream) -> Decision {
        let mut next = match self.next {
            // After a night the stream begins anew: its calls are not made up for in the morning.
            Some(next) if snapshot.now < next + NIGHT => next,
            _ => snapshot.now + self.gap(chance),
        };
        let mut launch = 0;
        while next <= snapshot.now {
            launch += 1;
            next += self.gap(chance);
        }
        self.next = Some(next);
        let launch = launch.min(snapshot.room);
        Decision {
            launch,
            reason: Reason::ComparedLaw,
            forecast_no_agent: vec![0.0; launch as usize],
            ..Decision::default()
        }
    }
    fn observe(&mut self, _now: Instant, _observation: Observation) {}
    fn retune(&mut self, _mode: Mode) -> bool {
        false
    }
}
