//! One trunk's room: channels and call attempts a second, both exact.
//!
//! Room is reserved when an attempt is decided and used when it is dialled, so a burst out of the store cannot put
//! more than `cps` calls into any second, nor more than the channels onto the trunk.
//!
//! A trunk that asks for patience gets it: a 503 with Retry-After closes it for that time (RFC 3261 §21.5.4: no other
//! request to that server meanwhile). If it had refused before it opens again at half the rate that it had, which then
//! doubles step by step; one refusal among many calls that were served is no overload and costs only its time.
//! A 503 without Retry-After counts as any failure (the same section), unless nothing else comes back.

use std::collections::VecDeque;

use base::{AttemptId, Duration, Instant};

/// Call attempts a second of one trunk: more than any carrier grants; bounds the launch memory below to 80 kB.
const CPS_MAX: f64 = 10_000.0;

/// A Retry-After is believed up to an hour: a carrier's slip of a digit must not silence a trunk for a day.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);
/// The rate after a refusal doubles each time so much time has passed without another: from 1 to 64 cps in a minute.
const RECOVERY: Duration = Duration::from_secs(10);
/// The rate is never halved below this: one call in eight seconds, which is how the trunk's recovery is noticed.
const CPS_MIN: f64 = 0.125;
/// So many 503 in a row, and nothing else, are a trunk that is down though it names no time. Of a carrier that fails
/// 70 % of its calls one series in 1,250 is that long, so it is hardly slowed down.
const REFUSALS_IN_A_ROW: u32 = 20;
/// After so many calls that were served a refusal with a Retry-After is one call's, not the trunk's: it closes the trunk
/// for its time and leaves the rate. Of a carrier that refuses a third of its calls one refusal in 60 follows such a series.
const SERVED_IN_A_ROW: u32 = 10;
/// The rate is halved at most once in this time: the refusals of one burst are one refusal.
const HALVING: Duration = Duration::from_secs(1);

/// What a second of a line is worth at least and at most, in answers of persons: nothing, or more than any answer.
const PRICE: (f64, f64) = (1e-5, 1.0);
/// The price grows or falls by a factor of e in this time.
const PRICE_MOVES: Duration = Duration::from_secs(10);

/// A rate below the trunk's own, after refusals.
#[derive(Clone, Copy, Debug)]
struct Throttle {
    cps: f64,
    /// The rate grows from here on.
    since: Instant,
    halved: Instant,
}

#[derive(Clone, Debug)]
pub(crate) struct Trunk {
    max_channels: u32,
    /// The rate that is allowed when nothing is wrong.
    max_cps: f64,
    throttle: Option<Throttle>,
    /// Nothing is dialled before; in the past when nothing is wrong.
    closed_until: Instant,
    refusals_in_a_row: u32,
    served_in_a_row: u32,
    /// At most `burst` launches in any `window`: for 10 cps 10 in 1 s, for 0.5 cps 1 in 2 s.
    burst: usize,
    window: Duration,
    /// Attempts that hold a channel, from decision to end.
    in_use: u32,
    /// Of them: decided, not yet dialled.
    reserved: u32,
    launches: VecDeque<Instant>,
    /// Durable, waiting for the rate.
    held: VecDeque<AttemptId>,
    /// The shadow price of a line, and when it last moved.
    price: f64,
    priced: Instant,
}

impl Trunk {
    pub(crate) fn new(max_channels: u32, max_cps: f64) -> Trunk {
        let mut trunk = Trunk {
            max_channels,
            max_cps: 0.0,
            throttle: None,
            closed_until: Instant::ZERO,
            refusals_in_a_row: 0,
            served_in_a_row: 0,
            burst: 1,
            window: Duration::from_secs(1),
            in_use: 0,
            reserved: 0,
            launches: VecDeque::new(),
            held: VecDeque::new(),
            price: PRICE.0,
            priced: Instant::ZERO,
        };
        trunk.set_rate(max_cps);
        trunk
    }

    pub(crate) fn set_rate(&mut self, max_cps: f64) {
        self.max_cps = if max_cps.is_finite() { max_cps.clamp(0.0, CPS_MAX) } else { 0.0 };
        let throttled = self.throttle.map_or(f64::INFINITY, |throttle| throttle.cps);
        self.use_rate(self.max_cps.min(throttled));
    }

    fn use_rate(&mut self, cps: f64) {
        if cps <= 0.0 {
            (self.burst, self.window) = (0, Duration::from_secs(1));
        } else {
            self.burst = (cps.floor() as usize).max(1);
            self.window = Duration::from_secs_f64(self.burst as f64 / cps);
        }
    }

    /// The rate in force.
    pub(crate) fn cps(&self) -> f64 {
        self.throttle.map_or(self.max_cps, |throttle| throttle.cps.min(self.max_cps))
    }

    /// Lets a throttled rate grow as its time comes.
    fn recover(&mut self, now: Instant) {
        let Some(throttle) = &mut self.throttle else { return };
        if throttle.since + RECOVERY > now {
            return;
        }
        while throttle.since + RECOVERY <= now && throttle.cps < self.max_cps {
            throttle.cps *= 2.0;
            throttle.since += RECOVERY;
        }
        let cps = throttle.cps;
        if cps >= self.max_cps {
            self.throttle = None;
        }
        self.use_rate(cps.min(self.max_cps));
    }

    /// Closed by a Retry-After that is not over.
    pub(crate) fn is_closed(&self, now: Instant) -> bool {
        now < self.closed_until
    }

    /// Until when it is closed, if it is.
    pub(crate) fn closed_until(&self, now: Instant) -> Option<Instant> {
        self.is_closed(now).then_some(self.closed_until)
    }

    /// A call was refused with 503. Gives the attempts that wait for the rate when the trunk closes: they are not
    /// dialled.
    pub(crate) fn refused(&mut self, now: Instant, retry_after_s: Option<u32>) -> VecDeque<AttemptId> {
        self.recover(now);
        self.refusals_in_a_row = self.refusals_in_a_row.saturating_add(1);
        let served = std::mem::take(&mut self.served_in_a_row);
        let patience = retry_after_s.map(|seconds| Duration::from_secs(u64::from(seconds)).min(RETRY_AFTER_MAX));
        if patience.is_none() && self.refusals_in_a_row < REFUSALS_IN_A_ROW {
            return VecDeque::new();
        }
        // Refusals that come in while it is closed answer calls from before.
        if !self.is_closed(now) && served < SERVED_IN_A_ROW {
            self.halve(now);
        }
        let Some(patience) = patience else { return VecDeque::new() };
        self.closed_until = self.closed_until.max(now + patience);
        if let Some(throttle) = &mut self.throttle {
            throttle.since = self.closed_until;
        }
        std::mem::take(&mut self.held)
    }

    /// Half of what was really dialled in the last second, if that is less than was allowed.
    fn halve(&mut self, now: Instant) {
        if self.throttle.is_some_and(|throttle| throttle.halved + HALVING > now) {
            return;
        }
        let recent = self.launches.iter().filter(|at| **at + Duration::from_secs(1) > now).count();
        let cps = (self.cps().min((recent as f64).max(1.0)) / 2.0).max(CPS_MIN);
        self.throttle = Some(Throttle { cps, since: now, halved: now });
        self.use_rate(cps.min(self.max_cps));
    }

    /// A call came to something else than a 503.
    pub(crate) fn served(&mut self) {
        self.refusals_in_a_row = 0;
        self.served_in_a_row = self.served_in_a_row.saturating_add(1);
    }

    /// How many attempts may hold a channel from now on. Those that hold one keep it.
    pub(crate) fn set_channels(&mut self, channels: u32) {
        self.max_channels = channels;
    }

    /// How many attempts may be decided now: by channels, and by the rate.
    pub(crate) fn room(&mut self, now: Instant) -> (u32, u32) {
        if self.is_closed(now) {
            return (0, 0);
        }
        let rate = self.rate_room(now).saturating_sub(self.reserved as usize);
        (self.max_channels.saturating_sub(self.in_use), rate as u32)
    }

    fn rate_room(&mut self, now: Instant) -> usize {
        self.recover(now);
        while self.launches.front().is_some_and(|at| *at + self.window <= now) {
            self.launches.pop_front();
        }
        self.burst.saturating_sub(self.launches.len())
    }

    /// What a second of a line is worth now, in answers: it rises while launches find too little room, else it falls.
    pub(crate) fn price(&mut self, now: Instant, short: bool) -> f64 {
        let moved = now.since(self.priced).as_secs_f64().min(1.0) / PRICE_MOVES.as_secs_f64();
        self.priced = now;
        self.price = (self.price * f64::exp(if short { moved } else { -moved })).clamp(PRICE.0, PRICE.1);
        self.price
    }

    /// Reserves room for a decided attempt.
    pub(crate) fn reserve(&mut self) {
        self.in_use += 1;
        self.reserved += 1;
    }

    /// The attempt is durable: true to dial it now, false when it is held for the rate.
    pub(crate) fn launch_or_hold(&mut self, now: Instant, attempt: AttemptId) -> bool {
        if self.held.is_empty() && self.rate_room(now) > 0 {
            self.launched(now);
            true
        } else {
            self.held.push_back(attempt);
            false
        }
    }

    fn launched(&mut self, now: Instant) {
        self.launches.push_back(now);
        self.reserved = self.reserved.saturating_sub(1);
    }

    /// The next held attempt, if the rate has room again.
    pub(crate) fn release(&mut self, now: Instant) -> Option<AttemptId> {
        if self.held.is_empty() || self.rate_room(now) == 0 {
            return None;
        }
        self.launched(now);
        self.held.pop_front()
    }

    /// When a held attempt can go.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        if self.held.is_empty() || self.burst == 0 {
            return None;
        }
        let excess = self.launches.len().checked_sub(self.burst)?;
        self.launches.get(excess).map(|at| *at + self.window)
    }

    /// An attempt that was decided and never dialled gives its room back.
    pub(crate) fn cancel(&mut self, attempt: AttemptId) {
        self.held.retain(|held| *held != attempt);
        self.reserved = self.reserved.saturating_sub(1);
        self.in_use = self.in_use.saturating_sub(1);
    }

    /// A dialled attempt has ended.
    pub(crate) fn ended(&mut self) {
        self.in_use = self.in_use.saturating_sub(1);
    }

    pub(crate) fn in_use(&self) -> u32 {
        self.in_use
    }

    pub(crate) fn max_channels(&self) -> u32 {
        self.max_channels
    }
}

#[cfg(test)]
mod tests;
