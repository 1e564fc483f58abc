//! Re-INVITEs: both ways, refused, cancelled, crossing, unanswered.

use super::world::*;
use crate::{Cause, Event, Refusal, Whose};
use base::Duration;

const HOLD: &[u8] =
    b"v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=inactive\r\n";

fn reoffered(world: &World, index: usize) -> usize {
    world.events_of(index).iter().filter(|event| matches!(event, Event::ReOffered { .. })).count()
}

#[test]
fn a_reoffer_is_answered_and_confirmed_either_way() {
    let mut world = World::new(2, 41, Link::CLEAN);
    let dialogs = world.answered();
    let dialogs = [dialogs.0, dialogs.1];
    for (from, to) in [(0, 1), (1, 0)] {
        world.on(from, |end, now| end.reoffer(now, dialogs[from], HOLD.to_vec())).unwrap();
        assert_eq!(world.on(from, |end, now| end.reoffer(now, dialogs[from], HOLD.to_vec())), Err(Refusal::WrongState));
        world.run(Duration::from_ms(20));
        assert_eq!(
            *world.events_of(to).last().unwrap(),
            &Event::ReOffered { dialog: dialogs[to], sdp: Some(HOLD.to_vec()) }
        );
        world.on(to, |end, now| end.answer_reoffer(now, dialogs[to], ANSWER.to_vec())).unwrap();
        world.run(Duration::from_ms(20));
        assert_eq!(
            *world.events_of(from).last().unwrap(),
            &Event::ReAnswered { dialog: dialogs[from], sdp: Some(ANSWER.to_vec()) }
        );
        assert_eq!(*world.events_of(to).last().unwrap(), &Event::ReConfirmed { dialog: dialogs[to], sdp: None });
    }
    world.on(0, |end, now| end.hangup(now, dialogs[0], None));
    world.run_out();
    world.assert_clean();
}

#[test]
fn a_refused_reoffer_leaves_the_call_as_it_was() {
    let mut world = World::new(2, 42, Link::CLEAN);
    let (caller, callee) = world.answered();
    world.on(0, |end, now| end.reoffer(now, caller, HOLD.to_vec())).unwrap();
    world.run(Duration::from_ms(20));
    world.on(1, |end, now| end.reject_reoffer(now, callee, 488)).unwrap();
    world.run(Duration::from_secs(60));
    assert_eq!(*world.events_of(0).last().unwrap(), &Event::ReRejected { dialog: caller, code: 488 });
    assert_eq!(world.counts()[0].dialogs, 1);
    assert_eq!(world.on(1, |end, now| end.answer_reoffer(now, callee, Vec::new())), Err(Refusal::WrongState));
    world.on(1, |end, now| end.hangup(now, callee, None));
    world.run_out();
    world.assert_clean();
}

#[test]
fn reoffers_that_cross_settle_by_the_random_pause() {
    for seed in 0..20 {
        let mut world = World::new(2, 100 + seed, Link { delay: Duration::from_ms(50), ..Link::CLEAN });
        let (caller, callee) = world.answered();
        world.run(Duration::from_secs(1));
        world.on(0, |end, now| end.reoffer(now, caller, HOLD.to_vec())).unwrap();
        world.on(1, |end, now| end.reoffer(now, callee, HOLD.to_vec())).unwrap();
        let mut answered = [0, 0];
        let limit = world.now + Duration::from_secs(20);
        while world.now < limit {
            world.run(Duration::from_ms(10));
            for (index, dialog) in [(0, caller), (1, callee)] {
                if reoffered(&world, index) > answered[index] {
                    answered[index] += 1;
                    world.on(index, |end, now| end.answer_reoffer(now, dialog, ANSWER.to_vec())).unwrap();
                }
            }
        }
        assert!(world.count_sent(0, "491 INVITE") + world.count_sent(1, "491 INVITE") >= 2, "seed {seed}");
        assert_eq!(answered, [1, 1], "seed {seed}: {:#?}", world.events);
        for index in [0, 1] {
            let done = world.events_of(index).iter().filter(|event| matches!(event, Event::ReAnswered { .. })).count();
            assert_eq!(done, 1, "seed {seed}");
        }
        world.on(0, |end, now| end.hangup(now, caller, None));
        world.run_out();
        world.assert_clean();
    }
}

#[test]
fn a_reoffer_waits_for_the_ack_of_the_answer() {
    let mut world = World::new(2, 43, Link { delay: Duration::from_ms(50), ..Link::CLEAN });
    world.call(0, 1);
    world.run(Duration::from_ms(60));
    let callee = world.incoming(1).unwrap();
    world.on(1, |end, now| end.answer(now, callee, ANSWER.to_vec())).unwrap();
    world.on(1, |end, now| end.reoffer(now, callee, HOLD.to_vec())).unwrap();
    assert_eq!(world.count_sent(1, "INVITE"), 0, "§14.1");
    world.run(Duration::from_ms(200));
    assert_eq!(world.count_sent(1, "INVITE"), 1);
    assert_eq!(reoffered(&world, 0), 1);
}

#[test]
fn a_reoffer_that_nobody_answers_is_refused_and_the_call_goes_on() {
    let mut world = World::new(2, 44, Link::CLEAN);
    let (caller, callee) = world.answered();
    world.on(0, |end, now| end.reoffer(now, caller, HOLD.to_vec())).unwrap();
    world.run(Duration::from_secs(33));
    assert_eq!(*world.events_of(0).last().unwrap(), &Event::ReRejected { dialog: caller, code: 500 });
    assert_eq!(world.on(1, |end, now| end.answer_reoffer(now, callee, ANSWER.to_vec())), Err(Refusal::WrongState));
    world.run(Duration::from_secs(60));
    assert_eq!(world.counts()[0].dialogs, 1);
    world.on(1, |end, now| end.hangup(now, callee, None));
    world.run_out();
    world.assert_clean();
}

#[test]
fn a_peer_that_forgot_the_call_ends_it() {
    let mut world = World::new(2, 45, Link::CLEAN);
    let (caller, callee) = world.answered();
    // The callee's BYE gets lost for good: the caller learns from the 481.
    world.filter = Some(Box::new(|packet| packet.label() != "BYE"));
    world.on(1, |end, now| end.hangup(now, callee, None));
    world.run(Duration::from_secs(60));
    world.on(0, |end, now| end.reoffer(now, caller, HOLD.to_vec())).unwrap();
    world.run_out();
    let last = (*world.events_of(0).last().unwrap()).clone();
    assert!(matches!(&last, Event::Ended { cause, .. } if cause.code == Some(481)), "{last:?}");
    world.assert_clean();
}

#[test]
fn a_dead_peer_is_found_out_by_a_reoffer() {
    let mut world = World::new(2, 46, Link::CLEAN);
    let (caller, _) = world.answered();
    world.filter = Some(Box::new(|_| false));
    world.on(0, |end, now| end.reoffer(now, caller, HOLD.to_vec())).unwrap();
    world.run(Duration::from_secs(33));
    let cause = Cause::new(Some(408), Cause::NO_RESPONSE, Whose::Network);
    assert_eq!(*world.events_of(0).last().unwrap(), &Event::Ended { dialog: caller, cause });
}

#[test]
fn a_bye_during_a_reoffer_answers_it_487_and_a_late_200_still_gets_its_ack() {
    let mut world = World::new(2, 47, Link { delay: Duration::from_ms(50), ..Link::CLEAN });
    let (caller, _) = world.answered();
    world.run(Duration::from_secs(1));
    world.on(0, |end, now| end.reoffer(now, caller, HOLD.to_vec())).unwrap();
    world.run(Duration::from_ms(120));
    world.on(0, |end, now| end.hangup(now, caller, None));
    world.run_out();
    assert_eq!(world.count_sent(1, "487 INVITE"), 1);
    world.assert_clean();

    let mut world = World::new(2, 48, Link { delay: Duration::from_ms(50), ..Link::CLEAN });
    let (caller, callee) = world.answered();
    world.run(Duration::from_secs(1));
    world.on(0, |end, now| end.reoffer(now, caller, HOLD.to_vec())).unwrap();
    world.run(Duration::from_ms(60));
    world.on(1, |end, now| end.answer_reoffer(now, callee, ANSWER.to_vec())).unwrap();
    world.on(0, |end, now| end.hangup(now, caller, None));
    world.run_out();
    // One ACK for the call, one for the re-INVITE's 200 that found the call over.
    assert_eq!(world.count_sent(0, "ACK"), 2);
    world.assert_clean();
}

#[test]
fn a_request_in_between_does_not_confuse_the_ack() {
    let mut world = World::new(1, 49, Link::CLEAN);
    let peer = stranger(1);
    let request = |method: &str, sequence: u32, to: &str| {
        wire::sip::Builder::request(method, "sip:a@192.0.2.1")
            .header("Via", format!("SIP/2.0/UDP {peer};branch=z9hG4bK{method}{sequence}"))
            .header("From", "<sip:b@example.org>;tag=ft")
            .header("To", to)
            .header("Call-ID", "between")
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
    let step = |world: &mut World, method: &str, sequence: u32| {
        world.send(peer, address(0), request(method, sequence, &to));
        world.run(Duration::from_ms(20));
    };
    step(&mut world, "INFO", 2);
    world.on(0, |end, now| end.answer(now, callee, ANSWER.to_vec())).unwrap();
    step(&mut world, "ACK", 1);
    assert_eq!(*world.events_of(0).last().unwrap(), &Event::Confirmed { dialog: callee, sdp: None });
    step(&mut world, "INVITE", 3);
    step(&mut world, "INVITE", 4);
    assert_eq!(world.inbox.last().unwrap().label(), "500 INVITE", "§14.2: the first one waits for its answer");
    step(&mut world, "OPTIONS", 5);
    world.on(0, |end, now| end.answer_reoffer(now, callee, ANSWER.to_vec())).unwrap();
    step(&mut world, "ACK", 3);
    assert_eq!(*world.events_of(0).last().unwrap(), &Event::ReConfirmed { dialog: callee, sdp: None });
    step(&mut world, "BYE", 6);
    world.run_out();
    world.assert_clean();
}

#[test]
fn a_cancelled_reoffer_gets_487_and_the_call_goes_on() {
    let mut world = World::new(2, 50, Link::CLEAN);
    let (caller, callee) = world.answered();
    world.on(0, |end, now| end.reoffer(now, caller, HOLD.to_vec())).unwrap();
    world.run(Duration::from_ms(20));
    let invite = world.sent.iter().rfind(|(_, packet)| packet.label() == "INVITE").unwrap().1.bytes.clone();
    let cancel = String::from_utf8(invite).unwrap().replace("INVITE", "CANCEL");
    world.send(address(0), address(1), cancel.into_bytes());
    world.run(Duration::from_ms(20));
    assert_eq!(*world.events_of(0).last().unwrap(), &Event::ReRejected { dialog: caller, code: 487 });
    assert_eq!(world.on(1, |end, now| end.answer_reoffer(now, callee, ANSWER.to_vec())), Err(Refusal::WrongState));
    assert_eq!(world.counts()[1].dialogs, 1);
    world.on(1, |end, now| end.hangup(now, callee, None));
    world.run_out();
    world.assert_clean();
}
