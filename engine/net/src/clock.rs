//! The only maker of [`Instant`]s in production.

use crate::sys;
use base::{Instant, WallAnchor, WallTime};
use std::sync::OnceLock;

/// CLOCK_MONOTONIC at the first clock of the process. Shared by all clocks, so that instants of shards, control plane
/// and several engines can be compared; and early, so that timer wheels, which begin at zero, stay in their fine slots.
static ORIGIN_NS: OnceLock<u64> = OnceLock::new();

/// CLOCK_MONOTONIC, counted from the first `Clock` of the process. All clocks of a process agree.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin_ns: u64,
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock {
    /// The clock of this process.
    pub fn new() -> Clock {
        Clock { origin_ns: *ORIGIN_NS.get_or_init(sys::monotonic_ns) }
    }

    /// The present moment. About 30 ns (no system call where the kernel offers its clock page).
    pub fn now(&self) -> Instant {
        Instant::from_ns(sys::monotonic_ns().saturating_sub(self.origin_ns))
    }

    /// Ties this clock to the wall (CLOCK_REALTIME, UTC). Of eight tries the one counts whose two monotonic readings lie
    /// closest around the wall reading, so that a preemption between them does not enter the anchor.
    pub fn anchor(&self) -> WallAnchor {
        let mut best: Option<(u64, WallAnchor)> = None;
        for _ in 0..8 {
            let before = self.now();
            let wall_ns = sys::realtime_ns();
            let after = self.now();
            let gap_ns = after.since(before).as_ns();
            if best.is_none_or(|(known, _)| gap_ns < known) {
                let instant = Instant::from_ns(before.as_ns() + gap_ns / 2);
                let wall = WallTime::from_unix_us((wall_ns / 1_000) as i64);
                best = Some((gap_ns, WallAnchor { instant, wall }));
            }
        }
        // Eight tries always leave one; the default only satisfies the type.
        best.map_or(WallAnchor { instant: Instant::ZERO, wall: WallTime::default() }, |(_, anchor)| anchor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_clocks_of_a_process_agree_and_never_go_back() {
        let first = Clock::new();
        let a = first.now();
        let b = Clock::new().now();
        let c = first.now();
        assert!(a <= b && b <= c, "{a:?} {b:?} {c:?}");
    }

    #[test]
    fn anchor_agrees_with_the_standard_library() {
        let clock = Clock::new();
        let before = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as i64;
        let wall = clock.anchor().wall_at(clock.now()).as_unix_us();
        let after = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as i64;
        // A millisecond for rounding and for a wall clock that is being slewed between the readings.
        assert!(before - 1_000 <= wall && wall <= after + 1_000, "{before} {wall} {after}");
    }
}
