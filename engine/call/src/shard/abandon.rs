//! Panic isolation, the brain's half: the shard remembers whose work it is doing, and can discard that leg without
//! trusting its state. The driver catches the unwinding panic (docs/adr/0006-panic-isolation.md).

use super::{Shard, Timer};
use crate::api::{Event, INTERNAL_FAULT, Output, PeerMessage};
use crate::leg::{Leg, LegKey};
use base::{Instant, LegId};
use sip::{Cause, DialogId, Whose};

/// Whose work is being done, and what of it stands in no table at this moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AtWork {
    pub(super) leg: Option<LegId>,
    /// The control plane knows of `leg` and waits for its end, although it is not in the tables.
    pub(super) owed: bool,
    /// Lent to no leg yet.
    pub(super) port: Option<u16>,
    /// Belongs to no leg yet.
    pub(super) dialog: Option<DialogId>,
}

impl Shard {
    /// Work for a leg, or for nobody yet, begins.
    pub(super) fn work_on(&mut self, leg: Option<LegId>) {
        self.at_work = AtWork { leg, ..AtWork::default() };
    }

    /// To be called when a panic that went through `handle_…` was caught: discards the leg that was being worked on. Its
    /// timers go, its port comes back, its partner goes on alone, its far end gets BYE, CANCEL or 500 if what is known of
    /// it can still be read, and exactly one `Event::Ended` follows, with [`INTERNAL_FAULT`]. Answers which leg that was;
    /// `None` when the work belonged to no leg: then only the input at hand is lost. What the far end is told comes with
    /// the outputs after the next `handle_timeout`, which is due at once.
    ///
    /// # Panics
    /// When a table of the shard itself is broken. Then the shard cannot go on.
    pub fn abandon_current(&mut self, now: Instant) -> Option<LegId> {
        let at_work = std::mem::take(&mut self.at_work);
        let by_dialog = at_work.dialog.or(self.endpoint.at_work());
        let key = match at_work.leg {
            Some(id) => self.by_id.get(&id).copied(),
            None => by_dialog.and_then(|dialog| self.by_dialog.get(dialog)).copied(),
        };
        let of_leg = key.and_then(|key| self.by_dialog.iter().find(|(_, of)| **of == key)).map(|(dialog, _)| dialog);
        self.endpoint.abandon(now, of_leg.or(by_dialog));
        let leg = key.and_then(|key| self.discard(now, key));
        if let Some(port) = at_work.port {
            self.ports.give_back(now, port);
        }
        // A leg whose removal was interrupted stands in no table any more, and its end is still owed.
        let owed = at_work.leg.filter(|_| at_work.owed);
        let id = leg.as_ref().map(|leg| leg.id).or(owed)?;
        let answered = leg.is_some_and(|leg| leg.answered_at.is_some());
        let cause = Cause::new(None, INTERNAL_FAULT, Whose::Us);
        self.event(Event::Ended { leg: id, cause, answered, media: None });
        Some(id)
    }

    /// Takes a leg out of every table, searching them all.
    fn discard(&mut self, now: Instant, key: LegKey) -> Option<Leg> {
        let leg = self.legs.remove(key);
        self.by_id.retain(|_, of| *of != key);
        self.by_dialog.retain(|_, of| *of != key);
        for (half, of) in self.by_port.iter_mut().enumerate() {
            if *of == Some(key) {
                *of = None;
                self.ports.give_back(now, half as u16 * 2);
            }
        }
        self.timers.retain(|timer| !matches!(timer, Timer::Tick(of) | Timer::Report(of) if *of == key));
        if let Some(leg) = &leg {
            let joined = |other: &Leg| other.partner.is_some_and(|of| of.leg == leg.id);
            let partners: Vec<LegKey> =
                self.legs.iter().filter(|(_, other)| joined(other)).map(|(key, _)| key).collect();
            for partner in partners {
                self.unbridge(partner);
            }
            if let Some(partner) = leg.partner.filter(|partner| partner.shard != self.config.shard) {
                let message = PeerMessage::Parted { from: leg.id, to: partner.leg };
                self.outputs.push_back(Output::Peer { shard: partner.shard, message });
            }
        }
        self.joined = self.legs.values().filter(|leg| leg.partner.is_some()).count();
        leg
    }

    /// The partner of `to` on another shard is gone.
    pub(super) fn parted(&mut self, from: LegId, to: LegId) {
        if let Some((key, leg)) = self.leg_mut(to)
            && leg.partner.is_some_and(|partner| partner.leg == from)
        {
            self.unbridge(key);
        }
    }
}
