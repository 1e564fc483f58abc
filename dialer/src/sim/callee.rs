//! Statistical callees: what would happen if this lead were dialled. Drawn from (seed, key) alone, so the same lead has
//! the same fate on any run, whatever else happens; the wire actors of the load test use the same draws.

use base::{Duration, Seed, Stream};

use crate::io::EarlyClass;
use crate::scenario::{Scenario, ScenarioError};

/// How a call to a lead turns out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FateKind {
    /// A person answers.
    Person,
    /// A machine answers.
    Machine,
    /// Engaged (486).
    Busy,
    /// The network fails.
    Fail,
    /// Nobody answers.
    NoAnswer,
}

/// Everything that is drawn for one call. All values are drawn for every kind, so that the kind shifts nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalleeFate {
    /// Who answers, if anybody.
    pub kind: FateKind,
    /// From the INVITE to the first 18x (or to the busy answer).
    pub post_dial: Duration,
    /// From the first 18x to the answer, for persons and machines.
    pub ring: Duration,
    /// From the INVITE to a network failure.
    pub fail_after: Duration,
    /// Length of a person's first utterance.
    pub greeting: Duration,
    /// From the end of the greeting to the verdict on a person.
    pub human_decision: Duration,
    /// From the answer to the verdict on a machine.
    pub machine_decision: Duration,
    /// Detection gets it wrong.
    pub misjudged: bool,
    /// A person who waits for an agent hangs up after this time (from the verdict; without detection from the end of
    /// the greeting).
    pub patience: Duration,
    /// Talk with an agent: a person's conversation, or until the agent sees that it is a machine.
    pub talk: Duration,
    /// The agent's wrap-up after it.
    pub wrap: Duration,
    /// The agent takes an unplanned pause after it, this long.
    pub pause: Option<Duration>,
    /// Uniform in [0, 1): decides about carrier failures.
    pub luck: f64,
    /// What early media gives away with the first 18x. Labels stand for the truth here (a person, a machine, nobody);
    /// the pacer has to find out.
    pub early: Option<EarlyClass>,
}

impl CalleeFate {
    /// From the answer to detection's verdict.
    pub fn verdict_after(&self) -> Duration {
        match self.kind {
            FateKind::Machine => self.machine_decision,
            _ => self.greeting + self.human_decision,
        }
    }
}

/// Draws fates from a scenario's distributions.
#[derive(Clone, Debug)]
pub struct CalleeModel {
    scenario: Scenario,
}

/// Persons are at most this share after all factors (contract).
const HUMAN_SHARE_MAX: f64 = 0.75;

impl CalleeModel {
    /// From a checked scenario; `[[change]]` entries are the caller's business (see [`Scenario::stages`]).
    pub fn new(scenario: &Scenario) -> CalleeModel {
        CalleeModel { scenario: scenario.clone() }
    }

    /// From scenario text (the contract's TOML).
    pub fn parse(text: &str) -> Result<CalleeModel, ScenarioError> {
        Scenario::parse(text).map(|scenario| CalleeModel { scenario })
    }

    /// The scenario behind it.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The fate of `key` (a lead id or a number's digits) at its `attempt`-th call, from 1. `human_factor` scales
    /// the share of persons (hour, day, drift); 1 for the plain mean.
    pub fn fate(&self, seed: &Seed, key: u64, attempt: u32, human_factor: f64) -> CalleeFate {
        // Attempts of one lead are 2^56 apart: E.164 numbers have 15 digits (50 bits), lead ids count from 1.
        let mut stream = seed.stream("callee", key ^ (u64::from(attempt) << 56));
        self.draw(&mut stream, human_factor)
    }

    fn draw(&self, stream: &mut Stream, human_factor: f64) -> CalleeFate {
        let Scenario { dial, amd, agent, customer, .. } = &self.scenario;
        let span = Duration::from_secs_f64;
        let kind = stream.unit();
        let post_dial = span(dial.post_dial_s.sample(stream));
        let human_ring = span(dial.human_ring_s.sample(stream));
        let machine_ring = span(dial.machine_ring_s.sample(stream));
        let fail_after = span(stream.range_f64(0.05, 1.5));
        let greeting = span(amd.greeting_s.sample(stream));
        let human_decision = span(amd.human_decision_s.sample(stream));
        let machine_decision = span(amd.machine_decision_s.sample(stream));
        let misjudge = stream.unit();
        let patience = crate::scenario::exponential(stream, 1.0);
        let talk = span(agent.talk_s.sample(stream));
        let wrap = span(agent.wrap_s.sample(stream));
        let (machine_talk, machine_wrap) = (agent.machine_talk_s.sample(stream), agent.machine_wrap_s.sample(stream));
        let pauses = stream.chance(agent.pause_share);
        let pause = span(agent.pause_s.sample(stream));
        let luck = stream.unit();
        let told = stream.chance(dial.early_progress);
        let kind = self.kind(kind, human_factor);
        let person = kind != FateKind::Machine;
        let misjudged = misjudge < if person { amd.human_as_machine } else { amd.machine_as_human };
        CalleeFate {
            kind,
            post_dial,
            ring: if person { human_ring } else { machine_ring },
            fail_after,
            greeting,
            human_decision,
            machine_decision,
            misjudged,
            patience: if customer.hang_up_rate > 0.0 {
                span(patience / customer.hang_up_rate)
            } else {
                Duration::from_secs(86_400)
            },
            talk: if person { talk } else { span(machine_talk) },
            wrap: if person { wrap } else { span(machine_wrap) },
            pause: pauses.then_some(pause),
            luck,
            early: told.then_some(match kind {
                FateKind::Person => EarlyClass::Ringback,
                FateKind::Machine => EarlyClass::Voicemail,
                FateKind::Busy | FateKind::Fail | FateKind::NoAnswer => EarlyClass::Announcement,
            }),
        }
    }

    fn human_share(&self, human_factor: f64) -> f64 {
        (self.scenario.dial.human * human_factor).clamp(0.0, HUMAN_SHARE_MAX)
    }

    /// Chance that a call is answered and offered to agents: persons, but for those whom detection takes for machines,
    /// and machines that it takes for persons. The few who would answer after the ring timeout are not taken off.
    pub(crate) fn offered_share(&self, human_factor: f64) -> f64 {
        let (dial, amd) = (&self.scenario.dial, &self.scenario.amd);
        let human = self.human_share(human_factor);
        let machine = dial.machine.min(1.0 - human);
        let missed = |share: f64, missed: f64| if amd.enabled { share * missed } else { share };
        missed(human, 1.0 - amd.human_as_machine) + missed(machine, amd.machine_as_human)
    }

    fn kind(&self, u: f64, human_factor: f64) -> FateKind {
        let dial = &self.scenario.dial;
        let mut upto = self.human_share(human_factor);
        if u < upto {
            return FateKind::Person;
        }
        for (share, kind) in
            [(dial.machine, FateKind::Machine), (dial.busy, FateKind::Busy), (dial.fail, FateKind::Fail)]
        {
            upto += share;
            if u < upto {
                return kind;
            }
        }
        FateKind::NoAnswer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_lead_has_the_same_fate_and_shares_come_out() {
        let model = CalleeModel::parse("").unwrap();
        let seed = Seed::from_u64(1);
        assert_eq!(model.fate(&seed, 7, 1, 1.0), model.fate(&seed, 7, 1, 1.0));
        assert_ne!(model.fate(&seed, 7, 1, 1.0), model.fate(&seed, 7, 2, 1.0));
        let count = 20_000;
        let fates: Vec<CalleeFate> = (0..count).map(|key| model.fate(&seed, key, 1, 1.0)).collect();
        let share = |kind| fates.iter().filter(|fate| fate.kind == kind).count() as f64 / count as f64;
        // Four standard errors of a share near 0.25 of 20,000 draws.
        for (kind, wanted) in [
            (FateKind::Person, 0.25),
            (FateKind::Machine, 0.27),
            (FateKind::Busy, 0.04),
            (FateKind::Fail, 0.05),
            (FateKind::NoAnswer, 0.39),
        ] {
            assert!((share(kind) - wanted).abs() < 0.0125, "{kind:?} {}", share(kind));
        }
        let persons: Vec<&CalleeFate> = fates.iter().filter(|fate| fate.kind == FateKind::Person).collect();
        let mean = |get: &dyn Fn(&CalleeFate) -> Duration| {
            persons.iter().map(|fate| get(fate).as_secs_f64()).sum::<f64>() / persons.len() as f64
        };
        assert!((mean(&|fate| fate.ring) - 9.0).abs() < 0.35);
        assert!((mean(&|fate| fate.talk) - 120.0).abs() < 9.0);
        assert!((mean(&|fate| fate.patience) - 25.0).abs() < 1.6);
    }

    #[test]
    fn the_share_that_is_offered_is_the_one_that_comes() {
        let model =
            CalleeModel::parse("[dial]\nmachine = 0.2\n[amd]\nhuman_as_machine = 0.1\nmachine_as_human = 0.3").unwrap();
        let (seed, count) = (Seed::from_u64(5), 40_000);
        for factor in [0.5, 1.3, 9.0] {
            let offered = (0..count).map(|key| model.fate(&seed, key, 1, factor)).filter(|fate| match fate.kind {
                FateKind::Person => !fate.misjudged,
                FateKind::Machine => fate.misjudged,
                _ => false,
            });
            let (share, told) = (offered.count() as f64 / count as f64, model.offered_share(factor));
            // Four standard errors of a share near one half.
            assert!((share - told).abs() < 0.01, "{factor}: {share} {told}");
        }
    }

    #[test]
    fn the_share_of_persons_is_capped() {
        let model = CalleeModel::parse("").unwrap();
        let seed = Seed::from_u64(2);
        let persons = (0..4_000).filter(|key| model.fate(&seed, *key, 1, 100.0).kind == FateKind::Person).count();
        assert!((persons as f64 / 4_000.0 - 0.75).abs() < 0.03);
    }
}
