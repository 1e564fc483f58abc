//! Our INVITE: from the call to its answer, its refusal, or its CANCEL (RFC 3261 §9.1, §13.2).

use super::receive::address;
use super::{Endpoint, Request, follow_up};
use crate::dialog::{Cancel, Clock, Dialog, Line, Outgoing, Phase};
use crate::limits;
use crate::reply::{self, ALLOW};
use crate::text;
use crate::transaction::{Acknowledgement, ClientInvite, ClientOther, Machine, Owner, TransactionId};
use crate::types::{Cause, DialogId, Event, Invite, Refusal, Whose};
use base::{Duration, Instant};
use std::net::SocketAddr;
use wire::sip::{HeaderName, MESSAGE_BYTES_MAX, Message};

impl Endpoint {
    /// Starts a call. Events of the returned dialog follow, the last one `Failed` or `Ended`.
    ///
    /// # Errors
    /// `Invalid` for text that would not make a legal message, `Full` at `dialogs_max`.
    pub fn invite(&mut self, now: Instant, invite: Invite) -> Result<DialogId, Refusal> {
        check(&invite)?;
        if self.dialogs.len() >= self.config.dialogs_max || self.transactions.is_full() {
            return Err(Refusal::Full);
        }
        let tag = self.random.token(16);
        let call_id = format!("{}{}", self.call_id_prefix, self.random.token(24)).into_bytes();
        let local = format!("{};tag={tag}", address(invite.from_display.as_deref(), &invite.from_uri)).into_bytes();
        let remote = address(None, &invite.to_uri).into_bytes();
        let line = Line::new(call_id, local, remote, invite.to_uri.clone(), invite.remote);
        let ring_limit = invite.answer_timeout.min(limits::RING_MAX);
        let outgoing = Outgoing {
            invite: Box::new(invite),
            transaction: TransactionId::default(),
            authenticator: Default::default(),
            authorization: Vec::new(),
            branches: Vec::new(),
            provisional: false,
            cancel: None,
        };
        let id = self.add_dialog(Dialog::new(line, tag, true, Phase::Outgoing(outgoing)));
        self.send_invite(now, id);
        self.arm(now, id, Clock::Ring, ring_limit);
        Ok(id)
    }

    /// Sends the dialog's INVITE, the first time or with credentials.
    fn send_invite(&mut self, now: Instant, id: DialogId) {
        let branch = self.branch();
        let via = self.via(&branch);
        let Some(dialog) = self.dialogs.get_mut(id) else { return };
        dialog.local_sequence += 1;
        let Phase::Outgoing(outgoing) = &dialog.phase else { return };
        let invite = &outgoing.invite;
        let (mut builder, _) = dialog.line.request(&via, "INVITE", dialog.local_sequence);
        builder = builder.header("Contact", &self.contact).header("Allow", ALLOW);
        builder = builder.header("User-Agent", &self.config.user_agent);
        for (name, value) in &outgoing.authorization {
            builder = builder.header(name, value);
        }
        for (name, value) in &invite.headers {
            builder = builder.header(name, value);
        }
        if !invite.sdp.is_empty() {
            builder = builder.body("application/sdp", &invite.sdp);
        }
        // The dialog's own clocks end the ringing; timer C only guards them: ring limit, CANCEL and its wait.
        let guard = invite.answer_timeout.min(limits::RING_MAX) + self.times.lifetime() * 2;
        let machine = Machine::ClientInvite(ClientInvite::new(&self.times, guard));
        let request = Request { method: "INVITE", branch, to: invite.remote, bytes: builder.finish() };
        let transaction = self.start(now, machine, Owner::Invite(id), request);
        if let Some(Phase::Outgoing(outgoing)) = self.dialogs.get_mut(id).map(|dialog| &mut dialog.phase) {
            outgoing.transaction = transaction;
            outgoing.provisional = false;
        }
    }

    /// A response to a first INVITE; the machine has let it through.
    pub(super) fn invite_response(
        &mut self,
        now: Instant,
        id: DialogId,
        transaction: TransactionId,
        response: &Message,
        source: SocketAddr,
    ) {
        let code = response.code().unwrap_or_default();
        let dialog = self.dialogs.get_mut(id);
        let outgoing = match dialog.map(|dialog| &mut dialog.phase) {
            Some(Phase::Outgoing(outgoing)) if outgoing.transaction == transaction => outgoing,
            // The call is answered or over: a repeated 2xx, or the 2xx of another branch.
            _ if (200..=299).contains(&code) => return self.late_2xx(now, transaction, response, source),
            None if code < 200 => return self.abandoned_response(now, transaction, response),
            _ => return,
        };
        match code {
            100..=199 => self.provisional(now, id, response),
            200..=299 => {
                let cancel = outgoing.cancel.take();
                self.invite_accepted(now, id, transaction, response, source, cancel);
            }
            401 | 407 if outgoing.cancel.is_none() && take_challenge(outgoing, response) => {
                let Outgoing { authenticator, invite, authorization, .. } = outgoing;
                if let Some(credentials) = &invite.credentials {
                    *authorization = authenticator.headers(credentials, "INVITE", &invite.to_uri, &mut self.random);
                }
                if self.transactions.is_full() {
                    self.fail(id, reply::cause_of_response(response));
                } else {
                    self.send_invite(now, id);
                }
            }
            _ => self.fail_outgoing(id, Some(reply::cause_of_response(response))),
        }
    }

    fn provisional(&mut self, now: Instant, id: DialogId, response: &Message) {
        let code = response.code().unwrap_or_default();
        let Some(Phase::Outgoing(outgoing)) = self.dialogs.get_mut(id).map(|dialog| &mut dialog.phase) else { return };
        let first = !std::mem::replace(&mut outgoing.provisional, true);
        if let Some(tag) = response.to().ok().and_then(|to| to.tag()).filter(|_| code > 100) {
            outgoing.branches.retain(|branch| branch != tag);
            if outgoing.branches.len() < limits::ANSWERS_MAX {
                outgoing.branches.push(tag.to_vec());
            }
        }
        if outgoing.cancel.is_some() {
            if first {
                self.send_cancel(now, id);
            }
        } else if code > 100 {
            self.tell(Event::Progress { dialog: id, code, sdp: reply::sdp_of(response) });
        }
    }

    /// The call is answered. With a `cancel` the answer has crossed our CANCEL: the call stands (RFC 3261 §15), whoever
    /// keeps records is told so, and it ends with our BYE as soon as that was heard.
    fn invite_accepted(
        &mut self,
        now: Instant,
        id: DialogId,
        transaction: TransactionId,
        response: &Message,
        source: SocketAddr,
        cancel: Option<Cancel>,
    ) {
        let Some(dialog) = self.dialogs.get_mut(id) else { return };
        let Some(line) = Line::from_response(response, source) else {
            if let Phase::Outgoing(outgoing) = &mut dialog.phase {
                outgoing.cancel = cancel;
            }
            return;
        };
        let phase = std::mem::replace(&mut dialog.phase, Phase::Established);
        let authorization = match phase {
            Phase::Outgoing(outgoing) => outgoing.authorization,
            Phase::Ringing(_) | Phase::Established => Vec::new(),
        };
        dialog.line = line.clone();
        // Each branch counts its own requests; another branch's numbers mean nothing for this one.
        dialog.remote_sequence = None;
        let crossed = cancel.is_some();
        dialog.crossed = cancel;
        let sequence = dialog.local_sequence;
        self.disarm(id, Clock::Ring);
        if crossed {
            self.arm(now, id, Clock::Cancel, Duration::ZERO);
        }
        self.arm(now, id, Clock::Age, limits::DIALOG_AGE_MAX);
        self.acknowledge(transaction, &line, sequence, &authorization);
        self.tell(Event::Answered { dialog: id, sdp: reply::sdp_of(response) });
    }

    /// Sends the ACK of a 2xx and keeps it for repetitions of the 2xx (RFC 3261 §13.2.2.4).
    pub(super) fn acknowledge(
        &mut self,
        transaction: TransactionId,
        line: &Line,
        sequence: u32,
        authorization: &[(&'static str, Vec<u8>)],
    ) {
        let branch = self.branch();
        let (mut builder, to) = line.request(&self.via(&branch), "ACK", sequence);
        for (name, value) in authorization {
            builder = builder.header(name, value);
        }
        let bytes = builder.header("User-Agent", &self.config.user_agent).finish();
        if let Some(transaction) = self.transactions.get_mut(transaction)
            && transaction.acknowledgements.len() < limits::ANSWERS_MAX
        {
            let tag = line.remote_tag.clone();
            transaction.acknowledgements.push(Acknowledgement { tag, to, bytes: bytes.clone() });
        }
        self.send(to, bytes);
    }

    /// A 2xx that nobody waits for: repeated (the same ACK again), or of a second branch or a cancelled call (ACK, then
    /// BYE at once; RFC 3261 §13.2.2.4).
    pub(super) fn late_2xx(
        &mut self,
        now: Instant,
        transaction: TransactionId,
        response: &Message,
        source: SocketAddr,
    ) {
        let Some(known) = self.transactions.get(transaction) else { return };
        let tag = response.to().ok().and_then(|to| to.tag()).unwrap_or_default();
        if let Some(acknowledgement) = known.acknowledgements.iter().find(|known| known.tag == tag) {
            let (to, bytes) = (acknowledgement.to, acknowledgement.bytes.clone());
            return self.send(to, bytes);
        }
        // Too many branches: not acknowledged, they hang up by themselves after 64 × T1.
        if known.acknowledgements.len() >= limits::ANSWERS_MAX {
            return;
        }
        let Some((line, (sequence, _))) = Line::from_response(response, source).zip(response.cseq()) else { return };
        self.acknowledge(transaction, &line, sequence, &[]);
        self.send_bye(now, &line, sequence + 1, None);
    }

    /// A BYE in a transaction of its own; nobody waits for its answer.
    pub(super) fn send_bye(&mut self, now: Instant, line: &Line, sequence: u32, reason: Option<&str>) {
        let branch = self.branch();
        let (mut builder, to) = line.request(&self.via(&branch), "BYE", sequence);
        if let Some(reason) = reason {
            builder = builder.header("Reason", reason);
        }
        let bytes = builder.header("User-Agent", &self.config.user_agent).finish();
        if self.transactions.is_full() {
            // Once, unwatched, is better than not at all.
            return self.send(to, bytes);
        }
        let machine = Machine::ClientOther(ClientOther::new(&self.times));
        self.start(now, machine, Owner::Nobody, Request { method: "BYE", branch, to, bytes });
    }

    /// Ends an outgoing call that was never answered: with the cause of its CANCEL if there is one.
    fn fail_outgoing(&mut self, id: DialogId, cause: Option<Cause>) {
        let Some(Phase::Outgoing(outgoing)) = self.dialogs.get_mut(id).map(|dialog| &mut dialog.phase) else { return };
        let cancelled = outgoing.cancel.take().map(|cancel| cancel.cause);
        let cause = cancelled.or(cause).unwrap_or_else(|| Cause::new(Some(487), Cause::CANCELLED, Whose::Us));
        self.fail(id, cause);
    }

    /// No final response in time (timer B, or C as a guard).
    pub(super) fn invite_timeout(&mut self, id: DialogId) {
        self.fail_outgoing(id, Some(Cause::new(Some(408), Cause::NO_RESPONSE, Whose::Network)));
    }

    /// The ring limit has passed.
    pub(super) fn ring_limit(&mut self, now: Instant, id: DialogId) {
        self.cancel(now, id, Cause::new(Some(408), Cause::NO_ANSWER, Whose::Us), None);
    }

    /// Gives an unanswered call up. `Failed` follows with the final response, or 64 × T1 after the CANCEL.
    pub(super) fn cancel(&mut self, now: Instant, id: DialogId, cause: Cause, reason: Option<String>) {
        let Some(Phase::Outgoing(outgoing)) = self.dialogs.get_mut(id).map(|dialog| &mut dialog.phase) else { return };
        if outgoing.cancel.is_some() {
            return;
        }
        outgoing.cancel = Some(Cancel { cause, reason });
        let provisional = outgoing.provisional;
        self.disarm(id, Clock::Ring);
        // §9.1: before a provisional response the CANCEL waits for one; timer B bounds that.
        if provisional {
            self.send_cancel(now, id);
        }
    }

    fn send_cancel(&mut self, now: Instant, id: DialogId) {
        let Some(Phase::Outgoing(outgoing)) = self.dialogs.get(id).map(|dialog| &dialog.phase) else { return };
        let reason = outgoing.cancel.as_ref().and_then(|cancel| cancel.reason.clone());
        let transaction = outgoing.transaction;
        if self.cancel_invite(now, transaction, reason.as_deref()) {
            let wait: Duration = self.times.lifetime();
            self.arm(now, id, Clock::Cancel, wait);
        }
    }

    /// Sends the CANCEL of an INVITE of ours (RFC 3261 §9.1); false when it can be made no more.
    pub(super) fn cancel_invite(&mut self, now: Instant, transaction: TransactionId, reason: Option<&str>) -> bool {
        let Some(transaction) = self.transactions.get(transaction) else { return false };
        let (invite, to) = (&transaction.message, transaction.to);
        let sent = Message::parse_datagram(invite).ok().and_then(|sent| {
            let branch = String::from_utf8(sent.top_via().ok()?.branch()?.to_vec()).ok()?;
            Some((branch, follow_up(invite, "CANCEL", sent.header(HeaderName::To)?)?))
        });
        let Some((branch, mut builder)) = sent else { return false };
        if let Some(reason) = reason {
            builder = builder.header("Reason", reason);
        }
        let bytes = builder.header("User-Agent", &self.config.user_agent).finish();
        if self.transactions.is_full() {
            self.send(to, bytes);
        } else {
            let machine = Machine::ClientOther(ClientOther::new(&self.times));
            self.start(now, machine, Owner::Nobody, Request { method: "CANCEL", branch, to, bytes });
        }
        true
    }

    /// The CANCEL brought no final response (RFC 3261 §9.1), or an answer that crossed it.
    pub(super) fn cancel_limit(&mut self, now: Instant, id: DialogId) {
        if let Some(Cancel { cause, reason }) = self.dialogs.get_mut(id).and_then(|dialog| dialog.crossed.take()) {
            return self.bye(now, id, reason, cause);
        }
        if let Some(Phase::Outgoing(outgoing)) = self.dialogs.get(id).map(|dialog| &dialog.phase) {
            let transaction = outgoing.transaction;
            self.drop_transaction(transaction);
        }
        self.fail_outgoing(id, None);
    }

    /// A BYE from a branch that has not answered: not foreseen, but it may be the end of an answer whose every 2xx was
    /// lost. When no branch is left the call has failed.
    pub(super) fn branch_ended(&mut self, id: DialogId, tag: &[u8], cause: Cause) {
        let Some(Phase::Outgoing(outgoing)) = self.dialogs.get_mut(id).map(|dialog| &mut dialog.phase) else { return };
        outgoing.branches.retain(|branch| branch != tag);
        if outgoing.branches.is_empty() {
            let transaction = outgoing.transaction;
            self.drop_transaction(transaction);
            self.fail_outgoing(id, Some(cause));
        }
    }
}

/// True when the challenge can be answered with the call's credentials.
fn take_challenge(outgoing: &mut Outgoing, response: &Message) -> bool {
    let Outgoing { invite, authenticator, .. } = outgoing;
    invite.credentials.as_ref().is_some_and(|credentials| authenticator.challenge(response, credentials))
}

/// Refuses text that would not make a legal INVITE.
fn check(invite: &Invite) -> Result<(), Refusal> {
    if !text::is_sound_uri(&invite.to_uri) {
        return Err(Refusal::Invalid("to_uri"));
    }
    if !text::is_sound_uri(&invite.from_uri) {
        return Err(Refusal::Invalid("from_uri"));
    }
    if invite.headers.len() > limits::EXTRA_HEADERS_MAX {
        return Err(Refusal::Invalid("number of headers"));
    }
    let known = |(name, _): &&(String, String)| HeaderName::parse(name.as_bytes());
    use HeaderName as H;
    let free = |name: &HeaderName| {
        matches!(name, H::Other | H::Supported | H::Expires | H::Reason | H::SessionExpires | H::MinSe)
    };
    if !invite.headers.iter().all(|header| free(&known(&header))) {
        return Err(Refusal::Invalid("header name: the endpoint writes this one itself"));
    }
    let texts = [invite.to_uri.len() * 2, invite.from_uri.len(), invite.sdp.len()];
    let display = invite.from_display.as_ref().map_or(0, |display| display.len() * 2);
    let headers: usize = invite.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    // The rest of our INVITE: start line, Via, tags, Call-ID, digest; 4 kB is four times what it takes.
    if texts.iter().sum::<usize>() + display + headers + 4_096 > MESSAGE_BYTES_MAX {
        return Err(Refusal::Invalid("message length"));
    }
    Ok(())
}
