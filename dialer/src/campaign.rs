//! Settings of a campaign: mode, trunk, profile, retry rule.

use std::collections::BTreeMap;

use base::{Duration, TrunkId};
use desk::Skills;

use crate::amd::{AmdMeasured, AmdRules};
use crate::attempt::Outcome;
use crate::compliance::{HISTORY_DAYS, Profile, Window};
use crate::ledger::Terms;
use crate::policies::Policies;
use crate::recording::{Recording, SafeHarbour};

/// How a campaign decides what to launch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// The agent looks at the lead before it is dialled, and is kept free for the call.
    Preview(Preview),
    /// Calls without agents: a person who answers hears the campaign's recording.
    Agentless(Flow),
    /// One call for one free agent.
    Progressive,
    /// So many lines for each agent that is free or talking, whatever happens; held to 1:1 when the ledger is spent.
    Power(f64),
    /// Launch while the forecast chance of having no agent stays under a price.
    Predictive,
}

impl Mode {
    fn check(self) -> Result<(), ConfigError> {
        match self {
            Mode::Preview(preview) if !(PREVIEW_MIN..=PREVIEW_MAX).contains(&preview.timer) => Err(ConfigError::Timer),
            Mode::Agentless(flow) if !flow.is_valid() => Err(ConfigError::Flow),
            Mode::Power(ratio) if !(1.0..=RATIO_MAX).contains(&ratio) => Err(ConfigError::Ratio),
            Mode::Preview(_) | Mode::Agentless(_) | Mode::Power(_) | Mode::Progressive | Mode::Predictive => Ok(()),
        }
    }

    /// Nobody is dialled for the agents at work: neither are any needed, nor do they decide how many calls there are.
    pub(crate) const fn is_agentless(self) -> bool {
        matches!(self, Mode::Agentless(_))
    }
}

/// How a lead is shown to an agent before it is dialled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preview {
    /// So long the agent may look; within [`PREVIEW_MIN`]..=[`PREVIEW_MAX`].
    pub timer: Duration,
    /// What happens then.
    pub then: PreviewEnd,
}

/// What follows when an agent has neither accepted nor skipped a lead in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreviewEnd {
    /// The lead is dialled.
    Dial,
    /// The lead is skipped.
    Skip,
}

/// Shortest time to look at a lead: a name and a number are read in it.
pub const PREVIEW_MIN: Duration = Duration::from_secs(3);
/// Longest: whoever reads a file for an hour is at work elsewhere.
pub const PREVIEW_MAX: Duration = Duration::from_secs(3_600);

/// How many calls a campaign without agents makes; what is given binds, and one of the two must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flow {
    /// Calls at once, from decision to end.
    pub channels: Option<u32>,
    /// New calls in any second; below 1: one in so many seconds.
    pub calls_per_s: Option<f64>,
}

/// New calls a second of one campaign: as a trunk's own bound.
const FLOW_CPS_MAX: f64 = 10_000.0;
/// Calls at once of one campaign: as many as the largest trunk has channels.
const FLOW_CHANNELS_MAX: u32 = 100_000;

impl Flow {
    fn is_valid(self) -> bool {
        let channels = self.channels.is_none_or(|channels| (1..=FLOW_CHANNELS_MAX).contains(&channels));
        let rate = self.calls_per_s.is_none_or(|rate| (0.01..=FLOW_CPS_MAX).contains(&rate));
        channels && rate && (self.channels.is_some() || self.calls_per_s.is_some())
    }
}

/// More lines per agent than this only burns numbers: with 5 % answers 20 lines make one answer for an agent.
pub const RATIO_MAX: f64 = 20.0;

/// When to try a lead again after an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryRule {
    /// Not before this time after the attempt ended.
    pub gap: Duration,
    /// Attempts with this outcome after which the lead is done; 0: never again after the first.
    pub times: u32,
}

/// Retry rules per outcome and number, and the most attempts at one lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryRules {
    /// All attempts at one lead together.
    pub attempts_max: u32,
    /// After each outcome; an outcome without an entry ends the lead.
    pub rules: BTreeMap<Outcome, RetryRule>,
    /// Outcomes after which, when their rule has no more for this number, the person's next number is dialled, and how
    /// long after.
    pub next: BTreeMap<Outcome, Duration>,
}

impl RetryRules {
    /// Each lead is dialled once.
    pub fn none() -> RetryRules {
        RetryRules { attempts_max: 1, rules: BTreeMap::new(), next: BTreeMap::new() }
    }
}

impl Default for RetryRules {
    /// Busy soon, no answer, machines and silence at another time of day, failures when the carrier has recovered; what
    /// nobody knows as if nobody had answered. A machine that has the message is not called again.
    fn default() -> Self {
        let minutes = |gap: u64, times| RetryRule { gap: Duration::from_secs(60 * gap), times };
        let rules = [
            (Outcome::Busy, minutes(10, 3)),
            (Outcome::NoAnswer, minutes(120, 3)),
            (Outcome::Machine, minutes(240, 3)),
            (Outcome::Screening, minutes(240, 2)),
            (Outcome::Silent, minutes(240, 2)),
            (Outcome::Failed, minutes(15, 3)),
            (Outcome::HungUpEarly, minutes(24 * 60, 1)),
            (Outcome::HungUpWaiting, minutes(72 * 60, 1)),
            (Outcome::Abandoned, minutes(72 * 60, 1)),
            (Outcome::Cancelled, minutes(5, 10)),
            (Outcome::Unknown, minutes(120, 3)),
        ];
        RetryRules { attempts_max: 6, rules: rules.into_iter().collect(), next: BTreeMap::new() }
    }
}

/// How long a promised call waits for the agent who promised it, and what then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallbackRule {
    /// From the promised moment on.
    pub wait: Duration,
    /// What then.
    pub then: CallbackThen,
}

/// What becomes of a promised call whose agent did not come in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackThen {
    /// Whoever is free makes it.
    Anybody,
    /// It is tried again with the same agent after this time.
    Later(Duration),
}

/// Settings of one campaign.
#[derive(Clone, Debug, PartialEq)]
pub struct CampaignConfig {
    /// Name for people.
    pub name: String,
    /// How to pace.
    pub mode: Mode,
    /// Over which trunk.
    pub trunk: TrunkId,
    /// Number to show.
    pub caller_id: String,
    /// Detect machines; otherwise every answer is a person.
    pub amd: AmdRules,
    /// What is done with what detection finds.
    pub policies: Policies,
    /// Give up when nobody has answered this long after ringing began.
    pub ring_timeout: Duration,
    /// What the law asks.
    pub profile: Profile,
    /// Overrides the profile's abandon limit.
    pub limit: Option<f64>,
    /// Overrides the profile's windows.
    pub windows: Option<Vec<Window>>,
    /// Zone of leads for which neither record nor number says one, and of the ledger's days.
    pub timezone: String,
    /// Skills an agent must have.
    pub skills: Skills,
    /// Its part of agents and lines that it shares with other campaigns, next to theirs.
    pub weight: f64,
    /// When to try again.
    pub retry: RetryRules,
    /// When to show a lead again that an agent has skipped; after so many skips it is done.
    pub skipped: RetryRule,
    /// Calls promised by an agent.
    pub callback: CallbackRule,
    /// What an abandoned person hears.
    pub safe_harbour: SafeHarbour,
    /// What a person hears whom a campaign without agents has reached.
    pub recording: Option<Recording>,
    /// Time that bridging takes: an agent must be chosen this long before the legal deadline.
    pub connect_margin: Duration,
    /// Leads come page by page, from a supplier that keeps those that wait ([`Input::LetGo`](crate::Input::LetGo)): more
    /// are asked for when few are ready, however many wait.
    pub paged: bool,
}

/// Weights of campaigns that share agents: further apart than this and the light one is starved in all but name.
pub(crate) const WEIGHT_MIN: f64 = 0.01;
/// The same upward.
pub(crate) const WEIGHT_MAX: f64 = 100.0;

/// Longest connect margin: half the legal two seconds; more would abandon people while agents are free.
pub const CONNECT_MARGIN_MAX: Duration = Duration::from_secs(1);

impl CampaignConfig {
    /// A predictive campaign with detection under `us-ftc`, New York time.
    pub fn new(name: &str, trunk: TrunkId, caller_id: &str) -> CampaignConfig {
        CampaignConfig {
            name: name.into(),
            mode: Mode::Predictive,
            trunk,
            caller_id: caller_id.into(),
            amd: AmdRules::ALWAYS,
            policies: Policies::default(),
            ring_timeout: Duration::from_secs(25),
            profile: Profile::us_ftc(),
            limit: None,
            windows: None,
            timezone: "America/New_York".into(),
            skills: Skills::new(),
            weight: 1.0,
            retry: RetryRules::default(),
            skipped: RetryRule { gap: Duration::from_secs(3_600), times: 3 },
            callback: CallbackRule { wait: Duration::from_secs(600), then: CallbackThen::Anybody },
            recording: None,
            safe_harbour: SafeHarbour::default(),
            connect_margin: Duration::from_ms(100),
            paged: false,
        }
    }

    /// The abandon limit in force, of 1.
    pub fn abandon_limit(&self) -> f64 {
        self.limit.unwrap_or(self.profile.abandon_limit)
    }

    /// The windows in force.
    pub fn ledger_windows(&self) -> &[Window] {
        self.windows.as_deref().unwrap_or(&self.profile.windows)
    }

    /// What its ledger is kept by; `zone` is that of `timezone`. What was measured on its own calls takes the place of
    /// the profile's estimate.
    pub(crate) fn terms(&self, zone: u32, measured: Option<&AmdMeasured>) -> Terms {
        let mut denominator = self.profile.denominator.clone();
        if let Some(measured) = measured {
            denominator.amd_false_positive_rate = Some(measured.rate);
            denominator.amd_evidence = Some(measured.evidence.clone());
        }
        Terms {
            limit: self.abandon_limit(),
            windows: self.ledger_windows().to_vec(),
            zone,
            denominator,
            amd: self.amd.acts(),
        }
    }

    /// A message lasts so long: the call is ended after it at the latest.
    pub fn message_lasts(&mut self, message: &str, max: Duration) {
        let known = [
            (self.safe_harbour.message == message).then_some(&mut self.safe_harbour.max),
            self.recording
                .as_mut()
                .filter(|recording| recording.message == message)
                .map(|recording| &mut recording.max),
            self.policies.recordings_mut().find(|recording| recording.message == message).map(|one| &mut one.max),
        ];
        known.into_iter().flatten().for_each(|known| *known = max);
    }

    /// Every fault that can be seen without a zone database.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.mode.is_agentless() && !self.profile.agentless_allowed {
            return Err(ConfigError::NoAgentless(self.profile.name.clone()));
        }
        self.mode.check()?;
        if self.mode.is_agentless() && self.recording.is_none() {
            return Err(ConfigError::NoRecording);
        }
        if self.recording.as_ref().is_some_and(|recording| !recording.is_valid()) {
            return Err(ConfigError::Recording);
        }
        let limit = self.abandon_limit();
        if !(0.0..=1.0).contains(&limit) {
            return Err(ConfigError::Limit);
        }
        if self.ring_timeout < self.profile.min_ring {
            return Err(ConfigError::RingTooShort(self.profile.min_ring));
        }
        if let Some(max) = self.profile.max_ring.filter(|max| self.ring_timeout > *max) {
            return Err(ConfigError::RingTooLong(max));
        }
        if !self.safe_harbour.is_valid() {
            return Err(ConfigError::SafeHarbour);
        }
        if !(WEIGHT_MIN..=WEIGHT_MAX).contains(&self.weight) {
            return Err(ConfigError::Weight);
        }
        if self.connect_margin > CONNECT_MARGIN_MAX || self.connect_margin >= self.profile.deadline {
            return Err(ConfigError::ConnectMargin);
        }
        let profile = &self.profile;
        let recalls = [profile.recall_after_abandon_h, profile.recall_after_machine_h];
        let longest_h = profile.attempts.iter().map(|cap| cap.hours).chain(recalls).max().unwrap_or(0);
        if longest_h > HISTORY_DAYS * 24 {
            return Err(ConfigError::Period);
        }
        if profile.denominator.add_amd_false_positives
            && self.amd.acts()
            && (profile.denominator.amd_false_positive_rate.is_none() || profile.denominator.amd_evidence.is_none())
        {
            return Err(ConfigError::NoAmdEstimate(profile.name.clone()));
        }
        if self.ledger_windows().is_empty() {
            return Err(ConfigError::NoWindow);
        }
        self.policies.validate(&self.profile)
    }
}

/// What is wrong with a campaign's settings, and how to mend it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The time to look at a lead is too short or too long.
    Timer,
    /// A campaign without agents has no bound on its calls, or an impossible one.
    Flow,
    /// A campaign without agents has nothing to say.
    NoRecording,
    /// The recording has no name or bad limits.
    Recording,
    /// The ratio is no number from 1 to [`RATIO_MAX`].
    Ratio,
    /// The abandon limit is no share.
    Limit,
    /// The ring timeout is under the profile's minimum.
    RingTooShort(Duration),
    /// The ring timeout is over the profile's maximum.
    RingTooLong(Duration),
    /// The profile counts persons whom detection takes for machines, and nobody has said how many those are.
    NoAmdEstimate(String),
    /// The profile allows no calls without agents.
    NoAgentless(String),
    /// The profile allows no recorded messages, so none is left on machines.
    NoMachineMessage(String),
    /// The message for machines has no name or bad limits.
    OnMachine,
    /// What a screening assistant is told has no name or bad limits.
    OnScreening,
    /// What a silent line hears has no name or bad limits.
    OnSilence,
    /// The safe-harbour message has no name or bad limits.
    SafeHarbour,
    /// The connect margin eats the whole deadline.
    ConnectMargin,
    /// The weight is out of its bounds.
    Weight,
    /// The profile counts attempts, or spares abandoned persons, over a longer period than is remembered.
    Period,
    /// No ledger window.
    NoWindow,
    /// The zone is not in the zone database.
    UnknownZone(String),
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ConfigError::Timer => {
                let (min, max) = (PREVIEW_MIN.as_secs_f64(), PREVIEW_MAX.as_secs_f64());
                write!(f, "an agent needs {min} to {max} s to look at a lead")
            }
            ConfigError::Flow => write!(
                f,
                "a campaign without agents needs channels (1 to {FLOW_CHANNELS_MAX}), calls_per_second (0.01 to \
                 {FLOW_CPS_MAX}) or both"
            ),
            ConfigError::NoRecording => f.write_str("a campaign without agents needs a recorded message"),
            ConfigError::Recording => f.write_str("the recorded message needs a name and a length from 2 to 300 s"),
            ConfigError::Ratio => write!(f, "the ratio must be a number from 1 to {RATIO_MAX}"),
            ConfigError::Limit => f.write_str("the abandon limit must be a share from 0 to 1 (0.03 is 3 %)"),
            ConfigError::RingTooShort(min) => {
                write!(f, "the ring timeout must be at least {} s under this profile", min.as_secs_f64())
            }
            ConfigError::RingTooLong(max) => {
                write!(f, "the ring timeout must be at most {} s under this profile", max.as_secs_f64())
            }
            ConfigError::NoAmdEstimate(profile) => write!(
                f,
                "profile {profile:?} counts persons whom detection takes for machines: give amd_false_positive_rate \
                 and amd_evidence in [[profile]], or set amd_mode to off or shadow"
            ),
            ConfigError::NoAgentless(profile) => write!(
                f,
                "profile {profile:?} allows no calls without agents; where the law of the place does, confirm \
                 agentless_allowed in [[profile]]"
            ),
            ConfigError::NoMachineMessage(profile) => write!(
                f,
                "profile {profile:?} allows no recorded messages; where the law of the place does, confirm \
                 agentless_allowed in [[profile]]"
            ),
            ConfigError::OnMachine => f.write_str(
                "the message for machines needs a name, a length from 2 to 300 s and a wait from 5 to 120 s",
            ),
            ConfigError::OnScreening => f.write_str(
                "what a screening assistant is told needs a name, a length from 2 to 30 s and a wait from 5 to 120 s",
            ),
            ConfigError::OnSilence => {
                f.write_str("what a silent line hears needs a name, a length from 2 to 30 s and a wait of at most 10 s")
            }
            ConfigError::SafeHarbour => {
                f.write_str("the safe-harbour message needs a name and a length from 2 to 30 s")
            }
            ConfigError::Weight => write!(f, "the weight must be from {WEIGHT_MIN} to {WEIGHT_MAX}"),
            ConfigError::ConnectMargin => f.write_str("the connect margin must be at most 1 s and under the deadline"),
            ConfigError::Period => write!(f, "the profile's periods must be at most {HISTORY_DAYS} days"),
            ConfigError::NoWindow => f.write_str("at least one ledger window is needed"),
            ConfigError::UnknownZone(zone) => {
                write!(f, "no time zone named {zone:?}; use a name like \"America/New_York\"")
            }
        }
    }
}

impl std::error::Error for ConfigError {}
