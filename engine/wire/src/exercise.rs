//! Runs everything of this room that can be run on some bytes: what fuzz targets, the replay of their seeds and the
//! random tests share. It asserts what must hold for all input; panics are the finding.

use crate::sip::{Challenge, Credentials, HeaderName, Message, NameAddr, Uri, Via, peek_call_id, unescape, unfold};
use crate::{Reject, dtmf, rtcp, rtp, sdp};

/// The SIP parser and all its views.
pub fn sip(bytes: &[u8]) {
    // The views are also run on the raw bytes: a message would only reach them with its own syntax around.
    let _ = Uri::parse(bytes).map(|u| (u.user_text(), u.params.iter().count()));
    let _ = NameAddr::parse(bytes).map(|n| (n.tag().map(<[u8]>::len), n.parse_uri().is_ok()));
    let _ = Via::parse(bytes).map(|v| (v.branch().map(<[u8]>::len), v.rport()));
    let _ = (Challenge::parse(bytes), Credentials::parse(bytes));
    assert!(unescape(bytes).len() <= bytes.len());
    assert!(unfold(bytes).len() <= bytes.len());
    let peeked = peek_call_id(bytes);
    let Ok(message) = Message::parse_datagram(bytes) else {
        return;
    };
    assert_eq!(message.is_request(), message.method().is_some());
    assert_eq!(message.is_request(), message.request_uri().is_some());
    assert_ne!(message.is_request(), message.code().is_some());
    assert!(Message::parse_for_refusal(bytes).is_ok(), "the lenient parse takes what the strict one takes");
    // Both find the same Call-ID unless it is folded, where the peek sees only the first line.
    if let (Some(peeked), Some(parsed)) = (peeked, message.header(HeaderName::CallId)) {
        assert!(peeked.is_empty() || parsed.starts_with(peeked));
    }
    for (kind, name, value) in message.all_headers() {
        assert!(!name.is_empty());
        assert_eq!(kind, HeaderName::parse(name));
        let _ = (unfold(value), message.number(kind), message.headers(kind).count(), message.tokens(kind).count());
        let _ = (NameAddr::parse(value), Via::parse(value), Challenge::parse(value), Credentials::parse(value));
    }
    if message.validate().is_ok() {
        assert!(message.from().is_ok() && message.to().is_ok() && message.top_via().is_ok());
        assert!(message.call_id().is_some() && message.cseq().is_some());
    }
    let _ = (message.contact(), message.reason(), sdp::Sdp::parse(message.body()));
}

/// SDP: what parses prints, and what was printed parses to the same.
pub fn sdp(bytes: &[u8]) {
    if let Ok(first) = sdp::Sdp::parse(bytes) {
        for media in &first.media {
            let _ = (media.addr(&first), media.is_hold(&first), media.codecs().count(), media.telephone_event());
        }
        match sdp::Sdp::parse(&first.to_bytes()) {
            // Replacement characters are longer than the bytes they stand for.
            Err(Reject::TooLong) => {}
            again => assert_eq!(again, Ok(first)),
        }
    }
}

/// RTP: a packet that parses has its parts inside its bytes, and our header reads back.
pub fn rtp(bytes: &[u8]) {
    let _ = rtp::looks_like_rtcp(bytes);
    if let Ok(view) = rtp::RtpView::parse(bytes) {
        assert!(view.payload().len() + rtp::HEADER_BYTES <= bytes.len());
        let header = rtp::RtpHeader {
            payload_type: view.payload_type(),
            marker: view.marker(),
            sequence: view.sequence(),
            timestamp: view.timestamp(),
            ssrc: view.ssrc(),
        };
        let mut out = [0; rtp::HEADER_BYTES];
        assert_eq!(header.write(&mut out), rtp::HEADER_BYTES);
        assert_eq!(out[1..], bytes[1..rtp::HEADER_BYTES]);
    }
}

/// RTCP: the reports of a compound are written and read back.
pub fn rtcp(bytes: &[u8]) {
    for item in rtcp::parse(bytes).unwrap_or_default() {
        let (sender, ssrc, blocks) = match &item {
            rtcp::Item::SenderReport { ssrc, info, blocks } => (Some(*info), *ssrc, blocks),
            rtcp::Item::ReceiverReport { ssrc, blocks } => (None, *ssrc, blocks),
            rtcp::Item::Cname { .. } | rtcp::Item::Bye { .. } => continue,
        };
        let mut out = [0; base::limits::MEDIA_PACKET_BYTES_MAX];
        let length = rtcp::write_report(&mut out, sender, ssrc, blocks, "c").expect("31 blocks fit a packet");
        assert_eq!(rtcp::parse(&out[..length]).expect("our own compound").first(), Some(&item));
    }
}

/// Telephone events: what parses is written back, but for the reserved bit.
pub fn dtmf(bytes: &[u8]) {
    if let Ok(event) = dtmf::TelephoneEvent::parse(bytes) {
        let mut out = [0; dtmf::EVENT_BYTES];
        event.write(&mut out);
        assert_eq!(out, [bytes[0], bytes[1] & 0xbf, bytes[2], bytes[3]]);
        assert_eq!(event.digit().and_then(dtmf::event_of_digit).is_some(), event.event < 16);
    }
}

#[cfg(test)]
mod tests;
