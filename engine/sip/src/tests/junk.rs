//! What must not make state: malformed, stray and forged messages.

use super::world::*;
use crate::{Counts, Event};
use base::{Duration, Seed};
use wire::sip::{Builder, HeaderName, Message};

fn request(method: &str, uri: &str, to: &str, extra: &[(&str, &str)]) -> Vec<u8> {
    let peer = stranger(1);
    let mut builder = Builder::request(method, uri)
        .header("Via", format!("SIP/2.0/UDP 10.0.0.7:5099;rport;branch=z9hG4bK{method}1;x=\"a;b\""))
        .header("From", "<sip:b@example.org>;tag=ft")
        .header("To", to)
        .header("Call-ID", "junk")
        .header("CSeq", format!("7 {method}"))
        .header("Contact", format!("<sip:b@{peer}>"));
    for (name, value) in extra {
        builder = builder.header(name, value);
    }
    builder.finish()
}

/// The single answer to `bytes`, and that nothing stays behind.
fn stateless(bytes: &[u8]) -> Option<Message> {
    let mut world = World::new(1, 71, Link::CLEAN);
    world.send(stranger(1), address(0), bytes.to_vec());
    world.run(Duration::from_ms(20));
    assert_eq!(world.counts()[0], Counts::default());
    assert!(world.events.is_empty(), "{:?}", world.events);
    assert!(world.inbox.len() <= 1);
    // A repetition gets the very same bytes.
    world.send(stranger(1), address(0), bytes.to_vec());
    world.run(Duration::from_ms(20));
    assert!(world.inbox.len() != 2 || world.inbox[0].bytes == world.inbox[1].bytes);
    world.inbox.first().map(Packet::message)
}

#[test]
fn requests_that_we_do_not_take_are_answered_without_state() {
    const TO: &str = "<sip:a@192.0.2.1>";
    let code = |bytes: Vec<u8>| stateless(&bytes).and_then(|answer| answer.code());
    let uri = "sip:a@192.0.2.1";
    assert_eq!(code(request("REGISTER", uri, TO, &[])), Some(405));
    assert_eq!(code(request("SUBSCRIBE", uri, TO, &[])), Some(405));
    assert_eq!(code(request("FROBNICATE", uri, TO, &[])), Some(501));
    assert_eq!(code(request("BYE", uri, TO, &[])), Some(481));
    assert_eq!(code(request("CANCEL", uri, TO, &[])), Some(481));
    assert_eq!(code(request("INVITE", uri, "<sip:a@192.0.2.1>;tag=gone", &[])), Some(481));
    assert_eq!(code(request("OPTIONS", uri, TO, &[])), Some(200));
    assert_eq!(code(request("INVITE", "mailto:a@b", TO, &[])), Some(416));
    assert_eq!(code(request("ACK", uri, "<sip:a@192.0.2.1>;tag=gone", &[])), None);
    let extension = stateless(&request("INVITE", uri, TO, &[("Require", "100rel, frob"), ("Require", "nat")])).unwrap();
    assert_eq!(extension.code(), Some(420));
    assert_eq!(extension.header(HeaderName::Unsupported), Some(&b"100rel, frob, nat"[..]));
}

#[test]
fn invites_that_lack_what_a_call_needs_are_refused() {
    let whole = String::from_utf8(request("INVITE", "sip:a@192.0.2.1", "<sip:a@192.0.2.1>", &[])).unwrap();
    let without = |name: &str| -> Vec<u8> {
        whole.split_inclusive("\r\n").filter(|line| !line.starts_with(name)).collect::<String>().into_bytes()
    };
    assert_eq!(stateless(&without("Contact")).unwrap().code(), Some(400));
    let star = whole.replace(&format!("<sip:b@{}>", stranger(1)), "*");
    assert_eq!(stateless(star.as_bytes()).unwrap().code(), Some(400));
    assert!(stateless(&without("Via")).is_none());
    // Without what every answer must repeat there can be no answer.
    assert!(stateless(&without("Call-ID")).is_none());
    let odd = whole.replace("7 INVITE", "7 BYE");
    assert_eq!(stateless(odd.as_bytes()).unwrap().code(), Some(400));
    let newer = whole.replace(" SIP/2.0\r\n", " SIP/3.0\r\n");
    assert_eq!(stateless(newer.as_bytes()).unwrap().code(), Some(505));
    let long = whole.replace("Content-Length: 0", "Content-Length: 999");
    assert_eq!(stateless(long.as_bytes()).unwrap().code(), Some(400));
    let picture = whole.replace("Content-Length: 0\r\n\r\n", "Content-Type: image/png\r\nContent-Length: 3\r\n\r\nabc");
    assert_eq!(stateless(picture.as_bytes()).unwrap().code(), Some(415));
}

#[test]
fn replies_go_to_the_source_and_say_what_was_seen() {
    let answer = stateless(&request("OPTIONS", "sip:a@192.0.2.1", "<sip:a@192.0.2.1>", &[])).expect("RFC 3581");
    let via = answer.top_via().unwrap();
    assert_eq!(via.received(), Some(&b"198.51.100.1"[..]));
    assert_eq!(via.rport(), Some(Some(5080)));
    assert_eq!(via.param("x"), Some(&b"a;b"[..]));
    assert_eq!(via.branch(), Some(&b"z9hG4bKOPTIONS1"[..]));
    assert!(answer.to().unwrap().tag().is_some());
}

#[test]
fn in_dialog_requests_need_matching_tags_and_a_fresh_cseq() {
    let mut world = World::new(2, 72, Link::CLEAN);
    let (_, callee) = world.answered();
    let ack = world.sent.iter().rfind(|(_, p)| p.label() == "ACK").unwrap().1.message();
    let from = String::from_utf8(ack.header(HeaderName::From).unwrap().to_vec()).unwrap();
    let to = String::from_utf8(ack.header(HeaderName::To).unwrap().to_vec()).unwrap();
    let forge = |method: &str, sequence: u32, from: &str, to: &str| {
        Builder::request(method, "sip:192.0.2.2")
            .header("Via", format!("SIP/2.0/UDP {};branch=z9hG4bK{method}{sequence}{}", stranger(1), from.len()))
            .header("From", from)
            .header("To", to)
            .header("Call-ID", ack.call_id().unwrap())
            .header("CSeq", format!("{sequence} {method}"))
            .finish()
    };
    let mut asked = |bytes: Vec<u8>| {
        let before = world.inbox.len();
        world.send(stranger(1), address(1), bytes);
        world.run(Duration::from_ms(20));
        world.inbox.get(before).map(|packet| packet.message().code().unwrap())
    };
    assert_eq!(asked(forge("BYE", 9, "<sip:x@y>;tag=wrong", &to)), Some(481));
    assert_eq!(asked(forge("BYE", 9, &from, "<sip:x@y>;tag=wrong")), Some(481));
    assert_eq!(asked(forge("INFO", 20, &from, &to)), Some(405));
    assert_eq!(asked(forge("FOO", 21, &from, &to)), Some(501));
    assert_eq!(asked(forge("OPTIONS", 22, &from, &to)), Some(200));
    assert_eq!(asked(forge("BYE", 19, &from, &to)), Some(500), "§12.2.2: out of order");
    assert_eq!(asked(forge("BYE", 23, &from, &to)), Some(200));
    assert!(matches!(world.events_of(1).last(), Some(Event::Ended { dialog, .. }) if *dialog == callee));
}

#[test]
fn mangled_messages_never_panic_and_never_stay() {
    // Real messages of a real call, with bytes changed, cut, doubled: whatever comes of it goes away again.
    let mut world = World::new(2, 73, Link::CLEAN);
    let (caller, _) = world.answered();
    world.on(0, |end, now| end.hangup(now, caller, None));
    world.run_out();
    let originals: Vec<Vec<u8>> = world.sent.iter().map(|(_, packet)| packet.bytes.clone()).collect();
    let mut stream = Seed::from_u64(74).stream("mangle", 0);
    let mut target = World::new(2, 73, Link::CLEAN);
    for round in 0..4_000 {
        let mut bytes = originals[stream.below(originals.len() as u64) as usize].clone();
        for _ in 0..=stream.below(6) {
            let at = stream.below(bytes.len() as u64) as usize;
            match stream.below(4) {
                0 => bytes[at] = stream.next_u32() as u8,
                1 => bytes.truncate(at.max(1)),
                2 => bytes.insert(at, b"\r\n ;,<>\"\0:"[stream.below(10) as usize]),
                _ => {
                    let tail = bytes[at..].to_vec();
                    bytes.extend_from_slice(&tail);
                    bytes.truncate(4_000);
                }
            }
        }
        target.send(stranger(1), address(stream.below(2) as usize), bytes);
        target.run(Duration::from_ms(7));
        if round % 500 == 499 {
            target.run_out();
            target.assert_clean();
        }
    }
    let drops = target.ends[0].drops();
    assert!(drops.unreadable > 0 && drops.strays > 0, "{drops:?}");
}

/// The messages of RFC 4475 from the folder that `OUTPACE_TORTURE_DIR` names.
#[test]
#[allow(clippy::disallowed_methods)] // a test may read its own data
fn the_torture_messages_make_no_lasting_state() {
    let Some(folder) = std::env::var_os("OUTPACE_TORTURE_DIR") else {
        println!("OUTPACE_TORTURE_DIR is not set: RFC 4475 is not tried here");
        return;
    };
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).expect("folder").map(|entry| entry.expect("entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "dat"));
    paths.sort();
    assert!(paths.len() >= 49, "{} files", paths.len());
    let mut world = World::new(1, 75, Link::CLEAN);
    for path in &paths {
        world.send(stranger(1), address(0), std::fs::read(path).expect("file"));
        world.run(Duration::from_ms(100));
    }
    let rang = world.events_of(0).iter().filter(|event| matches!(event, Event::Incoming { .. })).count();
    // The valid INVITEs that we would ring for, wsinv among them.
    assert!(rang >= 3, "{rang} calls of {} messages", paths.len());
    world.run_out();
    world.assert_clean();
}
