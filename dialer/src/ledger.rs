//! The ledger of the abandon limit: what the law counts, window by window.
//!
//! Everything here is reckoned on the steady line (microseconds; see [`crate::compliance`]), so that a step of the wall
//! clock opens no fresh window, and so that a ledger can be brought back from a store: the windows are a function of
//! the moment the campaign first began and of the counted calls, and `replay` is the one way from those to the counts.
//!
//! **Legal and strict.** Each window gives two shares. The legal one is the profile's: machines that agents recorded are
//! no persons; machines among the abandoned are taken off if the profile allows it and agents have recorded any, by an
//! upper estimate ([`after`]); persons whom detection lost are added if the profile asks for it, by the operator's measured rate.
//! The strict one takes nothing off, adds those persons wherever detection listens, and everybody who was answered
//! late by nobody: hung up while waiting, or under way when a process died. The pacer obeys the legal one.

mod after;

use std::collections::BTreeMap;

use after::{AFTERS, After, MachineShares, after_of};
use base::{AttemptId, Duration, Instant, WallAnchor, WallTime};

use crate::amd::AmdMeasured;
use crate::campaign::{CampaignConfig, ConfigError};
use crate::compliance::{Denominator, Window, Zones};
use crate::io::{CountedAs, LedgerEntry};

/// Closed windows that are remembered for reports: two years of days.
const CLOSED_MAX: usize = 731;
/// Counted calls that are remembered one by one, the latest: what an agent may still record of them, and what windows
/// that are opened later are reckoned from. 100 agents with 20 talks an hour take four days for so many; 48 bytes
/// each: 3 MB for a campaign that has connected so many.
pub const ENTRIES_MAX: usize = 65_536;

/// Deviations between the mean and the upper estimate of persons among the abandoned. Carriers change in a day what
/// shares of a whole campaign do not know, so the margin is wider than chance alone asks: with three, 3 of 12 days of
/// carriers that answer half of all calls falsely were over their limit.
const DEVIATIONS: f64 = 4.0;

/// One window's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Persons (as detection saw them) connected within the deadline.
    pub connected: u64,
    /// Classified live and not connected within it.
    pub abandoned: u64,
    /// Of the connected: machines, as agents recorded them.
    pub machines: u64,
    /// Answered, connected with nobody, and not in the law's figure: hung up while waiting, or lost with a process.
    pub lost: u64,
    /// The abandoned by how long they had rung.
    abandoned_after: [u32; AFTERS],
}

/// A share of persons. Both parts may be estimates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    /// Abandoned.
    pub abandoned: f64,
    /// Reached: connected and abandoned.
    pub answered: f64,
}

impl Share {
    /// abandoned ÷ answered; 0 when nobody was reached.
    pub fn rate(&self) -> f64 {
        if self.answered <= 0.0 { 0.0 } else { self.abandoned / self.answered }
    }
}

impl Counts {
    /// abandoned ÷ (abandoned + connected); 0 when nobody was reached.
    pub fn rate(&self) -> f64 {
        let total = self.connected + self.abandoned;
        if total == 0 { 0.0 } else { self.abandoned as f64 / total as f64 }
    }

    fn add(&mut self, what: CountedAs, after: After) {
        match what {
            CountedAs::Connected => self.connected += 1,
            CountedAs::Abandoned => {
                self.abandoned += 1;
                self.abandoned_after[after] += 1;
            }
            CountedAs::Lost => self.lost += 1,
            CountedAs::Nothing => {}
        }
    }

    fn take_off(&mut self, other: &Counts) {
        self.connected -= other.connected;
        self.abandoned -= other.abandoned;
        self.machines -= other.machines;
        self.lost -= other.lost;
        self.abandoned_after.iter_mut().zip(other.abandoned_after).for_each(|(all, part)| *all -= part);
    }

    fn plus(&mut self, other: &Counts) {
        self.connected += other.connected;
        self.abandoned += other.abandoned;
        self.machines += other.machines;
        self.lost += other.lost;
        self.abandoned_after.iter_mut().zip(other.abandoned_after).for_each(|(all, part)| *all += part);
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

/// How many more persons may be abandoned with `persons` connected and the rate not above `limit`; below zero when it is
/// above. From (abandoned + n) ÷ (persons + abandoned + n) ≤ limit; a limit of 1 allows any number.
fn budget_left(persons: f64, abandoned: f64, limit: f64) -> i64 {
    // 97 connected at 3 % allow exactly 3, which floating point would make 2.
    const ROUNDING: f64 = 1e-9;
    if limit >= 1.0 {
        return i64::MAX;
    }
    let allowed = limit.max(0.0) * persons / (1.0 - limit.max(0.0));
    (allowed - abandoned + ROUNDING).floor() as i64
}

/// What a ledger is kept by.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Terms {
    /// The abandon limit, of 1.
    pub(crate) limit: f64,
    /// All of them bind.
    pub(crate) windows: Vec<Window>,
    /// Of local days and months.
    pub(crate) zone: u32,
    pub(crate) denominator: Denominator,
    /// Detection acts: it can lose persons.
    pub(crate) amd: bool,
}

impl Terms {
    /// The limit for persons that can be counted, so that with those whom detection loses the rate stays within the
    /// law's. With l lost for each reached, (a + l n) ÷ (n + l n) ≤ limit is a ÷ n ≤ limit (1 + l) − l.
    fn limit_of_counted(&self) -> f64 {
        let lost = if self.denominator.add_amd_false_positives { self.lost_for_each() } else { 0.0 };
        (self.limit * (1.0 + lost) - lost).max(0.0)
    }

    fn lost_for_each(&self) -> f64 {
        self.denominator.lost_for_each(self.amd)
    }

    /// The window's parts that the law counts, without persons lost to detection: connected persons, abandoned by an
    /// upper estimate (mean + [`DEVIATIONS`] deviations, at most all), abandoned by the mean.
    fn counted(&self, counts: &Counts, machines: &MachineShares) -> (f64, f64, f64) {
        let persons = counts.connected.saturating_sub(counts.machines) as f64;
        let abandoned = counts.abandoned as f64;
        if !self.denominator.subtract_machines {
            return (persons, abandoned, abandoned);
        }
        let (mean, variance) = machines.persons_of(&counts.abandoned_after);
        (persons, (mean + DEVIATIONS * variance.sqrt()).min(abandoned), mean)
    }

    /// The law's share.
    pub(crate) fn legal(&self, counts: &Counts, machines: &MachineShares) -> Share {
        let (persons, upper, mean) = self.counted(counts, machines);
        let lost = if self.denominator.add_amd_false_positives { self.lost_for_each() } else { 0.0 };
        let lost = lost * (persons + mean);
        Share { abandoned: upper + lost, answered: persons + mean + lost }
    }

    /// The strict share.
    pub(crate) fn strict(&self, counts: &Counts) -> Share {
        let persons = counts.connected.saturating_sub(counts.machines) as f64;
        let abandoned = (counts.abandoned + counts.lost) as f64;
        let lost = self.lost_for_each() * (persons + abandoned);
        Share { abandoned: abandoned + lost, answered: persons + abandoned + lost }
    }

    /// How many more may be abandoned.
    pub(crate) fn budget_left(&self, counts: &Counts, machines: &MachineShares) -> i64 {
        let (persons, upper, _) = self.counted(counts, machines);
        budget_left(persons, upper, self.limit_of_counted())
    }
}

/// A window as the pacer sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LedgerView {
    /// The limit for persons that can be counted, of 1: lower than the law's where that counts persons lost to detection.
    pub limit: f64,
    /// Persons so far, connected and abandoned; machines that agents recorded are taken off.
    pub answered: f64,
    /// Abandoned so far, by an upper estimate where machines are taken off.
    pub abandoned_upper: f64,
    /// Time left in the window; `None`: it has no end of its own. A rolling window has none left at any moment.
    pub left: Option<Duration>,
}

#[derive(Clone, Debug)]
struct Open {
    window: Window,
    from_us: i64,
    /// `i64::MAX`: never.
    ends_us: i64,
    counts: Counts,
    /// Of a rolling window: its counts by the minute, so that they can leave again. At most 60 for each hour.
    minutes: BTreeMap<i64, Counts>,
}

/// Length of a rolling window's bucket.
const MINUTE_US: i64 = 60_000_000;

impl Open {
    fn new(window: Window, from_us: i64, zones: &Zones, zone: u32) -> Open {
        let ends_us = end_of(window, from_us, zones, zone);
        Open { window, from_us, ends_us, counts: Counts::default(), minutes: BTreeMap::new() }
    }

    /// Counts something that happens now.
    fn at(&mut self, at_us: i64, add: impl Fn(&mut Counts)) {
        if matches!(self.window, Window::Rolling(_)) {
            add(self.minutes.entry(at_us.div_euclid(MINUTE_US)).or_default());
        }
        add(&mut self.counts);
    }

    /// An agent's word about a call that is counted here, if it is.
    fn record(&mut self, at_us: i64, machine: bool) {
        if matches!(self.window, Window::Rolling(_)) {
            if let Some(counts) = self.minutes.get_mut(&at_us.div_euclid(MINUTE_US)) {
                counts.machine(machine);
                self.counts.machine(machine);
            }
        } else if (self.from_us..self.ends_us).contains(&at_us) {
            self.counts.machine(machine);
        }
    }

    /// Lets go of the minutes that a rolling window has left behind.
    fn forget(&mut self, now_us: i64) {
        let Window::Rolling(hours) = self.window else { return };
        let begins_us = now_us.saturating_sub(i64::from(hours) * 60 * MINUTE_US);
        // A minute stays until its last moment has left, so the window is never shorter than its hours.
        while let Some(first) = self.minutes.first_entry().filter(|first| (first.key() + 1) * MINUTE_US <= begins_us) {
            self.counts.take_off(&first.remove());
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at_us: i64,
    what: CountedAs,
    person: Option<bool>,
    after: After,
}

impl Entry {
    fn is_machine(self) -> bool {
        self.what == CountedAs::Connected && self.person == Some(false)
    }
}

/// The ledger of one campaign.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    terms: Terms,
    /// The campaign's first start; `None`: it has never begun, and no window is open.
    began_us: Option<i64>,
    open: Vec<Open>,
    closed: Vec<ClosedWindow>,
    total: Counts,
    /// Connected and machines since the first start, by how long they had rung.
    machines: MachineShares,
    /// By attempt, so by the order of decision; the first goes when there are too many.
    entries: BTreeMap<AttemptId, Entry>,
    /// What `entries` does not remember any more.
    forgotten: (Counts, MachineShares),
}

impl Ledger {
    pub(crate) fn new(terms: Terms) -> Ledger {
        Ledger {
            terms,
            began_us: None,
            open: Vec::new(),
            closed: Vec::new(),
            total: Counts::default(),
            machines: MachineShares::default(),
            entries: BTreeMap::new(),
            forgotten: Default::default(),
        }
    }

    /// Closes windows that are over and opens their successors. The first call (the campaign's start) opens them all.
    pub(crate) fn roll(&mut self, now_us: i64, zones: &Zones) {
        let zone = self.terms.zone;
        if self.began_us.is_none() {
            self.began_us = Some(now_us);
            self.open = self.terms.windows.iter().map(|window| Open::new(*window, now_us, zones, zone)).collect();
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
                counts: open.counts,
            });
            *open = Open::new(open.window, open.ends_us, zones, zone);
        }
        self.open.iter_mut().for_each(|open| open.forget(now_us));
    }

    /// Enters a person into every open window. `rang`: from the decision to dial to the answer.
    pub(crate) fn count(
        &mut self,
        now_us: i64,
        zones: &Zones,
        attempt: AttemptId,
        what: CountedAs,
        rang: Option<Duration>,
    ) {
        self.roll(now_us, zones);
        let entry = Entry { at_us: now_us, what, person: None, after: after_of(rang) };
        self.enter(entry);
        self.remember(attempt, entry);
    }

    fn enter(&mut self, entry: Entry) {
        let add = |counts: &mut Counts| {
            counts.add(entry.what, entry.after);
            if entry.is_machine() {
                counts.machine(true);
            }
        };
        self.open.iter_mut().for_each(|open| open.at(entry.at_us, add));
        add(&mut self.total);
        self.machines.add(entry);
    }

    fn remember(&mut self, attempt: AttemptId, entry: Entry) {
        self.entries.insert(attempt, entry);
        if self.entries.len() > ENTRIES_MAX
            && let Some((_, oldest)) = self.entries.pop_first()
        {
            self.forgotten.0.add(oldest.what, oldest.after);
            if oldest.is_machine() {
                self.forgotten.0.machine(true);
            }
            self.forgotten.1.add(oldest);
        }
    }

    /// What an agent recorded of a counted call, in place of what was recorded before: it changes the windows in which
    /// the call was counted, closed ones too. False when the call is not (or no more) remembered.
    pub(crate) fn record(&mut self, attempt: AttemptId, person: bool) -> bool {
        let Some(entry) = self.entries.get_mut(&attempt) else { return false };
        let was = entry.is_machine();
        entry.person = Some(person);
        let (is, at_us, after) = (entry.is_machine(), entry.at_us, entry.after);
        if was != is {
            self.machines.recorded(after, is);
            let at = WallTime::from_unix_us(at_us);
            let closed = self.closed.iter_mut().filter(|closed| (closed.from..closed.until).contains(&at));
            closed.map(|closed| &mut closed.counts).chain([&mut self.total]).for_each(|counts| counts.machine(is));
            self.open.iter_mut().for_each(|open| open.record(at_us, is));
        }
        true
    }

    /// The ledger as it was in a process that has ended.
    pub(crate) fn restore(&mut self, began: WallTime, entries: Vec<LedgerEntry>, now_us: i64, zones: &Zones) {
        *self = Ledger::new(self.terms.clone());
        let counted = entries.into_iter().filter(|entry| entry.counted_as != CountedAs::Nothing);
        let mut counted: Vec<(AttemptId, Entry)> = counted
            .map(|entry| {
                let LedgerEntry { attempt, at, counted_as: what, person, rang } = entry;
                (attempt, Entry { at_us: at.as_unix_us(), what, person, after: after_of(rang) })
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
        (self.began_us, self.total, self.machines) = (None, Counts::default(), MachineShares::default());
        self.open.clear();
        self.closed.clear();
        self.roll(began_us, zones);
        for (_, entry) in counted {
            self.roll(entry.at_us, zones);
            self.enter(*entry);
        }
        self.roll(now_us, zones);
    }

    /// New terms while the ledger runs. Windows that differ are reckoned anew from the counted calls that are
    /// remembered; older ones are known only in sum, and only `Run` takes them in.
    pub(crate) fn configure(&mut self, terms: Terms, now_us: i64, zones: &Zones) {
        let local = terms.windows.iter().any(|window| matches!(window, Window::LocalDay | Window::Month));
        let same = terms.windows == self.terms.windows && (terms.zone == self.terms.zone || !local);
        self.terms = terms;
        let Some(began_us) = self.began_us.filter(|_| !same) else { return };
        let mut counted: Vec<(AttemptId, Entry)> = self.entries.iter().map(|(id, entry)| (*id, *entry)).collect();
        counted.sort_unstable_by_key(|(attempt, entry)| (entry.at_us, *attempt));
        self.replay(began_us, &counted, now_us, zones);
        let run = self.open.iter_mut().filter(|open| open.window == Window::Run).map(|open| &mut open.counts);
        run.chain([&mut self.total]).for_each(|counts| counts.plus(&self.forgotten.0));
        self.machines.plus(&self.forgotten.1);
    }

    /// The open windows, as configured; before the first start, with nothing counted.
    pub(crate) fn windows(&self) -> impl Iterator<Item = (Window, Counts)> {
        let unopened = if self.open.is_empty() { self.terms.windows.as_slice() } else { &[] };
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

    /// What the ledger is kept by.
    pub(crate) fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The shares of machines among those handed to agents, as agents recorded them; the same for all windows.
    pub(crate) fn machine_shares(&self) -> &MachineShares {
        &self.machines
    }

    pub(crate) fn views(&self, now: Instant, steady: WallAnchor, into: &mut Vec<LedgerView>) {
        let limit = self.terms.limit_of_counted();
        into.clear();
        into.extend(self.open.iter().map(|open| {
            let (persons, abandoned_upper, mean) = self.terms.counted(&open.counts, &self.machines);
            let left = match open.window {
                Window::Rolling(_) => Some(Duration::ZERO),
                _ => (open.ends_us < i64::MAX).then(|| instant_of(open.ends_us, steady).since(now)),
            };
            LedgerView { limit, answered: persons + mean, abandoned_upper, left }
        }));
    }
}

/// One window of a ledger that was reckoned again from its calls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recount {
    /// What kind.
    pub window: Window,
    /// Its first moment; of a rolling window the first that it still counts.
    pub from: WallTime,
    /// The first moment that is no more in it; `None`: it is not over.
    pub until: Option<WallTime>,
    /// What was counted in it.
    pub counts: Counts,
    /// The law's share.
    pub legal: Share,
    /// The strict share.
    pub strict: Share,
    /// The limit, of 1.
    pub limit: f64,
}

/// A campaign's windows at `now`, reckoned from stored calls alone: those that are over, oldest first, then the open
/// ones. The shares of machines are those of all these calls.
///
/// # Errors
/// The campaign's zone is not in the zone database.
pub fn recount(
    config: &CampaignConfig,
    measured: Option<&AmdMeasured>,
    began: WallTime,
    entries: Vec<LedgerEntry>,
    now: WallTime,
) -> Result<Vec<Recount>, ConfigError> {
    let mut zones = Zones::new();
    let zone = zones.index(&config.timezone).ok_or_else(|| ConfigError::UnknownZone(config.timezone.clone()))?;
    let mut ledger = Ledger::new(config.terms(zone, measured));
    let now_us = now.as_unix_us();
    ledger.restore(began, entries, now_us, &zones);
    let (terms, machines) = (&ledger.terms, ledger.machine_shares());
    let one = |window, from_us, until, counts| Recount {
        window,
        from: WallTime::from_unix_us(from_us),
        until,
        counts,
        legal: terms.legal(&counts, machines),
        strict: terms.strict(&counts),
        limit: terms.limit,
    };
    let over = ledger.closed.iter();
    let over = over.map(|closed| one(closed.window, closed.from.as_unix_us(), Some(closed.until), closed.counts));
    let open = ledger.open.iter().map(|open| {
        let from_us = match open.window {
            Window::Rolling(hours) => open.from_us.max(now_us - i64::from(hours) * 60 * MINUTE_US),
            _ => open.from_us,
        };
        one(open.window, from_us, None, open.counts)
    });
    Ok(over.chain(open).collect())
}

/// The moment at which a window that begins at `from_us` is over.
fn end_of(window: Window, from_us: i64, zones: &Zones, zone: u32) -> i64 {
    const DAY_US: i64 = 86_400_000_000;
    match window {
        Window::Run | Window::Rolling(_) => i64::MAX,
        Window::Month => {
            let next = zones.next_month(zone, WallTime::from_unix_us(from_us));
            next.map_or(from_us.saturating_add(31 * DAY_US), |next| next.as_unix_us().max(from_us + 1))
        }
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
