//! The torture messages of RFC 4475, each in the class we claim. They are read from `OUTPACE_TORTURE_DIR`; without it
//! these tests say so and pass.
#![expect(clippy::disallowed_methods, reason = "a test may read its vectors")]

use std::path::PathBuf;
use wire::Reject;
use wire::sip::{HeaderName, Message, Method, Uri};

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Parsed, and nothing wrong with what every message must have.
    Sound,
    /// Parsed, so that it can be answered (400, 505) or, being a response, dropped by name.
    Faulty(Reject),
    /// Not parsed.
    Refused(Reject),
}
use Class::{Faulty, Refused, Sound};

/// The file, our class. `_V` files that are not sound: BADVERS is to get a 505, the MISMATCH pair a 400, the
/// SCALAR pair has CSeq numbers beyond 32 bits (a 400 and a drop), BIGCODE a status code that is none.
const TABLE: [(&str, Class); 50] = [
    ("TC_BADASPEC_I", Sound), // blanks inside <>: tolerated, the address is still clear
    ("TC_BADBRANCH_V", Sound),
    ("TC_BADDATE_V", Sound), // nobody reads Date
    ("TC_BADDN_I", Sound),   // unquoted comma in a display name: the address is still clear
    ("TC_BADINV01_I", Faulty(Reject::Malformed(HeaderName::Via))),
    ("TC_BADVERS_V", Faulty(Reject::Version)),
    ("TC_BCAST_V", Sound),
    ("TC_BEXT01_V", Sound),
    ("TC_BIGCODE_V", Refused(Reject::StatusCode)),
    ("TC_CLERR_I", Refused(Reject::Truncated)),
    ("TC_CPARAM01_V", Sound),
    ("TC_CPARAM02_V", Sound),
    ("TC_DBLREQ", Sound), // the second request behind Content-Length is cut off (§3.1.1.8)
    ("TC_ESC01_V", Sound),
    ("TC_ESC02_V", Sound),
    ("TC_ESCNULL_V", Sound),
    ("TC_ESCRURI_V", Sound),
    ("TC_INSUF_I", Faulty(Reject::Missing(HeaderName::CallId))),
    ("TC_INTMETH", Sound),
    ("TC_INV2543_I", Sound), // RFC 2543: no branch, no Max-Forwards, no Content-Length
    ("TC_INVUT_V", Sound),
    ("TC_LONGREQ_V", Sound),
    ("TC_LTGTRURI_I", Faulty(Reject::Uri)),
    ("TC_LWSDISP_V", Sound),
    ("TC_LWSRURI_I", Faulty(Reject::Uri)),
    ("TC_LWSSTART_V", Sound), // several blanks in the request line: tolerated
    ("TC_MCL01_I", Refused(Reject::ContentLength)),
    ("TC_MISMATCH01_V", Faulty(Reject::MethodMismatch)),
    ("TC_MISMATCH02_V", Faulty(Reject::MethodMismatch)),
    ("TC_MPART01", Sound),
    ("TC_MULTI01_I", Faulty(Reject::Duplicate(HeaderName::CallId))),
    ("TC_NCL_I", Refused(Reject::ContentLength)),
    ("TC_NOREASON_V", Sound),
    ("TC_NOVELSC_V", Sound),
    ("TC_QUOTBAL_I", Faulty(Reject::Malformed(HeaderName::To))),
    ("TC_REGAUT01_V", Sound),
    ("TC_REGBADCT_I", Sound), // its Contact is refused by who reads it, see below
    ("TC_REGESCRT_V", Sound),
    ("TC_SCALAR02_V", Faulty(Reject::Malformed(HeaderName::CSeq))),
    ("TC_SCALARLG_V", Faulty(Reject::Malformed(HeaderName::CSeq))),
    ("TC_SDP01_V", Sound),
    ("TC_SEMIURI_V", Sound),
    ("TC_TEST_I", Refused(Reject::StartLine)),
    ("TC_TRANSPORTS_V", Sound),
    ("TC_TRWS_I", Sound), // blanks behind the request line: tolerated
    ("TC_UNKSCM_V", Sound),
    ("TC_UNKSM2_V", Sound),
    ("TC_UNREASON_V", Sound),
    ("TC_WSINV", Sound),
    ("TC_ZEROMF_V", Sound),
];

fn folder() -> Option<PathBuf> {
    let found = std::env::var_os("OUTPACE_TORTURE_DIR").map(PathBuf::from).filter(|dir| dir.is_dir());
    if found.is_none() {
        println!("OUTPACE_TORTURE_DIR names no folder: the RFC 4475 messages are not tested");
    }
    found
}

fn bytes(name: &str) -> Option<Vec<u8>> {
    Some(std::fs::read(folder()?.join(format!("{name}.dat"))).expect("the folder holds every message of the table"))
}

/// `None` without the folder.
fn message(name: &str) -> Option<Message> {
    bytes(name).map(|b| Message::parse_datagram(&b).expect("parses"))
}

#[test]
fn each_message_is_in_its_class() {
    for (name, class) in TABLE {
        let Some(bytes) = bytes(name) else { return };
        let found = match Message::parse_datagram(&bytes) {
            Err(reject) => Refused(reject),
            Ok(message) => message.validate().map_or_else(Faulty, |()| Sound),
        };
        assert_eq!(found, class, "{name}");
    }
}

#[test]
fn a_refused_request_can_still_be_answered() {
    for name in ["TC_CLERR_I", "TC_MCL01_I", "TC_NCL_I"] {
        let Some(bytes) = bytes(name) else { return };
        let head = Message::parse_for_refusal(&bytes).expect("a readable head");
        assert_eq!(head.validate(), Ok(()), "{name}");
        assert!(head.body().is_empty());
    }
}

#[test]
fn twisted_white_space_keeps_its_meaning() {
    let Some(m) = message("TC_WSINV") else { return };
    assert_eq!(m.method(), Some(Method::Invite));
    assert_eq!(m.to().expect("To").tag(), Some(&b"1918181833n"[..]));
    let from = m.from().expect("From");
    assert_eq!(from.display, Some(&br#"J Rosenberg \\\""#[..]));
    assert_eq!(from.tag(), Some(&b"98asjd8"[..]));
    assert_eq!(m.cseq(), Some((9, Method::Invite)));
    assert_eq!(m.number(HeaderName::MaxForwards), Some(68));
    let vias: Vec<_> = m
        .headers(HeaderName::Via)
        .map(|v| wire::sip::Via::parse(v).expect("Via"))
        .map(|v| (v.transport, v.host, v.branch()))
        .collect();
    let expected: [(&[u8], &[u8], &[u8]); 3] = [
        (b"UDP", b"192.0.2.2", b"390skdjuw"),
        (b"TCP", b"spindle.example.com", b"z9hG4bK9ikj8"),
        (b"UDP", b"192.168.255.111", b"z9hG4bK30239"),
    ];
    assert_eq!(vias, expected.map(|(transport, host, branch)| (transport, host, Some(branch))));
    let contact = m.contact().expect("Contact").expect("sound Contact");
    assert_eq!((contact.param("newparam"), contact.param("secondparam")), (Some(&b"newvalue"[..]), Some(&b""[..])));
    assert_eq!(contact.param("q"), Some(&b"0.33"[..]));
    assert_eq!(
        m.header_named("newfangledheader").map(|v| wire::sip::unfold(v).into_owned()).as_deref(),
        Some(&b"newfangled value continued newfangled value"[..])
    );
    let sdp = wire::sdp::Sdp::parse(m.body()).expect("SDP");
    assert_eq!(sdp.audio().map(|a| a.port), Some(49_217));
}

#[test]
fn wide_ranges_of_bytes_are_kept() {
    let Some(m) = message("TC_INTMETH") else { return };
    assert_eq!(m.method().expect("method").as_str(), "!interesting-Method0123456789_*+`.%indeed'~");
    let to = m.to().expect("To");
    assert_eq!(to.display, Some(&b"BEL:\\\x07 NUL:\\\0 DEL:\\\x7f"[..]));
    let uri = to.parse_uri().expect("URI");
    assert_eq!(uri.user, Some(&b"1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"[..]));
    assert_eq!(uri.host, b"example.com");
    let from = m.from().expect("From");
    assert_eq!(from.tag(), Some(&b"_token~1'+`*%!-."[..]));
    assert_eq!(from.param("fromParam''~+*_!.-%"), Some("работающий".as_bytes()));
    assert_eq!(m.number(HeaderName::MaxForwards), Some(255));
    let uri = Uri::parse(m.request_uri().expect("request")).expect("URI");
    assert_eq!(uri.password, Some(&b"&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"[..]));
}

#[test]
fn escapes_stay_until_asked_for() {
    let Some(m) = message("TC_ESC01_V") else { return };
    let uri = Uri::parse(m.request_uri().expect("request")).expect("URI");
    assert_eq!((uri.user, uri.host), (Some(&b"sips%3Auser%40example.com"[..]), &b"example.net"[..]));
    assert_eq!(uri.user_text(), "sips:user@example.com");
    assert_eq!(m.header(HeaderName::ContentType), Some(&b"application/sdp"[..]));
    let contact = m.contact().expect("Contact").expect("folded Contact");
    assert_eq!(contact.uri, b"sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31");
    let Some(m) = message("TC_ESCNULL_V") else { return };
    assert_eq!(m.to().expect("To").parse_uri().expect("URI").user_text(), "null-\0-null");
    assert_eq!(m.headers(HeaderName::Contact).count(), 2);
    // RE%47IST%45R is no REGISTER, and C%6Fntact no Contact.
    let Some(m) = message("TC_ESC02_V") else { return };
    assert_ne!(m.method(), Some(Method::Register));
    assert_eq!(m.headers(HeaderName::Contact).count(), 2);
}

#[test]
fn addresses_keep_whose_parameter_is_whose() {
    // Without brackets the parameter is the header's, with brackets the URI's.
    let Some(m) = message("TC_CPARAM01_V") else { return };
    let contact = m.contact().expect("Contact").expect("sound");
    assert_eq!(contact.param("unknownparam"), Some(&b""[..]));
    let Some(m) = message("TC_CPARAM02_V") else { return };
    let contact = m.contact().expect("Contact").expect("sound");
    assert_eq!(contact.param("unknownparam"), None);
    assert_eq!(contact.parse_uri().expect("URI").param("unknownparam"), Some(&b""[..]));
    // A bare address may not carry URI headers; in brackets it may.
    let Some(m) = message("TC_REGBADCT_I") else { return };
    assert_eq!(m.contact(), Some(Err(Reject::NameAddr)));
    let Some(m) = message("TC_REGESCRT_V") else { return };
    assert_eq!(
        m.contact().expect("Contact").expect("sound").parse_uri().expect("URI").headers,
        b"Route=%3Csip:sip.example.com%3E"
    );
    let Some(m) = message("TC_SEMIURI_V") else { return };
    assert_eq!(Uri::parse(m.request_uri().expect("request")).expect("URI").user_text(), "user;par=u@example.net");
    let Some(m) = message("TC_LWSDISP_V") else { return };
    assert_eq!(m.from().expect("From").display, Some(&b"caller"[..]));
    let Some(m) = message("TC_BADDN_I") else { return };
    assert_eq!(m.from().expect("From").display, Some(&b"Bell, Alexander"[..]));
    let Some(m) = message("TC_UNKSM2_V") else { return };
    assert_eq!(m.to().expect("To").parse_uri().expect("URI").scheme, b"isbn");
}

#[test]
fn bodies_and_numbers_are_cut_where_they_should() {
    let Some(m) = message("TC_DBLREQ") else { return };
    assert_eq!((m.method(), m.body().len()), (Some(Method::Register), 0));
    assert_eq!(m.call_id(), Some(&b"dblreq.0ha0isndaksdj99sdfafnl3lk233412"[..]));
    let Some(m) = message("TC_MPART01") else { return };
    assert_eq!(m.body().len(), 553);
    let Some(m) = message("TC_TRANSPORTS_V") else { return };
    assert_eq!(m.headers(HeaderName::Via).count(), 5);
    assert_eq!(m.tokens(HeaderName::Require).count(), 0);
    let Some(m) = message("TC_BEXT01_V") else { return };
    assert_eq!(
        m.tokens(HeaderName::Require).collect::<Vec<_>>(),
        [b"nothingSupportsThis", &b"nothingSupportsThisEither"[..]]
    );
    let Some(m) = message("TC_SCALARLG_V") else { return };
    assert_eq!(m.number(HeaderName::RetryAfter), Some(u32::MAX));
    let Some(m) = message("TC_NOREASON_V") else { return };
    assert_eq!((m.code(), m.reason()), (Some(100), Some(&b""[..])));
    let Some(m) = message("TC_UNREASON_V") else { return };
    assert_eq!(m.code(), Some(200));
    assert!(m.reason().is_some_and(|r| r.starts_with(b"= 2**3 * 5**2 ")));
    let Some(m) = message("TC_ZEROMF_V") else { return };
    assert_eq!(m.number(HeaderName::MaxForwards), Some(0));
    let Some(m) = message("TC_LONGREQ_V") else { return };
    assert_eq!(m.body().len(), 150);
    assert_eq!(m.to().expect("To").parse_uri().expect("URI").port, Some(6_000));
}

#[test]
fn the_peek_agrees_with_the_parse() {
    for (name, _) in TABLE {
        let Some(bytes) = bytes(name) else { return };
        if let Ok(m) = Message::parse_datagram(&bytes) {
            assert_eq!(wire::sip::peek_call_id(&bytes), m.header(HeaderName::CallId), "{name}");
        }
    }
}
