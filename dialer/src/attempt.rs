//! One attempt at one lead: its states, times and outcome.

use base::{AgentId, AttemptId, CampaignId, Duration, Instant, LeadId, TrunkId, WallTime};

use crate::amd::AmdHandled;
use crate::compliance::{DeadlineFrom, Profile};
use crate::io::{AmdVerdict, CountedAs, EarlyClass, EndCause, HangupReason, Party};
use crate::lead::Number;
use crate::pacing::{Foretold, Marks};
use crate::recording::Recording;

/// What the system concluded. Each attempt gets exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// A person (as detection saw it) talked with an agent.
    Connected,
    /// Classified live, and no agent within the deadline.
    Abandoned,
    /// A person heard the recording of a campaign without agents, or its beginning. No agent was promised, so nobody was
    /// abandoned.
    Message,
    /// Classified live, and hung up before the deadline while waiting. Counted apart from abandoned, as in the study.
    HungUpWaiting,
    /// Hung up after answering, before detection had decided; or, silent so far, while it was asked whether somebody is
    /// there, which counts as lost.
    HungUpEarly,
    /// An answering machine.
    Machine,
    /// An answering machine, which has the whole message.
    MessageLeft,
    /// A menu.
    Ivr,
    /// A call-screening assistant.
    Screening,
    /// Nobody spoke, not even when asked.
    Silent,
    /// A fax machine.
    Fax,
    /// Special information tones after the answer.
    Sit,
    /// Engaged.
    Busy,
    /// Nobody answered in time.
    NoAnswer,
    /// The callee declined.
    Declined,
    /// No such number.
    BadNumber,
    /// The carrier failed.
    Failed,
    /// We cancelled it, or it was never dialled.
    Cancelled,
    /// The process ended during the attempt: it may have rung, so it counts as an attempt.
    Unknown,
}

impl Outcome {
    /// Every outcome, in order.
    pub const ALL: [Outcome; 19] = [
        Outcome::Connected,
        Outcome::Abandoned,
        Outcome::Message,
        Outcome::HungUpWaiting,
        Outcome::HungUpEarly,
        Outcome::Machine,
        Outcome::MessageLeft,
        Outcome::Ivr,
        Outcome::Screening,
        Outcome::Silent,
        Outcome::Fax,
        Outcome::Sit,
        Outcome::Busy,
        Outcome::NoAnswer,
        Outcome::Declined,
        Outcome::BadNumber,
        Outcome::Failed,
        Outcome::Cancelled,
        Outcome::Unknown,
    ];

    /// The name used in files and on the API, snake_case.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Connected => "connected",
            Outcome::Abandoned => "abandoned",
            Outcome::Message => "message",
            Outcome::HungUpWaiting => "hung_up_waiting",
            Outcome::HungUpEarly => "hung_up_early",
            Outcome::Machine => "machine",
            Outcome::MessageLeft => "message_left",
            Outcome::Ivr => "ivr",
            Outcome::Screening => "screening",
            Outcome::Silent => "silent",
            Outcome::Fax => "fax",
            Outcome::Sit => "sit",
            Outcome::Busy => "busy",
            Outcome::NoAnswer => "no_answer",
            Outcome::Declined => "declined",
            Outcome::BadNumber => "bad_number",
            Outcome::Failed => "failed",
            Outcome::Cancelled => "cancelled",
            Outcome::Unknown => "unknown",
        }
    }

    /// When a call with this outcome showed that no person answers at its number: at its verdict, unless a person came all
    /// the same, or an agent had the call whatever the verdict was. Without a verdict nothing was shown. Whoever brings a
    /// history back from a store asks this too, so that a dialer knows after a restart what it knew before.
    pub fn no_person_at<T>(self, verdict: Option<T>) -> Option<T> {
        let heard =
            matches!(self, Outcome::Machine | Outcome::MessageLeft | Outcome::Ivr | Outcome::Screening | Outcome::Fax);
        // What special information tones can mean.
        let tones = matches!(self, Outcome::Sit | Outcome::BadNumber | Outcome::Failed);
        verdict.filter(|_| heard || tones)
    }

    /// The outcome of this name; `None`: there is none.
    pub fn named(name: &str) -> Option<Outcome> {
        Outcome::ALL.into_iter().find(|outcome| outcome.name() == name)
    }

    /// The outcome of a call that ended before anybody answered. Codes after RFC 3261 §21.
    pub(crate) fn of_unanswered(cause: EndCause, stopped: bool) -> Outcome {
        match cause.code {
            _ if stopped => Outcome::Cancelled,
            Some(486 | 600) => Outcome::Busy,
            Some(404 | 410 | 484 | 485 | 604) => Outcome::BadNumber,
            Some(403 | 603 | 607) => Outcome::Declined,
            // 408 of a carrier whose callee did not answer, 480 temporarily unavailable, 487 after our CANCEL.
            Some(408 | 480 | 487) => Outcome::NoAnswer,
            Some(_) => Outcome::Failed,
            None => match cause.whose {
                Party::Us | Party::Callee | Party::Agent => Outcome::NoAnswer,
                Party::Carrier => Outcome::Failed,
            },
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// When what happened, on the monotonic clock; `None`: it did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Times {
    /// `Originate` came out.
    pub launched: Option<Instant>,
    /// First 18x.
    pub ringing: Option<Instant>,
    /// 200.
    pub answered: Option<Instant>,
    /// End of the callee's first utterance.
    pub greeting_end: Option<Instant>,
    /// Detection decided.
    pub verdict: Option<Instant>,
    /// An agent was chosen.
    pub assigned: Option<Instant>,
    /// First agent audio.
    pub connected: Option<Instant>,
    /// Detection heard the far end's greeting end after its verdict, or its beep.
    pub greeting_over: Option<Instant>,
    /// Detection heard a beep end after its verdict.
    pub beep: Option<Instant>,
    /// The first packet of what a screening assistant or a silent line is told left.
    pub prompt: Option<Instant>,
    /// And its last.
    pub prompt_ended: Option<Instant>,
    /// After a verdict that told of no person there was one all the same. The clock runs from here, except of a silent line
    /// where it runs from the answer: see [`Clock::begins`].
    pub live: Option<Instant>,
    /// The first packet of the safe-harbour message, of the campaign's recording or of what is left on a machine left.
    pub message: Option<Instant>,
    /// And its last.
    pub message_ended: Option<Instant>,
    /// The leg was gone.
    pub ended: Option<Instant>,
}

/// The rule by which a live call's deadline was reckoned.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Clock {
    /// Name and version of the profile: `us-ftc/1`.
    pub profile: String,
    /// From where the time ran.
    pub from: DeadlineFrom,
    /// How long it was.
    pub within: Duration,
}

impl Clock {
    pub(crate) fn of(profile: &Profile) -> Clock {
        let (from, within) = (profile.deadline_from, profile.deadline);
        Clock { profile: format!("{}/{}", profile.name, profile.version), from, within }
    }

    /// The moment from which the time runs: the answer, or the end of the first utterance where it was heard of a person
    /// (else the verdict, or without detection the answer: the earliest that it can have ended). Where a person came
    /// `live` only after the verdict, that moment. `verdict`: when, and false for silence. Whoever was silent was there
    /// from the answer on: where the time runs from there, asking first gives no new time.
    pub fn begins<T: Copy>(
        &self,
        answered: T,
        greeting_end: Option<T>,
        verdict: Option<(T, bool)>,
        live: Option<T>,
    ) -> T {
        match (self.from, verdict, live) {
            (DeadlineFrom::Answer | DeadlineFrom::GreetingStart, Some((_, false)), _) => answered,
            (_, _, Some(live)) => live,
            (DeadlineFrom::Answer | DeadlineFrom::GreetingStart, _, None) => answered,
            (DeadlineFrom::GreetingEnd, None, None) => greeting_end.unwrap_or(answered),
            (DeadlineFrom::GreetingEnd, Some((at, human)), None) => greeting_end.filter(|_| human).unwrap_or(at),
        }
    }
}

/// The whole story of an attempt, told once at its end.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct AttemptRecord {
    /// Id.
    pub attempt: AttemptId,
    /// Its campaign.
    pub campaign: CampaignId,
    /// Its lead.
    pub lead: LeadId,
    /// The number.
    pub number: Number,
    /// First, second, … attempt at the lead.
    pub attempt_number: u32,
    /// Wall time of the decision to launch.
    pub at: WallTime,
    /// What came of it.
    pub outcome: Outcome,
    /// How it enters the legal ledger.
    pub counted_as: CountedAs,
    /// When it was entered there: it belongs to the windows that were open then. A ledger is brought back from this
    /// moment ([`crate::LedgerEntry::at`]), which no other column gives for an abandoned call.
    pub counted_at: Option<Instant>,
    /// When what happened.
    pub times: Times,
    /// The moment by which an agent had to be heard.
    pub deadline: Option<Instant>,
    /// By which rule.
    pub clock: Option<Clock>,
    /// What early media said while it rang.
    pub early: EarlyClass,
    /// What detection said.
    pub verdict: Option<AmdVerdict>,
    /// The agent who talked, or who was chosen.
    pub agent: Option<AgentId>,
    /// Why the leg ended; `None` when it was never dialled.
    pub cause: Option<EndCause>,
    /// True when the message was played to its end.
    pub message_played: bool,
}

/// Where an attempt under way stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Intent on its way to the disk.
    Recording,
    /// On disk, waits for the trunk's rate.
    Held,
    /// INVITE sent, nobody has answered.
    Dialling,
    /// Answered, detection listens.
    Answered,
    /// A machine speaks; the message waits for its beep or the end of its greeting.
    Machine,
    /// A screening assistant: told who calls, or about to be; a live voice is waited for.
    Screening,
    /// A silent line has been asked whether somebody is there.
    Asked,
    /// Classified live, waits for an agent.
    Waiting,
    /// An agent is reserved, audio not yet through.
    Connecting,
    /// Agent and callee talk.
    Talking,
    /// The safe-harbour message, the recording or what is left on a machine plays.
    Message,
    /// We hung up and wait for the leg's end.
    Ending,
}

/// Who takes a person who answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Taker {
    /// Whoever is free.
    Anybody,
    /// The agent who was reserved before the call was dialled.
    Agent(AgentId),
    /// Nobody: the person hears this.
    Recording(Recording),
}

/// An attempt under way.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) campaign: CampaignId,
    pub(crate) lead: LeadId,
    pub(crate) number: Number,
    pub(crate) attempt_number: u32,
    pub(crate) at: WallTime,
    pub(crate) decided: Instant,
    /// As its intent says, whatever the campaign's settings say by now.
    pub(crate) trunk: TrunkId,
    pub(crate) caller_id: String,
    /// Detection listens; settled when it is dialled.
    pub(crate) amd: bool,
    pub(crate) taker: Taker,
    pub(crate) phase: Phase,
    pub(crate) times: Times,
    pub(crate) deadline: Option<Instant>,
    /// Its time was over before an agent was asked for: detection decided late, or it was asked first whether somebody is
    /// there.
    pub(crate) overdue: bool,
    pub(crate) clock: Option<Clock>,
    pub(crate) verdict: Option<AmdVerdict>,
    pub(crate) handled: Option<AmdHandled>,
    pub(crate) agent: Option<AgentId>,
    /// Settled before the leg's end (machine, abandoned, connected); the end only closes it.
    pub(crate) outcome: Option<Outcome>,
    pub(crate) counted_as: CountedAs,
    pub(crate) counted_at: Option<Instant>,
    pub(crate) message_played: bool,
    /// Its intent rests on a consent: a recorded message may be left where the profile asks for one.
    pub(crate) has_consent: bool,
    /// An assistant or a silent line has been told something.
    pub(crate) prompted: bool,
    /// The first packet of what it is told now, or was last, has left.
    pub(crate) play_began: bool,
    /// What is waited for after a verdict is given up then.
    pub(crate) wait: Option<Instant>,
    pub(crate) stopped: bool,
    /// It has to ring until then, and is cancelled for this reason unless somebody answers before.
    pub(crate) cancel: Option<(Instant, HangupReason)>,
    pub(crate) forecast_no_agent: f64,
    /// Launched for an agent who is free: campaigns on the same agents reckon without that one.
    pub(crate) promised: bool,
    /// The groups it belongs to, for the pacer.
    pub(crate) marks: Marks,
    /// What early media has said, and since when: from the first 18x on.
    pub(crate) early: Option<(EarlyClass, Instant)>,
    /// Only the simulator's oracle is told.
    pub(crate) foretold: Option<Foretold>,
}

impl Attempt {
    pub(crate) fn record(&self, attempt: AttemptId, outcome: Outcome, cause: Option<EndCause>) -> AttemptRecord {
        AttemptRecord {
            attempt,
            campaign: self.campaign,
            lead: self.lead,
            number: self.number,
            attempt_number: self.attempt_number,
            at: self.at,
            outcome,
            counted_as: self.counted_as,
            counted_at: self.counted_at,
            times: self.times,
            deadline: self.deadline,
            clock: self.clock.clone(),
            early: self.early.map_or(EarlyClass::Unheard, |(class, _)| class),
            verdict: self.verdict,
            agent: self.agent,
            cause,
            message_played: self.message_played,
        }
    }
}
