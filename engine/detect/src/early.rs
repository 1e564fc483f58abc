//! What is heard before the answer, from the first packet of early media on, and what it means for what follows.
//!
//! ```text
//!  frames before the answer ──> front (tones, speech) ──┬─> ringback · network · voicemail, once
//!                                                       └─> talk that lasts until the answer ──> Across
//! ```
//!
//! **Invariants.** Of tones alone it is said what they are: ringing in the form of music and announcements without tones
//! say nothing, since neither can be told from the other by ear alone. Nothing here is ever a person: that takes an answer.
//! Who goes on across the answer without a rest had not waited for it, so it is no person; ringing and silence before the
//! answer say nothing, and neither does talk that ends with it, as music for the caller does.

use crate::front::FRAME_MS;
use codecs::tones::{Signal, SitReason};

/// Speech before a beep of a mailbox.
const SPEECH_BEFORE_BEEP_MS: u32 = 1_500;
/// Talk before the answer that counts: less may be the answering telephone's click or the person's first breath.
const TALK_LEAST_MS: u32 = 600;
/// A longer rest ends the talk. The way from early media to the jitter buffer of the answered call costs up to 0.1 s.
pub(crate) const TALK_REST_MS: u32 = 300;

/// What was heard before the answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum EarlySound {
    /// The far telephone rings.
    Ringback,
    /// The network says that it will not: special information tones, busy, reorder.
    Network,
    /// A mailbox spoke and beeped.
    Voicemail,
}

/// Talk that began before the answer and has gone on since.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Across {
    /// How long since the answer, in milliseconds.
    pub ms: u32,
    /// Special information tones that were heard before it.
    pub sit: Option<SitReason>,
}

/// Listens until the answer.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Early {
    talk_ms: u32,
    rest_ms: u32,
    sit: Option<SitReason>,
    told: bool,
}

impl Early {
    /// A tone, after so much speech; what it says, once a call.
    pub(crate) fn tone(&mut self, signal: Signal, speech_ms: u32) -> Option<EarlySound> {
        let said = match signal {
            Signal::Ringback => {
                // The call has gone another way.
                self.sit = None;
                EarlySound::Ringback
            }
            Signal::Sit(reason) => {
                self.sit = Some(reason);
                EarlySound::Network
            }
            Signal::Busy | Signal::Reorder => EarlySound::Network,
            Signal::Beep if speech_ms >= SPEECH_BEFORE_BEEP_MS => EarlySound::Voicemail,
            _ => return None,
        };
        let first = !self.told;
        self.told = true;
        first.then_some(said)
    }

    /// 20 ms, with speech or without.
    pub(crate) fn frame(&mut self, speech: bool) {
        self.rest_ms = if speech { 0 } else { self.rest_ms.saturating_add(FRAME_MS) };
        let ends = self.rest_ms > TALK_REST_MS;
        self.talk_ms = if ends { 0 } else { self.talk_ms.saturating_add(FRAME_MS) };
    }

    /// The answer, `quiet_ms` after the last sound that came.
    pub(crate) fn answered(&self, quiet_ms: u32) -> Option<Across> {
        let goes_on = self.rest_ms.saturating_add(quiet_ms) <= TALK_REST_MS;
        (goes_on && self.talk_ms >= TALK_LEAST_MS).then_some(Across { ms: 0, sit: self.sit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Listener;
    use codecs::tones::PLANS;

    fn hear(samples: &[i16]) -> Option<(EarlySound, usize)> {
        let (mut listener, mut told) = (Listener::new(crate::shipped()), Vec::new());
        for (n, frame) in samples.chunks(160).enumerate() {
            listener.push_early(frame, |sound| told.push((sound, n * 20)));
        }
        assert!(told.len() <= 1, "told once: {told:?}");
        told.first().copied()
    }

    #[test]
    fn tones_of_the_plans_are_told_within_two_rounds() {
        let mut known = 0;
        for plan in PLANS {
            let meant = match plan.signal {
                Signal::Ringback => EarlySound::Ringback,
                Signal::Sit(_) | Signal::Busy | Signal::Reorder => EarlySound::Network,
                _ => continue,
            };
            let once = plan.script.render();
            let samples: Vec<i16> = once.iter().copied().cycle().take(once.len() * 3).collect();
            let (sound, at_ms) = hear(&samples).unwrap_or_else(|| panic!("{} is not heard", plan.script.name));
            assert_eq!(sound, meant, "{}", plan.script.name);
            assert!(at_ms <= once.len() / 8 * 2 + 200, "{}: {at_ms} ms", plan.script.name);
            known += 1;
        }
        assert!(known >= 8, "{known}");
    }

    #[test]
    fn silence_noise_and_a_beep_alone_say_nothing() {
        let mut state = 1_u32;
        let mut noise = move |loud: i32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 16) as i16 as i32 * loud / 32_768) as i16
        };
        assert_eq!(hear(&[0; 40_000]), None);
        let steady: Vec<i16> = (0..40_000).map(|_| noise(2_000)).collect();
        assert_eq!(hear(&steady), None);
        let beep = |n: usize| ((n as f64 * std::f64::consts::TAU * 1_000.0 / 8_000.0).sin() * 4_000.0) as i16;
        let alone: Vec<i16> = (0..24_000).map(|n| if (8_000..12_000).contains(&n) { beep(n) } else { 0 }).collect();
        assert_eq!(hear(&alone), None);
        // Syllables for 4 s, then the beep.
        let mailbox: Vec<i16> = (0..56_000)
            .map(|n| match n {
                0..32_000 if n % 4_000 < 2_800 => noise(8_000),
                36_000..40_000 => beep(n),
                _ => 0,
            })
            .collect();
        assert_eq!(hear(&mailbox).map(|(sound, _)| sound), Some(EarlySound::Voicemail));
    }

    /// Looks of a call: `before` until the answer, `quiet_ms` of nothing, then `after`.
    fn looks(before: &[i16], quiet_ms: u32, after: &[i16]) -> Vec<crate::decide::Look> {
        let (mut listener, mut looks) = (Listener::new(crate::shipped()), Vec::new());
        listener.push_early(before, |_| {});
        listener.answered(quiet_ms);
        listener.push(after, |look| looks.push(*look));
        looks
    }

    /// Words without a rest of more than 0.15 s.
    fn talk(ms: usize) -> Vec<i16> {
        (0..ms * 8).map(|n| if n % 4_000 < 2_800 { (n * 7_919 % 8_001) as i16 - 4_000 } else { 0 }).collect()
    }

    #[test]
    fn talk_that_goes_on_across_the_answer_is_known_until_it_rests() {
        let after = [&talk(1_700)[..], &[0; 16_000]].concat();
        let heard = looks(&talk(1_300), 0, &after);
        let across: Vec<u32> = heard.iter().filter_map(|look| look.across).map(|across| across.ms).collect();
        assert!((1_700..=2_200).contains(across.last().unwrap()), "{across:?}");
        assert_eq!(heard[0].at_ms, 20, "times count from the answer");
        for (what, before, quiet_ms) in [
            ("silence", vec![0; 16_000], 0),
            ("a short word", [vec![0; 8_000], talk(300)].concat(), 0),
            ("talk that had ended", [talk(1_300), vec![0; 4_000]].concat(), 0),
            ("nothing that came any more", talk(1_300), 400),
        ] {
            assert!(looks(&before, quiet_ms, &after).iter().all(|look| look.across.is_none()), "{what}");
        }
    }

    #[test]
    fn a_call_that_rang_is_heard_like_one_without_early_media() {
        let ring = PLANS.iter().find(|plan| plan.signal == Signal::Ringback).unwrap().script.render();
        let after = [vec![0; 4_000], talk(600), vec![0; 24_000]].concat();
        let (rang, plain) = (looks(&ring, 0, &after), looks(&[], 0, &after));
        // The first window still holds the end of the ringing.
        let off = |(a, b): (&crate::decide::Look, &crate::decide::Look)| (a.posterior[0] - b.posterior[0]).abs();
        assert!(rang.iter().zip(&plain).skip(5).map(off).fold(0.0, f32::max) < 0.1);
        assert!(rang.iter().zip(&plain).skip(5).all(|(a, b)| a.speech_ms.abs_diff(b.speech_ms) <= 40));
    }

    #[test]
    fn information_tones_before_the_answer_count_until_the_call_goes_another_way() {
        let sit = Signal::Sit(SitReason::VacantCode);
        let talks = |tones: &[Signal]| {
            let mut early = Early::default();
            tones.iter().for_each(|tone| _ = early.tone(*tone, 0));
            (0..50).for_each(|_| early.frame(true));
            early.answered(0).unwrap().sit
        };
        assert_eq!(talks(&[sit]), Some(SitReason::VacantCode));
        assert_eq!(talks(&[sit, Signal::Ringback]), None);
        assert_eq!(talks(&[]), None);
    }
}
