//! From the dialer's words to the store's rows.

use super::TrunkEntry;
use super::calls::Live;
use super::placed::Placed;
use base::{AgentId, AttemptId, CallId, CampaignId, Instant, LeadId, TrunkId, WallAnchor, WallTime};
use dialer::{AmdVerdict, AttemptIntent, AttemptRecord, EndCause, LeadState, Number, Outcome, Party};
use media::session::Stats;
use std::collections::BTreeMap;
use store::TenantId;

pub(super) fn intent(tenant: TenantId, intent: AttemptIntent, trunk: String) -> store::AttemptIntentRow {
    let why = serde_json::json!({
        "why": intent.why,
        "forecast_person": intent.forecast_person,
        "forecast_no_agent": intent.forecast_no_agent,
    });
    store::AttemptIntentRow {
        tenant,
        attempt: intent.attempt,
        campaign: intent.campaign,
        lead: intent.lead,
        attempt_number: intent.attempt_number,
        number: intent.number.to_string(),
        trunk,
        caller_id: Some(intent.caller_id).filter(|number| !number.is_empty()),
        at: intent.at,
        consent_allowed: intent.consent.allowed,
        consent_rule: intent.consent.rule.to_string(),
        consent_proof: intent.consent.proof_id,
        why: why.to_string(),
    }
}

pub(super) fn attempt_close(
    tenant: TenantId,
    anchor: &WallAnchor,
    now: Instant,
    record: &AttemptRecord,
) -> store::AttemptCloseRow {
    let wall = |at: Option<Instant>| at.map(|at| anchor.wall_at(at));
    let cause = record.cause.unwrap_or(EndCause { whose: Party::Us, code: None, retry_after_s: None });
    store::AttemptCloseRow {
        tenant,
        attempt: record.attempt,
        outcome: record.outcome.name().to_owned(),
        counted_as: record.counted_as.name().to_owned(),
        verdict: record.verdict.map(|verdict| verdict_name(verdict).to_owned()),
        agent: record.agent,
        cause_whose: party_name(cause.whose).to_owned(),
        cause_code: cause.code,
        ringing_at: wall(record.times.ringing),
        answered_at: wall(record.times.answered),
        greeting_end_at: wall(record.times.greeting_end),
        verdict_at: wall(record.times.verdict),
        connected_at: wall(record.times.connected),
        ended_at: anchor.wall_at(record.times.ended.unwrap_or(now)),
        closed_at: anchor.wall_at(now),
    }
}

/// What proves the compliance figure beside the close itself: every moment, the deadline, and whether the message ran.
pub(super) fn timeline(tenant: TenantId, anchor: &WallAnchor, now: Instant, record: &AttemptRecord) -> store::EventRow {
    let wall_us = |at: Option<Instant>| at.map(|at| anchor.wall_at(at).as_unix_us());
    let times = &record.times;
    let body = serde_json::json!({
        "launched_us": wall_us(times.launched),
        "ringing_us": wall_us(times.ringing),
        "answered_us": wall_us(times.answered),
        "greeting_end_us": wall_us(times.greeting_end),
        "verdict_us": wall_us(times.verdict),
        "deadline_us": wall_us(record.deadline),
        "assigned_us": wall_us(times.assigned),
        "connected_us": wall_us(times.connected),
        "greeting_over_us": wall_us(times.greeting_over),
        "beep_us": wall_us(times.beep),
        "prompt_us": wall_us(times.prompt),
        "prompt_ended_us": wall_us(times.prompt_ended),
        "live_us": wall_us(times.live),
        "message_us": wall_us(times.message),
        "message_ended_us": wall_us(times.message_ended),
        "ended_us": wall_us(times.ended),
        "message_played": record.message_played,
        "early_media": record.early.name(),
        "clock": record.clock.as_ref().map(|clock| serde_json::json!({
            "profile": clock.profile,
            "from": clock.from.name(),
            "within_us": clock.within.as_us(),
        })),
    });
    store::EventRow { tenant, attempt: record.attempt, at: anchor.wall_at(now), body: body.to_string() }
}

pub(super) fn lead_state(
    tenant: TenantId,
    lead: LeadId,
    state: LeadState,
    next_at: Option<WallTime>,
    outcome: Option<Outcome>,
    number: Option<Number>,
) -> store::LeadStateRow {
    let last_outcome = outcome.map(|outcome| outcome.name().to_owned());
    let dial_number = number.map(|number| number.to_string());
    store::LeadStateRow { tenant, lead, state: state.name().to_owned(), next_at, last_outcome, dial_number }
}

pub(super) fn campaign_state(
    tenant: TenantId,
    anchor: &WallAnchor,
    now: Instant,
    campaign: CampaignId,
    state: &str,
) -> store::CampaignStateRow {
    store::CampaignStateRow { tenant, campaign, state: state.to_owned(), at: anchor.wall_at(now) }
}

#[allow(clippy::too_many_arguments, reason = "one row, many columns")]
pub(super) fn cdr_open(
    tenant: TenantId,
    anchor: &WallAnchor,
    at: Instant,
    call: CallId,
    attempt: AttemptId,
    live: &Live,
    dialog: sip::DialogIdentity,
    trunks: &BTreeMap<TrunkId, TrunkEntry>,
) -> store::CdrOpenRow {
    store::CdrOpenRow {
        tenant,
        call,
        attempt: Some(attempt),
        campaign: Some(live.campaign),
        direction: "outbound".to_owned(),
        caller: live.caller_id.clone(),
        callee: live.number.clone(),
        trunk: trunks.get(&live.trunk).map(|trunk| trunk.name.clone()),
        answered_at: anchor.wall_at(at),
        sip_call_id: dialog.call_id,
        local_uri: dialog.local_uri,
        local_tag: dialog.local_tag,
        remote_uri: dialog.remote_uri,
        remote_tag: dialog.remote_tag,
        remote_target: dialog.remote_target,
        route_set: dialog.route_set,
        local_cseq: dialog.local_cseq,
        peer: format!("udp:{}", dialog.peer),
    }
}

pub(super) fn cdr_close(
    tenant: TenantId,
    anchor: &WallAnchor,
    now: Instant,
    call: CallId,
    live: &Live,
    cause: EndCause,
    media: Option<&Stats>,
) -> store::CdrCloseRow {
    store::CdrCloseRow {
        tenant,
        call,
        agent: live.agent.filter(|_| live.connected_at.is_some()),
        connected_at: live.connected_at.map(|at| anchor.wall_at(at)),
        ended_at: anchor.wall_at(now),
        cause_whose: party_name(cause.whose).to_owned(),
        cause_code: cause.code,
        media: media.map(|stats| media_json(stats).to_string()),
        timeline: live.trace.json(anchor),
    }
}

/// The CDR of a call that no campaign placed.
pub(super) fn placed_open(
    tenant: TenantId,
    anchor: &WallAnchor,
    at: Instant,
    call: CallId,
    placed: &Placed,
    dialog: sip::DialogIdentity,
    trunks: &BTreeMap<TrunkId, TrunkEntry>,
) -> store::CdrOpenRow {
    store::CdrOpenRow {
        tenant,
        call,
        attempt: None,
        campaign: None,
        direction: if placed.inbound { "inbound" } else { "outbound" }.to_owned(),
        caller: placed.from.clone(),
        callee: placed.to.clone(),
        trunk: placed.trunk.and_then(|id| trunks.get(&id)).map(|trunk| trunk.name.clone()),
        answered_at: anchor.wall_at(at),
        sip_call_id: dialog.call_id,
        local_uri: dialog.local_uri,
        local_tag: dialog.local_tag,
        remote_uri: dialog.remote_uri,
        remote_tag: dialog.remote_tag,
        remote_target: dialog.remote_target,
        route_set: dialog.route_set,
        local_cseq: dialog.local_cseq,
        peer: format!("udp:{}", dialog.peer),
    }
}

pub(super) fn placed_close(
    tenant: TenantId,
    anchor: &WallAnchor,
    now: Instant,
    call: CallId,
    placed: &Placed,
    cause: EndCause,
    media: Option<&Stats>,
) -> store::CdrCloseRow {
    store::CdrCloseRow {
        tenant,
        call,
        agent: placed.agent().filter(|_| placed.connected.is_some()),
        connected_at: placed.connected.map(|at| anchor.wall_at(at)),
        ended_at: anchor.wall_at(now),
        cause_whose: party_name(cause.whose).to_owned(),
        cause_code: cause.code,
        media: media.map(|stats| media_json(stats).to_string()),
        timeline: placed.trace.json(anchor),
    }
}

/// The CDR of a call that its process left behind.
pub(super) fn orphan_close(
    tenant: TenantId,
    anchor: &WallAnchor,
    now: Instant,
    call: CallId,
    code: Option<u16>,
) -> store::CdrCloseRow {
    store::CdrCloseRow {
        tenant,
        call,
        agent: None,
        connected_at: None,
        ended_at: anchor.wall_at(now),
        cause_whose: party_name(Party::Us).to_owned(),
        cause_code: code,
        media: None,
        timeline: None,
    }
}

#[allow(clippy::too_many_arguments, reason = "one row, many columns")]
pub(super) fn disposition(
    tenant: TenantId,
    anchor: &WallAnchor,
    now: Instant,
    attempt: AttemptId,
    agent: Option<AgentId>,
    code: String,
    person: bool,
    note: Option<String>,
) -> store::DispositionRow {
    let (attempt, person, at) = (Some(attempt), Some(person), anchor.wall_at(now));
    store::DispositionRow { tenant, attempt, call: None, agent, code, person, note, at }
}

pub(super) fn suppress(
    tenant: TenantId,
    anchor: &WallAnchor,
    now: Instant,
    number: Number,
    campaign: Option<CampaignId>,
    reason: String,
    source: String,
) -> store::SuppressRow {
    let (number, at) = (number.to_string(), anchor.wall_at(now));
    store::SuppressRow { tenant, number, action: store::Action::Add, campaign, reason, source, at, until: None }
}

fn media_json(stats: &Stats) -> serde_json::Value {
    serde_json::json!({
        "packets_sent": stats.packets_sent,
        "packets_received": stats.packets_received,
        "lost": stats.lost,
        "late": stats.late,
        "jitter_ms": stats.jitter_ms,
    })
}

pub(super) const fn party_name(party: Party) -> &'static str {
    match party {
        Party::Carrier => "carrier",
        Party::Callee => "callee",
        Party::Agent => "agent",
        Party::Us => "us",
    }
}

pub(super) const fn verdict_name(verdict: AmdVerdict) -> &'static str {
    match verdict {
        AmdVerdict::Human => "human",
        AmdVerdict::Machine => "machine",
        AmdVerdict::Ivr => "ivr",
        AmdVerdict::Screening => "screening",
        AmdVerdict::Silence => "silence",
        AmdVerdict::Fax => "fax",
        AmdVerdict::Sit(_) => "sit",
    }
}
