//! `bench media`: N legs of a mode over loopback, the engine's process measured alone.

pub(crate) mod engine;
pub(crate) mod floor;
pub(crate) mod load;
mod voice;

pub use engine::Leaked;
pub use load::Audio;
pub(crate) use voice::prompt;

use crate::child::{Child, Order, Part, Parts};
use crate::{Fault, Spread};
use engine::{EngineFigures, EngineSettings, Up};
use floor::{FloorFigures, FloorSettings};
use load::{LoadFigures, LoadReady, LoadSettings};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Most legs: as many as one shard holds, less those that rest.
pub const LEGS_MAX: usize = 8_000;
/// Longest window: an hour.
pub const SECONDS_MAX: u64 = 3_600;

/// After the calls are up and before the window: two seconds in which tables take the room they keep, jitter buffers
/// find their depth and streams their anchor.
const SETTLE: Duration = Duration::from_secs(2);
/// The minimal loops settle at once.
const FLOOR_SETTLE: Duration = Duration::from_millis(500);
/// Window of the minimal loops, before and after the engine's: half the engine's, within these.
const FLOOR_MIN: Duration = Duration::from_secs(2);
const FLOOR_MAX: Duration = Duration::from_secs(10);
/// Longest wait for an answer that takes no longer than a few ticks.
const WAIT: Duration = Duration::from_secs(20);
/// Longest wait for calls to come up or to end: 8,000 at 500 a second, and as much again.
const CALLS_WAIT: Duration = Duration::from_secs(60);

/// What the legs do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Each leg plays a prompt while the far end talks.
    Play,
    /// Each leg returns the far end's audio.
    Echo,
    /// Legs are joined in pairs.
    Bridge,
    /// Answer detection listens on each leg.
    Detect,
}

/// How the engine drives its sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Driver {
    /// epoll.
    Poll,
    /// io_uring.
    Ring,
}

/// Which detector listens in [`Mode::Detect`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listening {
    /// The published app_amd rules.
    Classic,
    /// Spectra, tones and the net that ships.
    Default,
}

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub struct MediaSettings {
    /// What the legs do.
    pub mode: Mode,
    /// Which detector listens, where one does.
    pub detector: Listening,
    /// Legs, 1 to [`LEGS_MAX`]; even for a bridge.
    pub legs: usize,
    /// Window in seconds, 1 to [`SECONDS_MAX`].
    pub seconds: u64,
    /// How the engine drives its sockets.
    pub driver: Driver,
    /// The engine's shard threads.
    pub shards: usize,
}

/// The figures, under the public names of the command's JSON.
#[derive(Clone, Debug, Serialize)]
pub struct MediaResult {
    /// What the legs did.
    pub mode: Mode,
    /// Which detector listened, where one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detector: Option<Listening>,
    /// Legs.
    pub legs: usize,
    /// Window in seconds, as measured.
    pub seconds: f64,
    /// How the engine drove its sockets.
    pub driver: Driver,
    /// Shard threads.
    pub shards: usize,
    /// Scheduling class of the shard threads and group of the process.
    pub sched: String,
    /// RTP packets that the engine sent.
    pub packets_sent: u64,
    /// RTP packets that the engine read.
    pub packets_received: u64,
    /// Packets that were sent and not received, both ways.
    pub packets_lost: u64,
    /// Processor time ÷ (sent + received).
    pub cpu_us_per_packet: f64,
    /// Processor time ÷ sent.
    pub cpu_us_per_pair: f64,
    /// The minimal loop's processor time ÷ sent: mean of the run before and the run after.
    pub floor_us_per_pair: f64,
    /// Both runs of the minimal loop.
    pub floor_runs_us_per_pair: [f64; 2],
    /// Engine ÷ floor.
    pub ratio: f64,
    /// Per cent of one processor a leg.
    pub cpu_percent_per_leg: f64,
    /// Return of the send call less the packet's moment on the leg's own grid.
    pub send_lateness_us: Spread,
    /// Packets sent later than 1 ms.
    pub late_over_1ms: u64,
    /// Packets sent later than 20 ms.
    pub late_over_20ms: u64,
    /// Kernel receive time at the load side less the stream's own 20 ms grid (its earliest packet).
    pub arrival_lateness_us: Spread,
    /// Kernel receive time of a frame less its sending, through the engine's jitter buffer; only where audio is relayed.
    pub relay_delay_us: Option<Spread>,
    /// A thread of the same class that only sleeps to the millisecond.
    pub idle_thread_lateness_us: Spread,
    /// Allocations of the engine's process in the window ÷ (sent + received).
    pub allocations_per_packet: f64,
    /// Allocations of the engine's process in the window.
    pub allocations: u64,
    /// Resident memory of the engine's process at the end of the window.
    pub rss_bytes: u64,
    /// What was heard at the load side.
    pub audio: Audio,
    /// Legs that ended, or detections that decided, inside the window: there should be none.
    pub legs_lost: u64,
    /// What the engine held after all calls had ended.
    pub leaked: Leaked,
}

impl MediaResult {
    /// Why the figures cannot be trusted, if they cannot.
    pub fn unsound(&self) -> Option<String> {
        if self.audio.wrong > 0 {
            return Some(format!("{} of {} frames had the wrong audio", self.audio.wrong, self.audio.right));
        }
        if self.legs_lost > 0 {
            return Some(format!("{} legs did not last for the whole window", self.legs_lost));
        }
        if self.audio.right == 0 {
            return Some("no audio came back".to_owned());
        }
        None
    }
}

/// Runs the bench; tells `progress` what it is doing.
///
/// # Errors
/// A part cannot be started or does not do its work; says which and why.
pub fn run(parts: &Parts, settings: &MediaSettings, mut progress: impl FnMut(&str)) -> Result<MediaResult, Fault> {
    let MediaSettings { mode, detector, legs, driver, shards, .. } = *settings;
    let window = Duration::from_secs(settings.seconds);
    let mut load = Child::start(parts, Part::Load, &LoadSettings { mode, legs })?;
    let ready: LoadReady = load.answer(WAIT)?;
    let floor_settings = FloorSettings::new(driver, legs, shards, &ready.rtp);

    progress("floor, before");
    let before = run_floor(parts, &mut load, &floor_settings, window)?;

    progress("setting the calls up");
    let engine_settings = EngineSettings { mode, detector, legs, driver, shards, to: ready.sip };
    let mut engine = Child::start(parts, Part::Engine, &engine_settings)?;
    let up: Up = engine.answer(CALLS_WAIT)?;
    std::thread::sleep(SETTLE);
    progress("measuring");
    let () = load.order(&Order::Begin, WAIT)?;
    let measure = Order::Measure { window_ms: window.as_millis() as u64 };
    let measured: EngineFigures = engine.order(&measure, window + WAIT)?;
    let heard: LoadFigures = load.order(&Order::End, WAIT)?;

    // Both ways at rest, so that what is missing is lost and not on its way.
    let sent_to_engine: u64 = load.order(&Order::Hush, WAIT)?;
    std::thread::sleep(Duration::from_millis(100));
    let end: engine::End = engine.order(&Order::Finish, CALLS_WAIT)?;
    drop(engine);
    progress("floor, after");
    let after = run_floor(parts, &mut load, &floor_settings, window)?;
    let () = load.order(&Order::Finish, WAIT)?;

    let floor_runs = [before.us_per_pair(), after.us_per_pair()];
    let floor_us = (floor_runs[0] + floor_runs[1]) / 2.0;
    let cpu_us = measured.processor_ns as f64 / 1_000.0;
    let packets = (measured.sent + measured.received).max(1) as f64;
    let pair_us = cpu_us / measured.sent.max(1) as f64;
    Ok(MediaResult {
        mode,
        detector: (mode == Mode::Detect).then_some(detector),
        legs,
        seconds: measured.seconds,
        driver,
        shards,
        sched: up.sched,
        packets_sent: measured.sent,
        packets_received: measured.received,
        packets_lost: heard.lost + sent_to_engine.saturating_sub(end.received),
        cpu_us_per_packet: cpu_us / packets,
        cpu_us_per_pair: pair_us,
        floor_us_per_pair: floor_us,
        floor_runs_us_per_pair: floor_runs,
        ratio: pair_us / floor_us,
        cpu_percent_per_leg: cpu_us / 10_000.0 / measured.seconds / legs as f64,
        send_lateness_us: measured.send_lateness_us,
        late_over_1ms: measured.late_over_1ms,
        late_over_20ms: measured.late_over_20ms,
        arrival_lateness_us: heard.arrival_lateness_us,
        relay_delay_us: heard.relay_delay_us,
        idle_thread_lateness_us: heard.idle_thread_lateness_us,
        allocations_per_packet: measured.allocations as f64 / packets,
        allocations: measured.allocations,
        rss_bytes: measured.rss_bytes,
        audio: heard.audio,
        legs_lost: measured.legs_lost,
        leaked: end.leaked,
    })
}

/// One window of the minimal loops against the same load side.
fn run_floor(
    parts: &Parts,
    load: &mut Child,
    settings: &FloorSettings,
    window: Duration,
) -> Result<FloorFigures, Fault> {
    let mut floor = Child::start(parts, Part::Floor, settings)?;
    let ports: Vec<u16> = floor.answer(floor::START)?;
    let () = load.order(&Order::Expect { ports }, WAIT)?;
    std::thread::sleep(FLOOR_SETTLE);
    let () = floor.order(&Order::Begin, WAIT)?;
    std::thread::sleep((window / 2).clamp(FLOOR_MIN, FLOOR_MAX));
    let figures = floor.order(&Order::End, WAIT)?;
    let () = load.order(&Order::Clear, WAIT)?;
    let () = floor.order(&Order::Finish, WAIT)?;
    Ok(figures)
}
