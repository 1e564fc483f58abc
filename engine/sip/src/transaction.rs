//! The four transaction machines of RFC 3261 §17, as RFC 6026 mended the INVITE pair (state Accepted, timers L, M).
//!
//! A machine knows no bytes and no addresses: it is told what happened and says what to do. The endpoint keeps the
//! message to send, the timers and the owner beside it. Every state has a lifetime timer, so no transaction can stay
//! for ever; where the RFC has none (a provisional answer and then silence) timer C bounds it.

mod client_invite;
mod client_other;
mod server_invite;
mod server_other;
mod table;

pub(crate) use client_invite::ClientInvite;
pub(crate) use client_other::ClientOther;
pub(crate) use server_invite::ServerInvite;
pub(crate) use server_other::ServerOther;
pub(crate) use table::{Acknowledgement, Key, Owner, Table, Transaction, TransactionId};

use base::Duration;

/// T1, T2 and T4 of RFC 3261, appendix A.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) t1: Duration,
    pub(crate) t2: Duration,
    pub(crate) t4: Duration,
}

impl Times {
    /// 64 × T1: the lifetime of timers B, F, H, J, L, M.
    pub(crate) fn lifetime(&self) -> Duration {
        self.t1 * 64
    }
    /// Doubles an interval up to T2.
    pub(crate) fn doubled(&self, interval: Duration) -> Duration {
        (interval * 2).min(self.t2)
    }
}

/// The RFC's timer letters. A, E, G repeat a message; the others bound a state, one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Letter {
    A,
    B,
    C,
    D,
    E,
    F,
    G,
    H,
    I,
    J,
    K,
    L,
    M,
}

impl Letter {
    /// Index of the letter's place among a transaction's two timers: 0 repeats, 1 bounds.
    pub(crate) fn place(self) -> usize {
        usize::from(!matches!(self, Letter::A | Letter::E | Letter::G))
    }
}

/// What happens to a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// It was just made.
    Start,
    /// A response with this code came (client).
    Response(u16),
    /// The request came again (server).
    Request,
    /// The ACK of a non-2xx final response came (INVITE server).
    Ack,
    /// The user of the transaction sends a response with this code (server); its bytes are stored already.
    Reply(u16),
    /// A timer fired.
    Timer(Letter),
}

/// What the endpoint must do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send the stored message (the request of a client, the last response of a server).
    Send,
    /// Send the ACK of a non-2xx final response.
    SendAck,
    /// Hand the response to the transaction's owner.
    Deliver,
    /// Tell the owner that nothing came in time.
    TimedOut,
    /// Set a timer; it takes the place of an older one of its kind.
    Arm(Letter, Duration),
    /// Stop repeating.
    Quiet,
    /// The transaction is over.
    End,
}

/// At most this many actions follow one input: the longest list below is stop, send, deliver, set a timer.
const ACTIONS_MAX: usize = 4;

/// A short list of actions without allocation.
#[derive(Debug, Default)]
pub(crate) struct Actions {
    list: [Option<Action>; ACTIONS_MAX],
    len: usize,
}

impl Actions {
    pub(crate) fn push(&mut self, action: Action) {
        self.list[self.len] = Some(action);
        self.len += 1;
    }
    pub(crate) fn iter(&self) -> impl Iterator<Item = Action> + '_ {
        self.list.iter().flatten().copied()
    }
}

/// One of the four machines.
#[derive(Debug)]
pub(crate) enum Machine {
    ClientInvite(ClientInvite),
    ClientOther(ClientOther),
    ServerInvite(ServerInvite),
    ServerOther(ServerOther),
}

impl Machine {
    /// True for a non-INVITE request of ours that has no final response yet.
    pub(crate) fn is_unanswered(&self) -> bool {
        matches!(self, Machine::ClientOther(machine) if machine.is_unanswered())
    }

    pub(crate) fn handle(&mut self, times: &Times, input: Input) -> Actions {
        let mut actions = Actions::default();
        match self {
            Machine::ClientInvite(machine) => machine.handle(times, input, &mut actions),
            Machine::ClientOther(machine) => machine.handle(times, input, &mut actions),
            Machine::ServerInvite(machine) => machine.handle(times, input, &mut actions),
            Machine::ServerOther(machine) => machine.handle(times, input, &mut actions),
        }
        actions
    }
}

#[cfg(test)]
mod tests;
