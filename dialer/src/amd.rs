//! What a verdict of answer detection is allowed to do: the campaign's mode, and the draw that sends a share of those
//! taken for machines to agents all the same.
//!
//! ```text
//!  verdict ─┬─ human, silence; a menu where agents work them > Person    an agent, as for anybody
//!           ├─ mode shadow ─────────────────────────────────> Shadow    an agent; only the record says what it was
//!           └─ mode sample, on ──┬─ drawn (machine, ivr, ───> Audited   an agent, who says what answered
//!                                │         screening only)
//!                                └─ not drawn ──────────────> Acted     what the policy says
//! ```
//!
//! Persons who are hung up on are heard by nobody, so only a draw can tell how many they are. It is stratified: of the
//! verdicts whose shares add up to one exactly one is drawn, at a place that the seed chooses. So the number drawn is
//! never off by more than one, nobody can foresee which call it is, and the share may change while calls run.
//!
//! **Invariants.** Without a seed's change the same verdicts give the same draws. Fax tones and special information
//! tones are not drawn: no agent wants to hear them, and no person makes them.

use crate::io::AmdVerdict;
use crate::policies::OnIvr;
use base::Stream;

/// Verdicts of machines that go to agents where nothing else is said: one in a hundred.
pub const AUDIT_SHARE_DEFAULT: f64 = 0.01;

/// What detection may do in a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AmdMode {
    /// Nobody listens; every answer is a person.
    Off,
    /// It listens, decides and is written down; everybody goes to an agent.
    Shadow,
    /// It acts, and a share that is worth measuring is audited.
    Sample,
    /// It acts, and a small share is audited.
    On,
}

impl AmdMode {
    /// Every mode, in order.
    pub const ALL: [AmdMode; 4] = [AmdMode::Off, AmdMode::Shadow, AmdMode::Sample, AmdMode::On];

    /// As configuration and reports spell it.
    pub const fn name(self) -> &'static str {
        match self {
            AmdMode::Off => "off",
            AmdMode::Shadow => "shadow",
            AmdMode::Sample => "sample",
            AmdMode::On => "on",
        }
    }

    /// The mode of this name.
    pub fn named(name: &str) -> Option<AmdMode> {
        AmdMode::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// A campaign's settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AmdRules {
    /// What it may do.
    pub mode: AmdMode,
    /// Share of the verdicts machine, ivr and screening that go to agents, of 1.
    pub audit_share: f64,
}

impl AmdRules {
    /// Nobody listens.
    pub const OFF: AmdRules = AmdRules { mode: AmdMode::Off, audit_share: 0.0 };
    /// It acts on every verdict: for simulations, whose machines need no audit.
    pub const ALWAYS: AmdRules = AmdRules { mode: AmdMode::On, audit_share: 0.0 };

    /// Answers are listened to.
    pub fn listens(&self) -> bool {
        self.mode != AmdMode::Off
    }

    /// Persons can be lost to it.
    pub fn acts(&self) -> bool {
        matches!(self.mode, AmdMode::Sample | AmdMode::On)
    }
}

/// What becomes of a call after its verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmdHandling {
    /// An agent, as for anybody.
    Person,
    /// Treated as what the verdict says.
    Acted,
    /// Drawn for an agent.
    Audited,
    /// An agent, because the mode is [`AmdMode::Shadow`].
    Shadow,
}

impl AmdHandling {
    /// As records spell it.
    pub const fn name(self) -> &'static str {
        match self {
            AmdHandling::Person => "person",
            AmdHandling::Acted => "acted",
            AmdHandling::Audited => "audited",
            AmdHandling::Shadow => "shadow",
        }
    }
}

/// How a verdict was handled, for the record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AmdHandled {
    /// The campaign's mode then.
    pub mode: AmdMode,
    /// What became of the call.
    pub handling: AmdHandling,
    /// Share of such verdicts that went to agents then, of 1.
    pub share: f64,
}

/// A measured rate that takes the place of the profile's estimate.
#[derive(Clone, Debug, PartialEq)]
pub struct AmdMeasured {
    /// Upper bound of persons taken for machines ÷ all persons who answered, of 1.
    pub rate: f64,
    /// From which calls.
    pub evidence: String,
}

/// The draw of one campaign.
#[derive(Clone, Debug)]
pub(crate) struct AuditDraw {
    stream: Stream,
    /// Shares of all verdicts so far, added up.
    position: f64,
    /// Strata whose point has been chosen.
    strata: u64,
    /// The chosen point of the last of them.
    point: f64,
    /// Points passed that no verdict has been drawn for yet.
    owed: u32,
}

impl AuditDraw {
    pub(crate) fn new(mut stream: Stream) -> AuditDraw {
        let point = stream.unit();
        AuditDraw { stream, position: 0.0, strata: 1, point, owed: 0 }
    }

    /// What becomes of a call with this verdict. Menus that are agents' work are nobody's loss, and not drawn.
    pub(crate) fn handle(&mut self, rules: AmdRules, verdict: AmdVerdict, ivr: OnIvr) -> AmdHandled {
        let (handling, share) = match (verdict, rules.mode) {
            (AmdVerdict::Human | AmdVerdict::Silence, _) => (AmdHandling::Person, 1.0),
            (AmdVerdict::Ivr, _) if ivr == OnIvr::Agent => (AmdHandling::Person, 1.0),
            (_, AmdMode::Off | AmdMode::Shadow) => (AmdHandling::Shadow, 1.0),
            (AmdVerdict::Fax | AmdVerdict::Sit(_), _) => (AmdHandling::Acted, 0.0),
            (AmdVerdict::Machine | AmdVerdict::Ivr | AmdVerdict::Screening, _) => {
                let share = rules.audit_share.clamp(0.0, 1.0);
                (if self.drawn(share) { AmdHandling::Audited } else { AmdHandling::Acted }, share)
            }
        };
        AmdHandled { mode: rules.mode, handling, share }
    }

    fn drawn(&mut self, share: f64) -> bool {
        self.position += share;
        while self.point < self.position {
            self.owed += 1;
            self.point = self.strata as f64 + self.stream.unit();
            self.strata += 1;
        }
        let drawn = self.owed > 0;
        self.owed -= u32::from(drawn);
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Seed;

    fn draw(seed: u64) -> AuditDraw {
        AuditDraw::new(Seed::from_u64(seed).stream("audit", 7))
    }

    fn audited(draw: &mut AuditDraw, share: f64, verdicts: u32) -> Vec<u32> {
        let rules = AmdRules { mode: AmdMode::On, audit_share: share };
        let is = |n: &u32, draw: &mut AuditDraw| {
            let verdict = [AmdVerdict::Machine, AmdVerdict::Ivr, AmdVerdict::Screening][*n as usize % 3];
            draw.handle(rules, verdict, OnIvr::HangUp).handling == AmdHandling::Audited
        };
        (0..verdicts).filter(|n| is(n, draw)).collect()
    }

    #[test]
    fn the_share_is_kept_to_one_call_whatever_it_is() {
        for share in [0.0, 0.003, 0.01, 0.02, 0.1, 0.37, 0.5, 0.6, 0.99, 1.0] {
            for seed in 0..20 {
                let mut draw = draw(seed);
                let mut drawn = 0;
                for verdicts in 1..=1_000_u32 {
                    drawn += audited(&mut draw, share, 1).len();
                    let off = drawn as f64 - share * f64::from(verdicts);
                    assert!(off.abs() <= 1.0 + 1e-6, "{share} of {verdicts}: {drawn}");
                }
                let points = 100.0 * (drawn as f64 / 1_000.0 - share).abs();
                assert!(points <= 0.2, "{share}: {points} points off");
            }
        }
    }

    #[test]
    fn which_calls_are_drawn_follows_from_the_seed_and_cannot_be_foreseen() {
        assert_eq!(audited(&mut draw(1), 0.01, 5_000), audited(&mut draw(1), 0.01, 5_000));
        assert_ne!(audited(&mut draw(1), 0.01, 5_000), audited(&mut draw(2), 0.01, 5_000));
        let places: Vec<u32> = audited(&mut draw(3), 0.01, 20_000).iter().map(|n| n % 100).collect();
        let halves = places.iter().filter(|place| **place < 50).count();
        assert!(places.len() == 200 && (70..=130).contains(&halves), "{halves} of {}", places.len());
    }

    #[test]
    fn a_share_that_changes_holds_from_then_on() {
        let mut draw = draw(5);
        assert_eq!(audited(&mut draw, 0.0, 1_000).len(), 0);
        assert!((99..=101).contains(&audited(&mut draw, 0.1, 1_000).len()));
        assert!((9..=11).contains(&audited(&mut draw, 0.01, 1_000).len()));
    }

    #[test]
    fn only_modes_that_act_act_and_tones_are_not_audited() {
        let handling =
            |mode, verdict| draw(1).handle(AmdRules { mode, audit_share: 1.0 }, verdict, OnIvr::HangUp).handling;
        for mode in AmdMode::ALL {
            assert_eq!(AmdMode::named(mode.name()), Some(mode));
            for verdict in [AmdVerdict::Human, AmdVerdict::Silence] {
                assert_eq!(handling(mode, verdict), AmdHandling::Person);
            }
        }
        assert_eq!(handling(AmdMode::Shadow, AmdVerdict::Machine), AmdHandling::Shadow);
        assert_eq!(handling(AmdMode::Shadow, AmdVerdict::Fax), AmdHandling::Shadow);
        assert_eq!(handling(AmdMode::Sample, AmdVerdict::Screening), AmdHandling::Audited);
        assert_eq!(handling(AmdMode::On, AmdVerdict::Fax), AmdHandling::Acted);
        let never = AmdRules { mode: AmdMode::On, audit_share: 0.0 };
        assert_eq!(draw(1).handle(never, AmdVerdict::Machine, OnIvr::HangUp).handling, AmdHandling::Acted);
        for mode in AmdMode::ALL {
            let all = AmdRules { mode, audit_share: 1.0 };
            let menu = draw(1).handle(all, AmdVerdict::Ivr, OnIvr::Agent);
            assert_eq!((menu.handling, menu.share), (AmdHandling::Person, 1.0), "an agent's work");
        }
        assert!(!AmdRules::OFF.listens() && AmdRules::ALWAYS.acts());
    }
}
