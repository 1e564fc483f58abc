//! One spectrum looked at as lines: where the strongest stand, and how much of the energy they hold.

use crate::maths::decibels;
use crate::spectrum::{BIN_HZ, Power};

/// Bins below 281 Hz (mains hum, rumble) and above 3,750 Hz are not looked at.
const FIRST_BIN: usize = 9;
const LAST_BIN: usize = 120;
/// A line of a Hann window covers two bins on each side; one more for what a coder smears.
const HALF_WIDTH: usize = 3;
/// The band of V.21 channel 2, whose two tones are 1,650 and 1,850 Hz: bins 49 to 63 are 1,531 to 1,969 Hz.
const V21: std::ops::RangeInclusive<usize> = 49..=63;
/// Between the two tones.
const V21_MIDDLE: usize = 56;
/// Power under which a spectrum is silence: -70 dB of full scale.
const QUIET: f32 = 1e-7;

/// What one spectrum shows.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Lines {
    /// Level of all looked-at bins in dB, where a full-scale sine is -3.
    pub(super) level_db: f32,
    /// Centre of the strongest line in Hz.
    pub(super) first_hz: f32,
    /// Its share of the energy, 0 to 1.
    pub(super) first_share: f32,
    /// Centre of the second line in Hz.
    pub(super) second_hz: f32,
    /// Its share.
    pub(super) second_share: f32,
    /// Share of the band of V.21's lower and upper tone.
    pub(super) v21_shares: [f32; 2],
}

/// Centre of gravity in Hz and sum of the bins around `peak`, without the bins that `taken` covers.
fn line(power: &Power, peak: usize, taken: Option<usize>) -> (f32, f32) {
    let (mut sum, mut moment) = (0.0, 0.0);
    let low = peak.saturating_sub(HALF_WIDTH).max(FIRST_BIN - HALF_WIDTH);
    for (bin, power) in power.iter().enumerate().take(peak + HALF_WIDTH + 1).skip(low) {
        if taken.is_none_or(|taken| bin.abs_diff(taken) > HALF_WIDTH) {
            sum += power;
            moment += power * bin as f32;
        }
    }
    (if sum > 0.0 { moment / sum * BIN_HZ } else { 0.0 }, sum)
}

impl Lines {
    pub(super) fn of(power: &Power) -> Lines {
        let (mut total, mut first, mut second) = (0.0, FIRST_BIN, None::<usize>);
        for bin in FIRST_BIN..=LAST_BIN {
            total += power[bin];
            if power[bin] > power[first] {
                first = bin;
            }
        }
        if total < QUIET {
            return Lines { level_db: -70.0, ..Lines::default() };
        }
        for bin in (FIRST_BIN..=LAST_BIN).filter(|bin| bin.abs_diff(first) > HALF_WIDTH) {
            if second.is_none_or(|second| power[bin] > power[second]) {
                second = Some(bin);
            }
        }
        let (first_hz, first_sum) = line(power, first, None);
        let (second_hz, second_sum) = second.map_or((0.0, 0.0), |second| line(power, second, Some(first)));
        let v21 = |bins: std::ops::RangeInclusive<usize>| power[bins].iter().sum::<f32>() / total;
        Lines {
            level_db: decibels(total),
            first_hz,
            first_share: (first_sum / total).min(1.0),
            second_hz,
            second_share: second_sum / total,
            v21_shares: [v21(*V21.start()..=V21_MIDDLE), v21(V21_MIDDLE + 1..=*V21.end())],
        }
    }
}
