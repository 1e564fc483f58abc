//! Messages that cross, get lost or come twice at the worst moment.

use super::world::*;
use crate::{Cause, Event, Whose};
use base::Duration;
use std::cell::Cell;
use std::rc::Rc;

/// Loses the first `count` datagrams with this label.
fn lose(world: &mut World, label: &'static str, count: usize) -> Rc<Cell<usize>> {
    let lost = Rc::new(Cell::new(0));
    let seen = Rc::clone(&lost);
    world.filter = Some(Box::new(move |packet| {
        if packet.label() == label && seen.get() < count {
            seen.set(seen.get() + 1);
            return false;
        }
        true
    }));
    lost
}

fn last(world: &World, index: usize) -> Event {
    (*world.events_of(index).last().expect("an event")).clone()
}

#[test]
fn a_lost_ack_is_sent_again_for_the_repeated_200() {
    let mut world = World::new(2, 21, Link::CLEAN);
    let lost = lose(&mut world, "ACK", 3);
    let (caller, callee) = world.answered();
    assert_eq!(lost.get(), 3);
    // T1, then doubled: the fourth 200 (after 0.5, 1.5, 3.5 s) brings the ACK that arrives.
    assert_eq!(world.count_sent(1, "200 INVITE"), 4);
    assert_eq!(world.count_sent(0, "ACK"), 4);
    let acks: Vec<&Vec<u8>> = world.sent.iter().filter(|(_, p)| p.label() == "ACK").map(|(_, p)| &p.bytes).collect();
    assert!(acks.iter().all(|ack| *ack == acks[0]), "the very same ACK each time");
    world.run(Duration::from_secs(10));
    assert_eq!(world.count_sent(1, "200 INVITE"), 4, "quiet after the ACK");
    world.on(1, |end, now| end.hangup(now, callee, None));
    world.run_out();
    assert!(matches!(last(&world, 0), Event::Ended { dialog, .. } if dialog == caller));
    world.assert_clean();
}

#[test]
fn without_any_ack_the_callee_ends_the_call_after_64_t1() {
    let mut world = World::new(2, 22, Link::CLEAN);
    lose(&mut world, "ACK", usize::MAX);
    let caller = world.call(0, 1);
    world.run(Duration::from_ms(20));
    let callee = world.incoming(1).unwrap();
    let answered_at = world.now;
    world.on(1, |end, now| end.answer(now, callee, ANSWER.to_vec())).unwrap();
    world.run_out();
    let no_ack = Cause::new(None, Cause::NO_ACK, Whose::Network);
    assert_eq!(last(&world, 1), Event::Ended { dialog: callee, cause: no_ack });
    let at = world.events.iter().rfind(|(_, end, _)| *end == 1).unwrap().0;
    assert_eq!(at.since(answered_at), Duration::from_secs(32));
    // §13.3.1.4: 0, 0.5, 1.5, 3.5, then every 4 s up to 31.5.
    assert_eq!(world.count_sent(1, "200 INVITE"), 11);
    assert_eq!(last(&world, 0), Event::Ended { dialog: caller, cause: Cause::new(None, Cause::BYE, Whose::Peer) });
    world.assert_clean();
}

#[test]
fn a_repeated_invite_is_answered_by_the_transaction_and_makes_no_second_call() {
    let mut world = World::new(2, 23, Link::CLEAN);
    lose(&mut world, "100 INVITE", 2);
    world.call(0, 1);
    world.run(Duration::from_secs(3));
    assert_eq!(world.count_sent(0, "INVITE"), 3);
    assert_eq!(world.count_sent(1, "100 INVITE"), 3);
    assert_eq!(world.events_of(1).len(), 1);
    assert_eq!(world.counts()[1].dialogs, 1);
    let callee = world.incoming(1).unwrap();
    world.on(1, |end, now| end.hangup(now, callee, None));
    world.run_out();
    assert!(matches!(last(&world, 0), Event::Failed { cause, .. } if cause.code == Some(603)));
    world.assert_clean();
}

#[test]
fn hanging_up_before_any_response_waits_for_one_and_then_cancels() {
    let mut world = World::new(2, 24, Link { delay: Duration::from_ms(100), ..Link::CLEAN });
    let caller = world.call(0, 1);
    world.on(0, |end, now| end.hangup(now, caller, Some("SIP;cause=487".into())));
    assert_eq!(world.count_sent(0, "CANCEL"), 0, "§9.1: not before a provisional response");
    world.run(Duration::from_ms(150));
    assert_eq!(world.count_sent(0, "CANCEL"), 0);
    world.run_out();
    assert_eq!(world.count_sent(0, "CANCEL"), 1);
    let cancel = world.sent.iter().find(|(_, p)| p.label() == "CANCEL").unwrap().1.message();
    let invite = world.sent[0].1.message();
    assert_eq!(cancel.top_via().unwrap().branch(), invite.top_via().unwrap().branch());
    assert_eq!(cancel.request_uri(), invite.request_uri());
    assert_eq!(cancel.to().unwrap().tag(), None);
    assert_eq!(cancel.header_named("Reason"), Some(&b"SIP;cause=487"[..]));
    let cancelled = Cause::new(Some(487), Cause::CANCELLED, Whose::Us);
    assert_eq!(last(&world, 0), Event::Failed { dialog: caller, cause: cancelled });
    assert!(matches!(last(&world, 1), Event::Failed { cause, .. } if cause.reason == Cause::CALLER_GAVE_UP));
    world.assert_clean();
}

#[test]
fn a_200_that_crosses_the_cancel_is_acknowledged_and_ended() {
    // The 200 is on its way when the CANCEL leaves.
    let mut world = World::new(2, 25, Link { delay: Duration::from_ms(50), ..Link::CLEAN });
    let caller = world.call(0, 1);
    world.run(Duration::from_ms(120));
    let callee = world.incoming(1).unwrap();
    world.on(1, |end, now| end.answer(now, callee, ANSWER.to_vec())).unwrap();
    world.on(0, |end, now| end.hangup(now, caller, None));
    world.run_out();
    let cancelled = Cause::new(Some(487), Cause::CANCELLED, Whose::Us);
    // Told as the answered call that it was, so that it has a record.
    let told = world.events_of(0);
    assert!(matches!(&told[told.len() - 2], Event::Answered { dialog, .. } if *dialog == caller), "{told:?}");
    assert_eq!(last(&world, 0), Event::Ended { dialog: caller, cause: cancelled });
    assert_eq!(world.count_sent(0, "ACK"), 1);
    assert_eq!(world.count_sent(0, "BYE"), 1);
    assert!(matches!(last(&world, 1), Event::Ended { dialog, .. } if dialog == callee));
    world.assert_clean();
}

#[test]
fn a_cancel_that_arrives_first_wins_over_the_answer() {
    let mut world = World::new(2, 26, Link { delay: Duration::from_ms(50), ..Link::CLEAN });
    let caller = world.call(0, 1);
    world.run(Duration::from_ms(120));
    let callee = world.incoming(1).unwrap();
    world.on(0, |end, now| end.hangup(now, caller, None));
    world.run(Duration::from_ms(60));
    let answered = world.on(1, |end, now| end.answer(now, callee, ANSWER.to_vec()));
    assert_eq!(answered, Err(crate::Refusal::Stale));
    world.run_out();
    assert!(matches!(last(&world, 0), Event::Failed { .. }));
    assert_eq!(world.count_sent(0, "BYE"), 0);
    world.assert_clean();
}

#[test]
fn a_cancel_without_final_response_fails_after_64_t1() {
    let mut world = World::new(1, 27, Link::CLEAN);
    let caller = world.call_with(0, invite_to(stranger(1)));
    world.run(Duration::from_ms(20));
    let request = world.inbox[0].message();
    world.send(stranger(1), address(0), response(&request, 180, "t", stranger(1), &[], b""));
    world.run(Duration::from_ms(20));
    world.on(0, |end, now| end.hangup(now, caller, None));
    let hung_up = world.now;
    world.run_out();
    assert!(matches!(last(&world, 0), Event::Failed { .. }));
    assert_eq!(world.events.last().unwrap().0.since(hung_up), Duration::from_secs(32));
    world.assert_clean();
}

#[test]
fn byes_that_cross_end_both_sides_once() {
    let mut world = World::new(2, 28, Link { delay: Duration::from_ms(50), ..Link::CLEAN });
    let (caller, callee) = world.answered();
    world.run(Duration::from_secs(1));
    world.on(0, |end, now| end.hangup(now, caller, None));
    world.on(1, |end, now| end.hangup(now, callee, None));
    world.run_out();
    let hangup = Cause::new(None, Cause::HANGUP, Whose::Us);
    assert_eq!(last(&world, 0), Event::Ended { dialog: caller, cause: hangup.clone() });
    assert_eq!(last(&world, 1), Event::Ended { dialog: callee, cause: hangup });
    world.assert_clean();
}

#[test]
fn the_callee_does_not_send_bye_before_the_ack() {
    let mut world = World::new(2, 29, Link { delay: Duration::from_ms(50), ..Link::CLEAN });
    world.call(0, 1);
    world.run(Duration::from_ms(60));
    let callee = world.incoming(1).unwrap();
    world.on(1, |end, now| end.answer(now, callee, ANSWER.to_vec())).unwrap();
    world.on(1, |end, now| end.hangup(now, callee, None));
    assert_eq!(world.count_sent(1, "BYE"), 0, "§15");
    world.run_out();
    let order: Vec<String> = world.sent.iter().map(|(_, packet)| packet.label()).collect();
    assert_eq!(order[3..], ["ACK", "BYE", "200 BYE"]);
    assert!(matches!(last(&world, 1), Event::Ended { cause, .. } if cause.reason == Cause::HANGUP));
    world.assert_clean();
}

#[test]
fn of_a_forked_call_the_second_answer_gets_ack_and_bye() {
    let mut world = World::new(1, 30, Link::CLEAN);
    let caller = world.call_with(0, invite_to(stranger(1)));
    world.run(Duration::from_ms(20));
    let request = world.inbox[0].message();
    for (code, tag, phone) in [(180, "one", 1), (183, "two", 2), (200, "two", 2), (200, "one", 1), (200, "one", 1)] {
        let sdp: &[u8] = if code == 180 { b"" } else { ANSWER };
        world.send(stranger(1), address(0), response(&request, code, tag, stranger(phone), &[], sdp));
        world.run(Duration::from_ms(20));
    }
    let names: Vec<&str> = world
        .events_of(0)
        .iter()
        .map(|event| match event {
            Event::Progress { code: 180, .. } => "180",
            Event::Progress { code: 183, .. } => "183",
            Event::Answered { .. } => "answered",
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, ["180", "183", "answered"]);
    let to = |phone: u8| -> Vec<String> {
        world.sent.iter().filter(|(_, p)| p.to == stranger(phone)).map(|(_, p)| p.label()).collect()
    };
    assert_eq!(to(2), ["ACK"]);
    // The answer of the other phone: ACK and BYE, and the ACK again for its repetition.
    assert_eq!(to(1), ["INVITE", "ACK", "BYE", "ACK"]);
    let bye = world.sent.iter().find(|(_, p)| p.label() == "BYE").unwrap().1.message();
    assert_eq!(bye.to().unwrap().tag(), Some(&b"one"[..]));
    world.on(0, |end, now| end.hangup(now, caller, None));
    world.run_out();
    world.assert_clean();
    assert_eq!(world.count_sent(0, "CANCEL"), 0);
}

#[test]
fn a_bye_from_the_only_early_branch_ends_the_call() {
    // Every 200 is lost; after 64 × T1 the callee gives up with a BYE for a call that still rings here.
    let mut world = World::new(2, 31, Link::CLEAN);
    world.filter = Some(Box::new(|packet| packet.label() != "200 INVITE"));
    let caller = world.call(0, 1);
    world.run(Duration::from_ms(20));
    let callee = world.incoming(1).unwrap();
    world.on(1, |end, now| end.progress(now, callee, 180, None)).unwrap();
    world.run(Duration::from_ms(20));
    world.on(1, |end, now| end.answer(now, callee, ANSWER.to_vec())).unwrap();
    world.run_out();
    assert_eq!(last(&world, 0), Event::Failed { dialog: caller, cause: Cause::new(None, Cause::BYE, Whose::Peer) });
    world.assert_clean();
}

#[test]
fn an_early_bye_of_the_caller_ends_the_invite_with_487() {
    let mut world = World::new(1, 32, Link::CLEAN);
    let peer = stranger(1);
    let request = |method: &str, sequence: u32, to: &str| {
        wire::sip::Builder::request(method, "sip:a@192.0.2.1")
            .header("Via", format!("SIP/2.0/UDP {peer};branch=z9hG4bK{method}"))
            .header("From", "<sip:b@example.org>;tag=ft")
            .header("To", to)
            .header("Call-ID", "early-bye")
            .header("CSeq", format!("{sequence} {method}"))
            .header("Contact", format!("<sip:b@{peer}>"))
            .finish()
    };
    world.send(peer, address(0), request("INVITE", 1, "<sip:a@192.0.2.1>"));
    world.run(Duration::from_ms(20));
    let callee = world.incoming(0).unwrap();
    world.on(0, |end, now| end.progress(now, callee, 180, None)).unwrap();
    world.run(Duration::from_ms(20));
    let ringing = world.inbox.last().unwrap().message();
    let to = String::from_utf8(ringing.header(wire::sip::HeaderName::To).unwrap().to_vec()).unwrap();
    world.send(peer, address(0), request("BYE", 2, &to));
    world.run(Duration::from_ms(20));
    let labels: Vec<String> = world.inbox.iter().map(Packet::label).collect();
    assert_eq!(labels, ["100 INVITE", "180 INVITE", "200 BYE", "487 INVITE"]);
    assert!(matches!(last(&world, 0), Event::Failed { cause, .. } if cause.whose == Whose::Peer));
    world.run_out();
    world.assert_clean();
}

#[test]
fn the_same_request_on_two_paths_is_merged_with_482() {
    let mut world = World::new(1, 33, Link::CLEAN);
    let peer = stranger(1);
    let invite = |branch: &str| {
        wire::sip::Builder::request("INVITE", "sip:a@192.0.2.1")
            .header("Via", format!("SIP/2.0/UDP {peer};branch=z9hG4bK{branch}"))
            .header("From", "<sip:b@example.org>;tag=ft")
            .header("To", "<sip:a@192.0.2.1>")
            .header("Call-ID", "merge")
            .header("CSeq", "5 INVITE")
            .header("Contact", format!("<sip:b@{peer}>"))
            .finish()
    };
    world.send(peer, address(0), invite("p1"));
    world.send(peer, address(0), invite("p2"));
    world.run(Duration::from_ms(20));
    let labels: Vec<String> = world.inbox.iter().map(Packet::label).collect();
    assert_eq!(labels, ["100 INVITE", "482 INVITE"]);
    assert_eq!(world.counts()[0].dialogs, 1);
    world.run_out();
    world.assert_clean();
}
