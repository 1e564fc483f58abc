//! What a panic has interrupted is discarded: the far end is told, and nothing stays.

use super::world::*;
use crate::{Cause, DialogId, Event, Register, Whose};
use base::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Lets the planted fault break out and be caught as the driver does it; the dialog that was worked on.
fn run_into_fault(world: &mut World, index: usize) -> Option<DialogId> {
    for _ in 0..1_000 {
        let caught = catch_unwind(AssertUnwindSafe(|| {
            world.run(Duration::from_ms(1));
        }));
        if caught.is_err() {
            let (end, now) = (&mut world.ends[index], world.now);
            let dialog = end.at_work();
            end.abandon(now, None);
            return dialog;
        }
    }
    panic!("the fault never broke out");
}

fn last(world: &World, index: usize) -> Option<Cause> {
    world.events_of(index).into_iter().rev().find_map(|event| match event {
        Event::Failed { cause, .. } | Event::Ended { cause, .. } => Some(cause.clone()),
        _ => None,
    })
}

fn all_gone(world: &mut World) {
    world.run(Duration::from_secs(200));
    for counts in world.counts() {
        assert_eq!((counts.dialogs, counts.transactions, counts.timers), (0, 0, 0));
    }
}

#[test]
fn an_answered_call_ends_with_a_bye() {
    let mut world = World::new(2, 91, Link::CLEAN);
    let (caller, callee) = world.answered();
    world.ends[0].plant_fault(caller);
    world.on(1, |end, now| end.reoffer(now, callee, OFFER.to_vec())).unwrap();
    assert_eq!(run_into_fault(&mut world, 0), Some(caller));
    world.run(Duration::from_secs(1));
    let cause = last(&world, 1).expect("told");
    assert_eq!((cause.reason.as_str(), cause.whose), ("internal fault", Whose::Peer));
    assert_eq!(world.events_of(0).iter().filter(|event| matches!(event, Event::Ended { .. })).count(), 0);
    all_gone(&mut world);
}

/// The fault is in the very response that would have made the call.
#[test]
fn a_fault_in_the_answer_leaves_no_call_behind() {
    let mut world = World::new(2, 92, Link::CLEAN);
    let caller = world.call(0, 1);
    world.run(Duration::from_ms(100));
    let callee = world.incoming(1).expect("incoming");
    world.ends[0].plant_fault(caller);
    world.on(1, |end, now| end.answer(now, callee, ANSWER.to_vec())).unwrap();
    assert_eq!(run_into_fault(&mut world, 0), Some(caller));
    // The transaction is gone with the dialog: the repeated 200 is nobody's, and gets ACK and BYE.
    world.run(Duration::from_secs(3));
    assert_eq!(last(&world, 1).expect("told").whose, Whose::Peer);
    all_gone(&mut world);
}

#[test]
fn a_ringing_call_is_cancelled_or_refused() {
    // We ring: the fault is in the 180.
    let mut world = World::new(2, 93, Link::CLEAN);
    let caller = world.call(0, 1);
    world.run(Duration::from_ms(100));
    let callee = world.incoming(1).expect("incoming");
    world.ends[0].plant_fault(caller);
    world.on(1, |end, now| end.progress(now, callee, 180, None)).unwrap();
    assert_eq!(run_into_fault(&mut world, 0), Some(caller));
    world.run(Duration::from_secs(1));
    assert_eq!(last(&world, 1).expect("told").reason, Cause::CALLER_GAVE_UP);
    all_gone(&mut world);

    // It rings: the fault is in its CANCEL, and it gets a final answer all the same.
    let mut world = World::new(2, 94, Link::CLEAN);
    let caller = world.call(1, 0);
    world.run(Duration::from_ms(100));
    let callee = world.incoming(0).expect("incoming");
    world.ends[0].plant_fault(callee);
    world.on(1, |end, now| end.hangup(now, caller, None));
    assert_eq!(run_into_fault(&mut world, 0), Some(callee));
    world.run(Duration::from_secs(1));
    assert!(last(&world, 1).is_some());
    all_gone(&mut world);
}

/// Whatever is broken in the dialog breaks the farewell, too: nothing is said, and nothing stays.
#[test]
fn a_farewell_that_fails_leaves_nothing_behind() {
    for ringing in [true, false] {
        let mut world = World::new(2, 96, Link::CLEAN);
        let caller = world.call(1, 0);
        world.run(Duration::from_ms(100));
        let callee = world.incoming(0).expect("incoming");
        if !ringing {
            world.on(0, |end, now| end.answer(now, callee, ANSWER.to_vec())).unwrap();
            world.run(Duration::from_ms(100));
            world.on(1, |end, now| end.reoffer(now, caller, OFFER.to_vec())).unwrap();
            world.run(Duration::from_ms(100));
        }
        world.ends[0].plant_fault_in_farewell();
        let now = world.now;
        world.ends[0].abandon(now, Some(callee));
        world.run(Duration::from_secs(40));
        let counts = world.counts()[0];
        assert_eq!((counts.dialogs, counts.transactions, counts.timers), (0, 0, 0), "ringing: {ringing}");
    }
}

#[test]
fn a_registration_goes_on_after_a_fault_in_its_answer() {
    let mut world = World::new(1, 95, Link::CLEAN);
    let register = Register {
        remote: stranger(1),
        registrar_uri: "sip:registrar.example".into(),
        aor: "sip:alice@registrar.example".into(),
        contact: "sip:alice@192.0.2.1:5060".into(),
        expires_s: 600,
        credentials: None,
    };
    let id = world.on(0, |end, now| end.register(now, register)).unwrap();
    world.run(Duration::from_ms(20));
    // As if a panic had interrupted the work on its answer.
    let request = world.inbox.last().expect("REGISTER").message();
    let branch = request.top_via().unwrap().branch().unwrap().to_vec();
    world.ends[0].interrupted_at(&branch, "REGISTER");
    let now = world.now;
    world.ends[0].abandon(now, None);
    world.run(Duration::from_secs(31));
    assert!(matches!(world.events_of(0)[0], Event::RegistrationFailed { registration, .. } if *registration == id));
    assert!(world.count_sent(0, "REGISTER") >= 2, "it is tried again");
    world.on(0, |end, now| end.unregister(now, id)).unwrap();
    all_gone(&mut world);
    assert_eq!(world.counts()[0].registrations, 0);
}
