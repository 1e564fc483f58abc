//! The ledger of the abandon limit: what the law counts, window by window.
//!
//! Window boundaries are computed ahead on the monotonic clock, so that a step of the wall clock opens no fresh window.

use base::{Duration, Instant, WallAnchor};

use crate::compliance::{Window, Zones};

/// Closed windows that are remembered for reports: two years of days.
const CLOSED_MAX: usize = 731;

/// One window's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Persons (as detection saw them) connected within the deadline.
    pub connected: u64,
    /// Classified live and not connected within it.
    pub abandoned: u64,
    /// Of the connected: machines, as agents recorded them.
    pub machines: u64,
}

impl Counts {
    /// abandoned ÷ (abandoned + connected); 0 when nobody was reached.
    pub fn rate(&self) -> f64 {
        let total = self.connected + self.abandoned;
        if total == 0 { 0.0 } else { self.abandoned as f64 / total as f64 }
    }
}

/// A window as the pacer sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LedgerView {
    /// The limit, of 1.
    pub limit: f64,
    /// Persons so far, connected and abandoned; machines that agents recorded are taken off.
    pub answered: f64,
    /// Abandoned so far, by an upper estimate (machines among them are unknown: mean + 3 deviations, at most all).
    pub abandoned_upper: f64,
    /// Time left in the window; `None`: it has no end of its own.
    pub left: Option<Duration>,
}

#[derive(Clone, Debug)]
struct Open {
    window: Window,
    ends: Option<Instant>,
    counts: Counts,
}

/// The ledger of one campaign.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    limit: f64,
    open: Vec<Open>,
    closed: Vec<(Window, Counts)>,
    total: Counts,
}

impl Ledger {
    pub(crate) fn new(limit: f64, windows: &[Window]) -> Ledger {
        let open = windows.iter().map(|window| Open { window: *window, ends: None, counts: Counts::default() });
        Ledger { limit, open: open.collect(), closed: Vec::new(), total: Counts::default() }
    }

    /// Closes windows that are over and opens their successors. The first call (the campaign's start) opens them all.
    pub(crate) fn roll(&mut self, now: Instant, steady: WallAnchor, zones: &Zones, zone: u32) {
        for open in &mut self.open {
            while open.ends.is_none_or(|ends| ends <= now) {
                let from = open.ends;
                if from.is_some() {
                    if self.closed.len() >= CLOSED_MAX {
                        self.closed.remove(0);
                    }
                    self.closed.push((open.window, std::mem::take(&mut open.counts)));
                }
                open.ends = match open.window {
                    Window::Run => Some(Instant::MAX),
                    Window::Days(days) => {
                        Some(from.unwrap_or(now) + Duration::from_secs(86_400 * u64::from(days.max(1))))
                    }
                    Window::LocalDay => {
                        let wall = steady.wall_at(from.unwrap_or(now));
                        let midnight = zones
                            .next_midnight(zone, wall)
                            .map_or(86_400_000_000, |next| (next.as_unix_us() - wall.as_unix_us()).max(1));
                        Some(from.unwrap_or(now) + Duration::from_us(midnight as u64))
                    }
                };
            }
        }
    }

    pub(crate) fn connected(&mut self) {
        self.each(|counts| counts.connected += 1);
    }

    pub(crate) fn abandoned(&mut self) {
        self.each(|counts| counts.abandoned += 1);
    }

    /// A connected one turned out to be a machine.
    pub(crate) fn machine(&mut self) {
        self.each(|counts| counts.machines += 1);
    }

    fn each(&mut self, change: impl Fn(&mut Counts)) {
        self.open.iter_mut().for_each(|open| change(&mut open.counts));
        change(&mut self.total);
    }

    /// The open windows, as configured.
    pub(crate) fn windows(&self) -> impl Iterator<Item = (Window, Counts)> {
        self.open.iter().map(|open| (open.window, open.counts))
    }

    /// Windows that are over, oldest first.
    pub(crate) fn closed(&self) -> &[(Window, Counts)] {
        &self.closed
    }

    pub(crate) fn views(&self, now: Instant, into: &mut Vec<LedgerView>) {
        // The share of machines among those handed to agents is the same for all windows; one pseudo-count of each
        // kind would only matter before the first ten calls, when the guard is closed anyway.
        let connected = self.total.connected.max(1) as f64;
        let machine_share = (self.total.machines as f64 / connected).clamp(0.0, 0.95);
        into.clear();
        into.extend(self.open.iter().map(|open| {
            let abandoned = open.counts.abandoned as f64;
            let upper =
                abandoned * (1.0 - machine_share) + 3.0 * (abandoned * machine_share * (1.0 - machine_share)).sqrt();
            let abandoned_upper = upper.min(abandoned);
            let persons = open.counts.connected.saturating_sub(open.counts.machines) as f64;
            LedgerView {
                limit: self.limit,
                answered: persons + abandoned * (1.0 - machine_share),
                abandoned_upper,
                left: open.ends.filter(|ends| *ends < FAR).map(|ends| ends.since(now)),
            }
        }));
    }
}

/// "No end": later than any moment a run reaches (292 years).
const FAR: Instant = Instant::from_ns(u64::MAX / 2);

#[cfg(test)]
mod tests {
    use super::*;
    use base::WallTime;

    const HOUR: u64 = 3_600;

    fn at(hours: u64) -> Instant {
        Instant::from_ns(hours * HOUR * 1_000_000_000)
    }

    fn ledger(windows: &[Window]) -> (Ledger, Zones, u32, WallAnchor) {
        let mut zones = Zones::new();
        let zone = zones.index("America/New_York").unwrap();
        // 2026-03-07 09:00 in New York (UTC-5), the day before the clocks go forward.
        let wall = WallTime::from_unix_us(1_772_892_000_000_000);
        (Ledger::new(0.03, windows), zones, zone, WallAnchor { instant: Instant::ZERO, wall })
    }

    #[test]
    fn local_days_end_at_midnight_also_when_the_clocks_change() {
        let (mut ledger, zones, zone, anchor) = ledger(&[Window::LocalDay]);
        ledger.roll(at(0), anchor, &zones, zone);
        ledger.abandoned();
        ledger.roll(at(14), anchor, &zones, zone);
        assert_eq!(ledger.windows().next().unwrap().1.abandoned, 1);
        ledger.roll(at(15), anchor, &zones, zone); // midnight
        assert_eq!(ledger.windows().next().unwrap().1.abandoned, 0);
        assert_eq!(ledger.closed().len(), 1);
        ledger.connected();
        // March 8th has 23 hours: its midnight comes 38 hours after the start and not 39.
        ledger.roll(at(37), anchor, &zones, zone);
        assert_eq!(ledger.windows().next().unwrap().1.connected, 1);
        ledger.roll(at(38), anchor, &zones, zone);
        assert_eq!(ledger.windows().next().unwrap().1.connected, 0);
        assert_eq!(ledger.total, Counts { connected: 1, abandoned: 1, machines: 0 });
    }

    #[test]
    fn a_run_never_ends_and_days_count_from_the_start() {
        let (mut ledger, zones, zone, anchor) = ledger(&[Window::Run, Window::Days(2)]);
        ledger.roll(at(1), anchor, &zones, zone);
        ledger.connected();
        ledger.roll(at(48), anchor, &zones, zone);
        ledger.connected();
        ledger.roll(at(49), anchor, &zones, zone);
        let counts: Vec<u64> = ledger.windows().map(|(_, counts)| counts.connected).collect();
        assert_eq!(counts, [2, 0]);
        let mut views = Vec::new();
        ledger.views(at(50), &mut views);
        assert_eq!((views[0].left, views[1].left), (None, Some(Duration::from_secs(47 * HOUR))));
    }

    #[test]
    fn unknown_machines_among_the_abandoned_never_make_them_more_than_they_are() {
        let (mut ledger, zones, zone, anchor) = ledger(&[Window::Run]);
        ledger.roll(at(0), anchor, &zones, zone);
        for n in 0..100 {
            ledger.connected();
            if n < 30 {
                ledger.machine();
            }
        }
        for _ in 0..4 {
            ledger.abandoned();
        }
        let mut views = Vec::new();
        ledger.views(at(1), &mut views);
        assert!(views[0].abandoned_upper <= 4.0);
        assert!((views[0].answered - (70.0 + 4.0 * 0.7)).abs() < 1e-9);
        for _ in 0..96 {
            ledger.abandoned();
        }
        ledger.views(at(1), &mut views);
        assert!((views[0].abandoned_upper - (70.0 + 3.0 * 21.0_f64.sqrt())).abs() < 1e-9);
    }
}
