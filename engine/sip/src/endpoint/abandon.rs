//! What a panic has interrupted is discarded, and the far end is told if that can still be done.
//!
//! Nothing here trusts the state of what it discards: a farewell is tried and may itself panic; then every table is
//! searched for the dialog, whatever the dialog says of its place in them. The tables themselves are trusted: a panic
//! inside of one of them ends the shard (see docs/adr/0006-panic-isolation.md).

use super::{Due, Endpoint};
use crate::dialog::Phase;
use crate::transaction::{Key, Owner, TransactionId};
use crate::types::DialogId;
use base::Instant;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wire::sip::Message;

/// Reason header of a farewell (RFC 3326).
const REASON: &str = "SIP;cause=500;text=\"internal fault\"";

/// What the message or timer at hand is about.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AtWork {
    pub(super) dialog: Option<DialogId>,
    pub(super) transaction: Option<TransactionId>,
}

impl Owner {
    /// The dialog that a transaction belongs to.
    fn dialog(self) -> Option<DialogId> {
        match self {
            Owner::Invite(id) | Owner::Reinvite(id) | Owner::Incoming(id) | Owner::Reoffer(id) => Some(id),
            Owner::Register(_) | Owner::Options(_) | Owner::Orphan(_) | Owner::Nobody => None,
        }
    }
}

impl Endpoint {
    /// Remembers whose work begins, until the next does.
    pub(super) fn work_on_transaction(&mut self, id: TransactionId) {
        let dialog = self.transactions.get(id).and_then(|transaction| transaction.owner.dialog());
        self.at_work = AtWork { dialog, transaction: Some(id) };
    }

    pub(super) fn work_on_dialog(&mut self, id: DialogId) {
        self.at_work.dialog = Some(id);
    }

    /// The next farewell panics.
    #[cfg(test)]
    pub(crate) fn plant_fault_in_farewell(&mut self) {
        self.farewell_fails = true;
    }

    /// As if a panic had interrupted the work for a client transaction.
    #[cfg(test)]
    pub(crate) fn interrupted_at(&mut self, branch: &[u8], method: &str) {
        let id = self.transactions.find(&Key::client(branch, method)).expect("a transaction");
        self.work_on_transaction(id);
    }

    /// The dialog that the endpoint was working on when a panic interrupted it.
    pub fn at_work(&self) -> Option<DialogId> {
        self.at_work.dialog
    }

    /// Discards what the endpoint was working on, and `dialog`: the far end gets BYE (answered), CANCEL (we ring) or 500
    /// (it rings), if what is known of it can still be read. No event follows for the dialog. To be called after a panic
    /// that went through one of the endpoint's calls was caught.
    pub fn abandon(&mut self, now: Instant, dialog: Option<DialogId>) {
        let AtWork { dialog: at_work, transaction } = std::mem::take(&mut self.at_work);
        let dialog = dialog.or(at_work);
        if let Some(id) = dialog {
            // A second panic leaves the far end to its own timers.
            let _ = catch_unwind(AssertUnwindSafe(|| self.farewell(now, id, transaction)));
        }
        if let Some(id) = transaction {
            let owner = self.transactions.get(id).map(|transaction| transaction.owner);
            self.drop_transaction(id);
            self.timers.retain(|due| !matches!(due, Due::Transaction(of, _) if *of == id));
            if let Some(owner @ (Owner::Register(_) | Owner::Options(_) | Owner::Orphan(_))) = owner {
                // Else the registration would wait for ever for its answer.
                let _ = catch_unwind(AssertUnwindSafe(|| self.transaction_timeout(now, owner)));
            }
        }
        if let Some(id) = dialog {
            // Those that the farewell could not answer: their machine waits for an answer from above and never ends
            // without one.
            for open in self.transactions.open_servers(|owner| owner.dialog() == Some(id)) {
                self.drop_transaction(open);
            }
            self.dialogs.remove(id);
            self.calls.retain(|_, of| *of != id);
            self.timers.retain(|due| !matches!(due, Due::Dialog(of, _) if *of == id));
        }
    }

    /// `interrupted` is about to be dropped and must not be relied on.
    fn farewell(&mut self, now: Instant, id: DialogId, interrupted: Option<TransactionId>) {
        #[cfg(test)]
        assert!(!std::mem::take(&mut self.farewell_fails), "planted fault: farewell");
        let Some(dialog) = self.dialogs.get(id) else { return };
        match &dialog.phase {
            Phase::Established => {
                let (line, sequence) = (dialog.line.clone(), dialog.local_sequence.saturating_add(1));
                self.send_bye(now, &line, sequence, Some(REASON));
                self.refuse_reoffer(now, id, 500);
            }
            Phase::Outgoing(outgoing) => {
                // A CANCEL must wait for a provisional response (RFC 3261 §9.1): the transaction lives on and sends it
                // then (`abandoned_response`). When it does not live on, something has come in already.
                let (transaction, provisional) = (outgoing.transaction, outgoing.provisional);
                if provisional || interrupted == Some(transaction) {
                    self.cancel_invite(now, transaction, Some(REASON));
                }
            }
            Phase::Ringing(ringing) => {
                let (transaction, to) = (ringing.transaction, ringing.template.destination);
                let answer = ringing.template.response(500, &dialog.local_tag).header("Reason", REASON);
                let bytes = answer.header("Server", &self.config.user_agent).finish();
                if interrupted == Some(transaction) {
                    self.send(to, bytes);
                } else {
                    self.respond(now, transaction, to, 500, bytes);
                }
            }
        }
    }

    /// A provisional response to an INVITE whose dialog was abandoned: now its CANCEL may go.
    pub(super) fn abandoned_response(&mut self, now: Instant, transaction: TransactionId, response: &Message) {
        let branch = response.top_via().ok().and_then(|via| via.branch()).unwrap_or_default();
        if self.transactions.find(&Key::client(branch, "CANCEL")).is_none() {
            self.cancel_invite(now, transaction, Some(REASON));
        }
    }
}
