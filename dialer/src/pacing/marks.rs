//! Groups of calls that persons answer more or less often than the others.
//!
//! ```text
//!  call ──> attempt · number range · trunk · segment · 18x · dial delay ──> product of the groups' factors ──> its level
//!  ring over ──> answers expected of its groups, and seen ──> factor of a group that differs beyond chance
//! ```
//!
//! A group is a kind of call, never a number of its own: what one callee did says nothing here. A factor is 1 until its group
//! stands so far off the others that chance would hardly do it, so a list that is all alike is paced as if there were no
//! groups. Answers are expected with the factors of a call's other groups, so that two that go together are not counted
//! twice.

use std::collections::BTreeMap;

use base::TrunkId;

use crate::lead::Number;

/// What a call can be grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// First, second, … attempt at its lead.
    Attempt,
    /// Country, and area where the plan has areas in front.
    Range,
    /// Carrier.
    Trunk,
    /// What the list's file called it: a line type, a quality.
    Segment,
    /// Whether the first 18x promised early media.
    Progress,
    /// From the INVITE to the first 18x, in doublings of a second.
    DialDelay,
}

const KINDS: usize = 6;
/// Attempts from here on are one group.
const ATTEMPTS_MAX: u32 = 5;
/// Doublings of half a second: up to 16 s.
const DELAYS_MAX: u32 = 5;
/// Groups of one kind: the North American plan has some 400 areas in use. Beyond, calls are as all calls.
const GROUPS_MAX: usize = 512;
/// Answers, expected and seen, under which a group gives its place up where all are taken: one call of it has faded to so
/// little after two to four half-lives.
const FADED: f64 = 0.1;
/// Half-life of the counts in seconds of traffic, as of the hazards.
const HALF_LIFE_S: f64 = 7_200.0;
/// Deviations from the others before a group's factor counts: one group in 15,000 is so far off by chance.
const SURE: f64 = 4.0;
/// Answers that a group must have been expected to bring before.
const EXPECTED_MIN: f64 = 5.0;
/// A factor is pulled toward 1 with the weight of so many answers.
const PULL: f64 = 10.0;
/// All factors of a call together.
const FACTOR: std::ops::RangeInclusive<f64> = 0.2..=5.0;

/// The groups of one call; what is not known yet has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks([u32; KINDS]);

impl Marks {
    /// What is known before the INVITE. `segment` is a number that stands for its name.
    pub fn new(attempt_number: u32, number: Number, trunk: TrunkId, segment: Option<u32>) -> Marks {
        let mut marks = Marks::default();
        marks.set(Mark::Attempt, attempt_number.min(ATTEMPTS_MAX));
        marks.set(Mark::Range, number.range());
        // Trunks count from 1 in the order of the configuration.
        marks.set(Mark::Trunk, trunk.0 as u32);
        if let Some(segment) = segment {
            marks.set(Mark::Segment, segment);
        }
        marks
    }

    /// The first 18x has come, so many seconds after the INVITE.
    pub fn progressed(&mut self, early_media: bool, after_s: f64) {
        let doublings = (after_s.max(0.0) * 2.0).log2().ceil().clamp(0.0, f64::from(DELAYS_MAX));
        self.set(Mark::Progress, u32::from(early_media));
        self.set(Mark::DialDelay, doublings as u32);
    }

    /// 0 stands for not known.
    fn set(&mut self, mark: Mark, group: u32) {
        self.0[mark as usize] = group.wrapping_add(1).max(1);
    }

    fn known(&self) -> impl Iterator<Item = (usize, u32)> {
        self.0.iter().copied().enumerate().filter(|(_, group)| *group != 0)
    }
}

#[derive(Clone, Copy, Debug)]
struct Group {
    expected: f64,
    seen: f64,
    factor: f64,
}

/// See the module's page.
#[derive(Default)]
pub(super) struct Groups {
    kinds: [BTreeMap<u32, Group>; KINDS],
    /// Some factor is not 1.
    differ: bool,
}

impl Groups {
    /// Whether any group differs from the others.
    pub(super) fn differ(&self) -> bool {
        self.differ
    }

    /// What the level of answers is multiplied by for this call.
    pub(super) fn factor(&self, marks: &Marks) -> f64 {
        if !self.differ {
            return 1.0;
        }
        marks.known().map(|(kind, group)| self.of(kind, group)).product::<f64>().clamp(*FACTOR.start(), *FACTOR.end())
    }

    /// The mean factor of the calls that would be launched next.
    pub(super) fn ahead(&self, next: &[Marks]) -> f64 {
        if !self.differ || next.is_empty() {
            return 1.0;
        }
        next.iter().map(|marks| self.factor(marks)).sum::<f64>() / next.len() as f64
    }

    fn of(&self, kind: usize, group: u32) -> f64 {
        self.kinds[kind].get(&group).map_or(1.0, |group| group.factor)
    }

    /// A call no longer rings: so many answers were expected of it by what all calls do, and a person answered or not.
    pub(super) fn ring_over(&mut self, marks: &Marks, expected: f64, person: bool) {
        let whole = self.factor(marks);
        for (kind, group) in marks.known() {
            let others = whole / self.of(kind, group);
            let groups = &mut self.kinds[kind];
            if groups.len() >= GROUPS_MAX && !groups.contains_key(&group) {
                continue;
            }
            let group = groups.entry(group).or_insert(Group { expected: 0.0, seen: 0.0, factor: 1.0 });
            group.expected += expected * others;
            group.seen += f64::from(u8::from(person));
        }
    }

    pub(super) fn decay(&mut self, seconds: f64) {
        let keep = (-seconds * std::f64::consts::LN_2 / HALF_LIFE_S).exp();
        for group in self.kinds.iter_mut().flat_map(BTreeMap::values_mut) {
            group.expected *= keep;
            group.seen *= keep;
        }
    }

    /// Works the factors out anew. Each group is held against all of its kind, so that a level that is off shifts none.
    pub(super) fn refresh(&mut self) {
        self.differ = false;
        for groups in &mut self.kinds {
            if groups.len() >= GROUPS_MAX {
                groups.retain(|_, group| group.expected + group.seen >= FADED);
            }
            let expected: f64 = groups.values().map(|group| group.expected).sum();
            let seen: f64 = groups.values().map(|group| group.seen).sum();
            for group in groups.values_mut() {
                let part = group.expected / expected.max(f64::MIN_POSITIVE);
                let usual = part * seen;
                let spread = (usual * (1.0 - part)).sqrt();
                let sure = usual >= EXPECTED_MIN && (group.seen - usual).abs() > SURE * spread && part < 1.0;
                group.factor = if sure { (group.seen + PULL) / (usual + PULL) } else { 1.0 };
                self.differ |= sure;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(attempt: u32, number: &str) -> Marks {
        Marks::new(attempt, Number::parse(number).unwrap(), TrunkId(1), None)
    }

    /// Calls of two groups of which so many in a hundred are answered, with 30 expected.
    fn heard(first: u32, second: u32, calls: u32) -> Groups {
        let mut groups = Groups::default();
        for n in 0..calls {
            // Spread evenly: 37 has no divisor in common with 100.
            let place = n * 37 % 100;
            groups.ring_over(&marks(1, "12125550100"), 0.3, place < first);
            groups.ring_over(&marks(2, "12125550100"), 0.3, place < second);
        }
        groups.refresh();
        groups
    }

    #[test]
    fn calls_that_are_alike_have_no_factor_whatever_the_level() {
        for share in [10, 30, 60] {
            let groups = heard(share, share, 1_000);
            assert!(!groups.differ(), "{share}");
            assert_eq!(groups.factor(&marks(2, "12125550100")), 1.0);
        }
        // One answer more or less is nothing.
        assert!(!heard(30, 33, 300).differ());
    }

    #[test]
    fn a_group_that_differs_is_known_after_some_calls() {
        let groups = heard(40, 20, 1_000);
        let (first, second) = (groups.factor(&marks(1, "12125550100")), groups.factor(&marks(2, "12125550100")));
        assert!((first - 4.0 / 3.0).abs() < 0.03 && (second - 2.0 / 3.0).abs() < 0.03, "{first} {second}");
        assert_eq!(groups.factor(&marks(3, "12125550100")), 1.0, "nobody knows third attempts");
        let ahead = groups.ahead(&[marks(1, "12125550100"), marks(2, "12125550100")]);
        assert!((ahead - (first + second) / 2.0).abs() < 1e-12);
        assert_eq!(groups.ahead(&[]), 1.0);
        let mut later = groups;
        later.decay(1e6);
        later.refresh();
        assert!(!later.differ(), "long ago");
    }

    #[test]
    fn groups_that_go_together_are_not_counted_twice() {
        // Second attempts all go to one range: both kinds say the same.
        let mut groups = Groups::default();
        for round in 0..60 {
            for n in 0..100_u32 {
                let place = (n * 37 + round) % 100;
                groups.ring_over(&marks(1, "12125550100"), 0.3, place < 40);
                groups.ring_over(&marks(2, "442079460000"), 0.3, place < 20);
            }
            groups.refresh();
        }
        let factor = groups.factor(&marks(2, "442079460000"));
        assert!((factor - 2.0 / 3.0).abs() < 0.12, "{factor}");
    }

    #[test]
    fn marks_are_groups_and_bounded() {
        let mut first = marks(9, "12125550100");
        assert_eq!(first, marks(5, "12125559999"), "late attempts and numbers of one area are alike");
        assert_ne!(first, marks(5, "13105550100"));
        first.progressed(true, 1.7);
        let mut second = marks(5, "12125550100");
        second.progressed(true, 1.1);
        assert_eq!(first, second, "from one to two seconds");
        second.progressed(false, 1.1);
        assert_ne!(first, second);
        second.progressed(true, f64::INFINITY);
        let mut groups = Groups::default();
        for segment in 0..2_000 {
            let marks = Marks::new(1, Number::parse("12125550100").unwrap(), TrunkId(1), Some(segment));
            groups.ring_over(&marks, 0.3, true);
        }
        assert_eq!(groups.kinds[Mark::Segment as usize].len(), GROUPS_MAX);
        // The lists of next week have other segments.
        groups.decay(20.0 * HALF_LIFE_S);
        groups.refresh();
        let new = Marks::new(1, Number::parse("12125550100").unwrap(), TrunkId(1), Some(5_000));
        groups.ring_over(&new, 0.3, true);
        assert_eq!(groups.kinds[Mark::Segment as usize].len(), 1);
    }
}
