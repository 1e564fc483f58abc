//! An answered call: hanging up either way (RFC 3261 §15) and re-INVITEs either way (§14).

use super::callee::check_sdp;
use super::{Endpoint, Request};
use crate::dialog::{Clock, Phase, Reoffer, Ringing};
use crate::limits;
use crate::reply::{self, ALLOW, Template};
use crate::transaction::{ClientInvite, Key, Machine, Owner, TransactionId};
use crate::types::{Cause, DialogId, Event, Refusal, Whose};
use base::{Duration, Instant};
use std::net::SocketAddr;
use wire::sip::Message;

impl Endpoint {
    /// Ends a call in whatever state it is: an outgoing one that rings with CANCEL, an incoming one that rings with 603,
    /// an answered one with BYE. `reason` becomes the Reason header, for instance `Q.850;cause=16`. A stale id is
    /// ignored. While our 200 still waits for its ACK the BYE waits too (§15).
    pub fn hangup(&mut self, now: Instant, id: DialogId, reason: Option<String>) {
        let Some(dialog) = self.dialogs.get_mut(id) else { return };
        match &dialog.phase {
            Phase::Outgoing(_) => {
                self.cancel(now, id, Cause::new(Some(487), Cause::CANCELLED, Whose::Us), reason);
            }
            Phase::Ringing(_) => {
                let cause = Cause::new(Some(603), wire::sip::reason_phrase(603), Whose::Us);
                self.refuse(now, id, cause, reason.as_deref());
            }
            Phase::Established if dialog.unacknowledged.is_some() => dialog.hangup = Some(reason),
            Phase::Established => self.bye(now, id, reason, Cause::new(None, Cause::HANGUP, Whose::Us)),
        }
    }

    /// Sends our BYE and ends the dialog; the BYE's transaction lives on by itself.
    pub(super) fn bye(&mut self, now: Instant, id: DialogId, reason: Option<String>, cause: Cause) {
        self.refuse_reoffer(now, id, 487);
        let Some(dialog) = self.remove_dialog(id) else { return };
        self.send_bye(now, &dialog.line, dialog.local_sequence + 1, reason.as_deref());
        self.tell(Event::Ended { dialog: id, cause });
    }

    /// The peer's BYE (§15.1.2): in an early dialog it ends the INVITE too.
    pub(super) fn bye_request(&mut self, now: Instant, source: SocketAddr, request: &Message, id: DialogId) {
        self.answer_in_dialog(now, source, request, id, 200, |answer| answer);
        let cause = reply::cause_of_bye(request);
        match self.dialogs.get(id).map(|dialog| &dialog.phase) {
            Some(Phase::Ringing(_)) => self.caller_gave_up(now, id, request),
            Some(Phase::Outgoing(_)) => {
                let tag = request.from().ok().and_then(|from| from.tag()).unwrap_or_default();
                self.branch_ended(id, tag, cause);
            }
            Some(Phase::Established) => {
                self.refuse_reoffer(now, id, 487);
                self.remove_dialog(id);
                self.tell(Event::Ended { dialog: id, cause });
            }
            None => {}
        }
    }

    /// Sends a re-INVITE with a new offer: hold, or media to another place. It waits by itself for an ACK under way, for
    /// the peer's own re-INVITE and for glare to pass; `ReAnswered` or `ReRejected` follows while the call lasts.
    ///
    /// # Errors
    /// `Stale`, `WrongState` unless the call is answered and no re-offer of ours is under way, `Invalid`.
    pub fn reoffer(&mut self, now: Instant, id: DialogId, sdp: Vec<u8>) -> Result<(), Refusal> {
        check_sdp(&sdp)?;
        let dialog = self.dialog(id)?;
        let idle = matches!(dialog.reoffer, Reoffer::None) && dialog.hangup.is_none();
        if !matches!(dialog.phase, Phase::Established) || !idle {
            return Err(Refusal::WrongState);
        }
        dialog.reoffer = Reoffer::Wanted { sdp, tries: 0 };
        self.try_reoffer(now, id);
        Ok(())
    }

    /// Sends the wanted re-INVITE if nothing stands in its way (§14.1: one INVITE transaction of a dialog at a time).
    pub(super) fn try_reoffer(&mut self, now: Instant, id: DialogId) {
        let branch = self.branch();
        let via = self.via(&branch);
        let full = self.transactions.is_full();
        let Some(dialog) = self.dialogs.get_mut(id) else { return };
        let blocked = dialog.unacknowledged.is_some()
            || dialog.reoffered.is_some()
            || dialog.clocks[Clock::Glare as usize].is_some();
        if blocked || !matches!(dialog.reoffer, Reoffer::Wanted { .. }) {
            return;
        }
        let Reoffer::Wanted { sdp, tries } = std::mem::replace(&mut dialog.reoffer, Reoffer::None) else { return };
        if full {
            return self.tell(Event::ReRejected { dialog: id, code: 503 });
        }
        dialog.local_sequence += 1;
        let sequence = dialog.local_sequence;
        let (builder, to) = dialog.line.request(&via, "INVITE", sequence);
        let builder = builder.header("Contact", &self.contact).header("Allow", ALLOW);
        let bytes = builder.header("User-Agent", &self.config.user_agent).body("application/sdp", &sdp).finish();
        dialog.reoffer = Reoffer::Sent { sdp, tries: tries + 1, sequence };
        // Twice what an endpoint like us gives its application, so that its refusal comes before our guess.
        let guard = self.times.lifetime() * 2;
        let machine = Machine::ClientInvite(ClientInvite::new(&self.times, guard));
        self.start(now, machine, Owner::Reinvite(id), Request { method: "INVITE", branch, to, bytes });
    }

    /// A response to our re-INVITE.
    pub(super) fn reinvite_response(
        &mut self,
        now: Instant,
        id: DialogId,
        transaction: TransactionId,
        response: &Message,
        source: SocketAddr,
    ) {
        let code = response.code().unwrap_or_default();
        let Some((sequence, _)) = response.cseq() else { return };
        if code < 200 {
            return;
        }
        let waiting = self
            .dialogs
            .get_mut(id)
            .filter(|dialog| matches!(dialog.reoffer, Reoffer::Sent { sequence: sent, .. } if sent == sequence));
        let Some(dialog) = waiting else {
            // Repeated, or the call is over: the 2xx still wants its ACK.
            if (200..=299).contains(&code) {
                self.acknowledge_again(transaction, response, source, sequence);
            }
            return;
        };
        let Reoffer::Sent { sdp, tries, .. } = std::mem::replace(&mut dialog.reoffer, Reoffer::None) else { return };
        match code {
            200..=299 => {
                dialog.line.refresh(response, source);
                let line = dialog.line.clone();
                self.acknowledge(transaction, &line, sequence, &[]);
                self.tell(Event::ReAnswered { dialog: id, sdp: reply::sdp_of(response) });
            }
            491 if tries < limits::REOFFER_TRIES_MAX => {
                dialog.reoffer = Reoffer::Wanted { sdp, tries };
                // §14.1: the owner of the Call-ID waits 2.1-4 s, the other side 0-2 s, in steps of 10 ms.
                let steps = if dialog.ours { 210 + self.random.below(191) } else { self.random.below(201) };
                self.arm(now, id, Clock::Glare, Duration::from_ms(steps * 10));
            }
            // §12.2.1.2: the peer has no such dialog any more, or does not answer.
            408 | 481 => self.bye(now, id, None, reply::cause_of_response(response)),
            _ => self.tell(Event::ReRejected { dialog: id, code }),
        }
    }

    /// The ACK of a repeated 2xx to a re-INVITE, or of one that came when the call was over.
    fn acknowledge_again(&mut self, transaction: TransactionId, response: &Message, source: SocketAddr, sequence: u32) {
        let Some(known) = self.transactions.get(transaction) else { return };
        if let Some(acknowledgement) = known.acknowledgements.first() {
            let (to, bytes) = (acknowledgement.to, acknowledgement.bytes.clone());
            return self.send(to, bytes);
        }
        if let Some(line) = crate::dialog::Line::from_response(response, source) {
            self.acknowledge(transaction, &line, sequence, &[]);
        }
    }

    /// Our re-INVITE had no final response: the peer is gone (§12.2.1.2).
    pub(super) fn reinvite_timeout(&mut self, now: Instant, id: DialogId) {
        self.bye(now, id, None, Cause::new(Some(408), Cause::NO_RESPONSE, Whose::Network));
    }

    /// The peer's re-INVITE (§14.2).
    pub(super) fn reinvite_request(&mut self, now: Instant, source: SocketAddr, request: &Message, id: DialogId) {
        let Some(dialog) = self.dialogs.get_mut(id) else { return };
        // A second INVITE before the first one's final response: 500 with a pause of up to 10 s.
        if matches!(dialog.phase, Phase::Ringing(_)) || dialog.reoffered.is_some() {
            let pause = self.random.below(11).to_string();
            return self.answer_stateless(source, request, 500, |answer| answer.header("Retry-After", pause));
        }
        // Ours is under way, or our last 2xx has no ACK yet (RFC 5407 §3.1.5: glare as well).
        let glare = matches!(dialog.reoffer, Reoffer::Sent { .. }) || dialog.unacknowledged.is_some();
        if glare || matches!(dialog.phase, Phase::Outgoing(_)) {
            return self.refuse_stateless(source, request, 491);
        }
        if !reply::body_is_sdp(request) {
            return self.answer_stateless(source, request, 415, |answer| answer.header("Accept", "application/sdp"));
        }
        if self.transactions.is_full() {
            return self.refuse_stateless(source, request, 503);
        }
        let Some((template, key)) = Template::new(request, source).zip(Key::server(request, "INVITE")) else { return };
        let Some((sequence, _)) = request.cseq() else { return };
        dialog.line.refresh(request, source);
        let limit = self.times.lifetime();
        let transaction = self.start_server_invite(now, source, Owner::Reoffer(id), key, limit);
        if let Some(dialog) = self.dialogs.get_mut(id) {
            dialog.reoffered = Some(Ringing { transaction, sequence, template });
        }
        self.trying(now, transaction, request, source);
        self.tell(Event::ReOffered { dialog: id, sdp: reply::sdp_of(request) });
    }

    /// Answers the peer's re-INVITE: 200, repeated until its ACK (`ReConfirmed`).
    ///
    /// # Errors
    /// `Stale`, `WrongState` when no re-INVITE waits (any more: the peer may have cancelled it), `Invalid`.
    pub fn answer_reoffer(&mut self, now: Instant, id: DialogId, sdp: Vec<u8>) -> Result<(), Refusal> {
        check_sdp(&sdp)?;
        let dialog = self.dialog(id)?;
        let ringing = dialog.reoffered.take().ok_or(Refusal::WrongState)?;
        self.accept(now, id, ringing, false, &sdp);
        Ok(())
    }

    /// Refuses the peer's re-INVITE; the call goes on as it was.
    ///
    /// # Errors
    /// `Stale`, `WrongState` when no re-INVITE waits, `Invalid` for a code outside 300..=699.
    pub fn reject_reoffer(&mut self, now: Instant, id: DialogId, code: u16) -> Result<(), Refusal> {
        if !(300..=699).contains(&code) {
            return Err(Refusal::Invalid("final code"));
        }
        if self.dialog(id)?.reoffered.is_none() {
            return Err(Refusal::WrongState);
        }
        self.refuse_reoffer(now, id, code);
        self.try_reoffer(now, id);
        Ok(())
    }

    /// Final response to the peer's waiting re-INVITE, if there is one.
    pub(super) fn refuse_reoffer(&mut self, now: Instant, id: DialogId, code: u16) {
        let Some(dialog) = self.dialogs.get_mut(id) else { return };
        let Some(ringing) = dialog.reoffered.take() else { return };
        let builder = ringing.template.response(code, &dialog.local_tag).header("Server", &self.config.user_agent);
        self.respond(now, ringing.transaction, ringing.template.destination, code, builder.finish());
    }

    /// The call above did not answer the peer's re-INVITE.
    pub(super) fn reoffer_limit(&mut self, now: Instant, id: DialogId) {
        self.refuse_reoffer(now, id, 500);
        self.try_reoffer(now, id);
    }
}
