//! What the dialer wants done, or tells.

use base::{AgentId, AttemptId, CallId, CampaignId, Duration, Instant, LeadId, TrunkId, WallTime};
use desk::AgentState;

use super::{AttemptIntent, CountedAs, HangupReason, OfferEnd, PauseReason, Speech};
use crate::attempt::AttemptRecord;
use crate::campaign::PreviewEnd;
use crate::lead::{LeadState, Number};
use crate::policies::Mark;
use crate::reject::Reject;

/// What the dialer wants done, or tells.
#[derive(Clone, Debug)]
pub enum Output {
    /// Write this down durably, then answer `IntentDurable`, `IntentDeferred` or `IntentRefused`.
    RecordIntent(AttemptIntent),
    /// Dial now.
    Originate {
        /// The attempt.
        attempt: AttemptId,
        /// Whom.
        number: Number,
        /// Over which trunk.
        trunk: TrunkId,
        /// Number to show.
        caller_id: String,
        /// Give up when nobody has answered this long after ringing began.
        ring_timeout: Duration,
        /// Listen who answers.
        amd: bool,
    },
    /// Bridge the callee with this agent now; answer `Connected`.
    Connect {
        /// The attempt.
        attempt: AttemptId,
        /// The agent.
        agent: AgentId,
    },
    /// Play a message; answer `MessageBegan` and `MessageEnded`.
    PlayMessage {
        /// The attempt.
        attempt: AttemptId,
        /// Which message, as the campaign names it.
        message: String,
        /// What it is.
        speech: Speech,
        /// A key that the person presses meanwhile puts the number on the do-not-call list: say so with `DoNotCall`.
        opt_out: bool,
    },
    /// End the callee's leg; answer `Ended`.
    Hangup {
        /// The attempt.
        attempt: AttemptId,
        /// Why.
        reason: HangupReason,
    },
    /// Nobody is to be reached at this number: no campaign calls it from now on. Keep why, so that leads bring it later
    /// ([`crate::Screened::Marked`]).
    Mark {
        /// The attempt that showed it.
        attempt: AttemptId,
        /// Whose.
        campaign: CampaignId,
        /// Which.
        number: Number,
        /// Why.
        why: Mark,
    },
    /// An agent's state changed.
    AgentChanged {
        /// Who.
        agent: AgentId,
        /// To what.
        state: AgentState,
    },
    /// The agent went away with a call placed by hand; the dialer has forgotten that call.
    ItemLost {
        /// The call.
        item: CallId,
        /// Who.
        agent: AgentId,
    },
    /// An attempt has entered the ledger; at most once for each. To be kept at once: the call may go on for long,
    /// and a restored ledger must know it.
    Counted {
        /// Which.
        attempt: AttemptId,
        /// As what; never `Nothing`.
        as_what: CountedAs,
        /// When.
        at: Instant,
        /// From the decision to dial to the answer, in whole microseconds.
        rang: Option<Duration>,
    },
    /// An attempt is over; exactly one for each `RecordIntent`.
    AttemptClosed(Box<AttemptRecord>),
    /// A lead's state changed.
    LeadChanged {
        /// Which.
        lead: LeadId,
        /// To what.
        state: LeadState,
        /// When it may be looked at again, for `Waiting`.
        next_at: Option<WallTime>,
        /// From here on this number of the person is dialled; `None`: the one from before.
        number: Option<Number>,
    },
    /// Fewer leads are left than the campaign dials in a while; more may be added.
    LeadsWanted {
        /// Which campaign.
        campaign: CampaignId,
        /// How many it could take.
        room: usize,
    },
    /// A lead with this number is in doubt, since its campaign was told to let go and it would be dialled now, or since
    /// another campaign had it first: bring it again as it stands, with what lists of numbers and consents say. It is not
    /// dialled before.
    NumberWanted {
        /// Which campaign.
        campaign: CampaignId,
        /// The number that its list has.
        number: Number,
    },
    /// The campaign paused itself.
    CampaignPaused {
        /// Which.
        campaign: CampaignId,
        /// Why.
        reason: PauseReason,
    },
    /// No lead is left to dial and no call is under way.
    CampaignFinished {
        /// Which.
        campaign: CampaignId,
    },
    /// A promised call is dialled: the promise is kept.
    CallbackKept {
        /// To whom.
        lead: LeadId,
        /// By this attempt.
        attempt: AttemptId,
    },
    /// An agent is reserved for an inbound call: connect them; answer `ItemConnected`, `ItemFinished`.
    ConnectInbound {
        /// The call.
        item: CallId,
        /// The agent.
        agent: AgentId,
    },
    /// An inbound call has waited as long as anybody may.
    InboundGivenUp {
        /// The call.
        item: CallId,
    },
    /// A lead is shown to an agent, who is reserved for it meanwhile. Answer `PreviewAccept` or `PreviewSkip`.
    Offered {
        /// To whom.
        agent: AgentId,
        /// Of which campaign.
        campaign: CampaignId,
        /// The lead.
        lead: LeadId,
        /// Its number.
        number: Number,
        /// The attempt that it becomes when it is dialled; (lead, attempt) of an offer never repeats.
        attempt: AttemptId,
        /// Until when.
        until: Instant,
        /// What happens then.
        then: PreviewEnd,
    },
    /// The lead is shown no more.
    OfferOver {
        /// To whom it was shown.
        agent: AgentId,
        /// Of which campaign.
        campaign: CampaignId,
        /// The lead.
        lead: LeadId,
        /// Why.
        how: OfferEnd,
    },
    /// An input was refused; nothing changed.
    Refused(Reject),
}
