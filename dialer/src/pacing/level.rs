//! How the rate of answers stands to what the tables by ring age expect: a filter over a grid of levels.
//!
//! ```text
//!  expected answers, answers seen ──> [calm | lively | stormy] × 71 levels ──> mean
//!                                      each level drifts to its neighbours; rarely it jumps anywhere
//! ```
//!
//! The rate of a list drifts by some per cent in ten minutes, and now and then it steps (another list, another carrier).
//! A fixed window does not suit both: a short one follows its own noise (a pacer that takes a lull of twenty answers
//! for a fall of the rate dials too much just before the rate comes back), a long one sleeps through a step. Here every
//! level keeps the chance that it is the true one, under three speeds of drift, and the answers decide. Sums are exact
//! up to the grid; nothing is random.

/// Levels are this far apart, in natural logarithms.
const STEP: f64 = 0.05;
/// Levels on each side of 1: from 0.17 to 5.8.
const SIDE: usize = 35;
const LEVELS: usize = 2 * SIDE + 1;
/// Drift per second of the level's logarithm, as variance: a calm list (deviation 0.12 in half an hour), a lively one,
/// a stormy one (0.35 in five minutes).
const DRIFTS: [f64; 3] = [1.5e-5, 1.5e-4, 1.0e-3];
/// A level jumps anywhere once in this time: so rarely that a lull is no jump, so often that a doubling in a group of
/// fifty is half believed after half a minute.
const JUMP_S: f64 = 1_800.0;
/// A speed of drift lasts about so long.
const SPEED_S: f64 = 3_600.0;
/// Deviation of the level's logarithm before anything was seen, and where jumps go to.
const WIDTH: f64 = 0.5;

type Grid = [f64; LEVELS];

/// See the module's page.
pub(super) struct Level {
    /// Chance of each level under each speed of drift; all together sum to 1.
    chances: [Grid; DRIFTS.len()],
    /// The levels, and their logarithms.
    level: Grid,
    log: Grid,
    /// Where a jump leads.
    fresh: Grid,
}

impl Level {
    pub(super) fn new() -> Level {
        let mut log = [0.0; LEVELS];
        log.iter_mut().enumerate().for_each(|(at, log)| *log = STEP * (at as f64 - SIDE as f64));
        let level = log.map(f64::exp);
        // The mean level is 1, not the middle one.
        let mut fresh = log.map(|log| (-0.5 * (log / WIDTH + WIDTH / 2.0).powi(2)).exp());
        let sum: f64 = fresh.iter().sum();
        fresh.iter_mut().for_each(|chance| *chance /= sum);
        let chances = [fresh.map(|chance| chance / DRIFTS.len() as f64); DRIFTS.len()];
        Level { chances, level, log, fresh }
    }

    /// Time passes, in which so many answers were expected at level 1 and so many were seen.
    pub(super) fn pass(&mut self, seconds: f64, expected: f64, seen: f64) {
        let likely = self.likely(expected, seen);
        let jump = 1.0 - (-seconds / JUMP_S).exp();
        let mixed = 1.0 - (-seconds / SPEED_S).exp();
        let weight = self.chances.map(|grid| grid.iter().sum::<f64>());
        let mean_weight = weight.iter().sum::<f64>() / DRIFTS.len() as f64;
        let mut average = [0.0; LEVELS];
        for grid in &self.chances {
            average.iter_mut().zip(grid).for_each(|(sum, chance)| *sum += chance / DRIFTS.len() as f64);
        }
        let mut sum = 0.0;
        for (grid, drift) in self.chances.iter_mut().zip(DRIFTS) {
            // A lattice walk of this variance; at most a quarter goes to each side.
            let aside = (drift * seconds / (2.0 * STEP * STEP)).min(0.25);
            let was = *grid;
            for (at, chance) in grid.iter_mut().enumerate() {
                let (low, high) = (was[at.saturating_sub(1)], was[(at + 1).min(LEVELS - 1)]);
                let drifted = was[at] + aside * (low - 2.0 * was[at] + high);
                let drifted = drifted + mixed * (average[at] - was[at]);
                *chance = (drifted + jump * (self.fresh[at] * mean_weight - drifted)) * likely[at];
                sum += *chance;
            }
        }
        self.scale(sum);
    }

    /// A night or a long pause: what was known of the level is mostly stale.
    pub(super) fn forget(&mut self) {
        const KEPT: f64 = 0.3;
        let total: f64 = self.chances.iter().flatten().sum();
        for grid in &mut self.chances {
            for (chance, fresh) in grid.iter_mut().zip(&self.fresh) {
                *chance = KEPT * *chance + (1.0 - KEPT) * fresh * total / DRIFTS.len() as f64;
            }
        }
    }

    fn scale(&mut self, sum: f64) {
        if sum > 0.0 && sum.is_finite() {
            self.chances.iter_mut().flatten().for_each(|chance| *chance /= sum);
        } else {
            *self = Level::new();
        }
    }

    /// Likelihood of each level, the best at 1: answers are Poisson.
    fn likely(&self, expected: f64, seen: f64) -> Grid {
        let mut best = f64::NEG_INFINITY;
        let mut likely = [0.0; LEVELS];
        for (at, cell) in likely.iter_mut().enumerate() {
            *cell = seen * self.log[at] - expected * self.level[at];
            best = best.max(*cell);
        }
        likely.map(|cell| (cell - best).exp())
    }

    /// Mean level, as if so many more answers had been seen just now.
    pub(super) fn estimate(&self, pending: f64) -> f64 {
        let (sum, mean, _) = self.moments(pending);
        mean / sum
    }

    /// Sums of the chances, of chance × level and of chance × level².
    fn moments(&self, pending: f64) -> (f64, f64, f64) {
        let (mut sum, mut mean, mut square) = (0.0, 0.0, 0.0);
        for at in 0..LEVELS {
            let chance: f64 = self.chances.iter().map(|grid| grid[at]).sum();
            let chance = if pending > 0.0 { chance * (pending * self.log[at]).exp() } else { chance };
            sum += chance;
            mean += chance * self.level[at];
            square += chance * self.level[at] * self.level[at];
        }
        (sum, mean, square)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean and relative deviation.
    fn known(level: &Level) -> (f64, f64) {
        let (sum, mean, square) = level.moments(0.0);
        (mean / sum, (square * sum / (mean * mean) - 1.0).max(0.0).sqrt())
    }

    /// Feeds a steady rate in Poisson-like evenness: `rate` answers a second where one is expected.
    fn feed(level: &mut Level, seconds: usize, expected: f64, rate: f64) {
        let mut owed = 0.0;
        for _ in 0..seconds {
            owed += rate * expected;
            let seen = f64::floor(owed);
            owed -= seen;
            level.pass(1.0, expected, seen);
        }
    }

    #[test]
    fn nothing_seen_is_level_one_and_a_steady_rate_is_found() {
        let mut level = Level::new();
        let (mean, spread) = known(&level);
        assert!((mean - 1.0).abs() < 0.01 && (spread - 0.53).abs() < 0.04, "{mean} {spread}");
        feed(&mut level, 1_800, 0.25, 0.8);
        let (mean, spread) = known(&level);
        assert!((mean - 0.8).abs() < 0.05 && spread < 0.16, "{mean} {spread}");
    }

    #[test]
    fn a_step_is_found_within_a_minute_in_a_group_of_fifty() {
        let mut level = Level::new();
        feed(&mut level, 3_600, 0.33, 1.0);
        let calm = known(&level);
        feed(&mut level, 60, 0.33, 2.0);
        let mean = level.estimate(0.0);
        assert!((calm.0 - 1.0).abs() < 0.05 && mean > 1.4, "{calm:?} {mean}");
        // A lull of half a minute moves it little.
        let mut level = Level::new();
        feed(&mut level, 3_600, 0.12, 1.0);
        feed(&mut level, 30, 0.12, 0.0);
        assert!(level.estimate(0.0) > 0.85, "{}", level.estimate(0.0));
    }

    #[test]
    fn pending_answers_count_and_a_night_widens() {
        let mut level = Level::new();
        feed(&mut level, 3_600, 0.5, 1.0);
        let before = known(&level);
        assert!(level.estimate(3.0) > before.0);
        level.forget();
        assert!(known(&level).1 > before.1 + 0.1);
        level.pass(1.0, f64::INFINITY, 0.0);
        assert!(level.estimate(0.0).is_finite());
    }
}
