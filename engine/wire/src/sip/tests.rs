use super::*;
use crate::Reject;
use proptest::prelude::*;

const INVITE: &str = "INVITE sip:+14155550123@192.0.2.10:5060;user=phone SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK74bf9;rport\r\n\
    Max-Forwards: 70\r\n\
    From: \"Ann \\\"A\\\" Bee\" <sip:ann@192.0.2.1>;tag=9fxced76sl\r\n\
    To: <sip:+14155550123@192.0.2.10>\r\n\
    Call-ID: s3-3848276298220188511\r\n\
    CSeq: 2 INVITE\r\n\
    Contact: <sip:ann@192.0.2.1:5060;transport=udp>\r\n\
    Content-Type: application/sdp\r\n\
    Content-Length: 5\r\n\r\nv=0\r\n";

fn parse(text: impl AsRef<[u8]>) -> Result<Message, Reject> {
    Message::parse_datagram(text.as_ref())
}

fn sound(text: impl AsRef<[u8]>) -> Message {
    parse(text).expect("parses")
}

/// A request with these header lines (each with its line end) and the rest of what validation wants.
fn with(lines: &str) -> Message {
    sound(format!(
        "BYE sip:a@b SIP/2.0\r\n{lines}Via: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:f@h>;tag=1\r\nTo: <sip:t@h>\r\nCall-ID: c\r\nCSeq: 1 BYE\r\n\r\n"
    ))
}

#[test]
fn an_invite_is_read() {
    let m = sound(INVITE);
    assert_eq!(m.validate(), Ok(()));
    assert!(m.is_request());
    assert_eq!((m.method(), m.code(), m.reason()), (Some(Method::Invite), None, None));
    assert_eq!(m.call_id(), Some(&b"s3-3848276298220188511"[..]));
    assert_eq!(m.cseq(), Some((2, Method::Invite)));
    assert_eq!(m.body(), b"v=0\r\n");
    assert_eq!(m.bytes(), INVITE.as_bytes());
    let from = m.from().expect("From");
    assert_eq!(from.display, Some(&br#"Ann \"A\" Bee"#[..]));
    assert_eq!((from.uri, from.tag()), (&b"sip:ann@192.0.2.1"[..], Some(&b"9fxced76sl"[..])));
    assert_eq!(m.to().expect("To").tag(), None);
    let via = m.top_via().expect("Via");
    assert_eq!((via.transport, via.host, via.port), (&b"UDP"[..], &b"192.0.2.1"[..], Some(5_060)));
    assert_eq!((via.branch(), via.rport(), via.received()), (Some(&b"z9hG4bK74bf9"[..]), Some(None), None));
    let uri = Uri::parse(m.request_uri().expect("request")).expect("URI");
    assert_eq!(
        (uri.user_text().as_str(), uri.port, uri.param("user")),
        ("+14155550123", Some(5_060), Some(&b"phone"[..]))
    );
    let contact = m.contact().expect("Contact").expect("sound").parse_uri().expect("URI");
    assert_eq!(contact.param("transport"), Some(&b"udp"[..]));
    assert_eq!(m.all_headers().count(), 9);
}

#[test]
fn a_response_is_read() {
    let m = sound(
        "sip/2.0 486  Busy Here \nv:SIP/2.0/UDP h;branch=z9hG4bKx;received=192.0.2.9;rport=5061\nf:<sip:f@h>;tag=1\nt:<sip:t@h>;tag=2\ni:c\ncseq:1 INVITE\nretry-after: 18 (meeting);duration=3600\n\n",
    );
    assert_eq!(m.validate(), Ok(()));
    assert_eq!((m.code(), m.reason(), m.method()), (Some(486), Some(&b"Busy Here"[..]), None));
    let via = m.top_via().expect("Via");
    assert_eq!((via.received(), via.rport()), (Some(&b"192.0.2.9"[..]), Some(Some(5_061))));
    assert_eq!(m.number(HeaderName::RetryAfter), Some(18));
    assert_eq!(m.request_uri(), None);
}

#[test]
fn keep_alives_and_junk_are_told_apart() {
    for bytes in [&b""[..], b"\r\n", b"\r\n\r\n", b"\n", b"\0\0\0\0", b"\r\n\0"] {
        assert_eq!(parse(bytes).err(), Some(Reject::Keepalive), "{bytes:?}");
    }
    for (bytes, reject) in [
        (&b"x"[..], Reject::StartLine),
        (b"INVITE sip:a@b SIP/2.0", Reject::StartLine),
        (b"INVITE\r\n\r\n", Reject::StartLine),
        (b"INVITE sip:a@b\r\n\r\n", Reject::StartLine),
        (b"INVITE SIP/2.0\r\n\r\n", Reject::StartLine),
        (b"INVITE  SIP/2.0\r\n\r\n", Reject::StartLine),
        (b"INVITE sip:a@b HTTP/1.1\r\n\r\n", Reject::StartLine),
        (b"IN(VITE sip:a@b SIP/2.0\r\n\r\n", Reject::Method),
        (b"SIP/3.0 200 OK\r\n\r\n", Reject::Version),
        (b"SIP/2.0\r\n\r\n", Reject::StartLine),
        (b"SIP/2.0 OK\r\n\r\n", Reject::StartLine),
        (b"SIP/2.0 99 Low\r\n\r\n", Reject::StatusCode),
        (b"SIP/2.0 700 High\r\n\r\n", Reject::StatusCode),
        (b"BYE sip:a@b SIP/2.0\r\nTo: cut in the mid", Reject::Truncated),
    ] {
        assert_eq!(parse(bytes).err(), Some(reject), "{}", bytes.escape_ascii());
    }
    let long = format!("{} sip:a@b SIP/2.0\r\n\r\n", "M".repeat(METHOD_BYTES_MAX + 1));
    assert_eq!(parse(long).err(), Some(Reject::Method));
}

#[test]
fn bodies_follow_content_length() {
    let body =
        |head: &str, rest: &str| parse(format!("BYE sip:a@b SIP/2.0\r\n{head}\r\n{rest}")).map(|m| m.body().to_vec());
    assert_eq!(body("", "to the end"), Ok(b"to the end".to_vec()));
    assert_eq!(body("Content-Length: 3\r\n", "cut off"), Ok(b"cut".to_vec()));
    assert_eq!(body("l : 0\r\n", "cut off"), Ok(Vec::new()));
    assert_eq!(body("l:7\r\nContent-Length: 007\r\n", "cut off"), Ok(b"cut off".to_vec()));
    assert_eq!(body("l: 8\r\n", "cut off"), Err(Reject::Truncated));
    assert_eq!(body("l: 99999999999999999999999999\r\n", "cut off"), Err(Reject::Truncated));
    for bad in ["l: -1\r\n", "l: 3 3\r\n", "l: \r\n", "l: 0x3\r\n", "l: 3\r\nl: 4\r\n"] {
        assert_eq!(body(bad, "cut off"), Err(Reject::ContentLength), "{bad}");
    }
}

#[test]
fn folds_blanks_and_odd_lines_are_survived() {
    let m = sound(
        b"\r\n\r\nBYE sip:a@b SIP/2.0\n floating fold\nnot a header\n its fold\n: no name\nSubject \t:  a\r\n\t b\n \n  c  \nEmpty:\n\nbody",
    );
    assert_eq!(m.skipped_lines(), 4, "two folds of nothing, a line without colon, a line without name");
    let subject = m.header_named("SUBJECT").expect("Subject");
    assert_eq!(unfold(subject).as_ref(), b"a b c");
    assert_eq!(m.header_named("empty"), Some(&b""[..]));
    assert_eq!(m.body(), b"body");
    // A value that begins on the next line.
    let m = with("X:\r\n \r\n  value\r\n");
    assert_eq!(m.header(HeaderName::SessionExpires), Some(&b"value"[..]));
    assert_eq!(m.header_named("session-expires"), m.header_named("x"));
    // The head may end with the datagram, after a whole line.
    assert_eq!(sound("BYE sip:a@b SIP/2.0\r\ni: c\r\n").call_id(), Some(&b"c"[..]));
}

#[test]
fn lists_are_parted_where_they_should() {
    let m = with(
        "Contact: \"a, b\" <sip:x,y@h;p=1,2>;q=1 , sip:z@h,,\r\nRoute: <sip:1;lr>,<sip:2;lr>\r\nRoute: <sip:3;lr>\r\nAllow: INVITE, ACK\r\nAllow: BYE\r\n",
    );
    let contacts: Vec<_> = m.headers(HeaderName::Contact).collect();
    assert_eq!(contacts, [&b"\"a, b\" <sip:x,y@h;p=1,2>;q=1"[..], b"sip:z@h"]);
    assert_eq!(m.headers(HeaderName::Route).count(), 3);
    assert_eq!(m.headers(HeaderName::Allow).collect::<Vec<_>>(), [&b"INVITE, ACK"[..], b"BYE"]);
    assert_eq!(m.tokens(HeaderName::Allow).count(), 3);
    assert_eq!(m.header_named("allow"), Some(&b"INVITE, ACK"[..]));
    assert_eq!(m.headers(HeaderName::Other).count(), 0);
}

#[test]
fn single_headers_given_twice_are_not_guessed_at() {
    for (line, name) in [
        ("Call-ID: other\r\n", HeaderName::CallId),
        ("i: c\r\n", HeaderName::CallId),
        ("CSeq: 2 BYE\r\n", HeaderName::CSeq),
        ("f: <sip:f@h>;tag=2\r\n", HeaderName::From),
        ("To: <sip:u@h>\r\n", HeaderName::To),
        ("Max-Forwards: 1\r\nMax-Forwards: 2\r\n", HeaderName::MaxForwards),
    ] {
        let m = with(line);
        assert_eq!(m.validate(), Err(Reject::Duplicate(name)), "{line}");
    }
    let m = with("i: c\r\n");
    assert_eq!(m.call_id(), None);
    assert_eq!(with("CSeq: 1 BYE\r\n").cseq(), None);
    assert_eq!(with("To: <sip:t@h>\r\n").to(), Err(Reject::Duplicate(HeaderName::To)));
}

#[test]
fn validation_names_the_fault() {
    let whole = "BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:f@h>;tag=1\r\nTo: <sip:t@h>\r\nCall-ID: c\r\nCSeq: 1 BYE\r\n\r\n";
    assert_eq!(sound(whole).validate(), Ok(()));
    for (line, name) in [
        ("Via: SIP/2.0/UDP h;branch=z9hG4bKx\r\n", HeaderName::Via),
        ("From: <sip:f@h>;tag=1\r\n", HeaderName::From),
        ("To: <sip:t@h>\r\n", HeaderName::To),
        ("Call-ID: c\r\n", HeaderName::CallId),
        ("CSeq: 1 BYE\r\n", HeaderName::CSeq),
    ] {
        assert_eq!(sound(whole.replace(line, "")).validate(), Err(Reject::Missing(name)));
        let colon = line.find(':').expect("colon");
        let emptied = format!("{}:\r\n", &line[..colon]);
        let expected = if name == HeaderName::Via { Reject::Missing(name) } else { Reject::Malformed(name) };
        assert_eq!(sound(whole.replace(line, &emptied)).validate(), Err(expected), "{emptied}");
    }
    assert_eq!(sound(whole.replace("SIP/2.0\r", "SIP/7.0\r")).validate(), Err(Reject::Version));
    assert_eq!(sound(whole.replace("1 BYE", "1 INVITE")).validate(), Err(Reject::MethodMismatch));
    assert_eq!(sound(whole.replace("1 BYE", "4294967296 BYE")).validate(), Err(Reject::Malformed(HeaderName::CSeq)));
    assert_eq!(sound(whole.replace("sip:a@b SIP", "<sip:a@b> SIP")).validate(), Err(Reject::Uri));
    let vias = "Via: SIP/2.0/UDP h\r\n".repeat(9) + &format!("Via: {}\r\n", ["SIP/2.0/UDP h"; VIAS_MAX - 9].join(","));
    assert_eq!(sound(whole.replace("Via: SIP/2.0/UDP h;branch=z9hG4bKx\r\n", &vias)).validate(), Ok(()));
    assert_eq!(with(&vias).validate(), Err(Reject::TooManyVias));
}

#[test]
fn limits_hold() {
    let lines = |count: usize| format!("BYE sip:a@b SIP/2.0\r\n{}\r\n", "x-y: z\r\n".repeat(count));
    assert!(parse(lines(HEADERS_MAX)).is_ok());
    assert_eq!(parse(lines(HEADERS_MAX + 1)).err(), Some(Reject::TooManyHeaders));
    let value = |length: usize| format!("BYE sip:a@b SIP/2.0\r\nx: {}\n\r\n", "y".repeat(length - 3));
    assert!(parse(value(HEADER_BYTES_MAX)).is_ok());
    assert_eq!(parse(value(HEADER_BYTES_MAX + 1)).err(), Some(Reject::HeaderTooLong));
    let folded = format!("BYE sip:a@b SIP/2.0\r\nx: y\n{}\r\n", " z\n".repeat(HEADER_BYTES_MAX / 3 + 1));
    assert_eq!(parse(folded).err(), Some(Reject::HeaderTooLong));
    assert_eq!(parse(vec![b'a'; MESSAGE_BYTES_MAX + 1]).err(), Some(Reject::TooLong));
    let params = |count: usize| format!("<sip:a@b>{}", ";p".repeat(count));
    assert!(NameAddr::parse(params(PARAMS_MAX).as_bytes()).is_ok());
    assert_eq!(NameAddr::parse(params(PARAMS_MAX + 1).as_bytes()), Err(Reject::TooManyItems));
}

#[test]
fn addresses() {
    let ok = |text: &'static str| NameAddr::parse(text.as_bytes()).expect(text);
    assert_eq!(ok("sip:a@b").uri, b"sip:a@b");
    assert_eq!(ok(" Bob  B <sip:a@b> ").display, Some(&b"Bob  B"[..]));
    assert_eq!(ok("\"\" <sip:a@b>").display, None);
    assert_eq!(ok("\"a<b>;tag=x\" <sip:a@b>;tag=y").tag(), Some(&b"y"[..]));
    assert_eq!(ok("<sip:a@b;tag=inside>").tag(), None);
    assert_eq!(ok("<sip:a@b>;tag=").tag(), None);
    assert_eq!(ok("<sip:a@b>;TAG = \"q;\\\"v\" ;").tag(), Some(&b"q;\\\"v"[..]));
    assert_eq!(ok("sip:a@b;x=\"<\"").param("x"), Some(&b"<"[..]));
    for bad in [
        "",
        "<>",
        "< >",
        "<sip:a@b",
        "\"open <sip:a@b>",
        "\"x\" sip:a@b",
        "x <sip:a b>",
        "<sip:a@b> junk",
        "<sip:a@b>;;",
        "<sip:a@b>;=v",
        "a b",
        "sip:a@b?h=v",
        "*;q=\"open",
    ] {
        assert!(NameAddr::parse(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn uris() {
    let ok = |text: &'static str| Uri::parse(text.as_bytes()).expect(text);
    let u = ok("SIPS:alice:secret@[2001:db8::9]:5070;transport=tcp;lr?subject=x&a=b");
    assert!(u.is_sip());
    assert_eq!((u.user, u.password), (Some(&b"alice"[..]), Some(&b"secret"[..])));
    assert_eq!((u.host, u.port), (&b"[2001:db8::9]"[..], Some(5_070)));
    assert_eq!(
        (u.param("LR"), u.param("transport"), u.headers),
        (Some(&b""[..]), Some(&b"tcp"[..]), &b"subject=x&a=b"[..])
    );
    assert_eq!((ok("sip:example.com").user, ok("sip:example.com").host), (None, &b"example.com"[..]));
    let tel = ok("tel:+1-201-555-0123;phone-context=x");
    assert_eq!((tel.user_text().as_str(), tel.param("phone-context")), ("+1-201-555-0123", Some(&b"x"[..])));
    assert_eq!(ok("urn:service:sos").host, b"service:sos");
    assert_eq!(ok("sip:%41%zz%4@h").user_text(), "A%zz%4");
    assert_eq!(ok("sip:%ff@h").user_text(), "\u{fffd}");
    for bad in [
        "",
        "sip",
        "sip:",
        ":a@b",
        "1sip:a@b",
        "sip:@b",
        "sip:a@",
        "sip:a@b@c",
        "sip:a@b:",
        "sip:a@b:x",
        "sip:a@b:65536",
        "sip:a@[::1",
        "sip:a@[]",
        "sip:a@b c",
        "sip:a@b<",
        "sip:a@b;;x",
        "tel:",
        "tel:;x",
    ] {
        assert_eq!(Uri::parse(bad.as_bytes()), Err(Reject::Uri), "{bad}");
    }
}

#[test]
fn vias() {
    let v = Via::parse(b"SIP / 2.0 / UDP\r\n first.example.com : 4000 ; ttl=16\t;maddr=224.2.0.1 ;branch = z9hG4bKa7")
        .expect("RFC 3261 §7.3.1");
    assert_eq!(
        (v.host, v.port, v.param("ttl"), v.branch()),
        (&b"first.example.com"[..], Some(4_000), Some(&b"16"[..]), Some(&b"z9hG4bKa7"[..]))
    );
    assert_eq!(Via::parse(b"SIP/2.0/UDP [::1]:5060;rport=x").expect("v6").rport(), Some(None));
    for bad in [
        "",
        "SIP",
        "SIP/2.0",
        "SIP/2.0/UDP",
        "SIP/2.0/UDP ",
        "SIP/2.0/UDP ;branch=x",
        "SIP//UDP h",
        "SIP/2.0/U/P h",
        "SIP/2.0/UDP h:0x",
        "SIP/2.0/UDP h h",
        "SIP/2.0/UDP h;;",
    ] {
        assert_eq!(Via::parse(bad.as_bytes()), Err(Reject::Via), "{bad}");
    }
}

#[test]
fn challenges_and_credentials() {
    let c = Challenge::parse(b"Digest realm=\"a, b\",\r\n nonce=\"x=<,\\\"\" , opaque=\"\", stale=TRUE, algorithm=SHA-256, qop=\"auth-int , auth\"").expect("challenge");
    assert_eq!((c.realm, c.nonce, c.opaque), (&b"a, b"[..], &b"x=<,\\\""[..], Some(&b""[..])));
    assert_eq!((c.algorithm, c.algorithm_text, c.stale), (Algorithm::Sha256, Some(&b"SHA-256"[..]), true));
    assert_eq!(c.qop, Some(QopSet { auth: true, auth_int: true }));
    let c = Challenge::parse(b"digest nonce=n,realm=r").expect("bare tokens, RFC 2069");
    assert_eq!((c.algorithm, c.qop, c.stale, c.opaque), (Algorithm::Md5, None, false, None));
    for (text, algorithm) in [
        ("MD5-sess", Algorithm::Md5Sess),
        ("sha-256-sess", Algorithm::Sha256Sess),
        ("SHA256", Algorithm::Sha256),
        ("SHA-512-256", Algorithm::Other),
    ] {
        let value = format!("Digest realm=\"r\", nonce=\"n\", algorithm={text}");
        assert_eq!(Challenge::parse(value.as_bytes()).expect("challenge").algorithm, algorithm);
    }
    for bad in [
        "",
        "Digest",
        "Digest ",
        "Basic realm=\"r\", nonce=\"n\"",
        "DigestX realm=r,nonce=n",
        "Digest realm=\"r\"",
        "Digest realm=\"r\", nonce=\"\"",
        "Digest realm=\"r, nonce=n",
        "Digest realm=\"r\"x, nonce=n",
        "Digest realm=r, nonce=n, junk",
    ] {
        assert_eq!(Challenge::parse(bad.as_bytes()), Err(Reject::Digest), "{bad}");
    }
    let many = format!("Digest realm=r,nonce=n{}", ",a=b".repeat(30));
    assert_eq!(Challenge::parse(many.as_bytes()), Err(Reject::Digest));
    // The example of RFC 7616 §3.9.1.
    let c = Credentials::parse(b"Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", algorithm=MD5, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, response=\"8ca523f5e9506fed4657c9700eebdbec\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"").expect("credentials");
    assert_eq!(
        (c.username, c.uri, c.nc, c.qop),
        (&b"Mufasa"[..], &b"/dir/index.html"[..], Some(&b"00000001"[..]), Some(&b"auth"[..]))
    );
    assert_eq!(c.response, b"8ca523f5e9506fed4657c9700eebdbec");
    assert_eq!(Credentials::parse(b"Digest username=u, realm=r, nonce=n, uri=x"), Err(Reject::Digest));
}

#[test]
fn the_peek_finds_what_the_parse_finds() {
    assert_eq!(peek_call_id(INVITE.as_bytes()), Some(&b"s3-3848276298220188511"[..]));
    assert_eq!(peek_call_id(b"\r\nSIP/2.0 200 OK\nCSeq: 1 BYE\ncontact: x\nI \t: abc@d \r\n\r\n"), Some(&b"abc@d"[..]));
    assert_eq!(peek_call_id(b"BYE sip:a@b SIP/2.0\r\n\r\nCall-ID: in the body\r\n"), None);
    assert_eq!(peek_call_id(b"BYE sip:a@b SIP/2.0\n\nCall-ID: in the body\r\n"), None);
    assert_eq!(peek_call_id(b"i: in the first line\r\n"), None);
    assert_eq!(peek_call_id(b""), None);
}

#[test]
fn every_name_and_method_is_its_own() {
    for bits in 0..HeaderName::Other as u8 {
        let name = [
            "Via",
            "From",
            "To",
            "Call-ID",
            "CSeq",
            "Contact",
            "Max-Forwards",
            "Content-Length",
            "Content-Type",
            "Record-Route",
            "Route",
            "Authorization",
            "WWW-Authenticate",
            "Proxy-Authenticate",
            "Proxy-Authorization",
            "Require",
            "Supported",
            "Unsupported",
            "Allow",
            "Expires",
            "Retry-After",
            "Reason",
            "User-Agent",
            "Server",
            "Session-Expires",
            "Min-SE",
            "RSeq",
            "RAck",
        ][usize::from(bits)];
        for spelled in [name.to_owned(), name.to_uppercase(), name.to_lowercase()] {
            let found = HeaderName::parse(spelled.as_bytes());
            assert_eq!((found as u8, found.as_str()), (bits, name));
        }
        assert_eq!(HeaderName::parse(format!("{name}x").as_bytes()), HeaderName::Other);
    }
    for (compact, name) in [
        ("v", "Via"),
        ("f", "From"),
        ("t", "To"),
        ("i", "Call-ID"),
        ("m", "Contact"),
        ("l", "Content-Length"),
        ("c", "Content-Type"),
        ("k", "Supported"),
        ("x", "Session-Expires"),
    ] {
        assert_eq!(HeaderName::parse(compact.as_bytes()).as_str(), name);
        assert_eq!(HeaderName::parse(compact.to_uppercase().as_bytes()).as_str(), name);
    }
    assert_eq!(HeaderName::parse(b""), HeaderName::Other);
    for name in [
        "INVITE",
        "ACK",
        "BYE",
        "CANCEL",
        "OPTIONS",
        "REGISTER",
        "PRACK",
        "UPDATE",
        "INFO",
        "REFER",
        "NOTIFY",
        "SUBSCRIBE",
        "MESSAGE",
        "PUBLISH",
    ] {
        let method = Method::parse(name.as_bytes()).expect(name);
        assert_eq!(method.as_str(), name);
        assert!(!matches!(method, Method::Other(_)));
        assert!(matches!(Method::parse(name.to_lowercase().as_bytes()), Some(Method::Other(_))), "case counts");
    }
    assert_eq!(Method::parse(b""), None);
}

#[test]
fn nothing_can_be_smuggled_through_the_builder() {
    let bytes = Builder::request("BY\r\nE", "sip:a@b\r\nEvil: 1 x")
        .header("Subject", "a\r\nEvil: 1\r\n\r\nbody\0")
        .header("Evil: 1\r\nX", "v")
        .header("", "v")
        .header("l", "99")
        .header("Reason", b"\xff\xfe".as_slice())
        .body("application/sdp\r\nEvil: 1", b"v=0\r\n")
        .finish();
    let m = sound(&bytes);
    assert_eq!(
        m.all_headers().map(|(_, name, _)| name.to_vec()).collect::<Vec<_>>(),
        [&b"Subject"[..], b"Reason", b"Content-Type", b"Content-Length"]
    );
    assert_eq!((m.method(), m.request_uri()), (Some(Method::Bye), Some(&b"sip:a@bEvil:1x"[..])));
    assert_eq!(m.header(HeaderName::Reason), Some(&b"\xff\xfe"[..]));
    assert_eq!(m.body(), b"v=0\r\n");
    let m = sound(Builder::response(200, "x\r\nEvil: 1").finish());
    assert_eq!((m.code(), m.reason(), m.all_headers().count()), (Some(200), Some(&b"x  Evil: 1"[..]), 1));
    assert_eq!(sound(Builder::response(480, "").finish()).reason(), Some(&b"Temporarily Unavailable"[..]));
    assert_eq!(quoted("a\"b\\c\r\n"), r#""a\"b\\c""#);
}

#[test]
fn phrases() {
    assert_eq!(reason_phrase(183), "Session Progress");
    assert_eq!(reason_phrase(499), "Client Error");
    assert_eq!(reason_phrase(699), "Global Failure");
}

/// Header names that mean nothing to the parser, and values without line ends, NULs and outer blanks.
fn any_header() -> impl Strategy<Value = (String, Vec<u8>)> {
    let value =
        prop::collection::vec(any::<u8>().prop_filter("line end or NUL", |b| !matches!(b, b'\r' | b'\n' | 0)), 0..60);
    ("X-[A-Za-z0-9.!%*_+`'~-]{1,20}", value.prop_map(|v| text::trim(&v).to_vec()))
}

proptest! {
    #[test]
    fn what_is_built_is_parsed(
        headers in prop::collection::vec(any_header(), 0..20),
        body in prop::collection::vec(any::<u8>(), 0..200),
        sequence in any::<u32>(),
        user in "[A-Za-z0-9+]{1,15}",
        display in "[ -~]{0,20}",
        call_id in "[A-Za-z0-9@.-]{1,30}",
    ) {
        let uri = format!("sip:{user}@192.0.2.7:5062");
        let mut builder = Builder::request("INFO", &uri)
            .header("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKp")
            .header("From", format!("{} <{uri}>;tag=t1", quoted(&display)))
            .header("To", format!("<{uri}>"))
            .header("Call-ID", &call_id)
            .header("CSeq", format!("{sequence} INFO"));
        for (name, value) in &headers {
            builder = builder.header(name, value);
        }
        let bytes = builder.body("application/octet-stream", &body).finish();
        let m = Message::parse_datagram(&bytes).expect("built");
        prop_assert_eq!(m.validate(), Ok(()));
        prop_assert_eq!(m.cseq(), Some((sequence, Method::Info)));
        prop_assert_eq!(m.call_id(), Some(call_id.as_bytes()));
        prop_assert_eq!(peek_call_id(&bytes), Some(call_id.as_bytes()));
        prop_assert_eq!(m.body(), &body[..]);
        let shown = m.from().expect("From");
        prop_assert_eq!(shown.parse_uri().expect("URI").user_text(), user);
        let inside = quoted(&display);
        prop_assert_eq!(shown.display.unwrap_or_default(), &inside.as_bytes()[1..inside.len() - 1]);
        let got: Vec<_> = m.all_headers().skip(5).take(headers.len()).map(|(_, n, v)| (n.to_vec(), v.to_vec())).collect();
        let put: Vec<_> = headers.iter().map(|(n, v)| (n.clone().into_bytes(), v.clone())).collect();
        prop_assert_eq!(got, put);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(prop::sample::select(&b"SIP/2.0 INVTEsip:a@b;,=\"<>\\\r\n\t%41\0\xff"[..]), 0..300)) {
        crate::exercise::sip(&bytes);
    }
}
