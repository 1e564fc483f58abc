//! What a run has shown, for summaries and gates.

use base::Duration;
use dialer::{AttemptRecord, CountedAs, Outcome};
use std::collections::BTreeMap;

/// Values kept for a spread: 200,000 calls × 8 bytes = 1.6 MB; a run of more keeps the first ones and its true maximum.
const VALUES_MAX: usize = 200_000;

/// Median, 99th percentile and maximum of spans, exact.
#[derive(Clone, Debug, Default)]
pub struct Spread {
    values: Vec<Duration>,
    max: Duration,
}

impl Spread {
    /// Adds one span.
    pub fn add(&mut self, span: Duration) {
        self.max = self.max.max(span);
        if self.values.len() < VALUES_MAX {
            self.values.push(span);
        }
    }
    /// How many were added (at most 200,000 are kept).
    pub fn len(&self) -> usize {
        self.values.len()
    }
    /// True when none was added.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
    /// The span that `share` (0–1) of all are not above; zero when there is none.
    pub fn quantile(&self, share: f64) -> Duration {
        let mut sorted = self.values.clone();
        sorted.sort_unstable();
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }
    /// The longest.
    pub fn max(&self) -> Duration {
        self.max
    }
    /// `{p50, p99, max}` in milliseconds.
    pub fn to_json_ms(&self) -> serde_json::Value {
        let ms = |span: Duration| (span.as_us() as f64 / 10.0).round() / 100.0;
        serde_json::json!({ "p50": ms(self.quantile(0.50)), "p99": ms(self.quantile(0.99)), "max": ms(self.max) })
    }
}

/// Counts and delays of a run.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Attempts that are over.
    pub attempts: u64,
    /// Of these, answered.
    pub answered: u64,
    /// Of these, connected within the deadline.
    pub connected: u64,
    /// Of these, persons not connected within the deadline.
    pub abandoned: u64,
    /// Attempts by outcome.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// From the later of verdict and agent free to the first agent packet to the customer.
    pub bridge_delay: Spread,
}

impl Figures {
    pub(super) fn closed(&mut self, record: &AttemptRecord) {
        self.attempts += 1;
        self.answered += u64::from(record.times.answered.is_some());
        self.connected += u64::from(record.counted_as == CountedAs::Connected);
        self.abandoned += u64::from(record.counted_as == CountedAs::Abandoned);
        *self.outcomes.entry(record.outcome).or_default() += 1;
    }

    pub(super) fn bridged(&mut self, delay: Duration) {
        self.bridge_delay.add(delay);
    }

    /// Abandoned ÷ (abandoned + connected); 0 when there were neither.
    pub fn abandon_rate(&self) -> f64 {
        let live = self.abandoned + self.connected;
        if live == 0 { 0.0 } else { self.abandoned as f64 / live as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_exact() {
        let mut spread = Spread::default();
        assert_eq!(spread.quantile(0.5), Duration::ZERO);
        for ms in (1..=100).rev() {
            spread.add(Duration::from_ms(ms));
        }
        assert_eq!(spread.quantile(0.50), Duration::from_ms(50));
        assert_eq!(spread.quantile(0.99), Duration::from_ms(99));
        assert_eq!(spread.max(), Duration::from_ms(100));
    }
}
