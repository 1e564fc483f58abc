//! What responses repeat and what is read out of them.

use super::*;
use crate::types::Cause;

fn parse(text: &str) -> Message {
    Message::parse_datagram(text.replace('\n', "\r\n").as_bytes()).unwrap()
}

const REQUEST: &str = "INVITE sip:a@b SIP/2.0\nVia: SIP/2.0/UDP 10.1.1.1;branch=z9hG4bK1;received=9.9.9.9\n\
Via: SIP/2.0/UDP p2.example.org;branch=z9hG4bK0\nFrom: <sip:f@x>;tag=f\nTo: <sip:t@x>\nCall-ID: c\nCSeq: 1 INVITE\n\
Timestamp: 54\nRecord-Route: <sip:one;lr>, <sip:two;lr>\n\n";

#[test]
fn a_response_repeats_what_it_must() {
    let source: SocketAddr = "10.1.1.1:6000".parse().unwrap();
    let template = Template::new(&parse(REQUEST), source).unwrap();
    // No rport asked for: to the port of the Via (§18.2.2), here the usual one.
    assert_eq!(template.destination, "10.1.1.1:5060".parse().unwrap());
    let ok = Message::parse_datagram(&template.dialog_response(200, "mine", "<sip:me>").finish()).unwrap();
    let vias: Vec<&[u8]> = ok.headers(HeaderName::Via).collect();
    // The sender's own claim about `received` is gone.
    assert_eq!(vias, [&b"SIP/2.0/UDP 10.1.1.1;branch=z9hG4bK1"[..], b"SIP/2.0/UDP p2.example.org;branch=z9hG4bK0"]);
    assert_eq!(ok.header(HeaderName::To), Some(&b"<sip:t@x>;tag=mine"[..]));
    let routes: Vec<&[u8]> = ok.headers(HeaderName::RecordRoute).collect();
    assert_eq!(routes, [&b"<sip:one;lr>"[..], b"<sip:two;lr>"]);
    assert!(ok.header_named("Timestamp").is_none());
    let trying = Message::parse_datagram(&template.response(100, "mine").finish()).unwrap();
    assert_eq!(trying.header(HeaderName::To), Some(&b"<sip:t@x>"[..]));
    assert_eq!(trying.header_named("Timestamp"), Some(&b"54"[..]));
}

#[test]
fn a_sender_behind_a_translation_is_told_its_address() {
    let source: SocketAddr = "203.0.113.9:4444".parse().unwrap();
    let named = parse(&REQUEST.replace("10.1.1.1;", "phone.example.org:5070;"));
    let template = Template::new(&named, source).unwrap();
    assert_eq!(template.destination, "203.0.113.9:5070".parse().unwrap());
    let answer = Message::parse_datagram(&template.response(200, "t").finish()).unwrap();
    assert_eq!(answer.top_via().unwrap().received(), Some(&b"203.0.113.9"[..]));
    assert_eq!(answer.top_via().unwrap().rport(), None);
}

#[test]
fn causes_are_read_out_of_responses_and_byes() {
    let refusal = parse(
        "SIP/2.0 503 Trunk\u{7} down\nRetry-After: 18000;duration=3600\nReason: Q.850;cause=34;text=\"no, circuit\"\n\n",
    );
    let cause = cause_of_response(&refusal);
    assert_eq!(cause.reason, "Trunk down");
    assert_eq!((cause.code, cause.retry_after_s, cause.q850), (Some(503), Some(18_000), Some(34)));
    let bye = parse("BYE sip:a@b SIP/2.0\nReason: SIP;cause=200;text=\"done\"\nReason: Q.850;cause=x\n\n");
    let cause = cause_of_bye(&bye);
    assert_eq!((cause.reason.as_str(), cause.q850), ("done", None));
    let plain = cause_of_bye(&parse("BYE sip:a@b SIP/2.0\nReason: ;;;\n\n"));
    assert_eq!(plain.reason, Cause::BYE);
}

#[test]
fn only_sdp_is_taken_for_sdp() {
    let with = |kind: &str| parse(&format!("INVITE sip:a@b SIP/2.0\n{kind}Content-Length: 3\n\nv=0"));
    assert_eq!(sdp_of(&with("Content-Type: application/SDP ;charset=x\n")), Some(b"v=0".to_vec()));
    assert_eq!(sdp_of(&with("")), Some(b"v=0".to_vec()));
    assert_eq!(sdp_of(&with("Content-Type: multipart/mixed\n")), None);
    assert!(!body_is_sdp(&with("Content-Type: text/plain\n")));
}
