//! What is told to the dialer.

use base::{AgentId, AttemptId, CallId, CampaignId, Duration, Instant, LeadId, TrunkId, WallAnchor, WallTime};
use desk::Skills;

use super::{AmdVerdict, EarlyClass, EndCause, LedgerEntry};
use crate::amd::AmdMeasured;
use crate::campaign::CampaignConfig;
use crate::inbound::InboundConfig;
use crate::lead::{Lead, Number};
use crate::policies::Revision;

/// Something that happened, told to the dialer.
#[derive(Clone, Debug)]
pub enum Input {
    /// A new campaign, stopped.
    AddCampaign {
        /// Its id.
        campaign: CampaignId,
        /// Its settings.
        config: Box<CampaignConfig>,
    },
    /// Other settings for a campaign, also while it runs; refused as in `AddCampaign`, and then nothing changes. Calls
    /// that are dialled keep their trunk, caller id and detection; the pacer keeps what it has learnt unless the kind
    /// of mode changes. The ledger keeps its counts; windows that differ (or local days in another zone) are reckoned
    /// anew from the calls remembered ([`crate::ENTRIES_MAX`]; older ones are missing in days opened this way, which
    /// `RestoreLedger` mends).
    Configure {
        /// Which.
        campaign: CampaignId,
        /// Its new settings, all of them.
        config: Box<CampaignConfig>,
    },
    /// Forgets a campaign with its list and ledger; refused while it runs or has attempts under way.
    RemoveCampaign {
        /// Which.
        campaign: CampaignId,
    },
    /// Brings a campaign's ledger to what it was in a process that has ended, whatever it is now; refused while the
    /// campaign runs or has attempts under way. A campaign that has never begun has no ledger to bring back.
    RestoreLedger {
        /// Whose.
        campaign: CampaignId,
        /// When the campaign was first started: its windows count from there.
        began: WallTime,
        /// Every counted call since, in any order.
        entries: Vec<LedgerEntry>,
    },
    /// Leads for a campaign; a lead or number already there is refused one by one. A blocked lead is no duplicate: it
    /// comes back with what it brings now (a consent, a corrected number).
    AddLeads {
        /// Whose.
        campaign: CampaignId,
        /// The leads, dialled in this order.
        leads: Vec<Lead>,
    },
    /// The leads that were asked for cannot be read now: the campaign goes on with those it has and is not finished
    /// without them. The next `AddLeads` takes it back.
    SupplyAway {
        /// Whose.
        campaign: CampaignId,
    },
    /// The days that the oldest list of each kind in force is of; `None`: none was ever loaded, and
    /// none holds anybody up.
    Screens {
        /// Do-not-call lists.
        do_not_call: Option<WallTime>,
        /// Lists of reassigned numbers.
        reassigned: Option<WallTime>,
    },
    /// Forget leads that wait beyond this moment, and those that are over; they come again by `AddLeads` when it is time.
    /// `None`: all but those that are being dialled, because what is supplied has changed.
    LetGo {
        /// Whose.
        campaign: CampaignId,
        /// Until when leads are kept.
        until: Option<WallTime>,
    },
    /// Begin, or go on after a pause.
    Start {
        /// Which.
        campaign: CampaignId,
    },
    /// Launch nothing new; calls under way go on.
    Pause {
        /// Which.
        campaign: CampaignId,
    },
    /// Launch nothing new and cancel calls that nobody has answered yet.
    Stop {
        /// Which.
        campaign: CampaignId,
    },
    /// Until when agents are planned to work. Nothing is launched whose answer could come later, and the forecast
    /// of the rest of the ledger's window ends here.
    PlannedEnd {
        /// Which campaign.
        campaign: CampaignId,
        /// The end; `None`: not known.
        at: Option<Instant>,
    },
    /// A new agent, logged out.
    AddAgent {
        /// Id.
        agent: AgentId,
        /// Name for people.
        name: String,
        /// Skills.
        skills: Skills,
    },
    /// Other skills for an agent.
    SetSkills {
        /// Who.
        agent: AgentId,
        /// All skills from now on.
        skills: Skills,
    },
    /// The agent goes for good; refused during a call.
    RemoveAgent {
        /// Who.
        agent: AgentId,
    },
    /// Inbound calls of one kind, new or changed: the pacers leave agents for them from the next decision on.
    PutInbound {
        /// Which kind.
        kind: u32,
        /// Its settings, all of them.
        config: Box<InboundConfig>,
    },
    /// An inbound call waits for an agent: [`super::Output::ConnectInbound`] or [`super::Output::InboundGivenUp`] follow.
    InboundArrived {
        /// Of which kind.
        kind: u32,
        /// The call; no attempt ever has this number.
        item: CallId,
    },
    /// The caller hung up while waiting.
    InboundLeft {
        /// The call.
        item: CallId,
    },
    /// A ready agent places a call by hand: no attempt gets this agent until `ItemFinished`.
    ReserveAgent {
        /// Who.
        agent: AgentId,
        /// The call; no attempt ever has this number.
        item: CallId,
    },
    /// The agent of a call placed by hand talks.
    ItemConnected {
        /// Who.
        agent: AgentId,
    },
    /// A call placed by hand is over: wrap-up when they talked, else ready.
    ItemFinished {
        /// Who.
        agent: AgentId,
    },
    /// The agent has looked at the lead that is shown and takes it: it is dialled, if the gate still lets it through.
    PreviewAccept {
        /// Who.
        agent: AgentId,
        /// The lead as shown: an answer that comes too late must not meet the next one.
        lead: LeadId,
    },
    /// The agent does not want the lead that is shown: it comes again as [`CampaignConfig::skipped`] says.
    PreviewSkip {
        /// Who.
        agent: AgentId,
        /// The lead as shown.
        lead: LeadId,
    },
    /// The agent's phone is up and the agent waits for calls (also ends a wrap-up).
    AgentReady {
        /// Who.
        agent: AgentId,
    },
    /// The agent wants a break.
    AgentBreak {
        /// Who.
        agent: AgentId,
        /// "After this call": the pacer takes the agent out of its forecast at once.
        announced: bool,
    },
    /// The agent's phone is gone; a call in hand ends.
    AgentLoggedOut {
        /// Who.
        agent: AgentId,
    },
    /// The agent goes home after the call and wrap-up in hand; at once when there is none.
    AgentLeaves {
        /// Who.
        agent: AgentId,
    },
    /// The intent is on disk: the attempt may be dialled.
    IntentDurable {
        /// Which.
        attempt: AttemptId,
    },
    /// The store cannot take the intent now (busy, away, full): the lead goes back, the campaign runs on, and a second
    /// passes before the next decision.
    IntentDeferred {
        /// Which.
        attempt: AttemptId,
    },
    /// The lead is not where its campaign believes: another one has dialled it. It is forgotten, and asked for
    /// ([`super::Output::NumberWanted`]) as it stands now.
    LeadElsewhere {
        /// Which.
        attempt: AttemptId,
    },
    /// The store will not take the intent, which is a fault: the lead goes back, the campaign pauses.
    IntentRefused {
        /// Which.
        attempt: AttemptId,
    },
    /// A provisional answer (18x).
    Progress {
        /// Which.
        attempt: AttemptId,
        /// It opened early media.
        early_media: bool,
    },
    /// Early media of a ringing call said something. The first word stays; `Unheard` says nothing.
    Heard {
        /// Which.
        attempt: AttemptId,
        /// What.
        class: EarlyClass,
    },
    /// The callee answered (200).
    Answered {
        /// Which.
        attempt: AttemptId,
    },
    /// Media heard the end of the callee's first utterance. The legal deadline runs from here.
    GreetingEnded {
        /// Which.
        attempt: AttemptId,
        /// When it ended (may lie a little before `now`).
        at: Instant,
    },
    /// Answer detection has decided.
    Verdict {
        /// Which.
        attempt: AttemptId,
        /// Who answered.
        verdict: AmdVerdict,
        /// End of the first utterance, if heard; wins over an earlier `GreetingEnded`.
        greeting_end: Option<Instant>,
    },
    /// Detection has heard more after its verdict. Where nothing waits for it, it is passed over.
    Revised {
        /// Which.
        attempt: AttemptId,
        /// What.
        revision: Revision,
        /// When (may lie a little before `now`). A person's clock runs from here.
        at: Instant,
    },
    /// What a campaign's own calls say of persons lost to detection; none: the profile's estimate counts again.
    AmdMeasured {
        /// Whose ledger.
        campaign: CampaignId,
        /// The rate and where it was measured.
        measured: Option<AmdMeasured>,
    },
    /// The agent's first audio went out to the callee.
    Connected {
        /// Which.
        attempt: AttemptId,
        /// With whom.
        agent: AgentId,
    },
    /// The first packet of the message left. Of several that were ordered this and its end are said of the newest alone.
    MessageBegan {
        /// Which.
        attempt: AttemptId,
        /// When.
        at: Instant,
    },
    /// The message was played to its end, or cannot be played.
    MessageEnded {
        /// Which.
        attempt: AttemptId,
    },
    /// The person does not want to hear the rest of the message: the call ends.
    MessageCut {
        /// Which.
        attempt: AttemptId,
    },
    /// What the agent recorded: a person, or a machine that detection let through. For the ledger's estimates. Replaces
    /// what was recorded before; refused when the attempt was never counted, or is not among those remembered.
    Disposition {
        /// Whose ledger.
        campaign: CampaignId,
        /// The attempt, which may be over.
        attempt: AttemptId,
        /// True for a person.
        person: bool,
    },
    /// The customer's leg is gone. The last word on an attempt.
    Ended {
        /// Which.
        attempt: AttemptId,
        /// Why.
        cause: EndCause,
    },
    /// What a trunk can take now. Creates the trunk when it is new.
    TrunkRoom {
        /// Which trunk.
        trunk: TrunkId,
        /// Channels that the dialer's open attempts may hold in all (each holds one from its `RecordIntent` to its
        /// `Ended`). Fewer than are held: nothing is dialled until enough of them have ended.
        channels: u32,
        /// Call attempts a second.
        cps: f64,
    },
    /// A trunk is gone; refused while a campaign dials over it or it carries calls.
    RemoveTrunk {
        /// Which trunk.
        trunk: TrunkId,
    },
    /// Wrap-ups that begin from now on end by themselves after this time.
    WrapUpLimit {
        /// `None`: only the agent ends it.
        limit: Option<Duration>,
    },
    /// This number must not be called any more, in any campaign. A call under way goes on.
    DoNotCall {
        /// Which.
        number: Number,
    },
    /// This number may be called again. Leads that were blocked for it stay so until `Reconsider`.
    LiftDoNotCall {
        /// Which.
        number: Number,
    },
    /// A mark that a call left on this number does not hold any more. Leads that were blocked for it stay so until
    /// `Reconsider`, or until they are brought anew.
    LiftMark {
        /// Which.
        number: Number,
    },
    /// The gate looks again at the leads that it has blocked or put off. Numbers that do not exist stay blocked.
    Reconsider {
        /// Which campaign.
        campaign: CampaignId,
    },
    /// What the store remembers of a number, over all campaigns: the gate's caps need every attempt of the last 31
    /// days. A moment that is known already, from a lead or an earlier `History`, is not counted again.
    History {
        /// Whose.
        number: Number,
        /// Attempts, by the moment of their intents.
        attempts: Vec<WallTime>,
        /// When this person was last abandoned.
        abandoned: Option<WallTime>,
        /// When detection last heard no person at this number.
        machine: Option<WallTime>,
    },
    /// While on hold no campaign decides a new attempt; states stay, calls under way go on. For a store that is away and
    /// for the last minutes of a process.
    Hold {
        /// On or off.
        on: bool,
    },
    /// The wall clock was set. Calling hours follow it; ledgers and retry gaps do not.
    WallClock {
        /// The new tie between the clocks.
        anchor: WallAnchor,
    },
}
