//! The part "caller": an engine that places calls at a steady rate and hangs each up at its answer.

use super::{CallerSettings, Held};
use crate::child::{Boss, Order};
use crate::media::engine::PORTS;
use crate::{Fault, Spread, open_files, processor_ns, rss_bytes};
use base::{Duration, Instant, LegId, ShardId};
use call::{Command, Event, Originate};
use codecs::g711::Law;
use net::stats::Histogram;
use net::{Clock, Engine, EngineConfig};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const SHARD: ShardId = ShardId(0);
/// A call that was not answered by then has failed: the engine cancels it.
const RING_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest wait between two looks at the clock.
const LOOK: Duration = Duration::from_ms(1);

/// What the calling side measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CallerFigures {
    pub(crate) failed: u64,
    pub(crate) seconds: f64,
    pub(crate) processor_ns: u64,
    pub(crate) allocations: u64,
    pub(crate) setup_ms: Spread,
    pub(crate) rtp_packets: u64,
}

/// What is left of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CallerEnd {
    pub(crate) rss_bytes_start: u64,
    pub(crate) rss_bytes_end: u64,
    pub(crate) held: Held,
}

pub(crate) fn run() -> Result<(), Fault> {
    let (settings, boss): (CallerSettings, Boss) = Boss::meet()?;
    let files = open_files();
    let config = EngineConfig { ports: PORTS, user_agent: "Outpace bench".to_owned(), ..EngineConfig::default() };
    let engine = match Engine::start(config) {
        Ok(engine) => engine,
        Err(error) => {
            boss.refuse(&error.into());
            return Ok(());
        }
    };
    let rss_bytes_start = rss_bytes();
    boss.answer(&());
    for order in &boss.orders {
        match order {
            Order::Begin => match place_calls(&engine, &settings) {
                Ok(figures) => boss.answer(&figures),
                Err(fault) => boss.refuse(&fault),
            },
            Order::Finish => {
                let held = Held::wait_empty(&engine);
                let rss_bytes_end = rss_bytes();
                engine.shutdown();
                let fds = open_files().saturating_sub(files);
                boss.answer(&CallerEnd { rss_bytes_start, rss_bytes_end, held: Held { fds, ..held } });
                return Ok(());
            }
            other => boss.refuse(&Fault(format!("the caller part cannot {other:?}"))),
        }
    }
    Ok(())
}

fn place_calls(engine: &Engine, settings: &CallerSettings) -> Result<CallerFigures, Fault> {
    let clock = Clock::new();
    let (cpu, allocations) = (processor_ns(), count::allocations());
    let began = clock.now();
    let gap = Duration::from_secs_f64(1.0 / settings.bench.rate);
    let mut setup_us = Histogram::default();
    let mut open: BTreeMap<LegId, Instant> = BTreeMap::new();
    let (mut placed, mut answered, mut ended) = (0, 0_u64, 0);
    while ended < settings.bench.calls {
        let now = clock.now();
        while placed < settings.bench.calls && began + gap * placed <= now {
            let leg = LegId(placed + 1);
            order(engine, originate(leg, settings))?;
            open.insert(leg, clock.now());
            placed += 1;
        }
        let until = if placed < settings.bench.calls { (began + gap * placed).since(now).min(LOOK) } else { LOOK };
        let Ok(first) = engine.events.recv_timeout(std::time::Duration::from_nanos(until.as_ns())) else { continue };
        for (_, event) in std::iter::once(first).chain(engine.events.try_iter()) {
            match event {
                Event::Answered { leg, at, .. } => {
                    if let Some(asked) = open.get(&leg) {
                        setup_us.record(at.since(*asked).as_us());
                    }
                    order(engine, Command::Hangup { leg, reason: "bench" })?;
                }
                Event::Ended { leg, answered: was_answered, .. } => {
                    open.remove(&leg);
                    answered += u64::from(was_answered);
                    ended += 1;
                }
                _ => {}
            }
        }
    }
    Ok(CallerFigures {
        failed: settings.bench.calls - answered,
        seconds: clock.now().since(began).as_us() as f64 / 1e6,
        processor_ns: processor_ns() - cpu,
        allocations: count::allocations() - allocations,
        setup_ms: Spread::of(&setup_us, 1_000.0),
        rtp_packets: engine.stats().send_lateness_us().count(),
    })
}

fn order(engine: &Engine, command: Command) -> Result<(), Fault> {
    engine.command(SHARD, command).map_err(Fault::during("ordering the engine; try a lower rate"))
}

fn originate(leg: LegId, settings: &CallerSettings) -> Command {
    Command::Originate(Box::new(Originate {
        leg,
        to_uri: format!("sip:{leg}@{}", settings.to),
        remote: settings.to,
        from_uri: "sip:bench@outpace.invalid".to_owned(),
        from_display: None,
        credentials: None,
        ring_timeout: RING_TIMEOUT,
        analyse: None,
        laws: vec![Law::Mu],
        learn: false,
    }))
}
