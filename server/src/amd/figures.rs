//! What stored verdicts and their labels say: shares with Wilson intervals, and how many calls are missing to say more.
//!
//! A person who is hung up on is heard by nobody. So of those taken for machines a share is sent to agents
//! (`dialer::AmdMode`), who say what answered. With q, the share of persons among these, weighted by how each was drawn;
//! M, all taken for machines; H, all taken for persons, and r, the share of these that were persons:
//!
//! ```text
//!  people taken for machines, of all people:  q M ÷ (q M + r H)     upper bound: q's upper, r's lower bound
//! ```
//!
//! **Units.** Shares of 1; intervals are of 95 %. Days are those of UTC.

use crate::control::views::AmdDrift;
use std::collections::BTreeMap;
use store::AmdCount;

/// Two-sided 95 % of the normal distribution.
const Z: f64 = 1.959_964;
/// Labelled calls on either side before a share is said to be measured: with none wrong the upper bound is then 3.7 %.
pub(crate) const LABELLED_MIN: u64 = 100;
/// Calls of a day below which it says nothing of a drift.
const DAY_CALLS_MIN: u64 = 100;
/// Days that a drift is measured against, and the fewest of them.
const DRIFT_DAYS: usize = 7;
const DRIFT_DAYS_MIN: usize = 3;
/// A figure so many deviations off is told.
const DRIFT_SIGMA: f64 = 3.0;

/// A share with its interval.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Interval {
    /// The share, of 1.
    pub(crate) share: f64,
    /// Lower bound, 95 %.
    pub(crate) low: f64,
    /// Upper bound, 95 %.
    pub(crate) high: f64,
}

/// Wilson's score interval of a share; `of` may be an effective number. None of nothing.
pub(crate) fn wilson(share: f64, of: f64) -> Option<Interval> {
    if of <= 0.0 {
        return None;
    }
    let square = Z * Z / of;
    let middle = (share + square / 2.0) / (1.0 + square);
    let half = Z / (1.0 + square) * (share * (1.0 - share) / of + square / (4.0 * of)).max(0.0).sqrt();
    Some(Interval { share, low: (middle - half).max(0.0), high: (middle + half).min(1.0) })
}

/// Labels that are weighted by how their calls were drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Weighted {
    labelled: u64,
    persons: u64,
    weight: f64,
    weight2: f64,
    person_weight: f64,
}

impl Weighted {
    fn add(&mut self, calls: u64, person: bool, weight: f64) {
        let number = calls as f64;
        self.labelled += calls;
        self.weight += weight * number;
        self.weight2 += weight * weight * number;
        if person {
            self.persons += calls;
            self.person_weight += weight * number;
        }
    }

    fn share(&self) -> Option<Interval> {
        // Kish's effective number: what unequal weights leave of the sample.
        wilson(
            self.person_weight / self.weight.max(f64::MIN_POSITIVE),
            self.weight * self.weight / self.weight2.max(1e-12),
        )
    }
}

/// What a set of verdicts and labels says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    /// Verdicts by name.
    pub(crate) verdicts: BTreeMap<String, u64>,
    /// By what they led to.
    pub(crate) handling: BTreeMap<String, u64>,
    /// Labels by what answered.
    pub(crate) answered: BTreeMap<String, u64>,
    /// All verdicts.
    pub(crate) calls: u64,
    /// With a label.
    pub(crate) labelled: u64,
    /// Sum of the times of verdicts.
    verdict_ms: u64,
    taken_for_machines: u64,
    /// Acted on, and an agent had them all the same, who said that they were persons.
    saved: u64,
    taken_for_persons: u64,
    machines: Weighted,
    persons: Weighted,
}

/// Verdicts of talking machines: those that an audit draws from.
fn is_machine(verdict: &str) -> bool {
    matches!(verdict, "machine" | "ivr" | "screening")
}

impl Figures {
    /// Of counted rows.
    pub(crate) fn of<'a>(counts: impl IntoIterator<Item = &'a AmdCount>) -> Figures {
        let mut figures = Figures::default();
        for count in counts {
            let AmdCount { verdict, handling, answered, calls, .. } = count;
            *figures.verdicts.entry(verdict.clone()).or_default() += calls;
            *figures.handling.entry(handling.clone()).or_default() += calls;
            figures.calls += calls;
            figures.verdict_ms += count.verdict_ms;
            if let Some(answered) = answered {
                *figures.answered.entry(answered.clone()).or_default() += calls;
                figures.labelled += calls;
            }
            let person = answered.as_deref() == Some("person");
            // What goes to an agent whatever it is, such as menus where the campaign says so, loses nobody.
            if is_machine(verdict) && handling != "person" {
                figures.taken_for_machines += calls;
                figures.saved += if count.reached && count.routed && person { *calls } else { 0 };
                // A draw is a fair sample, whoever labels it. In the shadow everybody goes to an agent, and routing draws;
                // a listener does not.
                let drawn = count.share_ppm > 0 && (handling == "audited" || (handling == "shadow" && count.routed));
                if answered.is_some() && drawn {
                    figures.machines.add(*calls, person, 1e6 / f64::from(count.share_ppm));
                }
            } else if verdict == "human" {
                figures.taken_for_persons += calls;
                if answered.is_some() && count.routed {
                    figures.persons.add(*calls, person, 1.0);
                }
            }
        }
        figures
    }

    /// Mean time of the verdict after the answer, in milliseconds.
    pub(crate) fn verdict_ms_mean(&self) -> Option<f64> {
        (self.calls > 0).then(|| self.verdict_ms as f64 / self.calls as f64)
    }

    /// Audited calls with a label, and how many of them were persons.
    pub(crate) fn audited(&self) -> (u64, u64) {
        (self.machines.labelled, self.machines.persons)
    }

    /// Persons among those taken for machines.
    pub(crate) fn persons_among_machines(&self) -> Option<Interval> {
        self.machines.share()
    }

    /// People lost to detection, of all people who answered: with M verdicts that are acted on, of which a share q would be
    /// persons', S of them whom a later sign brought to an agent, and H taken for persons of whom a share r are,
    /// (q M - S) / (q M + r H).
    ///
    /// q comes from the draw, each call weighed with the inverse of the chance it was drawn with (Horvitz and Thompson 1952,
    /// as the ratio of Hajek 1971): the draw knows nothing of who answered, so it is unbiased but for the ratio's 1/n. r
    /// comes from calls that routing gave to an agent who then said what answered; whoever picks calls to listen to picks
    /// by what is known of them, so those labels count in neither. S counts only persons of whom an agent has said so:
    /// with fewer words the estimate is too high, never too low.
    pub(crate) fn human_as_machine(&self) -> Option<Interval> {
        let (q, r) = (self.machines.share()?, self.persons.share()?);
        let of = |q: f64, r: f64| {
            let taken = q * self.taken_for_machines as f64;
            let lost = (taken - self.saved as f64).max(0.0);
            let all = taken + r * self.taken_for_persons as f64;
            if all > 0.0 { lost / all } else { 0.0 }
        };
        Some(Interval { share: of(q.share, r.share), low: of(q.low, r.high), high: of(q.high, r.low) })
    }

    /// Machines of any kind among those taken for persons.
    pub(crate) fn machine_as_human(&self) -> Option<Interval> {
        let persons = self.persons.share()?;
        Some(Interval { share: 1.0 - persons.share, low: 1.0 - persons.high, high: 1.0 - persons.low })
    }

    /// Enough labels on both sides: the share of people lost is measured.
    pub(crate) fn is_measured(&self) -> bool {
        self.machines.labelled >= LABELLED_MIN && self.persons.labelled >= LABELLED_MIN
    }

    /// Labelled audits without a person among them that would show that at most `share` of people are lost; none where
    /// nobody was taken for a machine or nobody for a person.
    pub(crate) fn audits_needed(&self, share: f64) -> Option<u64> {
        let persons = self.taken_for_persons as f64 * self.persons.share().map_or(1.0, |r| r.share);
        if self.taken_for_machines == 0 || persons <= 0.0 || share <= 0.0 || share >= 1.0 {
            return None;
        }
        let q = (share / (1.0 - share) * persons / self.taken_for_machines as f64).min(1.0);
        Some((Z * Z * (1.0 - q) / q).ceil().max(LABELLED_MIN as f64) as u64)
    }

    /// What can be said, in words; `goal` is the share of people that may be lost.
    pub(crate) fn says(&self, goal: f64) -> String {
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        if self.calls == 0 {
            return "No verdicts yet.".to_owned();
        }
        let needed = |few: &str| match self.audits_needed(goal) {
            Some(needed) => format!(
                "{few} To show that at most {} of people are lost takes about {needed} labelled audits without a person \
                 among them; with one among them twice as many.",
                percent(goal)
            ),
            None => few.to_owned(),
        };
        if !self.is_measured() {
            return needed(&format!(
                "Too few to say: {} of those taken for machines and {} of those taken for people have a label, at least \
                 {LABELLED_MIN} of each are needed.",
                self.machines.labelled, self.persons.labelled
            ));
        }
        let Some(found) = self.human_as_machine() else { return "Too few to say.".to_owned() };
        let said = format!(
            "{} of people were taken for machines ({} to {} with 95 % certainty), from {} labelled audits.",
            percent(found.share),
            percent(found.low),
            percent(found.high),
            self.machines.labelled
        );
        if found.high <= goal { said } else { needed(&said) }
    }
}

/// A day's three figures, each as mean, variance of one call, and calls.
type Daily = [(f64, f64, f64); 3];

fn daily(counts: &[&AmdCount]) -> Daily {
    let calls: u64 = counts.iter().map(|count| count.calls).sum();
    let humans: u64 = counts.iter().filter(|count| count.verdict == "human").map(|count| count.calls).sum();
    let number = calls.max(1) as f64;
    let share = humans as f64 / number;
    let spread = |sum: f64, squares: f64, of: f64| {
        let mean = sum / of.max(1.0);
        (mean, (squares / of.max(1.0) - mean * mean).max(0.0), of)
    };
    let total = |of: fn(&AmdCount) -> u64| counts.iter().map(|count| of(count)).sum::<u64>() as f64;
    let ms = spread(total(|count| count.verdict_ms), total(|count| count.verdict_ms2), number);
    let heard = total(|count| count.person.0);
    let person = spread(total(|count| count.person.1) / 1e6, total(|count| count.person.2) / 1e6, heard);
    [(share, share * (1.0 - share), number), ms, person]
}

/// Which figures of the latest day are more than three deviations off those of the seven days before it. Silent while
/// there are too few calls or days to know.
pub(crate) fn drift(counts: &[AmdCount]) -> Vec<AmdDrift> {
    let mut days: BTreeMap<i64, Vec<&AmdCount>> = BTreeMap::new();
    for count in counts {
        days.entry(count.day.as_unix_us()).or_default().push(count);
    }
    days.retain(|_, counts| counts.iter().map(|count| count.calls).sum::<u64>() >= DAY_CALLS_MIN);
    let mut days: Vec<Daily> = days.values().map(|counts| daily(counts)).collect();
    let Some(latest) = days.pop() else { return Vec::new() };
    let before = &days[days.len().saturating_sub(DRIFT_DAYS)..];
    if before.len() < DRIFT_DAYS_MIN {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (which, what) in ["human_share", "verdict_ms", "person_probability"].into_iter().enumerate() {
        let (now, variance, calls) = latest[which];
        if calls < DAY_CALLS_MIN as f64 || before.iter().any(|day| day[which].2 < DAY_CALLS_MIN as f64) {
            continue;
        }
        let number = before.len() as f64;
        let mean = before.iter().map(|day| day[which].0).sum::<f64>() / number;
        let between = before.iter().map(|day| (day[which].0 - mean).powi(2)).sum::<f64>() / (number - 1.0);
        let sampled =
            variance / calls + before.iter().map(|day| day[which].1 / day[which].2).sum::<f64>() / number / number;
        let sigma = (now - mean) / (between + sampled).sqrt().max(1e-9);
        if sigma.abs() > DRIFT_SIGMA {
            found.push(AmdDrift { what: what.to_owned(), now, before: mean, sigma });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::WallTime;

    fn count(day: i64, verdict: &str, handling: &str, share_ppm: u32, answered: Option<&str>, calls: u64) -> AmdCount {
        let ms = if verdict == "human" { 800 } else { 3_000 };
        let ppm = if verdict == "human" { 900_000 } else { 100_000 };
        AmdCount {
            day: WallTime::from_unix_us(day * 86_400_000_000),
            verdict: verdict.to_owned(),
            handling: handling.to_owned(),
            share_ppm,
            answered: answered.map(str::to_owned),
            routed: answered.is_some(),
            reached: false,
            calls,
            verdict_ms: ms * calls,
            verdict_ms2: ms * ms * calls,
            person: (calls, ppm * calls, (ppm / 1_000) * (ppm / 1_000) * calls),
        }
    }

    #[test]
    fn wilsons_bounds_are_those_of_the_books() {
        let is = |found: Interval, low: f64, high: f64| {
            assert!((found.low - low).abs() < 5e-4 && (found.high - high).abs() < 5e-4, "{found:?}");
        };
        // 0 of 300 and 3 of 775: the study's "to show 1 %".
        is(wilson(0.0, 300.0).unwrap(), 0.0, 0.0126);
        is(wilson(3.0 / 775.0, 775.0).unwrap(), 0.0013, 0.0113);
        is(wilson(0.5, 10.0).unwrap(), 0.2366, 0.7634);
        assert_eq!(wilson(0.0, 0.0), None);
    }

    #[test]
    fn persons_lost_are_reckoned_from_the_audit_and_from_those_who_were_reached() {
        let counts = [
            count(0, "machine", "acted", 10_000, None, 9_900),
            count(0, "machine", "audited", 10_000, Some("machine"), 98),
            count(0, "ivr", "audited", 10_000, Some("person"), 2),
            // Heard from a recording: whoever picked it did not draw it.
            count(0, "machine", "acted", 10_000, Some("person"), 50),
            count(0, "human", "person", 1_000_000, Some("person"), 900),
            count(0, "human", "person", 1_000_000, Some("machine"), 100),
            count(0, "human", "person", 1_000_000, None, 4_000),
            count(0, "silence", "person", 1_000_000, Some("person"), 40),
        ];
        let figures = Figures::of(&counts);
        assert_eq!((figures.audited(), figures.calls, figures.labelled), ((100, 2), 15_090, 1_190));
        assert!(figures.is_measured());
        let among = figures.persons_among_machines().unwrap();
        assert!((among.share - 0.02).abs() < 1e-9 && (among.high - 0.0700).abs() < 5e-4, "{among:?}");
        let lost = figures.human_as_machine().unwrap();
        let expected = 0.02 * 10_050.0 / (0.02 * 10_050.0 + 0.9 * 5_000.0);
        assert!((lost.share - expected).abs() < 1e-9 && lost.low < expected && lost.high > expected, "{lost:?}");
        let let_through = figures.machine_as_human().unwrap();
        assert!((let_through.share - 0.1).abs() < 1e-9 && (0.08..0.1).contains(&let_through.low), "{let_through:?}");
        assert!(figures.says(0.01).contains("of people were taken for machines"), "{}", figures.says(0.01));
    }

    #[test]
    fn labels_that_somebody_picked_change_nothing() {
        let picked = |count: AmdCount| AmdCount { routed: false, ..count };
        let drawn = [
            count(0, "machine", "audited", 10_000, Some("machine"), 98),
            count(0, "machine", "audited", 10_000, Some("person"), 2),
            count(0, "human", "person", 1_000_000, Some("person"), 900),
            count(0, "human", "person", 1_000_000, Some("machine"), 100),
        ];
        // Somebody listens to the odd ones among those taken for persons, and in the shadow to the person-like ones.
        let by_hand = [
            picked(count(0, "human", "person", 1_000_000, Some("machine"), 400)),
            picked(count(0, "machine", "shadow", 1_000_000, Some("person"), 50)),
        ];
        let before = Figures::of(&drawn);
        let all = Figures::of(drawn.iter().chain(&by_hand));
        assert_eq!(all.audited(), before.audited());
        assert_eq!(all.machine_as_human(), before.machine_as_human());
        assert_eq!(all.persons_among_machines(), before.persons_among_machines());
        // A listener's word on an audited call is a draw's: the draw chose the call.
        let heard = picked(count(0, "machine", "audited", 10_000, Some("person"), 3));
        assert_eq!(Figures::of(drawn.iter().chain([&heard])).audited(), (103, 5));
    }

    #[test]
    fn only_who_is_lost_counts() {
        let lost = |saved: u64, menus: u64| {
            let reached = AmdCount { reached: true, ..count(0, "machine", "acted", 10_000, Some("person"), saved) };
            let counts = [
                count(0, "machine", "acted", 10_000, None, 9_900 - saved),
                reached,
                count(0, "machine", "audited", 10_000, Some("machine"), 95),
                count(0, "machine", "audited", 10_000, Some("person"), 5),
                // The campaign gives menus to agents.
                count(0, "ivr", "person", 1_000_000, Some("person"), menus),
                count(0, "human", "person", 1_000_000, Some("person"), 1_000),
            ];
            Figures::of(&counts).human_as_machine().unwrap().share
        };
        // 5 % of 10,000.
        assert!((lost(0, 0) - 500.0 / 1_500.0).abs() < 1e-9);
        assert!((lost(200, 0) - 300.0 / 1_500.0).abs() < 1e-9, "200 picked up after their machine's verdict");
        assert!((lost(0, 300) - 500.0 / 1_500.0).abs() < 1e-9);
        assert_eq!(lost(600, 0), 0.0);
    }

    #[test]
    fn a_share_that_changed_weighs_its_calls() {
        // A tenth was drawn of 1,000 with 10 % persons, then all of 1,000 with none: 5 % of the 2,000.
        let counts = [
            count(0, "machine", "audited", 100_000, Some("person"), 10),
            count(0, "machine", "audited", 100_000, Some("machine"), 90),
            count(1, "machine", "shadow", 1_000_000, Some("machine"), 1_000),
        ];
        let found = Figures::of(&counts).persons_among_machines().unwrap();
        assert!((found.share - 0.05).abs() < 1e-9, "{found:?}");
        let plain = wilson(0.05, 1_100.0).unwrap();
        assert!(found.high > plain.high, "unequal weights are worth fewer calls");
    }

    #[test]
    fn too_few_are_said_to_be_too_few() {
        assert_eq!(Figures::of(&[]).says(0.01), "No verdicts yet.");
        let few = [
            count(0, "machine", "audited", 10_000, Some("machine"), 12),
            count(0, "human", "person", 1_000_000, None, 300),
        ];
        let figures = Figures::of(&few);
        assert!(!figures.is_measured() && figures.human_as_machine().is_none());
        let words = figures.says(0.01);
        assert!(words.starts_with("Too few to say: 12 of those taken for machines and 0 of"), "{words}");
        assert!(words.contains("labelled audits without a person"), "{words}");
        // As many machines as persons, at most 1 % lost: Wilson's upper bound of 0 of n is 1.01 % at n = 377.
        let even = [count(0, "machine", "acted", 10_000, None, 500), count(0, "human", "person", 1_000_000, None, 500)];
        assert_eq!(Figures::of(&even).audits_needed(0.01), Some(377));
    }

    #[test]
    fn a_day_unlike_the_week_before_is_told() {
        let day = |day: i64, humans: u64| {
            [
                count(day, "human", "person", 1_000_000, None, humans),
                count(day, "machine", "acted", 10_000, None, 1_000 - humans),
            ]
        };
        let steady: Vec<AmdCount> = (0..8).flat_map(|n| day(n, 300 + (n as u64 % 3) * 10)).collect();
        assert_eq!(drift(&steady), []);
        let mut moved = steady.clone();
        moved.extend(day(8, 150));
        let found = drift(&moved);
        assert_eq!(found[0].what, "human_share");
        assert!(found[0].sigma < -3.0 && (found[0].now - 0.15).abs() < 1e-9, "{found:?}");
        assert!(found.iter().any(|drift| drift.what == "verdict_ms"), "more machines take longer: {found:?}");
        // Two days are no week, and ten calls no day.
        assert_eq!(drift(&moved[14..]), []);
        let mut small = steady;
        small.push(count(8, "machine", "acted", 10_000, None, 10));
        assert_eq!(drift(&small), []);
    }
}
