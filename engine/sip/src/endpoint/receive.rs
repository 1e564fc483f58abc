//! Datagrams: to their transaction, their dialog, or a stateless answer. Only an INVITE that we would ring for, and
//! requests inside a dialog, make state; strangers and junk never do (RFC 3261 §8.2, stateless as in §8.2.7).

use super::Endpoint;
use super::abandon::AtWork;
use crate::dialog::Phase;
use crate::reply::{ALLOW, Template};
use crate::transaction::{Input, Key, Machine, Owner, ServerOther, Transaction};
use crate::types::DialogId;
use base::Instant;
use std::net::SocketAddr;
use wire::Reject;
use wire::sip::{Builder, HeaderName, Message, Method, NameAddr, Uri};

impl Endpoint {
    /// One datagram from the network. Never fails: what cannot be used is answered with an error or counted as dropped.
    pub fn handle_datagram(&mut self, now: Instant, source: SocketAddr, bytes: &[u8]) {
        self.read_at = now;
        self.at_work = AtWork::default();
        match Message::parse_datagram(bytes) {
            Ok(message) if message.is_request() => self.request(now, source, &message),
            Ok(message) => self.response(now, source, &message, bytes.len()),
            Err(Reject::Keepalive) => {}
            Err(_) => match Message::parse_for_refusal(bytes) {
                Ok(message) if message.is_request() => self.refuse_stateless(source, &message, 400),
                _ => self.drops.unreadable += 1,
            },
        }
        self.at_work = AtWork::default();
    }

    fn response(&mut self, now: Instant, source: SocketAddr, response: &Message, length: usize) {
        if response.validate().is_err() {
            self.drops.unreadable += 1;
            return;
        }
        let branch = response.top_via().ok().and_then(|via| via.branch());
        let key = branch.zip(response.cseq()).map(|(branch, (_, method))| Key::client(branch, method.as_str()));
        let invite = response.cseq().is_some_and(|(_, method)| method == Method::Invite);
        match (key.and_then(|key| self.transactions.find(&key)), response.code()) {
            (Some(id), Some(code)) => {
                self.work_on_transaction(id);
                self.spring_fault();
                self.drive(now, id, Input::Response(code), Some((response, source)));
            }
            (None, Some(200..=299)) if invite && self.stray_2xx(now, response, length, source) => {}
            _ => self.drops.strays += 1,
        }
    }

    fn request(&mut self, now: Instant, source: SocketAddr, request: &Message) {
        match request.validate() {
            Ok(()) => {}
            Err(reject) => {
                let code = if reject == Reject::Version { 505 } else { 400 };
                return self.refuse_stateless(source, request, code);
            }
        }
        let Some(method) = request.method() else { return };
        let belongs_to = if method == Method::Ack { "INVITE" } else { method.as_str() };
        let known = Key::server(request, belongs_to).and_then(|key| self.transactions.find(&key));
        if let Some(id) = known {
            self.work_on_transaction(id);
            self.spring_fault();
        }
        match (known, method) {
            // The transaction takes the ACK of a refusal; the ACK of a 2xx has a branch of its own, or with RFC 2543
            // the INVITE's, so it is offered to the dialog as well.
            (Some(id), Method::Ack) => {
                self.drive(now, id, Input::Ack, None);
                self.ack_in_dialog(now, request, false);
            }
            (Some(id), _) => self.drive(now, id, Input::Request, None),
            (None, Method::Ack) => self.ack_in_dialog(now, request, true),
            (None, Method::Cancel) => self.cancel_request(now, source, request),
            (None, _) if request.to().is_ok_and(|to| to.tag().is_some()) => {
                self.request_in_dialog(now, source, request, method);
            }
            (None, _) => self.request_outside(now, source, request, method),
        }
    }

    /// A request that belongs to no dialog (RFC 3261 §8.2).
    fn request_outside(&mut self, now: Instant, source: SocketAddr, request: &Message, method: Method) {
        match method {
            Method::Invite | Method::Options => {}
            _ => return self.refuse_method(source, request, method),
        }
        // §8.2.2.1: a scheme that we do not serve.
        let scheme_known = request
            .request_uri()
            .and_then(|uri| Uri::parse(uri).ok())
            .is_some_and(|uri| uri.is_sip() || uri.scheme.eq_ignore_ascii_case(b"tel"));
        if !scheme_known {
            return self.refuse_stateless(source, request, 416);
        }
        let required: Vec<&[u8]> = request.tokens(HeaderName::Require).collect();
        if !required.is_empty() {
            // §8.2.2.3: we support no extension that may be required.
            let list = required.join(&b", "[..]);
            return self.answer_stateless(source, request, 420, |answer| answer.header("Unsupported", list));
        }
        if method == Method::Invite {
            self.invite_request(now, source, request);
        } else if let Some(template) = self.template_of(source, request) {
            // §11.2. Apart from the refusals' allowance: a flood of junk must not look like a dead trunk to a carrier.
            if !self.options_allowed.take(now, source.ip()) {
                self.drops.limited += 1;
                return;
            }
            self.send_stateless(&template, request, 200, |answer| {
                answer.header("Allow", ALLOW).header("Accept", "application/sdp")
            });
        }
    }

    /// A request with a To tag (RFC 3261 §12.2.2).
    fn request_in_dialog(&mut self, now: Instant, source: SocketAddr, request: &Message, method: Method) {
        let Some(id) = self.dialog_of(request) else { return self.refuse_stateless(source, request, 481) };
        self.work_on_dialog(id);
        self.spring_fault();
        let Some((sequence, _)) = request.cseq() else { return };
        let Some(dialog) = self.dialogs.get_mut(id) else { return };
        if dialog.remote_sequence.is_some_and(|highest| sequence < highest) {
            return self.refuse_stateless(source, request, 500);
        }
        dialog.remote_sequence = Some(sequence);
        match method {
            Method::Bye => self.bye_request(now, source, request, id),
            Method::Invite => self.reinvite_request(now, source, request, id),
            Method::Options => self.answer_in_dialog(now, source, request, id, 200, |answer| {
                answer.header("Allow", ALLOW).header("Accept", "application/sdp")
            }),
            _ => {
                let code = if is_known(method) { 405 } else { 501 };
                self.answer_in_dialog(now, source, request, id, code, |answer| answer.header("Allow", ALLOW));
            }
        }
    }

    /// The dialog a request belongs to: Call-ID, our tag in To, the peer's tag in From.
    pub(super) fn dialog_of(&self, request: &Message) -> Option<DialogId> {
        let tag = String::from_utf8(request.to().ok()?.tag()?.to_vec()).ok()?;
        let id = *self.calls.get(&(request.call_id()?.to_vec(), tag))?;
        let from_tag = request.from().ok()?.tag().unwrap_or_default();
        self.dialogs.get(id)?.is_peer(from_tag).then_some(id)
    }

    fn cancel_request(&mut self, now: Instant, source: SocketAddr, request: &Message) {
        // §9.2: the INVITE it names by its Via.
        let found = Key::server(request, "INVITE").and_then(|key| self.transactions.find(&key));
        let Some((invite, owner)) = found.and_then(|id| Some((id, self.transactions.get(id)?.owner))) else {
            return self.refuse_stateless(source, request, 481);
        };
        let tag = match owner {
            Owner::Incoming(id) | Owner::Reoffer(id) => self.dialogs.get(id).map(|dialog| dialog.local_tag.clone()),
            _ => None,
        };
        let tag = tag.unwrap_or_else(|| self.stateless_tag(request));
        self.work_on_transaction(invite);
        self.spring_fault();
        self.answer_stateful(now, source, request, 200, &tag, |answer| answer);
        if self.transactions.get(invite).is_some_and(Transaction::is_open) {
            match owner {
                Owner::Incoming(id) => self.caller_gave_up(now, id, request),
                Owner::Reoffer(id) => self.refuse_reoffer(now, id, 487),
                _ => {}
            }
        }
    }

    /// A final answer inside a dialog, kept in a transaction so that repetitions of the request get it again.
    pub(super) fn answer_in_dialog(
        &mut self,
        now: Instant,
        source: SocketAddr,
        request: &Message,
        id: DialogId,
        code: u16,
        dress: impl FnOnce(Builder) -> Builder,
    ) {
        let Some(tag) = self.dialogs.get(id).map(|dialog| dialog.local_tag.clone()) else { return };
        self.answer_stateful(now, source, request, code, &tag, dress);
    }

    fn answer_stateful(
        &mut self,
        now: Instant,
        source: SocketAddr,
        request: &Message,
        code: u16,
        tag: &str,
        dress: impl FnOnce(Builder) -> Builder,
    ) {
        let Some(template) = Template::new(request, source) else { return };
        let bytes = dress(template.response(code, tag)).header("Server", &self.config.user_agent).finish();
        let key = request.method().and_then(|method| Key::server(request, method.as_str()));
        let Some(key) = key.filter(|_| !self.transactions.is_full()) else {
            // No room: a repetition will be judged anew, which is worse for the peer than for us.
            return self.send(template.destination, bytes);
        };
        let machine = Machine::ServerOther(ServerOther::new());
        let transaction = Transaction::new(machine, Owner::Nobody, template.destination, bytes, key);
        let id = self.transactions.insert(transaction);
        self.drive(now, id, Input::Reply(code), None);
    }

    /// 405 for methods we know and do not take here, 501 for others (RFC 3261 §8.2.1).
    fn refuse_method(&mut self, source: SocketAddr, request: &Message, method: Method) {
        // A BYE outside a dialog is for a dialog we have not got.
        let code = match method {
            Method::Bye => 481,
            method if is_known(method) => 405,
            _ => 501,
        };
        self.answer_stateless(source, request, code, |answer| answer.header("Allow", ALLOW));
    }

    pub(super) fn refuse_stateless(&mut self, source: SocketAddr, request: &Message, code: u16) {
        self.answer_stateless(source, request, code, |answer| answer);
    }

    /// A final answer without any state: a repetition of the request gets the same bytes (RFC 3261 §8.2.7).
    pub(super) fn answer_stateless(
        &mut self,
        source: SocketAddr,
        request: &Message,
        code: u16,
        dress: impl FnOnce(Builder) -> Builder,
    ) {
        let Some(template) = self.template_of(source, request) else { return };
        if !self.refusals_allowed.take(self.read_at) {
            self.drops.limited += 1;
            return;
        }
        self.send_stateless(&template, request, code, dress);
    }

    /// What an answer to `request` repeats of it; `None`, counted, where there is nothing to answer.
    fn template_of(&mut self, source: SocketAddr, request: &Message) -> Option<Template> {
        // §17: an ACK is never answered.
        let template = Template::new(request, source).filter(|_| request.method() != Some(Method::Ack));
        self.drops.unreadable += u64::from(template.is_none());
        template
    }

    fn send_stateless(
        &mut self,
        template: &Template,
        request: &Message,
        code: u16,
        dress: impl FnOnce(Builder) -> Builder,
    ) {
        let tag = self.stateless_tag(request);
        let answer = dress(template.response(code, &tag)).header("Server", &self.config.user_agent);
        self.send(template.destination, answer.finish());
    }

    /// A To tag that is the same for every repetition of a request.
    fn stateless_tag(&self, request: &Message) -> String {
        let via = request.header(HeaderName::Via).unwrap_or_default();
        let bytes = via.iter().chain(request.header(HeaderName::CallId).unwrap_or_default());
        // FNV-1a (public constants); the secret start keeps tags apart between endpoints.
        let hash =
            bytes.fold(self.tag_secret, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
        format!("{hash:016x}")
    }

    /// The ACK of our 2xx (RFC 3261 §13.3.1.4).
    fn ack_in_dialog(&mut self, now: Instant, request: &Message, count: bool) {
        let id = self.dialog_of(request);
        if let Some(id) = id {
            self.work_on_dialog(id);
            self.spring_fault();
        }
        let sequence = request.cseq().map(|(sequence, _)| sequence);
        let waiting =
            id.and_then(|id| self.dialogs.get(id)).filter(|dialog| matches!(dialog.phase, Phase::Established));
        let expected = waiting.and_then(|dialog| dialog.unacknowledged.as_ref()).map(|waiting| waiting.sequence);
        match (id, expected) {
            (Some(id), Some(_)) if expected == sequence => self.acknowledged(now, id, request),
            _ => self.drops.strays += u64::from(count),
        }
    }
}

impl Endpoint {
    /// Where a planted fault breaks out; nothing in a product.
    fn spring_fault(&mut self) {
        #[cfg(any(test, feature = "fault-injection"))]
        if self.planted.is_some() && self.planted == self.at_work.dialog {
            self.planted = None;
            panic!("planted fault: SIP");
        }
    }
}

/// Methods with a specification: refused with 405 and not with 501.
fn is_known(method: Method) -> bool {
    !matches!(method, Method::Other(_))
}

/// A name-addr header value around a sound URI.
pub(super) fn address(display: Option<&str>, uri: &str) -> String {
    let value = match display {
        Some(display) => format!("{} <{uri}>", wire::sip::quoted(display)),
        None => format!("<{uri}>"),
    };
    debug_assert!(NameAddr::parse(value.as_bytes()).is_ok());
    value
}
