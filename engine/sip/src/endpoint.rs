//! The endpoint: one shard's dialogs, transactions, registrations and timers, and how they are driven.
//! What each kind of message or call means stands in the sub-modules.

mod abandon;
mod callee;
mod caller;
mod midcall;
mod orphan;
mod ping;
mod receive;
mod registration;

use crate::allowance::{Allowance, AllowanceBySource};
use crate::dialog::{CLOCKS, Clock, Dialog};
use crate::limits;
use crate::mint::Mint;
use crate::transaction::{Action, Input, Key, Letter, Machine, Owner, Table, Times, Transaction, TransactionId};
use crate::types::{Cause, Config, Counts, DialogId, Drops, Event, OptionsId, Output, Refusal, RegistrationId};
use abandon::AtWork;
use base::{Duration, Instant, ShardId, Stream, TimerWheel};
use orphan::{Orphan, Stray, StrayKey};
use ping::Ping;
use registration::Registration;
use slotmap::SlotMap;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use wire::sip::{Builder, Message};

/// What a timer is about.
#[derive(Clone, Copy, Debug)]
enum Due {
    Transaction(TransactionId, Letter),
    Dialog(DialogId, Clock),
    Registration(RegistrationId),
}

/// All SIP of one shard over UDP: feed it datagrams, timeouts and calls, then drain [`Endpoint::poll_output`].
pub struct Endpoint {
    config: Config,
    times: Times,
    random: Stream,
    mint: Mint,
    call_id_prefix: String,
    /// Makes the To tags of stateless answers hard to guess and the same for each repetition.
    tag_secret: u64,
    /// Our Contact value.
    contact: String,
    transactions: Table,
    dialogs: SlotMap<DialogId, Dialog>,
    /// Dialogs by Call-ID and our tag.
    calls: BTreeMap<(Vec<u8>, String), DialogId>,
    registrations: SlotMap<RegistrationId, Registration>,
    pings: BTreeMap<OptionsId, Ping>,
    pings_made: u64,
    orphans: BTreeMap<u64, Orphan>,
    orphans_made: u64,
    /// Orphans that stray 2xx brought about.
    stray_orphans: usize,
    strays: BTreeMap<StrayKey, Stray>,
    strays_by_age: VecDeque<StrayKey>,
    strays_allowed: Allowance,
    options_allowed: AllowanceBySource,
    refusals_allowed: Allowance,
    /// When the datagram at hand was read.
    read_at: Instant,
    at_work: AtWork,
    #[cfg(any(test, feature = "fault-injection"))]
    planted: Option<DialogId>,
    #[cfg(test)]
    farewell_fails: bool,
    timers: TimerWheel<Due>,
    outputs: VecDeque<Output>,
    drops: Drops,
}

impl Endpoint {
    /// An endpoint without state. Each Call-ID that it makes names `shard` and the installation (see [`Mint`]), so that a
    /// front door can bring the replies here. Timers of less than a millisecond are taken as one.
    pub fn new(config: Config, mut random: Stream, shard: ShardId) -> Self {
        let mint = Mint::of(config.local);
        let least = Duration::from_ms(1);
        let times = Times { t1: config.t1.max(least), t2: config.t2.max(least), t4: config.t4.max(least) };
        let transactions_max =
            config.dialogs_max.saturating_mul(limits::TRANSACTIONS_PER_DIALOG) + limits::TRANSACTIONS_SPARE;
        Endpoint {
            times,
            tag_secret: random.next_u64(),
            options_allowed: AllowanceBySource::new(
                (limits::OPTIONS_SOURCES, limits::OPTIONS_PER_SOURCE_AND_S),
                limits::OPTIONS_PER_S,
                random.next_u64(),
            ),
            random,
            mint,
            call_id_prefix: mint.prefix(shard),
            contact: format!("<sip:{}>", config.local),
            transactions: Table::new(transactions_max),
            dialogs: SlotMap::with_key(),
            calls: BTreeMap::new(),
            registrations: SlotMap::with_key(),
            pings: BTreeMap::new(),
            pings_made: 0,
            orphans: BTreeMap::new(),
            orphans_made: 0,
            stray_orphans: 0,
            strays: BTreeMap::new(),
            strays_by_age: VecDeque::new(),
            strays_allowed: Allowance::new(limits::STRAYS_PER_S),
            refusals_allowed: Allowance::new(limits::REFUSALS_PER_S),
            read_at: Instant::ZERO,
            at_work: AtWork::default(),
            #[cfg(any(test, feature = "fault-injection"))]
            planted: None,
            #[cfg(test)]
            farewell_fails: false,
            timers: TimerWheel::new(),
            outputs: VecDeque::new(),
            drops: Drops::default(),
            config,
        }
    }

    /// Fires every timer that is due by `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((_, due)) = self.timers.pop_expired(now) {
            match due {
                Due::Transaction(id, letter) => {
                    self.work_on_transaction(id);
                    if let Some(transaction) = self.transactions.get_mut(id) {
                        transaction.timers[letter.place()] = None;
                        self.drive(now, id, Input::Timer(letter), None);
                    }
                }
                Due::Dialog(id, clock) => {
                    self.at_work = AtWork { dialog: Some(id), transaction: None };
                    if let Some(dialog) = self.dialogs.get_mut(id) {
                        dialog.clocks[clock as usize] = None;
                        self.dialog_timeout(now, id, clock);
                    }
                }
                Due::Registration(id) => {
                    self.at_work = AtWork::default();
                    self.registration_timeout(now, id);
                }
            }
        }
        self.at_work = AtWork::default();
    }

    /// When to call `handle_timeout` next; `None` while nothing waits.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.poll_timeout()
    }

    /// Next thing to send or to tell; call until `None` after each input.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// True while `poll_output` has more to give.
    pub fn has_output(&self) -> bool {
        !self.outputs.is_empty()
    }

    /// Plants a fault: the next message that belongs to `dialog` makes the endpoint panic, once.
    #[cfg(any(test, feature = "fault-injection"))]
    pub fn plant_fault(&mut self, dialog: DialogId) {
        self.planted = Some(dialog);
    }

    /// What a BYE of this dialog needs; for the CDR. `None` for a stale id.
    pub fn identity(&self, dialog: DialogId) -> Option<crate::DialogIdentity> {
        self.dialogs.get(dialog).map(crate::DialogIdentity::of)
    }

    /// Live objects.
    pub fn counts(&self) -> Counts {
        Counts {
            dialogs: self.dialogs.len(),
            transactions: self.transactions.len(),
            timers: self.timers.len(),
            registrations: self.registrations.len(),
        }
    }

    /// Datagrams that led to nothing, since the endpoint began.
    pub fn drops(&self) -> Drops {
        self.drops
    }

    fn dialog_timeout(&mut self, now: Instant, id: DialogId, clock: Clock) {
        match clock {
            Clock::Ring => self.ring_limit(now, id),
            Clock::Cancel => self.cancel_limit(now, id),
            Clock::Refresh => self.refresh_provisional(now, id),
            Clock::Repeat => self.repeat_2xx(now, id),
            Clock::Acknowledgement => self.acknowledgement_limit(now, id),
            Clock::Glare => self.try_reoffer(now, id),
            Clock::Age => {
                self.bye(now, id, None, Cause::new(None, Cause::AGE_LIMIT, crate::types::Whose::Us));
            }
        }
    }

    /// Feeds one machine and does what it says. `response` goes with `Input::Response`.
    fn drive(&mut self, now: Instant, id: TransactionId, input: Input, response: Option<(&Message, SocketAddr)>) {
        let Some(transaction) = self.transactions.get_mut(id) else { return };
        let actions = transaction.machine.handle(&self.times, input);
        let owner = transaction.owner;
        let (mut deliver, mut timed_out, mut ended) = (false, false, false);
        for action in actions.iter() {
            match action {
                Action::Send if transaction.message.is_empty() => {}
                Action::Send => {
                    self.outputs.push_back(Output::Datagram { to: transaction.to, bytes: transaction.message.clone() })
                }
                Action::SendAck => {
                    if let Some(bytes) = response.and_then(|(response, _)| refusal_ack(&transaction.message, response))
                    {
                        self.outputs.push_back(Output::Datagram { to: transaction.to, bytes });
                    }
                }
                Action::Deliver => deliver = true,
                Action::TimedOut => timed_out = true,
                Action::Arm(letter, after) => {
                    let place = &mut transaction.timers[letter.place()];
                    if let Some(old) = place.take() {
                        self.timers.cancel(old);
                    }
                    *place = Some(self.timers.insert(now + after, Due::Transaction(id, letter)));
                }
                Action::Quiet => {
                    if let Some(old) = transaction.timers[0].take() {
                        self.timers.cancel(old);
                    }
                }
                Action::End => ended = true,
            }
        }
        if ended {
            self.drop_transaction(id);
        }
        if deliver && let Some((response, source)) = response {
            self.deliver(now, id, owner, response, source);
        }
        if timed_out {
            self.transaction_timeout(now, owner);
        }
    }

    /// A response has come for the owner of a client transaction.
    fn deliver(&mut self, now: Instant, id: TransactionId, owner: Owner, response: &Message, source: SocketAddr) {
        match owner {
            Owner::Invite(dialog) => self.invite_response(now, dialog, id, response, source),
            Owner::Reinvite(dialog) => self.reinvite_response(now, dialog, id, response, source),
            Owner::Register(registration) => self.register_response(now, registration, response),
            Owner::Options(options) => self.options_response(now, options, response.code().unwrap_or_default()),
            Owner::Orphan(orphan) => self.orphan_response(orphan, response.code()),
            Owner::Incoming(_) | Owner::Reoffer(_) | Owner::Nobody => {}
        }
    }

    /// A transaction has waited long enough.
    fn transaction_timeout(&mut self, now: Instant, owner: Owner) {
        match owner {
            Owner::Invite(dialog) => self.invite_timeout(dialog),
            Owner::Reinvite(dialog) => self.reinvite_timeout(now, dialog),
            Owner::Incoming(dialog) => self.answer_limit(now, dialog),
            Owner::Reoffer(dialog) => self.reoffer_limit(now, dialog),
            Owner::Register(registration) => self.register_timeout(now, registration),
            Owner::Options(options) => self.options_response(now, options, 408),
            Owner::Orphan(orphan) => self.orphan_response(orphan, None),
            Owner::Nobody => {}
        }
    }

    /// Takes a transaction away with its timers.
    fn drop_transaction(&mut self, id: TransactionId) {
        if let Some(transaction) = self.transactions.remove(id) {
            for timer in transaction.timers.into_iter().flatten() {
                self.timers.cancel(timer);
            }
        }
    }

    /// Sends a request in a new client transaction.
    fn start(&mut self, now: Instant, machine: Machine, owner: Owner, request: Request) -> TransactionId {
        let key = Key::client(request.branch.as_bytes(), request.method);
        let id = self.transactions.insert(Transaction::new(machine, owner, request.to, request.bytes, key));
        self.drive(now, id, Input::Start, None);
        id
    }

    /// A fresh branch, unguessable and unique (RFC 3261 §8.1.1.7): 80 random bits.
    fn branch(&mut self) -> String {
        format!("z9hG4bK{}", self.random.token(16))
    }

    fn via(&self, branch: &str) -> String {
        format!("SIP/2.0/UDP {};branch={branch};rport", self.config.local)
    }

    /// Sends bytes that no transaction watches over.
    fn send(&mut self, to: SocketAddr, bytes: Vec<u8>) {
        self.outputs.push_back(Output::Datagram { to, bytes });
    }

    fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    /// Sets the dialog's timer for `clock`, in place of an older one.
    fn arm(&mut self, now: Instant, id: DialogId, clock: Clock, after: Duration) {
        if let Some(dialog) = self.dialogs.get_mut(id) {
            let place = &mut dialog.clocks[clock as usize];
            if let Some(old) = place.take() {
                self.timers.cancel(old);
            }
            *place = Some(self.timers.insert(now + after, Due::Dialog(id, clock)));
        }
    }

    fn disarm(&mut self, id: DialogId, clock: Clock) {
        if let Some(old) = self.dialogs.get_mut(id).and_then(|dialog| dialog.clocks[clock as usize].take()) {
            self.timers.cancel(old);
        }
    }

    /// Adds a dialog and makes it findable.
    fn add_dialog(&mut self, dialog: Dialog) -> DialogId {
        let key = (dialog.line.call_id.clone(), dialog.local_tag.clone());
        let id = self.dialogs.insert(dialog);
        self.calls.insert(key, id);
        id
    }

    /// Takes a dialog away with its timers. Every caller emits its last event right after.
    fn remove_dialog(&mut self, id: DialogId) -> Option<Dialog> {
        let mut dialog = self.dialogs.remove(id)?;
        for timer in dialog.clocks.iter_mut().take(CLOCKS).filter_map(Option::take) {
            self.timers.cancel(timer);
        }
        self.calls.remove(&(dialog.line.call_id.clone(), dialog.local_tag.clone()));
        Some(dialog)
    }

    /// Ends a dialog that was never answered.
    fn fail(&mut self, id: DialogId, cause: Cause) {
        if self.remove_dialog(id).is_some() {
            self.tell(Event::Failed { dialog: id, cause });
        }
    }

    /// The dialog, or why not.
    fn dialog(&mut self, id: DialogId) -> Result<&mut Dialog, Refusal> {
        self.dialogs.get_mut(id).ok_or(Refusal::Stale)
    }
}

/// A request ready to be sent.
struct Request {
    method: &'static str,
    branch: String,
    to: SocketAddr,
    bytes: Vec<u8>,
}

/// The ACK of a non-2xx response (RFC 3261 §17.1.1.3): the INVITE's own Request-URI, Via, Route and From, the
/// response's To.
fn refusal_ack(invite: &[u8], response: &Message) -> Option<Vec<u8>> {
    follow_up(invite, "ACK", response.header(wire::sip::HeaderName::To)?).map(Builder::finish)
}

/// An ACK or CANCEL that belongs to `invite`, a message of ours: the same top Via and the same route (RFC 3261 §9.1).
fn follow_up(invite: &[u8], method: &str, to: &[u8]) -> Option<Builder> {
    use wire::sip::HeaderName as H;
    let invite = Message::parse_datagram(invite).ok()?;
    let mut builder = Builder::request(method, &String::from_utf8_lossy(invite.request_uri()?));
    builder = builder.header("Via", invite.header(H::Via)?).header("Max-Forwards", "70");
    for route in invite.headers(H::Route) {
        builder = builder.header("Route", route);
    }
    builder = builder.header("From", invite.header(H::From)?).header("To", to);
    let (sequence, _) = invite.cseq()?;
    Some(builder.header("Call-ID", invite.call_id()?).header("CSeq", format!("{sequence} {method}")))
}
