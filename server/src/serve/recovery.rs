//! What a killed process left: calls that are still up, CDRs and attempts that nobody closed.
//!
//! Three kinds of calls stay behind. An answered call has its CDR, or (killed in the milliseconds before its commit) its
//! flight record: it gets a BYE, and its CDR is closed when the BYE is answered, so that a second crash does it again. A
//! call that was answered after the death is hung up by the SIP room when the 200 comes again. Each attempt that nobody
//! closed counts as one, outcome `unknown`, and has a CDR from now on: its answer, if there was one, is not known.

use base::{AttemptId, CallId, WallTime};
use dialer::{CountedAs, LeadState, Outcome, RetryRules};
use net::flight::FlightEntry;
use std::collections::{BTreeMap, BTreeSet};
use store::{Ack, Op, Store, StoreError, TenantId};

/// A call of the process that died.
pub(crate) struct Orphan {
    /// Its CDR; `None` for an agent's phone.
    pub(crate) call: Option<CallId>,
    /// What a BYE needs.
    pub(crate) dialog: sip::DialogIdentity,
}

/// What was found and written.
pub(super) struct Recovered {
    /// Calls to hang up.
    pub(super) orphans: Vec<Orphan>,
    attempts: usize,
    rebuilt: usize,
    from_flight: usize,
}

impl Recovered {
    pub(super) fn report(&self) {
        if self.attempts + self.orphans.len() > 0 {
            tracing::warn!(
                "the process before this one was killed: {} calls get a BYE ({} known from the flight record alone), {} \
                 attempts count as unknown, {} CDRs were rebuilt from them",
                self.orphans.len(),
                self.from_flight,
                self.attempts,
                self.rebuilt
            );
        }
    }
}

/// Reads what is open and writes what is known of it now.
pub(super) fn recover(
    store: &Store,
    acks: &crossbeam::channel::Receiver<Ack>,
    tenant: TenantId,
    flight: &[FlightEntry],
    now: WallTime,
) -> Result<Recovered, StoreError> {
    let cdrs = store.open_cdrs(tenant)?;
    let attempts = store.open_attempts(tenant)?;
    let mut next_call = store.high_water()?.call + 1;
    let mut orphans: Vec<Orphan> = Vec::new();
    let mut with_cdr: BTreeSet<AttemptId> = BTreeSet::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    for cdr in cdrs {
        with_cdr.extend(cdr.open.attempt);
        known.insert(cdr.open.sip_call_id.clone());
        let call = cdr.open.call;
        match dialog_of(cdr.open) {
            Some(dialog) => orphans.push(Orphan { call: Some(call), dialog }),
            None => tracing::warn!("CDR {call} names no address to hang up at; its call ends by itself"),
        }
    }
    let by_leg: BTreeMap<u64, &FlightEntry> = flight.iter().map(|entry| (entry.leg.0, entry)).collect();
    let legs = attempts.iter().map(|attempt| attempt.intent.attempt).filter(|id| by_leg.contains_key(&id.0));
    let answered: BTreeSet<AttemptId> = with_cdr.iter().copied().chain(legs).collect();
    let mut writer = Writer { store, acks, next_token: 1, refused_quietly: BTreeSet::new() };
    let mut rebuilt = 0;
    let mut from_flight = 0;
    for attempt in &attempts {
        let id = attempt.intent.attempt;
        if with_cdr.contains(&id) {
            continue;
        }
        let call = CallId(next_call);
        next_call += 1;
        // A customer's leg has the attempt's number.
        match by_leg.get(&id.0) {
            Some(entry) => {
                from_flight += 1;
                known.insert(entry.dialog.call_id.clone());
                writer.write(Op::CdrOpen(open_row(tenant, call, &attempt.intent, &entry.dialog, now)))?;
                orphans.push(Orphan { call: Some(call), dialog: entry.dialog.clone() });
            }
            None => {
                rebuilt += 1;
                // It may have been written and closed while the attempt was not: then it is refused, and all is well.
                writer.write_if_absent(Op::RebuildCdr(store::CdrRebuildRow {
                    tenant,
                    call,
                    attempt: id,
                    campaign: attempt.intent.campaign,
                    caller: attempt.intent.caller_id.clone().unwrap_or_default(),
                    callee: attempt.intent.number.clone(),
                    trunk: attempt.intent.trunk.clone(),
                    at: attempt.intent.at,
                }))?;
            }
        }
    }
    // Agents' phones, and calls placed by hand whose CDR was not written.
    for entry in flight.iter().filter(|entry| !known.contains(&entry.dialog.call_id)) {
        orphans.push(Orphan { call: None, dialog: entry.dialog.clone() });
    }
    let rules = RetryRules::default().rules;
    for attempt in &attempts {
        let intent = &attempt.intent;
        // What entered the ledger is known: who was abandoned must be left alone for its time, who was reached is reached.
        let mut counted = attempt.counted.as_ref().map(|counted| counted.counted_as.as_str());
        // Somebody answered and nobody knows what became of it: the strict figure counts that.
        if counted.is_none() && answered.contains(&intent.attempt) {
            let counted_as = CountedAs::Lost.name();
            counted = Some(counted_as);
            let (attempt, counted_as) = (intent.attempt, counted_as.to_owned());
            writer.write(Op::Counted(store::CountedRow { tenant, attempt, counted_as, at: now, rang: None }))?;
        }
        let outcome = match counted {
            Some(name) if name == CountedAs::Abandoned.name() => Outcome::Abandoned,
            Some(name) if name == CountedAs::Connected.name() => Outcome::Connected,
            _ => Outcome::Unknown,
        };
        let close = store::AttemptCloseRow {
            tenant,
            attempt: intent.attempt,
            outcome: outcome.name().to_owned(),
            counted_as: counted.unwrap_or(CountedAs::Nothing.name()).to_owned(),
            verdict: None,
            agent: None,
            cause_whose: "us".to_owned(),
            cause_code: None,
            ringing_at: None,
            answered_at: None,
            greeting_end_at: None,
            verdict_at: None,
            connected_at: None,
            ended_at: now,
            closed_at: now,
        };
        let again_at =
            rules.get(&outcome).map(|rule| WallTime::from_unix_us(now.as_unix_us() + rule.gap.as_us() as i64));
        let lead = store::LeadStateRow {
            tenant,
            lead: intent.lead,
            // How often such an outcome may occur, the dialer knows when it loads the lead.
            state: if again_at.is_some() { LeadState::Waiting.name() } else { LeadState::Done.name() }.to_owned(),
            next_at: again_at,
            last_outcome: Some(outcome.name().to_owned()),
            dial_number: None,
        };
        writer.write(Op::AttemptClose(close, Some(lead)))?;
    }
    writer.finish()?;
    Ok(Recovered { orphans, attempts: attempts.len(), rebuilt, from_flight })
}

/// Writes rows and waits for them.
struct Writer<'a> {
    store: &'a Store,
    acks: &'a crossbeam::channel::Receiver<Ack>,
    next_token: u64,
    /// Ops that may be refused because their row is there.
    refused_quietly: BTreeSet<u64>,
}

impl Writer<'_> {
    fn write(&mut self, op: Op) -> Result<(), StoreError> {
        let token = self.next_token;
        self.next_token += 1;
        while self.store.submit(token, op.clone()).is_err() {
            self.finish()?;
        }
        Ok(())
    }

    fn write_if_absent(&mut self, op: Op) -> Result<(), StoreError> {
        self.refused_quietly.insert(self.next_token);
        self.write(op)
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        self.store.flush()?;
        while let Ok(ack) = self.acks.try_recv() {
            match ack.result {
                Err(error) if !self.refused_quietly.contains(&ack.token) => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

fn dialog_of(row: store::CdrOpenRow) -> Option<sip::DialogIdentity> {
    let peer = row.peer.strip_prefix("udp:")?.parse().ok()?;
    Some(sip::DialogIdentity {
        call_id: row.sip_call_id,
        local_uri: row.local_uri,
        local_tag: row.local_tag,
        remote_uri: row.remote_uri,
        remote_tag: row.remote_tag,
        remote_target: row.remote_target,
        route_set: row.route_set,
        local_cseq: row.local_cseq,
        peer,
    })
}

fn open_row(
    tenant: TenantId,
    call: CallId,
    intent: &store::AttemptIntentRow,
    dialog: &sip::DialogIdentity,
    now: WallTime,
) -> store::CdrOpenRow {
    store::CdrOpenRow {
        tenant,
        call,
        attempt: Some(intent.attempt),
        campaign: Some(intent.campaign),
        direction: "outbound".to_owned(),
        caller: intent.caller_id.clone().unwrap_or_default(),
        callee: intent.number.clone(),
        trunk: Some(intent.trunk.clone()),
        // The record tells that it was answered, not when; the moment of the find is the latest it can have been.
        answered_at: now,
        sip_call_id: dialog.call_id.clone(),
        local_uri: dialog.local_uri.clone(),
        local_tag: dialog.local_tag.clone(),
        remote_uri: dialog.remote_uri.clone(),
        remote_tag: dialog.remote_tag.clone(),
        remote_target: dialog.remote_target.clone(),
        route_set: dialog.route_set.clone(),
        local_cseq: dialog.local_cseq,
        peer: format!("udp:{}", dialog.peer),
    }
}
