//! The part "callee": an engine that answers every call.

use super::{CalleeEnd, CalleeFigures, Held};
use crate::child::{Boss, Order};
use crate::media::engine::PORTS;
use crate::{Fault, open_files, processor_ns, rss_bytes};
use call::{Command, Event};
use crossbeam::channel::{Select, TryRecvError};
use net::{Engine, EngineConfig};

pub(crate) fn run() -> Result<(), Fault> {
    let ((), boss): ((), Boss) = Boss::meet()?;
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
    boss.answer(&engine.sip_addr());
    let mut began_ns = 0;
    while let Some(order) = next_order(&engine, &boss) {
        match order {
            Order::Begin => {
                began_ns = processor_ns();
                boss.answer(&());
            }
            Order::End => {
                let processor_ns = processor_ns() - began_ns;
                boss.answer(&CalleeFigures { processor_ns, rtp_packets: engine.stats().send_lateness_us().count() });
            }
            Order::Finish => {
                let held = Held::wait_empty(&engine);
                let rss_bytes_end = rss_bytes();
                engine.shutdown();
                let fds = open_files().saturating_sub(files);
                boss.answer(&CalleeEnd { rss_bytes_start, rss_bytes_end, held: Held { fds, ..held } });
                return Ok(());
            }
            other => boss.refuse(&Fault(format!("the callee part cannot {other:?}"))),
        }
    }
    Ok(())
}

/// The next order; meanwhile every call is answered.
fn next_order(engine: &Engine, boss: &Boss) -> Option<Order> {
    loop {
        while let Ok((shard, event)) = engine.events.try_recv() {
            if let Event::Incoming { leg, .. } = event {
                for command in [Command::Ring { leg, early_media: false }, Command::Answer { leg, learn: false }] {
                    // A full queue leaves the call ringing, and the caller counts it as failed.
                    let _ = engine.command(shard, command);
                }
            }
        }
        match boss.orders.try_recv() {
            Ok(order) => return Some(order),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => {}
        }
        let mut select = Select::new();
        select.recv(&engine.events);
        select.recv(&boss.orders);
        select.ready();
    }
}
