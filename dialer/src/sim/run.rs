//! One simulated run: the loop over moments, the trace hash, the report.

use std::collections::VecDeque;
use std::fmt::Write;

use base::{CampaignId, Instant, Seed, TrunkId, WallAnchor};

use super::tally::Tally;
use super::world::World;
use crate::campaign::{ConfigError, Mode};
use crate::dialer::{DecisionClock, Dialer, DialerConfig, TrunkConfig};
use crate::io::Input;
use crate::report::Report;
use crate::scenario::{Scenario, ScenarioError};

/// Days of one run: ten years.
pub const DAYS_MAX: u32 = 3_650;

/// What to run.
#[derive(Clone)]
pub struct Options {
    /// Days, from 1.
    pub days: u32,
    /// Seed of everything.
    pub seed: u64,
    /// Policy by name; see [`Mode::from_policy`].
    pub policy: String,
    /// Decide every so many milliseconds instead of at each event and each second.
    pub decide_every_ms: Option<u64>,
    /// A monotonic clock in nanoseconds, to measure decisions and the run; `None`: those fields are 0.
    pub clock: Option<DecisionClock>,
}

impl Default for Options {
    fn default() -> Self {
        Options { days: 1, seed: 1, policy: "predictive".into(), decide_every_ms: None, clock: None }
    }
}

/// Why a run could not begin.
#[derive(Clone, Debug, PartialEq)]
pub enum SimError {
    /// The scenario is at fault.
    Scenario(ScenarioError),
    /// The policy or the campaign made of it is at fault.
    Config(ConfigError),
    /// The options are at fault: which, and how to mend it.
    Options(&'static str),
}

impl std::fmt::Display for SimError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SimError::Scenario(error) => write!(f, "scenario: {error}"),
            SimError::Config(error) => error.fmt(f),
            SimError::Options(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for SimError {}

/// FNV-1a (64 bit, public constants) over debug text: stable across runs and machines, cheap, not secret.
pub(super) struct Trace {
    hash: u64,
    events: u64,
}

impl Trace {
    fn new() -> Trace {
        Trace { hash: 0xcbf2_9ce4_8422_2325, events: 0 }
    }

    fn add(&mut self, now: Instant, what: &dyn std::fmt::Debug) {
        self.events += 1;
        // Writing into a hash cannot fail.
        let _ = write!(self, "{}{what:?}", now.as_ns());
    }
}

impl Write for Trace {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for byte in text.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Ok(())
    }
}

/// The campaign of a simulated run.
pub(super) const CAMPAIGN: CampaignId = CampaignId(1);
/// Its trunk.
pub(super) const TRUNK: TrunkId = TrunkId(1);

/// Runs a scenario through the dialer.
pub fn simulate(scenario: &Scenario, options: &Options) -> Result<Report, SimError> {
    if options.days == 0 || options.days > DAYS_MAX {
        return Err(SimError::Options("days: must be from 1 to 3650"));
    }
    if options.decide_every_ms == Some(0) {
        return Err(SimError::Options("decide-every: must be at least 1 ms"));
    }
    let mode = Mode::from_policy(&options.policy).map_err(SimError::Config)?;
    let config = scenario.campaign_config(mode).map_err(SimError::Config)?;
    let limit = config.abandon_limit();
    let windows = config.ledger_windows().to_vec();
    let wall = scenario.opening(0).map_err(SimError::Scenario)?;
    let anchor = WallAnchor { instant: Instant::ZERO, wall };
    let seed = Seed::from_u64(options.seed);
    let started = options.clock.as_ref().map(|clock| clock());

    let trunk = TrunkConfig {
        trunk: TRUNK,
        max_channels: scenario.trunk.max_channels,
        max_cps: scenario.trunk.max_cps,
    };
    let dialer_config = DialerConfig {
        trunks: vec![trunk],
        wrap_up_limit: None,
        decide_every: options.decide_every_ms.map(base::Duration::from_ms),
        first_attempt: 1,
    };
    let mut run = Run {
        dialer: Dialer::new(dialer_config, seed, anchor),
        world: World::new(scenario, seed, anchor, options.days).map_err(SimError::Scenario)?,
        tally: Tally::new(options.days),
        inbox: VecDeque::new(),
        trace: Trace::new(),
    };
    if let Some(clock) = &options.clock {
        run.dialer.set_decision_clock(clock.clone());
    }
    run.give(Instant::ZERO, Input::AddCampaign { campaign: CAMPAIGN, config: Box::new(config) });
    run.world.open(&mut run.inbox);
    run.drain(Instant::ZERO);
    run.go();

    let mut report = run.tally.report(limit, &windows);
    let (decisions, p50, p99) = run.dialer.decision_times();
    report.scenario = scenario.name.clone();
    report.policy = options.policy.clone();
    report.seed = options.seed;
    report.decisions = decisions;
    report.decision_us = crate::report::DecisionTimes { p50, p99 };
    report.events = run.trace.events;
    report.trace_hash = format!("{:016x}", run.trace.hash);
    if let (Some(clock), Some(started)) = (&options.clock, started) {
        report.wall_s = clock().saturating_sub(started) as f64 / 1e9;
    }
    Ok(report)
}

struct Run {
    dialer: Dialer,
    world: World,
    tally: Tally,
    inbox: VecDeque<Input>,
    trace: Trace,
}

impl Run {
    fn give(&mut self, now: Instant, input: Input) {
        self.trace.add(now, &input);
        self.dialer.handle_input(now, input);
    }

    /// Outputs into the world and the tally, the world's answers back, until nothing is left to say.
    fn drain(&mut self, now: Instant) {
        loop {
            while let Some(output) = self.dialer.poll_output() {
                self.trace.add(now, &output);
                self.tally.see(now, &output, &self.world);
                self.world.react(now, output, &mut self.inbox);
            }
            let Some(input) = self.inbox.pop_front() else { return };
            self.give(now, input);
        }
    }

    fn go(&mut self) {
        loop {
            let world = self.world.poll_timeout();
            let dialer = self.dialer.poll_timeout();
            let now = match (world, dialer) {
                // Nothing more will happen in the world: what the dialer still waits for are retries of tomorrow.
                (None, _) if self.dialer.open_attempts() == 0 => return,
                (None, None) => return,
                (Some(world), Some(dialer)) if dialer <= world => dialer,
                (None, Some(dialer)) => dialer,
                (Some(world), _) => world,
            };
            if dialer == Some(now) {
                self.dialer.handle_timeout(now);
            } else {
                self.world.handle_timeout(now, &mut self.inbox);
                if let Some(day) = self.world.day_that_ends(now) {
                    self.tally.day_ends(day, &self.dialer.desk().times(now));
                }
            }
            self.drain(now);
        }
    }
}
