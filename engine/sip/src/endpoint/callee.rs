//! The peer's INVITE: ringing, answering, refusing, and being cancelled (RFC 3261 §8.2, §9.2, §13.3).

use super::Endpoint;
use crate::dialog::{Clock, Dialog, Line, Phase, Ringing, Unacknowledged};
use crate::limits;
use crate::reply::{self, ALLOW, Template};
use crate::text;
use crate::transaction::{Input, Key, Machine, Owner, ServerInvite, Transaction, TransactionId};
use crate::types::{Cause, DialogId, Event, Refusal, Whose};
use base::{Duration, Instant};
use std::net::SocketAddr;
use wire::sip::{MESSAGE_BYTES_MAX, Message};

/// Retry-After of the 503 that a full endpoint sends: long enough to matter, short enough not to lose the trunk.
const FULL_RETRY_AFTER_S: &str = "5";

impl Endpoint {
    /// An INVITE outside of any dialog that the checks of §8.2 have passed.
    pub(super) fn invite_request(&mut self, now: Instant, source: SocketAddr, request: &Message) {
        if self.is_merged(request) {
            return self.refuse_stateless(source, request, 482);
        }
        if !reply::body_is_sdp(request) {
            return self.answer_stateless(source, request, 415, |answer| answer.header("Accept", "application/sdp"));
        }
        if self.dialogs.len() >= self.config.dialogs_max || self.transactions.is_full() {
            return self
                .answer_stateless(source, request, 503, |answer| answer.header("Retry-After", FULL_RETRY_AFTER_S));
        }
        let tag = self.random.token(16);
        let Some(line) = Line::from_request(request, &tag, source) else {
            // No Contact to call back (§8.1.1.8).
            return self.refuse_stateless(source, request, 400);
        };
        let Some((template, key)) = Template::new(request, source).zip(Key::server(request, "INVITE")) else { return };
        let Some((sequence, _)) = request.cseq() else { return };
        let ringing = Ringing { transaction: TransactionId::default(), sequence, template };
        let mut dialog = Dialog::new(line, tag, false, Phase::Ringing(ringing));
        (dialog.invite_sequence, dialog.remote_sequence) = (Some(sequence), Some(sequence));
        let id = self.add_dialog(dialog);
        self.work_on_dialog(id);
        let transaction = self.start_server_invite(now, source, Owner::Incoming(id), key, limits::ANSWER_LIMIT);
        if let Some(Phase::Ringing(ringing)) = self.dialogs.get_mut(id).map(|dialog| &mut dialog.phase) {
            ringing.transaction = transaction;
        }
        self.trying(now, transaction, request, source);
        let from = request.from().ok();
        self.tell(Event::Incoming {
            dialog: id,
            source,
            from_user: from.map(|from| text::user_of(from.uri)).unwrap_or_default(),
            to_user: text::user_of(request.request_uri().unwrap_or_default()),
            from_display: from.and_then(|from| from.display).map(text::display_of),
            call_id: text::shown(request.call_id().unwrap_or_default()),
            sdp: reply::sdp_of(request),
        });
    }

    /// §8.2.2.2: the same request on another path (same From tag, Call-ID and CSeq, another branch).
    fn is_merged(&self, request: &Message) -> bool {
        let (Some(call_id), Some((sequence, _)), Ok(from)) = (request.call_id(), request.cseq(), request.from()) else {
            return false;
        };
        let first = (call_id.to_vec(), String::new());
        self.calls.range(first..).take_while(|((other, _), _)| other == call_id).any(|(_, id)| {
            self.dialogs.get(*id).is_some_and(|dialog| {
                dialog.invite_sequence == Some(sequence) && dialog.line.remote_tag == from.tag().unwrap_or_default()
            })
        })
    }

    /// An INVITE server transaction without a response yet.
    pub(super) fn start_server_invite(
        &mut self,
        now: Instant,
        to: SocketAddr,
        owner: Owner,
        key: Key,
        limit: Duration,
    ) -> TransactionId {
        let machine = Machine::ServerInvite(ServerInvite::new(&self.times, limit));
        let id = self.transactions.insert(Transaction::new(machine, owner, to, Vec::new(), key));
        self.drive(now, id, Input::Start, None);
        id
    }

    /// 100 at once, so that the peer stops repeating its INVITE (§17.2.1).
    pub(super) fn trying(&mut self, now: Instant, id: TransactionId, request: &Message, source: SocketAddr) {
        if let Some(template) = Template::new(request, source) {
            let bytes = template.response(100, "").finish();
            self.respond(now, id, template.destination, 100, bytes);
        }
    }

    /// Sends a response through an INVITE server transaction that is still open.
    pub(super) fn respond(&mut self, now: Instant, id: TransactionId, to: SocketAddr, code: u16, bytes: Vec<u8>) {
        if let Some(transaction) = self.transactions.get_mut(id).filter(|transaction| transaction.is_open()) {
            transaction.message = bytes;
            transaction.to = to;
            self.drive(now, id, Input::Reply(code), None);
        }
    }

    /// Sends a provisional response 101..=199, with early media's answer when `sdp` is given. It is repeated every
    /// minute while the call rings.
    ///
    /// # Errors
    /// `Stale`, `WrongState` unless the call is incoming and unanswered, `Invalid` for another code or too long an SDP.
    pub fn progress(&mut self, now: Instant, id: DialogId, code: u16, sdp: Option<Vec<u8>>) -> Result<(), Refusal> {
        check_sdp(sdp.as_deref().unwrap_or_default())?;
        if !(101..=199).contains(&code) {
            return Err(Refusal::Invalid("provisional code"));
        }
        let dialog = self.dialogs.get(id).ok_or(Refusal::Stale)?;
        let Phase::Ringing(ringing) = &dialog.phase else { return Err(Refusal::WrongState) };
        let mut builder = ringing.template.dialog_response(code, &dialog.local_tag, &self.contact);
        builder = builder.header("Server", &self.config.user_agent);
        if let Some(sdp) = sdp {
            builder = builder.body("application/sdp", &sdp);
        }
        let (transaction, to) = (ringing.transaction, ringing.template.destination);
        self.respond(now, transaction, to, code, builder.finish());
        self.arm(now, id, Clock::Refresh, limits::PROVISIONAL_REFRESH);
        Ok(())
    }

    /// §13.3.1.1: the last provisional response again.
    pub(super) fn refresh_provisional(&mut self, now: Instant, id: DialogId) {
        if let Some(Phase::Ringing(ringing)) = self.dialogs.get(id).map(|dialog| &dialog.phase) {
            let transaction = ringing.transaction;
            self.drive(now, transaction, Input::Request, None);
            self.arm(now, id, Clock::Refresh, limits::PROVISIONAL_REFRESH);
        }
    }

    /// Answers an incoming call: 200 with `sdp`, repeated until its ACK (`Confirmed`); without one for 64 × T1 the call
    /// ends with a BYE and [`Cause::NO_ACK`].
    ///
    /// # Errors
    /// `Stale`, `WrongState` unless the call is incoming and unanswered, `Invalid` for too long an SDP.
    pub fn answer(&mut self, now: Instant, id: DialogId, sdp: Vec<u8>) -> Result<(), Refusal> {
        check_sdp(&sdp)?;
        let dialog = self.dialogs.get_mut(id).ok_or(Refusal::Stale)?;
        if !matches!(dialog.phase, Phase::Ringing(_)) {
            return Err(Refusal::WrongState);
        }
        if let Phase::Ringing(ringing) = std::mem::replace(&mut dialog.phase, Phase::Established) {
            self.disarm(id, Clock::Refresh);
            self.arm(now, id, Clock::Age, limits::DIALOG_AGE_MAX);
            self.accept(now, id, ringing, true, &sdp);
        }
        Ok(())
    }

    /// Sends the 2xx of an INVITE or re-INVITE and begins to wait for its ACK.
    pub(super) fn accept(&mut self, now: Instant, id: DialogId, ringing: Ringing, first: bool, sdp: &[u8]) {
        let Some(dialog) = self.dialogs.get_mut(id) else { return };
        let mut builder = ringing.template.dialog_response(200, &dialog.local_tag, &self.contact);
        builder = builder.header("Allow", ALLOW).header("Server", &self.config.user_agent);
        if !sdp.is_empty() {
            builder = builder.body("application/sdp", sdp);
        }
        let (bytes, to, interval) = (builder.finish(), ringing.template.destination, self.times.t1);
        let sequence = ringing.sequence;
        dialog.unacknowledged = Some(Unacknowledged { sequence, to, bytes: bytes.clone(), interval, first });
        self.respond(now, ringing.transaction, to, 200, bytes);
        self.arm(now, id, Clock::Repeat, interval);
        self.arm(now, id, Clock::Acknowledgement, self.times.lifetime());
    }

    /// §13.3.1.4: our 2xx again, at T1 doubling to T2.
    pub(super) fn repeat_2xx(&mut self, now: Instant, id: DialogId) {
        let waiting = self.dialogs.get_mut(id).and_then(|dialog| dialog.unacknowledged.as_mut());
        if let Some(waiting) = waiting {
            waiting.interval = self.times.doubled(waiting.interval);
            let (to, bytes, interval) = (waiting.to, waiting.bytes.clone(), waiting.interval);
            self.send(to, bytes);
            self.arm(now, id, Clock::Repeat, interval);
        }
    }

    /// The ACK of our 2xx has come.
    pub(super) fn acknowledged(&mut self, now: Instant, id: DialogId, request: &Message) {
        self.disarm(id, Clock::Repeat);
        self.disarm(id, Clock::Acknowledgement);
        let Some(dialog) = self.dialogs.get_mut(id) else { return };
        let first = dialog.unacknowledged.take().is_some_and(|waiting| waiting.first);
        let hangup = dialog.hangup.take();
        let sdp = reply::sdp_of(request);
        self.tell(if first { Event::Confirmed { dialog: id, sdp } } else { Event::ReConfirmed { dialog: id, sdp } });
        match hangup {
            Some(reason) => self.bye(now, id, reason, Cause::new(None, Cause::HANGUP, Whose::Us)),
            None => self.try_reoffer(now, id),
        }
    }

    /// No ACK for 64 × T1 (§13.3.1.4, §14.2): the call ends.
    pub(super) fn acknowledgement_limit(&mut self, now: Instant, id: DialogId) {
        let Some(dialog) = self.dialogs.get_mut(id) else { return };
        let cause = match dialog.hangup.take() {
            Some(reason) => (reason, Cause::new(None, Cause::HANGUP, Whose::Us)),
            None => (None, Cause::new(None, Cause::NO_ACK, Whose::Network)),
        };
        self.bye(now, id, cause.0, cause.1);
    }

    /// Refuses an incoming call; `Failed` follows at once.
    ///
    /// # Errors
    /// `Stale`, `WrongState` unless the call is incoming and unanswered, `Invalid` for a code outside 300..=699.
    pub fn reject(&mut self, now: Instant, id: DialogId, code: u16, retry_after_s: Option<u32>) -> Result<(), Refusal> {
        if !(300..=699).contains(&code) {
            return Err(Refusal::Invalid("final code"));
        }
        if !matches!(self.dialog(id)?.phase, Phase::Ringing(_)) {
            return Err(Refusal::WrongState);
        }
        let mut cause = Cause::new(Some(code), wire::sip::reason_phrase(code), Whose::Us);
        cause.retry_after_s = retry_after_s;
        self.refuse(now, id, cause, None);
        Ok(())
    }

    /// Sends the final response that `cause` names and ends the dialog.
    pub(super) fn refuse(&mut self, now: Instant, id: DialogId, cause: Cause, reason: Option<&str>) {
        let Some(dialog) = self.dialogs.get(id) else { return };
        let Phase::Ringing(ringing) = &dialog.phase else { return };
        let code = cause.code.unwrap_or(480);
        let mut builder = ringing.template.response(code, &dialog.local_tag);
        if let Some(seconds) = cause.retry_after_s.filter(|_| cause.whose == Whose::Us) {
            builder = builder.header("Retry-After", seconds.to_string());
        }
        if let Some(reason) = reason {
            builder = builder.header("Reason", reason);
        }
        let bytes = builder.header("Server", &self.config.user_agent).finish();
        let (transaction, to) = (ringing.transaction, ringing.template.destination);
        self.respond(now, transaction, to, code, bytes);
        self.fail(id, cause);
    }

    /// CANCEL or an early BYE (§9.2, §15.1.2): 487 to the INVITE.
    pub(super) fn caller_gave_up(&mut self, now: Instant, id: DialogId, request: &Message) {
        let mut cause = Cause::new(Some(487), Cause::CALLER_GAVE_UP, Whose::Peer);
        cause.q850 = reply::cause_of_bye(request).q850;
        self.refuse(now, id, cause, None);
    }

    /// Nobody above has answered or refused the call.
    pub(super) fn answer_limit(&mut self, now: Instant, id: DialogId) {
        self.refuse(now, id, Cause::new(Some(480), Cause::NOT_HANDLED, Whose::Us), None);
    }
}

/// Refuses an SDP that would not leave 4 kB of a datagram for the head, four times what a head takes.
pub(super) fn check_sdp(sdp: &[u8]) -> Result<(), Refusal> {
    if sdp.len() + 4_096 > MESSAGE_BYTES_MAX { Err(Refusal::Invalid("message length")) } else { Ok(()) }
}
