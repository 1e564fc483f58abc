//! What calls that ring are about to do, tabled by ring age: for all calls together, and apart for those whose early
//! media said something ([`EarlyClass`]).
//!
//! ```text
//!  ends of ringing ──> hazards of all calls ───────────────> table: new calls, calls not heard of
//!                 └──> hazards of a class, pulled to all ──> table of that class
//! ```
//!
//! What a class means is learnt from how its calls end, never assumed: with nothing counted its table is that of all
//! calls. Calls that were heard and said nothing are a class of their own as soon as another one says something, so that
//! silence tells too. There is no table for a number or a lead: classes of sounds only.

use super::hazard::{RING_BINS, Rates, RingHazards};
use super::{CallView, MOMENTS_S as TAUS_S, RingEnd};
use crate::io::EarlyClass;

/// [`MOMENTS_S`](super::MOMENTS_S) stand for the bins between these.
const EDGES_S: [f64; TAUS + 1] = [0.0, 3.0, 5.5, 8.5, 11.5, 15.0, 19.5, 25.0, 40.0];
pub(super) const TAUS: usize = TAUS_S.len();
/// Longest look ahead in seconds.
const AHEAD_S: usize = 42;

/// A row of chances, one for each τ.
pub(super) type Row = super::Outlook;

/// Hazards by age and what follows from them.
pub(super) struct RingTable {
    rates: [Rates; RING_BINS],
    /// At level 1: chance that a call ringing since so many seconds is offered to agents by each τ.
    offered: [Row; RING_BINS],
    /// At level 1: chance that it is ever answered by a person.
    ever: [f64; RING_BINS],
    /// Density of the moment at which a new call is offered, given that it is.
    pub(super) density: Row,
}

impl RingTable {
    fn new() -> RingTable {
        RingTable {
            rates: [Rates::default(); RING_BINS],
            offered: [[0.0; TAUS]; RING_BINS],
            ever: [0.0; RING_BINS],
            density: [0.0; TAUS],
        }
    }

    /// Persons' hazard at this age near this level, in answers a second and for each unit of level.
    pub(super) fn person(&self, age_s: f64, level: f64) -> f64 {
        let bin = ring_bin(age_s);
        self.rates[bin].person * odds(self.ever[bin], level) / level
    }

    /// Answers of persons to be expected of a call while it rings until this age.
    pub(super) fn expected(&self, age_s: f64, level: f64) -> f64 {
        let last = ring_bin(age_s);
        let whole: f64 = (0..last).map(|bin| self.person(bin as f64, level)).sum();
        level * (whole + self.person(last as f64, level) * (age_s - last as f64).clamp(0.0, 1.0))
    }

    /// Chance that a call of this age is offered to agents by each τ.
    pub(super) fn offered(&self, age_s: f64, level: f64) -> Row {
        let bin = ring_bin(age_s);
        let factor = odds(self.ever[bin], level);
        self.offered[bin].map(|chance| chance * factor)
    }

    /// Chance that a call of this age is ever answered by a person.
    pub(super) fn ever(&self, age_s: f64, level: f64) -> f64 {
        let ever = self.ever[ring_bin(age_s)];
        ever * odds(ever, level)
    }

    /// The level at which a new call is answered by a person with this chance.
    pub(super) fn level_of(&self, share: f64) -> f64 {
        let ever = self.ever[0];
        share * (1.0 - ever) / (ever * (1.0 - share)).max(f64::MIN_POSITIVE)
    }

    /// Chance that an answer at this age is a person's.
    pub(super) fn person_share(&self, answered_at_s: f64, level: f64) -> f64 {
        let rate = self.rates[ring_bin(answered_at_s)];
        let person = rate.person * level;
        if person + rate.machine > 0.0 { person / (person + rate.machine) } else { 0.5 }
    }

    fn table(&mut self, verdict_delay_s: f64) {
        // Of calls that ring at the start of a second: who is answered by a person in it, who goes on ringing.
        let (mut answers, mut goes_on) = ([0.0; RING_BINS], [0.0; RING_BINS]);
        for (bin, rate) in self.rates.iter().enumerate() {
            let total = rate.person + rate.machine + rate.other;
            goes_on[bin] = (-total).exp();
            answers[bin] = if total > 0.0 { (1.0 - goes_on[bin]) * rate.person / total } else { 0.0 };
        }
        for age in 0..RING_BINS {
            // Answered by t seconds from now, for t = 0, 1, 2, …
            let mut by = [0.0; AHEAD_S + 1];
            let (mut ringing, mut answered) = (1.0, 0.0);
            for (ahead, cell) in by[1..].iter_mut().enumerate() {
                let bin = (age + ahead).min(RING_BINS - 1);
                answered += ringing * answers[bin];
                ringing *= goes_on[bin];
                *cell = answered;
            }
            let at = |seconds: f64| {
                let seconds = seconds.clamp(0.0, AHEAD_S as f64 - 1e-6);
                let index = seconds as usize;
                by[index] + (by[index + 1] - by[index]) * (seconds - index as f64)
            };
            for (tau, cell) in TAUS_S.iter().zip(&mut self.offered[age]) {
                *cell = at(tau - verdict_delay_s);
            }
            self.ever[age] = by[AHEAD_S];
            if age == 0 {
                let total = by[AHEAD_S].max(1e-9);
                for (bin, cell) in self.density.iter_mut().enumerate() {
                    let (from, to) = (EDGES_S[bin] - verdict_delay_s, EDGES_S[bin + 1] - verdict_delay_s);
                    *cell = (at(to) - at(from)).max(0.0) / total;
                }
            }
        }
    }
}

/// All that is known of ringing.
pub(super) struct Rings {
    all: RingHazards,
    table: RingTable,
    /// By class, in the order of [`EarlyClass::ALL`]; empty until a call has said something.
    heard: Vec<(RingHazards, RingTable)>,
}

impl Rings {
    pub(super) fn new() -> Rings {
        Rings { all: RingHazards::new(), table: RingTable::new(), heard: Vec::new() }
    }

    /// A call no longer rings.
    pub(super) fn ended(&mut self, age_s: f64, how: RingEnd) {
        self.all.spell(0.0, age_s, Some(how));
    }

    /// A call rang under a class; `None`: it went on under another one.
    pub(super) fn heard(&mut self, class: EarlyClass, from_s: f64, to_s: f64, how: Option<RingEnd>) {
        if self.heard.is_empty() && class != EarlyClass::Unheard {
            let empty = |_| (RingHazards::empty(), RingTable::new());
            self.heard = EarlyClass::ALL.map(empty).into();
        }
        if let Some((hazards, _)) = self.heard.get_mut(class as usize) {
            hazards.spell(from_s, to_s, how);
        }
    }

    pub(super) fn decay(&mut self, seconds: f64) {
        self.all.decay(seconds);
        self.heard.iter_mut().for_each(|(hazards, _)| hazards.decay(seconds));
    }

    /// Calls counted, fading.
    pub(super) fn count(&self) -> f64 {
        self.all.count
    }

    /// Answers of persons counted, fading.
    pub(super) fn persons(&self) -> f64 {
        self.all.persons()
    }

    /// Works the hazards out anew; `calls` add the exposure of those that still ring.
    pub(super) fn refresh(&mut self, calls: &[CallView]) {
        let ringing = calls.iter().filter(|call| call.answered_at_s.is_none());
        self.table.rates = self.all.rates(ringing.map(|call| call.age_s));
        for (hazards, table) in &mut self.heard {
            table.rates = hazards.rates_near(&self.table.rates);
        }
    }

    /// Works the tables out anew.
    pub(super) fn table(&mut self, verdict_delay_s: f64) {
        self.table.table(verdict_delay_s);
        self.heard.iter_mut().for_each(|(_, table)| table.table(verdict_delay_s));
    }

    /// The table of a new call, and of all calls together.
    pub(super) fn fresh(&self) -> &RingTable {
        &self.table
    }

    /// The table that speaks of this call.
    pub(super) fn of(&self, call: &CallView) -> &RingTable {
        let heard = call.early.and_then(|class| self.heard.get(class as usize));
        heard.map_or(&self.table, |(_, table)| table)
    }
}

/// What a chance of `ever` at level 1 is multiplied by at another one. The level is one of persons among the calls, so
/// it multiplies the odds that a call will be a person's and leaves alone when persons answer: of a call that is as good
/// as sure to be one it changes nothing.
fn odds(ever: f64, level: f64) -> f64 {
    level / (1.0 + ever * (level - 1.0))
}

fn ring_bin(age_s: f64) -> usize {
    (age_s.max(0.0) as usize).min(RING_BINS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(early: Option<EarlyClass>) -> CallView {
        CallView {
            age_s: 4.0,
            answered_at_s: None,
            certain: false,
            forecast_no_agent: 0.0,
            foretold: None,
            marks: super::super::Marks::default(),
            early,
        }
    }

    #[test]
    fn a_class_is_what_its_calls_did_and_without_any_what_all_do() {
        let mut rings = Rings::new();
        // Three in ten are persons at 8 s; the others ring out. Half of the calls say what they are.
        for n in 0..2_000_u32 {
            let person = n % 10 < 3;
            let (age_s, how) = if person { (8.5, RingEnd::Person) } else { (27.0, RingEnd::Other) };
            rings.ended(age_s, how);
            let class = match (n / 10 % 2 == 0, person) {
                (false, _) => EarlyClass::Unheard,
                (true, true) => EarlyClass::Ringback,
                (true, false) => EarlyClass::Announcement,
            };
            rings.heard(class, 2.0, age_s, Some(how));
        }
        rings.refresh(&[]);
        rings.table(1.4);
        let ever = |early| rings.of(&call(early)).ever(4.0, 1.0);
        assert!((ever(None) - 0.3).abs() < 0.04, "{}", ever(None));
        assert!((ever(Some(EarlyClass::Unheard)) - 0.3).abs() < 0.05, "{}", ever(Some(EarlyClass::Unheard)));
        assert!(ever(Some(EarlyClass::Ringback)) > 0.85, "{}", ever(Some(EarlyClass::Ringback)));
        assert!(ever(Some(EarlyClass::Announcement)) < 0.03, "{}", ever(Some(EarlyClass::Announcement)));
        // Nobody has heard a voicemail before its beep: such a call is one of all.
        assert!((ever(Some(EarlyClass::Voicemail)) - ever(None)).abs() < 0.03);
    }

    #[test]
    fn classes_cost_nothing_before_one_is_heard() {
        let mut rings = Rings::new();
        rings.heard(EarlyClass::Unheard, 2.0, 9.0, Some(RingEnd::Person));
        assert!(rings.heard.is_empty());
        assert!(std::ptr::eq(rings.of(&call(Some(EarlyClass::Unheard))), rings.fresh()));
    }
}
