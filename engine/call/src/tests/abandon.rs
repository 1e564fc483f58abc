//! A panic in the work for one of many legs: that leg is lost, the others notice nothing.

use super::*;
use crate::{Fault, FaultPoint, INTERNAL_FAULT};

/// Calls between host 0, which has the fault, and host 1.
const LEGS: u64 = 1_000;

/// Host 0 calls host 1 a thousand times; a fault is planted for one leg of host 0. Everybody plays a prompt.
fn crowd(fault: Option<Fault>) -> Wire {
    let mut wire = Wire::with_ports(&[1, 1], 2 * LEGS as u16 + 48);
    wire.hosts[0][0].plant(fault);
    let prompt = ladder(10);
    for leg in 0..LEGS {
        wire.command(0, 0, originate(leg, 1));
        let callee = wire.incoming(1);
        wire.command(1, 0, Command::Answer { leg: callee, learn: false });
        wire.command(1, 0, Command::Play { leg: callee, play: base::PlayId(0), prompt: prompt.clone(), repeat: true });
    }
    wire
}

/// All but `lost` go on for a while and are hung up; nothing is left over.
fn the_others_go_on(mut wire: Wire, lost: &[LegId], side: usize) {
    assert_eq!(
        wire.panics.iter().map(|(_, leg)| *leg).collect::<Vec<_>>(),
        lost.iter().map(|leg| Some(*leg)).collect::<Vec<_>>()
    );
    let ended = |wire: &Wire, host: usize| -> Vec<(LegId, String)> {
        let ended = wire.events.iter().filter_map(|(at, event)| match event {
            Event::Ended { leg, cause, .. } if *at == host => Some((*leg, cause.reason.clone())),
            _ => None,
        });
        ended.collect()
    };
    let here = ended(&wire, side);
    assert_eq!(here, lost.iter().map(|leg| (*leg, INTERNAL_FAULT.to_string())).collect::<Vec<_>>());
    wire.run(Duration::from_secs(1));
    let counts = wire.counts();
    assert_eq!(counts[0].legs, LEGS as usize - lost.len());
    assert_eq!(counts[0].ports_in_use, LEGS as usize - lost.len());
    assert_eq!(counts[1].legs, LEGS as usize - lost.len(), "the far end was told");
    // One packet from each leg that is left, every 20 ms, none missing.
    wire.sent.clear();
    wire.run(Duration::from_secs(1));
    let left = LEGS as usize - lost.len();
    assert_eq!(wire.sent.iter().filter(|(host, ..)| *host == 0).count(), left * 50);
    assert_eq!(wire.sent.iter().filter(|(host, ..)| *host == 1).count(), left * 50);
    for leg in 0..LEGS {
        wire.command(0, 0, Command::Hangup { leg: LegId(leg), reason: "done" });
    }
    all_gone(&mut wire);
    assert_eq!(wire.ended(0).len(), LEGS as usize, "one end each");
    for shard in wire.hosts.iter().flatten() {
        assert_eq!(shard.ports_free(), LEGS as usize + 24);
    }
    let media = wire.events.iter().filter_map(|(_, event)| match event {
        Event::Ended { media: Some(media), cause, .. } if cause.reason != INTERNAL_FAULT => Some(media),
        _ => None,
    });
    assert!(media.into_iter().all(|stats| stats.lost == 0 && stats.restarts == 0), "the others lost no packet");
}

fn fault(leg: u64, when: FaultPoint) -> Option<Fault> {
    Some(Fault { leg: LegId(leg), when })
}

#[test]
fn a_packet_a_due_packet_or_a_timer_costs_one_leg() {
    // The first report comes after 1.25 to 3.75 s.
    for (leg, when, seconds) in [(7, FaultPoint::Rtp(20), 1), (500, FaultPoint::Due, 1), (999, FaultPoint::Timer, 4)] {
        let mut wire = crowd(fault(leg, when));
        wire.run(Duration::from_secs(seconds));
        the_others_go_on(wire, &[LegId(leg)], 0);
    }
}

#[test]
fn a_sip_message_costs_one_leg() {
    let mut wire = crowd(fault(77, FaultPoint::Sip));
    let callee = wire.events.iter().filter_map(|(_, event)| match event {
        Event::Incoming { leg, .. } => Some(*leg),
        _ => None,
    });
    let callee = callee.collect::<Vec<_>>()[77];
    // A re-INVITE from the far end.
    wire.command(1, 0, Command::Hold { leg: callee, on: true });
    wire.run(Duration::from_secs(1));
    the_others_go_on(wire, &[LegId(77)], 0);
}

#[test]
fn a_command_costs_one_leg_also_one_that_is_just_being_made() {
    // In the middle of `Originate`: the INVITE is out, so the far end rings until it is cancelled.
    let mut wire = Wire::new(&[1, 1]);
    wire.hosts[0][0].plant(fault(5, FaultPoint::Command));
    wire.command(0, 0, originate(5, 1));
    wire.run(Duration::from_ms(2));
    assert_eq!(wire.panics, [(0, Some(LegId(5)))]);
    assert_eq!(wire.ended(0), [INTERNAL_FAULT]);
    assert_eq!(wire.counts()[0].ports_in_use, 0);
    let callee = wire.incoming(1);
    wire.command(1, 0, Command::Ring { leg: callee, early_media: false });
    wire.run(Duration::from_secs(1));
    assert_eq!(wire.ended(1), [sip::Cause::CALLER_GAVE_UP], "the 180 brought it a CANCEL");
    all_gone(&mut wire);

    // The far end answers at once: ACK and BYE.
    wire.hosts[0][0].plant(fault(6, FaultPoint::Command));
    wire.mute_sip_from = Some(1);
    wire.command(0, 0, originate(6, 1));
    wire.run(Duration::from_ms(2));
    let callee = wire.incoming(1);
    wire.command(1, 0, Command::Answer { leg: callee, learn: false });
    wire.mute_sip_from = None;
    wire.run(Duration::from_secs(2));
    assert_eq!(wire.ended(1).len(), 2);
    assert_eq!(wire.ended(1)[1], sip::Cause::BYE);
    all_gone(&mut wire);
}

#[test]
fn who_rings_us_gets_500_and_who_we_ring_gets_cancel() {
    let mut wire = Wire::new(&[1, 1]);
    wire.command(1, 0, originate(1, 0));
    let caller = wire.incoming(0);
    wire.hosts[0][0].plant(Some(Fault { leg: caller, when: FaultPoint::Command }));
    wire.command(0, 0, Command::Ring { leg: caller, early_media: false });
    wire.run(Duration::from_ms(100));
    assert_eq!(wire.panics, [(0, Some(caller))]);
    assert_eq!((wire.ended(0), wire.ended(1)), (vec![INTERNAL_FAULT], vec!["Server Internal Error"]));

    wire.command(0, 0, originate(2, 1));
    let callee = wire.incoming(1);
    wire.command(1, 0, Command::Ring { leg: callee, early_media: false });
    wire.hosts[0][0].plant(fault(2, FaultPoint::Command));
    wire.command(0, 0, Command::Hangup { leg: LegId(2), reason: "done" });
    wire.run(Duration::from_ms(100));
    assert_eq!(wire.ended(0), [INTERNAL_FAULT, INTERNAL_FAULT]);
    assert_eq!(wire.ended(1)[1], sip::Cause::CALLER_GAVE_UP);
    all_gone(&mut wire);
}

#[test]
fn the_partner_of_a_lost_leg_goes_on_alone_here_and_on_another_shard() {
    for shards in [1, 2] {
        let (mut wire, _, _) = bridged(shards);
        assert_eq!(wire.hosts[0].iter().map(|shard| shard.counts().calls).sum::<usize>(), 2);
        wire.hosts[0][0].plant(fault(1, FaultPoint::Due));
        wire.run(Duration::from_secs(1));
        assert_eq!(wire.panics, [(0, Some(LegId(1)))]);
        assert_eq!(wire.hosts[0].iter().map(|shard| shard.counts().calls).sum::<usize>(), 0);
        wire.sent.clear();
        wire.run(Duration::from_secs(1));
        let sent: Vec<&Vec<u8>> = wire.sent.iter().filter(|(host, ..)| *host == 0).map(|(_, _, bytes)| bytes).collect();
        assert_eq!(sent.len(), 50, "the partner's timeline goes on");
        assert!(sent.iter().all(|payload| payload.iter().all(|byte| *byte == Law::Mu.silence())));
        wire.command(0, shards - 1, Command::Hangup { leg: LegId(2), reason: "done" });
        all_gone(&mut wire);
        assert_eq!(wire.ended(0).len(), 2);
    }
}

#[test]
fn a_panic_in_nobodys_work_costs_nobody() {
    let mut wire = Wire::new(&[1, 1]);
    wire.command(0, 0, originate(1, 1));
    let callee = wire.incoming(1);
    wire.command(1, 0, Command::Answer { leg: callee, learn: false });
    let now = wire.now;
    // The input before belonged to a leg; a stranger's datagram does not, whatever happens to it.
    wire.hosts[0][0].handle_sip(now, sip(1), b"rubbish");
    assert_eq!(wire.hosts[0][0].abandon_current(now), None);
    wire.hosts[0][0].handle_rtp(now, 9_998, sip(1), b"rubbish");
    assert_eq!(wire.hosts[0][0].abandon_current(now), None);
    wire.hosts[0][0].handle_timeout(now);
    assert_eq!(wire.hosts[0][0].abandon_current(now), None);
    wire.run(Duration::from_secs(1));
    assert!(wire.ended(0).is_empty());
    wire.command(1, 0, Command::Hangup { leg: callee, reason: "done" });
    all_gone(&mut wire);
}
