//! From 16 kHz to 8 kHz while it comes in: for what listens at the rate of the telephone and is given more.
//!
//! A half-band filter of 127 whole numbers, every other of which is 0: flat to 3.7 kHz, 6 dB down at 4 kHz, 70 dB from
//! 4.3 kHz on, so that what folds back lies over the telephone's band or far under it. It knows a sample 3.9 ms
//! late; what it gives stands at the moments of every second sample, so that times are those of the narrow band.
//!
//! **Invariants.** Allocates nothing, and whole numbers give the same bits on every machine.

/// Taps beside the middle one at odd distances 1, 3, 5 …; sinc under a Kaiser window (beta 7), where 32,768 is 1.
const TAPS: [i32; 32] = [
    10_423, -3_452, 2_045, -1_433, 1_087, -861, 701, -581, 486, -410, 347, -295, 250, -212, 179, -150, 126, -105, 86,
    -71, 58, -46, 37, -29, 22, -17, 12, -9, 6, -4, 3, -1,
];
const MIDDLE: i32 = 16_384;
/// Samples from the first tap to the last.
const SPAN: usize = 4 * TAPS.len() - 1;

/// Halves the rate of one stream.
#[derive(Clone, Debug)]
pub struct Halver {
    history: [i16; SPAN],
    odd: bool,
    /// Outputs still to come that lie before the first sample.
    before: usize,
}

impl Default for Halver {
    fn default() -> Self {
        Halver { history: [0; SPAN], odd: false, before: SPAN / 4 }
    }
}

impl Halver {
    /// The next sample at 16 kHz; with every second one the sample at 8 kHz that lies 3.9 ms before it. The first lies at the
    /// first.
    pub fn push(&mut self, sample: i16) -> Option<i16> {
        self.history.copy_within(1.., 0);
        self.history[SPAN - 1] = sample;
        self.odd = !self.odd;
        if self.odd {
            return None;
        }
        if self.before > 0 {
            self.before -= 1;
            return None;
        }
        let middle = SPAN / 2;
        let pairs = TAPS.iter().enumerate().map(|(n, tap)| {
            let (before, after) = (self.history[middle - 1 - 2 * n], self.history[middle + 1 + 2 * n]);
            tap * (i32::from(before) + i32::from(after))
        });
        // At most 1.94 times full scale: less than 31 bits hold.
        let sum = MIDDLE * i32::from(self.history[middle]) + pairs.sum::<i32>();
        Some(((sum + (1 << 14)) >> 15).clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16)
    }
}

/// All samples of a recording at 16 kHz as half as many at 8 kHz.
pub fn halve(samples: &[i16]) -> Vec<i16> {
    let mut halver = Halver::default();
    samples.iter().chain(&[0; SPAN / 2]).filter_map(|sample| halver.push(*sample)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::rms;
    use crate::tones::tone_share;

    fn sine(frequency_hz: f64) -> Vec<i16> {
        let step = std::f64::consts::TAU * frequency_hz / 16_000.0;
        (0..16_000).map(|n| (10_000.0 * (step * f64::from(n)).sin()).round() as i16).collect()
    }

    #[test]
    fn the_telephone_band_passes_and_nothing_folds_back_into_it() {
        for hz in [200.0, 1_000.0, 3_000.0, 3_400.0] {
            let out = &halve(&sine(hz))[200..7_800];
            let level = rms(out) / (10_000.0 / 2_f64.sqrt());
            assert!((0.98..1.02).contains(&level) && tone_share(out, hz) > 0.999, "{hz}: {level}");
        }
        for hz in [4_700.0, 5_000.0, 6_500.0, 7_900.0] {
            let level = rms(&halve(&sine(hz))[200..7_800]);
            assert!(level < 4.0, "{hz}: {level}");
        }
    }

    #[test]
    fn half_as_many_come_out_and_full_scale_does_not_wrap() {
        assert_eq!(halve(&[7_000; 1_000])[40..460], [7_000; 420]);
        let square: Vec<i16> = (0..4_000).map(|n| if n / 100 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
        let out = halve(&square);
        assert_eq!(out.len(), 2_000);
        assert!(out[125] > 30_000 && out[175] < -30_000, "{} {}", out[140], out[190]);
    }
}
