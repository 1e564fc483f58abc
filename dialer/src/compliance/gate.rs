//! The gate's memory (do-not-call set, attempts per number, abandoned numbers) and its decision.

use std::collections::{BTreeMap, BTreeSet};

use base::WallTime;
use jiff::civil::{Date, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Span, Timestamp};

use super::zone::SPAN;
use super::{ConsentDecision, Profile};
use crate::lead::{Lead, Number, Screened};
use crate::policies::Mark;

/// The rule that holds back a number whose owner has asked to be left alone.
pub(crate) const DO_NOT_CALL: &str = "do-not-call";

/// Openings of the two ends of a span that are looked at for a moment at which both are open: two a day (before and after
/// midday) at each end for 14 days.
const OPENINGS_MAX: usize = 56;

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;
const HISTORY_US: i64 = HISTORY_DAYS as i64 * DAY_US;
/// Attempts are remembered for so long; no profile's period is longer. 100,000 attempts a day × 31 × 50 bytes = 155 MB.
pub(crate) const HISTORY_DAYS: u32 = 31;

/// Time zones by name, looked up once each, from the database that is compiled in.
pub(crate) struct Zones {
    database: TimeZoneDatabase,
    names: BTreeMap<String, u32>,
    zones: Vec<Zone>,
}

/// One zone of the database, or a span.
enum Zone {
    One(TimeZone),
    /// The indices of its ends.
    Between([u32; 2]),
}

impl Zones {
    pub(crate) fn new() -> Zones {
        Zones { database: TimeZoneDatabase::bundled(), names: BTreeMap::new(), zones: Vec::new() }
    }

    /// The index of a zone; `None` when the database does not know it. At most as many entries as the database has.
    pub(crate) fn index(&mut self, name: &str) -> Option<u32> {
        if let Some(index) = self.names.get(name) {
            return Some(*index);
        }
        let zone = self.database.get(name).ok()?;
        Some(self.push(name, Zone::One(zone)))
    }

    /// The index of the place of a lead: a zone, or a span of them (`America/New_York..America/Chicago`); `None` when the
    /// database does not know it.
    pub(crate) fn callee(&mut self, name: &str) -> Option<u32> {
        let Some((east, west)) = name.split_once(SPAN) else { return self.index(name) };
        if let Some(index) = self.names.get(name) {
            return Some(*index);
        }
        let ends = [self.index(east)?, self.index(west)?];
        Some(self.push(name, Zone::Between(ends)))
    }

    fn push(&mut self, name: &str, zone: Zone) -> u32 {
        let index = self.zones.len() as u32;
        self.zones.push(zone);
        self.names.insert(name.to_string(), index);
        index
    }

    fn zone(&self, zone: u32) -> Option<&TimeZone> {
        match self.zones.get(zone as usize)? {
            Zone::One(zone) => Some(zone),
            Zone::Between(_) => None,
        }
    }

    fn local(&self, zone: u32, wall: WallTime) -> Option<jiff::Zoned> {
        let stamp = Timestamp::from_microsecond(wall.as_unix_us()).ok()?;
        Some(stamp.to_zoned(self.zone(zone)?.clone()))
    }

    fn moment(&self, zone: u32, date: Date, minute: u16) -> Option<WallTime> {
        let zone = self.zone(zone)?;
        // 24:00 is the next day's midnight; a time in the hour that DST skips counts as its end (later, so stricter
        // at an opening).
        let (date, minute) = if minute >= 24 * 60 { (date.tomorrow().ok()?, 0) } else { (date, minute) };
        let time = Time::new((minute / 60) as i8, (minute % 60) as i8, 0, 0).ok()?;
        let stamp = zone.to_ambiguous_timestamp(date.to_datetime(time)).compatible().ok()?;
        Some(WallTime::from_unix_us(stamp.as_microsecond()))
    }

    /// The next local midnight after `wall`.
    pub(crate) fn next_midnight(&self, zone: u32, wall: WallTime) -> Option<WallTime> {
        self.moment(zone, self.local(zone, wall)?.date().tomorrow().ok()?, 0)
    }

    /// The next first of a month, at local midnight, after `wall`.
    pub(crate) fn next_month(&self, zone: u32, wall: WallTime) -> Option<WallTime> {
        let next = self.local(zone, wall)?.date().first_of_month().checked_add(Span::new().months(1)).ok()?;
        self.moment(zone, next, 0)
    }

    /// Whether calls are allowed from `wall` until `margin_us` later, in a span at both its ends; if not, the next opening
    /// (looked for over 14 days; `None` when there is none).
    pub(crate) fn hours(&self, zone: u32, profile: &Profile, wall: WallTime, margin_us: i64) -> HoursAnswer {
        let Some(Zone::Between(ends)) = self.zones.get(zone as usize) else {
            return self.hours_of_one(zone, profile, wall, margin_us);
        };
        let mut at = wall;
        // From an opening of one end to the next of either: each day of a profile has a few of them.
        for _ in 0..OPENINGS_MAX {
            let mut later = None;
            for end in ends {
                match self.hours_of_one(*end, profile, at, margin_us) {
                    HoursAnswer::Open => {}
                    HoursAnswer::Closed(None) => return HoursAnswer::Closed(None),
                    HoursAnswer::Closed(opens) => later = later.max(opens),
                }
            }
            match later {
                None if at == wall => return HoursAnswer::Open,
                None => return HoursAnswer::Closed(Some(at)),
                Some(opens) => at = opens,
            }
        }
        HoursAnswer::Closed(None)
    }

    fn hours_of_one(&self, zone: u32, profile: &Profile, wall: WallTime, margin_us: i64) -> HoursAnswer {
        let Some(local) = self.local(zone, wall) else { return HoursAnswer::Closed(None) };
        for ahead in 0..14 {
            let Ok(date) = local.date().checked_add(Span::new().days(ahead)) else { break };
            if profile.is_holiday(date) {
                continue;
            }
            for (from, to) in &profile.hours[date.weekday().to_monday_zero_offset() as usize] {
                let (Some(opens), Some(closes)) = (self.moment(zone, date, *from), self.moment(zone, date, *to)) else {
                    continue;
                };
                if wall < opens {
                    return HoursAnswer::Closed(Some(opens));
                }
                if wall.as_unix_us() + margin_us < closes.as_unix_us() {
                    return HoursAnswer::Open;
                }
            }
        }
        HoursAnswer::Closed(None)
    }
}

/// Calling hours by the names of zones, for whoever supplies leads: those of a closed zone need not be looked at.
pub struct ZoneHours(Zones);

impl Default for ZoneHours {
    fn default() -> Self {
        ZoneHours(Zones::new())
    }
}

impl ZoneHours {
    /// Whether calls are allowed in a zone at this moment; true for a zone that nobody knows, because the gate says more.
    pub fn are_open(&mut self, profile: &Profile, zone: &str, wall: WallTime) -> bool {
        self.0.callee(zone).is_none_or(|zone| self.0.hours(zone, profile, wall, 0) == HoursAnswer::Open)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HoursAnswer {
    Open,
    Closed(Option<WallTime>),
}

/// What the gate says about a lead now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum GateAnswer {
    /// Dial, for this reason.
    Allowed(ConsentDecision),
    /// Not before this moment of the steady line.
    Later { rule: &'static str, at_us: i64 },
    /// Not at all.
    Never { rule: &'static str },
}

/// What a store knows about a number.
#[derive(Clone, Copy, Default)]
pub(crate) struct Known<'a> {
    /// Moments of attempts.
    pub(crate) attempts: &'a [WallTime],
    /// When the person was last abandoned.
    pub(crate) abandoned: Option<WallTime>,
    /// When detection last heard no person.
    pub(crate) machine: Option<WallTime>,
}

/// One question to the gate.
pub(crate) struct Query<'a> {
    pub(crate) lead: &'a Lead,
    pub(crate) zone: u32,
    pub(crate) profile: &'a Profile,
    /// Steady line, microseconds.
    pub(crate) steady_us: i64,
    /// Wall clock as it is set.
    pub(crate) wall: WallTime,
    /// Ring timeout and a little: a call must be able to be answered before the hours end.
    pub(crate) margin_us: i64,
    /// An agent is reserved for this very call, so nobody can be abandoned.
    pub(crate) guaranteed: bool,
    /// A person hears a recording, no agent.
    pub(crate) recorded: bool,
}

/// When something last happened to a number, for [`HISTORY_DAYS`].
#[derive(Default)]
struct Latest {
    at: BTreeMap<Number, i64>,
    in_order: BTreeSet<(i64, Number)>,
}

impl Latest {
    fn happened(&mut self, number: Number, at_us: i64) {
        let latest = self.at.entry(number).or_insert(at_us);
        *latest = (*latest).max(at_us);
        self.in_order.insert((at_us, number));
    }

    fn forget(&mut self, over_us: i64) {
        while let Some(&(at, number)) = self.in_order.first().filter(|(at, _)| *at <= over_us) {
            self.in_order.pop_first();
            if self.at.get(&number) == Some(&at) {
                self.at.remove(&number);
            }
        }
    }

    /// The end of so many hours after it, while that is to come.
    fn until(&self, number: Number, hours: u32, steady_us: i64) -> Option<i64> {
        let until = self.at.get(&number)? + i64::from(hours) * HOUR_US;
        (steady_us < until).then_some(until)
    }
}

#[derive(Default)]
pub(crate) struct Gate {
    do_not_call: BTreeSet<Number>,
    /// Numbers that calls since the start have shown to be of no use: leads that come later bring it with them.
    marks: BTreeMap<Number, Mark>,
    /// (number, steady moment) of each attempt, and the same in order of time for forgetting.
    attempts: BTreeSet<(Number, i64)>,
    attempts_in_order: BTreeSet<(i64, Number)>,
    /// Persons who were abandoned.
    abandoned: Latest,
    /// Numbers at which detection heard no person.
    machines: Latest,
}

/// Numbers not to be called: a national list of one large country's area codes; 20 M × 12 bytes = 240 MB.
const DO_NOT_CALL_MAX: usize = 20_000_000;

/// Marked numbers that are held until leads bring their marks: 32 bytes each, 32 MB. One number in a hundred calls is dead
/// on a bad list, so that is a hundred million calls without a restart; a campaign's own lead is settled by its outcome.
const MARKS_MAX: usize = 1_000_000;

impl Gate {
    /// A call has shown that nobody is to be reached at this number.
    pub(crate) fn mark(&mut self, number: Number, why: Mark) {
        if self.marks.len() < MARKS_MAX {
            self.marks.insert(number, why);
        }
    }

    /// The number may be called again.
    pub(crate) fn lift_mark(&mut self, number: Number) {
        self.marks.remove(&number);
    }

    /// False when the set is full: then the number is not in it and the caller must be told.
    pub(crate) fn do_not_call(&mut self, number: Number) -> bool {
        if self.do_not_call.len() >= DO_NOT_CALL_MAX {
            return self.do_not_call.contains(&number);
        }
        self.do_not_call.insert(number);
        true
    }

    /// Whether a number is on the do-not-call set.
    pub(crate) fn is_do_not_call(&self, number: Number) -> bool {
        self.do_not_call.contains(&number)
    }

    /// The number may be called again.
    pub(crate) fn lift_do_not_call(&mut self, number: Number) {
        self.do_not_call.remove(&number);
    }

    /// Remembers an attempt. Two at one number in the same microsecond are two: the second stands a microsecond later.
    pub(crate) fn attempted(&mut self, number: Number, steady_us: i64) {
        let mut at_us = steady_us;
        while !self.attempts.insert((number, at_us)) {
            at_us += 1;
        }
        self.attempts_in_order.insert((at_us, number));
        self.forget(steady_us);
    }

    /// Remembers an abandoned person as long as attempts; profiles ask for less.
    pub(crate) fn abandoned(&mut self, number: Number, steady_us: i64) {
        self.abandoned.happened(number, steady_us);
        self.forget(steady_us);
    }

    /// Remembers that detection heard no person at this number.
    pub(crate) fn machine(&mut self, number: Number, steady_us: i64) {
        self.machines.happened(number, steady_us);
        self.forget(steady_us);
    }

    /// What a store knows about a number.
    pub(crate) fn history(&mut self, number: Number, known: &Known<'_>, now_us: i64) {
        let recent = |at: &i64| *at > now_us - HISTORY_US;
        for at in known.attempts.iter().map(|at| at.as_unix_us()).filter(recent) {
            self.attempts.insert((number, at));
            self.attempts_in_order.insert((at, number));
        }
        for (memory, at) in [(&mut self.abandoned, known.abandoned), (&mut self.machines, known.machine)] {
            if let Some(at) = at.map(WallTime::as_unix_us).filter(recent) {
                memory.happened(number, at);
            }
        }
    }

    /// When detection last heard no person at this number.
    #[cfg(test)]
    pub(crate) fn machine_at(&self, number: Number) -> Option<i64> {
        self.machines.at.get(&number).copied()
    }

    fn forget(&mut self, now_us: i64) {
        let over_us = now_us - HISTORY_US;
        while let Some(&(at, number)) = self.attempts_in_order.first().filter(|(at, _)| *at <= over_us) {
            self.attempts_in_order.pop_first();
            self.attempts.remove(&(number, at));
        }
        self.abandoned.forget(over_us);
        self.machines.forget(over_us);
    }

    /// The decision; rules in order of finality.
    pub(crate) fn check(&self, zones: &Zones, query: &Query<'_>) -> GateAnswer {
        let Query { lead, profile, steady_us, .. } = *query;
        // A person asks to be left alone, and a person was abandoned, whichever number that was at.
        if lead.numbers().any(|number| self.do_not_call.contains(&number)) {
            return GateAnswer::Never { rule: DO_NOT_CALL };
        }
        match lead.screened {
            Some(Screened::DoNotCall) => return GateAnswer::Never { rule: "do-not-call-list" },
            Some(Screened::Reassigned) => return GateAnswer::Never { rule: "number-reassigned" },
            Some(Screened::Marked(mark)) => return GateAnswer::Never { rule: mark.rule() },
            None => {}
        }
        if let Some(mark) = self.marks.get(&lead.number) {
            return GateAnswer::Never { rule: mark.rule() };
        }
        let needs_consent = profile.consent_required || (query.recorded && profile.agentless_consent);
        if needs_consent && lead.consent.is_none() {
            return GateAnswer::Never { rule: "no-consent" };
        }
        let abandoned = |number| self.abandoned.until(number, profile.recall_after_abandon_h, steady_us);
        let machine = self.machines.until(lead.number, profile.recall_after_machine_h, steady_us);
        for (until, rule) in
            [(lead.numbers().filter_map(abandoned).max(), "recall-after-abandon"), (machine, "recall-after-machine")]
        {
            let spared = query.guaranteed && profile.recall_with_agent;
            if let Some(at_us) = until.filter(|_| !spared) {
                return GateAnswer::Later { rule, at_us };
            }
        }
        for cap in &profile.attempts {
            let span_us = i64::from(cap.hours) * HOUR_US;
            if let Some(at_us) = self.cap_opens(lead.number, steady_us, cap.max, span_us) {
                let rule = if cap.hours <= 24 { "attempts-in-a-day" } else { "attempts-in-period" };
                return GateAnswer::Later { rule, at_us };
            }
        }
        match zones.hours(query.zone, profile, query.wall, query.margin_us) {
            HoursAnswer::Open => {}
            HoursAnswer::Closed(None) => return GateAnswer::Never { rule: "no-calling-hours" },
            HoursAnswer::Closed(Some(opens)) => {
                let at_us = steady_us + (opens.as_unix_us() - query.wall.as_unix_us());
                return GateAnswer::Later { rule: "calling-hours", at_us };
            }
        }
        let rule = match &lead.consent {
            Some(_) => "consent-on-file".to_string(),
            None => format!("not-required:{}", profile.name),
        };
        GateAnswer::Allowed(ConsentDecision { allowed: true, rule, proof_id: lead.consent.clone() })
    }

    /// When the cap of `cap` attempts in `span` allows the next one; `None`: now.
    fn cap_opens(&self, number: Number, steady_us: i64, cap: u32, span: i64) -> Option<i64> {
        let recent = self.attempts.range((number, steady_us - span + 1)..=(number, i64::MAX));
        let over = (recent.clone().count() as u64 + 1).checked_sub(u64::from(cap)).filter(|over| *over > 0)?;
        // So many of the recent attempts must have left the span; with a cap of 0 there is no such moment.
        let at = recent.map(|(_, at)| *at).nth(over as usize - 1).unwrap_or(steady_us);
        Some(at + span)
    }
}

#[cfg(test)]
mod tests;
