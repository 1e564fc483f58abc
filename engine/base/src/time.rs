//! Three notions of time: `Instant` (monotonic, since the process or the simulated world began), `Duration`, and
//! `WallTime` (calling hours, journal, RTCP reports only).

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Sub};

/// A moment on the monotonic clock, in nanoseconds since an arbitrary start. Never goes back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

/// A span of time in nanoseconds; never negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(u64);

/// Wall-clock time in microseconds since the Unix epoch (UTC). May step; never used to measure a span.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct WallTime(i64);

impl Instant {
    /// The start of the clock.
    pub const ZERO: Instant = Instant(0);
    /// Later than any moment that can occur (584 years).
    pub const MAX: Instant = Instant(u64::MAX);

    /// From nanoseconds since the clock's start.
    pub const fn from_ns(ns: u64) -> Self {
        Instant(ns)
    }
    /// Nanoseconds since the clock's start.
    pub const fn as_ns(self) -> u64 {
        self.0
    }
    /// Microseconds since the clock's start, rounded down.
    pub const fn as_us(self) -> u64 {
        self.0 / 1_000
    }
    /// Milliseconds since the clock's start, rounded down.
    pub const fn as_ms(self) -> u64 {
        self.0 / 1_000_000
    }
    /// Time since `earlier`; zero if `earlier` is later (saturates, so a race cannot make a huge span).
    pub const fn since(self, earlier: Instant) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
    /// The moment `span` before this one, not before the clock's start.
    pub const fn before(self, span: Duration) -> Instant {
        Instant(self.0.saturating_sub(span.0))
    }
}

impl Duration {
    /// No time at all.
    pub const ZERO: Duration = Duration(0);
    /// Longer than any span that can occur.
    pub const MAX: Duration = Duration(u64::MAX);

    /// From nanoseconds.
    pub const fn from_ns(ns: u64) -> Self {
        Duration(ns)
    }
    /// From microseconds.
    pub const fn from_us(us: u64) -> Self {
        Duration(us * 1_000)
    }
    /// From milliseconds.
    pub const fn from_ms(ms: u64) -> Self {
        Duration(ms * 1_000_000)
    }
    /// From whole seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Duration(secs * 1_000_000_000)
    }
    /// From seconds with a fraction; negative and NaN become zero.
    pub fn from_secs_f64(secs: f64) -> Self {
        Duration((secs.max(0.0) * 1e9).round() as u64)
    }
    /// In nanoseconds.
    pub const fn as_ns(self) -> u64 {
        self.0
    }
    /// In microseconds, rounded down.
    pub const fn as_us(self) -> u64 {
        self.0 / 1_000
    }
    /// In milliseconds, rounded down.
    pub const fn as_ms(self) -> u64 {
        self.0 / 1_000_000
    }
    /// In seconds with a fraction.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
    /// True when the span is empty.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
    /// This span less `other`, not below zero.
    pub const fn saturating_sub(self, other: Duration) -> Duration {
        Duration(self.0.saturating_sub(other.0))
    }
}

impl WallTime {
    /// From microseconds since the Unix epoch.
    pub const fn from_unix_us(us: i64) -> Self {
        WallTime(us)
    }
    /// Microseconds since the Unix epoch.
    pub const fn as_unix_us(self) -> i64 {
        self.0
    }
    /// Whole seconds since the Unix epoch, rounded toward the past.
    pub const fn as_unix_s(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
}

/// Ties one `Instant` to one `WallTime`, so that wall time is derived and not asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallAnchor {
    /// The monotonic moment of the anchor.
    pub instant: Instant,
    /// The wall time at that moment.
    pub wall: WallTime,
}

impl WallAnchor {
    /// Wall time at `now`, also for moments before the anchor.
    pub fn wall_at(self, now: Instant) -> WallTime {
        let ahead_us = now.since(self.instant).as_us() as i64;
        let behind_us = self.instant.since(now).as_us() as i64;
        WallTime(self.wall.0 + ahead_us - behind_us)
    }

    /// The moment at which [`WallAnchor::wall_at`] says `wall`; the zero of the clock for walls before it.
    pub fn instant_at(self, wall: WallTime) -> Instant {
        let ahead_us = wall.0.saturating_sub(self.wall.0);
        let ns = i128::from(self.instant.0) + i128::from(ahead_us) * 1_000;
        Instant(u64::try_from(ns.max(0)).unwrap_or(u64::MAX))
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;
    fn add(self, span: Duration) -> Instant {
        Instant(self.0.saturating_add(span.0))
    }
}
impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}
impl Add for Duration {
    type Output = Duration;
    fn add(self, other: Duration) -> Duration {
        Duration(self.0.saturating_add(other.0))
    }
}
impl AddAssign for Duration {
    fn add_assign(&mut self, other: Duration) {
        *self = *self + other;
    }
}
impl Sub for Duration {
    type Output = Duration;
    fn sub(self, other: Duration) -> Duration {
        self.saturating_sub(other)
    }
}
impl Mul<u64> for Duration {
    type Output = Duration;
    fn mul(self, factor: u64) -> Duration {
        Duration(self.0.saturating_mul(factor))
    }
}
impl Div<u64> for Duration {
    type Output = Duration;
    fn div(self, divisor: u64) -> Duration {
        Duration(self.0 / divisor)
    }
}
impl Sum for Duration {
    fn sum<I: Iterator<Item = Duration>>(spans: I) -> Duration {
        spans.fold(Duration::ZERO, Add::add)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("t+")?;
        seconds(f, self.0)
    }
}
impl fmt::Debug for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        seconds(f, self.0)
    }
}

/// Seconds with six digits. In integers: simulations write millions.
fn seconds(f: &mut fmt::Formatter<'_>, ns: u64) -> fmt::Result {
    let us = ns / 1_000 + u64::from(ns % 1_000 >= 500);
    write!(f, "{}.{:06}s", us / 1_000_000, us % 1_000_000)
}
impl fmt::Debug for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unix {:.6}s", self.0 as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subtraction_saturates() {
        let early = Instant::from_ns(5);
        let late = Instant::from_ns(9);
        assert_eq!(late.since(early), Duration::from_ns(4));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(early.before(Duration::from_secs(1)), Instant::ZERO);
    }

    #[test]
    fn wall_time_is_derived_on_both_sides_of_the_anchor() {
        let anchor = WallAnchor { instant: Instant::from_ns(2_000_000_000), wall: WallTime::from_unix_us(10_000_000) };
        assert_eq!(anchor.wall_at(Instant::from_ns(3_500_000_000)).as_unix_us(), 11_500_000);
        assert_eq!(anchor.wall_at(Instant::from_ns(1_000_000_000)).as_unix_us(), 9_000_000);
        for (wall_us, ns) in [(11_500_000, 3_500_000_000), (9_000_000, 1_000_000_000), (0, 0), (i64::MIN, 0)] {
            assert_eq!(anchor.instant_at(WallTime::from_unix_us(wall_us)), Instant::from_ns(ns));
        }
    }
}
