//! The part "floor": runs the minimal loops between two moments and measures the process.

use super::{Driver, WAIT, prompt};
use crate::child::{Boss, Order};
use crate::{Fault, processor_ns};
use codecs::g711::Law;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// What the minimal loops are asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FloorSettings {
    /// How sockets are driven.
    pub driver: Driver,
    /// Streams.
    pub streams: usize,
    /// Threads.
    pub threads: usize,
    /// Where stream i is sent: `to[i % to.len()]`.
    pub to: Vec<SocketAddr>,
    /// G.711 payload of whole frames that each stream sends over and over; made by the part itself.
    #[serde(skip)]
    pub prompt: Vec<u8>,
}

/// Minimal loops at work; they end when this is dropped.
pub struct Loops {
    /// The local port of each stream.
    pub ports: Vec<u16>,
    /// Packets sent and received so far.
    pub counts: Box<dyn Fn() -> (u64, u64)>,
}

/// One window of the loops.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct FloorFigures {
    pub(crate) processor_ns: u64,
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

impl FloorFigures {
    /// Processor time per packet sent, with the one that is received beside it.
    pub(crate) fn us_per_pair(&self) -> f64 {
        self.processor_ns as f64 / 1_000.0 / self.sent.max(1) as f64
    }
}

pub(crate) fn run(start: impl FnOnce(&FloorSettings) -> std::io::Result<Loops>) -> Result<(), Fault> {
    let (mut settings, boss): (FloorSettings, Boss) = Boss::meet()?;
    let prompt = prompt();
    let frames = (0..prompt.frames()).filter_map(|index| prompt.frame(Law::Mu, index));
    settings.prompt = frames.flatten().copied().collect();
    let loops = match start(&settings) {
        Ok(loops) => loops,
        Err(error) => {
            boss.refuse(&Fault(format!("the minimal loop of {} streams: {error}", settings.streams)));
            return Ok(());
        }
    };
    boss.answer(&loops.ports);
    let mut began = FloorFigures { processor_ns: 0, sent: 0, received: 0 };
    for order in &boss.orders {
        let (sent, received) = (loops.counts)();
        let now = FloorFigures { processor_ns: processor_ns(), sent, received };
        match order {
            Order::Begin => {
                began = now;
                boss.answer(&());
            }
            Order::End => boss.answer(&FloorFigures {
                processor_ns: now.processor_ns - began.processor_ns,
                sent: now.sent - began.sent,
                received: now.received - began.received,
            }),
            Order::Finish => {
                boss.answer(&());
                return Ok(());
            }
            other => boss.refuse(&Fault(format!("the floor part cannot {other:?}"))),
        }
    }
    Ok(())
}

impl FloorSettings {
    pub(super) fn new(driver: Driver, streams: usize, threads: usize, to: &[SocketAddr]) -> FloorSettings {
        FloorSettings { driver, streams, threads, to: to.to_vec(), prompt: Vec::new() }
    }
}

/// Longest wait for the loops' sockets.
pub(super) const START: std::time::Duration = WAIT;
