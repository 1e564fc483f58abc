//! When what a detector hears came in: it listens behind a jitter buffer, on a grid of its own.
//!
//! ```text
//!  packet ──arrival by timestamp──> 16 places ──pop──> arrival by 20 ms step ──> 512 places (10.24 s)
//! ```
//!
//! **Why.** The law counts two seconds from the end of the greeting: what the buffer holds back and where the grid stands
//! (20 ms) must not be added to it.

use base::{Duration, Instant};

/// Frames between arrival and pop: the jitter buffer holds less.
const WAITING: usize = 16;
/// Steps remembered: a detector decides within its analysis time, some seconds. 2 KiB.
const STEPS: usize = 512;

/// See the module's head. Moments are microseconds since the analysis began: 32 bits are 71 minutes.
pub(crate) struct Arrivals {
    waiting: [(u32, u32); WAITING],
    came: usize,
    steps: [u32; STEPS],
    heard: usize,
}

impl Arrivals {
    pub(crate) const fn new() -> Arrivals {
        Arrivals { waiting: [(0, 0); WAITING], came: 0, steps: [0; STEPS], heard: 0 }
    }

    /// A frame of this RTP timestamp came so long after the analysis began.
    pub(crate) fn came(&mut self, timestamp: u32, after: Duration) {
        self.waiting[self.came % WAITING] = (timestamp, micros(after));
        self.came += 1;
    }

    /// The detector hears the next step at `after`: the frame of this timestamp; `None` and one that is not known any
    /// more count as heard at once.
    pub(crate) fn heard(&mut self, timestamp: Option<u32>, after: Duration) {
        let known = &self.waiting[..self.came.min(WAITING)];
        let arrival = timestamp.and_then(|timestamp| known.iter().find(|(frame, _)| *frame == timestamp));
        self.steps[self.heard % STEPS] = arrival.map_or(micros(after), |(_, arrival)| *arrival);
        self.heard += 1;
    }

    /// The arrival of the last frame of the first `heard_ms` milliseconds that the detector heard.
    pub(crate) fn arrival(&self, started: Instant, heard_ms: u32) -> Option<Instant> {
        let step = (heard_ms as usize).div_ceil(media::PTIME.as_ms() as usize).checked_sub(1)?;
        let kept = step < self.heard && self.heard - step <= STEPS;
        kept.then(|| started + Duration::from_us(u64::from(self.steps[step % STEPS])))
    }
}

fn micros(span: Duration) -> u32 {
    u32::try_from(span.as_us()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_as_old_as_its_packet() {
        let (mut arrivals, started) = (Arrivals::new(), Instant::from_ns(7_000_000));
        let ms = Duration::from_ms;
        // Silence first; then frames that came 13 ms before their steps, one of them lost.
        arrivals.heard(None, ms(20));
        arrivals.came(800, ms(27));
        arrivals.heard(Some(800), ms(40));
        arrivals.heard(None, ms(60));
        arrivals.came(1_120, ms(67));
        arrivals.heard(Some(1_120), ms(80));
        let at = |heard_ms| arrivals.arrival(started, heard_ms).map(|at| at.since(started).as_ms());
        assert_eq!([20, 40, 60, 80].map(at), [Some(20), Some(27), Some(60), Some(67)]);
        assert_eq!((at(0), at(100)), (None, None), "nothing heard yet, and not yet heard");
        for step in 0..STEPS as u64 {
            arrivals.heard(None, ms(100 + 20 * step));
        }
        assert_eq!(arrivals.arrival(started, 80), None, "forgotten");
        assert!(arrivals.arrival(started, 100).is_some());
    }
}
