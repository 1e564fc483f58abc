//! `classic` on real voices: is it as good and as bad as the literature says? Both sources are optional.
#![allow(clippy::disallowed_methods)] // tests read files, the room does not

use detect::{Classic, ClassicConfig, Decision, Verdict};
use std::path::{Path, PathBuf};

/// One frame of 20 ms.
const FRAME_SAMPLES: usize = 160;

fn decide(samples: &[i16]) -> Decision {
    let mut detector = Classic::new(ClassicConfig::default());
    let decision = samples.chunks_exact(FRAME_SAMPLES).find_map(|frame| detector.push_frame(frame));
    decision.unwrap_or_else(|| detector.at_deadline())
}

/// Line noise of about -60 dBov; a generator with Numerical Recipes' constants.
fn noise(ms: usize) -> Vec<i16> {
    let mut state = 9_u32;
    (0..ms * 8)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 27) as i16 - 16
        })
        .collect()
}

/// Cuts the quiet in front of and behind a voice away (frames below the detector's own threshold).
fn trimmed(samples: &[i16]) -> &[i16] {
    let loud = |frame: &[i16]| codecs::energy::mean_absolute(frame) >= 256;
    let frames: Vec<bool> = samples.chunks_exact(FRAME_SAMPLES).map(loud).collect();
    let first = frames.iter().position(|loud| *loud).unwrap_or(0);
    let last = frames.iter().rposition(|loud| *loud).unwrap_or(0);
    &samples[first * FRAME_SAMPLES..((last + 1) * FRAME_SAMPLES).min(samples.len())]
}

/// File and whether it is one word, of every `step`th clip of the held-out speakers.
fn clips(folder: &Path, step: usize) -> Vec<(PathBuf, bool)> {
    let table = std::fs::read_to_string(folder.join("speech.csv")).expect("speech.csv");
    let rows = table.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    let val = rows.filter(|row| row.len() > 8 && row[2] == "wuw" && row[4] == "val");
    val.step_by(step).map(|row| (folder.join(row[0]), row[8] == "word")).collect()
}

/// Calls of one kind: how many, and how many of them were taken for machines.
#[derive(Default)]
struct Tally {
    calls: u32,
    machines: u32,
}

impl Tally {
    fn judge(&mut self, call: &[&[i16]]) {
        self.calls += 1;
        self.machines += u32::from(decide(&call.concat()).verdict == Verdict::Machine);
    }

    fn share(&self) -> f64 {
        f64::from(self.machines) / f64::from(self.calls.max(1))
    }
}

#[test]
fn telephone_voices_are_judged_as_the_literature_says() {
    let Some(folder) = std::env::var_os("OUTPACE_SPEECH_DIR").filter(|f| !f.is_empty()).map(PathBuf::from) else {
        println!("OUTPACE_SPEECH_DIR is not set: real voices not judged");
        return;
    };
    let (mut word, mut double, mut sentence, mut slow, mut machine) =
        (Tally::default(), Tally::default(), Tally::default(), Tally::default(), Tally::default());
    let (pause, wait) = (noise(500), noise(4_000));
    let mut greeting: Vec<i16> = Vec::new();
    let mut before: Vec<i16> = Vec::new();
    for (path, is_word) in clips(&folder, 2) {
        let bytes = std::fs::read(&path).expect("a clip of the table");
        let samples = codecs::file::read(&bytes).expect("a clip that can be read");
        let voice = trimmed(&samples);
        if is_word {
            word.judge(&[&pause, voice, &wait]);
            slow.judge(&[&noise(3_000), voice, &wait]);
            if !before.is_empty() {
                double.judge(&[&pause, &before, &noise(300), voice, &wait]);
            }
            before = voice.to_vec();
        } else {
            sentence.judge(&[&pause, voice, &wait]);
            // A machine speaks without a rest: sentences until there are six seconds of them.
            greeting.extend(voice);
            greeting.extend(noise(200));
            if greeting.len() >= 6 * 8_000 {
                machine.judge(&[&pause, &greeting]);
                greeting.clear();
            }
        }
    }
    // The mix of first utterances that answer-detection studies use, with 8 % who answer slowly.
    let lost = 0.92 * (0.60 * word.share() + 0.12 * double.share() + 0.28 * sentence.share()) + 0.08 * slow.share();
    for (name, tally) in [
        ("one word", &word),
        ("two words", &double),
        ("a sentence", &sentence),
        ("slow answer", &slow),
        ("running greeting", &machine),
    ] {
        println!("{name}: {} of {} called machine ({:.2})", tally.machines, tally.calls, tally.share());
    }
    println!("people lost in the mix: {lost:.2}");
    assert!(word.calls >= 50 && sentence.calls >= 50 && machine.calls >= 5, "too few clips");
    assert!(word.share() < double.share() && double.share() < sentence.share(), "more words, more lost");
    // People at the defaults: 15 to 45 % by the studies; running greetings: nearly all caught.
    assert!((0.15..=0.45).contains(&lost), "{lost}");
    assert_eq!(slow.share(), 1.0, "3 s of quiet are INITIALSILENCE, as published");
    assert!(machine.share() >= 0.8);
}

#[test]
fn a_voicemail_announcement_is_a_machine() {
    let folder = Path::new("/usr/share/asterisk/sounds/en_US_f_Allison");
    let mut heard = 0;
    for name in ["vm-intro.wav", "vm-theperson.wav", "vm-goodbye.wav"] {
        let Ok(bytes) = std::fs::read(folder.join(name)) else { continue };
        let samples = codecs::wav::read(&bytes).expect("a prompt of the package can be read");
        let call = [&noise(500)[..], &samples, &noise(3_000)].concat();
        let decision = decide(&call);
        println!("{name}: {decision:?}");
        heard += 1;
        if name == "vm-intro.wav" {
            assert_eq!(decision.verdict, Verdict::Machine);
        }
    }
    if heard == 0 {
        println!("asterisk-core-sounds-en-wav is not installed: its announcements not judged");
    }
}
