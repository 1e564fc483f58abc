//! Inbound calls on the agents of campaigns: how many arrive, how long they take, and how many agents must be left free
//! so that they are answered in time.
//!
//! ```text
//!  arrivals ──> Rate ─┐
//!  talk, wrap-up ─────┴─> reserve(agents, load, level, within) ──> the pacers leave so many agents
//!                └──────> outlook: chance of the first, second, … arrival by each moment ──> demand in the forecast
//! ```
//!
//! The reserve is the threshold rule of Bhulai and Koole (IEEE TAC 2003): outbound calls begin only while more than R
//! agents are free, R the least with which the service level holds. For a group whose free agents above R are always
//! dialled for, and calls of one mean length, the number of busy agents above N − R is a birth-death chain, and the wait
//! is known exactly. Outbound persons who have answered go first at the desk, as their deadline is the earliest.

use base::{Duration, Instant};
use desk::Skills;

use crate::pacing::{MOMENTS_S, Outlook};

/// Arrivals are remembered over this time: half an hour follows the course of a day.
const MEMORY_S: f64 = 1_800.0;
/// What is thought before any has come: one call in ten minutes, worth ten minutes of seeing none. It fades as arrivals do.
const PRIOR: (f64, f64) = (1.0, 600.0);
/// Means of lengths are over so many calls.
const CALLS: f64 = 50.0;
/// Length of a call and its wrap-up before any was seen, in seconds.
const HOLD_S: f64 = 240.0;
/// An arrival less likely than this within the forecast's horizon is left out.
const UNLIKELY: f64 = 0.01;

/// Settings of inbound calls of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct InboundConfig {
    /// Name for people.
    pub name: String,
    /// Skills an agent must have.
    pub skills: Skills,
    /// This share of the calls, of 1, is to be answered …
    pub service_level: f64,
    /// … within this time.
    pub within: Duration,
    /// Agents to leave free; `None`: as many as the service level needs.
    pub reserve: Option<u32>,
    /// Nobody waits longer.
    pub give_up: Duration,
}

/// Longest wait that may be set: the desk gives whoever has the earliest deadline an agent first, and persons who were
/// dialled have two seconds; callers must stand behind them.
pub const GIVE_UP_MIN: Duration = Duration::from_secs(60);

impl InboundConfig {
    pub(crate) fn is_valid(&self) -> bool {
        (0.0..1.0).contains(&self.service_level) && self.give_up >= GIVE_UP_MIN
    }
}

/// Inbound calls of one kind, as learnt.
#[derive(Clone, Debug)]
pub(crate) struct Inbound {
    pub(crate) config: InboundConfig,
    since: Instant,
    /// Arrivals, those of long ago counting less, at `at`.
    seen: f64,
    at: Instant,
    hold_s: f64,
}

impl Inbound {
    pub(crate) fn new(now: Instant, config: InboundConfig) -> Inbound {
        Inbound { config, since: now, seen: 0.0, at: now, hold_s: HOLD_S }
    }

    fn seen(&self, now: Instant) -> f64 {
        self.seen * (-now.since(self.at).as_secs_f64() / MEMORY_S).exp()
    }

    pub(crate) fn arrived(&mut self, now: Instant) {
        (self.seen, self.at) = (self.seen(now) + 1.0, now);
    }

    /// A call took an agent so long, wrap-up included.
    pub(crate) fn held(&mut self, hold_s: f64) {
        self.hold_s += (hold_s - self.hold_s) / CALLS;
    }

    /// Calls a second.
    pub(crate) fn rate(&self, now: Instant) -> f64 {
        let fade = (-now.since(self.since).as_secs_f64() / MEMORY_S).exp();
        (self.seen(now) + PRIOR.0 * fade) / (MEMORY_S * (1.0 - fade) + PRIOR.1 * fade)
    }

    pub(crate) fn hold_s(&self) -> f64 {
        self.hold_s
    }
}

/// The least agents to leave free of `agents`, so that the share `level` of calls is answered within `within_s`; all of
/// them when even that is too few. `rate`: calls a second, `hold_s`: how long one takes.
pub(crate) fn reserve(agents: u32, rate: f64, hold_s: f64, level: f64, within_s: f64) -> u32 {
    let n = f64::from(agents);
    let spare = n / hold_s - rate;
    if rate <= 0.0 || spare <= 0.0 {
        return if rate > 0.0 { agents } else { 0 };
    }
    let late = (-spare * within_s).exp();
    (0..agents).find(|kept| waits(n, *kept, rate, hold_s) * late <= 1.0 - level).unwrap_or(agents)
}

/// Chance that a call must wait while `kept` of `n` agents are left free for it.
fn waits(n: f64, kept: u32, rate: f64, hold_s: f64) -> f64 {
    // From N − R agents busy, which outbound calls fill up at once, to all of them and a queue.
    let (mut all, mut here) = (0.0, 1.0);
    for busy in 1..=kept {
        all += here;
        here *= rate * hold_s / (n - f64::from(kept - busy));
    }
    let queue = here / (1.0 - rate * hold_s / n);
    queue / (all + queue)
}

/// Chances of the first, second, … arrival by each moment of the forecast, while they are worth a thought.
pub(crate) fn arrivals(rate: f64) -> impl Iterator<Item = Outlook> {
    let mut at_most = [0.0; MOMENTS_S.len()];
    let mut term = MOMENTS_S.map(|moment_s| (-rate * moment_s).exp());
    (1_u32..).map_while(move |count| {
        for (place, moment_s) in MOMENTS_S.iter().enumerate() {
            at_most[place] += term[place];
            term[place] *= rate * moment_s / f64::from(count);
        }
        let outlook = at_most.map(|chance: f64| (1.0 - chance).max(0.0));
        (outlook[MOMENTS_S.len() - 1] >= UNLIKELY).then_some(outlook)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_is_the_least_that_keeps_the_service_level() {
        // Nothing arrives: nothing is kept. More than all can serve: all.
        assert_eq!((reserve(20, 0.0, 180.0, 0.8, 20.0), reserve(2, 0.1, 180.0, 0.8, 20.0)), (0, 2));
        let kept = |agents, per_h: f64, level| reserve(agents, per_h / 3_600.0, 180.0, level, 20.0);
        let (low, high) = (kept(20, 100.0, 0.9), kept(20, 100.0, 0.99));
        assert_eq!(kept(20, 100.0, 0.8), 0, "somebody comes free soon enough");
        assert!(low >= 1 && high > low && high <= 8, "{low} {high}");
        // A larger group has somebody free sooner.
        assert!(kept(100, 100.0, 0.9) <= low);
        for agents in [3, 20, 50] {
            let mut last = 0;
            for per_h in [10.0, 20.0, 40.0, 80.0] {
                let now = kept(agents, per_h, 0.9);
                assert!(now >= last && now <= agents, "{agents} {per_h}: {last} {now}");
                last = now;
            }
        }
    }

    /// With nobody dialled for, the chance to wait is Erlang's C: here of 10 agents and 8 Erlangs, 0.4092.
    #[test]
    fn with_all_agents_kept_the_wait_is_erlangs() {
        let chance = waits(10.0, 10, 8.0 / 180.0, 180.0);
        assert!((chance - 0.4092).abs() < 5e-4, "{chance}");
        assert_eq!(waits(10.0, 0, 8.0 / 180.0, 180.0), 1.0);
    }

    #[test]
    fn arrivals_to_come_add_up_to_the_rate() {
        let rate = 0.2;
        let sums = arrivals(rate).fold([0.0; MOMENTS_S.len()], |mut sums, outlook| {
            sums.iter_mut().zip(outlook).for_each(|(sum, chance)| *sum += chance);
            sums
        });
        for (sum, moment_s) in sums.iter().zip(MOMENTS_S) {
            assert!((sum - rate * moment_s).abs() < 0.05, "{sum} by {moment_s} s");
        }
        assert_eq!(arrivals(0.0).count(), 0);
    }

    #[test]
    fn a_rate_is_learnt_and_forgotten() {
        let at = |second: u64| Instant::from_ns(second * 1_000_000_000);
        let config = InboundConfig {
            name: "service".into(),
            skills: Skills::new(),
            service_level: 0.8,
            within: Duration::from_secs(20),
            reserve: None,
            give_up: Duration::from_secs(600),
        };
        let mut calls = Inbound::new(at(0), config);
        (0..120).for_each(|minute| calls.arrived(at(minute * 60)));
        let per_h = calls.rate(at(7_200)) * 3_600.0;
        assert!((per_h - 60.0).abs() < 12.0, "{per_h}");
        assert!(calls.rate(at(7_200 + 7_200)) * 3_600.0 < 10.0);
        (0..200).for_each(|_| calls.held(100.0));
        assert!((calls.hold_s() - 100.0).abs() < 5.0);
    }
}
