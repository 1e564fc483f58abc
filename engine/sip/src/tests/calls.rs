//! The plain walks of a call, on a clean and on a bad link.

use super::world::*;
use crate::{Cause, Config, Credentials, Event, Refusal, Whose};
use base::{Duration, Instant};

#[test]
fn a_call_is_set_up_and_ended_with_the_messages_of_the_rfc() {
    let mut world = World::new(2, 1, Link::CLEAN);
    let caller = world.call(0, 1);
    world.run(Duration::from_ms(20));
    let Some(Event::Incoming { dialog: callee, source, from_user, to_user, from_display, call_id, sdp }) =
        world.events_of(1).first().copied().cloned()
    else {
        panic!("no Incoming: {:?}", world.events)
    };
    assert_eq!(source, address(0));
    assert_eq!((from_user.as_str(), to_user.as_str()), ("+15550000", "+15551234"));
    assert_eq!(from_display.as_deref(), Some("Front \"Desk\""));
    assert!(call_id.starts_with("s0-"), "{call_id}");
    assert_eq!(sdp.as_deref(), Some(OFFER));

    world.on(1, |end, now| end.progress(now, callee, 180, None)).unwrap();
    world.run(Duration::from_ms(100));
    world.on(1, |end, now| end.progress(now, callee, 183, Some(ANSWER.to_vec()))).unwrap();
    world.run(Duration::from_ms(100));
    world.on(1, |end, now| end.answer(now, callee, ANSWER.to_vec())).unwrap();
    world.run(Duration::from_secs(2));
    world.on(0, |end, now| end.hangup(now, caller, Some("Q.850;cause=16;text=\"Normal call clearing\"".into())));
    world.run(Duration::from_ms(20));

    let expected: Vec<Event> = vec![
        Event::Progress { dialog: caller, code: 180, sdp: None },
        Event::Progress { dialog: caller, code: 183, sdp: Some(ANSWER.to_vec()) },
        Event::Answered { dialog: caller, sdp: Some(ANSWER.to_vec()) },
        Event::Ended { dialog: caller, cause: Cause::new(None, Cause::HANGUP, Whose::Us) },
    ];
    assert_eq!(world.events_of(0), expected.iter().collect::<Vec<_>>());
    let mut cause = Cause::new(None, "Normal call clearing", Whose::Peer);
    cause.q850 = Some(16);
    assert_eq!(
        world.events_of(1)[1..],
        [&Event::Confirmed { dialog: callee, sdp: None }, &Event::Ended { dialog: callee, cause }]
    );
    let labels: Vec<String> = world.sent.iter().map(|(_, packet)| packet.label()).collect();
    let walk = ["INVITE", "100 INVITE", "180 INVITE", "183 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"];
    assert_eq!(labels, walk);
    world.run_out();
    world.assert_clean();
}

#[test]
fn calls_survive_thirty_per_cent_loss_with_delay_duplicates_and_reordering() {
    for seed in 0..60 {
        let link = Link { delay: Duration::from_ms(20), jitter: Duration::from_ms(300), loss: 0.3, duplicate: 0.1 };
        let mut world = World::new(2, seed, link);
        let (caller, callee) = world.answered();
        world.run(Duration::from_secs(5));
        if seed % 2 == 0 {
            world.on(0, |end, now| end.hangup(now, caller, None));
        } else {
            world.on(1, |end, now| end.hangup(now, callee, None));
        }
        world.run_out();
        world.assert_clean();
        for index in [0, 1] {
            let last = *world.events_of(index).last().unwrap();
            assert!(matches!(last, Event::Ended { .. }), "seed {seed}: {last:?}");
        }
        assert!(world.events_of(0).iter().any(|event| matches!(event, Event::Answered { .. })));
    }
}

#[test]
fn refusals_carry_code_retry_after_and_end_both_sides() {
    let mut world = World::new(2, 2, Link::CLEAN);
    let caller = world.call(0, 1);
    world.run(Duration::from_ms(20));
    let callee = world.incoming(1).unwrap();
    world.on(1, |end, now| end.reject(now, callee, 503, Some(30))).unwrap();
    world.run(Duration::from_ms(20));
    let mut cause = Cause::new(Some(503), "Service Unavailable", Whose::Peer);
    cause.retry_after_s = Some(30);
    assert_eq!(world.events_of(0), [&Event::Failed { dialog: caller, cause: cause.clone() }]);
    cause.whose = Whose::Us;
    assert_eq!(world.events_of(1)[1..], [&Event::Failed { dialog: callee, cause }]);
    assert_eq!(world.on(1, |end, now| end.answer(now, callee, Vec::new())), Err(Refusal::Stale));
    world.run_out();
    world.assert_clean();
    assert_eq!(world.count_sent(0, "ACK"), 1);
}

#[test]
fn q850_and_phrase_of_a_refusal_are_kept() {
    let mut world = World::new(1, 3, Link::CLEAN);
    let caller = world.call_with(0, invite_to(stranger(1)));
    world.run(Duration::from_ms(20));
    let request = world.inbox[0].message();
    let busy = response(&request, 486, "b1", stranger(1), &[("Reason", "SIP;cause=486, Q.850 ;cause=17")], b"");
    world.send(stranger(1), address(0), busy);
    world.run(Duration::from_ms(20));
    let mut cause = Cause::new(Some(486), "Busy Here", Whose::Peer);
    cause.q850 = Some(17);
    assert_eq!(world.events_of(0), [&Event::Failed { dialog: caller, cause }]);
    // The ACK of a refusal belongs to the INVITE's transaction (§17.1.1.3).
    let ack = world.inbox[1].message();
    assert_eq!(world.inbox[1].label(), "ACK");
    assert_eq!(ack.top_via().unwrap().branch(), request.top_via().unwrap().branch());
    assert_eq!(ack.request_uri(), request.request_uri());
    assert_eq!(ack.to().unwrap().tag(), Some(&b"b1"[..]));
    assert_eq!(ack.cseq().unwrap().0, request.cseq().unwrap().0);
    world.run_out();
    world.assert_clean();
}

#[test]
fn the_ring_limit_cancels_and_fails_as_no_answer() {
    let mut world = World::new(2, 4, Link::CLEAN);
    let started = world.now;
    let caller = world.call_with(0, crate::Invite { answer_timeout: Duration::from_secs(8), ..invite_to(address(1)) });
    world.run(Duration::from_ms(20));
    let callee = world.incoming(1).unwrap();
    world.on(1, |end, now| end.progress(now, callee, 180, None)).unwrap();
    world.run(Duration::from_secs(10));
    let (at, _, event) =
        world.events.iter().find(|(_, end, event)| *end == 0 && matches!(event, Event::Failed { .. })).unwrap();
    assert_eq!(*event, Event::Failed { dialog: caller, cause: Cause::new(Some(408), Cause::NO_ANSWER, Whose::Us) });
    assert!(at.since(started) >= Duration::from_secs(8) && at.since(started) < Duration::from_ms(8_100));
    let gave_up = Cause::new(Some(487), Cause::CALLER_GAVE_UP, Whose::Peer);
    assert_eq!(*world.events_of(1).last().unwrap(), &Event::Failed { dialog: callee, cause: gave_up });
    assert_eq!(world.count_sent(1, "200 CANCEL"), 1);
    assert_eq!(world.count_sent(1, "487 INVITE"), 1);
    world.run_out();
    world.assert_clean();
}

#[test]
fn a_peer_that_is_not_there_fails_by_timer_b_after_seven_sendings() {
    let mut world = World::new(1, 5, Link::CLEAN);
    let started = world.now;
    let caller = world.call_with(0, invite_to(stranger(1)));
    world.run(Duration::from_secs(40));
    let cause = Cause::new(Some(408), Cause::NO_RESPONSE, Whose::Network);
    assert_eq!(world.events_of(0), [&Event::Failed { dialog: caller, cause }]);
    assert_eq!(world.events[0].0.since(started), Duration::from_secs(32));
    // §17.1.1.2: at 0, 500 ms, 1.5 s, 3.5 s, 7.5 s, 15.5 s and 31.5 s.
    let times: Vec<u64> = world.sent.iter().map(|(at, _)| at.since(started).as_ms()).collect();
    assert_eq!(times, [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]);
    world.run_out();
    world.assert_clean();
}

#[test]
fn a_call_that_nobody_handles_is_refused_after_the_limit_and_kept_alive_meanwhile() {
    let mut world = World::new(2, 6, Link::CLEAN);
    world.call_with(0, crate::Invite { answer_timeout: Duration::from_secs(600), ..invite_to(address(1)) });
    world.run(Duration::from_ms(20));
    let callee = world.incoming(1).unwrap();
    world.on(1, |end, now| end.progress(now, callee, 180, None)).unwrap();
    world.run(Duration::from_secs(200));
    let cause = Cause::new(Some(480), Cause::NOT_HANDLED, Whose::Us);
    assert_eq!(*world.events_of(1).last().unwrap(), &Event::Failed { dialog: callee, cause });
    // At once, after one and two minutes; a third one would fall on the limit itself or after it.
    assert_eq!(world.count_sent(1, "180 INVITE"), 3);
    world.run_out();
    world.assert_clean();
}

#[test]
fn an_offerless_invite_gets_its_answer_in_the_ack() {
    let mut world = World::new(1, 7, Link::CLEAN);
    let peer = stranger(2);
    let invite = wire::sip::Builder::request("INVITE", "sip:a@192.0.2.1")
        .header("Via", format!("SIP/2.0/UDP {peer};branch=z9hG4bKaa"))
        .header("From", "<sip:b@example.org>;tag=ft")
        .header("To", "<sip:a@192.0.2.1>")
        .header("Call-ID", "offerless")
        .header("CSeq", "9 INVITE")
        .header("Contact", format!("<sip:b@{peer}>"))
        .finish();
    world.send(peer, address(0), invite);
    world.run(Duration::from_ms(20));
    let callee = world.incoming(0).unwrap();
    assert!(matches!(world.events_of(0)[0], Event::Incoming { sdp: None, .. }));
    world.on(0, |end, now| end.answer(now, callee, OFFER.to_vec())).unwrap();
    world.run(Duration::from_ms(20));
    let ok = world.inbox.last().unwrap().message();
    assert_eq!((ok.code(), ok.body()), (Some(200), OFFER));
    let ack = wire::sip::Builder::request("ACK", "sip:192.0.2.1:5060")
        .header("Via", format!("SIP/2.0/UDP {peer};branch=z9hG4bKbb"))
        .header("From", "<sip:b@example.org>;tag=ft")
        .header("To", ok.header(wire::sip::HeaderName::To).unwrap())
        .header("Call-ID", "offerless")
        .header("CSeq", "9 ACK")
        .body("application/sdp", ANSWER)
        .finish();
    world.send(peer, address(0), ack);
    world.run(Duration::from_ms(20));
    assert_eq!(*world.events_of(0).last().unwrap(), &Event::Confirmed { dialog: callee, sdp: Some(ANSWER.to_vec()) });
    world.on(0, |end, now| end.hangup(now, callee, None));
    world.run_out();
    world.assert_clean();
}

#[test]
fn route_sets_are_followed_in_both_roles() {
    let mut world = World::new(1, 8, Link::CLEAN);
    let (proxy, peer) = (stranger(1), stranger(2));
    let caller = world.call_with(0, invite_to(proxy));
    world.run(Duration::from_ms(20));
    let request = world.inbox[0].message();
    let routes = format!("<sip:{};lr>, <sip:{proxy};lr>", stranger(9));
    world.send(proxy, address(0), response(&request, 200, "r1", peer, &[("Record-Route", &routes)], ANSWER));
    world.run(Duration::from_ms(20));
    let ack = world.inbox[1].clone();
    // Loose routing (§12.2.1.1): reversed, target in the Request-URI, sent to the first hop.
    let sent_routes: Vec<Vec<u8>> = ack.message().headers(wire::sip::HeaderName::Route).map(<[u8]>::to_vec).collect();
    assert_eq!(
        sent_routes,
        [format!("<sip:{proxy};lr>").into_bytes(), format!("<sip:{};lr>", stranger(9)).into_bytes()]
    );
    assert_eq!(ack.to, proxy);
    assert_eq!(ack.message().request_uri(), Some(format!("sip:peer@{peer}").as_bytes()));
    world.on(0, |end, now| end.hangup(now, caller, None));
    world.run(Duration::from_ms(20));
    let bye = world.inbox[2].clone();
    assert_eq!((bye.label().as_str(), bye.to), ("BYE", proxy));
    assert_eq!(bye.message().cseq().unwrap().0, request.cseq().unwrap().0 + 1);
    world.run_out();
    world.assert_clean();
}

#[test]
fn strict_routers_get_the_target_in_the_last_route() {
    let mut world = World::new(1, 9, Link::CLEAN);
    let (proxy, peer) = (stranger(1), stranger(2));
    world.call_with(0, invite_to(proxy));
    world.run(Duration::from_ms(20));
    let request = world.inbox[0].message();
    let route = format!("<sip:{proxy}>");
    world.send(proxy, address(0), response(&request, 200, "r1", peer, &[("Record-Route", &route)], ANSWER));
    world.run(Duration::from_ms(20));
    let ack = world.inbox[1].message();
    assert_eq!(ack.request_uri(), Some(format!("sip:{proxy}").as_bytes()));
    assert_eq!(ack.header(wire::sip::HeaderName::Route), Some(format!("<sip:peer@{peer}>").as_bytes()));
    assert_eq!(world.inbox[1].to, proxy);
}

#[test]
fn a_vanished_peer_cannot_keep_an_answered_call_for_ever() {
    let mut world = World::new(2, 10, Link::CLEAN);
    let (caller, _) = world.answered();
    world.filter = Some(Box::new(|_| false));
    world.run_out();
    world.assert_clean();
    let (at, _, event) =
        world.events.iter().find(|(_, end, event)| *end == 0 && matches!(event, Event::Ended { .. })).unwrap();
    assert_eq!(*event, Event::Ended { dialog: caller, cause: Cause::new(None, Cause::AGE_LIMIT, Whose::Us) });
    assert!(at.since(Instant::ZERO) > crate::DIALOG_AGE_MAX);
}

#[test]
fn illegal_texts_and_full_tables_are_refused_without_state() {
    let mut world = World::new(1, 11, Link::CLEAN);
    let refused = |world: &mut World, change: fn(&mut crate::Invite)| {
        let mut invite = invite_to(stranger(1));
        change(&mut invite);
        world.on(0, |end, now| end.invite(now, invite)).unwrap_err()
    };
    assert_eq!(refused(&mut world, |i| i.to_uri = "sip:a@b\r\nEvil: 1".into()), Refusal::Invalid("to_uri"));
    assert_eq!(refused(&mut world, |i| i.to_uri = "sip:a@b> <sip:c@d".into()), Refusal::Invalid("to_uri"));
    assert_eq!(refused(&mut world, |i| i.from_uri = "nobody".into()), Refusal::Invalid("from_uri"));
    assert!(matches!(refused(&mut world, |i| i.headers.push(("Via".into(), "x".into()))), Refusal::Invalid(_)));
    assert!(matches!(refused(&mut world, |i| i.headers = vec![("a".into(), "b".into()); 33]), Refusal::Invalid(_)));
    assert_eq!(refused(&mut world, |i| i.sdp = vec![b'x'; 65_000]), Refusal::Invalid("message length"));
    assert_eq!(world.counts()[0], crate::Counts::default());
    assert!(world.sent.is_empty());

    for _ in 0..64 {
        world.call_with(0, invite_to(stranger(1)));
    }
    assert_eq!(world.on(0, |end, now| end.invite(now, invite_to(stranger(1)))), Err(Refusal::Full));
    world.run_out();
    world.assert_clean();
}

#[test]
fn a_full_endpoint_answers_503_without_state() {
    let mut world = World::new(2, 12, Link::CLEAN);
    for _ in 0..64 {
        world.call_with(1, invite_to(stranger(1)));
    }
    let before = world.counts()[1];
    let caller = world.call(0, 1);
    world.run(Duration::from_ms(20));
    assert_eq!(world.counts()[1], before);
    let mut cause = Cause::new(Some(503), "Service Unavailable", Whose::Peer);
    cause.retry_after_s = Some(5);
    assert_eq!(world.events_of(0), [&Event::Failed { dialog: caller, cause }]);
}

#[test]
fn options_is_answered_and_measured_and_missed() {
    let mut world = World::new(2, 13, Link::CLEAN);
    let id = world.on(0, |end, now| end.options(now, address(1), "sip:192.0.2.2")).unwrap();
    world.run(Duration::from_ms(20));
    let expected =
        Event::OptionsAnswered { options: id, remote: address(1), code: 200, round_trip: Duration::from_ms(10) };
    assert_eq!(world.events_of(0), [&expected]);
    let answer = world.sent[1].1.message();
    assert_eq!(answer.header(wire::sip::HeaderName::Allow), Some(&b"INVITE, ACK, BYE, CANCEL, OPTIONS"[..]));
    assert_eq!(answer.header_named("Accept"), Some(&b"application/sdp"[..]));
    assert_eq!(world.counts()[1], crate::Counts::default());
    let lost = world.on(0, |end, now| end.options(now, stranger(3), "sip:198.51.100.3")).unwrap();
    world.run_out();
    assert!(matches!(world.events_of(0)[1], Event::OptionsAnswered { options, code: 408, .. } if *options == lost));
    assert_eq!(world.counts()[0], crate::Counts::default());
}

#[test]
fn secrets_do_not_print() {
    let credentials = Credentials { username: "u".into(), password: "hunter2".into(), realm: None };
    let invite = crate::Invite { credentials: Some(credentials), ..invite_to(stranger(1)) };
    assert!(!format!("{invite:?}").contains("hunter2"));
    assert!(Config::new(address(0)).dialogs_max > 0);
}

#[test]
fn another_process_can_end_a_call_by_its_identity() {
    for (survivor, lost) in [(0, 1), (1, 0)] {
        let mut world = World::new(2, 14, Link::CLEAN);
        let dialogs = world.answered();
        let dialogs = [dialogs.0, dialogs.1];
        let identity = world.ends[lost].identity(dialogs[lost]).expect("answered");
        // As a restarted node would write it, with nothing but the identity.
        let bye = wire::sip::Builder::request("BYE", &identity.remote_target)
            .header("Via", format!("SIP/2.0/UDP {};branch=z9hG4bKorphan", stranger(1)))
            .header("From", format!("<{}>;tag={}", identity.local_uri, identity.local_tag))
            .header("To", format!("<{}>;tag={}", identity.remote_uri, identity.remote_tag))
            .header("Call-ID", &identity.call_id)
            .header("CSeq", format!("{} BYE", identity.local_cseq + 1))
            .finish();
        assert_eq!(identity.peer, address(survivor));
        world.send(stranger(1), address(survivor), bye);
        world.run(Duration::from_ms(20));
        assert_eq!(world.inbox[0].label(), "200 BYE");
        assert!(matches!(world.events_of(survivor).last(), Some(Event::Ended { .. })));
        assert_eq!(world.ends[survivor].identity(dialogs[survivor]), None);
    }
}

#[test]
fn an_ended_call_leaves_nothing_behind_once_its_transactions_are_over() {
    let mut world = World::new(2, 15, Link::CLEAN);
    let (caller, callee) = world.answered();
    // The age and timer M here; the age and timer L there: the ACK has stopped the repeating of the 200 and its limit.
    assert_eq!(world.counts().iter().map(|counts| counts.timers).collect::<Vec<_>>(), [2, 2]);
    world.run(Duration::from_secs(33));
    let standing = crate::Counts { dialogs: 1, timers: 1, ..Default::default() };
    assert_eq!(world.counts(), [standing; 2]);
    world.on(0, |end, now| end.hangup(now, caller, None));
    let ring = crate::Invite { answer_timeout: Duration::from_secs(2), ..invite_to(address(1)) };
    world.call_with(0, ring);
    world.run(Duration::from_ms(20));
    let second = world.incoming(1).expect("incoming");
    assert_ne!(second, callee);
    world.on(1, |end, now| end.progress(now, second, 180, None)).unwrap();
    // Ring limit 2 s, then at most 32 s for timers D and J; the age of the first call would be a day.
    world.run(Duration::from_secs(36));
    world.assert_clean();
}
