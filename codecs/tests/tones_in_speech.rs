//! How often does the bank hear tones where people talk? Real telephone voices; the data is optional.

#![allow(clippy::disallowed_methods)] // tests read files, the room does not

use codecs::spectrum::Analyser;
use codecs::tones::Signal;
use codecs::tones::bank::ToneBank;
use std::collections::BTreeMap;
use std::path::PathBuf;

#[test]
fn real_voices_are_no_tones() {
    let Some(folder) = std::env::var_os("OUTPACE_SPEECH_DIR").filter(|f| !f.is_empty()).map(PathBuf::from) else {
        println!("OUTPACE_SPEECH_DIR is not set: the bank is not tried on real voices");
        return;
    };
    let table = std::fs::read_to_string(folder.join("speech.csv")).expect("speech.csv");
    let mut found: BTreeMap<&str, u32> = BTreeMap::new();
    let (mut clips, mut samples) = (0_u32, 0_usize);
    for row in table.lines().skip(1) {
        let bytes = std::fs::read(folder.join(row.split(',').next().expect("a file"))).expect("a clip of the table");
        let voice = codecs::file::read(&bytes).expect("a clip that can be read");
        let (mut analyser, mut bank) = (Analyser::new(), ToneBank::new());
        for hop in voice.as_chunks().0 {
            if let Some(event) = bank.hop(analyser.hop(hop)) {
                *found.entry(event.signal.name()).or_default() += 1;
                if event.signal != Signal::Beep {
                    println!("{row}: {event:?}");
                }
            }
        }
        clips += 1;
        samples += voice.len();
    }
    println!("{clips} clips, {:.2} h: {found:?}", samples as f64 / 8_000.0 / 3_600.0);
    assert!(clips >= 2_000, "too few clips");
    // Special information and fax tones end a call for the number: not one in all these voices.
    for signal in ["sit", "ced", "ansam", "v21", "cng"] {
        assert_eq!(found.get(signal), None, "{signal}");
    }
    let beeps = f64::from(found.get("beep").copied().unwrap_or(0)) / f64::from(clips);
    assert!(beeps <= 0.002, "a beep in {beeps} of the clips");
}
