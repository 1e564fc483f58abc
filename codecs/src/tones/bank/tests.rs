use super::*;
use crate::g711::Law;
use crate::spectrum::Analyser;
use crate::tones::*;

/// Noise by Numerical Recipes' generator, about `level` of mean absolute sample.
struct Noise(u32);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from((self.0 >> 16) as i16) / 32_768.0
    }
}

fn quiet(ms: u32) -> Vec<i16> {
    vec![0; ms as usize * 8]
}

/// As it arrives: `gain_db`, noise `snr_db` below full-scale tone level, through a law.
fn channel(samples: &[i16], gain_db: f64, noise: f64, law: Law) -> Vec<i16> {
    let (gain, mut random) = (10_f64.powf(gain_db / 20.0), Noise(7));
    let heard = samples.iter().map(|sample| (f64::from(*sample) * gain + noise * random.next()) as i16);
    heard.map(|sample| law.decode(law.encode(sample))).collect()
}

fn hear(samples: &[i16]) -> Vec<ToneEvent> {
    let (mut analyser, mut bank) = (Analyser::new(), ToneBank::new());
    samples.as_chunks().0.iter().filter_map(|hop| bank.hop(analyser.hop(hop))).collect()
}

fn signals(samples: &[i16]) -> Vec<Signal> {
    hear(samples).iter().map(|event| event.signal).collect()
}

fn played(script: &ToneScript, times: usize) -> Vec<i16> {
    [quiet(300), script.render().repeat(times), quiet(300)].concat()
}

/// Levels from -3 to -24 dB under the table's own, both laws, with line noise 40 dB under full scale and without.
fn everywhere(samples: &[i16], check: impl Fn(&[ToneEvent], &str)) {
    for law in [Law::Mu, Law::A] {
        for gain_db in [0.0, -8.0, -14.0] {
            for noise in [0.0, 60.0] {
                let events = hear(&channel(samples, gain_db, noise, law));
                check(&events, &format!("{law:?} {gain_db} dB, noise {noise}: {events:?}"));
            }
        }
    }
}

#[test]
fn every_special_information_tone_has_its_meaning() {
    for plan in PLANS.iter().filter(|plan| matches!(plan.signal, Signal::Sit(_))) {
        everywhere(&played(plan.script, 1), |events, how| {
            assert_eq!(events.len(), 1, "{} {how}", plan.script.name);
            assert_eq!((events[0].signal, events[0].plan), (plan.signal, Some(plan.script.name)), "{how}");
            assert!(events[0].start_ms.abs_diff(300) <= 15, "{how}");
        });
    }
    assert!(SitReason::VacantCode.number_is_dead() && !SitReason::NoCircuit.number_is_dead());
}

#[test]
fn every_rhythm_of_the_table_is_known_by_its_signal() {
    let rhythms = [Signal::Ringback, Signal::Busy, Signal::Reorder];
    for plan in PLANS.iter().filter(|plan| rhythms.contains(&plan.signal)) {
        everywhere(&played(plan.script, 4), |events, how| {
            let first = events.iter().find(|event| event.signal != Signal::Beep);
            assert_eq!(first.map(|event| event.signal), Some(plan.signal), "{} {how}", plan.script.name);
        });
    }
    let american = hear(&played(&RINGBACK_US, 1));
    assert_eq!(american[0].plan, Some("ringback-us"));
    assert!(american[0].at_ms <= 300 + 760, "while it sounds: {american:?}");
    let waiting = hear(&played(&CALL_WAITING_US, 2));
    assert_eq!(waiting.iter().map(|event| event.signal).collect::<Vec<_>>(), [Signal::Beep, Signal::CallWaiting]);
}

fn beep(hz: f64, ms: u32) -> Vec<i16> {
    let segment = Segment { frequencies_hz: [hz, 0.0], duration_ms: ms, level_dbm0: -12.0 };
    let script = ToneScript { name: "beep", segments: vec![segment].into(), repeats: false };
    [quiet(300), script.render(), quiet(300)].concat()
}

#[test]
fn beeps_of_all_pitches_and_lengths() {
    for hz in [425.0, 440.0, 500.0, 620.0, 800.0, 950.0, 1_000.0, 1_050.0, 1_200.0, 1_400.0, 1_633.0, 2_000.0] {
        for ms in [70, 100, 150, 250, 400, 650] {
            everywhere(&beep(hz, ms), |events, how| {
                assert_eq!(events.len(), 1, "{hz} {ms} {how}");
                assert_eq!(events[0].signal, Signal::Beep, "{hz} {ms} {how}");
                assert!((events[0].frequency_hz - hz as f32).abs() < 4.0, "{hz} {how}");
                let end_ms = 300 + ms;
                assert!(events[0].end_ms.abs_diff(end_ms) <= 20, "{hz} {ms} {how}");
                assert!(events[0].at_ms <= end_ms + 90, "{hz} {ms} {how}");
            });
        }
    }
    for ms in [1_000, 1_500] {
        assert_eq!(signals(&beep(1_000.0, ms)), [Signal::Beep]);
    }
}

#[test]
fn double_and_stepped_beeps() {
    let segment = |hz: [f64; 2], duration_ms| Segment { frequencies_hz: hz, duration_ms, level_dbm0: -14.0 };
    let dual = ToneScript { name: "dual", segments: vec![segment([800.0, 1_000.0], 400)].into(), repeats: false };
    assert_eq!(signals(&played(&dual, 1)), [Signal::Beep]);
    let step = vec![segment([1_000.0, 0.0], 200), segment([800.0, 0.0], 200)];
    let step = ToneScript { name: "step", segments: step.into(), repeats: false };
    let events = hear(&played(&step, 1));
    assert_eq!(events.len(), 1, "{events:?}");
    assert!((events[0].frequency_hz - 800.0).abs() < 4.0, "the end of it");
}

#[test]
fn pressed_keys_are_no_beeps() {
    let key = |low, high| {
        let segment = Segment { frequencies_hz: [low, high], duration_ms: 100, level_dbm0: -14.0 };
        ToneScript { name: "key", segments: vec![segment].into(), repeats: false }
    };
    for (low, high) in [(770.0, 1_209.0), (697.0, 1_477.0), (941.0, 1_336.0)] {
        assert_eq!(signals(&played(&key(low, high), 1)), []);
    }
    assert_eq!(signals(&played(&key(800.0, 1_100.0), 1)), [Signal::Beep], "what is no key is one");
}

#[test]
fn faxes_answering_calling_and_talking() {
    everywhere(&played(&FAX_CED, 1), |events, how| {
        assert_eq!(events.first().map(|event| event.signal), Some(Signal::FaxCed), "{how}");
        assert!(events[0].at_ms <= 300 + 450, "{how}");
    });
    everywhere(&played(&FAX_CNG, 2), |events, how| {
        assert_eq!(events.iter().map(|event| event.signal).collect::<Vec<_>>(), [Signal::FaxCng; 2], "{how}");
    });
    // ANSam: the answer tone with its level moved by a fifth 15 times a second, its phase turned every 450 ms.
    let mut ansam = quiet(300);
    for n in 0..3 * 8_000 {
        let t = f64::from(n) / 8_000.0;
        let turn = if (n / 3_600) % 2 == 1 { -1.0 } else { 1.0 };
        let level = 4_000.0 * (1.0 + 0.2 * (std::f64::consts::TAU * 15.0 * t).sin());
        ansam.push((turn * level * (std::f64::consts::TAU * 2_100.0 * t).sin()) as i16);
    }
    everywhere(&ansam, |events, how| {
        assert!(events.iter().any(|event| event.signal == Signal::FaxAnsam), "{how}");
        assert!(events.iter().all(|event| event.signal.is_fax()), "{how}");
    });
    // V.21: flags as the preamble has them, and random bits as a message has.
    for random in [false, true] {
        let (mut phase, mut noise, mut samples) = (0.0_f64, Noise(3), quiet(300));
        for n in 0..12_000 {
            let bit = n * 300 / 8_000;
            let one = if random {
                noise.0 = 1 + bit as u32;
                (0..4).for_each(|_| _ = noise.next());
                noise.next() > 0.0
            } else {
                !matches!(bit % 8, 0 | 7)
            };
            phase += std::f64::consts::TAU * if one { 1_650.0 } else { 1_850.0 } / 8_000.0;
            samples.push((3_000.0 * phase.sin()) as i16);
        }
        everywhere(&samples, |events, how| {
            assert_eq!(events.iter().map(|e| e.signal).collect::<Vec<_>>(), [Signal::FaxV21], "{random} {how}");
        });
    }
}

#[test]
fn a_lost_packet_inside_a_beep_is_bridged() {
    let mut samples = beep(1_000.0, 400);
    samples[(300 + 200) * 8..(300 + 220) * 8].fill(0);
    let events = hear(&samples);
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(events[0].end_ms - events[0].start_ms > 380, "{events:?}");
}

#[test]
fn a_burst_of_1100_hz_after_a_voice_is_a_beep() {
    let mut noise = Noise(5);
    let voice: Vec<i16> = (0..8_000).map(|_| (3_000.0 * noise.next()) as i16).collect();
    let samples = [voice, beep(1_100.0, 500)].concat();
    assert_eq!(signals(&samples), [Signal::Beep]);
    assert_eq!(signals(&beep(1_100.0, 500)), [Signal::FaxCng]);
}

#[test]
fn noise_silence_and_clicks_are_no_tones() {
    let mut random = Noise(11);
    let noise: Vec<i16> = (0..160_000).map(|_| (8_000.0 * random.next()) as i16).collect();
    assert_eq!(signals(&noise), []);
    assert_eq!(signals(&quiet(20_000)), []);
    let clicks: Vec<i16> = (0..80_000).map(|n| if n % 4_000 == 0 { 20_000 } else { 0 }).collect();
    assert_eq!(signals(&clicks), []);
}
