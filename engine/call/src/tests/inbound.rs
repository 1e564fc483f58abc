//! Calls that come in, and media from behind a NAT.

use super::*;

fn caused(wire: &Wire, host: usize) -> Vec<(&str, sip::Whose, bool)> {
    let ended = wire.events.iter().filter_map(|(at, event)| match event {
        Event::Ended { cause, answered, .. } if *at == host => Some((cause.reason.as_str(), cause.whose, *answered)),
        _ => None,
    });
    ended.collect()
}

/// Host 1 calls host 0.
fn called() -> (Wire, LegId) {
    let mut wire = Wire::new(&[1, 1]);
    let Command::Originate(mut call) = originate(1, 0) else { unreachable!() };
    call.from_display = Some("Ann \"A\" Other".into());
    call.from_uri = "sip:+15550001111@192.0.2.2".into();
    wire.command(1, 0, Command::Originate(call));
    let leg = wire.incoming(0);
    (wire, leg)
}

#[test]
fn a_call_says_who_calls_whom_and_its_answer_has_what_a_bye_needs() {
    let (mut wire, leg) = called();
    let told = wire.events.iter().find_map(|(_, event)| match event {
        Event::Incoming { from_user, from_display, to_user, source, call_id, .. } => {
            Some((from_user.clone(), from_display.clone(), to_user.clone(), *source, call_id.clone()))
        }
        _ => None,
    });
    let (from_user, from_display, to_user, source, call_id) = told.unwrap();
    assert_eq!((from_user.as_str(), to_user.as_str(), source), ("+15550001111", "+15551234567", sip(1)));
    assert_eq!(from_display.as_deref(), Some("Ann \"A\" Other"));
    wire.command(0, 0, Command::Answer { leg, learn: false });
    let dialog = wire.events.iter().find_map(|(host, event)| match event {
        Event::Answered { dialog, .. } if *host == 0 => Some(dialog.clone()),
        _ => None,
    });
    let dialog = dialog.unwrap();
    assert_eq!(dialog.call_id, call_id);
    // The record alone ends the call from a shard that knows nothing of it, as after a crash.
    let fresh = Wire::new(&[1]).hosts.remove(0).remove(0);
    wire.hosts[0][0] = fresh;
    wire.command(0, 0, Command::EndOrphan { dialog });
    wire.run(Duration::from_ms(100));
    let ended = wire.events.iter().any(|(_, event)| matches!(event, Event::OrphanEnded { code: Some(200), .. }));
    assert!(ended);
    assert_eq!(caused(&wire, 1), [(sip::Cause::BYE, sip::Whose::Peer, true)]);
    all_gone(&mut wire);
}

#[test]
fn a_caller_who_gives_up_before_the_answer_ends_the_leg() {
    let (mut wire, leg) = called();
    wire.command(0, 0, Command::Ring { leg, early_media: true });
    wire.command(0, 0, Command::Echo { leg, on: true });
    wire.run(Duration::from_secs(1));
    wire.command(1, 0, Command::Hangup { leg: LegId(1), reason: "tired" });
    assert_eq!(caused(&wire, 0), [(sip::Cause::CALLER_GAVE_UP, sip::Whose::Peer, false)]);
    // The answer comes too late and does nothing.
    wire.command(0, 0, Command::Answer { leg, learn: false });
    all_gone(&mut wire);
}

#[test]
fn a_late_ack_still_brings_the_call_up() {
    let (mut wire, leg) = called();
    wire.mute_sip_from = Some(1);
    wire.command(0, 0, Command::Answer { leg, learn: false });
    wire.command(0, 0, Command::Echo { leg, on: true });
    wire.command(1, 0, Command::Tap { leg: LegId(1), on: true });
    wire.command(1, 0, Command::Play { leg: LegId(1), play: base::PlayId(0), prompt: ladder(40), repeat: true });
    wire.run(Duration::from_secs(3));
    let up =
        |wire: &Wire| wire.events.iter().any(|(host, event)| *host == 0 && matches!(event, Event::Answered { .. }));
    assert!(!up(&wire));
    wire.mute_sip_from = None;
    wire.run(Duration::from_secs(3));
    assert!(up(&wire), "the repeated 200 brought the ACK");
    assert!(heard(&wire, 1).iter().any(|byte| *byte != Law::Mu.silence()), "the echo began with the call");
    wire.command(0, 0, Command::Hangup { leg, reason: "done" });
    all_gone(&mut wire);
}

/// RFC 3261 §13.3.1.4.
#[test]
fn a_caller_who_never_acknowledges_is_ended() {
    let (mut wire, leg) = called();
    wire.mute_sip_from = Some(1);
    wire.command(0, 0, Command::Answer { leg, learn: false });
    wire.run(Duration::from_secs(31));
    assert!(caused(&wire, 0).is_empty());
    wire.run(Duration::from_secs(2));
    assert_eq!(caused(&wire, 0), [(sip::Cause::NO_ACK, sip::Whose::Network, false)]);
    all_gone(&mut wire);
}

#[test]
fn a_re_invite_of_the_caller_keeps_the_echo_on_its_timeline() {
    let (mut wire, leg) = called();
    wire.command(0, 0, Command::Answer { leg, learn: false });
    wire.command(0, 0, Command::Echo { leg, on: true });
    wire.command(1, 0, Command::Tap { leg: LegId(1), on: true });
    wire.command(1, 0, Command::Play { leg: LegId(1), play: base::PlayId(0), prompt: ladder(40), repeat: true });
    wire.run(Duration::from_secs(1));
    wire.command(1, 0, Command::Hold { leg: LegId(1), on: true });
    wire.run(Duration::from_secs(1));
    wire.command(1, 0, Command::Hold { leg: LegId(1), on: false });
    wire.run(Duration::from_ms(500));
    wire.events.retain(|(_, event)| !matches!(event, Event::Audio { .. }));
    wire.run(Duration::from_secs(1));
    let loud = heard(&wire, 1).iter().filter(|byte| **byte != Law::Mu.silence()).count();
    assert!(loud >= 45, "{loud} of 50 frames");
    wire.command(1, 0, Command::Hangup { leg: LegId(1), reason: "done" });
    all_gone(&mut wire);
    let stats = wire.events.iter().find_map(|(host, event)| match event {
        Event::Ended { media, .. } if *host == 1 => *media,
        _ => None,
    });
    assert_eq!(stats.unwrap().restarts, 0);
}

/// The caller's SDP names one address, its packets come from another: behind a NAT.
#[test]
fn media_from_behind_a_nat_is_learned_only_where_asked() {
    for learn in [false, true] {
        let (mut wire, leg) = called();
        wire.natted = Some((1, SocketAddr::from(([203, 0, 113, 5], 41_000)), 0));
        wire.command(0, 0, Command::Answer { leg, learn });
        wire.command(0, 0, Command::Echo { leg, on: true });
        wire.command(1, 0, Command::Tap { leg: LegId(1), on: true });
        wire.command(1, 0, Command::Play { leg: LegId(1), play: base::PlayId(0), prompt: ladder(40), repeat: true });
        wire.run(Duration::from_secs(2));
        let loud = heard(&wire, 1).iter().filter(|byte| **byte != Law::Mu.silence()).count();
        assert_eq!(loud > 80, learn, "{loud}");
        wire.command(0, 0, Command::Hangup { leg, reason: "done" });
        all_gone(&mut wire);
    }
}
