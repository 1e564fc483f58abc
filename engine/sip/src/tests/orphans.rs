//! Calls that a process before this one has left behind.

use super::world::*;
use crate::{Config, DialogIdentity, Endpoint, Event, Refusal};
use base::{Duration, Instant, Seed, ShardId};
use wire::sip::{HeaderName, Message};

/// The process at index 0 dies and a new one takes its place, with other random numbers.
fn restart(world: &mut World) {
    let config = Config { dialogs_max: 64, ..Config::new(address(0)) };
    world.ends[0] = Endpoint::new(config, Seed::from_u64(99).stream("endpoint", 0), ShardId(0));
    world.events.clear();
    world.sent.clear();
}

fn orphans_ended(world: &World, index: usize) -> Vec<(String, Option<u16>)> {
    let ended = world.events_of(index).into_iter().filter_map(|event| match event {
        Event::OrphanEnded { call_id, code } => Some((call_id.clone(), *code)),
        _ => None,
    });
    ended.collect()
}

fn identity_of(world: &World, dialog: crate::DialogId) -> DialogIdentity {
    let bytes = world.ends[0].identity(dialog).expect("identity").to_bytes().expect("short");
    DialogIdentity::from_bytes(&bytes).expect("readable")
}

#[test]
fn an_orphan_is_ended_from_its_record_alone() {
    let mut world = World::new(2, 81, Link::CLEAN);
    let (caller, _) = world.answered();
    let identity = identity_of(&world, caller);
    // A re-INVITE after the record was made used up a number.
    world.on(0, |end, now| end.reoffer(now, caller, OFFER.to_vec())).unwrap();
    world.run(Duration::from_secs(1));
    let held = world.events_of(1).iter().any(|event| matches!(event, Event::ReOffered { .. }));
    assert!(held);
    restart(&mut world);
    world.link.loss = 0.4;
    world.on(0, |end, now| end.end_orphan(now, &identity)).unwrap();
    world.run_out();
    assert_eq!(orphans_ended(&world, 0), [(identity.call_id.clone(), Some(200))]);
    assert!(world.events_of(1).iter().any(|event| matches!(event, Event::Ended { .. })));
    assert!(world.counts().iter().all(|counts| counts.transactions == 0 && counts.dialogs == 0));
    // Again: the peer knows of no such call any more, and that is an answer, too.
    world.link.loss = 0.0;
    world.on(0, |end, now| end.end_orphan(now, &identity)).unwrap();
    world.run_out();
    assert_eq!(orphans_ended(&world, 0).last(), Some(&(identity.call_id, Some(481))));
}

#[test]
fn an_incoming_orphan_is_ended_too_and_a_silent_peer_is_reported() {
    let mut world = World::new(2, 82, Link::CLEAN);
    let caller = world.call(1, 0);
    world.run_until(Duration::from_secs(5), |world| world.incoming(0).is_some());
    let callee = world.incoming(0).unwrap();
    world.on(0, |end, now| end.answer(now, callee, ANSWER.to_vec())).unwrap();
    world.run(Duration::from_secs(1));
    let identity = identity_of(&world, callee);
    restart(&mut world);
    world.on(0, |end, now| end.end_orphan(now, &identity)).unwrap();
    world.run(Duration::from_secs(1));
    assert_eq!(orphans_ended(&world, 0), [(identity.call_id.clone(), Some(200))]);
    let over = world.events_of(1).iter().any(|event| matches!(event, Event::Ended { dialog, .. } if *dialog == caller));
    assert!(over);

    let gone = DialogIdentity { peer: stranger(7), remote_target: "sip:gone.example".into(), ..identity.clone() };
    world.on(0, |end, now| end.end_orphan(now, &gone)).unwrap();
    world.run_out();
    assert_eq!(orphans_ended(&world, 0).last(), Some(&(identity.call_id.clone(), None)));
    assert_eq!(world.inbox.len(), 11, "BYE repeated for 32 s");

    let forged = DialogIdentity { local_tag: "x\r\nEvil: 1".into(), ..identity };
    assert_eq!(world.on(0, |end, now| end.end_orphan(now, &forged)), Err(Refusal::Invalid("dialog identity")));
}

#[test]
fn an_orphans_bye_takes_the_recorded_route_and_a_higher_number() {
    let mut world = World::new(1, 83, Link::CLEAN);
    let identity = DialogIdentity {
        call_id: "s0-old".into(),
        local_uri: "sip:outpace@192.0.2.1".into(),
        local_tag: "ours".into(),
        remote_uri: "sip:callee@carrier.example".into(),
        remote_tag: "theirs".into(),
        remote_target: "sip:gw@203.0.113.9:5070".into(),
        route_set: vec!["<sip:198.51.100.4:5080;lr>".into(), "<sip:inner.example;lr>".into()],
        local_cseq: 3,
        peer: stranger(5),
    };
    world.on(0, |end, now| end.end_orphan(now, &identity)).unwrap();
    world.run(Duration::from_ms(20));
    let packet = world.inbox.last().unwrap();
    assert_eq!(packet.to, stranger(4), "the first hop of the route");
    let bye = packet.message();
    assert_eq!(bye.request_uri(), Some(&b"sip:gw@203.0.113.9:5070"[..]));
    let routes: Vec<&[u8]> = bye.headers(HeaderName::Route).collect();
    assert_eq!(routes, [&b"<sip:198.51.100.4:5080;lr>"[..], b"<sip:inner.example;lr>"]);
    assert_eq!(bye.cseq().unwrap().0, 103);
    assert_eq!(bye.from().unwrap().tag(), Some(&b"ours"[..]));
    assert_eq!(bye.to().unwrap().tag(), Some(&b"theirs"[..]));
    assert!(
        world
            .on(0, |end, now| end.end_orphan(now, &DialogIdentity { local_cseq: u32::MAX, ..identity.clone() }))
            .is_ok()
    );
    world.run(Duration::from_ms(20));
    assert_eq!(world.inbox.last().unwrap().message().cseq().unwrap().0, i32::MAX as u32);
}

/// Our INVITE is out, the process dies, and the callee answers.
fn invite_and_die(world: &mut World) -> Message {
    world.call_with(0, invite_to(stranger(1)));
    world.run(Duration::from_ms(20));
    let invite = world.inbox.last().expect("INVITE").message();
    restart(world);
    world.inbox.clear();
    invite
}

#[test]
fn an_answer_after_our_death_gets_ack_and_bye() {
    let mut world = World::new(1, 84, Link::CLEAN);
    let invite = invite_and_die(&mut world);
    // The Contact names another place; nobody but the sender gets an answer.
    let answer = response(&invite, 200, "callee", stranger(9), &[], ANSWER);
    world.send(stranger(1), address(0), answer.clone());
    world.run(Duration::from_ms(20));
    let labels: Vec<String> = world.inbox.iter().map(Packet::label).collect();
    assert_eq!(labels, ["ACK", "BYE"]);
    assert!(world.inbox.iter().all(|packet| packet.to == stranger(1)));
    let (ack, bye) = (world.inbox[0].message(), world.inbox[1].message());
    assert_eq!(ack.cseq().unwrap().0, invite.cseq().unwrap().0);
    assert_eq!(bye.cseq().unwrap().0, invite.cseq().unwrap().0 + 1);
    assert_eq!(bye.request_uri(), Some(&b"sip:peer@198.51.100.9:5080"[..]));
    assert_eq!(bye.to().unwrap().tag(), Some(&b"callee"[..]));
    assert_eq!(bye.from().unwrap().tag(), invite.from().unwrap().tag());
    assert!(world.inbox.iter().map(|packet| packet.bytes.len()).sum::<usize>() * 2 <= answer.len() * 5);

    // Both were lost: the BYE comes again as long as the answer pays for it, and a copy of the answer brings both.
    world.run(Duration::from_secs(30));
    let paid = world.inbox.len();
    assert!(paid > 2 && world.inbox[2..].iter().all(|packet| packet.label() == "BYE"));
    assert!(world.inbox.iter().map(|packet| packet.bytes.len()).sum::<usize>() * 2 <= answer.len() * 5);
    world.send(stranger(1), address(0), answer.clone());
    world.run(Duration::from_ms(20));
    assert_eq!(world.inbox.len(), paid + 2);
    let bye = world.inbox[paid + 1].message();
    world.send(stranger(1), address(0), response(&bye, 200, "", stranger(1), &[], b""));
    world.run(Duration::from_ms(20));
    let call_id = String::from_utf8(invite.call_id().unwrap().to_vec()).unwrap();
    assert_eq!(orphans_ended(&world, 0), [(call_id, Some(200))]);
    // The BYE is answered: a late copy gets its ACK only.
    world.send(stranger(1), address(0), answer);
    world.run(Duration::from_ms(20));
    assert_eq!(world.inbox.last().unwrap().label(), "ACK");
    world.run_out();
    world.assert_clean();
}

#[test]
fn a_strays_route_is_reversed_and_followed() {
    let mut world = World::new(1, 85, Link::CLEAN);
    let invite = invite_and_die(&mut world);
    let extra = [("Record-Route", "<sip:inner.example;lr>"), ("Record-Route", "<sip:198.51.100.4:5080;lr>")];
    world.send(stranger(6), address(0), response(&invite, 200, "callee", stranger(9), &extra, ANSWER));
    world.run(Duration::from_secs(40));
    assert!(
        world.inbox.len() >= 2 && world.inbox.iter().all(|packet| packet.to == stranger(6)),
        "never the route's hop"
    );
    for packet in &world.inbox {
        let message = packet.message();
        let routes: Vec<&[u8]> = message.headers(HeaderName::Route).collect();
        assert_eq!(routes, [&b"<sip:198.51.100.4:5080;lr>"[..], b"<sip:inner.example;lr>"]);
    }
}

#[test]
fn a_short_copy_of_a_long_stray_pays_for_itself() {
    let mut world = World::new(1, 89, Link::CLEAN);
    let invite = invite_and_die(&mut world);
    let route = format!("<sip:{}.example;lr>", "x".repeat(500));
    let extra = [("Record-Route", route.as_str()), ("Record-Route", "<sip:198.51.100.4:5080;lr>")];
    let long = response(&invite, 200, "callee", stranger(9), &extra, ANSWER);
    let mut bytes_in = long.len();
    world.send(stranger(1), address(0), long.clone());
    world.run(Duration::from_ms(20));
    assert_eq!(world.inbox.len(), 2, "ACK and BYE, both with the long route");
    let short = response(&invite, 200, "callee", stranger(9), &[], b"");
    assert!(long.len() > short.len() * 2);
    for _ in 0..100 {
        bytes_in += short.len();
        world.send(stranger(1), address(0), short.clone());
        world.run(Duration::from_ms(20));
    }
    world.run_out();
    let bytes_out: usize = world.inbox.iter().map(|packet| packet.bytes.len()).sum();
    assert!(bytes_out * 2 <= bytes_in * 5, "{bytes_out} for {bytes_in}");
    assert!(world.ends[0].drops().limited > 0, "some copies were too short");
    world.assert_clean();
}

#[test]
fn strays_leave_half_of_the_places_to_calls_on_record() {
    let mut world = World::new(1, 90, Link::CLEAN);
    let invite = invite_and_die(&mut world);
    let seed = Seed::from_u64(7).stream("endpoint", 0);
    let mut end = Endpoint::new(Config::new(address(0)), seed, ShardId(0));
    let drain = |end: &mut Endpoint| while end.poll_output().is_some() {};
    let mut now = Instant::from_ns(1_000_000_000);
    for second in 0..25 {
        for number in 0..300 {
            let tag = format!("t{second}-{number}");
            let forged = response(&invite, 200, &tag, stranger(9), &[], ANSWER);
            end.handle_datagram(now, stranger(1), &forged);
            drain(&mut end);
        }
        now += Duration::from_secs(1);
        end.handle_timeout(now);
        drain(&mut end);
    }
    let half = base::limits::LEGS_PER_SHARD_MAX / 2;
    assert_eq!(end.counts().transactions, half, "a flood of 25 s takes no more");
    let identity = |number: usize| DialogIdentity {
        call_id: format!("s0-old{number}"),
        local_uri: "sip:outpace@192.0.2.1".into(),
        local_tag: "ours".into(),
        remote_uri: "sip:callee@carrier.example".into(),
        remote_tag: "theirs".into(),
        remote_target: "sip:gw@203.0.113.9:5070".into(),
        route_set: Vec::new(),
        local_cseq: 3,
        peer: stranger(5),
    };
    for number in 0..half {
        assert_eq!(end.end_orphan(now, &identity(number)), Ok(()), "{number}");
        drain(&mut end);
    }
    assert_eq!(end.end_orphan(now, &identity(half)), Err(Refusal::Full));
    // When all is over, strays have their half again.
    for _ in 0..40 {
        now += Duration::from_secs(1);
        end.handle_timeout(now);
        drain(&mut end);
    }
    assert_eq!(end.counts().transactions, 0);
    end.handle_datagram(now, stranger(1), &response(&invite, 200, "late", stranger(9), &[], ANSWER));
    assert_eq!(end.counts().transactions, 1);
}

#[test]
fn nobody_elses_answers_are_touched_and_a_forger_gains_nothing() {
    let mut world = World::new(2, 86, Link::CLEAN);
    // A call that lives: a late copy of its 200 is only counted.
    let (caller, _) = world.answered();
    let answer = world.sent.iter().find(|(_, packet)| packet.label() == "200 INVITE").unwrap().1.clone();
    world.run(Duration::from_secs(40));
    let before = world.sent.len();
    world.send(answer.from, answer.to, answer.bytes);
    world.run(Duration::from_secs(1));
    assert_eq!(world.sent.len(), before + 1, "only the copy itself");
    world.on(0, |end, now| end.hangup(now, caller, None));
    world.run_out();

    let invite = invite_and_die(&mut world);
    for call_id in ["somebody-elses", "s0-1", "s0-0000000000000000000"] {
        let ours = String::from_utf8(invite.call_id().unwrap().to_vec()).unwrap();
        let answer = String::from_utf8(response(&invite, 200, "callee", stranger(9), &[], ANSWER)).unwrap();
        world.send(stranger(1), address(0), answer.replace(&ours, call_id).into_bytes());
    }
    world.run(Duration::from_secs(1));
    assert!(world.inbox.is_empty());

    // A flood of forged ones, each with another tag: no more than the allowance, no more bytes than two and a half
    // times what came in, and no memory that grows with it.
    let drops_before = world.ends[0].drops();
    let (mut bytes_in, count) = (0, 2_000);
    for number in 0..count {
        let answer = response(&invite, 200, &format!("t{number}"), stranger(9), &[], ANSWER);
        bytes_in += answer.len();
        world.send(stranger(1), address(0), answer);
    }
    world.run(Duration::from_ms(100));
    assert!((200..=230).contains(&(world.inbox.len() / 2)), "{}", world.inbox.len());
    let bytes_out: usize = world.inbox.iter().map(|packet| packet.bytes.len()).sum();
    assert!(bytes_out * 2 <= bytes_in * 5);
    assert!(world.ends[0].drops().limited > drops_before.limited + 1_700);
    // A short one that would make us say more than two and a half times as much.
    world.run(Duration::from_secs(2));
    world.inbox.clear();
    let call_id = String::from_utf8(invite.call_id().unwrap().to_vec()).unwrap();
    let short = format!(
        "SIP/2.0 200 \r\nv:SIP/2.0/UDP a;branch=z9hG4bK1\r\nf:<sip:a>;tag=1\r\nt:<sip:a>;tag=2\r\ni:{call_id}\r\nCSeq:1 INVITE\r\n\r\n"
    );
    world.send(stranger(1), address(0), short.into_bytes());
    world.run(Duration::from_secs(1));
    let out: usize = world.inbox.iter().map(|packet| packet.bytes.len()).sum();
    assert!(out <= 165 * 5 / 2, "{out}");
    world.run_out();
    world.assert_clean();
}

/// The callee's BYE, re-INVITE or UPDATE after our restart.
#[test]
fn requests_of_a_dialog_that_died_with_its_process_get_481() {
    let mut world = World::new(1, 88, Link::CLEAN);
    for method in ["BYE", "INVITE", "UPDATE", "INFO", "OPTIONS"] {
        let request = format!(
            "{method} sip:outpace@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.1:5080;branch=z9hG4bK{method}\r\n\
             From: <sip:a@b>;tag=1\r\nTo: <sip:outpace@192.0.2.1>;tag=ours\r\nCall-ID: s0-old\r\nCSeq: 7 {method}\r\n\
             Contact: <sip:a@198.51.100.1:5080>\r\nMax-Forwards: 70\r\n\r\n"
        );
        world.send(stranger(1), address(0), request.into_bytes());
        world.run(Duration::from_ms(20));
        assert_eq!(world.inbox.last().expect("an answer").label(), format!("481 {method}"));
    }
    world.assert_clean();
}

#[test]
fn pings_of_strangers_are_answered_so_many_a_second() {
    let mut world = World::new(1, 87, Link::CLEAN);
    let ping = |number: usize| {
        format!(
            "OPTIONS sip:outpace@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.1:5080;branch=z9hG4bK{number}\r\n\
             From: <sip:a@b>;tag=1\r\nTo: <sip:outpace@192.0.2.1>\r\nCall-ID: {number}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n\r\n"
        )
    };
    // A scanner's flood, and in the midst of it a carrier's keep-alives from another address.
    for number in 0..1_000 {
        world.send(stranger(1), address(0), ping(number).into_bytes());
        if number % 100 == 99 {
            world.send(stranger(2), address(0), ping(10_000 + number).into_bytes());
        }
    }
    world.run(Duration::from_ms(50));
    let to =
        |world: &World, index: u8| world.inbox.iter().filter(|packet| packet.to.ip() == stranger(index).ip()).count();
    assert_eq!((to(&world, 1), to(&world, 2)), (20, 10));
    assert_eq!(world.ends[0].drops().limited, 980);
    world.run(Duration::from_secs(5));
    world.send(stranger(1), address(0), ping(5_000).into_bytes());
    world.run(Duration::from_ms(50));
    assert_eq!(to(&world, 1), 21);
    // Junk that uses up all refusals does not silence the answer to a keep-alive.
    for number in 0..6_000 {
        let junk = ping(20_000 + number).replace("OPTIONS", "PUBLISH");
        world.send(stranger(1), address(0), junk.into_bytes());
    }
    world.send(stranger(2), address(0), ping(30_000).into_bytes());
    world.run(Duration::from_ms(50));
    assert!(world.ends[0].drops().limited > 1_500);
    assert_eq!(to(&world, 2), 11);
    world.assert_clean();
    assert!(world.now > Instant::ZERO);
}
