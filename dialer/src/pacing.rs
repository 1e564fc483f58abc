//! Pacing: how many calls to launch now. Pure: a picture of the campaign goes in, a decision comes out.
//!
//! ```text
//!  Snapshot (agents, calls under way, ledger, room) ──> Pacer::decide ──> Decision{launch, reason, forecasts}
//!  what really happened ──> Pacer::observe ──> estimates
//! ```
//!
//! Nothing here knows the simulator: a pacer sees what a live dialer sees.

pub(crate) mod baseline;
mod exact;
mod guard;
mod hazard;
mod level;
mod marks;
mod predictive;
mod record;
mod rings;
mod simple;
mod storm;

use base::{Duration, Instant, Stream};
use desk::AgentState;

pub use crate::ledger::LedgerView;
pub use marks::{Mark, Marks};
pub use predictive::Predictive;
pub(crate) use record::Decisions;
pub use record::{CALIBRATION_UPTO, Calibration, CalibrationBin, DECISIONS_MAX, DecisionRecord, Forecast, Room};
pub use simple::{Progressive, Ratio};

use crate::campaign::Mode;
use crate::io::EarlyClass;

/// An agent as the pacer sees one. Agents that are logged out or on a break are not shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AgentView {
    /// `Ready`, `Reserved`, `Talking` or `WrapUp`.
    pub state: AgentState,
    /// How long in this state, in seconds.
    pub age_s: f64,
    /// Will not come back after the present call.
    pub leaving: bool,
}

/// A call that has no agent yet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CallView {
    /// Seconds since it was launched.
    pub age_s: f64,
    /// Seconds from launch to answer, when it is answered and detection has not decided, or `certain`.
    pub answered_at_s: Option<f64>,
    /// Detection has decided, the answer is observed, and it will be offered to the agents in a moment: a silent line that
    /// is asked first whether somebody is there.
    pub certain: bool,
    /// Forecast at its launch: see [`Decision::forecast_no_agent`].
    pub forecast_no_agent: f64,
    /// How it will end, which nobody knows: only the simulator's oracle is told, as a ceiling for better forecasts.
    pub foretold: Option<Foretold>,
    /// The groups it belongs to.
    pub marks: Marks,
    /// What its early media has said; `None`: no 18x has come yet.
    pub early: Option<EarlyClass>,
}

/// A call of another campaign that may take the same agents: chance that it is offered to them by each of
/// [`MOMENTS_S`], by its own campaign's estimates.
pub type Outlook = [f64; MOMENTS_S.len()];

/// Moments ahead that forecasts look at, in seconds.
pub const MOMENTS_S: [f64; 8] = [2.0, 4.0, 7.0, 10.0, 13.0, 17.0, 22.0, 28.0];

/// How a ringing call will end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foretold {
    /// Nobody will have to be given an agent.
    Nobody,
    /// Somebody is offered to the agents at this moment.
    Offered(Instant),
}

/// What a pacer may know.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    /// Now.
    pub now: Instant,
    /// Agents at work.
    pub agents: &'a [AgentView],
    /// The campaign's calls that are launched, not over and not offered yet: not classified, or certain to be offered.
    pub calls: &'a [CallView],
    /// Such calls of other campaigns that may take the same agents.
    pub others: &'a [Outlook],
    /// Persons who wait for an agent, of all campaigns.
    pub waiting: u32,
    /// The calls that would be launched next, for a pacer that asks for them ([`Pacer::wants_next`]).
    pub next: &'a [Marks],
    /// Calls that trunk, list and the turns of campaigns allow now.
    pub room: u32,
    /// Agents whom the others leave this campaign because it is under its least share.
    pub owed: u32,
    /// Agents whom this campaign leaves to others that are under theirs.
    pub withheld: u32,
    /// No call with a greater chance of no agent: calls of other campaigns that ring could not bear more.
    pub ceiling: f64,
    /// Persons whom the ledger of the tightest such campaign could bear to lose at once.
    pub others_bear: u32,
    /// Leads that could still be dialled when the list is running out; `None`: supply is not the limit.
    pub leads_left: Option<usize>,
    /// The ledger's windows; all bind.
    pub ledgers: &'a [LedgerView],
    /// Time until agents are planned to go; `None`: not known.
    pub plan_left: Option<Duration>,
}

impl Snapshot<'_> {
    /// Agents who wait for a call.
    pub fn idle(&self) -> u32 {
        self.agents.iter().filter(|agent| agent.state == AgentState::Ready).count() as u32
    }

    /// Calls that may take the agents, of all campaigns.
    pub fn under_way(&self) -> usize {
        self.calls.len() + self.others.len()
    }

    /// Calls that keep one idle agent each busy: what 1:1 pacing may launch. Agents who are owed to the campaign are
    /// taken by its own calls only.
    pub fn one_to_one(&self) -> u32 {
        let left = |agents: u32, calls: usize| agents.saturating_sub(calls as u32);
        let idle = self.idle().saturating_sub(self.waiting);
        left(idle.saturating_sub(self.withheld), self.under_way()).max(left(idle.min(self.owed), self.calls.len()))
    }
}

/// Why a decision is what it is, for people and for the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Reason {
    /// Nothing was decided yet.
    #[default]
    NotStarted,
    /// The campaign is paused or stopped.
    NotRunning,
    /// No agent is at work.
    NoAgents,
    /// Nothing can be dialled: no lead is ready.
    NoLeads,
    /// The trunk has no channel or no rate left, or is not known.
    NoTrunkRoom,
    /// The trunk has asked for patience (503 with Retry-After).
    TrunkRefuses,
    /// The store has just said that it cannot take an intent, so nothing may be dialled.
    StoreAway,
    /// The dialer was told to launch nothing.
    OnHold,
    /// A do-not-call list is older than the profile allows.
    NoFreshDoNotCall,
    /// A list of reassigned numbers is older than the profile allows.
    NoFreshReassigned,
    /// The agents' planned end is too near for another call.
    ShiftEnds,
    /// One call for one free agent.
    OneToOne,
    /// So many lines per agent.
    Ratio,
    /// Over-dialling as far as the price of an abandoned call allows.
    Price,
    /// The ledger has no slack: one call for one free agent until it recovers.
    LedgerGuard,
    /// Only the ledger's reserve is left.
    LedgerReserve,
    /// The carrier fails most calls: no more is dialled than before.
    CarrierFails,
    /// Agents are left to another campaign, which is under its least share of them, or to inbound calls.
    Yields,
    /// A law that the simulator compares with; no live campaign has one.
    ComparedLaw,
    /// Agents look at each lead before it is dialled.
    Preview,
    /// The agent who promised to call back is free.
    Callback,
    /// Without agents: as many calls at once as the campaign's channels.
    Channels,
    /// Without agents: as many new calls a second as the campaign may make.
    Rate,
}

impl Reason {
    /// A stable name for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Reason::NotStarted => "not_started",
            Reason::NotRunning => "not_running",
            Reason::NoAgents => "no_agents",
            Reason::NoLeads => "no_leads",
            Reason::NoTrunkRoom => "no_trunk_room",
            Reason::TrunkRefuses => "trunk_refuses",
            Reason::StoreAway => "store_away",
            Reason::OnHold => "on_hold",
            Reason::NoFreshDoNotCall => "no_fresh_do_not_call",
            Reason::NoFreshReassigned => "no_fresh_reassigned",
            Reason::ShiftEnds => "shift_ends",
            Reason::OneToOne => "one_to_one",
            Reason::Ratio => "ratio",
            Reason::Price => "price",
            Reason::LedgerReserve => "ledger_reserve",
            Reason::LedgerGuard => "ledger_guard",
            Reason::CarrierFails => "carrier_fails",
            Reason::Yields => "yields",
            Reason::ComparedLaw => "compared_law",
            Reason::Preview => "preview",
            Reason::Callback => "callback",
            Reason::Channels => "channels",
            Reason::Rate => "rate",
        }
    }

    /// One line for people.
    pub const fn text(self) -> &'static str {
        match self {
            Reason::NotStarted => "not started",
            Reason::NotRunning => "paused or stopped",
            Reason::NoAgents => "no agent is at work",
            Reason::NoLeads => "no lead is ready to be dialled",
            Reason::NoTrunkRoom => "the trunk has no room",
            Reason::TrunkRefuses => "the trunk refuses calls and has said until when",
            Reason::StoreAway => "the store is away",
            Reason::OnHold => "on hold: the store is away or the server is about to end",
            Reason::NoFreshDoNotCall => "a do-not-call list is older than the profile allows",
            Reason::NoFreshReassigned => "a list of reassigned numbers is older than the profile allows",
            Reason::ShiftEnds => "the agents' planned end is near",
            Reason::OneToOne => "one call for one free agent",
            Reason::Ratio => "fixed lines per agent",
            Reason::Price => "forecast of free agents against answers",
            Reason::LedgerReserve => "abandon ledger is down to its reserve: only calls that are sure to find an agent",
            Reason::LedgerGuard => "abandon ledger has no slack: one call for one free agent",
            Reason::CarrierFails => "the carrier fails most calls: no more is dialled than before",
            Reason::Yields => "agents are left to inbound calls, or to another campaign that is under its least share",
            Reason::ComparedLaw => "a law that the simulator compares with",
            Reason::Preview => "agents look at each lead before it is dialled",
            Reason::Callback => "the agent who promised to call back is free",
            Reason::Channels => "without agents: all channels of the campaign are in use",
            Reason::Rate => "without agents: as many calls a second as are set",
        }
    }
}

/// What to do now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// Calls to launch.
    pub launch: u32,
    /// Why so many and not more.
    pub reason: Reason,
    /// Chance that a person answers a call launched now, of 1.
    pub forecast_person: f64,
    /// For each call to launch: chance that no agent is free for the person who answers it, or for one whose call rings
    /// already and who then finds the agent taken.
    pub forecast_no_agent: Vec<f64>,
    /// The calls are for agents who are there: campaigns on the same agents must reckon without those, because the ledger
    /// can hardly bear one abandonment.
    pub promised: bool,
    /// Persons whom the ledger could bear to lose at once; `None`: the law does not look.
    pub bears: Option<u32>,
    /// What the pacer went by.
    pub forecast: Forecast,
}

/// What really happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Observation {
    /// A decided call was really launched.
    Launched {
        /// The decision's figure for it.
        forecast_no_agent: f64,
    },
    /// A call is no longer ringing: who or what ended it, this long after its launch.
    RingOver {
        /// Seconds from launch to the answer or end.
        age_s: f64,
        /// How.
        how: RingEnd,
        /// Its groups.
        marks: Marks,
    },
    /// A ringing call is over, or its early media has just said something: what it was until then. Comes after the
    /// 18x, beside [`Observation::RingOver`].
    Heard {
        /// What early media had said.
        class: EarlyClass,
        /// Seconds from launch to that word (to the 18x, for `Unheard`).
        from_s: f64,
        /// Seconds from launch to now, or to the answer.
        to_s: f64,
        /// How it ended; `None`: it goes on, under another class.
        how: Option<RingEnd>,
    },
    /// Detection has decided.
    Decided {
        /// Seconds from the answer to the verdict.
        delay_s: f64,
        /// For a person: seconds from the verdict to the deadline.
        patience_s: Option<f64>,
    },
    /// A person was connected or abandoned.
    Resolved {
        /// What was forecast at the launch.
        forecast_no_agent: f64,
        /// True when abandoned.
        abandoned: bool,
    },
    /// Of the calls that are launched now this share will be offered to agents: told where somebody knows it (a
    /// scenario's `hopper_answer_known`), instead of being learnt.
    ShareKnown(f64),
    /// A talk ended after so many seconds.
    Talk(f64),
    /// A wrap-up ended after so many seconds.
    Wrap(f64),
    /// After a wrap-up: did the agent stay? (Announced leaves are not told here, they are seen in advance.)
    AfterWrap {
        /// False: went on a break or home without notice.
        stayed: bool,
    },
}

/// How a ringing call stopped ringing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RingEnd {
    /// A person answered, as detection saw it.
    Person,
    /// Something else answered.
    Machine,
    /// Busy, failed, no answer, cancelled.
    Other,
}

/// A pacing policy.
pub trait Pacer: Send {
    /// Decides. Called at each event that can change the answer, and at least once a second while agents work.
    fn decide(&mut self, snapshot: &Snapshot<'_>, chance: &mut Stream) -> Decision;
    /// Learns.
    fn observe(&mut self, now: Instant, observation: Observation);
    /// Whether the groups of the calls to come would change a decision.
    fn wants_next(&self) -> bool {
        false
    }
    /// What other campaigns on the same agents must reckon with. A law without a forecast says the worst: each of its
    /// calls takes an agent at once, as it means to.
    fn outlook(&self, _now: Instant, _call: &CallView) -> Outlook {
        [1.0; MOMENTS_S.len()]
    }
    /// Goes on under new settings with what it has learnt; false when the mode is of another kind.
    fn retune(&mut self, mode: Mode) -> bool;
}

/// The pacer of a mode. Preview and agentless campaigns ask none; they have the one that learns nothing.
pub(crate) fn pacer(mode: Mode) -> Box<dyn Pacer> {
    match mode {
        Mode::Progressive | Mode::Preview(_) | Mode::Agentless(_) => Box::new(Progressive),
        Mode::Power(ratio) => Box::new(Ratio::new(ratio)),
        Mode::Predictive => Box::new(Predictive::new()),
    }
}

#[cfg(test)]
mod tests;
