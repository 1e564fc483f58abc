//! What goes into the dialer and what comes out of it.

mod input;
mod output;

use base::{AttemptId, CampaignId, Duration, LeadId, TrunkId, WallTime};

use crate::attempt::Outcome;
use crate::compliance::ConsentDecision;
use crate::lead::Number;
use crate::policies::SitMeaning;

pub use input::Input;
pub use output::Output;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// To a person for whom no agent was free.
    SafeHarbour,
    /// Of a campaign without agents.
    Recording,
    /// Left on a machine.
    Left,
    /// To a screening assistant: who calls and why.
    Identification,
    /// To a silent line.
    Hello,
}

/// How a lead that was shown to an agent left the agent's screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferEnd {
    /// It is dialled: the agent accepted, or the time was over and the campaign dials then.
    Accepted,
    /// The agent did not want it.
    Skipped,
    /// The time was over and the campaign skips then.
    TimedOut,
    /// The campaign or the agent stopped, or the lead may not be dialled any more.
    Withdrawn,
}

impl OfferEnd {
    /// `accepted`, `skipped`, `timed_out`, `withdrawn`.
    pub const fn name(self) -> &'static str {
        match self {
            OfferEnd::Accepted => "accepted",
            OfferEnd::Skipped => "skipped",
            OfferEnd::TimedOut => "timed_out",
            OfferEnd::Withdrawn => "withdrawn",
        }
    }
}

/// Written durably before the call is made.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptIntent {
    /// Id of the attempt, rising by one.
    pub attempt: AttemptId,
    /// Its campaign.
    pub campaign: CampaignId,
    /// Its lead.
    pub lead: LeadId,
    /// The number.
    pub number: Number,
    /// First, second, … attempt at this lead; (lead, attempt_number) is unique for ever.
    pub attempt_number: u32,
    /// The trunk it will take.
    pub trunk: TrunkId,
    /// The number it will show.
    pub caller_id: String,
    /// Wall time of the decision.
    pub at: WallTime,
    /// What allowed it.
    pub consent: ConsentDecision,
    /// Why it was launched, for people.
    pub why: String,
    /// Forecast at the launch: chance that a person answers, of 1.
    pub forecast_person: f64,
    /// Forecast at the launch: chance that no agent is free when a person answers, of 1.
    pub forecast_no_agent: f64,
}

/// One counted call, as a store gives it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Which; each once.
    pub attempt: AttemptId,
    /// When it was counted ([`crate::AttemptRecord::counted_at`]).
    pub at: WallTime,
    /// As what. `Nothing` is passed over.
    pub counted_as: CountedAs,
    /// What the agent recorded last: a person or not.
    pub person: Option<bool>,
    /// From the decision to dial to the answer, in whole microseconds ([`Output::Counted`]); `None`: not known.
    pub rang: Option<Duration>,
}

/// What early media of a call that rings has said. Only a label to the pacer, which learns from outcomes what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub enum EarlyClass {
    /// Nothing yet: no early media, or nothing known in it.
    #[default]
    Unheard,
    /// A ringing tone.
    Ringback,
    /// An announcement of the network.
    Announcement,
    /// A mailbox that speaks before the answer.
    Voicemail,
}

impl EarlyClass {
    /// Every class, in order.
    pub const ALL: [EarlyClass; 4] =
        [EarlyClass::Unheard, EarlyClass::Ringback, EarlyClass::Announcement, EarlyClass::Voicemail];

    /// `unheard`, `ringback`, `announcement`, `voicemail`.
    pub const fn name(self) -> &'static str {
        match self {
            EarlyClass::Unheard => "unheard",
            EarlyClass::Ringback => "ringback",
            EarlyClass::Announcement => "announcement",
            EarlyClass::Voicemail => "voicemail",
        }
    }
}

/// Who answered, as detection sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AmdVerdict {
    /// A person.
    Human,
    /// An answering machine or mailbox.
    Machine,
    /// A menu.
    Ivr,
    /// A call-screening assistant.
    Screening,
    /// Nobody said anything: as a rule a person, whose deadline runs from the verdict.
    Silence,
    /// A fax machine.
    Fax,
    /// The network's special information tones.
    Sit(SitMeaning),
}

/// Whose doing an end was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// The carrier or its network.
    Carrier,
    /// The called person or device.
    Callee,
    /// The agent.
    Agent,
    /// Ourselves.
    Us,
}

/// Why a leg ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EndCause {
    /// Whose doing.
    pub whose: Party,
    /// SIP status code, when there was one.
    pub code: Option<u16>,
    /// The carrier's wish not to be tried again before so many seconds.
    pub retry_after_s: Option<u32>,
}

/// Why the dialer hangs up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HangupReason {
    /// Detection found no person, or nobody came.
    NotAPerson,
    /// The safe-harbour message is over, or could not be played.
    MessageOver,
    /// The agent is gone.
    AgentGone,
    /// The campaign was stopped.
    Stopped,
}

/// Why a campaign paused itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseReason {
    /// An attempt's intent could not be stored.
    StoreRefused,
}

/// How an outcome enters the legal ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CountedAs {
    /// A person who was connected within the deadline.
    Connected,
    /// A person classified live who was not.
    Abandoned,
    /// Somebody who was answered by nobody and whom the law's figure leaves out: hung up while waiting, or under way
    /// when a process died. Only the strict figure counts them.
    Lost,
    /// None of these.
    Nothing,
}

impl CountedAs {
    /// The one of this name.
    pub fn named(name: &str) -> Option<CountedAs> {
        [CountedAs::Connected, CountedAs::Abandoned, CountedAs::Lost, CountedAs::Nothing]
            .into_iter()
            .find(|counted| counted.name() == name)
    }

    /// `connected`, `abandoned`, `lost`, `nothing`.
    pub const fn name(self) -> &'static str {
        match self {
            CountedAs::Lost => "lost",
            CountedAs::Connected => "connected",
            CountedAs::Abandoned => "abandoned",
            CountedAs::Nothing => "nothing",
        }
    }
}

/// An outcome with how often it occurred; order of [`Outcome`].
pub type OutcomeCounts = std::collections::BTreeMap<Outcome, u64>;
