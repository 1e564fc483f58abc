//! Offer and answer (RFC 3264) for one audio stream of G.711 with telephone-event. Pure functions: an answer is
//! computed anew from (offer, policy, state) each time, never taken from a cache.

use codecs::g711::Law;
use std::net::{IpAddr, SocketAddr};
use wire::sdp::{Codec, Direction, Media, MediaKind, Origin, Sdp};

/// Payload type that we offer for telephone-event (RFC 4733); 101 is what nearly everybody uses.
pub(crate) const EVENT_PAYLOAD_TYPE: u8 = 101;

/// Laws that an answer may name, with payload types: two static ones and as many dynamic doubles.
const ACCEPTED_MAX: usize = 4;

/// What we say about our media.
pub(crate) struct Description {
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    pub(crate) id: u64,
    pub(crate) version: u64,
    /// In order of preference.
    pub(crate) laws: Vec<Law>,
    pub(crate) direction: Direction,
    /// The number agreed on before, so that a re-offer does not move it.
    pub(crate) event_payload_type: Option<u8>,
}

/// Payload types that may come in and what they mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Accepted([Option<(u8, Law)>; ACCEPTED_MAX]);

impl Accepted {
    fn of(media: &Media, laws: &[Law]) -> Self {
        let mut accepted = Accepted::default();
        let known = media.codecs().map(|(number, codec)| (number, law_of(codec))).filter(|(_, law)| laws.contains(law));
        for (place, entry) in accepted.0.iter_mut().zip(known) {
            *place = Some(entry);
        }
        accepted
    }
    /// The law of a payload type; None for one that was not agreed on.
    pub(crate) fn law(self, payload_type: u8) -> Option<Law> {
        self.0.iter().flatten().find(|(number, _)| *number == payload_type).map(|(_, law)| *law)
    }
}

/// What both sides agreed on, seen from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Negotiated {
    /// Where RTP goes.
    pub(crate) remote: SocketAddr,
    /// Where RTCP goes.
    pub(crate) remote_rtcp: SocketAddr,
    /// Law that we send.
    pub(crate) law: Law,
    /// Its payload type.
    pub(crate) payload_type: u8,
    /// Payload type of telephone-event, both ways.
    pub(crate) event_payload_type: Option<u8>,
    /// What we take.
    pub(crate) receive_laws: Accepted,
    /// The far end wants to hear us.
    pub(crate) send: bool,
    /// We want to hear the far end, and it will speak.
    pub(crate) receive: bool,
}

impl Negotiated {
    /// False while the far end has named no address or port: `0.0.0.0` would be this very machine.
    pub(crate) fn remote_rtcp_is_known(&self) -> bool {
        !self.remote_rtcp.ip().is_unspecified() && self.remote_rtcp.port() != 0
    }
}

/// Why no media came of a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No SDP.
    Unreadable,
    /// No audio line, or a refused one.
    NoAudio,
    /// None of our laws.
    NoCommonLaw,
    /// No numeric address.
    NoAddress,
    /// The leg is gone.
    Gone,
}

const fn codec_of(law: Law) -> Codec {
    match law {
        Law::Mu => Codec::Pcmu,
        Law::A => Codec::Pcma,
    }
}

const fn law_of(codec: Codec) -> Law {
    match codec {
        Codec::Pcmu => Law::Mu,
        Codec::Pcma => Law::A,
    }
}

const fn sends(direction: Direction) -> bool {
    matches!(direction, Direction::SendRecv | Direction::SendOnly)
}

const fn receives(direction: Direction) -> bool {
    matches!(direction, Direction::SendRecv | Direction::RecvOnly)
}

const fn direction(send: bool, receive: bool) -> Direction {
    match (send, receive) {
        (true, true) => Direction::SendRecv,
        (true, false) => Direction::SendOnly,
        (false, true) => Direction::RecvOnly,
        (false, false) => Direction::Inactive,
    }
}

impl Description {
    fn session(&self, media: Vec<Media>) -> Sdp {
        Sdp {
            origin: Origin {
                user: "-".into(),
                sess_id: self.id,
                sess_version: self.version,
                addr: self.address.into(),
            },
            name: String::new(),
            connection: Some(self.address.into()),
            attributes: Vec::new(),
            media,
        }
    }

    /// As an offer.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut media = Media::audio(self.port);
        for law in &self.laws {
            media.add_codec(codec_of(*law));
        }
        media.add_telephone_event(self.event_payload_type.unwrap_or(EVENT_PAYLOAD_TYPE));
        media.ptime = Some(media::PTIME.as_ms() as u32);
        media.direction = self.direction;
        self.session(vec![media]).to_bytes()
    }
}

/// Whether an offer can be answered with `laws`.
pub(crate) fn check(offer: &[u8], laws: &[Law]) -> Result<(), Fault> {
    read(offer, laws).map(|_| ())
}

/// The answer to `offer`, and what is agreed by it. Every media line is answered in its place; all but the first audio
/// line are refused by port 0 (RFC 3264 §6).
pub(crate) fn answer(offer: &[u8], ours: Description) -> Result<(Vec<u8>, Negotiated), Fault> {
    let theirs = Sdp::parse(offer).map_err(|_| Fault::Unreadable)?;
    let audio = theirs.audio().ok_or(Fault::NoAudio)?;
    let mut agreed = negotiate(&theirs, audio, &ours.laws)?;
    let (send, receive) = (sends(ours.direction), receives(ours.direction));
    let flow = direction(receives(audio.direction) && send, sends(audio.direction) && receive);
    agreed.send = agreed.send && send;
    agreed.receive = agreed.receive && receive;
    let mut answered = false;
    let lines = theirs.media.iter().map(|line| {
        if line.kind == MediaKind::Audio && !answered {
            answered = true;
            let mut media = Media::audio(ours.port);
            media.proto.clone_from(&line.proto);
            // One law only, the caller's first that we speak: nobody changes it in mid-call then.
            media.add_codec(codec_of(agreed.law));
            if let (Some(number), true) =
                (media.formats.first_mut(), agreed.payload_type != codec_of(agreed.law).payload_type())
            {
                let map = media.rtpmap.remove(number);
                *number = agreed.payload_type;
                media.rtpmap.extend(map.map(|map| (agreed.payload_type, map)));
            }
            if let Some(events) = agreed.event_payload_type {
                media.add_telephone_event(events);
            }
            media.ptime = Some(media::PTIME.as_ms() as u32);
            media.direction = flow;
            media
        } else {
            let mut refused = line.clone();
            refused.port = 0;
            refused.attributes.clear();
            refused
        }
    });
    let lines: Vec<Media> = lines.collect();
    Ok((ours.session(lines).to_bytes(), agreed))
}

/// What a far end's answer (or its offer, before we add our wishes) agrees to.
pub(crate) fn read(description: &[u8], laws: &[Law]) -> Result<Negotiated, Fault> {
    let theirs = Sdp::parse(description).map_err(|_| Fault::Unreadable)?;
    let audio = theirs.audio().ok_or(Fault::NoAudio)?;
    negotiate(&theirs, audio, laws)
}

fn negotiate(theirs: &Sdp, audio: &Media, laws: &[Law]) -> Result<Negotiated, Fault> {
    if audio.port == 0 {
        return Err(Fault::NoAudio);
    }
    let address = audio.addr(theirs).ok_or(Fault::NoAddress)?;
    let (payload_type, law) = audio
        .codecs()
        .map(|(number, codec)| (number, law_of(codec)))
        .find(|(_, law)| laws.contains(law))
        .ok_or(Fault::NoCommonLaw)?;
    // We neither offer nor accept a=rtcp-mux, so RTCP has a port of its own, also for who would have liked one for both
    // (RFC 5761 §5.1.1).
    let rtcp_port = audio.rtcp_port.unwrap_or(audio.port.saturating_add(1));
    Ok(Negotiated {
        remote: SocketAddr::new(address, audio.port),
        remote_rtcp: SocketAddr::new(address, rtcp_port),
        law,
        payload_type,
        event_payload_type: audio.telephone_event(),
        receive_laws: Accepted::of(audio, laws),
        send: !audio.is_hold(theirs),
        receive: sends(audio.direction),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(direction: Direction) -> Description {
        Description {
            address: IpAddr::from([192, 0, 2, 1]),
            port: 20_000,
            id: 7,
            version: 1,
            laws: vec![Law::Mu, Law::A],
            direction,
            event_payload_type: None,
        }
    }

    const OFFER: &str = "v=0\r\no=x 1 1 IN IP4 198.51.100.9\r\ns=-\r\nc=IN IP4 198.51.100.9\r\nt=0 0\r\n\
        m=video 6000 RTP/AVP 97\r\nm=audio 4000 RTP/AVP 18 8 0 96\r\na=rtpmap:96 telephone-event/8000\r\n";

    #[test]
    fn answers_the_first_common_law_and_refuses_the_rest() {
        let (bytes, agreed) = answer(OFFER.as_bytes(), ours(Direction::SendRecv)).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!((agreed.law, agreed.payload_type, agreed.event_payload_type), (Law::A, 8, Some(96)));
        assert_eq!(agreed.remote, "198.51.100.9:4000".parse().unwrap());
        assert_eq!(agreed.remote_rtcp.port(), 4_001);
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("m=")).collect();
        assert_eq!(lines, ["m=video 0 RTP/AVP 97", "m=audio 20000 RTP/AVP 8 96"], "{text}");
    }

    #[test]
    fn hold_is_answered_from_the_state_at_hand() {
        let held = format!("{OFFER}a=sendonly\r\n");
        let (bytes, agreed) = answer(held.as_bytes(), ours(Direction::SendRecv)).unwrap();
        assert!(String::from_utf8_lossy(&bytes).contains("a=recvonly"));
        assert!(!agreed.send && agreed.receive);
        let (bytes, agreed) = answer(held.as_bytes(), ours(Direction::SendOnly)).unwrap();
        assert!(String::from_utf8_lossy(&bytes).contains("a=inactive"));
        assert!(!agreed.send && !agreed.receive);
        let old = OFFER.replace("c=IN IP4 198.51.100.9", "c=IN IP4 0.0.0.0");
        let (_, agreed) = answer(old.as_bytes(), ours(Direction::SendRecv)).unwrap();
        assert!(!agreed.send, "0.0.0.0 is the old hold");
    }

    #[test]
    fn our_offer_reads_back_as_its_own_answer() {
        let agreed = read(&ours(Direction::SendRecv).to_bytes(), &[Law::A]).unwrap();
        assert_eq!((agreed.law, agreed.event_payload_type), (Law::A, Some(EVENT_PAYLOAD_TYPE)));
        assert_eq!(agreed.receive_laws.law(8), Some(Law::A));
        assert_eq!(agreed.receive_laws.law(0), None, "only what we wanted");
    }

    #[test]
    fn what_cannot_be_agreed_is_named() {
        assert_eq!(check(b"rubbish", &[Law::Mu]), Err(Fault::Unreadable));
        let only_g729 = OFFER.replace("18 8 0 96", "18");
        assert_eq!(check(only_g729.as_bytes(), &[Law::Mu, Law::A]), Err(Fault::NoCommonLaw));
        let refused = OFFER.replace("m=audio 4000", "m=audio 0");
        assert_eq!(check(refused.as_bytes(), &[Law::Mu]), Err(Fault::NoAudio));
        let named = OFFER.replace("IN IP4 198.51.100.9\r\nt", "IN IP4 media.example\r\nt");
        assert_eq!(check(named.as_bytes(), &[Law::Mu]), Err(Fault::NoAddress));
    }
}
