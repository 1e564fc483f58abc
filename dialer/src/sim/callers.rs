//! The inbound side of the world: callers who arrive by the hour of the day, wait as long as they like, and talk.

use std::collections::BTreeMap;

use base::{AgentId, CallId, Duration, Instant, Seed, Stream};
use desk::Skills;

use crate::inbound::InboundConfig;
use crate::io::Input;
use crate::report::{InboundReport, WaitTimes};
use crate::scenario::{InboundModel, Scenario};

/// Inbound calls have this bit and a count; attempts are counted from 1.
const INBOUND_BIT: u64 = 1 << 62;
/// Waits are kept in bins of a second up to an hour, which is as long as anybody may wait.
const WAIT_BINS: usize = 3_600;

/// A call from its arrival to its end.
struct Caller {
    kind: usize,
    since: Instant,
    talk: Duration,
    wrap: Duration,
    agent: Option<AgentId>,
}

struct Kind {
    model: InboundModel,
    stream: Stream,
    calls: u64,
    in_time: u64,
    left: u64,
    waits: Vec<u64>,
    waited_s: f64,
}

/// See the module's page.
pub(super) struct Callers {
    kinds: Vec<Kind>,
    seed: Seed,
    day_hours: f64,
    callers: BTreeMap<CallId, Caller>,
    next: u64,
}

impl Callers {
    pub(super) fn new(scenario: &Scenario, seed: Seed) -> Callers {
        let kind = |(place, model): (usize, &InboundModel)| Kind {
            model: model.clone(),
            stream: seed.stream("inbound", place as u64),
            calls: 0,
            in_time: 0,
            left: 0,
            waits: vec![0; WAIT_BINS],
            waited_s: 0.0,
        };
        let kinds = scenario.inbound.iter().enumerate().map(kind).collect();
        Callers { kinds, seed, day_hours: scenario.day_hours, callers: BTreeMap::new(), next: 1 }
    }

    /// What the dialer is told of each kind.
    pub(super) fn open(&self, inbox: &mut impl Extend<Input>) {
        let config = |model: &InboundModel| InboundConfig {
            name: model.name.clone(),
            skills: Skills::new(),
            service_level: model.service_level,
            within: Duration::from_secs_f64(model.within_s),
            reserve: model.reserve,
            give_up: Duration::from_secs(WAIT_BINS as u64),
        };
        let kinds = self.kinds.iter().enumerate();
        inbox.extend(
            kinds.map(|(kind, of)| Input::PutInbound { kind: kind as u32, config: Box::new(config(&of.model)) }),
        );
    }

    /// A new day: the hour of each kind's first call, if there is one.
    pub(super) fn day_starts(&mut self, day: u32) -> Vec<(usize, f64)> {
        for (place, kind) in self.kinds.iter_mut().enumerate() {
            kind.stream = self.seed.stream("inbound", (u64::from(day) << 8) | place as u64);
        }
        (0..self.kinds.len()).filter_map(|kind| Some((kind, self.next_at_h(kind, 0.0)?))).collect()
    }

    /// The hour of the day of the next call of a kind after `from_h`.
    pub(super) fn next_at_h(&mut self, kind: usize, from_h: f64) -> Option<f64> {
        let Kind { model, stream, .. } = &mut self.kinds[kind];
        let mut at_h = from_h;
        while at_h < self.day_hours {
            let hour = at_h as usize;
            let per_h = model.calls_per_hour[hour.min(model.calls_per_hour.len() - 1)];
            // Arrivals have no memory, so each hour is drawn anew from its beginning.
            let next = if per_h > 0.0 { at_h - (1.0 - stream.unit()).ln() / per_h } else { f64::INFINITY };
            if next < (hour + 1) as f64 {
                return Some(next).filter(|next| *next < self.day_hours);
            }
            at_h = (hour + 1) as f64;
        }
        None
    }

    /// A call arrives: its item, and how long its caller would wait.
    pub(super) fn arrives(&mut self, now: Instant, kind: usize, inbox: &mut impl Extend<Input>) -> (CallId, Duration) {
        let Kind { model, stream, calls, .. } = &mut self.kinds[kind];
        *calls += 1;
        let item = CallId(INBOUND_BIT | self.next);
        self.next += 1;
        let mut draw = |dist: &crate::scenario::Dist| Duration::from_secs_f64(dist.sample(stream).max(0.0));
        let (patience, talk, wrap) = (draw(&model.patience_s), draw(&model.talk_s), draw(&model.wrap_s));
        self.callers.insert(item, Caller { kind, since: now, talk, wrap, agent: None });
        inbox.extend([Input::InboundArrived { kind: kind as u32, item }]);
        (item, patience)
    }

    /// The caller's patience is over.
    pub(super) fn leaves(&mut self, item: CallId, inbox: &mut impl Extend<Input>) {
        if self.callers.get(&item).is_some_and(|caller| caller.agent.is_none()) {
            self.gone(item);
            inbox.extend([Input::InboundLeft { item }]);
        }
    }

    /// The call ends without an agent.
    pub(super) fn gone(&mut self, item: CallId) {
        if let Some(caller) = self.callers.remove(&item) {
            self.kinds[caller.kind].left += 1;
        }
    }

    /// An agent takes the call: talk and wrap-up.
    pub(super) fn answered(&mut self, now: Instant, item: CallId, agent: AgentId) -> Option<(Duration, Duration)> {
        let caller = self.callers.get_mut(&item)?;
        caller.agent = Some(agent);
        let wait_s = now.since(caller.since).as_secs_f64();
        let kind = &mut self.kinds[caller.kind];
        kind.waited_s += wait_s;
        kind.waits[(wait_s as usize).min(WAIT_BINS - 1)] += 1;
        kind.in_time += u64::from(wait_s <= kind.model.within_s);
        Some((caller.talk, caller.wrap))
    }

    /// The talk is over, or the agent is gone: who had it.
    pub(super) fn over(&mut self, item: CallId) -> Option<AgentId> {
        self.callers.remove(&item)?.agent
    }

    pub(super) fn report(&self) -> Vec<InboundReport> {
        let of = |kind: &Kind| {
            let answered: u64 = kind.waits.iter().sum();
            let per = |part: f64, whole: u64| if whole > 0 { part / whole as f64 } else { 0.0 };
            let mut seen = 0;
            let p90 = kind.waits.iter().position(|bin| {
                seen += bin;
                answered > 0 && seen as f64 >= 0.9 * answered as f64
            });
            InboundReport {
                name: kind.model.name.clone(),
                calls: kind.calls,
                answered,
                left: kind.left,
                service_level: per(kind.in_time as f64, kind.calls),
                target: kind.model.service_level,
                wait_s: WaitTimes { mean: per(kind.waited_s, answered), p90: p90.map_or(0.0, |bin| bin as f64 + 0.5) },
            }
        };
        self.kinds.iter().map(of).collect()
    }
}
