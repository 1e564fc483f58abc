//! How loud a frame is, cheaply.

/// Mean absolute sample (0 to 32,768), rounded down; 0 for an empty slice. The measure of the published `app_amd`.
pub fn mean_absolute(samples: &[i16]) -> u32 {
    if samples.is_empty() {
        return 0;
    }
    // u64: a slice of any length fits; one frame is at most 160 × 32,768.
    let sum: u64 = samples.iter().map(|sample| u64::from(sample.unsigned_abs())).sum();
    (sum / samples.len() as u64) as u32
}

/// Root mean square (0 to 32,768); 0 for an empty slice.
pub fn rms(samples: &[i16]) -> f64 {
    if samples.is_empty() {
        return 0.0;
    }
    let sum: f64 = samples.iter().map(|sample| f64::from(*sample) * f64::from(*sample)).sum();
    (sum / samples.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_of_known_frames() {
        assert_eq!(mean_absolute(&[]), 0);
        assert_eq!(mean_absolute(&[i16::MIN; 160]), 32_768);
        assert_eq!(mean_absolute(&[100, -100, 300, -300]), 200);
        assert_eq!(mean_absolute(&[1, 0]), 0, "rounded down");
        assert_eq!(rms(&[]), 0.0);
        assert!((rms(&[3, -3, 4, -4]) - 12.5_f64.sqrt()).abs() < 1e-12);
    }
}
