use super::*;
use base::Seed;

fn session(id: u64) -> RtpSession {
    RtpSession::new(&mut Seed::from_u64(3).stream("rtp", id))
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn at_ms(ms: u64) -> Instant {
    Instant::from_ns(1_000_000_000) + Duration::from_ms(ms)
}

/// One audio packet of a foreign sender.
fn packet(ssrc: u32, sequence: u16, timestamp: u32) -> Vec<u8> {
    let mut bytes = vec![0x11; HEADER_BYTES + 160];
    RtpHeader { payload_type: 0, marker: false, sequence, timestamp, ssrc }.write(&mut bytes);
    bytes
}

#[test]
fn the_timeline_never_breaks_whatever_feeds_it() {
    let mut session = session(0);
    let mut out = [0; 200];
    let mut sent = Vec::new();
    let mut keep = |length: usize, out: &[u8]| {
        let view = RtpView::parse(&out[..length]).expect("a packet");
        sent.push((view.ssrc(), view.sequence(), view.timestamp(), view.marker()));
    };
    for step in 0..10 {
        let event = TelephoneEvent { event: 1, end: false, volume: 10, duration: 160 };
        match step {
            0..=2 => keep(session.write_audio(0, &[0xFF; 160], 160, &mut out), &out),
            3 | 4 => session.skip(160),
            5 => keep(session.write_event(101, &event, true, &mut out), &out),
            6 => keep(session.write_event(101, &event, false, &mut out), &out),
            _ => keep(session.write_audio(8, &[0xD5; 160], 160, &mut out), &out),
        }
    }
    let (ssrc, first, start, _) = sent[0];
    assert_eq!(ssrc, session.ssrc());
    let frames: Vec<u32> = sent.iter().map(|(_, _, timestamp, _)| timestamp.wrapping_sub(start) / 160).collect();
    assert_eq!(frames, [0, 1, 2, 5, 5, 7, 8, 9], "pauses pass, a digit holds its start, the frame count goes on");
    let markers: Vec<bool> = sent.iter().map(|packet| packet.3).collect();
    assert_eq!(markers, [true, false, false, true, false, true, false, false]);
    for (n, (other, sequence, ..)) in sent.iter().enumerate() {
        assert_eq!((*other, sequence.wrapping_sub(first)), (ssrc, n as u16), "no number is left out");
    }
    assert_eq!((session.stats().packets_sent, session.stats().octets_sent), (8, 6 * 160 + 2 * 4));
}

#[test]
fn a_buffer_too_small_sends_nothing_and_time_goes_on() {
    let mut session = session(0);
    let mut out = [0; 200];
    let view =
        |length: usize, out: &[u8; 200]| RtpView::parse(&out[..length]).map(|v| (v.sequence(), v.timestamp())).ok();
    let length = session.write_audio(0, &[0; 160], 160, &mut out);
    let before = view(length, &out).unwrap();
    assert_eq!(session.write_audio(0, &[0; 160], 160, &mut [0; 171]), 0);
    let length = session.write_audio(0, &[0; 160], 160, &mut out);
    let after = view(length, &out).unwrap();
    assert_eq!((after.0.wrapping_sub(before.0), after.1.wrapping_sub(before.1)), (1, 320));
}

#[test]
fn two_sessions_start_at_different_places() {
    let (mut a, mut b) = (session(1), session(2));
    assert_ne!(a.ssrc(), b.ssrc());
    let (mut first, mut second) = ([0; 12], [0; 12]);
    a.write_audio(0, &[], 160, &mut first);
    b.write_audio(0, &[], 160, &mut second);
    assert_ne!(first[2..8], second[2..8], "sequence and timestamp are random (RFC 3550 §5.1)");
}

#[test]
fn only_the_named_address_is_heard() {
    let mut session = session(0);
    let (named, stranger) = (address("10.0.0.1:4000"), address("10.0.0.1:4002"));
    assert_eq!(session.receive(at_ms(0), named, &packet(1, 1, 0)), Err(Drop::Source), "nobody is named yet");
    session.set_remote(named);
    for n in 0..20 {
        assert_eq!(session.receive(at_ms(0), stranger, &packet(2, n, 0)), Err(Drop::Source));
    }
    let bytes = packet(1, 1, 160);
    let received = session.receive(at_ms(0), named, &bytes).expect("the named one");
    assert_eq!((received.sequence, received.timestamp, received.ssrc), (1, 160, 1));
    assert_eq!((received.payload, received.payload_type, received.restarted), (&[0x11; 160][..], 0, false));
    assert_eq!(session.receive(at_ms(0), named, &[1, 2, 3]), Err(Drop::Malformed));
    assert_eq!(session.receive(at_ms(0), named, &[0x80, 200, 0, 6, 0, 0, 0, 0]), Err(Drop::Rtcp));
    let stats = session.stats();
    assert_eq!((stats.foreign, stats.malformed, stats.packets_received), (21, 1, 1));
    assert_eq!(session.remote(), Some(named));
}

#[test]
fn learning_moves_the_lock_once_and_never_again_without_signalling() {
    let (named, real, later) = (address("10.0.0.1:4000"), address("192.0.2.9:31000"), address("203.0.113.5:5"));
    let learning = || {
        let mut session = session(0);
        session.set_learn(true);
        session.set_remote(named);
        session
    };
    let mut session = learning();
    let taken: Vec<bool> =
        (0..7).map(|n| session.receive(at_ms(0), real, &packet(1, n, u32::from(n) * 160)).is_ok()).collect();
    assert_eq!(taken, [false, false, false, false, true, true, true]);
    assert_eq!(session.remote(), Some(real));
    for n in 0..20 {
        assert_eq!(session.receive(at_ms(0), later, &packet(5, n, 0)), Err(Drop::Source));
        assert_eq!(session.receive(at_ms(0), named, &packet(5, n, 0)), Err(Drop::Source));
    }
    // The named address spoke first: the window is shut.
    let mut session = learning();
    session.receive(at_ms(0), named, &packet(1, 1, 0)).expect("the named one");
    assert!((0..20).all(|n| session.receive(at_ms(0), real, &packet(1, n, 0)).is_err()));
    // Two strangers: neither is believed; a new address from signalling opens the window again.
    let mut session = learning();
    for n in 0..20 {
        assert!(session.receive(at_ms(0), if n % 2 == 0 { real } else { later }, &packet(1, n, 0)).is_err());
    }
    session.set_remote(later);
    assert!((0..5).any(|n| session.receive(at_ms(0), real, &packet(1, n, 0)).is_ok()));
    // Rubbish teaches nothing.
    let mut session = learning();
    assert!((0..20).all(|_| session.receive(at_ms(0), real, b"rubbish that is no RTP").is_err()));
    assert_eq!(session.remote(), Some(named));
}

#[test]
fn a_new_source_is_taken_at_its_second_packet_and_says_so() {
    let mut session = session(0);
    let named = address("10.0.0.1:4000");
    session.set_remote(named);
    session.receive(at_ms(0), named, &packet(1, 1, 0)).expect("taken");
    assert_eq!(session.receive(at_ms(20), named, &packet(2, 900, 5)), Err(Drop::Unconfirmed));
    let bytes = packet(2, 901, 165);
    let received = session.receive(at_ms(40), named, &bytes).expect("confirmed");
    assert!(received.restarted);
    let bytes = packet(2, 902, 325);
    assert!(!session.receive(at_ms(60), named, &bytes).expect("goes on").restarted);
    assert_eq!((session.stats().restarts, session.stats().unconfirmed), (1, 1));
}

/// Wall time of a moment: far from the monotonic clock on purpose.
fn wall(now: Instant) -> WallTime {
    WallTime::from_unix_us(1_772_000_000_000_000 + now.as_us() as i64)
}

#[test]
fn two_sessions_measure_each_other() {
    let (a_address, b_address) = (address("10.0.0.1:4000"), address("10.0.0.2:5000"));
    let (mut a, mut b) = (session(1), session(2));
    a.set_remote(b_address);
    b.set_remote(a_address);
    let mut out = [0; 300];
    // 500 frames from a to b, each tenth lost.
    for n in 0..500_u64 {
        let length = a.write_audio(0, &[0xFF; 160], 160, &mut out);
        if n % 10 != 5 {
            b.receive(at_ms(n * 20 + 30), a_address, &out[..length]).expect("taken");
        }
    }
    // a reports, 30 ms on the way; b answers 1,000 ms later, 45 ms on the way: a round trip of 75 ms.
    let length = a.write_report(at_ms(10_000), wall(at_ms(10_000)), &mut out);
    assert!(matches!(rtcp::parse(&out[..length]).unwrap()[..], [Item::SenderReport { .. }, Item::Cname { .. }]));
    assert_eq!(b.receive_rtcp(at_ms(10_030), address("10.0.0.1:4001"), &out[..length]), Ok(()));
    let length = b.write_report(at_ms(11_030), wall(at_ms(11_030)), &mut out);
    assert!(matches!(rtcp::parse(&out[..length]).unwrap()[0], Item::ReceiverReport { .. }), "b sends nothing");
    assert_eq!(a.receive_rtcp(at_ms(11_075), b_address, &out[..length]), Ok(()));
    let stats = a.stats();
    let rtt_ms = stats.rtt_ms.expect("a round trip");
    assert!((rtt_ms - 75.0).abs() < 0.1, "{rtt_ms}");
    assert_eq!(stats.remote_lost, 50);
    assert!((stats.remote_loss - 0.1).abs() < 0.01, "{}", stats.remote_loss);
    let heard = b.stats();
    assert_eq!((heard.packets_received, heard.lost, heard.jitter_ms), (450, 50, 0.0));
    assert!(heard.mos < 2.0, "ten percent of loss is bad: {}", heard.mos);
    assert!(a.stats().mos > 4.3, "a has heard nothing bad");
    // A second report without anything sent in between is an RR.
    let length = a.write_report(at_ms(15_000), wall(at_ms(15_000)), &mut out);
    assert!(matches!(rtcp::parse(&out[..length]).unwrap()[0], Item::ReceiverReport { .. }));
}

#[test]
fn the_sender_report_ties_wall_time_to_the_timeline() {
    let mut session = session(0);
    let mut out = [0; 300];
    let length = session.write_audio(0, &[0; 160], 160, &mut out);
    let sent_at = RtpView::parse(&out[..length]).unwrap().timestamp();
    let length = session.write_report(at_ms(0), WallTime::from_unix_us(1_500_000), &mut out);
    let items = rtcp::parse(&out[..length]).unwrap();
    let Item::SenderReport { ssrc, info, blocks } = &items[0] else { panic!("{items:?}") };
    assert_eq!((*ssrc, blocks.len()), (session.ssrc(), 0));
    // RFC 3550 §4: 1970 is 2,208,988,800 s after 1900; half a second is 2^31 / 2^32.
    assert_eq!(info.ntp, (2_208_988_801 << 32) | 0x8000_0000);
    assert_eq!((info.rtp_timestamp, info.packets, info.octets), (sent_at.wrapping_add(160), 1, 160));
    let Item::Cname { cname, .. } = &items[1] else { panic!("{items:?}") };
    assert_eq!(cname.len(), CNAME_LETTERS);
    let length = session.write_bye(&mut out);
    assert_eq!(rtcp::parse(&out[..length]).unwrap().last(), Some(&Item::Bye { ssrcs: vec![session.ssrc()] }));
    assert_eq!(session.write_report(at_ms(0), WallTime::default(), &mut [0; 8]), 0);
}

#[test]
fn rtcp_of_strangers_and_about_strangers_changes_nothing() {
    let mut session = session(0);
    session.set_remote(address("10.0.0.1:4000"));
    let block = ReportBlock {
        ssrc: session.ssrc().wrapping_add(1),
        fraction_lost: 200,
        cumulative_lost: 99,
        extended_highest_seq: 1,
        jitter: 800,
        last_sr: 0,
        delay_since_last_sr: 0,
    };
    let mut out = [0; 300];
    let length = rtcp::write_report(&mut out, None, 5, &[block], "x").unwrap();
    assert_eq!(session.receive_rtcp(at_ms(0), address("10.9.9.9:4001"), &out[..length]), Err(Drop::Source));
    assert_eq!(session.receive_rtcp(at_ms(0), address("10.0.0.1:4001"), &out[..length]), Ok(()));
    assert_eq!(session.receive_rtcp(at_ms(0), address("10.0.0.1:4001"), &out[..3]), Err(Drop::Malformed));
    let stats = session.stats();
    assert_eq!((stats.remote_lost, stats.rtt_ms, stats.foreign, stats.malformed), (0, None, 1, 1));
    // About us, but answering a report that we never sent: loss counts, a round trip is not made up.
    let ours = ReportBlock { ssrc: session.ssrc(), last_sr: 12_345, ..block };
    let length = rtcp::write_report(&mut out, None, 5, &[ours], "x").unwrap();
    session.receive_rtcp(at_ms(0), address("10.0.0.1:4001"), &out[..length]).expect("taken");
    let stats = session.stats();
    assert_eq!((stats.remote_lost, stats.rtt_ms, stats.remote_jitter_ms), (99, None, 100.0));
}

#[test]
fn report_times_are_spread_as_the_rfc_asks() {
    let mut out = [0; 300];
    let (mut low, mut high) = (Duration::MAX, Duration::ZERO);
    for id in 0..200 {
        let mut session = session(id);
        let first = session.next_report_at(at_ms(0)).since(at_ms(0));
        assert!(first >= Duration::from_ms(1_250) && first < Duration::from_ms(3_750), "{first:?}");
        session.write_report(at_ms(0), WallTime::default(), &mut out);
        let next = session.next_report_at(at_ms(0)).since(at_ms(0));
        (low, high) = (low.min(next), high.max(next));
    }
    assert!(low >= Duration::from_ms(2_500) && low < Duration::from_ms(2_800), "{low:?}");
    assert!(high < Duration::from_ms(7_500) && high > Duration::from_ms(7_200), "{high:?}");
}
