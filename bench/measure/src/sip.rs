//! `bench sip`: calls without audio between two engines in two processes, INVITE-180-200-ACK-BYE.
//!
//! The calling side hangs up as soon as it sees the answer, a millisecond or two later. A leg's first RTP packet is due 0 to
//! 20 ms after the answer, so about one call in ten sends one, and every leg sends one RTCP goodbye; both are what a call
//! costs, and are in the figures.

pub(crate) mod callee;
pub(crate) mod caller;

use crate::child::{Child, Order, Part, Parts};
use crate::{Fault, Spread};
use caller::{CallerEnd, CallerFigures};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::time::Duration;

/// Most calls of a run: 24 hours at 11.6 a second.
pub const CALLS_MAX: u64 = 1_000_000;
/// Fastest: beyond it the two engines want more than two processors.
pub const RATE_MAX: f64 = 5_000.0;

const WAIT: Duration = Duration::from_secs(20);
/// After the last call: a lost BYE is sent for up to 32 s (64 × T1), and so long transactions stay (RFC 3261 §17); with
/// the second after which the transactions of that BYE are gone, too.
const QUIET_WAIT: Duration = Duration::from_secs(70);

/// What to measure.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SipSettings {
    /// Calls, 1 to [`CALLS_MAX`].
    pub calls: u64,
    /// Calls a second, above 0 and up to [`RATE_MAX`].
    pub rate: f64,
}

/// The figures, under the public names of the command's JSON.
#[derive(Clone, Debug, Serialize)]
pub struct SipResult {
    /// Calls placed.
    pub calls: u64,
    /// Calls that were not answered, or did not end.
    pub failed: u64,
    /// Calls a second asked for.
    pub rate: f64,
    /// From the first INVITE to the last end, in seconds.
    pub seconds: f64,
    /// Processor time of the calling process ÷ calls, from the first INVITE to the last end.
    pub cpu_us_per_call_uac: f64,
    /// The same of the called process.
    pub cpu_us_per_call_uas: f64,
    /// From the order to the engine to its 200, in milliseconds.
    pub setup_ms: Spread,
    /// Allocations of the calling process ÷ calls.
    pub allocations_per_call: f64,
    /// RTP packets that both sides sent all the same.
    pub rtp_packets: u64,
    /// Resident memory of the calling process before the first call.
    pub rss_bytes_start: u64,
    /// The same after the last transaction has gone.
    pub rss_bytes_end: u64,
    /// The same of the called process.
    pub rss_bytes_start_uas: u64,
    /// The same of the called process.
    pub rss_bytes_end_uas: u64,
    /// What both sides still held when all transactions should have gone.
    pub leaked: Held,
}

/// What an engine holds; all zero when nothing leaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Legs.
    pub legs: usize,
    /// Media ports not given back.
    pub ports: usize,
    /// Timers of legs.
    pub timers: usize,
    /// SIP dialogs.
    pub dialogs: usize,
    /// SIP transactions.
    pub transactions: usize,
    /// File descriptors that stayed open after the engine had gone.
    pub fds: usize,
}

impl Held {
    fn of(engine: &net::Engine) -> Held {
        let counts = engine.stats().counts();
        Held {
            legs: counts.legs,
            ports: counts.ports_in_use,
            timers: counts.timers,
            dialogs: counts.dialogs,
            transactions: counts.transactions,
            fds: 0,
        }
    }

    /// Waits until nothing is held, or long enough.
    fn wait_empty(engine: &net::Engine) -> Held {
        let deadline = std::time::Instant::now() + QUIET_WAIT;
        loop {
            let held = Held::of(engine);
            if held == Held::default() || std::time::Instant::now() > deadline {
                return held;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn add(self, other: Held) -> Held {
        Held {
            legs: self.legs + other.legs,
            ports: self.ports + other.ports,
            timers: self.timers + other.timers,
            dialogs: self.dialogs + other.dialogs,
            transactions: self.transactions + other.transactions,
            fds: self.fds + other.fds,
        }
    }
}

/// What the called side says after the window.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CalleeFigures {
    pub(crate) processor_ns: u64,
    pub(crate) rtp_packets: u64,
}

/// What the called side says when all is over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CalleeEnd {
    pub(crate) rss_bytes_start: u64,
    pub(crate) rss_bytes_end: u64,
    pub(crate) held: Held,
}

/// What the calling side is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CallerSettings {
    pub(crate) bench: SipSettings,
    pub(crate) to: SocketAddr,
}

/// Runs the bench; tells `progress` what it is doing.
///
/// # Errors
/// A part cannot be started or does not do its work; says which and why.
pub fn run(parts: &Parts, settings: &SipSettings, mut progress: impl FnMut(&str)) -> Result<SipResult, Fault> {
    let mut callee = Child::start(parts, Part::Callee, &())?;
    let to: SocketAddr = callee.answer(WAIT)?;
    let mut caller = Child::start(parts, Part::Caller, &CallerSettings { bench: *settings, to })?;
    let () = caller.answer(WAIT)?;
    progress("calling");
    let () = callee.order(&Order::Begin, WAIT)?;
    let all = Duration::from_secs_f64(settings.calls as f64 / settings.rate) + QUIET_WAIT;
    let figures: CallerFigures = caller.order(&Order::Begin, all)?;
    let called: CalleeFigures = callee.order(&Order::End, WAIT)?;
    progress("waiting for the last transactions");
    let end: CallerEnd = caller.order(&Order::Finish, QUIET_WAIT + WAIT)?;
    let callee_end: CalleeEnd = callee.order(&Order::Finish, QUIET_WAIT + WAIT)?;
    let calls = settings.calls as f64;
    Ok(SipResult {
        calls: settings.calls,
        failed: figures.failed,
        rate: settings.rate,
        seconds: figures.seconds,
        cpu_us_per_call_uac: figures.processor_ns as f64 / 1_000.0 / calls,
        cpu_us_per_call_uas: called.processor_ns as f64 / 1_000.0 / calls,
        setup_ms: figures.setup_ms,
        allocations_per_call: figures.allocations as f64 / calls,
        rtp_packets: figures.rtp_packets + called.rtp_packets,
        rss_bytes_start: end.rss_bytes_start,
        rss_bytes_end: end.rss_bytes_end,
        rss_bytes_start_uas: callee_end.rss_bytes_start,
        rss_bytes_end_uas: callee_end.rss_bytes_end,
        leaked: end.held.add(callee_end.held),
    })
}
