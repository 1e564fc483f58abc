//! Calls that a process before this one has left behind: ended by BYE, from what it has recorded (`end_orphan`), or from
//! an answer that comes in when nobody waits for it any more (`stray_2xx`).
//!
//! ```text
//!  DialogIdentity ─────────────────────────────> BYE, repeated as usual ──┐
//!  2xx of an INVITE that we do not know of,                               ├─> OrphanEnded
//!  its Call-ID from our mint ──> ACK and BYE, paid for by its bytes ──────┘
//! ```
//!
//! The second way is open to whoever sends us a forged 2xx. So all that goes out, repetitions of the BYE included, is at
//! most two and a half times as long as what came in ([`STRAY_REPLY_SHARE`]), goes to where that came from (the adjacent
//! hop, whatever Contact and Record-Route name; the Route headers are written all the same), and so many a second. Each
//! further copy of the 2xx pays for one more ACK and BYE by its own length. Strays never hold more than half of the places
//! for BYEs, so the calls on record are ended beside any flood of them.

use super::{Endpoint, Request};
use crate::dialog::Line;
use crate::identity::DialogIdentity;
use crate::limits;
use crate::transaction::{ClientOther, Machine, Owner, TransactionId};
use crate::types::{Event, Refusal};
use base::Instant;
use std::net::SocketAddr;
use wire::sip::Message;

/// The CSeq of an orphan's BYE is so much higher than the last one recorded: re-INVITEs (hold, and hold again) may have
/// used numbers after that. A hundred of them in a call is beyond what anybody does, and a gap is lawful (RFC 3261
/// §12.2.1.1 asks for a higher number, not for the next).
pub(super) const CSEQ_JUMP: u32 = 100;

/// ACK and BYEs together are at most two and a half times as long as the 2xx that made us send them. (They repeat its
/// From, To, Call-ID, Contact and route; a 2xx brings SDP besides, so it usually pays for three or four BYEs.)
const STRAY_REPLY_SHARE: (usize, usize) = (5, 2);

/// A BYE for a call that is not ours any more, until it is answered or 64 × T1 have passed.
pub(super) struct Orphan {
    call_id: String,
    /// Brought about by a stray 2xx and not by a record.
    stray: bool,
}

/// A 2xx that nobody waited for, kept for [`limits::STRAY_MEMORY`].
pub(super) struct Stray {
    at: Instant,
    acknowledgement: Vec<u8>,
    bye: TransactionId,
}

/// Call-ID and To tag.
pub(super) type StrayKey = (Vec<u8>, Vec<u8>);

impl Endpoint {
    /// Ends a call of a process that is gone: BYE, repeated like any request, with a CSeq beyond all that it can have
    /// used. [`Event::OrphanEnded`] follows.
    ///
    /// # Errors
    /// `Invalid` when the identity would not make a legal message, `Full` when too many are under way: try again later.
    pub fn end_orphan(&mut self, now: Instant, identity: &DialogIdentity) -> Result<(), Refusal> {
        // First, since whoever waits for a place asks again and again.
        if self.orphans.len() >= limits::ORPHANS_MAX || self.transactions.is_full() {
            return Err(Refusal::Full);
        }
        let line = identity.line().ok_or(Refusal::Invalid("dialog identity"))?;
        // RFC 3261 §8.1.1.5: a sequence number is less than 2³¹.
        let sequence = identity.local_cseq.saturating_add(CSEQ_JUMP).min(i32::MAX as u32);
        let to = line.hop();
        self.orphan_bye(now, &line, to, sequence, (ClientOther::new(&self.times), false));
        Ok(())
    }

    fn orphan_bye(
        &mut self,
        now: Instant,
        line: &Line,
        to: SocketAddr,
        sequence: u32,
        (machine, stray): (ClientOther, bool),
    ) -> TransactionId {
        let branch = self.branch();
        let (builder, _) = line.request(&self.via(&branch), "BYE", sequence);
        let bytes = builder.header("User-Agent", &self.config.user_agent).finish();
        self.orphans_made += 1;
        let call_id = String::from_utf8_lossy(&line.call_id).into_owned();
        self.orphans.insert(self.orphans_made, Orphan { call_id, stray });
        self.stray_orphans += usize::from(stray);
        let request = Request { method: "BYE", branch, to, bytes };
        self.start(now, Machine::ClientOther(machine), Owner::Orphan(self.orphans_made), request)
    }

    /// The answer to an orphan's BYE; `None` when there was none.
    pub(super) fn orphan_response(&mut self, id: u64, code: Option<u16>) {
        if code.is_none_or(|code| code >= 200)
            && let Some(orphan) = self.orphans.remove(&id)
        {
            self.stray_orphans -= usize::from(orphan.stray);
            self.tell(Event::OrphanEnded { call_id: orphan.call_id, code });
        }
    }

    /// A 2xx for an INVITE that no transaction knows. True when it was ours to end: the process before this one made its
    /// Call-ID, and the peer answered when that process was gone. It gets its ACK (RFC 3261 §13.2.2.4) and a BYE.
    pub(super) fn stray_2xx(&mut self, now: Instant, response: &Message, length: usize, source: SocketAddr) -> bool {
        let Some(call_id) = response.call_id().filter(|call_id| self.mint.shard_of(call_id).is_some()) else {
            return false;
        };
        let Some(to_tag) = response.to().ok().and_then(|to| to.tag()) else { return false };
        let ours =
            response.from().ok().and_then(|from| from.tag()).and_then(|tag| String::from_utf8(tag.to_vec()).ok());
        if ours.is_none_or(|tag| self.calls.contains_key(&(call_id.to_vec(), tag))) {
            // A late copy for a call that lives: it has had its ACK.
            return false;
        }
        self.forget_strays(now);
        let key = (call_id.to_vec(), to_tag.to_vec());
        if !self.strays_allowed.take(now) {
            self.drops.limited += 1;
            return true;
        }
        if let Some(stray) = self.strays.get(&key) {
            // Our ACK was lost, and the BYE perhaps with it.
            let acknowledgement = stray.acknowledgement.clone();
            let bye =
                self.transactions.get(stray.bye).filter(|bye| bye.machine.is_unanswered()).map(|bye| &bye.message);
            let bye = bye.cloned();
            // This copy pays for what it brings about, too: a short one would make an amplifier of the long one before it.
            let (share, of) = STRAY_REPLY_SHARE;
            if (acknowledgement.len() + bye.as_ref().map_or(0, Vec::len)) * of > length * share {
                self.drops.limited += 1;
                return true;
            }
            self.send(source, acknowledgement);
            if let Some(bye) = bye {
                self.send(source, bye);
            }
            return true;
        }
        if self.orphans.len() >= limits::ORPHANS_MAX
            || self.stray_orphans >= limits::STRAY_ORPHANS_MAX
            || self.strays.len() >= limits::STRAYS_MAX
            || self.transactions.is_full()
        {
            self.drops.limited += 1;
            return true;
        }
        let Some((line, (sequence, _))) = Line::from_response(response, source).zip(response.cseq()) else {
            return false;
        };
        let branch = self.branch();
        let (builder, _) = line.request(&self.via(&branch), "ACK", sequence);
        let acknowledgement = builder.header("User-Agent", &self.config.user_agent).finish();
        // The BYE has the ACK's form and may have one digit more in its CSeq.
        let each = acknowledgement.len() + 1;
        let (share, of) = STRAY_REPLY_SHARE;
        let affordable = length * share / of / each;
        if affordable < 2 {
            self.drops.limited += 1;
            return true;
        }
        // Wherever its Contact and Record-Route point: a forged 2xx must not choose a victim by them.
        self.send(source, acknowledgement.clone());
        let machine = ClientOther::limited(&self.times, affordable - 2);
        let bye = self.orphan_bye(now, &line, source, sequence.saturating_add(1), (machine, true));
        self.strays_by_age.push_back(key.clone());
        self.strays.insert(key, Stray { at: now, acknowledgement, bye });
        true
    }

    fn forget_strays(&mut self, now: Instant) {
        while let Some(key) = self.strays_by_age.front() {
            if self.strays.get(key).is_some_and(|stray| now.since(stray.at) < limits::STRAY_MEMORY) {
                return;
            }
            self.strays.remove(key);
            self.strays_by_age.pop_front();
        }
    }
}
