//! From loss, jitter and round trip to a mean opinion score: the E-model of ITU-T G.107 with its defaults, reduced to
//! what a packet receiver can know.

/// R with all defaults of G.107 (§7.7, table 3).
const R_DEFAULT: f64 = 93.2;

/// Packet-loss robustness of G.711 without concealment (ITU-T G.113 appendix I): 4.3; with concealment it is 25.1.
const LOSS_ROBUSTNESS: f64 = 4.3;

/// Delay besides the network's and the jitter's, in ms: one frame to fill and one to play.
const FIXED_DELAY_MS: f64 = 40.0;

/// Estimated mean opinion score, 1 to 4.4, of G.711. `loss` is a share (0 to 1), random losses are assumed; the jitter
/// buffer is taken to be twice the jitter.
pub fn mean_opinion_score(loss: f64, jitter_ms: f64, rtt_ms: f64) -> f64 {
    let delay_ms = rtt_ms / 2.0 + 2.0 * jitter_ms + FIXED_DELAY_MS;
    // Delay impairment Id: the two straight lines of Cole and Rosenbluth (2001) fit G.107's curve.
    let delay_impairment = 0.024 * delay_ms + 0.11 * (delay_ms - 177.3).max(0.0);
    // Effective equipment impairment with Ie = 0 and BurstR = 1: 95 × Ppl / (Ppl + Bpl), Ppl in percent (§7.5).
    let percent = loss.clamp(0.0, 1.0) * 100.0;
    let loss_impairment = 95.0 * percent / (percent + LOSS_ROBUSTNESS);
    let r = (R_DEFAULT - delay_impairment - loss_impairment).clamp(0.0, 100.0);
    // Annex B.
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).clamp(1.0, 4.5)
}

#[cfg(test)]
mod tests {
    use super::mean_opinion_score;

    #[test]
    fn known_points_of_the_model() {
        let near = |value: f64, expected: f64| assert!((value - expected).abs() < 0.05, "{value} for {expected}");
        // R = 93.2 - 0.96 = 92.24 gives 4.39; 1 % loss costs 17.9 points (R 74.3, 3.80), 5 % costs 51 (R 41.2, 2.13).
        near(mean_opinion_score(0.0, 0.0, 0.0), 4.39);
        near(mean_opinion_score(0.01, 0.0, 0.0), 3.80);
        near(mean_opinion_score(0.05, 0.0, 0.0), 2.13);
        // 600 ms of round trip: 340 ms one way, Id = 8.16 + 17.9, R = 67.1, 3.46.
        near(mean_opinion_score(0.0, 0.0, 600.0), 3.46);
        assert_eq!(mean_opinion_score(1.0, 500.0, 5_000.0), 1.0);
    }
}
