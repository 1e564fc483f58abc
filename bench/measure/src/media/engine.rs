//! The part "engine": [`net::Engine`] as the product runs it, and a control thread that sleeps while the window runs.

use super::{CALLS_WAIT, Driver, Listening, Mode, prompt};
use crate::child::{Boss, Order};
use crate::{Fault, Spread, open_files, processor_ns, rss_bytes};
use base::{CallId, Duration, LegId, ShardId};
use call::{Command, Event, Originate};
use codecs::g711::Law;
use crossbeam::channel::{Select, TryRecvError};
use detect::decide::Tuning;
use detect::{ClassicConfig, DetectorConfig};
use media::playout::Prompt;
use net::stats::Counters;
use net::{DriverChoice, Engine, EngineConfig, EngineStats};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// Room for [`super::LEGS_MAX`] pairs and those that rest, below the ports that the system lends to others.
pub(crate) const PORTS: std::ops::RangeInclusive<u16> = 10_000..=31_999;
/// Calls on their way up at a time: each takes two or three ticks, so that this is far beyond what a trunk offers and
/// still no storm.
const SETTING_UP_MAX: usize = 100;
/// After the last call has ended its transactions have timers of their own; legs, ports and timers of legs go at once.
const EMPTY_WAIT: std::time::Duration = std::time::Duration::from_secs(10);

/// The classic detector with all its limits out of reach: it does for every frame what it always does and never decides,
/// so that all legs are analysed for the whole window.
pub(super) const PATIENT: ClassicConfig = ClassicConfig {
    initial_silence_ms: u32::MAX,
    greeting_ms: u32::MAX,
    after_greeting_silence_ms: u32::MAX,
    total_analysis_time_ms: u32::MAX,
    min_word_length_ms: 100,
    between_words_silence_ms: 50,
    maximum_number_of_words: u32::MAX,
    maximum_word_length_ms: u32::MAX,
    silence_threshold: 256,
};

/// The same of `default`: thresholds that no probability reaches.
pub(super) const PATIENT_TUNING: Tuning = Tuning {
    rest_ms: u32::MAX,
    talk_ms: u32::MAX,
    silence_ms: u32::MAX,
    speech_before_beep_ms: u32::MAX,
    ..Tuning::with(2.0, 2.0)
};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EngineSettings {
    pub(crate) mode: Mode,
    pub(crate) detector: Listening,
    pub(crate) legs: usize,
    pub(crate) driver: Driver,
    pub(crate) shards: usize,
    /// The load side's SIP.
    pub(crate) to: SocketAddr,
}

/// All calls are up.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Up {
    pub(crate) sched: String,
}

/// One window.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EngineFigures {
    pub(crate) seconds: f64,
    pub(crate) processor_ns: u64,
    pub(crate) allocations: u64,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) send_lateness_us: Spread,
    pub(crate) late_over_1ms: u64,
    pub(crate) late_over_20ms: u64,
    pub(crate) rss_bytes: u64,
    pub(crate) legs_lost: u64,
}

/// What an engine still held after all its calls had ended; all zero when nothing leaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaked {
    /// Legs joined to a partner.
    pub calls: usize,
    /// Legs.
    pub legs: usize,
    /// Media ports not given back.
    pub ports: usize,
    /// Timers of legs.
    pub timers: usize,
    /// SIP dialogs.
    pub dialogs: usize,
    /// File descriptors that stayed open after the engine had gone.
    pub fds: usize,
}

/// The last word.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct End {
    pub(crate) leaked: Leaked,
    /// RTP packets read in the whole run.
    pub(crate) received: u64,
}

/// A moment's readings.
struct Mark {
    at: Instant,
    processor_ns: u64,
    allocations: u64,
    stats: EngineStats,
}

impl Mark {
    fn take(engine: &Engine, first: bool) -> Result<Mark, Fault> {
        // The statistics are outside the window: asking for them allocates.
        let now = || (Instant::now(), processor_ns(), count::allocations());
        let before = now();
        let stats = engine.stats();
        let (at, processor_ns, allocations) = if first { now() } else { before };
        if !stats.silent.is_empty() || !stats.failed.is_empty() {
            return Err(Fault(format!("shards that gave no figures: {:?} {:?}", stats.silent, stats.failed)));
        }
        Ok(Mark { at, processor_ns, allocations, stats })
    }
}

pub(crate) fn run(group: &str) -> Result<(), Fault> {
    let (settings, boss): (EngineSettings, Boss) = Boss::meet()?;
    let files = open_files();
    let engine = match start(&settings) {
        Ok(engine) => engine,
        Err(fault) => {
            boss.refuse(&fault);
            return Ok(());
        }
    };
    let mut calls = Calls { settings, engine, prompt: prompt(), answered: vec![false; 0], up: 0, lost: 0 };
    if let Err(fault) = calls.set_up() {
        boss.refuse(&fault);
        return Ok(());
    }
    boss.answer(&Up { sched: format!("{}, {group}", calls.engine.stats().sched()) });

    while let Some(order) = calls.next_order(&boss) {
        match order {
            Order::Measure { window_ms } => match calls.measure(std::time::Duration::from_millis(window_ms)) {
                Ok(figures) => boss.answer(&figures),
                Err(fault) => boss.refuse(&fault),
            },
            Order::Finish => {
                boss.answer(&calls.finish(files));
                return Ok(());
            }
            other => boss.refuse(&Fault(format!("the engine part cannot {other:?}"))),
        }
    }
    Ok(())
}

fn start(settings: &EngineSettings) -> Result<Engine, Fault> {
    let config = EngineConfig {
        shards: settings.shards,
        ports: PORTS,
        user_agent: "Outpace bench".to_owned(),
        driver: match settings.driver {
            Driver::Poll => DriverChoice::Poll,
            Driver::Ring => DriverChoice::Ring,
        },
        ..EngineConfig::default()
    };
    Ok(Engine::start(config)?)
}

fn figures(began: &Mark, end: &Mark, legs_lost: u64) -> EngineFigures {
    let lateness = end.stats.send_lateness_us().since(&began.stats.send_lateness_us());
    let (earlier, later) = (began.stats.counters(), end.stats.counters());
    let grown = |counter: fn(&Counters) -> u64| counter(&later) - counter(&earlier);
    EngineFigures {
        seconds: end.at.duration_since(began.at).as_secs_f64(),
        processor_ns: end.processor_ns - began.processor_ns,
        allocations: end.allocations - began.allocations,
        // Lateness is noted for each RTP packet and for nothing else; the counter has RTCP in it.
        sent: lateness.count(),
        received: grown(|counters| counters.media_received),
        send_lateness_us: Spread::of(&lateness, 1.0),
        late_over_1ms: grown(|counters| counters.late_over_1ms),
        late_over_20ms: grown(|counters| counters.late_over_20ms),
        rss_bytes: rss_bytes(),
        legs_lost,
    }
}

/// The calls of the bench. Leg i + 1 is the load side's leg i.
struct Calls {
    settings: EngineSettings,
    engine: Engine,
    prompt: Arc<Prompt>,
    answered: Vec<bool>,
    up: usize,
    /// Legs that ended and verdicts that came since the window began.
    lost: u64,
}

impl Calls {
    /// Partners live on one shard, as the product prefers it.
    fn shard_of(&self, leg: usize) -> ShardId {
        let unit = if self.settings.mode == Mode::Bridge { leg / 2 } else { leg };
        ShardId((unit % self.settings.shards) as u64)
    }

    fn command(&self, leg: usize, command: Command) -> Result<(), Fault> {
        self.engine.command(self.shard_of(leg), command).map_err(Fault::during("ordering the engine"))
    }

    fn set_up(&mut self) -> Result<(), Fault> {
        self.answered = vec![false; self.settings.legs];
        let deadline = Instant::now() + CALLS_WAIT;
        let mut placed = 0;
        while self.up < self.settings.legs {
            while placed < self.settings.legs && placed - self.up < SETTING_UP_MAX {
                self.originate(placed)?;
                placed += 1;
            }
            let (_, event) = self
                .engine
                .events
                .recv_deadline(deadline)
                .map_err(|_| Fault(format!("{} of {} calls came up in time", self.up, self.settings.legs)))?;
            match event {
                Event::Answered { leg, .. } => self.answered(leg)?,
                Event::Ended { leg, cause, .. } => {
                    return Err(Fault(format!("call {leg} failed while it was set up: {cause:?}")));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn originate(&self, leg: usize) -> Result<(), Fault> {
        let to = self.settings.to;
        let originate = Originate {
            leg: LegId(leg as u64 + 1),
            to_uri: format!("sip:{leg}@{to}"),
            remote: to,
            from_uri: "sip:bench@outpace.invalid".to_owned(),
            from_display: None,
            credentials: None,
            ring_timeout: Duration::from_secs(30),
            analyse: (self.settings.mode == Mode::Detect).then(|| match self.settings.detector {
                Listening::Classic => DetectorConfig::Classic(PATIENT).into(),
                Listening::Default => DetectorConfig::Default(PATIENT_TUNING, Arc::default()).into(),
            }),
            laws: vec![Law::Mu],
            learn: false,
        };
        self.command(leg, Command::Originate(Box::new(originate)))
    }

    fn answered(&mut self, leg: LegId) -> Result<(), Fault> {
        let index = leg.0 as usize - 1;
        self.answered[index] = true;
        self.up += 1;
        match self.settings.mode {
            Mode::Play => {
                let prompt = Arc::clone(&self.prompt);
                self.command(index, Command::Play { leg, play: base::PlayId(0), prompt, repeat: true })
            }
            Mode::Echo => self.command(index, Command::Echo { leg, on: true }),
            Mode::Bridge if self.answered[index ^ 1] => {
                let partner = LegId((index ^ 1) as u64 + 1);
                let with_shard = self.shard_of(index);
                let call = CallId(index as u64 / 2 + 1);
                self.command(index, Command::Bridge { call, leg, with: partner, with_shard })?;
                self.command(index, Command::Bridge { call, leg: partner, with: leg, with_shard })
            }
            Mode::Bridge | Mode::Detect => Ok(()),
        }
    }

    /// The next order; meanwhile events are taken.
    fn next_order(&mut self, boss: &Boss) -> Option<Order> {
        loop {
            self.take_events();
            match boss.orders.try_recv() {
                Ok(order) => return Some(order),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {}
            }
            let mut select = Select::new();
            select.recv(&self.engine.events);
            select.recv(&boss.orders);
            select.ready();
        }
    }

    fn take_events(&mut self) {
        while let Ok((_, event)) = self.engine.events.try_recv() {
            self.note(&event);
        }
    }

    fn note(&mut self, event: &Event) {
        self.lost += u64::from(matches!(event, Event::Ended { .. } | Event::Verdict { .. }));
    }

    /// One window. This thread sleeps through it, so that the process is the engine alone.
    fn measure(&mut self, window: std::time::Duration) -> Result<EngineFigures, Fault> {
        let began = Mark::take(&self.engine, true)?;
        self.lost = 0;
        let until = Instant::now() + window;
        while let Ok((_, event)) = self.engine.events.recv_deadline(until) {
            self.note(&event);
        }
        let end = Mark::take(&self.engine, false)?;
        Ok(figures(&began, &end, self.lost))
    }

    fn finish(mut self, files_before: usize) -> End {
        let deadline = Instant::now() + CALLS_WAIT;
        let mut left = self.up;
        for leg in 0..self.settings.legs {
            let mut command = Command::Hangup { leg: LegId(leg as u64 + 1), reason: "bench over" };
            // The queue holds thousands; where it is full the shard takes 64 a tick.
            while let Err(full) = self.engine.command(self.shard_of(leg), command) {
                if full.cause != net::FullCause::QueueFull || Instant::now() > deadline {
                    break;
                }
                command = *full.command;
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }
        while left > 0
            && let Ok((_, event)) = self.engine.events.recv_deadline(deadline)
        {
            left -= usize::from(matches!(event, Event::Ended { .. }));
        }
        let deadline = Instant::now() + EMPTY_WAIT;
        let counts = loop {
            let counts = self.engine.stats().counts();
            let held = counts.legs + counts.ports_in_use + counts.timers + counts.dialogs;
            if held == 0 || Instant::now() > deadline {
                break counts;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        };
        self.answered.clear();
        let stats = self.engine.shutdown();
        End {
            leaked: Leaked {
                calls: counts.calls,
                legs: counts.legs,
                ports: counts.ports_in_use,
                timers: counts.timers,
                dialogs: counts.dialogs,
                fds: open_files().saturating_sub(files_before),
            },
            received: stats.counters().media_received,
        }
    }
}
