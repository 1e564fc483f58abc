//! The ledger's set point and guard: how large a share of the coming answers may be abandoned, and when to stop
//! over-dialling altogether.

use base::Instant;

use super::{LedgerView, Observation, RingEnd, Snapshot};

/// The expected rest of a window is trusted to this part by the guard: agents may go home early.
const REST_TRUST: f64 = 0.7;
/// One standard deviation of a count with some bunching (variance 1.2 × mean) is kept in reserve by the set point.
const BUNCHING: f64 = 1.2;
/// The set point may exceed the limit by this factor to catch up on unused slack.
const CATCH_UP: f64 = 1.3;
/// Time constant of the answer rate, in seconds.
const RATE_S: f64 = 3_600.0;
/// Ten minutes without an answer are assumed before the first: the expected rest grows from zero.
const PRIOR_S: f64 = 600.0;
/// Small groups abandon in whole calls: below so many agents two are kept in reserve, else one.
const SMALL_GROUP: usize = 8;
/// Without a planned end the agents are trusted to stay for this long.
const UNPLANNED_S: f64 = 1_200.0;

/// Estimates the coming answers and turns the ledger into a set point.
pub(super) struct Guard {
    answers: f64,
    seconds: f64,
    ring_overs: f64,
    last: Option<Instant>,
}

impl Guard {
    pub(super) fn new() -> Guard {
        Guard { answers: 0.0, seconds: PRIOR_S, ring_overs: 0.0, last: None }
    }

    pub(super) fn observe(&mut self, _now: Instant, observation: Observation) {
        if let Observation::RingOver { how, .. } = observation {
            self.ring_overs += 1.0;
            if how == RingEnd::Person {
                self.answers += 1.0;
            }
        }
    }

    /// Share of answers among calls, with two calls' doubt.
    fn answer_share(&self) -> f64 {
        self.answers / (self.ring_overs + 2.0)
    }

    fn elapse(&mut self, now: Instant) {
        // A gap of more than a minute is a night or a pause: it says nothing about the rate.
        let passed = self.last.map_or(0.0, |last| now.since(last).as_secs_f64()).min(60.0);
        self.last = Some(now);
        let keep = (-passed / RATE_S).exp();
        self.answers *= keep;
        self.ring_overs *= keep;
        self.seconds = self.seconds * keep + passed;
    }

    /// Expected answers of persons until the window or the work ends.
    fn rest(&self, snapshot: &Snapshot<'_>, window: &LedgerView) -> f64 {
        let plan_s = snapshot.plan_left.map_or(UNPLANNED_S, |left| left.as_secs_f64());
        let seconds = window.left.map_or(plan_s, |left| left.as_secs_f64().min(plan_s));
        let by_time = seconds * self.answers / self.seconds;
        match snapshot.leads_left {
            Some(leads) => by_time.min(leads as f64 * self.answer_share()),
            None => by_time,
        }
    }

    /// The share of coming answers that may be abandoned, and how many abandonments calls under way may bring (mean
    /// and one deviation together) before the reserve is touched; `None`: hold to 1:1. `pending` and
    /// `pending_variance` are those expected from the calls there are.
    pub(super) fn set_point(
        &mut self,
        snapshot: &Snapshot<'_>,
        pending: f64,
        pending_variance: f64,
    ) -> Option<(f64, f64)> {
        self.elapse(snapshot.now);
        let reserve = if snapshot.agents.len() < SMALL_GROUP { 2.0 } else { 1.0 };
        let (mut point, mut spare) = (f64::INFINITY, f64::INFINITY);
        for window in snapshot.ledgers {
            let rest = self.rest(snapshot, window);
            // A window without an end of its own (a run) may be over any second: nothing of the rest is sure.
            let sure = if window.left.is_some() && snapshot.plan_left.is_some() { REST_TRUST * rest } else { 0.0 };
            let free = window.limit * (window.answered + sure) - window.abandoned_upper - reserve;
            if free < pending + pending_variance.max(0.0).sqrt() {
                return None;
            }
            spare = spare.min(free);
            let slack = window.limit * (window.answered + rest) - window.abandoned_upper;
            let above = slack - (BUNCHING * slack.max(0.0)).sqrt();
            point = point.min((above / rest.max(1.0)).min(CATCH_UP * window.limit));
        }
        (point > 0.0).then(|| (point.min(1.0), spare))
    }
}
