use super::*;

const OFFER: &str = "v=0\r\no=carrier 20518 7 IN IP4 192.0.2.5\r\ns=call\r\nc=IN IP4 192.0.2.5\r\nt=0 0\r\n\
    a=sendonly\r\na=tool:switch\r\n\
    m=audio 49172 RTP/AVP 8 0 96 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:96 opus/48000/2\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=rtcp:49999 IN IP4 192.0.2.5\r\n\
    a=rtcp-mux\r\na=ssrc:1 cname:x\r\n\
    m=image 49174 udptl t38\r\nc=IN IP6 2001:db8::1\r\na=T38FaxVersion:0\r\na=recvonly\r\n";

#[test]
fn a_trunk_offer_is_read() {
    let sdp = Sdp::parse(OFFER.as_bytes()).expect("sound offer");
    assert_eq!(sdp.origin.user, "carrier");
    assert_eq!((sdp.origin.sess_id, sdp.origin.sess_version), (20_518, 7));
    assert_eq!(sdp.name, "call");
    assert_eq!(sdp.attributes, ["tool:switch"]);
    let audio = sdp.audio().expect("audio line");
    assert_eq!((audio.port, audio.proto.as_str()), (49_172, "RTP/AVP"));
    assert_eq!(audio.formats, [8, 0, 96, 101]);
    assert_eq!(audio.addr(&sdp), Some("192.0.2.5".parse().expect("ip")));
    assert_eq!(audio.direction, Direction::SendOnly, "inherited from the session");
    assert!(audio.is_hold(&sdp));
    assert_eq!(audio.codecs().collect::<Vec<_>>(), [(8, Codec::Pcma), (0, Codec::Pcmu)]);
    assert_eq!(audio.telephone_event(), Some(101));
    assert_eq!(audio.fmtp[&101], "0-16");
    assert_eq!(audio.rtpmap[&96], RtpMap { encoding: "opus".into(), clock: 48_000, channels: 2 });
    assert_eq!((audio.ptime, audio.rtcp_port, audio.rtcp_mux), (Some(20), Some(49_999), true));
    assert_eq!(audio.attributes, ["ssrc:1 cname:x"]);
    let image = &sdp.media[1];
    assert_eq!(image.kind, MediaKind::Other("image".into()));
    assert_eq!((image.formats.len(), image.other_formats.as_deref()), (0, Some("t38")));
    assert_eq!(image.addr(&sdp), Some("2001:db8::1".parse().expect("ip")));
    assert_eq!(image.direction, Direction::RecvOnly);
}

#[test]
fn print_then_parse_is_the_same() {
    let sdp = Sdp::parse(OFFER.as_bytes()).expect("sound offer");
    let again = Sdp::parse(&sdp.to_bytes()).expect("our own bytes");
    assert_eq!(again, sdp);
}

#[test]
fn our_own_offer_reads_as_meant() {
    let mut audio = Media::audio(4_000);
    for codec in Codec::ALL {
        audio.add_codec(codec);
    }
    audio.add_telephone_event(101);
    audio.ptime = Some(20);
    let sdp = Sdp {
        origin: Origin { user: "-".into(), sess_id: 1, sess_version: 2, addr: ip("127.0.0.1").into() },
        name: String::new(),
        connection: Some(ip("127.0.0.1").into()),
        attributes: Vec::new(),
        media: vec![audio],
    };
    let text = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n\
        a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n\
        a=ptime:20\r\na=sendrecv\r\n";
    assert_eq!(sdp.to_string(), text);
    assert_eq!(Sdp::parse(text.as_bytes()), Ok(sdp));
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("address")
}

fn with_audio(lines: &str) -> Result<Sdp, Reject> {
    Sdp::parse(format!("v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n{lines}").as_bytes())
}

#[test]
fn an_rtpmap_outweighs_the_static_meaning() {
    let sdp = with_audio("m=audio 9 RTP/AVP 0 8 97\na=rtpmap:0 PCMU/16000\na=rtpmap:97 pcma/8000\n").expect("sound");
    let audio = sdp.audio().expect("audio");
    assert_eq!(audio.codecs().collect::<Vec<_>>(), [(8, Codec::Pcma), (97, Codec::Pcma)]);
    assert_eq!(audio.telephone_event(), None);
}

#[test]
fn the_ways_to_hold() {
    let hold = |lines: &str| {
        let sdp = with_audio(lines).expect("sound");
        sdp.audio().expect("audio").is_hold(&sdp)
    };
    assert!(!hold("m=audio 9 RTP/AVP 0\n"));
    assert!(!hold("m=audio 9 RTP/AVP 0\na=recvonly\n"));
    assert!(hold("m=audio 9 RTP/AVP 0\na=inactive\n"));
    assert!(hold("m=audio 9 RTP/AVP 0\na=sendonly\n"));
    assert!(hold("m=audio 0 RTP/AVP 0\n"));
    assert!(hold("m=audio 9 RTP/AVP 0\nc=IN IP4 0.0.0.0\n"));
    assert_eq!(Direction::SendOnly.reversed(), Direction::RecvOnly);
    assert_eq!(Direction::SendRecv.reversed(), Direction::SendRecv);
}

#[test]
fn odd_but_harmless_lines_are_survived() {
    // Bare LF, blanks at line ends, junk behind, unknown letters, unreadable attributes, names for addresses, large ids.
    let sdp = with_audio(
        "z=0 0\nb=AS:64\nm=audio 4000/2 RTP/SAVP 0 \na=rtpmap:zero\na=ptime:x\na=rtpmap:300 x/1\na=ptime:20.5\n\0\0junk\n",
    )
    .expect("harmless");
    let audio = sdp.audio().expect("audio");
    assert_eq!((audio.port, audio.formats.as_slice(), audio.ptime), (4_000, &[0][..], Some(20)));
    assert_eq!(audio.attributes, ["rtpmap:zero", "ptime:x", "rtpmap:300 x/1"]);
    let named = Sdp::parse(
        b"v=0\no=a 99999999999999999999999 1 IN IP4 host.example\ns=\nc=IN IP4 host.example\nm=audio 9 RTP/AVP 0\n",
    )
    .expect("names are kept");
    assert_eq!(named.origin.sess_id, u64::MAX);
    assert_eq!(named.connection, Some(Host::Name("host.example".into())));
    assert_eq!(named.audio().expect("audio").addr(&named), None);
    assert_eq!(
        with_audio("m=audio 9 RTP/AVP 0\nc=IN IP4 224.2.1.1/127/3\n").expect("multicast").media[0].connection,
        Some(ip("224.2.1.1").into())
    );
    assert!(Sdp::parse(b"v=0\no=\xff\xfe 1 1 IN IP4 192.0.2.1\ns=\xff\nm=audio 9 RTP/AVP 0\n").is_ok(), "no UTF-8");
}

#[test]
fn faults_name_their_line() {
    assert_eq!(Sdp::parse(b""), Err(Reject::Truncated));
    assert_eq!(Sdp::parse(b"v=1\n"), Err(Reject::Version));
    assert_eq!(Sdp::parse(b"o=- 1 1 IN IP4 192.0.2.1\n"), Err(Reject::Version));
    assert_eq!(Sdp::parse(b"v=0\ns=-\n"), Err(Reject::Truncated), "no origin");
    for (line, letter) in [
        ("o=- x 1 IN IP4 192.0.2.1", b'o'),
        ("o=- 1 1 IN IP4", b'o'),
        ("c=IN IP9 192.0.2.1", b'c'),
        ("c=XX IP4 192.0.2.1", b'c'),
        ("c=", b'c'),
        ("m=audio", b'm'),
        ("m=audio 70000 RTP/AVP 0", b'm'),
        ("m=audio -1 RTP/AVP 0", b'm'),
        ("m=audio 4000 RTP/AVP", b'm'),
        ("m =audio 4000 RTP/AVP 0", b'm'),
        ("testing=123", b't'),
        ("v=0", b'v'),
    ] {
        assert_eq!(with_audio(line), Err(Reject::Sdp(letter)), "{line}");
    }
}

#[test]
fn limits_hold() {
    let audio = "m=audio 9 RTP/AVP 0\n";
    assert!(with_audio(&audio.repeat(MEDIA_MAX)).is_ok());
    assert_eq!(with_audio(&audio.repeat(MEDIA_MAX + 1)), Err(Reject::TooManyItems));
    assert!(with_audio(&"a=x\n".repeat(ATTRIBUTES_MAX)).is_ok());
    assert_eq!(with_audio(&"a=x\n".repeat(ATTRIBUTES_MAX + 1)), Err(Reject::TooManyItems));
    let lines = format!("{audio}{}", "a=x\n".repeat(ATTRIBUTES_MAX + 1));
    assert_eq!(with_audio(&lines), Err(Reject::TooManyItems));
    assert_eq!(with_audio(&format!("m=audio 9 RTP/AVP{}", " 0".repeat(FORMATS_MAX + 1))), Err(Reject::TooManyItems));
    assert_eq!(Sdp::parse(&vec![b'x'; SDP_BYTES_MAX + 1]), Err(Reject::TooLong));
}

#[test]
fn no_value_can_add_a_line() {
    let mut sdp = Sdp::parse(OFFER.as_bytes()).expect("sound offer");
    sdp.name = "x\r\nm=audio 1 RTP/AVP 0".into();
    sdp.media[0].attributes.push("y\nc=IN IP4 203.0.113.9".into());
    let again = Sdp::parse(&sdp.to_bytes()).expect("our own bytes");
    assert_eq!(again.media.len(), 2);
    assert_eq!(again.media[0].connection, None);
}
