//! A distribution as figures.

use net::stats::Histogram;
use serde::{Deserialize, Serialize};

/// Percentiles of a distribution, in its unit (microseconds or milliseconds).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Half are not above it.
    pub p50: f64,
    /// 99 % are not above it.
    pub p99: f64,
    /// 99.9 % are not above it.
    pub p999: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// Of a histogram, each value divided by `unit`.
    pub(crate) fn of(histogram: &Histogram, unit: f64) -> Spread {
        let at = |quantile| histogram.at(quantile) as f64 / unit;
        Spread { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: histogram.max() as f64 / unit }
    }
}
