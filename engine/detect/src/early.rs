//! What early media says while a call rings, from its first packet on.
//!
//! ```text
//!  frames before the answer ──> front (tones, speech) ──> ringback · network · voicemail, once
//! ```
//!
//! **Invariants.** Tones alone are believed: ringing in the form of music and announcements without tones say nothing,
//! since neither can be told from the other by ear alone. Nothing here is ever a person: that takes an answer.

use crate::front::{Front, Heard};
use codecs::tones::Signal;

/// Speech before a beep of a mailbox.
const SPEECH_BEFORE_BEEP_MS: u32 = 1_500;

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

/// Listens to one call until it says something. Some 6 KiB.
#[derive(Clone, Default)]
pub struct EarlyEar {
    front: Front,
    speech_ms: u32,
    told: bool,
}

impl EarlyEar {
    /// More samples at 8 kHz; what they say, once.
    pub fn push(&mut self, samples: &[i16]) -> Option<EarlySound> {
        if self.told {
            return None;
        }
        let EarlyEar { front, speech_ms, told } = self;
        let mut sound = None;
        front.push(samples, |heard| match heard {
            Heard::Frame(frame) => *speech_ms = frame.speech_ms,
            Heard::Tone(event) => {
                let said = match event.signal {
                    Signal::Ringback => Some(EarlySound::Ringback),
                    Signal::Sit(_) | Signal::Busy | Signal::Reorder => Some(EarlySound::Network),
                    Signal::Beep if *speech_ms >= SPEECH_BEFORE_BEEP_MS => Some(EarlySound::Voicemail),
                    _ => None,
                };
                sound = sound.or(said);
            }
        });
        *told = sound.is_some();
        sound
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codecs::tones::PLANS;

    fn hear(samples: &[i16]) -> Option<(EarlySound, usize)> {
        let mut ear = EarlyEar::default();
        let told: Vec<(EarlySound, usize)> =
            samples.chunks(160).enumerate().filter_map(|(n, frame)| Some((ear.push(frame)?, n * 20))).collect();
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
}
