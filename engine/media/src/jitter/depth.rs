//! How deep the jitter buffer should be: from how much later than the quickest packets the others come.

use super::{DEPTH_MAX, DEPTH_START};
use crate::{CLOCK_HZ, FRAME_SAMPLES};
use base::Instant;

/// Packets of one window: the baseline is the quickest of the last two windows (5 s), so a drifting clock or a new
/// route is followed; the counts are halved after each.
const WINDOW: u32 = 128;

/// The target leaves at most 1 packet in 64 (1.6 %) too late: less than that is inaudible with concealment, and
/// chasing the last packet would cost everybody delay.
const TOO_LATE_SHARE: u32 = 64;

/// Transit that jumps by more than a second is a sender that stood still without saying so, not jitter.
const JUMP_SAMPLES: i64 = CLOCK_HZ as i64;

/// Weight of one packet in the counts; they are halved, so it is a power of two for exactness.
const WEIGHT: u32 = 256;

#[derive(Clone)]
pub(super) struct Depth {
    target: usize,
    /// Arrival and timestamp that transit times are measured against.
    reference: Option<(Instant, u32)>,
    quickest: i64,
    quickest_before: i64,
    seen: u32,
    /// Packets by the depth that each would have needed, 1 to `DEPTH_MAX`.
    needed: [u32; DEPTH_MAX],
}

impl Depth {
    pub(super) const fn new() -> Depth {
        Depth {
            target: DEPTH_START,
            reference: None,
            quickest: i64::MAX,
            quickest_before: i64::MAX,
            seen: 0,
            needed: [0; DEPTH_MAX],
        }
    }

    pub(super) fn target(&self) -> usize {
        self.target
    }

    /// A new stream: its timestamps have nothing to do with the old ones, but the network is the same, so the target
    /// and what it rests on stay.
    pub(super) fn forget_timing(&mut self) {
        self.reference = None;
        (self.quickest, self.quickest_before) = (i64::MAX, i64::MAX);
    }

    /// Takes note of one packet's arrival.
    pub(super) fn observe(&mut self, now: Instant, timestamp: u32) {
        let (start, first) = *self.reference.get_or_insert((now, timestamp));
        let elapsed = (u128::from(now.since(start).as_ns()) * u128::from(CLOCK_HZ) / 1_000_000_000) as i64;
        let transit = elapsed - i64::from(timestamp.wrapping_sub(first) as i32);
        let baseline = self.quickest.min(self.quickest_before);
        if baseline != i64::MAX && (transit - baseline).abs() > JUMP_SAMPLES {
            self.reference = Some((now, timestamp));
            (self.quickest, self.quickest_before) = (0, i64::MAX);
            return;
        }
        self.quickest = self.quickest.min(transit);
        let lateness = (transit - self.quickest.min(self.quickest_before)).max(0) as usize;
        let depth = (1 + lateness.div_ceil(FRAME_SAMPLES)).min(DEPTH_MAX);
        self.needed[depth - 1] += WEIGHT;
        self.seen += 1;
        let wanted = self.wanted();
        // Deeper at once, before more packets are lost; shallower one frame a window, when it has proved itself.
        if wanted > self.target {
            self.target = wanted;
        }
        if self.seen == WINDOW {
            self.seen = 0;
            if wanted < self.target {
                self.target -= 1;
            }
            self.needed.iter_mut().for_each(|count| *count /= 2);
            (self.quickest_before, self.quickest) = (self.quickest, i64::MAX);
        }
    }

    /// The smallest depth that would have been enough for all but one packet in `TOO_LATE_SHARE`.
    fn wanted(&self) -> usize {
        let total: u32 = self.needed.iter().sum();
        let mut late = total;
        for (index, count) in self.needed.iter().enumerate() {
            late -= count;
            // A lone late packet counts until 64 others have said otherwise.
            if late <= (total / TOO_LATE_SHARE).max(WEIGHT / 2) {
                return index + 1;
            }
        }
        DEPTH_MAX
    }
}
