//! `classic` on real voices: is it as good and as bad as the literature says? Both sources are optional.
#![allow(clippy::disallowed_methods)] // tests read files, the room does not

use media::FRAME_SAMPLES;
use media::amd::{Classic, ClassicConfig, Decision, Detector, Verdict};
use std::path::{Path, PathBuf};

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

#[test]
fn telephone_voices_are_judged_as_the_literature_says() {
    let Some(folder) = std::env::var_os("OUTPACE_SPEECH_DIR").map(PathBuf::from) else {
        println!("OUTPACE_SPEECH_DIR is not set: real voices not judged");
        return;
    };
    let (mut people, mut lost, mut machines, mut caught) = (0, 0, 0, 0);
    let mut greeting: Vec<i16> = Vec::new();
    for (path, word) in clips(&folder, 2) {
        let bytes = std::fs::read(&path).expect("a clip of the table");
        let samples = codecs::file::read(&bytes).expect("a clip that can be read");
        let voice = trimmed(&samples);
        if word {
            // A person: half a second, one word, and then they wait.
            people += 1;
            let call = [&noise(500)[..], voice, &noise(4_000)].concat();
            lost += usize::from(decide(&call).verdict != Verdict::Human);
        } else {
            // A machine: sentences without a rest, until there are six seconds of them.
            greeting.extend(voice);
            greeting.extend(noise(200));
            if greeting.len() >= 6 * 8_000 {
                machines += 1;
                let call = [&noise(600)[..], &greeting].concat();
                caught += usize::from(decide(&call).verdict == Verdict::Machine);
                greeting.clear();
            }
        }
    }
    let (lost_share, caught_share) =
        (f64::from(lost as u32) / f64::from(people), f64::from(caught as u32) / f64::from(machines));
    println!(
        "people lost {lost} of {people} ({lost_share:.2}), machines caught {caught} of {machines} ({caught_share:.2})"
    );
    assert!(people >= 50 && machines >= 5, "{people} people, {machines} machines");
    // Published for one word at the defaults: about a quarter; for running greetings: nearly all.
    assert!((0.02..=0.55).contains(&lost_share), "{lost_share}");
    assert!(caught_share >= 0.8, "{caught_share}");
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
