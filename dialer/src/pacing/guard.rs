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
/// A run whose whole budget is less than so many abandonments: one clump would spend it.
const SMALL_BUDGET: f64 = 5.0;
/// A campaign that shares its agents keeps so many abandonments more in reserve.
const SHARED: f64 = 1.0;
/// Without a planned end the agents are trusted to stay for this long.
const UNPLANNED_S: f64 = 1_200.0;

/// How freely the ledger lets the pacer dial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Leeway {
    /// No slack at all: one call for one free agent.
    None,
    /// Only the reserve is left: calls that are as good as sure to find an agent.
    Reserve {
        /// One more abandonment would break the limit.
        tight: bool,
        /// See `Open`.
        bears: u32,
    },
    /// The share of coming answers that may be abandoned, and how many abandonments calls under way may bring (mean
    /// and one deviation together) before the reserve is touched. `bears`: so many more can be borne at all.
    Open { point: f64, spare: f64, bears: u32 },
}

/// Estimates the coming answers and turns the ledger into a set point.
pub(super) struct Guard {
    answers: f64,
    seconds: f64,
    /// What is left of the prior of [`PRIOR_S`].
    prior_s: f64,
    ring_overs: f64,
    last: Option<Instant>,
}

impl Guard {
    pub(super) fn new() -> Guard {
        Guard { answers: 0.0, seconds: 0.0, prior_s: PRIOR_S, ring_overs: 0.0, last: None }
    }

    pub(super) fn observe(&mut self, _now: Instant, observation: Observation) {
        if let Observation::RingOver { how, .. } = observation {
            self.ring_overs += 1.0;
            if how == RingEnd::Person {
                self.answers += 1.0;
            }
        }
    }

    /// Share of answers among calls, with two calls' doubt. Calls under way count as calls without an answer: persons
    /// answer sooner than nobody does, so without them a young list would look far too good.
    fn answer_share(&self, under_way: usize) -> f64 {
        self.answers / (self.ring_overs + under_way as f64 + 2.0)
    }

    fn elapse(&mut self, now: Instant) {
        // A gap of more than a minute is a night or a pause: it says nothing about the rate.
        let passed = self.last.map_or(0.0, |last| now.since(last).as_secs_f64()).min(60.0);
        self.last = Some(now);
        let keep = (-passed / RATE_S).exp();
        self.answers *= keep;
        self.ring_overs *= keep;
        self.seconds = self.seconds * keep + passed;
        self.prior_s *= keep;
    }

    /// Expected answers of persons until the window or the work ends.
    fn rest(&self, snapshot: &Snapshot<'_>, window: &LedgerView) -> f64 {
        let plan_s = snapshot.plan_left.map_or(UNPLANNED_S, |left| left.as_secs_f64());
        let seconds = window.left.map_or(plan_s, |left| left.as_secs_f64().min(plan_s));
        let by_time = |prior_s: f64| seconds * self.answers / (self.seconds + prior_s).max(1.0);
        match snapshot.leads_left {
            // A run ends with its list: the leads that are left say more about the answers to come than a slow start.
            // A share seen in n answers is known to one in the root of n; the lower end is taken.
            Some(leads) if window.left.is_none() => {
                let doubt = 1.0 - 1.0 / (self.answers + 1.0).sqrt();
                doubt * by_time(0.0).min(leads as f64 * self.answer_share(snapshot.calls.len()))
            }
            Some(leads) => by_time(self.prior_s).min(leads as f64 * self.answer_share(snapshot.calls.len())),
            None => by_time(self.prior_s),
        }
    }

    /// How freely to dial now. `pending` and `pending_variance` are the abandonments expected from the calls there are.
    pub(super) fn leeway(&mut self, snapshot: &Snapshot<'_>, pending: f64, pending_variance: f64) -> Leeway {
        self.elapse(snapshot.now);
        let reserve = if snapshot.agents.len() < SMALL_GROUP { 2.0 } else { 1.0 };
        let (mut point, mut spare, mut tight) = (f64::INFINITY, f64::INFINITY, false);
        let mut bears = u32::MAX;
        let upper = pending + pending_variance.max(0.0).sqrt();
        // On shared agents a call of another campaign may take the one who was counted on.
        let shared = if snapshot.others.is_empty() { 0.0 } else { SHARED };
        for window in snapshot.ledgers {
            let rest = self.rest(snapshot, window);
            // The rest is only worth something when the end is known: the window's, or of a run that of its list. A
            // run whose list may go on or stop any second has nothing that is sure.
            let ends = window.left.is_some() || snapshot.leads_left.is_some();
            let sure = if ends && snapshot.plan_left.is_some() { REST_TRUST * rest } else { 0.0 };
            let free = window.limit * (window.answered + sure) - window.abandoned_upper - shared;
            // Abandonments come whole: a run that is too short for a single one takes no risk, and one in which the next
            // would break the limit hardly any.
            let whole = window.limit * (window.answered + rest);
            let short = window.left.is_none() && whole < 1.0;
            if free < upper || free <= 0.0 || short {
                return Leeway::None;
            }
            let slack = whole - window.abandoned_upper;
            bears = bears.min(free as u32);
            let reserve = if whole < SMALL_BUDGET { 2.0_f64 } else { reserve };
            tight |= if window.left.is_none() { free <= 1.0 } else { slack <= 1.0 };
            spare = spare.min(if window.left.is_none() && whole < SMALL_BUDGET { 0.0 } else { free - reserve });
            let above = slack - (BUNCHING * slack.max(0.0)).sqrt();
            point = point.min((above / rest.max(1.0)).min(CATCH_UP * window.limit));
        }
        if spare <= upper || point <= 0.0 {
            Leeway::Reserve { tight, bears }
        } else {
            Leeway::Open { point: point.min(1.0), spare, bears }
        }
    }
}
