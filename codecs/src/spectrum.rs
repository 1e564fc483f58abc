//! Short-time power spectra: 32 ms Hann windows that end at each 10 ms of audio. The one place that knows the FFT.
//!
//! ```text
//!  i16 samples ──> history of 256 ──> window ──> realfft ──> power in 129 bins of 31.25 Hz, every 80 samples
//! ```
//!
//! **Invariants.** After construction nothing allocates. The plan is scalar code (the library's vector units are off),
//! so the same samples give the same bits on every machine.

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use std::f64::consts::TAU;
use std::sync::{Arc, LazyLock};

/// Samples of one window: 32 ms at 8 kHz.
pub const WINDOW_SAMPLES: usize = 256;
/// Samples between two spectra: 10 ms at 8 kHz.
pub const HOP_SAMPLES: usize = 80;
/// Bins from 0 to 4,000 Hz.
pub const BINS: usize = WINDOW_SAMPLES / 2 + 1;
/// Distance of two bins in Hz.
pub const BIN_HZ: f32 = 31.25;

/// Power of each bin, so scaled that the sum over all bins is the mean square of the windowed signal where full scale is
/// 1: a full-scale sine gives 0.5.
pub type Power = [f32; BINS];

/// What all analysers share: the plan and the window.
struct Plan {
    fft: Arc<dyn RealToComplex<f32>>,
    window: [f32; WINDOW_SAMPLES],
}

static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    let mut window = [0.0; WINDOW_SAMPLES];
    let (mut energy, step) = (0.0, TAU / WINDOW_SAMPLES as f64);
    for (n, weight) in window.iter_mut().enumerate() {
        let value = 0.5 - 0.5 * (step * n as f64).cos();
        energy += value * value;
        *weight = value as f32;
    }
    // One side of the spectrum holds half the energy: |X|² · 2 / (N · Σw²), and samples are divided by 32,768.
    let scale = (2.0 / (WINDOW_SAMPLES as f64 * energy)).sqrt() / 32_768.0;
    window.iter_mut().for_each(|weight| *weight = (f64::from(*weight) * scale) as f32);
    Plan { fft: RealFftPlanner::new().plan_fft_forward(WINDOW_SAMPLES), window }
});

/// Turns a stream of samples into power spectra.
#[derive(Clone)]
pub struct Analyser {
    history: [i16; WINDOW_SAMPLES],
    windowed: [f32; WINDOW_SAMPLES],
    output: [Complex<f32>; BINS],
    scratch: Box<[Complex<f32>]>,
    power: Power,
}

impl Default for Analyser {
    fn default() -> Self {
        Self::new()
    }
}

impl Analyser {
    /// Before the first sample there is silence.
    pub fn new() -> Analyser {
        let zero = Complex::new(0.0, 0.0);
        Analyser {
            history: [0; WINDOW_SAMPLES],
            windowed: [0.0; WINDOW_SAMPLES],
            output: [zero; BINS],
            scratch: vec![zero; PLAN.fft.get_scratch_len()].into(),
            power: [0.0; BINS],
        }
    }

    /// The next 10 ms; the spectrum of the window that ends with them.
    pub fn hop(&mut self, samples: &[i16; HOP_SAMPLES]) -> &Power {
        self.history.copy_within(HOP_SAMPLES.., 0);
        self.history[WINDOW_SAMPLES - HOP_SAMPLES..].copy_from_slice(samples);
        let plan = &*PLAN;
        for ((out, sample), weight) in self.windowed.iter_mut().zip(&self.history).zip(&plan.window) {
            *out = f32::from(*sample) * weight;
        }
        // Lengths are right by construction, which is the only thing the library refuses.
        let done = plan.fft.process_with_scratch(&mut self.windowed, &mut self.output, &mut self.scratch);
        debug_assert!(done.is_ok());
        for (power, bin) in self.power.iter_mut().zip(&self.output) {
            *power = bin.re * bin.re + bin.im * bin.im;
        }
        &self.power
    }

    /// The spectrum of the last window.
    pub fn power(&self) -> &Power {
        &self.power
    }

    /// Bytes of one analyser, what lies on the heap included.
    pub fn size_bytes(&self) -> usize {
        size_of::<Analyser>() + size_of_val(&*self.scratch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(frequency_hz: f64, amplitude: f64) -> Vec<i16> {
        (0..800).map(|n| (amplitude * (TAU * frequency_hz * f64::from(n) / 8_000.0).sin()) as i16).collect()
    }

    fn last(samples: &[i16]) -> Power {
        let mut analyser = Analyser::new();
        for hop in samples.as_chunks().0 {
            analyser.hop(hop);
        }
        analyser.power
    }

    #[test]
    fn a_sine_stands_in_its_bin_with_its_power() {
        for frequency_hz in [250.0, 1_000.0, 2_093.75, 3_500.0] {
            let power = last(&sine(frequency_hz, 32_767.0));
            let peak = (0..BINS).max_by(|a, b| power[*a].total_cmp(&power[*b])).unwrap();
            assert_eq!(peak, (frequency_hz as f32 / BIN_HZ).round() as usize);
            let sum: f32 = power.iter().sum();
            assert!((sum - 0.5).abs() < 0.01, "{sum}");
        }
    }

    #[test]
    fn silence_has_none_and_a_call_costs_little() {
        assert!(last(&[0; 800]).iter().all(|power| *power == 0.0));
        assert!(Analyser::new().size_bytes() < 5 * 1_024, "{}", Analyser::new().size_bytes());
    }
}
