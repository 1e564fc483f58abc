//! The rows as callers see them, and [`Op`]: everything that may be written while calls run.
//!
//! Moments are [`WallTime`]; phone numbers are E.164 text (`+15551234567`). Small vocabularies that belong to other
//! rooms (outcome, verdict, state) are text here: the store keeps them and never decides by them.

use base::{AgentId, AttemptId, CallId, CampaignId, Duration, LeadId, ListId, WallTime};

use crate::amd::{AmdEvidenceRow, AmdLabelRow};
use crate::audit::AuditRow;
use crate::marks::NumberMarkRow;
use crate::recordings::AmdRecordingRow;

/// The owner of rows. One installation may serve several.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TenantId(pub u64);

impl TenantId {
    /// The tenant that exists in every store.
    pub const DEFAULT: TenantId = TenantId(1);
}

/// A sealed blob of the store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BlobId(pub u64);

/// One write. Acknowledged by an [`Ack`](crate::Ack) after the commit that holds it.
#[derive(Clone, PartialEq, Debug)]
pub enum Op {
    /// An attempt is about to be made: must be durable before the INVITE. Also moves the lead to state `dialling` with
    /// this attempt number, in the same commit.
    Intent(AttemptIntentRow),
    /// A call was answered.
    CdrOpen(CdrOpenRow),
    /// An answered call is over.
    CdrClose(CdrCloseRow),
    /// An attempt has entered the compliance ledger; its call may still go on. A second time is refused with
    /// [`NotFound`](crate::ErrorKind::NotFound).
    Counted(CountedRow),
    /// An attempt is over, and what that means for its lead, in the same commit: a person who was reached must not be
    /// called again because a crash came between the two. A second close is refused with
    /// [`NotFound`](crate::ErrorKind::NotFound).
    AttemptClose(AttemptCloseRow, Option<LeadStateRow>),
    /// The dial state of a lead changed.
    LeadState(LeadStateRow),
    /// A consent was given or withdrawn; append-only.
    Consent(ConsentRow),
    /// A number must not be dialled any more, or may be again; append-only.
    Suppress(SuppressRow),
    /// What the agent recorded about a call.
    Disposition(DispositionRow),
    /// A campaign was started, paused or stopped.
    CampaignState(CampaignStateRow),
    /// The timeline of an attempt.
    Event(EventRow),
    /// A call back was promised.
    Callback(CallbackRow),
    /// A promised call back was made or dropped.
    CallbackDone(CallbackDoneRow),
    /// A CDR for an attempt whose answer, if there was one, a crash has lost. Refused with
    /// [`Rule`](crate::ErrorKind::Rule) when the attempt has a CDR.
    RebuildCdr(CdrRebuildRow),
    /// An operator, a program or a person did something; append-only.
    Audit(AuditRow),
    /// What answer detection heard and said of an attempt, once.
    AmdEvidence(Box<AmdEvidenceRow>),
    /// What somebody said answered an attempt; the last word counts, all are kept.
    AmdLabel(AmdLabelRow),
    /// Nobody is to be reached at a number; takes the place of what was said of it before.
    MarkNumber(NumberMarkRow),
    /// A number is marked no more.
    UnmarkNumber(TenantId, String),
    /// A fixed recording was learnt.
    AmdRecording(AmdRecordingRow),
    /// A call was answered by this recording, then.
    AmdRecordingMet(TenantId, String, WallTime),
    /// A recording is forgotten.
    AmdRecordingGone(TenantId, String),
}

/// What was decided before an attempt.
#[derive(Clone, PartialEq, Debug)]
pub struct AttemptIntentRow {
    /// Owner of the row.
    pub tenant: TenantId,
    /// Unique for ever in this store; start after [`HighWater::attempt`].
    pub attempt: AttemptId,
    /// The campaign that dials.
    pub campaign: CampaignId,
    /// The lead that is dialled.
    pub lead: LeadId,
    /// Counts the lead's attempts from 1; (tenant, lead, attempt_number) is unique and only grows.
    pub attempt_number: u32,
    /// The number to dial, E.164.
    pub number: String,
    /// Name of the trunk.
    pub trunk: String,
    /// The caller's number that is shown, E.164.
    pub caller_id: Option<String>,
    /// When it was decided.
    pub at: WallTime,
    /// Whether the gate allowed it.
    pub consent_allowed: bool,
    /// The rule that allowed or refused it.
    pub consent_rule: String,
    /// The consent row or outside proof it rests on.
    pub consent_proof: Option<String>,
    /// Why now and with which forecast, as JSON.
    pub why: String,
}

/// How an attempt ended.
#[derive(Clone, PartialEq, Debug)]
pub struct AttemptCloseRow {
    /// Owner of the row.
    pub tenant: TenantId,
    /// The attempt.
    pub attempt: AttemptId,
    /// What the system concluded: busy, no_answer, machine, human, abandoned, …
    pub outcome: String,
    /// What the compliance figure counts it as.
    pub counted_as: String,
    /// The answer detection's verdict, if it ran.
    pub verdict: Option<String>,
    /// The agent who had the call.
    pub agent: Option<AgentId>,
    /// Who ended it: carrier, callee, agent, us.
    pub cause_whose: String,
    /// SIP response code, where one ended it.
    pub cause_code: Option<u16>,
    /// First ring.
    pub ringing_at: Option<WallTime>,
    /// The 200.
    pub answered_at: Option<WallTime>,
    /// End of the callee's first utterance.
    pub greeting_end_at: Option<WallTime>,
    /// Moment of the verdict.
    pub verdict_at: Option<WallTime>,
    /// First agent audio to the callee.
    pub connected_at: Option<WallTime>,
    /// The end of the call or of the attempt.
    pub ended_at: WallTime,
    /// When the row is closed (may be later than `ended_at` after a crash).
    pub closed_at: WallTime,
}

/// An answered call, with all that a BYE needs when this process is gone (RFC 3261 section 12.1).
#[derive(Clone, PartialEq, Debug)]
pub struct CdrOpenRow {
    /// Owner of the row.
    pub tenant: TenantId,
    /// Unique for ever in this store; start after [`HighWater::call`].
    pub call: CallId,
    /// The attempt that made the call, if one did.
    pub attempt: Option<AttemptId>,
    /// Its campaign.
    pub campaign: Option<CampaignId>,
    /// `outbound` or `inbound`.
    pub direction: String,
    /// Number or address of the caller.
    pub caller: String,
    /// Number or address of the called party.
    pub callee: String,
    /// Name of the trunk.
    pub trunk: Option<String>,
    /// When it was answered.
    pub answered_at: WallTime,
    /// Call-ID header.
    pub sip_call_id: String,
    /// Our URI (From of our requests).
    pub local_uri: String,
    /// Our tag.
    pub local_tag: String,
    /// Their URI (To of our requests).
    pub remote_uri: String,
    /// Their tag.
    pub remote_tag: String,
    /// Their Contact: the Request-URI of our requests.
    pub remote_target: String,
    /// Route headers in order, as they will be sent.
    pub route_set: Vec<String>,
    /// The CSeq number that we used last.
    pub local_cseq: u32,
    /// Where our requests go: `udp:127.0.0.1:5070`.
    pub peer: String,
}

/// The end of an answered call.
#[derive(Clone, PartialEq, Debug)]
pub struct CdrCloseRow {
    /// Owner of the row.
    pub tenant: TenantId,
    /// The call.
    pub call: CallId,
    /// The agent who talked.
    pub agent: Option<AgentId>,
    /// When the agent was heard first.
    pub connected_at: Option<WallTime>,
    /// When it ended.
    pub ended_at: WallTime,
    /// Who ended it: carrier, callee, agent, us.
    pub cause_whose: String,
    /// SIP code, where one ended it.
    pub cause_code: Option<u16>,
    /// Media figures as JSON (packets, loss, jitter).
    pub media: Option<String>,
    /// What happened, as JSON: an array of `{at_us, what, detail}`.
    pub timeline: Option<String>,
}

/// What is known of a call of which only the attempt survived. The row is closed at once.
#[derive(Clone, PartialEq, Debug)]
pub struct CdrRebuildRow {
    /// Owner of the row.
    pub tenant: TenantId,
    /// A new id, after [`HighWater::call`].
    pub call: CallId,
    /// The attempt.
    pub attempt: AttemptId,
    /// Its campaign.
    pub campaign: CampaignId,
    /// The caller's number; may be empty.
    pub caller: String,
    /// The number that was dialled.
    pub callee: String,
    /// Name of the trunk.
    pub trunk: String,
    /// The moment that answer and end are set to: that of the intent.
    pub at: WallTime,
}

/// The dial state of a lead.
#[derive(Clone, PartialEq, Debug)]
pub struct LeadStateRow {
    /// Owner of the row.
    pub tenant: TenantId,
    /// The lead.
    pub lead: LeadId,
    /// New state: new, dialling, waiting, done, …
    pub state: String,
    /// Not to be dialled before this moment.
    pub next_at: Option<WallTime>,
    /// The outcome of its last attempt.
    pub last_outcome: Option<String>,
    /// From here on this number of its contact is dialled, E.164; `None`: the one from before.
    pub dial_number: Option<String>,
}

/// Whether a row gives or takes away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Consent given, or number suppressed.
    Add,
    /// Consent withdrawn, or suppression lifted.
    Lift,
}

impl Action {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Action::Add => "add",
            Action::Lift => "lift",
        }
    }
}

/// A consent given or withdrawn.
#[derive(Clone, PartialEq, Debug)]
pub struct ConsentRow {
    /// Owner of the row.
    pub tenant: TenantId,
    /// The number, E.164.
    pub number: String,
    /// Given or withdrawn.
    pub action: Action,
    /// For what: `marketing`, `service`, a campaign's name.
    pub scope: String,
    /// Where it came from: form, call, import.
    pub source: String,
    /// The proof: text, hash or blob reference.
    pub proof: Option<String>,
    /// When.
    pub at: WallTime,
}

/// A number put on or taken off the do-not-call set.
#[derive(Clone, PartialEq, Debug)]
pub struct SuppressRow {
    /// Owner of the row.
    pub tenant: TenantId,
    /// The number, E.164.
    pub number: String,
    /// Suppressed or lifted.
    pub action: Action,
    /// Only for this campaign; `None`: for all.
    pub campaign: Option<CampaignId>,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub source: String,
    /// When.
    pub at: WallTime,
    /// Until when; `None`: for ever.
    pub until: Option<WallTime>,
}

/// What an agent recorded.
#[derive(Clone, PartialEq, Debug)]
pub struct DispositionRow {
    /// Owner of the row.
    pub tenant: TenantId,
    /// The attempt it is about.
    pub attempt: Option<AttemptId>,
    /// The call it is about.
    pub call: Option<CallId>,
    /// The agent, if one recorded it.
    pub agent: Option<AgentId>,
    /// The code chosen.
    pub code: String,
    /// Whether a person was there, where the code says so.
    pub person: Option<bool>,
    /// Free text.
    pub note: Option<String>,
    /// When.
    pub at: WallTime,
}

/// A campaign's state.
#[derive(Clone, PartialEq, Debug)]
pub struct CampaignStateRow {
    /// Owner of the row.
    pub tenant: TenantId,
    /// The campaign, from [`Store::ensure_campaign`](crate::Store::ensure_campaign).
    pub campaign: CampaignId,
    /// running, paused, stopped, finished.
    pub state: String,
    /// Since when.
    pub at: WallTime,
}

/// An attempt's timeline.
#[derive(Clone, PartialEq, Debug)]
pub struct EventRow {
    /// Owner of the row.
    pub tenant: TenantId,
    /// The attempt.
    pub attempt: AttemptId,
    /// When it was written.
    pub at: WallTime,
    /// The timeline as JSON.
    pub body: String,
}

/// A promise to call back.
#[derive(Clone, PartialEq, Debug)]
pub struct CallbackRow {
    /// Owner of the row.
    pub tenant: TenantId,
    /// The lead.
    pub lead: LeadId,
    /// The campaign that will call.
    pub campaign: CampaignId,
    /// The agent who promised, if it must be the same one.
    pub agent: Option<AgentId>,
    /// When to call.
    pub due_at: WallTime,
    /// Free text.
    pub note: Option<String>,
    /// When it was promised.
    pub at: WallTime,
}

/// A promise kept or dropped.
#[derive(Clone, PartialEq, Debug)]
pub struct CallbackDoneRow {
    /// Owner of the row.
    pub tenant: TenantId,
    /// Whose; all that is promised to this lead.
    pub lead: LeadId,
    /// When.
    pub at: WallTime,
}

/// A lead to be imported. `number` must be E.164 already.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewLead {
    /// E.164.
    pub number: String,
    /// Further numbers of the same person, E.164, in the order in which they are dialled.
    pub further: Vec<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// IANA zone.
    pub timezone: Option<String>,
    /// The id of the lead in the system it came from.
    pub external_id: Option<String>,
    /// The group of leads that it belongs to, as its owner names it.
    pub segment: Option<String>,
    /// Where the person lives, as the list's owner writes it: `CA`, `Bayern`.
    pub region: Option<String>,
    /// Larger ones are dialled first where a campaign asks for that order.
    pub priority: i64,
}

/// What an import batch did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Imported {
    /// Rows that are new on the list.
    pub added: u64,
    /// Rows whose number was on the list already; the old row stands.
    pub already_there: u64,
}

/// A lead with its dial state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeadRow {
    /// The lead.
    pub lead: LeadId,
    /// Its list.
    pub list: ListId,
    /// E.164.
    pub number: String,
    /// The number of its contact that is dialled now, where that is another one.
    pub dial_number: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// IANA zone.
    pub timezone: Option<String>,
    /// The id of the lead in the system it came from.
    pub external_id: Option<String>,
    /// Dial state.
    pub state: String,
    /// Number of its latest attempt; 0 before the first.
    pub attempt_number: u32,
    /// When the latest attempt was decided.
    pub last_attempt_at: Option<WallTime>,
    /// Not to be dialled before this moment.
    pub next_at: Option<WallTime>,
    /// Outcome of the latest attempt.
    pub last_outcome: Option<String>,
    /// Its group.
    pub segment: Option<String>,
    /// Where the person lives.
    pub region: Option<String>,
    /// Larger ones come first.
    pub priority: i64,
    /// When it came onto the list.
    pub imported_at: WallTime,
}

/// How many leads a list has, by state in alphabetical order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LeadCounts {
    /// All of them.
    pub total: u64,
    /// (state, how many).
    pub by_state: Vec<(String, u64)>,
}

/// Which attempts, CDRs to read. Empty: all, oldest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// Of this campaign.
    pub campaign: Option<CampaignId>,
    /// Of leads of this list.
    pub list: Option<ListId>,
    /// Of this lead.
    pub lead: Option<LeadId>,
    /// Of this agent.
    pub agent: Option<AgentId>,
    /// Of numbers that begin so (attempts), with such a caller or callee (CDRs).
    pub number: Option<String>,
    /// Over this trunk.
    pub trunk: Option<String>,
    /// With this outcome.
    pub outcome: Option<String>,
    /// Decided (attempts) or answered (CDRs) at or after this moment.
    pub from: Option<WallTime>,
    /// Before this moment.
    pub to: Option<WallTime>,
    /// Only rows that are not closed: what a crash left behind.
    pub open_only: bool,
    /// Largest id first.
    pub newest_first: bool,
    /// Continue after this id in the order of the page (the last one of the page before).
    pub after: Option<u64>,
    /// Rows of a page; 0 means [`PAGE_ROWS_MAX`](crate::PAGE_ROWS_MAX), which is also the most.
    pub limit: u32,
}

/// An attempt as stored: the intent, and the close once it is known.
#[derive(Clone, PartialEq, Debug)]
pub struct AttemptRow {
    /// What was decided before the call.
    pub intent: AttemptIntentRow,
    /// How it ended; `None` while it runs or after a crash.
    pub close: Option<AttemptCloseRow>,
    /// How it entered the compliance ledger, if it has.
    pub counted: Option<CountedRow>,
}

/// A CDR as stored.
#[derive(Clone, PartialEq, Debug)]
pub struct CdrRow {
    /// What was known at the answer.
    pub open: CdrOpenRow,
    /// The end; `None` while the call runs or after a crash.
    pub close: Option<CdrCloseRow>,
    /// Written after a crash from the attempt alone ([`Op::RebuildCdr`]).
    pub rebuilt: bool,
}

/// A closed attempt as the compliance figure counts it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LedgerRow {
    /// The attempt.
    pub attempt: AttemptId,
    /// When it was counted.
    pub counted_at: WallTime,
    /// What the compliance figure counts it as.
    pub counted_as: String,
    /// What the agent said of it last: a person was there, or not.
    pub disposition_person: Option<bool>,
    /// From the decision to dial to the answer, if somebody wrote it down.
    pub rang: Option<Duration>,
}

/// One attempt at a number, for the gate's memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HistoryRow {
    /// The number, E.164.
    pub number: String,
    /// Moment of its intent.
    pub at: WallTime,
    /// When it entered the compliance ledger, if it has.
    pub counted_at: Option<WallTime>,
    /// What the compliance figure counts it as, if that is known.
    pub counted_as: Option<String>,
    /// What came of it, when it is over.
    pub outcome: Option<String>,
    /// When detection decided who had answered.
    pub verdict_at: Option<WallTime>,
}

/// How an attempt entered the compliance ledger.
#[derive(Clone, PartialEq, Debug)]
pub struct CountedRow {
    /// Owner of the row.
    pub tenant: TenantId,
    /// The attempt.
    pub attempt: AttemptId,
    /// What the compliance figure counts it as.
    pub counted_as: String,
    /// When.
    pub at: WallTime,
    /// From the decision to dial to the answer, in whole microseconds.
    pub rang: Option<Duration>,
}

/// A promised call back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallbackInfo {
    /// Its id.
    pub id: u64,
    /// The lead.
    pub lead: LeadId,
    /// The campaign that will call.
    pub campaign: CampaignId,
    /// The agent who promised.
    pub agent: Option<AgentId>,
    /// When to call.
    pub due_at: WallTime,
    /// Free text.
    pub note: Option<String>,
}

/// Two attempts at one number that were closer than the rule allows, or at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DoubleDial {
    /// The number, E.164.
    pub number: String,
    /// The earlier attempt.
    pub first: AttemptId,
    /// The later attempt.
    pub second: AttemptId,
    /// From the first intent to the second, in microseconds.
    pub gap_us: i64,
}

/// The largest ids in use: the next process starts after them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HighWater {
    /// Largest attempt id; 0 when there is none.
    pub attempt: u64,
    /// Largest call id; 0 when there is none.
    pub call: u64,
    /// Largest lead id; 0 when there is none.
    pub lead: u64,
}
