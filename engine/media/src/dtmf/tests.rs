use super::*;
use base::Seed;
use wire::rtp::RtpView;

fn session() -> RtpSession {
    RtpSession::new(&mut Seed::from_u64(1).stream("dtmf", 0))
}

/// What one packet said: marker, timestamp, event.
type Sent = Option<(bool, u32, TelephoneEvent)>;

fn tick(sender: &mut DtmfSender, session: &mut RtpSession) -> Sent {
    let mut out = [0; 64];
    match sender.next_packet(session, 101, &mut out) {
        Some(length) => {
            let view = RtpView::parse(&out[..length]).unwrap();
            assert_eq!(view.payload_type(), 101);
            Some((view.marker(), view.timestamp(), TelephoneEvent::parse(view.payload()).unwrap()))
        }
        None => {
            session.skip(FRAME_SAMPLES as u32);
            None
        }
    }
}

#[test]
fn a_digit_is_sent_as_the_rfc_says() {
    let (mut sender, mut session) = (DtmfSender::new(), session());
    assert!(sender.is_idle());
    assert_eq!(tick(&mut sender, &mut session), None);
    assert!(sender.push('5'));
    let sent: Vec<_> = (0..8).map(|_| tick(&mut sender, &mut session)).collect();
    let packets: Vec<_> = sent.iter().flatten().collect();
    assert_eq!(packets.len(), 7);
    let durations: Vec<u16> = packets.iter().map(|(_, _, event)| event.duration).collect();
    assert_eq!(durations, [160, 320, 480, 640, 800, 800, 800]);
    assert_eq!(packets.iter().map(|(_, _, event)| event.end).collect::<Vec<_>>()[3..], [false, true, true, true]);
    assert!(packets.iter().all(|(_, timestamp, event)| *timestamp == packets[0].1 && event.event == 5));
    assert_eq!(packets.iter().filter(|(marker, ..)| *marker).count(), 1);
    assert!(packets[0].0, "the marker is on the first");
    assert!(sent[7].is_none() && sender.is_idle());
}

#[test]
fn digits_follow_with_a_pause_on_one_timeline_and_are_heard_once_each() {
    let (mut sender, mut session, mut receiver) = (DtmfSender::new(), session(), DtmfReceiver::new());
    let digits = "0123456789*#ABCD0";
    assert!(digits.chars().all(|digit| sender.push(digit)));
    let (mut heard, mut starts, mut ticks) = (String::new(), Vec::new(), 0);
    while !sender.is_idle() {
        ticks += 1;
        let mut out = [0; 64];
        match sender.next_packet(&mut session, 101, &mut out) {
            Some(length) => {
                let view = RtpView::parse(&out[..length]).unwrap();
                if view.marker() {
                    starts.push(view.timestamp());
                }
                heard.extend(receiver.push(view.timestamp(), view.payload()));
            }
            None => session.skip(FRAME_SAMPLES as u32),
        }
    }
    assert_eq!(heard, digits);
    assert_eq!(ticks, digits.len() * 8);
    assert!(starts.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == 8 * 160));
}

#[test]
fn wrong_digits_and_too_many_are_refused() {
    let mut sender = DtmfSender::new();
    assert!(!sender.push('x') && !sender.push('é'));
    assert_eq!((0..100).filter(|_| sender.push('1')).count(), DIGITS_MAX);
    let mut session = session();
    tick(&mut sender, &mut session);
    sender.clear();
    let rest = (0..20).filter(|_| tick(&mut sender, &mut session).is_some()).count();
    assert_eq!(rest, 6, "the digit under way is finished, the others are gone");
}

/// Payload of one report.
fn report(event: u8, end: bool, duration: u16) -> [u8; 4] {
    let mut payload = [0; 4];
    TelephoneEvent { event, end, volume: 10, duration }.write(&mut payload);
    payload
}

/// Timestamp, event, end, duration; and the digits that must be heard.
type Case = (&'static str, &'static [(u32, u8, bool, u16)], &'static str);

const CASES: &[Case] = &[
    ("one press", &[(100, 1, false, 160), (100, 1, false, 320), (100, 1, true, 480), (100, 1, true, 480)], "1"),
    ("first packets lost", &[(100, 2, false, 480), (100, 2, true, 640)], "2"),
    ("only an end came", &[(100, 3, true, 800)], "3"),
    ("the same digit twice", &[(100, 4, true, 800), (2_000, 4, false, 160), (2_000, 4, true, 800)], "44"),
    ("ends lost between", &[(100, 5, false, 160), (2_000, 6, false, 160), (2_000, 6, true, 800)], "56"),
    ("same digit, ends lost", &[(100, 7, false, 640), (2_000, 7, false, 160)], "77"),
    (
        "overtaken end",
        &[(100, 8, false, 160), (2_000, 9, false, 160), (100, 8, true, 800), (2_000, 9, true, 800)],
        "89",
    ),
    (
        "long press in segments",
        &[(0, 1, false, 160), (0, 1, false, 65_535), (65_535, 1, false, 160), (65_535, 1, true, 900)],
        "1",
    ),
    (
        "timestamp wrongly moves",
        &[(0, 2, false, 160), (160, 2, false, 320), (320, 2, false, 480), (480, 2, true, 640)],
        "2",
    ),
    ("timestamps wrap", &[(u32::MAX - 10, 3, true, 800), (1_500, 3, true, 800)], "33"),
    ("a new timeline", &[(1_000_000, 4, true, 800), (10, 5, true, 800)], "45"),
    ("flash is no digit", &[(100, 16, true, 800), (3_000, 11, true, 800)], "#"),
];

#[test]
fn table_of_presses() {
    for (name, reports, expected) in CASES {
        let mut receiver = DtmfReceiver::new();
        let heard: String = reports
            .iter()
            .filter_map(|(timestamp, event, end, duration)| receiver.push(*timestamp, &report(*event, *end, *duration)))
            .collect();
        assert_eq!(heard, *expected, "{name}");
    }
    assert_eq!(DtmfReceiver::new().push(0, &[1, 2]), None, "a broken payload");
}

#[test]
fn audio_goes_on_after_digits_with_a_marker() {
    let (mut sender, mut session) = (DtmfSender::new(), session());
    let mut out = [0; 200];
    let mut write = |session: &mut RtpSession| {
        let length = session.write_audio(0, &[0xFF; 160], 160, &mut out);
        let view = RtpView::parse(&out[..length]).unwrap();
        (view.marker(), view.timestamp(), view.sequence())
    };
    let before = write(&mut session);
    sender.push('1');
    let events = (0..8).filter(|_| tick(&mut sender, &mut session).is_some()).count() as u16;
    let after = write(&mut session);
    assert!(after.0, "a talkspurt begins again");
    assert_eq!(after.1.wrapping_sub(before.1), 9 * 160);
    assert_eq!(after.2.wrapping_sub(before.2), events + 1);
}
