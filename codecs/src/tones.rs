//! Call-progress tones as scripts of segments, what each of them says, and the bank that hears them all.
//!
//! One table ([`PLANS`]) serves the mouth and the ear: [`ToneScript::render`] plays an entry, [`bank::ToneBank`]
//! recognises it. What no plan fixes (beeps, faxes, special information tones) the bank knows by rules of its own.

pub mod bank;
mod lines;
mod plans;

pub use plans::{PLANS, Plan, Signal, SitReason};

use crate::limits::RATE_HZ;
use std::borrow::Cow;
use std::f64::consts::{SQRT_2, TAU};

/// Level of a full-scale sine: +3.14 dBm0 (A-law; mu-law's 3.17 differs by less than rounding), ITU-T G.711.
#[expect(clippy::approx_constant, reason = "a level, not a circle")]
const FULL_SCALE_DBM0: f64 = 3.14;

/// One piece of a tone: up to two sines, or silence, for a time.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Segment {
    /// Frequencies in Hz, each at `level_dbm0`; 0.0 stands for none.
    pub frequencies_hz: [f64; 2],
    /// How long, in milliseconds.
    pub duration_ms: u32,
    /// Level of each sine in dBm0.
    pub level_dbm0: f64,
}

/// A tone as the network plays it.
#[derive(Clone, PartialEq, Debug)]
pub struct ToneScript {
    /// What it is called, for reports.
    pub name: &'static str,
    /// Pieces in order.
    pub segments: Cow<'static, [Segment]>,
    /// True when the network repeats it until the call ends.
    pub repeats: bool,
}

const fn tone(frequency_hz: f64, duration_ms: u32, level_dbm0: f64) -> Segment {
    Segment { frequencies_hz: [frequency_hz, 0.0], duration_ms, level_dbm0 }
}
const fn pair(first_hz: f64, second_hz: f64, duration_ms: u32, level_dbm0: f64) -> Segment {
    Segment { frequencies_hz: [first_hz, second_hz], duration_ms, level_dbm0 }
}
const fn silence(duration_ms: u32) -> Segment {
    Segment { frequencies_hz: [0.0; 2], duration_ms, level_dbm0: 0.0 }
}

/// Bellcore's special information tones differ in pitch and length of their first two parts, which is how machines
/// read the reason (GR-1162, ANSI T1.401): short is 274 ms, long is 380 ms, the third part is always 1,776.7 Hz long.
const fn sit(first_hz: f64, first_ms: u32, second_hz: f64, second_ms: u32) -> [Segment; 3] {
    const LEVEL: f64 = -24.0; // ITU-T E.180: -24 dBm0 ± 1.5
    [tone(first_hz, first_ms, LEVEL), tone(second_hz, second_ms, LEVEL), tone(1_776.7, LONG, LEVEL)]
}
const SHORT: u32 = 274;
const LONG: u32 = 380;
const LOW_1: f64 = 913.8;
const HIGH_1: f64 = 985.2;
const LOW_2: f64 = 1_370.6;
const HIGH_2: f64 = 1_428.5;

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $repeats:literal, $segments:expr;)+) => {$(
        $(#[$doc])*
        pub const $name: ToneScript = ToneScript {
            name: $text,
            segments: Cow::Borrowed(const { &$segments }),
            repeats: $repeats,
        };
    )+};
}

scripts! {
    /// SIT intercept: the number has been changed or is out of service.
    SIT_INTERCEPT = "sit-intercept", false, sit(LOW_1, SHORT, LOW_2, SHORT);
    /// SIT vacant code: no such number.
    SIT_VACANT_CODE = "sit-vacant-code", false, sit(HIGH_1, LONG, LOW_2, SHORT);
    /// SIT reorder inside the local network: all paths busy.
    SIT_REORDER = "sit-reorder", false, sit(LOW_1, SHORT, HIGH_2, LONG);
    /// SIT reorder from a long-distance carrier.
    SIT_REORDER_CARRIER = "sit-reorder-carrier", false, sit(HIGH_1, SHORT, LOW_2, LONG);
    /// SIT no circuit inside the local network.
    SIT_NO_CIRCUIT = "sit-no-circuit", false, sit(HIGH_1, LONG, HIGH_2, LONG);
    /// SIT no circuit from a long-distance carrier.
    SIT_NO_CIRCUIT_CARRIER = "sit-no-circuit-carrier", false, sit(LOW_1, LONG, LOW_2, LONG);
    /// SIT ineffective: other reasons, among them misdialled calls.
    SIT_INEFFECTIVE = "sit-ineffective", false, sit(LOW_1, LONG, HIGH_2, SHORT);
    /// SIT reserved for later use; some switches send it.
    SIT_RESERVED = "sit-reserved", false, sit(HIGH_1, SHORT, HIGH_2, SHORT);
    /// SIT as the rest of the world has it: 950, 1,400 and 1,800 Hz, 330 ms each (ITU-T E.180).
    SIT_ITU = "sit-itu", false, [tone(950.0, 330, -24.0), tone(1_400.0, 330, -24.0), tone(1_800.0, 330, -24.0)];
    /// United States ringback: 440 + 480 Hz, 2 s on, 4 s off (ANSI T1.401, -19 dBm0 a tone).
    RINGBACK_US = "ringback-us", true, [pair(440.0, 480.0, 2_000, -19.0), silence(4_000)];
    /// United States busy: 480 + 620 Hz, half a second on and off (-24 dBm0 a tone).
    BUSY_US = "busy-us", true, [pair(480.0, 620.0, 500, -24.0), silence(500)];
    /// United States reorder (fast busy): as busy, a quarter of a second on and off.
    REORDER_US = "reorder-us", true, [pair(480.0, 620.0, 250, -24.0), silence(250)];
    /// United States call waiting, as the one who is called hears it: 440 Hz, 0.3 s every 10 s.
    CALL_WAITING_US = "call-waiting-us", true, [tone(440.0, 300, -13.0), silence(9_700)];
    /// British ringback: 400 + 450 Hz in pairs of bursts.
    RINGBACK_UK = "ringback-uk", true, [pair(400.0, 450.0, 400, -19.0), silence(200), pair(400.0, 450.0, 400, -19.0), silence(2_000)];
    /// British busy: 400 Hz, 0.375 s on and off.
    BUSY_UK = "busy-uk", true, [tone(400.0, 375, -19.0), silence(375)];
    /// British congestion: 400 Hz in unequal bursts.
    REORDER_UK = "reorder-uk", true, [tone(400.0, 400, -19.0), silence(350), tone(400.0, 225, -19.0), silence(525)];
    /// Ringback at 425 Hz, 1 s every 5 s: Germany, Spain's and much of Europe's close kin (ITU-T E.180 supplement 2).
    RINGBACK_EU = "ringback-eu", true, [tone(425.0, 1_000, -19.0), silence(4_000)];
    /// Ringback at 440 Hz, 1.5 s every 5 s: France (at 440), Spain, Portugal (at 425).
    RINGBACK_FR = "ringback-fr", true, [tone(440.0, 1_500, -19.0), silence(3_500)];
    /// Busy at 425 Hz, half a second on and off: Germany (0.48 s), Italy, the Netherlands, Brazil (0.25 s: reorder).
    BUSY_EU = "busy-eu", true, [tone(425.0, 500, -19.0), silence(500)];
    /// Congestion at 425 Hz, a quarter of a second on and off: Germany (0.24 s), Italy, the Netherlands.
    REORDER_EU = "reorder-eu", true, [tone(425.0, 250, -19.0), silence(250)];
    /// Busy at 440 Hz, half a second on and off: France, Russia at 425.
    BUSY_FR = "busy-fr", true, [tone(440.0, 500, -19.0), silence(500)];
    /// Ringback of Japan: 400 Hz whose level a 16 Hz tone moves, 1 s every 3 s; here its carrier.
    RINGBACK_JP = "ringback-jp", true, [tone(400.0, 1_000, -19.0), silence(2_000)];
    /// Busy of Japan: 400 Hz, half a second on and off.
    BUSY_JP = "busy-jp", true, [tone(400.0, 500, -19.0), silence(500)];
    /// Ringback of Australia and New Zealand: 400 + 450 Hz as in Britain; 425 + 450 sounds alike.
    RINGBACK_AU = "ringback-au", true, [pair(425.0, 450.0, 400, -19.0), silence(200), pair(425.0, 450.0, 400, -19.0), silence(2_000)];
    /// Busy of Australia: 425 Hz, 0.375 s on and off.
    BUSY_AU = "busy-au", true, [tone(425.0, 375, -19.0), silence(375)];
    /// Ringback of China: 450 Hz, 1 s every 5 s.
    RINGBACK_CN = "ringback-cn", true, [tone(450.0, 1_000, -19.0), silence(4_000)];
    /// Busy of China: 450 Hz, 0.35 s on and off.
    BUSY_CN = "busy-cn", true, [tone(450.0, 350, -19.0), silence(350)];
    /// An answering machine's beep; there is no standard, 1,000 Hz is the commonest.
    VOICEMAIL_BEEP = "voicemail-beep", false, [tone(1_000.0, 400, -12.0)];
    /// A calling fax: 1,100 Hz, half a second every 3.5 s (ITU-T T.30).
    FAX_CNG = "fax-cng", true, [tone(1_100.0, 500, -13.0), silence(3_000)];
    /// An answering fax: 2,100 Hz for 3 s (ITU-T T.30).
    FAX_CED = "fax-ced", false, [tone(2_100.0, 3_000, -13.0)];
}

/// All eight Bellcore special information tones and the ITU's, for tests and scenarios.
pub const SIT_ALL: [ToneScript; 9] = [
    SIT_INTERCEPT,
    SIT_VACANT_CODE,
    SIT_REORDER,
    SIT_REORDER_CARRIER,
    SIT_NO_CIRCUIT,
    SIT_NO_CIRCUIT_CARRIER,
    SIT_INEFFECTIVE,
    SIT_RESERVED,
    SIT_ITU,
];

impl ToneScript {
    /// The length of one pass in milliseconds.
    pub fn duration_ms(&self) -> u32 {
        self.segments.iter().map(|segment| segment.duration_ms).sum()
    }

    /// The samples of one pass. Each sine begins at phase zero, so a segment starts without a click.
    pub fn render(&self) -> Vec<i16> {
        let mut samples = Vec::with_capacity((self.duration_ms() * (RATE_HZ / 1_000)) as usize);
        for segment in self.segments.iter() {
            let amplitude = 32_767.0 * 10_f64.powf((segment.level_dbm0 - FULL_SCALE_DBM0) / 20.0);
            for n in 0..segment.duration_ms * (RATE_HZ / 1_000) {
                let value: f64 = segment
                    .frequencies_hz
                    .iter()
                    .filter(|frequency| **frequency > 0.0)
                    .map(|frequency| amplitude * (TAU * frequency * f64::from(n) / f64::from(RATE_HZ)).sin())
                    .sum();
                samples.push(value.round() as i16); // saturates where two loud sines meet
            }
        }
        samples
    }
}

/// How much of the energy of `samples` lies at one frequency: 0 to 1 (Goertzel's recurrence). A pure tone gives 1,
/// each tone of an even pair 0.5, speech and noise a few hundredths. The band is about `RATE_HZ / len` wide:
/// 50 Hz for one frame of 160. Silence gives 0.
pub fn tone_share(samples: &[i16], frequency_hz: f64) -> f64 {
    let step = TAU * frequency_hz / f64::from(RATE_HZ);
    let coefficient = 2.0 * step.cos();
    let (mut previous, mut before, mut energy) = (0.0, 0.0, 0.0);
    for sample in samples {
        let value = f64::from(*sample);
        energy += value * value;
        (previous, before) = (value + coefficient * previous - before, previous);
    }
    if energy == 0.0 {
        return 0.0;
    }
    let power = previous * previous + before * before - coefficient * previous * before;
    // A sine of amplitude A over N samples has power (A·N/2)² here and energy N·A²/2: their quotient is N/2.
    (power / (energy * samples.len() as f64 / 2.0)).min(1.0)
}

/// Level of samples that hold a steady tone, in dBm0; silence gives negative infinity.
pub fn level_dbm0(samples: &[i16]) -> f64 {
    20.0 * (crate::energy::rms(samples) * SQRT_2 / 32_767.0).log10() + FULL_SCALE_DBM0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_segment_holds_its_frequencies_at_its_level() {
        let others = [RINGBACK_US, BUSY_US, REORDER_US, VOICEMAIL_BEEP, FAX_CNG, FAX_CED];
        for script in SIT_ALL.iter().chain(&others) {
            let samples = script.render();
            assert_eq!(samples.len() as u32, script.duration_ms() * 8, "{}", script.name);
            let mut start = 0;
            for segment in script.segments.iter() {
                let end = start + segment.duration_ms as usize * 8;
                let part = &samples[start..end];
                let tones: Vec<f64> = segment.frequencies_hz.into_iter().filter(|hz| *hz > 0.0).collect();
                for frequency in &tones {
                    let share = tone_share(part, *frequency);
                    assert!(share > 0.93 / tones.len() as f64, "{} {frequency}: {share}", script.name);
                    assert!(tone_share(part, frequency + 70.0) < 0.05, "{} beside {frequency}", script.name);
                }
                if tones.is_empty() {
                    assert!(part.iter().all(|sample| *sample == 0));
                } else {
                    let expected = segment.level_dbm0 + 10.0 * (tones.len() as f64).log10();
                    assert!((level_dbm0(part) - expected).abs() < 0.2, "{}: {}", script.name, level_dbm0(part));
                }
                start = end;
            }
        }
    }

    #[test]
    fn the_eight_bellcore_tones_all_differ() {
        let names: std::collections::BTreeSet<String> =
            SIT_ALL.iter().map(|script| format!("{:?}", script.segments)).collect();
        assert_eq!(names.len(), 9);
        for script in &SIT_ALL[..8] {
            assert_eq!(script.segments[2].duration_ms, 380);
            assert_eq!(script.segments[2].frequencies_hz[0], 1_776.7);
        }
    }

    #[test]
    fn share_of_silence_and_of_noise_is_small() {
        assert_eq!(tone_share(&[0; 160], 1_000.0), 0.0);
        assert_eq!(tone_share(&[], 1_000.0), 0.0);
        // A linear congruential generator (Numerical Recipes' constants) as noise.
        let mut state = 1_u32;
        let noise: Vec<i16> = (0..1_600)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 16) as i16
            })
            .collect();
        assert!(tone_share(&noise, 1_000.0) < 0.02);
        assert_eq!(level_dbm0(&[0; 8]), f64::NEG_INFINITY);
    }
}
