//! What can be wrong with a scenario's values.

use super::model::fault;
use super::{Scenario, ScenarioError};
use crate::campaign::{WEIGHT_MAX, WEIGHT_MIN};

/// Agents of a scenario: the study's largest group is 1,000; ten times that.
const AGENTS_MAX: u32 = 10_000;

/// Kinds of inbound calls of a scenario.
const INBOUND_MAX: usize = 8;

/// Segments of a scenario: as many as a table of them is read by eye.
const SEGMENTS_MAX: usize = 16;

/// Campaigns of a scenario: their numbers begin with 1 555 to 1 559.
const CAMPAIGNS_MAX: usize = 5;

impl Scenario {
    /// The first fault in the values.
    pub(super) fn validate(&self) -> Result<(), ScenarioError> {
        let share = |key: &str, value: f64| {
            if (0.0..=1.0).contains(&value) {
                Ok(())
            } else {
                Err(fault(key, format!("{value} is no share from 0 to 1")))
            }
        };
        let positive = |key: &str, value: f64, max: f64| {
            if value > 0.0 && value <= max {
                Ok(())
            } else {
                Err(fault(key, format!("{value} must be above 0, at most {max}")))
            }
        };
        for (key, value) in [
            ("dial.human", self.dial.human),
            ("dial.machine", self.dial.machine),
            ("dial.busy", self.dial.busy),
            ("dial.fail", self.dial.fail),
            ("dial.early_progress", self.dial.early_progress),
            ("amd.human_as_machine", self.amd.human_as_machine),
            ("amd.machine_as_human", self.amd.machine_as_human),
            ("agent.pause_share", self.agent.pause_share),
            ("limit", self.limit.unwrap_or(0.0)),
        ] {
            share(key, value)?;
        }
        if self.dial.human + self.dial.machine + self.dial.busy + self.dial.fail > 1.0 + 1e-9 {
            return Err(fault("dial", "human, machine, busy and fail add up to more than 1".into()));
        }
        positive("day_hours", self.day_hours, 24.0)?;
        positive("dial.ring_timeout_s", self.dial.ring_timeout_s, 120.0)?;
        positive("dial.drift_min", self.dial.drift_min, 1e6)?;
        positive("customer.deadline_s", self.customer.deadline_s, 60.0)?;
        positive("trunk.max_cps", self.trunk.max_cps, 1e6)?;
        for (key, value) in [
            ("dial.day_sd", self.dial.day_sd),
            ("dial.drift_sd", self.dial.drift_sd),
            ("customer.hang_up_rate", self.customer.hang_up_rate),
            ("login_min", self.login_min),
        ] {
            if !(0.0..=1e6).contains(&value) {
                return Err(fault(key, format!("{value} must be 0 or more")));
            }
        }
        if self.dial.hour_shape.is_empty() || self.dial.hour_shape.iter().any(|factor| !(0.0..=100.0).contains(factor))
        {
            return Err(fault("dial.hour_shape", "needs at least one factor from 0 to 100".into()));
        }
        if self.shifts().iter().map(|shift| u64::from(shift.agents)).sum::<u64>() > u64::from(AGENTS_MAX) {
            return Err(fault("agents", format!("at most {AGENTS_MAX}")));
        }
        for shift in &self.shift {
            if !(0.0 <= shift.from_h && shift.from_h < shift.to_h && shift.to_h <= self.day_hours) {
                return Err(fault("shift", "needs 0 <= from_h < to_h <= day_hours".into()));
            }
        }
        for leave in &self.leave {
            share("leave.share", leave.share)?;
            if [leave.at_h, leave.minutes, leave.within_s].iter().any(|value| !(0.0..=1e5).contains(value)) {
                return Err(fault("leave", "times must be 0 or more".into()));
            }
        }
        for failure in &self.carrier_failure {
            share("carrier_failure.share", failure.share)?;
            if !(0.0 <= failure.from_h && failure.from_h < failure.to_h) {
                return Err(fault("carrier_failure", "needs 0 <= from_h < to_h".into()));
            }
        }
        for (key, at_h) in self
            .change
            .iter()
            .map(|change| ("change.at_h", change.at_h))
            .chain(self.clock_step.iter().map(|step| ("clock_step.at_h", step.at_h)))
        {
            if !(0.0..=24.0).contains(&at_h) {
                return Err(fault(key, format!("{at_h} must be an hour from 0 to 24")));
            }
        }
        if self.clock_step.iter().any(|step| !step.seconds.is_finite() || step.seconds.abs() > 1e9) {
            return Err(fault("clock_step.seconds", "must be a number under 30 years".into()));
        }
        if self.campaign.len() > CAMPAIGNS_MAX {
            return Err(fault("campaign", format!("at most {CAMPAIGNS_MAX}")));
        }
        if self.campaign.iter().any(|campaign| !(WEIGHT_MIN..=WEIGHT_MAX).contains(&campaign.weight)) {
            return Err(fault("campaign.weight", format!("must be from {WEIGHT_MIN} to {WEIGHT_MAX}")));
        }
        if self.inbound.len() > INBOUND_MAX {
            return Err(fault("inbound", format!("at most {INBOUND_MAX}")));
        }
        for inbound in &self.inbound {
            if !(0.0..1.0).contains(&inbound.service_level) {
                return Err(fault("inbound.service_level", "must be a share from 0 to under 1".into()));
            }
            positive("inbound.within_s", inbound.within_s, 3_600.0)?;
            let calls = &inbound.calls_per_hour;
            if calls.is_empty() || calls.iter().any(|calls| !(0.0..=100_000.0).contains(calls)) {
                return Err(fault("inbound.calls_per_hour", "needs at least one number from 0 to 100000".into()));
            }
        }
        if self.segment.len() > SEGMENTS_MAX {
            return Err(fault("segment", format!("at most {SEGMENTS_MAX}")));
        }
        for segment in &self.segment {
            share("segment.share", segment.share)?;
            share("segment.human", segment.human)?;
        }
        if self.segment.iter().map(|segment| segment.share).sum::<f64>() > 1.0 {
            return Err(fault("segment.share", "shares add up to more than 1".into()));
        }
        if !self.segment.is_empty() && self.dial.human <= 0.0 {
            return Err(fault("dial.human", "must be above 0 where segments differ from it".into()));
        }
        self.opening(0).map(drop)
    }
}
