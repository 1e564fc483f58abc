use super::*;
use crate::{Detector, Neural, Told};
use std::sync::Arc;

/// A voice that nobody has: syllables of harmonics whose pitch and colour follow from `who`.
fn voice(who: u32, ms: usize, gain: f64) -> Vec<i16> {
    let mut state = who.wrapping_mul(2_654_435_761).max(1);
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        f64::from(state) / f64::from(u32::MAX)
    };
    let mut samples = Vec::new();
    while samples.len() < ms * 8 {
        let (pitch, glide) = (90.0 + 120.0 * random(), 40.0 * random() - 20.0);
        let formants = [300.0 + 600.0 * random(), 900.0 + 1_300.0 * random(), 2_200.0 + 900.0 * random()];
        let count = 800 + (1_200.0 * random()) as usize;
        let mut phase = 0.0_f64;
        for n in 0..count {
            let along = n as f64 / count as f64;
            phase += (pitch + glide * along) / 8_000.0;
            let sum: f64 = (1..20)
                .map(|k| {
                    let hz = f64::from(k) * pitch;
                    let near = formants.iter().map(|f| (-((hz - f) / 150.0).powi(2)).exp()).sum::<f64>() + 0.02;
                    near * (std::f64::consts::TAU * phase * f64::from(k)).sin()
                })
                .sum();
            samples.push((gain * 3_000.0 * sum * (std::f64::consts::PI * along).sin().sqrt()) as i16);
        }
    }
    samples
}

/// The opening of a call that begins with so much quiet.
fn opening(quiet_ms: usize, samples: &[i16]) -> Option<Opening> {
    let mut detector = Neural::new(crate::shipped(), crate::decide::Tuning::with(2.0, 2.0));
    let mut found = None;
    let call = [&vec![0; quiet_ms * 8][..], samples].concat();
    call.chunks(160).for_each(|frame| {
        detector.push_frame(frame, &mut |told| {
            if let Told::Opening(opening) = told {
                found = Some(opening);
            }
        });
    });
    found
}

fn noisy(samples: &[i16]) -> Vec<i16> {
    samples.iter().enumerate().map(|(n, sample)| sample / 3 + (n * 7_919 % 41) as i16 - 20).collect()
}

#[test]
fn the_same_words_are_alike_and_others_are_not() {
    let first = opening(400, &voice(1, 4_000, 1.0)).unwrap();
    let again = opening(713, &noisy(&voice(1, 4_000, 1.0))).unwrap();
    assert!(first.likeness(&again) > 1.5 * SAME, "{}", first.likeness(&again));
    // The first 200 ms are lost.
    let cut = opening(0, &voice(1, 4_000, 0.5)[1_600..]).unwrap();
    assert!(first.likeness(&cut) > 1.2 * SAME, "{}", first.likeness(&cut));
    for who in 2..40 {
        let other = opening(400, &voice(who, 4_000, 1.0)).unwrap();
        assert!(first.likeness(&other) < SAME, "{who}: {}", first.likeness(&other));
    }
}

#[test]
fn a_word_and_a_tone_are_no_opening() {
    let word = [&voice(5, 500, 1.0)[..], &[0; 24_000]].concat();
    assert_eq!(opening(300, &word), None);
    let ringing: Vec<i16> = (0..32_000)
        .map(|n| ((f64::from(n) * 0.345).sin() * 3_000.0 + (f64::from(n) * 0.377).sin() * 3_000.0) as i16)
        .collect();
    assert_eq!(opening(300, &ringing), None);
}

#[test]
fn three_numbers_make_a_recording_and_calls_are_held_against_it() {
    let (mut learner, greeting) = (Learner::default(), voice(7, 4_000, 1.0));
    let said = |quiet_ms| opening(quiet_ms, &greeting).unwrap();
    assert!(!learner.heard("1", &said(300), Some(Verdict::Screening)));
    assert!(!learner.heard("1", &said(420), Some(Verdict::Machine)), "the same number again");
    assert!(!learner.heard("2", &said(310), Some(Verdict::Screening)));
    assert!(!learner.heard("3", &opening(300, &voice(8, 4_000, 1.0)).unwrap(), None), "another greeting");
    assert!(learner.heard("3", &said(505), None));
    assert_eq!(
        (learner.known().len(), learner.known().find(&said(77)).map(Recording::verdict)),
        (1, Some(Verdict::Screening))
    );
    assert!(!learner.heard("4", &said(300), None), "known already");

    let known = Arc::new(learner.known().clone());
    let call = [&[0; 4_000][..], &noisy(&greeting)].concat();
    let mut detector = Neural::knowing(crate::shipped(), crate::decide::Tuning::with(2.0, 2.0), known);
    let mut verdict = None;
    call.chunks(160).for_each(|frame| {
        detector.push_frame(frame, &mut |told| {
            if let Told::Verdict(decision) = told {
                verdict = Some(decision);
            }
        });
    });
    let decision = verdict.unwrap();
    assert_eq!((decision.verdict, decision.cause), (Verdict::Screening, "RECORDING"));
    assert!(decision.at_ms <= 500 + 2_000, "{decision:?}");
}

#[test]
fn calls_that_are_hung_up_on_at_the_verdict_teach_as_well() {
    // Takes whatever has spoken by then for a machine.
    let eager = crate::decide::Tuning { earliest_ms: 2_000, ..crate::decide::Tuning::with(2.0, 0.0) };
    let greeting = voice(7, 4_000, 1.0);
    let cut = |quiet_ms: usize| {
        let (mut detector, mut told_then) = (Neural::new(crate::shipped(), eager), Vec::new());
        let call = [&vec![0; quiet_ms * 8][..], &greeting].concat();
        for frame in call.chunks(160) {
            detector.push_frame(frame, &mut |told| told_then.push(told));
            if told_then.iter().any(|told| matches!(told, Told::Verdict(_))) {
                break;
            }
        }
        let [.., Told::Verdict(decision), Told::Opening(opening)] = told_then[..] else { panic!("{told_then:?}") };
        assert_eq!((crate::print::is_recording(decision.verdict), decision.at_ms), (true, 2_000), "{decision:?}");
        opening
    };
    let short = cut(300);
    assert!((80..95).contains(&short.length()), "{}", short.length());
    let whole = opening(300, &greeting).unwrap();
    assert!(short.likeness(&whole) > SAME && whole.length() > 150, "{}", short.likeness(&whole));
    let mut learner = Learner::default();
    assert!(!learner.heard("1", &short, Some(Verdict::Machine)) && !learner.heard("2", &cut(420), None));
    assert!(learner.heard("3", &cut(360), Some(Verdict::Machine)));
    // What was said until then is enough to know it by, whoever's call begins earlier.
    let known = Arc::new(learner.known().clone());
    for quiet_ms in [0, 300, 700] {
        let mut detector = Neural::knowing(crate::shipped(), crate::decide::Tuning::with(2.0, 2.0), Arc::clone(&known));
        let (call, mut all) = ([&vec![0; quiet_ms * 8][..], &noisy(&greeting)].concat(), Vec::new());
        call.chunks(160).for_each(|frame| detector.push_frame(frame, &mut |told| all.push(told)));
        all.retain(|told| !matches!(told, Told::Likely { .. }));
        let [Told::Recognised(met), Told::Verdict(decision), ..] = all[..] else { panic!("{all:?}") };
        assert_eq!(Some(met), learner.known().last().map(Recording::met));
        assert_eq!((decision.cause, decision.at_ms <= quiet_ms as u32 + 2_000), ("RECORDING", true), "{decision:?}");
        let again = all.iter().filter(|told| matches!(told, Told::Recognised(_))).count();
        assert_eq!(again, 1, "once a call: {all:?}");
    }
    // Of a call that was heard longer the longer opening is what is learnt.
    let mut learner = Learner::default();
    for (number, opening) in [("1", &short), ("2", &whole)] {
        assert!(!learner.heard(number, opening, None));
    }
    assert!(learner.heard("3", &short, None));
    assert_eq!(learner.known().last().map(|known| known.opening().length()), Some(whole.length()));
}

#[test]
fn little_speech_must_agree_better_and_next_to_none_says_nothing() {
    let mut state = 7_u32;
    let mut word = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as u16
    };
    let whole = Opening { prints: std::array::from_fn(|_| word()), clear: [u16::MAX; OPENING_FRAMES] };
    let of = |frames: usize| {
        let mut short = whole;
        short.clear[frames..].fill(0);
        short.likeness(&whole)
    };
    // All bits agree: 16 a frame, of which each is a toss.
    let tosses = |frames: usize| (16.0 * frames as f32).sqrt();
    assert!((of(SPOKEN_LEAST) - tosses(SPOKEN_LEAST)).abs() < 1e-3, "{}", of(SPOKEN_LEAST));
    assert!((of(SPOKEN_FIRST) - tosses(SPOKEN_FIRST) * SAME / SAME_SOON).abs() < 1e-3, "{}", of(SPOKEN_FIRST));
    assert!(of(SPOKEN_FIRST - 1) < SAME, "{}", of(SPOKEN_FIRST - 1));
}

#[test]
fn what_waits_for_its_like_is_bounded_and_the_oldest_goes() {
    let mut learner = Learner::default();
    let mut state = 1_u16;
    let mut any = || {
        let prints = std::array::from_fn(|_| {
            state ^= state << 7;
            state ^= state >> 9;
            state ^= state << 8;
            state
        });
        Opening { prints, clear: [u16::MAX; OPENING_FRAMES] }
    };
    let first = any();
    assert!(!learner.heard("1", &first, None) && !learner.heard("2", &first, None));
    for number in 0..CANDIDATES_MAX as u64 {
        assert!(!learner.heard(&number.to_string(), &any(), None));
    }
    assert_eq!(learner.candidates.len(), CANDIDATES_MAX);
    assert!(!learner.heard("3", &first, None), "forgotten");
}

#[test]
fn a_file_is_read_back_and_damage_is_seen() {
    let mut learner = Learner::default();
    for who in 1..4 {
        let said = opening(300, &voice(who, 4_000, 1.0)).unwrap();
        assert!((0..3).any(|number| learner.heard(&number.to_string(), &said, Some(Verdict::Ivr))));
    }
    let (known, text) = (learner.known(), learner.known().to_text());
    assert_eq!((known.len(), Recordings::from_text(&text).as_ref()), (3, Ok(known)));
    assert_eq!(Recordings::from_text(""), Err(Refused::Kind));
    assert_eq!(Recordings::from_text(&text.replace("recordings 1", "recordings 9")), Err(Refused::Kind));
    assert_eq!(Recordings::from_text(&text.replace("ivr", "human")), Err(Refused::Line(3)), "never a person");
    assert_eq!(Recordings::from_text(&text.replacen("ivr", "machine", 1)), Err(Refused::Hash));
    assert_eq!(Recordings::from_text(&text[..text.len() - 9]), Err(Refused::Line(5)));
    let many = text.clone() + &text.lines().last().map(|line| format!("{line}\n")).unwrap().repeat(RECORDINGS_MAX);
    assert_eq!(Recordings::from_text(&many), Err(Refused::Length));
    assert_eq!(Recordings::from_text(&Recordings::default().to_text()), Ok(Recordings::default()));
    // One by one, as a store keeps them; and one is forgotten.
    let lines: Vec<String> = known.list.iter().map(Recording::to_line).collect();
    assert_eq!(&Recordings::of(lines.iter().filter_map(|line| Recording::from_line(line))), known);
    assert_eq!(Recording::from_line(&lines[0].replace("ivr", "human")), None, "never a person");
    let (first, last) = (known.list[0].id(), known.last().map(Recording::id));
    assert!(last.is_some_and(|last| last != first), "a name each");
    let mut learner = learner.clone();
    assert!(learner.forget(&first) && !learner.forget(&first));
    assert_eq!(learner.known().len(), 2);
}

/// The same bits on every machine, in debug and release: whole numbers only, since a platform's sine may differ in its last
/// bit. Other bands or limits give another value, and files of recordings another first line.
#[test]
fn golden_fingerprint() {
    let voice = |n: usize| {
        let period = 40 + n / 400 * 29 % 47;
        (n % period * 4_000 / period) as i16 - 2_000
    };
    let said: Vec<i16> = (0..32_000).map(|n| if n % 4_000 < 3_200 { voice(n) } else { 0 }).collect();
    let (mut learner, opening) = (Learner::default(), opening(300, &said).unwrap());
    assert!(["a", "b", "c"].iter().any(|number| learner.heard(number, &opening, None)));
    assert_eq!(learner.known().hash(), "8a110b3e09ed98ad");
}
