//! The packet path: RTP in, frames across, one frame out per leg and 20 ms. Allocates nothing (taps excepted).

use super::{Shard, Timer};
use crate::api::{Event, Frame, PeerMessage};
use crate::leg::{Analysis, LegKey, LegMedia, Partner, Source, State};
use crate::offer;
use base::{Duration, Instant, LegId, PlayId};
use codecs::g711::{self, Law};
use detect::{Evidence, Keep, Keeper, Told};
use media::FRAME_SAMPLES;
use media::jitter::{JitterBuffer, Pop};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Frames sent at once to catch up after a stall of the thread: 10 × 20 ms. Older audio is skipped: who waited longer
/// than 200 ms has lost the thread of the talk, and a burst of more would overrun the far end's jitter buffer.
const CATCH_UP_FRAMES_MAX: u64 = 10;

/// Frames of silence that follow a gap in the partner's audio after one repeat of the last frame.
const REPEAT_FRAMES_MAX: u32 = 1;

/// A watched leg is looked at so often. With 2,000 legs on a shard that is 400 looks a second of about a microsecond each
/// (copying the figures, the score's arithmetic, one timer), 0.4 ms of a core's second, and nothing on the packet path.
const QUALITY_EVERY: Duration = Duration::from_secs(5);
/// The first look: 50 packets say enough to show, and who has just answered is what people look at.
const QUALITY_FIRST: Duration = Duration::from_secs(1);

type Payload = [u8; FRAME_SAMPLES];

impl Shard {
    /// A packet read from an RTP port.
    pub fn handle_rtp(&mut self, now: Instant, port: u16, source: SocketAddr, bytes: &[u8]) {
        self.work_on(None);
        let Some(key) = self.by_port[usize::from(port / 2)] else { return };
        let Some(leg) = self.legs.get_mut(key) else { return };
        self.at_work.leg = Some(leg.id);
        #[cfg(any(test, feature = "fault-injection"))]
        super::fault::spring(&mut self.config.fault, leg.id, crate::FaultPoint::Rtp(1));
        let Some(agreed) = &leg.media.negotiated else { return };
        let (events, agreed_laws) = (agreed.event_payload_type, agreed.receive_laws);
        // The session counts what it drops (foreign source, not RTP).
        let packet = match leg.media.session.receive(now, source, bytes) {
            Ok(packet) => packet,
            // Some send their reports to the RTP port unasked (RFC 5761).
            Err(media::session::Drop::Rtcp) => return self.handle_rtcp(now, port, source, bytes),
            Err(_) => return,
        };
        leg.media.heard_at = now;
        if packet.restarted {
            leg.media.reframer.restart();
            leg.media.digits_in.reset();
        }
        // An answer may renumber telephone-event for what we send; what comes in may still bear the number we offered.
        let event = events.is_some_and(|agreed| [agreed, offer::EVENT_PAYLOAD_TYPE].contains(&packet.payload_type));
        if event && agreed_laws.law(packet.payload_type).is_none() {
            let digit = leg.media.digits_in.push(packet.timestamp, packet.payload);
            let (id, partner) = (leg.id, leg.partner);
            if let Some(digit) = digit {
                self.digit(id, partner, digit);
            }
            return;
        }
        let Some(law) = agreed_laws.law(packet.payload_type) else { return };
        if leg.tap {
            let event =
                Event::Audio { leg: leg.id, at: now, timestamp: packet.timestamp, law, payload: packet.payload.into() };
            self.outputs.push_back(crate::Output::Event(event));
        }
        let (id, partner) = (leg.id, leg.partner);
        let echoes = matches!(leg.media.source, Source::Echo);
        if partner.is_none() && leg.media.analysis.is_none() && !echoes {
            return;
        }
        let mut frames = std::mem::take(&mut self.frames);
        frames.clear();
        leg.media.reframer.push(packet.timestamp, packet.marker, law, packet.payload, |frame| frames.push(frame));
        match partner {
            Some(partner) => {
                for frame in &frames {
                    self.deliver(now, id, partner, frame);
                }
            }
            None => {
                for frame in &frames {
                    if let Some(analysis) = &mut leg.media.analysis
                        && let Some(heard_at) = &mut analysis.ringing
                    {
                        // Without a jitter buffer: a tone's rhythm bears what the network does to it.
                        *heard_at = now;
                        analysis.detector.push_early(&decoded(frame.law, &frame.payload), &mut |sound| {
                            self.outputs.push_back(crate::Output::Event(Event::EarlySound { leg: id, sound }));
                        });
                    } else if let Some(analysis) = &mut leg.media.analysis {
                        insert(&mut analysis.jitter, now, frame);
                        let timestamp = frame.index.wrapping_mul(FRAME_SAMPLES as u32);
                        analysis.arrivals.came(timestamp, now.since(analysis.started_at));
                    }
                    if echoes {
                        insert(&mut leg.media.bridge_in, now, frame);
                    }
                }
            }
        }
        self.frames = frames;
    }

    /// A packet read from the RTCP port of the pair whose RTP port is `port`.
    pub fn handle_rtcp(&mut self, now: Instant, port: u16, source: SocketAddr, bytes: &[u8]) {
        self.work_on(None);
        if let Some(key) = self.by_port[usize::from(port / 2)]
            && let Some(leg) = self.legs.get_mut(key)
            && leg.media.negotiated.is_some()
        {
            self.at_work.leg = Some(leg.id);
            // The session counts what it drops. Before the first answer is here nobody is named, and a report that
            // overtook it (baresip sends one with its 200) comes from no stranger: it passes unread, as RTP does.
            let _ = leg.media.session.receive_rtcp(now, source, bytes);
        }
    }

    fn digit(&mut self, id: LegId, partner: Option<Partner>, digit: char) {
        self.event(Event::Digit { leg: id, digit });
        let Some(partner) = partner else { return };
        if partner.shard == self.config.shard {
            self.accept_digit(id, partner.leg, digit);
        } else {
            self.peer(partner.shard, PeerMessage::Digit { from: id, to: partner.leg, digit });
        }
    }

    pub(super) fn accept_digit(&mut self, from: LegId, to: LegId, digit: char) {
        self.work_on(Some(to));
        if let Some((_, leg)) = self.leg_mut(to)
            && leg.partner.is_some_and(|partner| partner.leg == from)
            && leg.media.takes_digits()
        {
            leg.media.digits_out.push(digit);
        }
    }

    fn deliver(&mut self, now: Instant, from: LegId, partner: Partner, frame: &Frame) {
        if partner.shard == self.config.shard {
            self.accept_frame(now, from, partner.leg, frame);
        } else {
            self.peer(partner.shard, PeerMessage::Frame { from, to: partner.leg, frame: *frame });
        }
    }

    /// A frame for `to` from its partner; from anyone else it is old and dropped.
    pub(super) fn accept_frame(&mut self, now: Instant, from: LegId, to: LegId, frame: &Frame) {
        self.work_on(Some(to));
        if let Some((_, leg)) = self.leg_mut(to)
            && leg.partner.is_some_and(|partner| partner.leg == from)
        {
            insert(&mut leg.media.bridge_in, now, frame);
        }
    }

    /// Begins to report what is heard of an answered leg, once.
    pub(super) fn watch(&mut self, now: Instant, leg: LegId) {
        let Some((key, leg)) = self.leg_mut(leg) else { return };
        if leg.state == State::Answered && leg.media.quality.is_none() {
            let timer = self.timers.insert(now + QUALITY_FIRST, Timer::Quality(key));
            if let Some(leg) = self.legs.get_mut(key) {
                leg.media.quality = Some(timer);
            }
        }
    }

    /// Tells what is heard of a watched leg, and when to look again.
    pub(super) fn tell_quality(&mut self, now: Instant, key: LegKey) {
        let Some(leg) = self.legs.get_mut(key) else { return };
        self.at_work.leg = Some(leg.id);
        leg.media.quality = Some(self.timers.insert(now + QUALITY_EVERY, Timer::Quality(key)));
        let (id, media) = (leg.id, leg.media.session.stats());
        let Some(law) = leg.media.negotiated.as_ref().map(|agreed| agreed.law) else { return };
        self.event(Event::Quality { leg: id, law, media });
    }

    /// One period of a leg: listen to the detector, send one frame.
    pub(super) fn tick(&mut self, now: Instant, key: LegKey) {
        let Some(leg) = self.legs.get_mut(key) else { return };
        let (id, partner) = (leg.id, leg.partner);
        self.at_work.leg = Some(id);
        #[cfg(any(test, feature = "fault-injection"))]
        super::fault::spring(&mut self.config.fault, id, crate::FaultPoint::Due);
        let media = &mut leg.media;
        let due = media.due;
        let behind = now.since(due).as_ns() / media::PTIME.as_ns();
        let mut skip = 0;
        if behind > CATCH_UP_FRAMES_MAX {
            skip = behind;
            media.session.skip((skip * FRAME_SAMPLES as u64) as u32);
        }
        media.due = due + media::PTIME * (skip + 1);
        media.tick = Some(self.timers.insert(media.due, Timer::Tick(key)));

        if let Some(analysis) = media.analysis.as_mut().filter(|analysis| analysis.ringing.is_none()) {
            let first = self.outputs.len();
            analysis.step(now, id, &mut self.outputs);
            // The detector tells in the middle of its work; what was kept is taken from it when that is done.
            for output in self.outputs.range_mut(first..) {
                if let crate::Output::Event(Event::Verdict { evidence, line, .. }) = output {
                    *evidence = analysis.evidence().map(Box::new);
                    *line = media.session.stats();
                }
            }
            if analysis.detector.is_done() {
                media.analysis = None;
            }
        }
        let due = due + media::PTIME * skip;
        let happened = send_frame(media, &mut self.packets, due);
        match happened {
            Happened::Nothing => {}
            Happened::PlayBegan(play) => self.event(Event::PlayBegan { leg: id, play, at: now }),
            Happened::PlayEnded(play) => self.event(Event::PlayEnded { leg: id, play, at: now }),
            Happened::PartnerHeard => {
                if let Some(partner) = partner {
                    self.event(Event::BridgeAudio { leg: id, with: partner.leg, at: now });
                }
            }
        }
    }
}

/// What sending one frame showed.
enum Happened {
    Nothing,
    PlayBegan(PlayId),
    PlayEnded(PlayId),
    PartnerHeard,
}

fn insert(jitter: &mut JitterBuffer, now: Instant, frame: &Frame) {
    let timestamp = frame.index.wrapping_mul(FRAME_SAMPLES as u32);
    // The frame's number takes the place of the RTP sequence number: gaps of silence count as gaps.
    jitter.insert(now, frame.index as u16, timestamp, frame.marker, payload_type(frame.law), &frame.payload);
}

const fn payload_type(law: Law) -> u8 {
    match law {
        Law::Mu => 0,
        Law::A => 8,
    }
}

/// Sends the next frame of whatever feeds the leg on its unbroken timeline.
fn send_frame(media: &mut LegMedia, packets: &mut crate::PacketBatch, due: Instant) -> Happened {
    let LegMedia { port, session, negotiated, source, bridge_in, concealer, digits_out, analysis, .. } = media;
    let Some(agreed) = negotiated else { return Happened::Nothing };
    let mut happened = Happened::Nothing;
    let silence: Payload = [agreed.law.silence(); FRAME_SAMPLES];
    let mut relayed: Payload = silence;
    let mut plays = false;
    let payload: &[u8] = match source {
        Source::Silence => &silence,
        Source::Player { player, play } => {
            let first = player.position() == 0;
            match player.next_frame(agreed.law) {
                Some(frame) => {
                    if first && agreed.send {
                        happened = Happened::PlayBegan(*play);
                    }
                    plays = agreed.send;
                    frame
                }
                None => {
                    happened = Happened::PlayEnded(*play);
                    &silence
                }
            }
        }
        Source::Bridge { heard } => {
            if concealer.next(bridge_in, agreed.law, &mut relayed) && !*heard && agreed.send {
                *heard = true;
                happened = Happened::PartnerHeard;
            }
            &relayed
        }
        Source::Echo => {
            concealer.next(bridge_in, agreed.law, &mut relayed);
            &relayed
        }
    };
    if let Some(analysis) = analysis {
        analysis.echo.sent(plays.then(|| decoded(agreed.law, payload)).as_ref());
    }
    if !agreed.send {
        session.skip(FRAME_SAMPLES as u32);
    } else {
        // The named address, or the one learned in its place.
        let to = session.remote().unwrap_or(agreed.remote);
        packets.push_with(*port, false, to, Some(due), |out| {
            match agreed.event_payload_type.and_then(|events| digits_out.next_packet(session, events, out)) {
                Some(length) => length,
                None => session.write_audio(agreed.payload_type, payload, FRAME_SAMPLES as u32, out),
            }
        });
    }
    if matches!(happened, Happened::PlayEnded(_)) {
        *source = Source::Silence;
    }
    happened
}

fn decoded(law: Law, payload: &[u8]) -> [i16; FRAME_SAMPLES] {
    let mut samples = [0; FRAME_SAMPLES];
    law.decode_slice(payload, &mut samples);
    samples
}

/// Takes frames out of a jitter buffer and bridges over small gaps.
#[derive(Default)]
pub(crate) struct Concealer {
    /// Frames missing in a row.
    missing: u32,
    last: Option<(Law, Payload)>,
}

impl Concealer {
    /// Writes the next frame in `law` to `out`, which holds silence; false leaves it so.
    fn next(&mut self, jitter: &mut JitterBuffer, law: Law, out: &mut Payload) -> bool {
        match jitter.pop() {
            Pop::Frame { payload_type, payload, .. } if payload.len() == FRAME_SAMPLES => {
                let from = if payload_type == 8 { Law::A } else { Law::Mu };
                let (_, kept) = self.last.insert((from, [0; FRAME_SAMPLES]));
                kept.copy_from_slice(payload);
                self.missing = 0;
            }
            _ => self.missing = self.missing.saturating_add(1),
        }
        let Some((from, kept)) = self.last.as_ref().filter(|_| self.missing <= REPEAT_FRAMES_MAX) else { return false };
        if *from == law {
            out.copy_from_slice(kept);
        } else {
            g711::transcode(*from, law, kept, out);
        }
        true
    }
}

impl Analysis {
    /// From now on the callee is heard, and `keep` is kept of it.
    pub(crate) fn answered(&mut self, now: Instant, keep: &Keep) {
        if let Some(heard_at) = self.ringing.take() {
            self.detector.answered(u32::try_from(now.since(heard_at).as_ms()).unwrap_or(u32::MAX));
        }
        self.keeper = Keeper::new(keep, self.detector.as_mut()).map(Box::new);
        self.started_at = now;
    }

    /// Gives the detector the next 20 ms: what came, a fade of the last frame over a gap, or silence. What it tells goes
    /// out with the moments at which the packets came, see [`Arrivals`](crate::shard::Arrivals).
    fn step(&mut self, now: Instant, leg: LegId, outputs: &mut VecDeque<crate::Output>) {
        let mut heard = None;
        match self.jitter.pop() {
            Pop::Frame { payload_type, payload, timestamp, .. } => {
                heard = Some(timestamp);
                let law = if payload_type == 8 { Law::A } else { Law::Mu };
                law.decode_slice(payload, &mut self.last);
            }
            Pop::Missing => self.last.iter_mut().for_each(|sample| *sample /= 2),
            Pop::Empty => self.last = [0; FRAME_SAMPLES],
        }
        self.arrivals.heard(heard, now.since(self.started_at));
        self.echo.hear(&mut self.last);
        if let Some(keeper) = &mut self.keeper {
            keeper.push_frame(&self.last);
        }
        let Analysis { detector, arrivals, started_at, last, .. } = self;
        let came = |heard_ms| arrivals.arrival(*started_at, heard_ms);
        detector.push_frame(last, &mut |told| {
            outputs.push_back(crate::Output::Event(match told {
                Told::Likely { .. } => Event::LikelyPerson { leg, at: now },
                Told::Verdict(decision) => {
                    let utterance_end = decision.utterance_end_ms.and_then(came);
                    let line = media::session::Stats::default();
                    Event::Verdict { leg, decision, utterance_end, at: now, evidence: None, line }
                }
                Told::Recognised(known) => Event::Recognised { leg, known },
                // The allocations of a call's analysis: twice at most.
                Told::Opening(opening) => Event::Opening { leg, opening: Box::new(opening) },
                Told::Revision(revision) => Event::Revision { leg, revision, since: came(revision.since_ms), at: now },
            }));
        });
    }

    /// What was kept until the verdict, once.
    fn evidence(&mut self) -> Option<Evidence> {
        let keeper = self.keeper.take()?;
        Some(keeper.finish(self.detector.as_mut()))
    }
}
