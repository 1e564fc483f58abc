//! Any audio in any portions, for fuzzing and for property tests: bytes become a call, and what must hold for every call
//! is asserted.
//!
//! ```text
//!  bytes ──4 at a time──> silence, noise, tones, a voice, clicks, lost packets ──> Neural, whole and in portions
//! ```

use crate::decide::Look;
use crate::model::SHARE_DEFAULT;
use crate::{Decision, Detector, LISTEN_MAX_MS, Listener, Neural, REVISIONS_MAX, Sign, Told, Verdict, shipped};

/// Longest call that is made: 10 s, longer than a decision takes.
const SAMPLES_MAX: usize = 80_000;

/// The call that `bytes` describe.
pub fn call(bytes: &[u8]) -> Vec<i16> {
    let mut samples = Vec::new();
    let mut state = 1_u32;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from((state >> 16) as i16) / 32_768.0
    };
    for part in bytes.as_chunks::<4>().0 {
        let [kind, pitch, level, length] = part.map(f64::from);
        let level = 32_767.0 * 10_f64.powf(-level / 51.0);
        let count = ((length + 1.0) * 40.0) as usize;
        for n in 0..count {
            let t = n as f64 / 8_000.0;
            let tone = |hz: f64| (std::f64::consts::TAU * hz * t).sin();
            let hz = 60.0 + pitch * 15.0;
            let value = match part[0] % 8 {
                0 => 0.0,
                1 => noise(),
                2 => tone(hz),
                3 => 0.5 * (tone(hz) + tone(hz * (1.1 + kind / 300.0))),
                // A voice: harmonics that swell four times a second.
                4 => {
                    tone(4.0).max(0.0) * (1..8).map(|k| tone(100.0 + pitch + f64::from(k) * hz / 8.0)).sum::<f64>()
                        / 7.0
                }
                5 => f64::from(u8::from(n % 801 == 0)),
                6 => noise().signum(),
                // Every other packet is lost.
                _ => {
                    if n / 160 % 2 == 0 {
                        tone(hz)
                    } else {
                        0.0
                    }
                }
            };
            samples.push((level * value) as i16);
        }
        if samples.len() >= SAMPLES_MAX {
            samples.truncate(SAMPLES_MAX);
            break;
        }
    }
    samples
}

/// Hears the call in portions and checks what holds for all: looks, and what was told.
fn hear(samples: &[i16], portion: usize) -> (Vec<Look>, Vec<Told>) {
    let tuning = shipped().tuning(SHARE_DEFAULT).expect("the net that ships is calibrated");
    let (mut listener, mut detector) = (Listener::new(shipped()), Neural::new(shipped(), tuning));
    let (mut looks, mut all) = (Vec::new(), Vec::new());
    for portion in samples.chunks(portion) {
        listener.push(portion, |look| looks.push(*look));
        let done = detector.is_done();
        detector.push_frame(portion, &mut |told| {
            assert!(!done, "{told:?} after all was told");
            all.push(told);
        });
    }
    let decided = all.iter().position(|told| matches!(told, Told::Verdict(_)));
    for (place, told) in all.iter().enumerate() {
        match told {
            Told::Likely { .. } => {
                assert_eq!(
                    all.iter().position(|told| matches!(told, Told::Likely { .. })),
                    Some(place),
                    "twice: {all:?}"
                );
                assert!(decided.is_none_or(|decided| decided > place), "after the verdict: {all:?}");
            }
            Told::Verdict(_) => assert_eq!(decided, Some(place), "decided twice: {all:?}"),
            Told::Revision(_) => assert!(decided.is_some_and(|decided| decided < place), "before the verdict: {all:?}"),
            Told::Recognised(_) => panic!("nothing is known: {all:?}"),
            Told::Opening(_) => {
                let before = all[..place].iter().filter(|told| matches!(told, Told::Opening(_))).count();
                let at_verdict = place > 0 && matches!(all[place - 1], Told::Verdict(_));
                assert!(before == 0 || before == 1 && !at_verdict, "so far, then whole: {all:?}");
            }
        }
    }
    let decision = all.iter().find_map(|told| if let Told::Verdict(decision) = told { Some(*decision) } else { None });
    later(&all, &looks, decision);
    for (look, n) in looks.iter().zip(1..) {
        assert_eq!(look.at_ms, 20 * n);
        assert!(look.posterior.iter().all(|p| (-1e-6..=1.000_01).contains(p)), "{look:?}");
        assert!((look.posterior.iter().sum::<f32>() - 1.0).abs() < 1e-3, "{look:?}");
        assert!(look.speech_ms <= look.at_ms && look.rest_ms <= look.at_ms && look.speech_end_ms <= look.at_ms);
    }
    if let Some(Decision { verdict, cause, at_ms, utterance_end_ms }) = decision {
        let look = looks[at_ms as usize / 20 - 1];
        let sign = look.tone.is_some();
        match verdict {
            Verdict::Silence => {
                let nobody = look.posterior[4..].iter().sum::<f32>() >= 0.5;
                assert!((look.speech_ms < 120 || nobody) && at_ms >= 6_000, "{look:?}");
            }
            Verdict::Human if cause == "CUT-IN" => assert!(look.cut_in_end_ms > 0, "{look:?}"),
            Verdict::Sit if look.across.is_some_and(|across| across.sit.is_some()) => {}
            Verdict::Fax | Verdict::Sit => assert!(sign, "a tone is told in the very look"),
            _ => assert!(look.speech_ms >= 120, "{verdict:?} {cause} without speech: {look:?}"),
        }
        assert!(at_ms <= 6_000 && utterance_end_ms.is_none_or(|end| end <= at_ms));
    }
    (looks, all)
}

/// What holds for revisions.
fn later(all: &[Told], looks: &[Look], decision: Option<Decision>) {
    let revisions = all.iter().filter_map(|told| if let Told::Revision(it) = told { Some(it) } else { None });
    let (mut count, mut at_ms) = (0, decision.map_or(0, |decision| decision.at_ms));
    for revision in revisions {
        count += 1;
        assert!(revision.since_ms <= revision.at_ms && (at_ms..=LISTEN_MAX_MS).contains(&revision.at_ms), "{all:?}");
        at_ms = revision.at_ms;
        let verdict = decision.map(|decision| decision.verdict);
        let tone = looks[at_ms as usize / 20 - 1].tone.is_some();
        match revision.sign {
            Sign::Beep | Sign::Fax | Sign::Sit(_) => assert!(tone, "a tone is told in the very look: {all:?}"),
            Sign::Machine => assert_eq!(verdict, Some(Verdict::Silence)),
            Sign::Person | Sign::GreetingEnd => assert_ne!(verdict, Some(Verdict::Human), "{all:?}"),
        }
    }
    assert!(count <= REVISIONS_MAX);
}

/// Asserts what holds for every call: no panic, probabilities, no verdict before evidence, one verdict, and the same one
/// for the same samples in any portions.
pub fn listen(bytes: &[u8]) {
    let samples = call(bytes);
    let whole = hear(&samples, 160);
    let odd = 1 + bytes.first().map_or(0, |byte| usize::from(*byte) * 3);
    for portion in [80, 240, odd] {
        let other = hear(&samples, portion);
        assert_eq!(whole.0.len(), other.0.len());
        let same = |(a, b): (&Look, &Look)| a.posterior.map(f32::to_bits) == b.posterior.map(f32::to_bits) && a == b;
        assert!(whole.0.iter().zip(&other.0).all(same), "portions of {portion} changed a bit");
        assert_eq!(whole.1, other.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn any_call_is_heard(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            listen(&bytes);
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test reads the fuzzer's seeds")]
    fn the_seeds_are_heard() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fuzz/seeds/detect");
        let mut seeds = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            listen(&std::fs::read(entry.unwrap().path()).unwrap());
            seeds += 1;
        }
        assert!(seeds >= 4, "{seeds}");
    }

    /// The same samples give the same bits on every machine, in debug and release: what these calls came to with the net
    /// that ships. A new net has new values; the failure prints them.
    #[test]
    fn golden_replay() {
        // Whole numbers only: a platform's sine may differ in its last bit.
        let voice = |n: usize| {
            let pitch = 60 + (n / 1_600 % 5) * 7;
            let swell = ((n % 2_400) as i32 - 1_200).unsigned_abs() as i32;
            ((n % pitch) as i32 * 200 / pitch as i32 - 100) * swell / 12
        };
        let rest = |n: usize| (n * 7_919 % 13) as i32 - 6;
        let speaks =
            |spans: &[(usize, usize)], n: usize| spans.iter().any(|(from, to)| (*from..*to).contains(&(n / 8)));
        let calls: [&[(usize, usize)]; 4] = [
            &[(600, 1_000)],
            &[(300, 5_800), (9_000, 9_400)],
            &[(400, 700), (1_300, 6_500)],
            &[(10_000, 10_001), (10_500, 11_000)],
        ];
        let mut fold = 0_u64;
        let (mut said, mut later) = (Vec::new(), Vec::new());
        for spans in calls {
            let samples: Vec<i16> =
                (0..104_000).map(|n| (if speaks(spans, n) { voice(n) } else { rest(n) }) as i16).collect();
            let (looks, all) = hear(&samples, 160);
            for bits in looks.iter().take(400).flat_map(|look| look.posterior.map(f32::to_bits)) {
                fold = fold.rotate_left(7) ^ u64::from(bits);
            }
            for told in all {
                match told {
                    Told::Likely { at_ms } => later.push(("likely", at_ms)),
                    Told::Verdict(decision) => said.push((decision.verdict.name(), decision.cause, decision.at_ms)),
                    Told::Revision(revision) => later.push((revision.sign.name(), revision.at_ms)),
                    Told::Recognised(_) | Told::Opening(_) => {}
                }
            }
        }
        assert_eq!((said, later, fold), (GOLDEN.0.to_vec(), GOLDEN_LATER.to_vec(), GOLDEN.1));
    }

    const GOLDEN: ([(&str, &str, u32); 4], u64) = (
        [("human", "NET", 1_620), ("ivr", "WORDS-TONE", 2_140), ("human", "NET", 1_300), ("silence", "SILENCE", 6_000)],
        9_093_171_112_942_638_137,
    );
    const GOLDEN_LATER: [(&str, u32); 6] = [
        ("likely", 720),
        ("likely", 420),
        ("greeting_end", 8_280),
        ("person", 9_620),
        ("likely", 520),
        ("person", 11_460),
    ];
}
