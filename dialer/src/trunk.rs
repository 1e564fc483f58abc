//! One trunk's room: channels and call attempts a second, both exact.
//!
//! Room is reserved when an attempt is decided and used when it is dialled, so a burst out of the store cannot put
//! more than `cps` calls into any second, nor more than the channels onto the trunk.

use std::collections::VecDeque;

use base::{AttemptId, Duration, Instant};

/// Call attempts a second of one trunk: more than any carrier grants; bounds the launch memory below to 80 kB.
const CPS_MAX: f64 = 10_000.0;

#[derive(Clone, Debug)]
pub(crate) struct Trunk {
    max_channels: u32,
    /// At most `burst` launches in any `window`: for 10 cps 10 in 1 s, for 0.5 cps 1 in 2 s.
    burst: usize,
    window: Duration,
    /// Attempts that hold a channel, from decision to end.
    in_use: u32,
    /// Of them: decided, not yet dialled.
    reserved: u32,
    launches: VecDeque<Instant>,
    /// Durable, waiting for the rate.
    held: VecDeque<AttemptId>,
}

impl Trunk {
    pub(crate) fn new(max_channels: u32, max_cps: f64) -> Trunk {
        let mut trunk = Trunk {
            max_channels,
            burst: 1,
            window: Duration::from_secs(1),
            in_use: 0,
            reserved: 0,
            launches: VecDeque::new(),
            held: VecDeque::new(),
        };
        trunk.set_rate(max_cps);
        trunk
    }

    pub(crate) fn set_rate(&mut self, max_cps: f64) {
        let cps = if max_cps.is_finite() { max_cps.clamp(0.0, CPS_MAX) } else { 0.0 };
        if cps <= 0.0 {
            (self.burst, self.window) = (0, Duration::from_secs(1));
        } else {
            self.burst = (cps.floor() as usize).max(1);
            self.window = Duration::from_secs_f64(self.burst as f64 / cps);
        }
    }

    /// Free channels as reported from outside at this moment.
    pub(crate) fn set_free(&mut self, channels_free: u32) {
        self.max_channels = self.in_use.saturating_add(channels_free);
    }

    /// How many attempts may be decided now.
    pub(crate) fn room(&mut self, now: Instant) -> u32 {
        let rate = self.rate_room(now).saturating_sub(self.reserved as usize);
        self.max_channels.saturating_sub(self.in_use).min(rate as u32)
    }

    fn rate_room(&mut self, now: Instant) -> usize {
        while self.launches.front().is_some_and(|at| *at + self.window <= now) {
            self.launches.pop_front();
        }
        self.burst.saturating_sub(self.launches.len())
    }

    /// Reserves room for a decided attempt.
    pub(crate) fn reserve(&mut self) {
        self.in_use += 1;
        self.reserved += 1;
    }

    /// The attempt is durable: true to dial it now, false when it is held for the rate.
    pub(crate) fn launch_or_hold(&mut self, now: Instant, attempt: AttemptId) -> bool {
        if self.held.is_empty() && self.rate_room(now) > 0 {
            self.launched(now);
            true
        } else {
            self.held.push_back(attempt);
            false
        }
    }

    fn launched(&mut self, now: Instant) {
        self.launches.push_back(now);
        self.reserved = self.reserved.saturating_sub(1);
    }

    /// The next held attempt, if the rate has room again.
    pub(crate) fn release(&mut self, now: Instant) -> Option<AttemptId> {
        if self.held.is_empty() || self.rate_room(now) == 0 {
            return None;
        }
        self.launched(now);
        self.held.pop_front()
    }

    /// When a held attempt can go.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        if self.held.is_empty() || self.burst == 0 {
            return None;
        }
        let excess = self.launches.len().checked_sub(self.burst)?;
        self.launches.get(excess).map(|at| *at + self.window)
    }

    /// An attempt that was decided and never dialled gives its room back.
    pub(crate) fn cancel(&mut self, attempt: AttemptId) {
        self.held.retain(|held| *held != attempt);
        self.reserved = self.reserved.saturating_sub(1);
        self.in_use = self.in_use.saturating_sub(1);
    }

    /// A dialled attempt has ended.
    pub(crate) fn ended(&mut self) {
        self.in_use = self.in_use.saturating_sub(1);
    }

    pub(crate) fn in_use(&self) -> u32 {
        self.in_use
    }

    pub(crate) fn max_channels(&self) -> u32 {
        self.max_channels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_ns(ms * 1_000_000)
    }

    #[test]
    fn no_second_has_more_than_the_rate_even_when_the_store_lets_go_a_burst() {
        let mut trunk = Trunk::new(100, 3.0);
        assert_eq!(trunk.room(at(0)), 3);
        for _ in 0..3 {
            trunk.reserve();
        }
        assert_eq!(trunk.room(at(500)), 0, "reserved room counts");
        let mut dialled = Vec::new();
        for id in 0..3 {
            assert!(trunk.launch_or_hold(at(900), AttemptId(id)));
            dialled.push(900);
        }
        assert_eq!(trunk.room(at(1_500)), 0);
        trunk.reserve(); // as if decided before the others went out late
        assert!(!trunk.launch_or_hold(at(1_500), AttemptId(9)));
        assert_eq!(trunk.poll_timeout(), Some(at(1_900)));
        assert_eq!(trunk.release(at(1_899)), None);
        assert_eq!(trunk.release(at(1_900)), Some(AttemptId(9)));
        assert_eq!(trunk.poll_timeout(), None);
    }

    #[test]
    fn channels_bind_and_come_back() {
        let mut trunk = Trunk::new(2, 100.0);
        trunk.reserve();
        trunk.reserve();
        assert_eq!(trunk.room(at(0)), 0);
        assert!(trunk.launch_or_hold(at(0), AttemptId(1)));
        trunk.cancel(AttemptId(2));
        assert_eq!((trunk.room(at(0)), trunk.in_use()), (1, 1));
        trunk.ended();
        assert_eq!(trunk.room(at(0)), 2);
        trunk.set_free(0);
        assert_eq!(trunk.room(at(0)), 0);
    }

    #[test]
    fn rates_under_one_and_none_at_all() {
        let mut trunk = Trunk::new(10, 0.5);
        trunk.reserve();
        assert!(trunk.launch_or_hold(at(0), AttemptId(1)));
        assert_eq!(trunk.room(at(1_999)), 0);
        assert_eq!(trunk.room(at(2_000)), 1);
        assert_eq!(Trunk::new(10, 0.0).room(at(0)), 0);
        assert_eq!(Trunk::new(10, f64::NAN).room(at(0)), 0);
    }
}
