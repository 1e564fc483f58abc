//! The ledger of the abandon limit: what the law counts, window by window.
//!
//! Everything here is reckoned on the steady line (microseconds; see [`crate::compliance`]), so that a step of the wall
//! clock opens no fresh window, and so that a ledger can be brought back from a store: the windows are a function of
//! the moment the campaign first began and of the counted calls, and `replay` is the one way from those to the counts.

use std::collections::BTreeMap;

use base::{AttemptId, Duration, Instant, WallAnchor, WallTime};

use crate::compliance::{Window, Zones};
use crate::io::{CountedAs, LedgerEntry};

/// Closed windows that are remembered for reports: two years of days.
const CLOSED_MAX: usize = 731;
/// Counted calls that are remembered one by one, the latest: what an agent may still record of them, and what windows
/// that are opened later are reckoned from. 100 agents with 20 talks an hour take four days for so many; 48 bytes
/// each: 3 MB for a campaign that has connected so many.
pub const ENTRIES_MAX: usize = 65_536;

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

    /// How many more persons may be abandoned with these connected and the rate not above `limit`; below zero when
    /// it is above. From (abandoned + n) ÷ (connected + abandoned + n) ≤ limit; a limit of 1 allows any number.
    pub fn budget_left(&self, limit: f64) -> i64 {
        // 97 connected at 3 % allow exactly 3, which floating point would make 2.
        const ROUNDING: f64 = 1e-9;
        if limit >= 1.0 {
            return i64::MAX;
        }
        let allowed = limit.max(0.0) * self.connected as f64 / (1.0 - limit.max(0.0));
        (allowed - self.abandoned as f64 + ROUNDING).floor() as i64
    }

    fn add(&mut self, what: CountedAs) {
        match what {
            CountedAs::Connected => self.connected += 1,
            CountedAs::Abandoned => self.abandoned += 1,
            CountedAs::Nothing => {}
        }
    }

    fn machine(&mut self, is_one: bool) {
        self.machines = if is_one { self.machines + 1 } else { self.machines.saturating_sub(1) };
    }
}

/// A window that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosedWindow {
    /// What kind.
    pub window: Window,
    /// Its first moment.
    pub from: WallTime,
    /// The first moment that is no more in it.
    pub until: WallTime,
    /// What was counted in it.
    pub counts: Counts,
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
    from_us: i64,
    /// `i64::MAX`: never.
    ends_us: i64,
    counts: Counts,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at_us: i64,
    what: CountedAs,
    person: Option<bool>,
}

impl Entry {
    fn is_machine(self) -> bool {
        self.what == CountedAs::Connected && self.person == Some(false)
    }
}

/// The ledger of one campaign.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    limit: f64,
    windows: Vec<Window>,
    zone: u32,
    /// The campaign's first start; `None`: it has never begun, and no window is open.
    began_us: Option<i64>,
    open: Vec<Open>,
    closed: Vec<ClosedWindow>,
    total: Counts,
    /// By attempt, so by the order of decision; the first goes when there are too many.
    entries: BTreeMap<AttemptId, Entry>,
    /// What `entries` does not remember any more.
    forgotten: Counts,
}

impl Ledger {
    pub(crate) fn new(limit: f64, windows: &[Window], zone: u32) -> Ledger {
        Ledger {
            limit,
            windows: windows.to_vec(),
            zone,
            began_us: None,
            open: Vec::new(),
            closed: Vec::new(),
            total: Counts::default(),
            entries: BTreeMap::new(),
            forgotten: Counts::default(),
        }
    }

    /// Closes windows that are over and opens their successors. The first call (the campaign's start) opens them all.
    pub(crate) fn roll(&mut self, now_us: i64, zones: &Zones) {
        if self.began_us.is_none() {
            self.began_us = Some(now_us);
            let open = |window: &Window| Open {
                window: *window,
                from_us: now_us,
                ends_us: end_of(*window, now_us, zones, self.zone),
                counts: Counts::default(),
            };
            self.open = self.windows.iter().map(open).collect();
        }
        // In order of their ends, so that the list of closed windows does not depend on how often this is called.
        while let Some(open) =
            self.open.iter_mut().min_by_key(|open| open.ends_us).filter(|open| open.ends_us <= now_us)
        {
            if self.closed.len() >= CLOSED_MAX {
                self.closed.remove(0);
            }
            self.closed.push(ClosedWindow {
                window: open.window,
                from: WallTime::from_unix_us(open.from_us),
                until: WallTime::from_unix_us(open.ends_us),
                counts: std::mem::take(&mut open.counts),
            });
            open.from_us = open.ends_us;
            open.ends_us = end_of(open.window, open.from_us, zones, self.zone);
        }
    }

    /// Enters a person into every open window.
    pub(crate) fn count(&mut self, now_us: i64, zones: &Zones, attempt: AttemptId, what: CountedAs) {
        self.roll(now_us, zones);
        self.open.iter_mut().for_each(|open| open.counts.add(what));
        self.total.add(what);
        self.remember(attempt, Entry { at_us: now_us, what, person: None });
    }

    fn remember(&mut self, attempt: AttemptId, entry: Entry) {
        self.entries.insert(attempt, entry);
        if self.entries.len() > ENTRIES_MAX
            && let Some((_, oldest)) = self.entries.pop_first()
        {
            self.forgotten.add(oldest.what);
            if oldest.is_machine() {
                self.forgotten.machine(true);
            }
        }
    }

    /// What an agent recorded of a counted call, in place of what was recorded before: it changes the windows in which
    /// the call was counted, closed ones too. False when the call is not (or no more) remembered.
    pub(crate) fn record(&mut self, attempt: AttemptId, person: bool) -> bool {
        let Some(entry) = self.entries.get_mut(&attempt) else { return false };
        let was = entry.is_machine();
        entry.person = Some(person);
        let (is, at_us) = (entry.is_machine(), entry.at_us);
        if was != is {
            let at = WallTime::from_unix_us(at_us);
            let open = self.open.iter_mut().filter(|open| (open.from_us..open.ends_us).contains(&at_us));
            let closed = self.closed.iter_mut().filter(|closed| (closed.from..closed.until).contains(&at));
            open.map(|open| &mut open.counts)
                .chain(closed.map(|closed| &mut closed.counts))
                .chain([&mut self.total])
                .for_each(|counts| counts.machine(is));
        }
        true
    }

    /// The ledger as it was in a process that has ended.
    pub(crate) fn restore(&mut self, began: WallTime, entries: Vec<LedgerEntry>, now_us: i64, zones: &Zones) {
        let fresh = Ledger::new(self.limit, &self.windows, self.zone);
        *self = fresh;
        let counted = entries.into_iter().filter(|entry| entry.counted_as != CountedAs::Nothing);
        let mut counted: Vec<(AttemptId, Entry)> = counted
            .map(|entry| {
                let LedgerEntry { attempt, at, counted_as: what, person } = entry;
                (attempt, Entry { at_us: at.as_unix_us(), what, person })
            })
            .collect();
        counted.sort_unstable_by_key(|(attempt, _)| *attempt);
        counted.dedup_by_key(|(attempt, _)| *attempt);
        counted.iter().for_each(|(attempt, entry)| self.remember(*attempt, *entry));
        counted.sort_unstable_by_key(|(attempt, entry)| (entry.at_us, *attempt));
        let first_us = counted.first().map_or(i64::MAX, |(_, entry)| entry.at_us);
        self.replay(began.as_unix_us().min(first_us), &counted, now_us, zones);
    }

    /// Counts calls, earliest first, into windows that are opened at `began_us`, and goes on to `now_us`.
    fn replay(&mut self, began_us: i64, counted: &[(AttemptId, Entry)], now_us: i64, zones: &Zones) {
        (self.began_us, self.total) = (None, Counts::default());
        self.open.clear();
        self.closed.clear();
        self.roll(began_us, zones);
        for (_, entry) in counted {
            self.roll(entry.at_us, zones);
            for counts in self.open.iter_mut().map(|open| &mut open.counts).chain([&mut self.total]) {
                counts.add(entry.what);
                if entry.is_machine() {
                    counts.machine(true);
                }
            }
        }
        self.roll(now_us, zones);
    }

    /// New settings while the ledger runs. Windows that differ are reckoned anew from the counted calls that are
    /// remembered; older ones are known only in sum, and only `Run` takes them in.
    pub(crate) fn configure(&mut self, limit: f64, windows: &[Window], zone: u32, now_us: i64, zones: &Zones) {
        self.limit = limit;
        let same_days = zone == self.zone || !windows.contains(&Window::LocalDay);
        let same = windows == self.windows && same_days;
        self.windows = windows.to_vec();
        self.zone = zone;
        let Some(began_us) = self.began_us.filter(|_| !same) else { return };
        let mut counted: Vec<(AttemptId, Entry)> = self.entries.iter().map(|(id, entry)| (*id, *entry)).collect();
        counted.sort_unstable_by_key(|(attempt, entry)| (entry.at_us, *attempt));
        self.replay(began_us, &counted, now_us, zones);
        let run = self.open.iter_mut().filter(|open| open.window == Window::Run).map(|open| &mut open.counts);
        for counts in run.chain([&mut self.total]) {
            counts.connected += self.forgotten.connected;
            counts.abandoned += self.forgotten.abandoned;
            counts.machines += self.forgotten.machines;
        }
    }

    /// The open windows, as configured; before the first start, with nothing counted.
    pub(crate) fn windows(&self) -> impl Iterator<Item = (Window, Counts)> {
        let unopened = if self.open.is_empty() { self.windows.as_slice() } else { &[] };
        let unopened = unopened.iter().map(|window| (*window, Counts::default()));
        self.open.iter().map(|open| (open.window, open.counts)).chain(unopened)
    }

    /// Everything counted since the first start.
    pub(crate) fn total(&self) -> Counts {
        self.total
    }

    /// Windows that are over, oldest first.
    pub(crate) fn closed(&self) -> &[ClosedWindow] {
        &self.closed
    }

    /// The campaign's first start.
    pub(crate) fn began(&self) -> Option<WallTime> {
        self.began_us.map(WallTime::from_unix_us)
    }

    pub(crate) fn views(&self, now: Instant, steady: WallAnchor, into: &mut Vec<LedgerView>) {
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
                left: (open.ends_us < i64::MAX).then(|| instant_of(open.ends_us, steady).since(now)),
            }
        }));
    }
}

/// The moment at which a window that begins at `from_us` is over.
fn end_of(window: Window, from_us: i64, zones: &Zones, zone: u32) -> i64 {
    const DAY_US: i64 = 86_400_000_000;
    match window {
        Window::Run => i64::MAX,
        Window::Days(days) => from_us.saturating_add(DAY_US.saturating_mul(i64::from(days.max(1)))),
        Window::LocalDay => {
            let next = zones.next_midnight(zone, WallTime::from_unix_us(from_us));
            next.map_or(from_us.saturating_add(DAY_US), |next| next.as_unix_us().max(from_us + 1))
        }
    }
}

/// A moment of the steady line on the monotonic clock; one before the clock's start is the start.
fn instant_of(us: i64, steady: WallAnchor) -> Instant {
    let ahead_us = us.saturating_sub(steady.wall.as_unix_us());
    if ahead_us >= 0 {
        steady.instant + Duration::from_ns((ahead_us as u64).saturating_mul(1_000))
    } else {
        steady.instant.before(Duration::from_ns(ahead_us.unsigned_abs().saturating_mul(1_000)))
    }
}

#[cfg(test)]
mod tests;
