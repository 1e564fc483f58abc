//! The detector `classic`: the published rules for the verdict, and the ear of `default` for what comes after it.
//!
//! **Invariants.** From the answer to the verdict nothing but the rules works, at their cost; the net listens after it only.

use crate::after::After;
use crate::decide::{Look, Tuning};
use crate::model::Net;
use crate::{Classic, ClassicConfig, Detector, EarlySound, Listener, Told};
use std::sync::Arc;

/// See the module's head.
#[derive(Clone)]
pub struct Rules {
    rules: Classic,
    listener: Listener,
    tuning: Tuning,
    /// With the time of the verdict, at which the listener begins.
    after: Option<(After, u32)>,
}

impl Rules {
    /// At the answer; the net and its thresholds are for what follows the verdict.
    pub fn new(config: ClassicConfig, net: Arc<Net>, tuning: Tuning) -> Rules {
        let mut listener = Listener::new(net);
        listener.leave_words();
        Rules { rules: Classic::new(config), listener, tuning, after: None }
    }
}

impl Detector for Rules {
    fn push_early(&mut self, samples: &[i16], told: &mut dyn FnMut(EarlySound)) {
        self.listener.push_early(samples, told);
    }

    fn answered(&mut self, _quiet_ms: u32) {
        // The published rules know no time before the answer.
        self.listener.answered(u32::MAX);
    }

    fn push_frame(&mut self, samples: &[i16], told: &mut dyn FnMut(Told)) {
        if self.is_done() {
            return;
        }
        let Rules { rules, listener, tuning, after } = self;
        let Some((after, begun_ms)) = after else {
            if let Some(decision) = rules.push_frame(samples) {
                told(Told::Verdict(decision));
                // The rules keep no count of all speech: up to its end there was at most so much.
                let spoke_ms = decision.utterance_end_ms.unwrap_or(0);
                *after = Some((After::new(decision.verdict, decision.at_ms, spoke_ms, 0, *tuning), decision.at_ms));
            }
            return;
        };
        listener.push_turns(samples, |look, _, _| {
            let later = |ms: u32| if ms == 0 { 0 } else { ms + *begun_ms };
            let look = Look {
                speech_end_ms: later(look.speech_end_ms),
                tone_end_ms: later(look.tone_end_ms),
                at_ms: look.at_ms + *begun_ms,
                ..*look
            };
            after.look(&look, |revision| told(Told::Revision(revision)))
        });
    }

    fn name(&self) -> &'static str {
        "classic"
    }

    fn is_done(&self) -> bool {
        self.after.as_ref().is_some_and(|(after, _)| after.is_done())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Revision, Sign, Verdict};

    #[test]
    fn rules_decide_and_the_ear_hears_on() {
        let tuning = crate::shipped().tuning(crate::model::SHARE_DEFAULT).unwrap();
        let mut rules = Rules::new(ClassicConfig::default(), crate::shipped(), tuning);
        assert_eq!(rules.name(), "classic");
        let beep = |n: usize| ((n as f64 * std::f64::consts::TAU * 1_000.0 / 8_000.0).sin() * 4_000.0) as i16;
        // Words until 4 s, a beep from 5.0 to 5.4 s.
        let samples: Vec<i16> = (0..72_000)
            .map(|n| match n {
                0..32_000 if n % 4_000 < 2_800 => (n * 7_919 % 4_001) as i16 - 2_000,
                40_000..43_200 => beep(n),
                _ => 0,
            })
            .collect();
        let mut all = Vec::new();
        samples.chunks(160).for_each(|frame| rules.push_frame(frame, &mut |told| all.push(told)));
        let Told::Verdict(decision) = all[0] else { panic!("{all:?}") };
        assert_eq!((decision.verdict, decision.cause), (Verdict::Machine, "MAXWORDS"));
        let Told::Revision(Revision { sign: Sign::Beep, at_ms, since_ms }) = all[1] else { panic!("{all:?}") };
        assert!(since_ms.abs_diff(5_400) <= 20 && at_ms < 5_520, "{all:?}");
        assert!(all[2..].iter().all(|told| matches!(told, Told::Revision(_))), "one verdict: {all:?}");
    }
}
