//! From any rate to any other by a windowed sinc, for files that become prompts. Not for the packet path.
//!
//! Each output sample is a weighted sum of the input around its moment. The weights are a sinc at the lower of the
//! two Nyquist frequencies, shaped by a Kaiser window; they are scaled to sum to one, so that the level stays exact
//! for every ratio.

use crate::limits::{RATE_HZ_MAX, RATE_HZ_MIN, Reject};

/// Zero crossings of the sinc on each side: with the window below the transition band is about 8 % of the passband.
const CROSSINGS: usize = 32;
/// Points of the table between two zero crossings; linear interpolation then errs by less than -110 dB.
const STEPS: usize = 512;
/// Kaiser's beta: stopband about -90 dB, under the noise of 14-bit mu-law.
const BETA: f64 = 9.0;
/// Where the passband ends, as a share of the lower Nyquist frequency, so that the transition band ends at it.
const PASSBAND: f64 = 0.94;

/// Brings samples from one rate to another. The result has `ceil(len × to / from)` samples and no delay; equal rates
/// are a copy.
///
/// # Errors
/// `Rate` when either rate lies outside `RATE_HZ_MIN..=RATE_HZ_MAX`.
pub fn resample(samples: &[i16], from_hz: u32, to_hz: u32) -> Result<Vec<i16>, Reject> {
    let range = RATE_HZ_MIN..=RATE_HZ_MAX;
    if !range.contains(&from_hz) || !range.contains(&to_hz) {
        return Err(Reject::Rate);
    }
    if from_hz == to_hz {
        return Ok(samples.to_vec());
    }
    let table = kernel_table();
    // Cut-off relative to the input's Nyquist frequency.
    let cutoff = PASSBAND * (f64::from(to_hz) / f64::from(from_hz)).min(1.0);
    let reach = CROSSINGS as f64 / cutoff;
    let (from, to) = (u64::from(from_hz), u64::from(to_hz));
    let count = (samples.len() as u64 * to).div_ceil(from);
    let mut out = Vec::with_capacity(count as usize);
    for index in 0..count {
        // Whole and fractional part apart: exact for any length.
        let position = index * from;
        let centre = (position / to) as f64 + (position % to) as f64 / f64::from(to_hz);
        let first = (centre - reach).ceil().max(0.0) as usize;
        let last = ((centre + reach).floor() as usize).min(samples.len() - 1);
        let (mut sum, mut weights) = (0.0, 0.0);
        let mut distance = first as f64 - centre;
        for sample in &samples[first..=last] {
            let weight = weight_at(&table, distance.abs() * cutoff);
            sum += weight * f64::from(*sample);
            weights += weight;
            distance += 1.0;
        }
        // The cast saturates: overshoot at a full-scale edge is clipped, not wrapped.
        out.push((sum / weights).round() as i16);
    }
    Ok(out)
}

/// One side of the windowed sinc, `STEPS` points to a zero crossing, with one point more to interpolate towards.
fn kernel_table() -> Vec<f64> {
    (0..=CROSSINGS * STEPS + 1)
        .map(|index| {
            let x = index as f64 / STEPS as f64;
            let sinc = if index == 0 { 1.0 } else { (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x) };
            let edge = (x / CROSSINGS as f64).min(1.0);
            sinc * bessel_i0(BETA * (1.0 - edge * edge).sqrt()) / bessel_i0(BETA)
        })
        .collect()
}

fn weight_at(table: &[f64], crossings: f64) -> f64 {
    let position = crossings * STEPS as f64;
    let index = position as usize;
    if index >= CROSSINGS * STEPS {
        return 0.0;
    }
    let share = position - index as f64;
    table[index] * (1.0 - share) + table[index + 1] * share
}

/// Modified Bessel function of the first kind, order zero, by its power series (25 terms: exact for x < 12).
fn bessel_i0(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..25 {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::rms;
    use crate::tones::tone_share;

    fn sine(rate_hz: u32, frequency_hz: f64, seconds: f64) -> Vec<i16> {
        let count = (f64::from(rate_hz) * seconds) as usize;
        let step = std::f64::consts::TAU * frequency_hz / f64::from(rate_hz);
        (0..count).map(|n| (10_000.0 * (step * n as f64).sin()).round() as i16).collect()
    }

    #[test]
    fn voice_frequencies_pass_with_their_level_and_length() {
        for from_hz in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 6_000] {
            let out = resample(&sine(from_hz, 1_000.0, 0.5), from_hz, 8_000).unwrap();
            assert!((3_999..=4_001).contains(&out.len()), "{from_hz}: {}", out.len());
            let middle = &out[400..3_600];
            let level = rms(middle) / (10_000.0 / 2_f64.sqrt());
            assert!((0.99..1.01).contains(&level), "{from_hz} Hz: level {level}");
            assert!(tone_share(middle, 1_000.0) > 0.999, "{from_hz} Hz");
        }
    }

    #[test]
    fn what_would_fold_back_is_taken_away() {
        // 5 kHz at 16 kHz would come out as 3 kHz at 8 kHz.
        let out = resample(&sine(16_000, 5_000.0, 0.5), 16_000, 8_000).unwrap();
        assert!(rms(&out[400..3_600]) < 2.0, "{}", rms(&out[400..3_600]));
        let kept = resample(&sine(48_000, 3_400.0, 0.5), 48_000, 8_000).unwrap();
        assert!(rms(&kept[400..3_600]) > 6_900.0, "the telephone band reaches 3,400 Hz");
    }

    #[test]
    fn upwards_makes_no_images() {
        let out = resample(&sine(8_000, 3_000.0, 0.5), 8_000, 16_000).unwrap();
        assert_eq!(out.len(), 8_000);
        let share_of_image = {
            let step = std::f64::consts::TAU * 5_000.0 / 16_000.0;
            let (mut re, mut im) = (0.0, 0.0);
            for (n, sample) in out[800..7_200].iter().enumerate() {
                re += f64::from(*sample) * (step * n as f64).cos();
                im += f64::from(*sample) * (step * n as f64).sin();
            }
            2.0 * (re * re + im * im).sqrt() / 6_400.0 / 10_000.0
        };
        assert!(share_of_image < 1e-3, "{share_of_image}");
    }

    #[test]
    fn constants_stay_constant_and_edges_do_not_wrap() {
        let out = resample(&[12_345; 4_410], 44_100, 8_000).unwrap();
        assert!(out.iter().all(|sample| *sample == 12_345));
        let square: Vec<i16> = (0..4_800).map(|n| if n / 100 % 2 == 0 { i16::MAX } else { i16::MIN }).collect();
        let out = resample(&square, 48_000, 8_000).unwrap();
        // A wrapped overshoot would show as the opposite sign in the middle of a half-wave.
        assert!(out[8] > 20_000 && out[25] < -20_000);
    }

    #[test]
    fn short_and_wrong_input() {
        assert_eq!(resample(&[], 16_000, 8_000).unwrap(), []);
        assert_eq!(resample(&[5], 16_000, 8_000).unwrap(), [5]);
        assert_eq!(resample(&[5; 3], 8_000, 8_000).unwrap(), [5; 3]);
        assert_eq!(resample(&[5], 0, 8_000), Err(Reject::Rate));
        assert_eq!(resample(&[5], 8_000, 1_000_000), Err(Reject::Rate));
    }
}
