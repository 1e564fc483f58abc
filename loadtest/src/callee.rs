//! How each callee behaves on the wire, drawn by seed and number: the same on any run, whatever the shards and the order
//! of calls. Who answers and how long things take is the dialer's statistical callee ([`dialer::sim::callee`]), so the
//! simulator and the wire know one world; here is added how the network shows it.

use base::{Duration, Seed};
use dialer::sim::callee::{CalleeFate, CalleeModel, FateKind};

/// What kind of callee stands behind a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nature {
    /// Rings, answers, says hello, waits for somebody, talks, hangs up.
    Person,
    /// Answers with a greeting and a beep, records, hangs up.
    Machine,
    /// 486.
    Busy,
    /// Rings until the caller gives up.
    NoAnswer,
    /// A special information tone and an announcement before the answer (183), then this code.
    EarlyAnnouncement {
        /// 404 or 503.
        code: u16,
    },
    /// A special information tone and an announcement on an answered call.
    AnsweredAnnouncement,
    /// Refused by the network.
    Refused {
        /// 500 or 503.
        code: u16,
        /// With 503: when to come back.
        retry_after_s: Option<u32>,
    },
}

/// One callee.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Callee {
    /// What would happen to any call to it: post-dial delay, ring, patience, talk.
    pub fate: CalleeFate,
    /// How that looks on the wire.
    pub nature: Nature,
    /// The network plays ringback (183) instead of signalling it (180).
    pub early_media: bool,
    /// From the answer to the first word.
    pub speaks_after: Duration,
    /// A person listens so long to a played message.
    pub message_patience: Duration,
    /// A machine records so long.
    pub recording: Duration,
}

impl Callee {
    /// From the INVITE to the first sign of the callee or of the network.
    pub fn post_dial(&self) -> Duration {
        if self.fate.kind == FateKind::Fail { self.fate.fail_after } else { self.fate.post_dial }
    }

    /// Code and Retry-After of a callee that refuses; 480 for one that does not.
    pub fn refusal(&self) -> (u16, Option<u32>) {
        match self.nature {
            Nature::Busy => (486, None),
            Nature::EarlyAnnouncement { code } => (code, None),
            Nature::Refused { code, retry_after_s } => (code, retry_after_s),
            _ => (480, None),
        }
    }
}

/// From which mixture callees are drawn.
#[derive(Clone, Debug)]
pub struct Crowd {
    /// Who answers, and how long everything takes.
    pub model: CalleeModel,
    /// Share of ringing calls with ringback as early media.
    pub early_media: f64,
    /// How long a machine records in seconds, uniform.
    pub recording_s: (f64, f64),
    /// How long a person listens to a played message in seconds, uniform.
    pub message_patience_s: (f64, f64),
    /// Retry-After of the 503s, in seconds.
    pub retry_after_s: u32,
}

impl Crowd {
    /// The callees of a scenario, on a quick network: machines record for 3 to 10 s, 503s ask for one second of quiet.
    pub fn new(model: CalleeModel) -> Self {
        Crowd { model, early_media: 0.3, recording_s: (3.0, 10.0), message_patience_s: (2.0, 20.0), retry_after_s: 1 }
    }

    /// The callee behind `number` at its `attempt`-th INVITE, from 1.
    pub fn draw(&self, seed: &Seed, number: &str, attempt: u32) -> Callee {
        let fate = self.model.fate(seed, digits(number), attempt, 1.0);
        let mut random = seed.stream(&format!("callee on the wire {number}"), u64::from(attempt));
        let failure = random.below(4);
        let early_media = random.chance(self.early_media);
        let mut uniform = |(low, high): (f64, f64)| Duration::from_secs_f64(random.range_f64(low, high));
        let nature = match fate.kind {
            FateKind::Person => Nature::Person,
            FateKind::Machine => Nature::Machine,
            FateKind::Busy => Nature::Busy,
            FateKind::NoAnswer => Nature::NoAnswer,
            FateKind::Fail => match failure {
                0 => Nature::EarlyAnnouncement { code: 404 },
                1 => Nature::AnsweredAnnouncement,
                2 => Nature::Refused { code: 500, retry_after_s: None },
                _ => Nature::Refused { code: 503, retry_after_s: Some(self.retry_after_s) },
            },
        };
        Callee {
            fate,
            nature,
            early_media,
            speaks_after: uniform((0.15, 0.6)),
            message_patience: uniform(self.message_patience_s),
            recording: uniform(self.recording_s),
        }
    }
}

/// The digits of a number as one, for drawing its fate; a number of E.164 has at most 15, what is longer wraps.
fn digits(number: &str) -> u64 {
    let digits = number.chars().filter_map(|c| c.to_digit(10));
    digits.fold(0_u64, |sum, digit| sum.wrapping_mul(10).wrapping_add(u64::from(digit))) & ((1 << 50) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd() -> Crowd {
        Crowd::new(CalleeModel::parse("[dial]\nfail = 0.2").expect("a scenario"))
    }

    #[test]
    fn a_number_is_the_same_callee_on_any_run() {
        let (crowd, seed) = (crowd(), Seed::from_u64(4));
        for number in ["+12125550100", "+442079460000", "", "anything at all", "99999999999999999999999999"] {
            assert_eq!(crowd.draw(&seed, number, 1), crowd.draw(&seed, number, 1));
        }
        assert_ne!(crowd.draw(&seed, "+12125550100", 1), crowd.draw(&seed, "+12125550100", 2));
        assert_ne!(crowd.draw(&seed, "+12125550100", 1), crowd.draw(&Seed::from_u64(5), "+12125550100", 1));
    }

    #[test]
    fn the_wire_shows_each_fate_and_failures_come_in_all_forms() {
        let (crowd, seed) = (crowd(), Seed::from_u64(4));
        let callees: Vec<Callee> = (0..8_000).map(|n| crowd.draw(&seed, &format!("+1{n}"), 1)).collect();
        let share = |test: &dyn Fn(&Callee) -> bool| callees.iter().filter(|c| test(c)).count() as f64 / 8_000.0;
        for (kind, nature) in [
            (FateKind::Person, Nature::Person),
            (FateKind::Machine, Nature::Machine),
            (FateKind::Busy, Nature::Busy),
            (FateKind::NoAnswer, Nature::NoAnswer),
        ] {
            assert!(callees.iter().all(|c| (c.fate.kind == kind) == (c.nature == nature)));
        }
        for nature in [
            Nature::EarlyAnnouncement { code: 404 },
            Nature::AnsweredAnnouncement,
            Nature::Refused { code: 500, retry_after_s: None },
            Nature::Refused { code: 503, retry_after_s: Some(1) },
        ] {
            assert!((share(&|c| c.nature == nature) - 0.05).abs() < 0.012, "{nature:?}");
        }
        assert!((share(&|c| c.early_media) - crowd.early_media).abs() < 0.02);
        assert!(callees.iter().all(|c| c.nature == Nature::Busy || c.refusal().0 != 486));
    }
}
