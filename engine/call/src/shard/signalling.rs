//! What the SIP room tells, and what becomes of the legs.

use super::abandon::AtWork;
use super::{Shard, Timer};
use crate::api::{Event, MEDIA_TIMEOUT, Output};
use crate::leg::{Leg, LegKey, LegMedia, State, grid_after};
use crate::offer::{self, Fault};
use base::{Instant, LegId};
use codecs::g711::Law;
use sip::{Cause, Refusal, Whose};
use wire::sdp::Direction;

/// Legs that the shard names itself (incoming ones) have the top bit set; the shard's number follows.
const INCOMING_BIT: u64 = 1 << 63;
/// Bits of the running number: 2^40 calls on one shard are 34 years at 1,000 a second.
const INCOMING_NUMBER_BITS: u32 = 40;
/// What an incoming leg may agree on, in order of preference.
const INCOMING_LAWS: [Law; 2] = [Law::Mu, Law::A];

impl Shard {
    /// Passes on what the endpoint wants sent and told; one event may make it want more.
    pub(super) fn drain_endpoint(&mut self, now: Instant) {
        loop {
            while let Some(output) = self.endpoint.poll_output() {
                self.work_on(None);
                match output {
                    sip::Output::Datagram { to, bytes } => self.outputs.push_back(Output::Sip { to, bytes }),
                    sip::Output::Event(event) => self.on_sip_event(now, event),
                }
            }
            self.end_waiting_orphans(now);
            if !self.endpoint.has_output() {
                return;
            }
        }
    }

    /// Hangs up what waits for it, as far as the endpoint has places; one comes free with each BYE that is answered or
    /// given up, which is an input that ends in a drain.
    fn end_waiting_orphans(&mut self, now: Instant) {
        // Taken out first, so that one that made us panic would not come again.
        while let Some(dialog) = self.orphans_waiting.pop_front() {
            self.work_on(None);
            match self.endpoint.end_orphan(now, &dialog) {
                Ok(()) => {}
                Err(Refusal::Full) => {
                    self.orphans_waiting.push_front(dialog);
                    return;
                }
                // Nothing that could be sent.
                Err(_) => self.event(Event::OrphanEnded { call_id: dialog.call_id, code: None }),
            }
        }
    }

    fn on_sip_event(&mut self, now: Instant, event: sip::Event) {
        let dialog = match &event {
            sip::Event::Progress { dialog, .. }
            | sip::Event::Answered { dialog, .. }
            | sip::Event::Confirmed { dialog, .. }
            | sip::Event::Failed { dialog, .. }
            | sip::Event::Ended { dialog, .. }
            | sip::Event::ReOffered { dialog, .. }
            | sip::Event::ReConfirmed { dialog, .. }
            | sip::Event::ReAnswered { dialog, .. }
            | sip::Event::ReRejected { dialog, .. } => *dialog,
            sip::Event::OptionsAnswered { options, code, round_trip, .. } => {
                return self.pinged(now, *options, *code, *round_trip);
            }
            sip::Event::OrphanEnded { call_id, code } => {
                let (call_id, code) = (call_id.clone(), *code);
                return self.event(Event::OrphanEnded { call_id, code });
            }
            sip::Event::Incoming { .. } => return self.incoming(now, event),
            _ => return self.registration_event(now, event),
        };
        let Some(&key) = self.by_dialog.get(dialog) else { return };
        self.at_work.leg = self.legs.get(key).map(|leg| leg.id);
        match event {
            sip::Event::Progress { code, sdp, .. } => self.progress(now, key, code, sdp),
            sip::Event::Answered { sdp, .. } => self.answered(now, key, sdp),
            sip::Event::Confirmed { sdp, .. } => self.confirmed(now, key, sdp),
            sip::Event::Failed { cause, .. } | sip::Event::Ended { cause, .. } => self.over(now, key, cause),
            sip::Event::ReOffered { sdp, .. } => self.reoffered(now, key, sdp),
            sip::Event::ReConfirmed { sdp: Some(sdp), .. } | sip::Event::ReAnswered { sdp: Some(sdp), .. } => {
                // An answer that cannot be read leaves the media as it was; the peer's next offer may mend it.
                let _ = self.take_answer(now, key, &sdp);
                self.send_wanted_reoffer(now, key);
            }
            sip::Event::ReRejected { .. } => {
                // The call goes on as it was: what we asked for, hold or its end, did not come about.
                if let Some(leg) = self.legs.get_mut(key)
                    && !leg.reoffer_wanted
                {
                    leg.holding = !leg.holding;
                    leg.media.heard_at = now;
                }
                self.send_wanted_reoffer(now, key);
            }
            sip::Event::ReConfirmed { .. } | sip::Event::ReAnswered { .. } => {
                self.send_wanted_reoffer(now, key);
            }
            _ => {}
        }
    }

    fn incoming(&mut self, now: Instant, event: sip::Event) {
        let sip::Event::Incoming { dialog, source, from_user, to_user, from_display, call_id, sdp } = event else {
            return;
        };
        self.at_work.dialog = Some(dialog);
        if sdp.as_deref().is_some_and(|sdp| offer::check(sdp, &INCOMING_LAWS).is_err()) {
            let _ = self.endpoint.reject(now, dialog, 488, None);
            return;
        }
        let port = if self.full() { None } else { self.ports.take(now) };
        let Some(port) = port else {
            // RFC 3261 §21.5.4: ask for patience; a port comes free within the rest of a call, a few seconds.
            let _ = self.endpoint.reject(now, dialog, 503, Some(5));
            return;
        };
        self.at_work.port = Some(port);
        self.incoming_count += 1;
        let number = self.config.shard.0 << INCOMING_NUMBER_BITS | self.incoming_count;
        let id = LegId(INCOMING_BIT | number);
        let media = LegMedia::new(port, &mut self.seed.stream("leg-media", id.0));
        let mut leg = Leg::new(id, dialog, true, INCOMING_LAWS.to_vec(), media);
        leg.offered = sdp;
        self.admit(leg);
        self.event(Event::Incoming { leg: id, from_user, from_display, to_user, source, call_id });
    }

    fn progress(&mut self, now: Instant, key: LegKey, code: u16, sdp: Option<Vec<u8>>) {
        let early_media = sdp.is_some_and(|sdp| self.take_answer(now, key, &sdp).is_ok());
        let Some(leg) = self.legs.get_mut(key) else { return };
        leg.media.heard_at = now;
        // Who wants no answer detection listens to nothing.
        if let Some(listen) = leg.analyse.as_ref().filter(|_| early_media && leg.media.analysis.is_none()) {
            leg.media.analyse_early(now, listen);
        }
        let leg = leg.id;
        self.event(Event::Progress { leg, code, early_media });
    }

    fn answered(&mut self, now: Instant, key: LegKey, sdp: Option<Vec<u8>>) {
        if let Some(sdp) = sdp {
            // The 2xx's answer counts even after an early one: with forks it may be another branch's.
            let _ = self.take_answer(now, key, &sdp);
        }
        let Some(leg) = self.legs.get_mut(key) else { return };
        if leg.state == State::Ending {
            // It crossed our CANCEL and ends at once; the call was answered all the same, and its record says so.
            leg.answered_at = Some(now);
            return self.tell_answered(now, key);
        }
        if leg.media.negotiated.is_none() {
            return self.hang_up(now, key, "no common codec");
        }
        self.up(now, key);
    }

    fn confirmed(&mut self, now: Instant, key: LegKey, sdp: Option<Vec<u8>>) {
        if let Some(sdp) = sdp {
            let _ = self.take_answer(now, key, &sdp);
        }
        let Some(leg) = self.legs.get_mut(key) else { return };
        if leg.state != State::Answering {
            return;
        }
        if leg.media.negotiated.is_none() {
            return self.hang_up(now, key, "no answer to our offer");
        }
        self.up(now, key);
    }

    /// The leg is up, either way.
    fn up(&mut self, now: Instant, key: LegKey) {
        #[cfg(any(test, feature = "fault-injection"))]
        self.plant_in_dialog(key);
        let Some(leg) = self.legs.get_mut(key) else { return };
        leg.state = State::Answered;
        leg.answered_at = Some(now);
        if let Some(listen) = leg.analyse.take() {
            leg.media.analyse(now, &listen);
        }
        self.start_media(now, key);
        self.tell_answered(now, key);
    }

    /// With what was agreed on; an answer that nothing can be heard of is not told.
    fn tell_answered(&mut self, now: Instant, key: LegKey) {
        let Some(leg) = self.legs.get(key) else { return };
        let law = leg.media.negotiated.as_ref().map(|agreed| agreed.law);
        if let (Some(identity), Some(law)) = (self.endpoint.identity(leg.dialog), law) {
            self.event(Event::Answered { leg: leg.id, at: now, law, dialog: Box::new(identity) });
        }
    }

    /// Starts the outgoing grid, once.
    pub(super) fn start_media(&mut self, now: Instant, key: LegKey) {
        let Some(leg) = self.legs.get_mut(key) else { return };
        leg.media.heard_at = now;
        if leg.media.tick.is_some() {
            return;
        }
        leg.media.due = grid_after(now, leg.id);
        leg.media.tick = Some(self.timers.insert(leg.media.due, Timer::Tick(key)));
        let report_at = leg.media.session.next_report_at(now);
        leg.media.report = Some(self.timers.insert(report_at, Timer::Report(key)));
    }

    /// The dialog has ended: the leg goes, its port comes back, the control plane is told.
    fn over(&mut self, now: Instant, key: LegKey, cause: sip::Cause) {
        self.stop_media(key);
        self.set_partner(key, None);
        let Some(leg) = self.legs.remove(key) else { return };
        self.at_work = AtWork { leg: Some(leg.id), owed: true, ..AtWork::default() };
        self.by_id.remove(&leg.id);
        self.by_dialog.remove(leg.dialog);
        self.by_port[usize::from(leg.media.port / 2)] = None;
        self.ports.give_back(now, leg.media.port);
        let cause = leg.cause.unwrap_or(cause);
        let media = leg.media.negotiated.is_some().then(|| leg.media.session.stats());
        self.event(Event::Ended { leg: leg.id, cause, answered: leg.answered_at.is_some(), media });
    }

    fn reoffered(&mut self, now: Instant, key: LegKey, sdp: Option<Vec<u8>>) {
        let Some(leg) = self.legs.get_mut(key) else { return };
        let dialog = leg.dialog;
        leg.offered = sdp;
        match self.describe_answer(now, key) {
            Ok(answer) => {
                let _ = self.endpoint.answer_reoffer(now, dialog, answer);
            }
            Err(_) => {
                let _ = self.endpoint.reject_reoffer(now, dialog, 488);
            }
        }
    }

    fn send_wanted_reoffer(&mut self, now: Instant, key: LegKey) {
        if let Some(leg) = self.legs.get_mut(key)
            && std::mem::take(&mut leg.reoffer_wanted)
        {
            self.send_reoffer(now, key);
        }
    }

    /// Our description for the offer at hand: an answer to it, or an offer of our own when there was none. A pure
    /// function of (offer, policy, state), computed anew each time.
    pub(super) fn describe_answer(&mut self, now: Instant, key: LegKey) -> Result<Vec<u8>, Fault> {
        let advertise = self.config.media_advertise;
        let Some(leg) = self.legs.get_mut(key) else { return Err(Fault::Gone) };
        let wished = if leg.holding { Direction::SendOnly } else { Direction::SendRecv };
        let events = leg.media.negotiated.as_ref().and_then(|agreed| agreed.event_payload_type);
        let description = leg.media.describe(advertise, &leg.laws, wished, events);
        let Some(offered) = leg.offered.as_deref() else {
            return Ok(description.to_bytes());
        };
        let (bytes, negotiated) = offer::answer(offered, description)?;
        self.agree(now, key, negotiated);
        Ok(bytes)
    }

    /// Reads the far end's answer to our offer.
    fn take_answer(&mut self, now: Instant, key: LegKey, sdp: &[u8]) -> Result<(), Fault> {
        let Some(leg) = self.legs.get_mut(key) else { return Err(Fault::Gone) };
        let negotiated = offer::read(sdp, &leg.laws)?;
        self.agree(now, key, negotiated);
        Ok(())
    }

    fn agree(&mut self, now: Instant, key: LegKey, mut negotiated: offer::Negotiated) {
        let Some(leg) = self.legs.get_mut(key) else { return };
        if negotiated.remote.ip().is_unspecified()
            && let Some(before) = &leg.media.negotiated
        {
            // The old way to hold names no address: the far end stays where it was.
            negotiated.remote = before.remote;
            negotiated.remote_rtcp = before.remote_rtcp;
        }
        if leg.media.negotiated.as_ref().is_none_or(|before| before.remote != negotiated.remote) {
            leg.media.session.set_remote(negotiated.remote);
            leg.media.reframer.restart();
        }
        if negotiated.receive && leg.media.negotiated.as_ref().is_none_or(|before| !before.receive) {
            // The far end speaks from now on, perhaps after a long hold: its silence counts from here.
            leg.media.heard_at = now;
        }
        let held = !negotiated.send;
        let changed = leg.held != held;
        leg.held = held;
        leg.media.negotiated = Some(negotiated);
        let id = leg.id;
        if changed {
            self.event(Event::Held { leg: id, on: held });
        }
    }

    /// RTCP for one leg, and the watch over dead media.
    pub(super) fn report(&mut self, now: Instant, key: LegKey) {
        let wall = self.anchor.wall_at(now);
        let timeout = self.config.media_timeout;
        let Some(leg) = self.legs.get_mut(key) else { return };
        self.at_work.leg = Some(leg.id);
        #[cfg(any(test, feature = "fault-injection"))]
        super::fault::spring(&mut self.config.fault, leg.id, crate::FaultPoint::Timer);
        leg.media.report = None;
        let quiet = now.since(leg.media.heard_at);
        let listening = leg.media.negotiated.as_ref().is_some_and(|agreed| agreed.receive) && !leg.holding;
        let watched = leg.state == State::Answered && listening && !timeout.is_zero();
        if watched && quiet >= timeout {
            leg.cause = Some(Cause::new(None, MEDIA_TIMEOUT, Whose::Network));
            return self.hang_up(now, key, MEDIA_TIMEOUT);
        }
        if let Some(to) = leg.media.rtcp_to() {
            let session = &mut leg.media.session;
            self.packets.push_with(leg.media.port, true, to, None, |out| session.write_report(now, wall, out));
        }
        let mut at = leg.media.session.next_report_at(now);
        if watched {
            // A look at the very moment when the silence will have lasted too long, and not up to 7.5 s later.
            at = at.min(leg.media.heard_at + timeout);
        }
        leg.media.report = Some(self.timers.insert(at, Timer::Report(key)));
    }
}
