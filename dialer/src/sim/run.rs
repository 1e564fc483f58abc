//! One simulated run: the loop over moments, the trace hash, the report.

use std::collections::VecDeque;
use std::sync::Arc;

use base::{CampaignId, Instant, Seed, TrunkId, WallAnchor};

use super::policy::{POLICIES, Policy};
use super::tally::{CampaignDays, Tally};
use super::trace::Trace;
use super::world::World;
use crate::campaign::{CampaignConfig, ConfigError};
use crate::dialer::{DecisionClock, Dialer, DialerConfig, TrunkConfig};
use crate::io::{Input, Output};
use crate::report::Report;
use crate::scenario::{Scenario, ScenarioError};

/// Days of one run: ten years.
const DAYS_MAX: u32 = 3_650;

/// What to run.
#[derive(Clone)]
pub struct Options {
    /// Days, from 1.
    pub days: u32,
    /// Seed of everything.
    pub seed: u64,
    /// Policy by name, one of [`POLICIES`]; R is a number from 1 to 20 (open-loop: above 0), N calls at once.
    pub policy: String,
    /// Decide every so many milliseconds instead of at each event and each second.
    pub decide_every_ms: Option<u64>,
    /// A monotonic clock in nanoseconds, to measure decisions and the run; `None`: those fields are 0.
    pub clock: Option<DecisionClock>,
    /// Is told after each day how many are over; the run ends when it answers false.
    pub progress: Option<Progress>,
}

/// Hears of days that are over; false: enough.
pub type Progress = Arc<dyn Fn(u32) -> bool + Send + Sync>;

impl Default for Options {
    fn default() -> Self {
        Options { days: 1, seed: 1, policy: "predictive".into(), decide_every_ms: None, clock: None, progress: None }
    }
}

/// Why a run could not begin.
#[derive(Clone, Debug, PartialEq)]
pub enum SimError {
    /// The scenario is at fault.
    Scenario(ScenarioError),
    /// The campaign made of it is at fault.
    Config(ConfigError),
    /// There is no such policy.
    Policy(String),
    /// The options are at fault: which, and how to mend it.
    Options(&'static str),
    /// [`Options::progress`] has ended it.
    Cancelled,
}

impl std::fmt::Display for SimError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SimError::Scenario(error) => write!(f, "scenario: {error}"),
            SimError::Config(error) => error.fmt(f),
            SimError::Policy(name) => write!(f, "no policy named {name:?}; use one of {}", POLICIES.join(", ")),
            SimError::Options(message) => f.write_str(message),
            SimError::Cancelled => f.write_str("the run was cancelled"),
        }
    }
}

impl std::error::Error for SimError {}

/// Sees everything that goes in and out of the dialer, in order.
pub(super) trait Watch {
    fn input(&mut self, now: Instant, input: &Input);
    fn output(&mut self, now: Instant, output: &Output);
    /// May hold back, repeat and reorder what is about to come in; called before each input is taken.
    fn meddle(&mut self, _now: Instant, _inbox: &mut VecDeque<Input>) {}
    /// When something held back is to come in.
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

/// The world's share moves every ten seconds, the pacer looks once a second.
const TELL_EVERY: base::Duration = base::Duration::from_secs(1);

/// The trunk of a simulated run.
pub(super) const TRUNK: TrunkId = TrunkId(1);

/// Runs a scenario through the dialer.
pub fn simulate(scenario: &Scenario, options: &Options) -> Result<Report, SimError> {
    let started = options.clock.as_ref().map(|clock| clock());
    let mut run = Run::new(scenario, options, Trace::new())?;
    let mut told = 0;
    while run.step() {
        if run.days_over > told {
            told = run.days_over;
            if options.progress.as_ref().is_some_and(|progress| !progress(told)) {
                return Err(SimError::Cancelled);
            }
        }
    }
    let mut report = run.report(scenario, options);
    report.events = run.watch.events();
    report.trace_hash = format!("{:016x}", run.watch.hash());
    if let (Some(clock), Some(started)) = (&options.clock, started) {
        report.wall_s = clock().saturating_sub(started) as f64 / 1e9;
    }
    Ok(report)
}

/// A run under way: dialer, world and the messages between them.
pub(super) struct Run<W> {
    pub(super) dialer: Dialer,
    pub(super) world: World,
    pub(super) watch: W,
    tally: Tally,
    inbox: VecDeque<Input>,
    /// The pacer is told how ringing calls will end.
    oracle: bool,
    /// The pacer is told what share of calls will be answered; when last.
    hopper_answer_known: bool,
    told_at: Instant,
    days_over: u32,
    /// The last moment.
    pub(super) now: Instant,
}

impl<W: Watch> Run<W> {
    pub(super) fn new(scenario: &Scenario, options: &Options, watch: W) -> Result<Run<W>, SimError> {
        if options.days == 0 || options.days > DAYS_MAX {
            return Err(SimError::Options("days: must be from 1 to 3650"));
        }
        if options.decide_every_ms == Some(0) {
            return Err(SimError::Options("decide-every: must be at least 1 ms"));
        }
        let policy = Policy::parse(&options.policy)?;
        let configs =
            scenario.parts().iter().map(|part| part.campaign_config(policy.mode())).collect::<Result<Vec<_>, _>>();
        let mut configs = configs.map_err(SimError::Config)?;
        for (config, campaign) in configs.iter_mut().zip(&scenario.campaign) {
            config.weight = campaign.weight;
        }
        let of_law = |config: &CampaignConfig| {
            CampaignDays::new(&config.name, config.abandon_limit(), config.ledger_windows(), options.days)
        };
        let wall = scenario.opening(0).map_err(SimError::Scenario)?;
        let anchor = WallAnchor { instant: Instant::ZERO, wall };
        let seed = Seed::from_u64(options.seed);
        let (max_channels, max_cps) = (scenario.trunk.max_channels, scenario.trunk.max_cps);
        let dialer_config = DialerConfig {
            trunks: vec![TrunkConfig { trunk: TRUNK, max_channels, max_cps }],
            decide_every: options.decide_every_ms.map(base::Duration::from_ms),
            ..DialerConfig::default()
        };
        let mut run = Run {
            dialer: Dialer::new(dialer_config, seed, anchor),
            world: World::new(scenario, seed, anchor, options.days).map_err(SimError::Scenario)?,
            watch,
            tally: Tally::new(options.days, configs.iter().map(of_law).collect()),
            inbox: VecDeque::new(),
            oracle: policy == Policy::OracleRing,
            hopper_answer_known: scenario.hopper_answer_known,
            told_at: Instant::ZERO,
            days_over: 0,
            now: Instant::ZERO,
        };
        if let Some(clock) = &options.clock {
            run.dialer.set_decision_clock(clock.clone());
        }
        for (index, config) in configs.into_iter().enumerate() {
            let campaign = CampaignId(index as u64 + 1);
            run.give(Input::AddCampaign { campaign, config: Box::new(config) });
            if let Some(pacer) = policy.pacer() {
                run.dialer.pace_with(campaign, pacer);
            }
        }
        run.world.open(&mut run.inbox);
        run.drain();
        Ok(run)
    }

    pub(super) fn give(&mut self, input: Input) {
        self.watch.input(self.now, &input);
        self.dialer.handle_input(self.now, input);
    }

    /// Tells each campaign's pacer its true share of answers, where the scenario wants that.
    fn tell_shares(&mut self) {
        if !self.hopper_answer_known || self.now < self.told_at + TELL_EVERY {
            return;
        }
        self.told_at = self.now;
        for (campaign, share) in self.world.shares(self.now) {
            self.dialer.tell_share(self.now, campaign, share);
        }
    }

    /// Outputs into the world and the tally, the world's answers back, until nothing is left to say.
    pub(super) fn drain(&mut self) {
        loop {
            while let Some(output) = self.dialer.poll_output() {
                self.watch.output(self.now, &output);
                self.tally.see(self.now, &output, &self.world);
                let dialled = match &output {
                    Output::Originate { attempt, .. } if self.oracle => Some(*attempt),
                    _ => None,
                };
                self.world.react(self.now, output, &mut self.inbox);
                if let Some((attempt, end)) = dialled.and_then(|attempt| Some((attempt, self.world.end_of(attempt)?))) {
                    self.dialer.foretell(attempt, end);
                }
            }
            self.watch.meddle(self.now, &mut self.inbox);
            let Some(input) = self.inbox.pop_front() else { return };
            self.give(input);
        }
    }

    /// The next moment; false when nothing more will happen.
    pub(super) fn step(&mut self) -> bool {
        let world = self.world.poll_timeout();
        let dialer = self.dialer.poll_timeout();
        let held = self.watch.poll_timeout();
        if let Some(at) = held.filter(|at| world.into_iter().chain(dialer).all(|other| *at <= other)) {
            self.now = at;
            self.drain();
            return true;
        }
        self.now = match (world, dialer) {
            // What the dialer still waits for are retries of tomorrow, and there is no tomorrow.
            (None, _) if self.dialer.open_attempts() == 0 => return false,
            (None, None) => return false,
            (Some(world), Some(dialer)) => world.min(dialer),
            (None, Some(at)) | (Some(at), None) => at,
        };
        self.tell_shares();
        if dialer == Some(self.now) {
            self.dialer.handle_timeout(self.now);
        } else {
            self.world.handle_timeout(self.now, &mut self.inbox);
            if let Some((slot, until_h)) = self.world.slot_that_ended() {
                let (day, times) = (self.world.day(), self.dialer.desk().times(self.now));
                self.tally.slot_ends(slot, until_h, day, &times, self.budget_left());
            }
            if let Some(day) = self.world.day_that_ended() {
                self.tally.day_ends(day, &self.dialer.desk().times(self.now));
                self.days_over = day + 1;
            }
        }
        self.drain();
        true
    }

    /// Persons who may still be abandoned, in the tightest open window of any campaign.
    fn budget_left(&self) -> f64 {
        let campaigns = self.dialer.snapshot(self.now).campaigns;
        let windows = campaigns.iter().flat_map(|campaign| &campaign.ledger);
        windows.map(|window| window.budget_left).min().map_or(0.0, |left| left as f64)
    }

    pub(super) fn report(&self, scenario: &Scenario, options: &Options) -> Report {
        let (decisions, p50, p99) = self.dialer.decision_times();
        Report {
            scenario: scenario.name.clone(),
            policy: options.policy.clone(),
            seed: options.seed,
            decisions,
            decision_us: crate::report::DecisionTimes { p50, p99 },
            inbound: self.world.inbound(),
            ..self.tally.report()
        }
    }
}
