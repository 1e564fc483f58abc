//! Why an input was refused.

use base::{AgentId, AttemptId, CallId, CampaignId, LeadId, TrunkId};

use crate::campaign::ConfigError;
use crate::pacing::Reason;

/// Why an input was refused. Each names the thing, not the whole input.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reject {
    /// No such campaign.
    UnknownCampaign(CampaignId),
    /// The id is taken.
    DuplicateCampaign(CampaignId),
    /// The settings are wrong.
    Config(CampaignId, ConfigError),
    /// The campaign runs, or has attempts under way.
    CampaignBusy(CampaignId),
    /// A campaign dials over the trunk, or it carries calls.
    TrunkBusy(TrunkId),
    /// The ledger to bring back has a moment before 1970.
    LedgerMoment(CampaignId),
    /// No counted call of this attempt is remembered, so nothing can be recorded of it.
    NotCounted(AttemptId),
    /// No such attempt is under way (it may just have ended: harmless).
    UnknownAttempt(AttemptId),
    /// The attempt is not at a point where this can happen.
    UnexpectedEvent(AttemptId, &'static str),
    /// The lead or its number is in the campaign already.
    DuplicateLead(LeadId),
    /// The lead's zone is not in the zone database.
    UnknownZone(LeadId, String),
    /// A list is full.
    ListFull(LeadId),
    /// No inbound calls of this kind, or bad settings for them.
    Inbound(u32),
    /// This inbound call is here already, or does not wait any more.
    InboundCall(CallId),
    /// No lead is shown to this agent, or it is another one by now.
    NoOffer(AgentId),
    /// The lead that is shown to this agent cannot be dialled now, for this reason; it is shown on.
    NotNow(AgentId, Reason),
    /// The desk refused an agent's input.
    Agent(AgentId, desk::Reject),
    /// Too many campaigns, trunks or do-not-call numbers.
    Full,
}

impl std::fmt::Display for Reject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Reject::UnknownCampaign(id) => write!(f, "campaign {id}: there is none"),
            Reject::DuplicateCampaign(id) => write!(f, "campaign {id}: exists already"),
            Reject::Config(id, error) => write!(f, "campaign {id}: {error}"),
            Reject::CampaignBusy(id) => {
                write!(f, "campaign {id}: it runs or has attempts under way; stop it and wait for their end")
            }
            Reject::TrunkBusy(id) => write!(f, "trunk {id}: it is in use; stop what uses it and wait for its end"),
            Reject::LedgerMoment(id) => write!(f, "campaign {id}: its ledger has a moment before 1970"),
            Reject::NotCounted(id) => write!(f, "attempt {id}: it is not among the counted calls that are remembered"),
            Reject::UnknownAttempt(id) => write!(f, "attempt {id}: not under way"),
            Reject::UnexpectedEvent(id, event) => write!(f, "attempt {id}: {event} cannot happen now"),
            Reject::DuplicateLead(id) => write!(f, "lead {id}: it or its number is in the campaign already"),
            Reject::UnknownZone(id, zone) => write!(f, "lead {id}: no time zone named {zone:?}"),
            Reject::ListFull(id) => write!(f, "lead {id}: the list is full"),
            Reject::Inbound(kind) => write!(
                f,
                "inbound calls {kind}: not known, or the service level is no share under 1, or the longest wait under 60 s"
            ),
            Reject::InboundCall(id) => write!(f, "inbound call {id}: it is here already, or does not wait any more"),
            Reject::NoOffer(id) => write!(f, "agent {id}: this lead is not shown to the agent"),
            Reject::NotNow(id, reason) => write!(f, "agent {id}: cannot dial now: {}", reason.text()),
            Reject::Agent(id, reject) => write!(f, "agent {id}: {reject}"),
            Reject::Full => f.write_str("too many campaigns, trunks or do-not-call numbers"),
        }
    }
}
