//! A carrier that fails most calls is not made up for by dialling more.
//!
//! ```text
//!  the last calls, failed in their first seconds or not ──> storm? ──> launches as before the storm, half as many more
//! ```
//!
//! A failed call is gone at once, so a pacer that only looks at what rings would dial again and again: that helps no
//! carrier to recover, and when it does, all that was dialled too much rings at once. Without a storm nothing is limited.

use base::Instant;

use super::RingEnd;

/// Calls that are looked at: with 5 % failures ten of them fail once in a hundred million calls.
const LOOKED_AT: u32 = 20;
/// So many failures of them are a storm, until fewer than so many are.
const BEGINS: u32 = 10;
const ENDS: u32 = 6;
/// A call that ends sooner than this has failed: nobody gives up or is busy so soon after the post-dial delay.
const FAILED_S: f64 = 1.7;
/// Launches over those before the storm.
const MORE: f64 = 1.4;
/// The usual rate is a mean over this time.
const USUAL_S: f64 = 900.0;
/// Launches that may be saved up, in seconds of the rate.
const SAVED_S: f64 = 3.0;

/// See the module's page.
#[derive(Default)]
pub(super) struct Storm {
    /// The last calls that are over, the latest in the lowest bit: 1 failed.
    failed: u32,
    rages: bool,
    /// Launches and seconds without a storm, fading.
    launches: f64,
    seconds: f64,
    /// Launches allowed in the storm.
    allowed: f64,
    at: Option<Instant>,
}

impl Storm {
    pub(super) fn launched(&mut self) {
        if self.rages {
            self.allowed -= 1.0;
        } else {
            self.launches += 1.0;
        }
    }

    pub(super) fn ended(&mut self, age_s: f64, how: RingEnd) {
        let failed = how == RingEnd::Other && age_s < FAILED_S;
        self.failed = ((self.failed << 1) | u32::from(failed)) & ((1 << LOOKED_AT) - 1);
        let count = self.failed.count_ones();
        self.rages = count >= if self.rages { ENDS } else { BEGINS };
    }

    /// Launches that are allowed now; `None`: no storm, as many as one likes.
    pub(super) fn allows(&mut self, now: Instant) -> Option<u32> {
        let passed = self.at.map_or(0.0, |at| now.since(at).as_secs_f64()).min(SAVED_S);
        self.at = Some(now);
        if !self.rages {
            let keep = (-passed / USUAL_S).exp();
            (self.launches, self.seconds) = (self.launches * keep, self.seconds * keep + passed);
            self.allowed = 0.0;
            return None;
        }
        let rate = MORE * self.launches / self.seconds.max(1.0);
        self.allowed = (self.allowed + rate * passed).min((SAVED_S * rate).max(1.0));
        Some(self.allowed.max(0.0) as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Instant {
        Instant::ZERO + base::Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_storm_is_seen_within_a_few_calls_and_keeps_to_the_usual_rate() {
        let mut storm = Storm::default();
        // Two launches a second, one in twenty fails.
        for n in 0..600_u32 {
            storm.launched();
            storm.ended(if n % 20 == 0 { 0.5 } else { 25.0 }, RingEnd::Other);
            assert_eq!(storm.allows(at(f64::from(n) / 2.0)), None);
        }
        for _ in 0..10 {
            storm.ended(0.5, RingEnd::Other);
        }
        let mut launched = 0;
        for n in 0..600_u32 {
            let allowed = storm.allows(at(300.0 + f64::from(n) / 10.0)).unwrap();
            (0..allowed).for_each(|_| storm.launched());
            launched += allowed;
        }
        // A minute at 1.4 of two a second.
        assert!((160..=172).contains(&launched), "{launched}");
        for _ in 0..15 {
            storm.ended(8.0, RingEnd::Person);
        }
        assert_eq!(storm.allows(at(361.0)), None);
    }
}
