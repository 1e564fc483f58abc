//! Finds a known prompt in received audio by normalised cross-correlation.
//!
//! The strongest second of the known prompt is slid over the received samples: first at a quarter of the rate
//! (averaging four samples keeps what is under 1 kHz, where voices have most of their power), then at the full rate around the
//! best coarse places. One second is long enough to be unmistakable and short enough that a frame skipped or inserted
//! by a jitter buffer elsewhere does not matter.
//!
//! Units: samples at 8 kHz.

/// Longest piece of the known prompt that is compared: one second at 8 kHz.
pub const TEMPLATE_SAMPLES: usize = 8_000;

/// Shortest piece that is compared: 100 ms. Anything shorter is found by chance in any speech.
pub const TEMPLATE_SAMPLES_MIN: usize = 800;

/// Coarse search: this many samples are averaged into one.
const DECIMATION: usize = 4;

/// Coarse places that are looked at again at the full rate. Speech has a handful of near-periods around its true place
/// (a pitch period apart), so eight places hold the true one.
const CANDIDATES: usize = 8;

/// A score from which on two speech signals are the same recording: unrelated speech stays under 0.35 for a second's
/// template, G.711 and a few lost frames leave more than 0.8.
pub const SCORE_SAME: f64 = 0.6;

/// Where and how well the known prompt was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// Normalised correlation in [-1, 1]; 1 is the same signal at any loudness, see [`SCORE_SAME`].
    pub score: f64,
    /// Where the known prompt's first sample lies in the received audio, in samples; negative when the beginning of
    /// the prompt was not received.
    pub lag_samples: i64,
}

/// Best place of `known` in `received`. `None` when either is too short ([`TEMPLATE_SAMPLES_MIN`]), or silent.
pub fn find(known: &[i16], received: &[i16]) -> Option<Match> {
    let template_start = strongest_window(known, TEMPLATE_SAMPLES.min(received.len()))?;
    let length = TEMPLATE_SAMPLES.min(known.len()).min(received.len());
    let template = &known[template_start..template_start + length];

    let coarse_template = decimate(template);
    let coarse_received = decimate(received);
    let last = coarse_received.len().checked_sub(coarse_template.len())?;
    let mut candidates: Vec<(f64, usize)> =
        (0..=last).map(|lag| (score_at(&coarse_template, &coarse_received, lag), lag)).collect();
    candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    candidates.truncate(CANDIDATES);

    let template: Vec<f32> = template.iter().map(|sample| f32::from(*sample)).collect();
    let received: Vec<f32> = received.iter().map(|sample| f32::from(*sample)).collect();
    let mut best: Option<(f64, usize)> = None;
    for (_, coarse) in candidates {
        let centre = coarse * DECIMATION;
        for lag in centre.saturating_sub(DECIMATION)..=(centre + DECIMATION).min(received.len() - template.len()) {
            let score = score_at(&template, &received, lag);
            if best.is_none_or(|(known_best, _)| score > known_best) {
                best = Some((score, lag));
            }
        }
    }
    best.map(|(score, lag)| Match { score, lag_samples: lag as i64 - template_start as i64 })
}

/// Start of the window of `length` samples (or all there are) with the most energy; `None` when short or silent.
fn strongest_window(samples: &[i16], length: usize) -> Option<usize> {
    let length = length.min(samples.len());
    if length < TEMPLATE_SAMPLES_MIN {
        return None;
    }
    let square = |sample: i16| i64::from(sample) * i64::from(sample);
    let mut energy: i64 = samples[..length].iter().map(|sample| square(*sample)).sum();
    let (mut best, mut best_start) = (energy, 0);
    for start in 1..=samples.len() - length {
        energy += square(samples[start + length - 1]) - square(samples[start - 1]);
        if energy > best {
            (best, best_start) = (energy, start);
        }
    }
    (best > 0).then_some(best_start)
}

fn decimate(samples: &[i16]) -> Vec<f32> {
    let mean = |chunk: &[i16]| chunk.iter().map(|sample| f32::from(*sample)).sum::<f32>() / DECIMATION as f32;
    samples.chunks_exact(DECIMATION).map(mean).collect()
}

/// Pearson correlation of the template with the received window at `lag`; 0 for a silent window.
fn score_at(template: &[f32], received: &[f32], lag: usize) -> f64 {
    let window = &received[lag..lag + template.len()];
    let count = template.len() as f64;
    let (mut cross, mut sum_a, mut sum_b, mut square_a, mut square_b) = (0.0_f64, 0.0, 0.0, 0.0, 0.0);
    // Blocks of f32 keep the inner loop quick, sums of f64 keep it exact.
    for (a, b) in template.chunks(64).zip(window.chunks(64)) {
        let mut block = [0.0_f32; 5];
        for (x, y) in a.iter().zip(b) {
            block[0] += x * y;
            block[1] += x;
            block[2] += y;
            block[3] += x * x;
            block[4] += y * y;
        }
        cross += f64::from(block[0]);
        sum_a += f64::from(block[1]);
        sum_b += f64::from(block[2]);
        square_a += f64::from(block[3]);
        square_b += f64::from(block[4]);
    }
    let covariance = cross - sum_a * sum_b / count;
    let variance = (square_a - sum_a * sum_a / count) * (square_b - sum_b * sum_b / count);
    if variance <= f64::EPSILON { 0.0 } else { covariance / variance.sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{Seed, Stream};

    /// Something like speech: noise through a resonance that wanders, in syllables.
    fn babble(random: &mut Stream, count: usize) -> Vec<i16> {
        let (mut last, mut before) = (0.0_f64, 0.0_f64);
        let mut samples = Vec::with_capacity(count);
        for index in 0..count {
            let angle = 0.3 + 0.2 * (index as f64 / 1_700.0).sin();
            let next = random.range_f64(-1.0, 1.0) + 1.9 * angle.cos() * last - 0.9025 * before;
            (before, last) = (last, next);
            let syllable = (index as f64 / 900.0).sin().max(0.0);
            samples.push((next * syllable * 700.0).clamp(-32_000.0, 32_000.0) as i16);
        }
        samples
    }

    #[test]
    fn finds_the_place_to_the_sample_through_noise_and_loudness() {
        let mut random = Seed::from_u64(3).stream("correlate", 0);
        let known = babble(&mut random, 20_000);
        for lag in [0_usize, 1, 2, 3, 7_777, 31_999] {
            let mut received = vec![0_i16; lag];
            received.extend(known.iter().map(|sample| sample / 3));
            received.extend([0; 4_001]);
            for sample in &mut received {
                *sample += random.below(41) as i16 - 20;
            }
            let found = find(&known, &received).expect("long enough");
            assert_eq!(found.lag_samples, lag as i64);
            assert!(found.score > 0.9, "{found:?}");
        }
    }

    #[test]
    fn unrelated_speech_stays_well_below_the_line() {
        for seed in 0..5 {
            let mut random = Seed::from_u64(seed).stream("correlate", 1);
            let known = babble(&mut random, 16_000);
            let other = babble(&mut random, 60_000);
            let found = find(&known, &other).expect("long enough");
            assert!(found.score < SCORE_SAME, "{found:?}");
        }
    }

    #[test]
    fn a_cut_beginning_gives_a_negative_lag() {
        let mut random = Seed::from_u64(4).stream("correlate", 2);
        let known = babble(&mut random, 30_000);
        let mut received = known[5_000..].to_vec();
        received.extend([0; 800]);
        let found = find(&known, &received).expect("long enough");
        assert_eq!(found.lag_samples, -5_000);
    }

    #[test]
    fn short_or_silent_audio_is_no_match() {
        assert_eq!(find(&[0; 8_000], &[5; 20_000]), None);
        assert_eq!(find(&[100; 100], &[5; 20_000]), None);
        assert_eq!(find(&[100; 8_000], &[5; 100]), None);
        let tone: Vec<i16> = (0..8_000).map(|n| ((f64::from(n) * 0.7).sin() * 5_000.0) as i16).collect();
        assert_eq!(find(&tone, &[0; 20_000]).map(|found| found.score), Some(0.0));
    }
}
