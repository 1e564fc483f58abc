//! All transactions of one endpoint, found by the bytes that name them on the wire (RFC 3261 §17.1.3, §17.2.3).

use super::Machine;
use crate::types::{DialogId, OptionsId, RegistrationId};
use base::TimerKey;
use slotmap::SlotMap;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use wire::sip::{HeaderName, Message};

slotmap::new_key_type! {
    /// Names one transaction; stale ids are harmless.
    pub(crate) struct TransactionId;
}

/// Every branch of RFC 3261 starts with this cookie; without it the peer speaks RFC 2543.
pub(crate) const COOKIE: &[u8] = b"z9hG4bK";

/// Who is told about a transaction's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Our first INVITE of a dialog.
    Invite(DialogId),
    /// Our re-INVITE.
    Reinvite(DialogId),
    /// The peer's first INVITE.
    Incoming(DialogId),
    /// The peer's re-INVITE.
    Reoffer(DialogId),
    /// Our REGISTER.
    Register(RegistrationId),
    /// Our ping.
    Options(OptionsId),
    /// Our BYE for a call of a process that is gone.
    Orphan(u64),
    /// Our BYE or CANCEL, or a request that was answered at once: nobody waits.
    Nobody,
}

/// What a message must have in common with a transaction to belong to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(Box<[u8]>);

impl Key {
    /// A client transaction: its branch and method.
    pub(crate) fn client(branch: &[u8], method: &str) -> Key {
        Key([b"c\0", branch, b"\0", method.as_bytes()].concat().into())
    }

    /// The server transaction that a request of `method` with this one's Via belongs to. `None` without a readable Via.
    pub(crate) fn server(message: &Message, method: &str) -> Option<Key> {
        let value = message.header(HeaderName::Via)?;
        let via = message.top_via().ok()?;
        let port = via.port.unwrap_or(5060).to_be_bytes();
        if let Some(branch) = via.branch().filter(|branch| branch.starts_with(COOKIE)) {
            let host = via.host.to_ascii_lowercase();
            return Some(Key([b"s\0", branch, b"\0", &host, &port, b"\0", method.as_bytes()].concat().into()));
        }
        // RFC 2543: the same Via, Call-ID, CSeq number and From tag. The To tag is left out, so the ACK matches too.
        let (sequence, _) = message.cseq()?;
        let from = message.from().ok()?;
        let parts: [&[u8]; 9] = [
            b"o\0",
            value,
            b"\0",
            message.call_id()?,
            b"\0",
            from.tag().unwrap_or_default(),
            b"\0",
            &sequence.to_be_bytes(),
            method.as_bytes(),
        ];
        Some(Key(parts.concat().into()))
    }
}

/// The ACK of one answer to an INVITE, kept so that a repeated answer gets the same ACK again.
#[derive(Debug)]
pub(crate) struct Acknowledgement {
    /// To tag of the answer.
    pub(crate) tag: Vec<u8>,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) machine: Machine,
    pub(crate) owner: Owner,
    /// Where the request goes, or the responses.
    pub(crate) to: SocketAddr,
    /// The request (client) or the last response (server; empty before the first).
    pub(crate) message: Vec<u8>,
    /// Of an INVITE client: one for each branch that answered, at most [`crate::limits::ANSWERS_MAX`].
    pub(crate) acknowledgements: Vec<Acknowledgement>,
    /// The repeating and the bounding timer, see `Letter::place`.
    pub(crate) timers: [Option<TimerKey>; 2],
    key: Key,
}

impl Transaction {
    pub(crate) fn new(machine: Machine, owner: Owner, to: SocketAddr, message: Vec<u8>, key: Key) -> Self {
        Transaction { machine, owner, to, message, acknowledgements: Vec::new(), timers: [None; 2], key }
    }

    /// True while an INVITE has no final response yet, either way.
    pub(crate) fn is_open(&self) -> bool {
        match &self.machine {
            Machine::ClientInvite(machine) => machine.is_open(),
            Machine::ServerInvite(machine) => machine.is_open(),
            Machine::ClientOther(_) | Machine::ServerOther(_) => false,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Table {
    transactions: SlotMap<TransactionId, Transaction>,
    by_key: BTreeMap<Key, TransactionId>,
    limit: usize,
}

impl Table {
    pub(crate) fn new(limit: usize) -> Self {
        Table { transactions: SlotMap::with_key(), by_key: BTreeMap::new(), limit }
    }
    pub(crate) fn len(&self) -> usize {
        self.transactions.len()
    }
    pub(crate) fn is_full(&self) -> bool {
        self.transactions.len() >= self.limit
    }
    /// Adds a transaction whose key is new; the caller has looked for it and for room.
    pub(crate) fn insert(&mut self, transaction: Transaction) -> TransactionId {
        let key = transaction.key.clone();
        let id = self.transactions.insert(transaction);
        self.by_key.insert(key, id);
        id
    }
    pub(crate) fn find(&self, key: &Key) -> Option<TransactionId> {
        self.by_key.get(key).copied()
    }
    /// The peer's INVITEs without a final response that belong to one of these.
    pub(crate) fn open_servers(&self, of: impl Fn(Owner) -> bool) -> Vec<TransactionId> {
        let open = |transaction: &Transaction| {
            matches!(&transaction.machine, Machine::ServerInvite(machine) if machine.is_open()) && of(transaction.owner)
        };
        self.transactions.iter().filter(|(_, transaction)| open(transaction)).map(|(id, _)| id).collect()
    }
    pub(crate) fn get(&self, id: TransactionId) -> Option<&Transaction> {
        self.transactions.get(id)
    }
    pub(crate) fn get_mut(&mut self, id: TransactionId) -> Option<&mut Transaction> {
        self.transactions.get_mut(id)
    }
    pub(crate) fn remove(&mut self, id: TransactionId) -> Option<Transaction> {
        let transaction = self.transactions.remove(id)?;
        self.by_key.remove(&transaction.key);
        Some(transaction)
    }
}
