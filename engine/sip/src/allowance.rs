//! So many a second and no more: a token bucket for what strangers can make us do.

use base::{Duration, Instant};

/// Starts full and fills up by `per_s` a second, up to one second's worth.
#[derive(Debug)]
pub(crate) struct Allowance {
    /// Time that one use costs.
    cost: Duration,
    /// When the bucket would be full again if nothing more were used (the "virtual scheduling" form of ITU-T I.371).
    full_at: Instant,
}

impl Allowance {
    /// `per_s` uses a second, at least one.
    pub(crate) fn new(per_s: u64) -> Allowance {
        Allowance { cost: Duration::from_ns(1_000_000_000 / per_s.max(1)), full_at: Instant::ZERO }
    }

    /// True when one more use is allowed; then it is counted.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let full_at = self.full_at.max(now) + self.cost;
        if full_at.since(now) > Duration::from_secs(1) {
            return false;
        }
        self.full_at = full_at;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_one_second_and_then_the_rate() {
        let mut allowance = Allowance::new(10);
        let now = Instant::ZERO + Duration::from_secs(100);
        assert_eq!((0..30).filter(|_| allowance.take(now)).count(), 10);
        let later = now + Duration::from_ms(500);
        assert_eq!((0..30).filter(|_| allowance.take(later)).count(), 5);
        assert_eq!((0..30).filter(|_| allowance.take(later + Duration::from_secs(60))).count(), 10);
    }
}
