//! Laws to compare with: what products document and what the literature's simplest loops do, so that anybody can repeat
//! the comparison. Our own code from the descriptions; the abandonment deadline is the campaign's.
//!
//! ```text
//!  Snapshot ──> one of these ──> Decision{reason: ComparedLaw}        (only `sim` builds them)
//!  RingOver, Resolved, Talk, Wrap ──> averages of the day, no forecast
//! ```
//!
//! **Invariants.** They see what the product's pacers see. None is a [`Mode`](crate::Mode), so no live campaign can be
//! given one. Absent: the ledger's guard; they break the limit as the originals do.

mod adapt;
mod mean_value;
mod pid;
mod ratio;

pub(crate) use adapt::{Adapt, OverLimit};
pub(crate) use mean_value::MeanValue;
pub(crate) use pid::Pid;
pub(crate) use ratio::FixedRatio;

use base::Duration;

use super::{Decision, Observation, Reason, Snapshot};

/// Persons reached since the first ledger window opened: the "today" of these laws.
#[derive(Clone, Copy, Debug, Default)]
struct Today {
    connected: u32,
    abandoned: u32,
    left: Option<Duration>,
}

impl Today {
    /// Forgets everything when a new window has opened: the time left in it has grown.
    fn roll(&mut self, snapshot: &Snapshot<'_>) {
        let left = snapshot.ledgers.first().and_then(|window| window.left);
        if left > self.left {
            *self = Today::default();
        }
        self.left = left;
    }

    fn observe(&mut self, observation: &Observation) {
        if let Observation::Resolved { abandoned, .. } = observation {
            if *abandoned {
                self.abandoned += 1;
            } else {
                self.connected += 1;
            }
        }
    }

    fn answers(&self) -> u32 {
        self.connected + self.abandoned
    }

    /// abandoned ÷ (abandoned + connected); 0 before the first answer.
    fn share(&self) -> f64 {
        if self.answers() == 0 { 0.0 } else { f64::from(self.abandoned) / f64::from(self.answers()) }
    }
}

/// The limit that binds: the lowest of all windows.
fn limit(snapshot: &Snapshot<'_>) -> f64 {
    snapshot.ledgers.iter().map(|window| window.limit).fold(1.0, f64::min)
}

/// Launches `wanted` calls as far as there is room.
fn launching(snapshot: &Snapshot<'_>, wanted: f64) -> Decision {
    let launch = (wanted.clamp(0.0, f64::from(snapshot.room)) as u32).min(snapshot.room);
    Decision {
        launch,
        reason: Reason::ComparedLaw,
        forecast_no_agent: vec![0.0; launch as usize],
        ..Decision::default()
    }
}

#[cfg(test)]
mod tests;
