//! So many a second and no more: a token bucket for what strangers can make us do.

use base::{Duration, Instant};
use std::net::IpAddr;

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

/// An allowance for each source, by a hash of its address, under one for all. So memory does not grow with the sources, and
/// one that floods uses up its own allowance and at most that much of everybody's.
#[derive(Debug)]
pub(crate) struct AllowanceBySource {
    sources: Box<[Allowance]>,
    all: Allowance,
    /// So that nobody can choose an address that shares a victim's allowance.
    secret: u64,
}

impl AllowanceBySource {
    /// `count` allowances of `each_per_s` uses a second, and `all_per_s` for all together.
    pub(crate) fn new((count, each_per_s): (usize, u64), all_per_s: u64, secret: u64) -> AllowanceBySource {
        let sources = (0..count.max(1)).map(|_| Allowance::new(each_per_s)).collect();
        AllowanceBySource { sources, all: Allowance::new(all_per_s), secret }
    }

    /// True when `source` is allowed one more use; then it is counted.
    pub(crate) fn take(&mut self, now: Instant, source: IpAddr) -> bool {
        let place = self.place(source);
        self.sources[place].take(now) && self.all.take(now)
    }

    fn place(&self, source: IpAddr) -> usize {
        let key = match source.to_canonical() {
            IpAddr::V4(source) => u64::from(source.to_bits()),
            // The network half: whoever has an address has 2⁶⁴ of them (RFC 4291 §2.5.4).
            IpAddr::V6(source) => (source.to_bits() >> 64) as u64,
        };
        // The finish of SplitMix64 (public constants): every bit of the key moves every bit of the place.
        let mixed = (key ^ self.secret).wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) % self.sources.len() as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_have_their_own_under_one_for_all() {
        let now = Instant::ZERO + Duration::from_secs(100);
        let mut allowance = AllowanceBySource::new((256, 20), 100, 7);
        let source = |number: u8| IpAddr::from([198, 51, 100, number]);
        let mut taken = |source, tries: usize| (0..tries).filter(|_| allowance.take(now, source)).count();
        assert_eq!(taken(source(1), 1_000), 20, "a flood ends at its own");
        assert_eq!(taken("::ffff:198.51.100.1".parse().unwrap(), 1), 0, "the same address in another dress");
        assert_eq!(taken("2001:db8::1".parse().unwrap(), 15), 15);
        assert_eq!(taken("2001:db8::ffff:2".parse().unwrap(), 15), 5, "one network, one allowance");
        assert!((2..=99).map(|number| taken(source(number), 1)).sum::<usize>() <= 60, "the ceiling");

        // Neighbours spread: 256 addresses on 256 places leave 1/e of these empty on average, so 162 taken.
        let places: std::collections::BTreeSet<usize> =
            (0..=255).map(|number| allowance.place(source(number))).collect();
        assert!((140..=185).contains(&places.len()), "{}", places.len());
    }

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
