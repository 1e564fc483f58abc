//! The part "load": the far end of all calls. One thread that ticks once a millisecond, as the engine does; few sockets,
//! so that it costs less than what it measures.
//!
//! ```text
//!  tick ─> SIP (calls.rs) ─> send the slot's legs (wire.rs, one sendmmsg per 64) ─> read all (wire.rs) ─> Ear (ear.rs)
//! ```

mod calls;
mod ear;
mod wire;

use super::voice::{Stamp, Stamper, speech};
use super::{LEGS_MAX, Mode};
use crate::child::{Boss, Order};
use crate::{Fault, Spread};
use ::wire::rtp::{HEADER_BYTES, RtpHeader};
use calls::{Calls, Changed};
use crossbeam::channel::TryRecvError;
pub use ear::Audio;
use ear::Ears;
use net::Clock;
use net::sched::prepare_thread;
use net::stats::Histogram;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use wire::{Sender, Sockets, realtime_ns};

const TICK_NS: u64 = 1_000_000;
const SLOTS: usize = 20;
/// After a stall at most so many missed slots are sent at once.
const CATCH_UP_TICKS: u64 = 200;
/// RTP/RTCP socket pairs. Each of the 20 slots has one of them, so that a slot leaves in few calls.
const PAIRS: usize = 4;
/// RTCP is read and forgotten once in so many ticks.
const RTCP_TICKS: u64 = 100;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LoadSettings {
    pub(crate) mode: Mode,
    pub(crate) legs: usize,
}

/// Where the load side can be reached.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LoadReady {
    pub(crate) sip: SocketAddr,
    /// Stream i is heard at `rtp[i % rtp.len()]`.
    pub(crate) rtp: Vec<SocketAddr>,
}

/// One window as the load side saw it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LoadFigures {
    pub(crate) lost: u64,
    pub(crate) audio: Audio,
    pub(crate) arrival_lateness_us: Spread,
    pub(crate) relay_delay_us: Option<Spread>,
    pub(crate) idle_thread_lateness_us: Spread,
}

/// One leg's way out.
#[derive(Clone, Copy)]
struct Leg {
    to: SocketAddrV4,
    header: RtpHeader,
    number: u32,
}

pub(crate) fn run() -> Result<(), Fault> {
    let (settings, boss): (LoadSettings, Boss) = Boss::meet()?;
    let mut load = match Load::new(&settings) {
        Ok(load) => load,
        Err(fault) => {
            boss.refuse(&fault);
            return Ok(());
        }
    };
    boss.answer(&LoadReady { sip: load.calls.addr(), rtp: load.sockets.addresses() });
    prepare_thread(None);
    load.run(&boss);
    Ok(())
}

struct Load {
    mode: Mode,
    clock: Clock,
    sockets: Sockets,
    sender: Sender,
    calls: Calls,
    legs: Vec<Option<Leg>>,
    ears: Ears,
    stamper: Stamper,
    speech: Vec<[u8; media::FRAME_SAMPLES]>,
    hushed: bool,
    sent: u64,
    idle: Option<Idle>,
}

impl Load {
    fn new(settings: &LoadSettings) -> Result<Load, Fault> {
        if !(1..=LEGS_MAX).contains(&settings.legs) {
            return Err(Fault(format!("{} legs asked for; 1 to {LEGS_MAX} are possible", settings.legs)));
        }
        let sockets = Sockets::bind(LOOPBACK, PAIRS).map_err(Fault::during("binding the load side's sockets"))?;
        let calls = Calls::bind(LOOPBACK).map_err(Fault::during("binding the load side's SIP socket"))?;
        Ok(Load {
            mode: settings.mode,
            clock: Clock::new(),
            sender: Sender::new(),
            sockets,
            calls,
            legs: vec![None; settings.legs],
            ears: Ears::new(settings.mode, settings.legs),
            stamper: Stamper::new(),
            speech: speech(),
            hushed: false,
            sent: 0,
            idle: None,
        })
    }

    fn run(&mut self, boss: &Boss) {
        let mut done = self.clock.now().as_ns() / TICK_NS;
        loop {
            match boss.orders.try_recv() {
                Ok(Order::Finish) => return boss.answer(&()),
                Ok(order) => self.obey(boss, order),
                Err(TryRecvError::Disconnected) => return,
                Err(TryRecvError::Empty) => {}
            }
            self.signalling();
            let tick = self.clock.now().as_ns() / TICK_NS;
            for slot in (done + 1).max(tick.saturating_sub(CATCH_UP_TICKS))..=tick {
                self.send_slot((slot % SLOTS as u64) as usize);
            }
            done = tick;
            let Load { sockets, ears, stamper, .. } = self;
            sockets.read_rtp(|source, arrived_ns, bytes| ears.hear(stamper, source, arrived_ns, bytes));
            if tick.is_multiple_of(RTCP_TICKS) {
                self.sockets.drain_rtcp();
            }
            let now = self.clock.now().as_ns();
            std::thread::sleep(Duration::from_nanos((now / TICK_NS + 1) * TICK_NS - now));
        }
    }

    fn obey(&mut self, boss: &Boss, order: Order) {
        match order {
            Order::Expect { ports } => {
                self.hushed = false;
                for (index, port) in ports.into_iter().enumerate().take(self.legs.len()) {
                    self.leg_up(index, SocketAddrV4::new(Ipv4Addr::LOCALHOST, port));
                }
                boss.answer(&());
            }
            Order::Clear => {
                self.legs.fill(None);
                self.ears.clear();
                self.sent = 0;
                boss.answer(&());
            }
            Order::Begin => {
                self.ears.begin();
                self.idle = Idle::start();
                boss.answer(&());
            }
            Order::End => {
                let (lost, audio, arrival, delay) = self.ears.end();
                let idle = self.idle.take().map(Idle::stop).unwrap_or_default();
                boss.answer(&LoadFigures {
                    lost,
                    audio,
                    arrival_lateness_us: Spread::of(&arrival, 1.0),
                    relay_delay_us: (delay.count() > 0).then(|| Spread::of(&delay, 1.0)),
                    idle_thread_lateness_us: Spread::of(&idle, 1.0),
                });
            }
            Order::Hush => {
                self.hushed = true;
                boss.answer(&self.sent);
            }
            other => boss.refuse(&Fault(format!("the load part cannot {other:?}"))),
        }
    }

    fn signalling(&mut self) {
        let now = self.clock.now();
        let rtp = &self.sockets;
        self.calls.step(now, |leg| rtp.address(leg).port());
        while let Some(changed) = self.calls.changed() {
            match changed {
                Changed::Up { leg, to } if leg < self.legs.len() => {
                    self.hushed = false;
                    self.leg_up(leg, to);
                }
                Changed::Down { leg } if leg < self.legs.len() => self.legs[leg] = None,
                Changed::Up { .. } | Changed::Down { .. } => {}
            }
        }
    }

    fn leg_up(&mut self, leg: usize, to: SocketAddrV4) {
        let header =
            RtpHeader { payload_type: 0, marker: false, sequence: 0, timestamp: 0, ssrc: 0x4c00_0000 | leg as u32 };
        self.legs[leg] = Some(Leg { to, header, number: 0 });
        self.ears.expect(leg, to.port());
    }

    fn send_slot(&mut self, slot: usize) {
        if self.hushed {
            return;
        }
        let sent_ns = realtime_ns();
        let Load { mode, sender, legs, stamper, speech, .. } = self;
        sender.clear();
        for (index, leg) in legs.iter_mut().enumerate().skip(slot).step_by(SLOTS) {
            let Some(Leg { to, header, number }) = leg else { continue };
            sender.push(*to, |packet| {
                header.write(packet);
                let payload = &mut packet[HEADER_BYTES..];
                if *mode == Mode::Detect {
                    // Each leg is at a place of its own in the speech.
                    payload.copy_from_slice(&speech[(*number as usize + index * 37) % speech.len()]);
                } else {
                    stamper.write(Stamp { leg: index as u32, number: *number, sent_ns }, payload);
                }
            });
            header.sequence = header.sequence.wrapping_add(1);
            header.timestamp = header.timestamp.wrapping_add(media::FRAME_SAMPLES as u32);
            *number = number.wrapping_add(1);
        }
        self.sent += self.sender.send(self.sockets.of_slot(slot));
    }
}

/// A thread that only sleeps to each whole millisecond: what the machine itself does to a thread of this class.
struct Idle {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Histogram>,
}

impl Idle {
    fn start() -> Option<Idle> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let body = move || {
            prepare_thread(None);
            let clock = Clock::new();
            let mut lateness = Histogram::default();
            while !stopped.load(Ordering::Acquire) {
                let now = clock.now().as_ns();
                let until = (now / TICK_NS + 1) * TICK_NS;
                std::thread::sleep(Duration::from_nanos(until - now));
                lateness.record(clock.now().as_ns().saturating_sub(until) / 1_000);
            }
            lateness
        };
        let thread = std::thread::Builder::new().name("idle".to_owned()).spawn(body).ok()?;
        Some(Idle { stop, thread })
    }

    fn stop(self) -> Histogram {
        self.stop.store(true, Ordering::Release);
        self.thread.join().unwrap_or_default()
    }
}
