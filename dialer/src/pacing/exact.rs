//! Sums of independent chances: exactly (Poisson-binomial by convolution) for small groups, by a normal with
//! continuity correction for large ones. (The next term, for skew, was tried: near the border its error is no smaller.)

/// Up to so many agents the distribution is computed exactly.
pub(super) const EXACT_AGENTS: usize = 12;
/// Cells of an exact distribution: counts 0..=EXACT_AGENTS and one for "more".
const CELLS: usize = EXACT_AGENTS + 2;

/// Distribution of a count; the last cell gathers everything above `EXACT_AGENTS`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Count([f64; CELLS]);

impl Count {
    /// Certainly `at`.
    pub(super) fn at(at: usize) -> Count {
        let mut cells = [0.0; CELLS];
        cells[at.min(CELLS - 1)] = 1.0;
        Count(cells)
    }

    /// One more with chance `p`.
    pub(super) fn add(&mut self, p: f64) {
        if p <= 0.0 {
            return;
        }
        let cells = &mut self.0;
        cells[CELLS - 1] += p * cells[CELLS - 2];
        for cell in (1..CELLS - 1).rev() {
            cells[cell] += p * (cells[cell - 1] - cells[cell]);
        }
        cells[0] *= 1.0 - p;
    }

    /// Chance that this count (supply, at most `EXACT_AGENTS`) and `more` are not above `demand`. Demand above
    /// `EXACT_AGENTS` counts as one more than that.
    pub(super) fn not_above(&self, more: usize, demand: &Count) -> f64 {
        let mut at_least = 0.0;
        let mut chance = 0.0;
        let mut next = CELLS;
        for cell in (0..CELLS.saturating_sub(more)).rev() {
            while next > cell + more {
                next -= 1;
                at_least += demand.0[next];
            }
            chance += self.0[cell] * at_least;
        }
        chance.clamp(0.0, 1.0)
    }
}

/// Distribution function of the standard normal: Abramowitz and Stegun 26.2.17, error under 7.5e-8.
pub(super) fn normal_below(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let poly =
        t * (0.319_381_530 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let tail = (-0.5 * x * x).exp() * 0.398_942_280_4 * poly;
    if x >= 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binomial_comes_out_exactly() {
        let mut count = Count::at(0);
        for _ in 0..4 {
            count.add(0.5);
        }
        for (cell, wanted) in [1.0, 4.0, 6.0, 4.0, 1.0].iter().enumerate() {
            assert!((count.0[cell] - wanted / 16.0).abs() < 1e-12);
        }
        for _ in 0..40 {
            count.add(0.9);
        }
        assert!((count.0.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(count.0[CELLS - 1] > 0.999);
    }

    #[test]
    fn supply_against_demand() {
        assert_eq!(Count::at(2).not_above(0, &Count::at(1)), 0.0);
        assert_eq!(Count::at(2).not_above(0, &Count::at(2)), 1.0);
        let mut demand = Count::at(1);
        demand.add(0.25);
        assert!((Count::at(2).not_above(0, &demand) - 0.25).abs() < 1e-12);
        assert!((Count::at(0).not_above(2, &demand) - 0.25).abs() < 1e-12);
        assert_eq!((Count::at(0).not_above(1, &demand), Count::at(1).not_above(2, &demand)), (1.0, 0.0));
    }

    #[test]
    fn the_normal_has_its_known_values() {
        for (x, wanted) in [(0.0, 0.5), (1.0, 0.841_344_746), (-1.96, 0.024_997_895), (3.0, 0.998_650_102)] {
            assert!((normal_below(x) - wanted).abs() < 1e-6, "{x}");
        }
    }
}
