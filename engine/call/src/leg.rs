//! A leg: one SIP dialog with its RTP. Data and the small decisions that need nothing but the leg itself.

use crate::echo::EchoGuard;
use crate::ingress::Reframer;
use crate::offer::{Description, Negotiated};
use crate::shard::{Arrivals, Concealer};
use base::{CallId, Duration, Instant, LegId, PlayId, ShardId, Stream, TimerKey};
use codecs::g711::Law;
use detect::{Detector, Keeper, Listen};
use media::dtmf::{DtmfReceiver, DtmfSender};
use media::jitter::JitterBuffer;
use media::playout::Player;
use media::session::RtpSession;
use sip::DialogId;
use std::net::{IpAddr, SocketAddr};
use wire::sdp::Direction;

slotmap::new_key_type! {
    /// Index of a leg on its shard; never leaves the shard.
    pub(crate) struct LegKey;
}

/// Where a leg stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Outgoing: INVITE sent. Incoming: waits for the control plane.
    Setup,
    /// Incoming: our 200 is sent and waits for its ACK.
    Answering,
    /// Up.
    Answered,
    /// Hung up by us; waits for the last event of the dialog.
    Ending,
}

/// The other half of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Partner {
    pub(crate) call: CallId,
    pub(crate) leg: LegId,
    pub(crate) shard: ShardId,
}

/// What feeds the outgoing timeline. The timeline itself belongs to the session and outlives every source.
pub(crate) enum Source {
    /// Comfort for NATs and carriers that end silent calls: frames of digital silence.
    Silence,
    /// A prompt.
    Player {
        /// Where it stands.
        player: Player,
        /// Which playing it is.
        play: PlayId,
    },
    /// The partner's audio, from `LegMedia::bridge_in`.
    Bridge {
        /// `BridgeAudio` has been reported.
        heard: bool,
    },
    /// The far end's own audio, from `LegMedia::bridge_in`.
    Echo,
}

/// Answer detection at work on what the far end says.
pub(crate) struct Analysis {
    pub(crate) detector: Box<dyn Detector>,
    /// Keeps what the record of the call asks for.
    pub(crate) keeper: Option<Box<Keeper>>,
    /// While the call rings: when early media last came. The jitter buffer is for the answered call.
    pub(crate) ringing: Option<Instant>,
    pub(crate) jitter: JitterBuffer,
    pub(crate) started_at: Instant,
    pub(crate) arrivals: Arrivals,
    /// Keeps our own prompts from it.
    pub(crate) echo: EchoGuard,
    /// Last decoded frame, faded out over a gap.
    pub(crate) last: [i16; media::FRAME_SAMPLES],
}

/// The media half of a leg.
pub(crate) struct LegMedia {
    /// RTP port of the local pair.
    pub(crate) port: u16,
    pub(crate) session: RtpSession,
    /// What the last offer/answer agreed on.
    pub(crate) negotiated: Option<Negotiated>,
    /// `o=` of our descriptions: id and version, which grows with each description (RFC 3264 §8).
    pub(crate) sdp_id: u64,
    pub(crate) sdp_version: u64,
    pub(crate) reframer: Reframer,
    pub(crate) bridge_in: JitterBuffer,
    pub(crate) source: Source,
    pub(crate) digits_out: DtmfSender,
    pub(crate) digits_in: DtmfReceiver,
    pub(crate) analysis: Option<Box<Analysis>>,
    /// Reads `bridge_in`.
    pub(crate) concealer: Concealer,
    /// Moment of the next outgoing frame on the leg's own grid.
    pub(crate) due: Instant,
    pub(crate) tick: Option<TimerKey>,
    pub(crate) report: Option<TimerKey>,
    pub(crate) quality: Option<TimerKey>,
    /// When audio last came in; starts at the answer.
    pub(crate) heard_at: Instant,
}

/// One leg.
pub(crate) struct Leg {
    pub(crate) id: LegId,
    pub(crate) dialog: DialogId,
    pub(crate) state: State,
    pub(crate) incoming: bool,
    pub(crate) answered_at: Option<Instant>,
    pub(crate) partner: Option<Partner>,
    pub(crate) analyse: Option<Listen>,
    pub(crate) tap: bool,
    /// We hold the far end.
    pub(crate) holding: bool,
    /// The far end holds us.
    pub(crate) held: bool,
    /// The laws that may be agreed on, in order of preference.
    pub(crate) laws: Vec<Law>,
    /// The offer of an incoming INVITE; None when it had none and our answer is the offer (RFC 3261 §13.2.1).
    pub(crate) offered: Option<Vec<u8>>,
    /// What `Ended` will say in place of the dialog's own cause.
    pub(crate) cause: Option<sip::Cause>,
    /// A change of our own waits until the offer under way is settled.
    pub(crate) reoffer_wanted: bool,
    pub(crate) media: LegMedia,
}

impl Leg {
    pub(crate) fn new(id: LegId, dialog: DialogId, incoming: bool, laws: Vec<Law>, media: LegMedia) -> Self {
        Leg {
            id,
            dialog,
            state: State::Setup,
            incoming,
            answered_at: None,
            partner: None,
            analyse: None,
            tap: false,
            holding: false,
            held: false,
            laws,
            offered: None,
            cause: None,
            reoffer_wanted: false,
            media,
        }
    }
}

impl LegMedia {
    pub(crate) fn new(port: u16, random: &mut Stream) -> Self {
        LegMedia {
            port,
            session: RtpSession::new(random),
            negotiated: None,
            sdp_id: u64::from(random.next_u32()),
            sdp_version: 0,
            reframer: Reframer::default(),
            bridge_in: JitterBuffer::new(),
            source: Source::Silence,
            digits_out: DtmfSender::new(),
            digits_in: DtmfReceiver::new(),
            analysis: None,
            concealer: Concealer::default(),
            due: Instant::ZERO,
            tick: None,
            report: None,
            quality: None,
            heard_at: Instant::ZERO,
        }
    }

    /// Our next description of this media; `event_payload_type` repeats the number agreed on before.
    pub(crate) fn describe(
        &mut self,
        advertise: IpAddr,
        laws: &[Law],
        direction: Direction,
        event_payload_type: Option<u8>,
    ) -> Description {
        self.sdp_version += 1;
        Description {
            address: advertise,
            port: self.port,
            id: self.sdp_id,
            version: self.sdp_version,
            laws: laws.to_vec(),
            direction,
            event_payload_type,
        }
    }

    /// Sends what will come into `bridge_in` from now on.
    pub(crate) fn relay(&mut self, source: Source) {
        self.source = source;
        self.bridge_in.reset();
        self.concealer = Concealer::default();
    }

    /// Where reports go; `None` while the far end has named no address.
    pub(crate) fn rtcp_to(&self) -> Option<SocketAddr> {
        let agreed = self.negotiated.as_ref().filter(|agreed| agreed.remote_rtcp_is_known())?;
        match self.session.remote() {
            // Behind a NAT the named address leads nowhere; the next port up is a guess, and as good as any.
            Some(learned) if learned.ip() != agreed.remote.ip() => {
                Some(SocketAddr::new(learned.ip(), learned.port().saturating_add(1)))
            }
            _ => Some(agreed.remote_rtcp),
        }
    }

    /// The far end takes telephone-events. Digits for one that does not are dropped: there is no other way to send them
    /// yet, and kept ones would come out of the blue after a later offer.
    pub(crate) fn takes_digits(&self) -> bool {
        self.negotiated.as_ref().is_some_and(|agreed| agreed.event_payload_type.is_some())
    }

    /// Starts answer detection on the early media that comes in from `now` on.
    pub(crate) fn analyse_early(&mut self, now: Instant, listen: &Listen) {
        self.analysis = Some(Box::new(Analysis {
            detector: listen.detector.build(),
            keeper: None,
            ringing: Some(now),
            jitter: JitterBuffer::new(),
            started_at: now,
            arrivals: Arrivals::new(),
            echo: EchoGuard::new(),
            last: [0; media::FRAME_SAMPLES],
        }));
    }

    /// Starts answer detection on what comes in from the answer on, with what early media has shown.
    pub(crate) fn analyse(&mut self, now: Instant, listen: &Listen) {
        if self.analysis.is_none() {
            self.analyse_early(now, listen);
        }
        if let Some(analysis) = &mut self.analysis {
            analysis.answered(now, &listen.keep);
        }
    }
}

/// First moment after `now` on the 20 ms grid of leg `id`. Legs are staggered over 20 slots of one millisecond by
/// their id, and the grid is the same on every shard.
pub(crate) fn grid_after(now: Instant, id: LegId) -> Instant {
    const SLOTS: u64 = 20;
    let ptime_ns = media::PTIME.as_ns();
    // Mixed before the modulus, since ids of customers and agents follow patterns of their own.
    let slot = (id.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % SLOTS;
    let offset_ns = slot * (ptime_ns / SLOTS);
    let periods = (now.as_ns().saturating_sub(offset_ns)) / ptime_ns + 1;
    Instant::ZERO + Duration::from_ns(periods * ptime_ns + offset_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_is_ahead_by_at_most_one_period_and_staggered() {
        let now = Instant::ZERO + Duration::from_us(12_345_678);
        let mut used = std::collections::BTreeSet::new();
        for id in 0..200 {
            let due = grid_after(now, LegId(id));
            assert!(due > now && due.since(now) <= media::PTIME, "leg {id}: {:?}", due.since(now));
            assert_eq!(grid_after(due, LegId(id)).since(due), media::PTIME);
            used.insert(due.since(now).as_ns());
        }
        assert_eq!(used.len(), 20);
    }
}
