//! What is kept of decisions: why so many calls were launched at a moment, and how forecasts compare with what happened.

use std::collections::VecDeque;

use base::{CampaignId, Instant};

use super::{LedgerView, Reason};

/// Decisions kept, of all campaigns together, the latest. Kept are those that launch something or change the reason:
/// three a second with 200 agents, so this is six hours of them; 300 bytes each with two windows: 20 MiB.
pub const DECISIONS_MAX: usize = 65_536;

/// What a forecasting pacer went by. All zero where the law has no forecast.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Forecast {
    /// Persons expected to be offered to agents within [`Forecast::AHEAD_S`], from calls under way before the decision.
    pub answers: f64,
    /// Agents expected to become free in that time, besides those who wait.
    pub free: f64,
    /// Persons expected to be abandoned of all calls under way.
    pub pending: f64,
    /// The highest chance of no agent at which a call was launched.
    pub price: f64,
    /// The mean chance of no agent that the price is steered to; 0 while the ledger gives none.
    pub target: f64,
    /// Real over forecast abandonments, lately.
    pub calibration: f64,
}

impl Forecast {
    /// How far ahead `answers` and `free` look, in seconds.
    pub const AHEAD_S: f64 = 10.0;
}

/// How many calls may be launched at a moment; zero in all when something else forbids it (see the reason).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// The least of the three below.
    pub calls: u32,
    /// Free channels of the trunk.
    pub channels: u32,
    /// What the trunk's rate allows now.
    pub rate: u32,
    /// Leads that could be dialled at once.
    pub leads: u32,
}

/// One decision, with what it was made of.
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionRecord {
    /// Whose.
    pub campaign: CampaignId,
    /// When.
    pub at: Instant,
    /// Calls launched: fewer than decided when the gate held leads back.
    pub launched: u32,
    /// Why so many and not more.
    pub reason: Reason,
    /// Agents who waited for a call.
    pub idle: u32,
    /// Agents in talk or about to be connected.
    pub talking: u32,
    /// Agents in wrap-up.
    pub wrap_up: u32,
    /// Calls that nobody had answered.
    pub ringing: u32,
    /// Calls answered and not yet told a person or not.
    pub answered: u32,
    /// Persons who waited for an agent.
    pub waiting: u32,
    /// Calls of other campaigns that could take the same agents.
    pub others: u32,
    /// Agents left to other campaigns, which are under their least share.
    pub withheld: u32,
    /// What trunk and list allowed.
    pub room: Room,
    /// Chance that a person answers a call launched then.
    pub forecast_person: f64,
    /// Chance of no agent of the first call launched, and of the last; `None`: nothing was launched.
    pub no_agent: Option<(f64, f64)>,
    /// What the pacer went by.
    pub forecast: Forecast,
    /// The ledger's windows as the pacer saw them.
    pub ledgers: Vec<LedgerView>,
}

/// The decisions kept.
#[derive(Debug, Default)]
pub(crate) struct Decisions(VecDeque<DecisionRecord>);

impl Decisions {
    /// Keeps one. Campaigns that share agents take turns of a few calls: a later turn of the same look (`again`) goes on
    /// with the record of the first.
    pub(crate) fn keep(&mut self, record: DecisionRecord, again: bool) {
        let now = self.0.iter_mut().rev().take_while(|kept| again && kept.at == record.at);
        if let Some(first) = now.filter(|kept| kept.campaign == record.campaign).find(|kept| kept.launched > 0) {
            first.launched += record.launched;
            first.no_agent = first.no_agent.map(|(first, last)| (first, record.no_agent.map_or(last, |(_, end)| end)));
            return;
        }
        if self.0.len() >= DECISIONS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(record);
    }

    /// Those of a campaign in a span of time, both ends included, in order. Ten µs to find the first of a full ring.
    pub(crate) fn between(
        &self,
        campaign: CampaignId,
        from: Instant,
        to: Instant,
    ) -> impl DoubleEndedIterator<Item = &DecisionRecord> {
        let first = self.0.partition_point(|record| record.at < from);
        let end = self.0.partition_point(|record| record.at <= to).max(first);
        self.0.range(first..end).filter(move |record| record.campaign == campaign)
    }
}

/// Upper ends of the bins of forecasts; the last holds all that is above the last but one.
pub const CALIBRATION_UPTO: [f64; 10] = [0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.4, 1.0];

/// Persons whose calls were launched with forecasts of one bin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CalibrationBin {
    /// Persons, connected or abandoned.
    pub persons: u64,
    /// Sum of their forecasts: as many were expected to be abandoned.
    pub forecast: f64,
    /// As many were.
    pub abandoned: u64,
}

/// Forecasts against what happened, since the campaign was loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Calibration {
    /// By forecast, see [`CALIBRATION_UPTO`].
    pub bins: [CalibrationBin; CALIBRATION_UPTO.len()],
}

impl Calibration {
    pub(crate) fn count(&mut self, forecast_no_agent: f64, abandoned: bool) {
        let bin = CALIBRATION_UPTO.iter().position(|upto| forecast_no_agent <= *upto);
        let bin = &mut self.bins[bin.unwrap_or(CALIBRATION_UPTO.len() - 1)];
        bin.persons += 1;
        bin.forecast += forecast_no_agent;
        bin.abandoned += u64::from(abandoned);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(campaign: u64, at: u64) -> DecisionRecord {
        DecisionRecord {
            campaign: CampaignId(campaign),
            at: Instant::from_ns(at),
            launched: 1,
            reason: Reason::Price,
            idle: 1,
            talking: 0,
            wrap_up: 0,
            ringing: 0,
            answered: 0,
            waiting: 0,
            others: 0,
            withheld: 0,
            room: Room { calls: 1, channels: 3, rate: 2, leads: 1 },
            forecast_person: 0.3,
            no_agent: Some((0.01, 0.01)),
            forecast: Forecast::default(),
            ledgers: Vec::new(),
        }
    }

    #[test]
    fn the_ring_is_bounded_and_found_by_time_and_campaign() {
        let mut decisions = Decisions::default();
        let all = DECISIONS_MAX as u64 + 10;
        (0..all).for_each(|at| decisions.keep(record(at % 2, at), false));
        assert_eq!(decisions.0.len(), DECISIONS_MAX);
        let found = |from, to| {
            let found = decisions.between(CampaignId(1), Instant::from_ns(from), Instant::from_ns(to));
            found.map(|record| record.at.as_ns()).collect::<Vec<u64>>()
        };
        assert_eq!(found(100, 105), [101, 103, 105]);
        assert_eq!(found(0, 12), [11]);
        assert!(found(105, 100).is_empty() && found(all, all + 5).is_empty());
    }

    #[test]
    fn persons_are_counted_in_the_bin_of_their_forecast() {
        let mut calibration = Calibration::default();
        for (forecast, abandoned) in [(0.0, false), (0.002, true), (0.025, false), (0.7, true), (3.0, false)] {
            calibration.count(forecast, abandoned);
        }
        let persons: Vec<u64> = calibration.bins.iter().map(|bin| bin.persons).collect();
        assert_eq!(persons, [2, 0, 0, 0, 1, 0, 0, 0, 0, 2]);
        assert_eq!((calibration.bins[0].abandoned, calibration.bins[9].abandoned), (1, 1));
        assert!((calibration.bins[4].forecast - 0.025).abs() < 1e-12);
    }
}
