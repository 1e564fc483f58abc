//! Calls to and from SIPp, with speech both ways, every kind of ending, and a load.

use base::{Duration, LegId, ShardId};
use call::Command;
use codecs::RATE_HZ;
use codecs::g711::Law;
use loadtest::speech::Clip;
use media::playout::Prompt;
use sip::{Cause, Whose};
use std::collections::BTreeMap;
use std::sync::Arc;
use tests::board::Board;
use tests::sipp::Sipp;
use tests::voices::{assert_heard, voices};

const ZERO: ShardId = ShardId(0);
const LEG: LegId = LegId(1);

/// Long enough for the way there and back, over a crowded machine, of the last packets of a prompt.
const TAIL: Duration = Duration::from_ms(500);

#[test]
fn a_called_party_hears_the_prompt_and_sends_it_back() {
    let mut board = Board::start(1, 1);
    let callee = Sipp::called("uas_echoes").start();
    board.call(ZERO, LEG, callee.sip_addr(), Law::Mu);
    board.play(ZERO, LEG, &voices().customer);
    board.play_ended(LEG);
    board.listen(LEG, TAIL);
    assert_heard("echo of the called party", &voices().customer, board.heard(LEG));

    let end = board.hang_up(ZERO, LEG);
    assert!(end.answered);
    assert_eq!(end.cause, Cause::new(None, Cause::HANGUP, Whose::Us));
    let media = end.media.expect("an answered leg has media");
    assert_eq!((media.foreign, media.malformed), (0, 0), "{media:?}");
    callee.succeeds();
    board.close();
}

#[test]
fn a_called_party_is_heard_and_hangs_up() {
    let mut board = Board::start(1, 2);
    let speech = &voices().customer;
    // Two rounds hold one that is whole, wherever the tap begins.
    let pause_ms = 2 * speech.duration().as_ms() as u32 + 500;
    let callee = Sipp { pause_ms, speech: &speech.samples, ..Sipp::called("uas_speaks") }.start();
    board.call(ZERO, LEG, callee.sip_addr(), Law::Mu);
    let end = board.ended(LEG);
    assert_heard("speech of the called party", speech, board.heard(LEG));
    assert!(end.answered);
    assert_eq!(end.cause, Cause::new(None, Cause::BYE, Whose::Peer));
    callee.succeeds();
    board.close();
}

#[test]
fn a_busy_party_and_a_full_carrier_are_told_apart() {
    let mut board = Board::start(1, 3);
    for (leg, scenario, code, retry_after_s) in
        [(LegId(1), "uas_busy", 486, None), (LegId(2), "uas_unavailable", 503, Some(7))]
    {
        let callee = Sipp::called(scenario).start();
        board.originate(ZERO, leg, callee.sip_addr(), Law::Mu, Duration::from_secs(30));
        let end = board.ended(leg);
        assert!(!end.answered && end.media.is_none(), "{end:?}");
        assert_eq!((end.cause.code, end.cause.whose), (Some(code), Whose::Peer), "{end:?}");
        assert_eq!(end.cause.retry_after_s, retry_after_s);
        callee.succeeds(); // it got the ACK
    }
    board.close();
}

#[test]
fn an_unanswered_call_is_cancelled_at_its_limit_and_on_demand() {
    let mut board = Board::start(1, 4);
    let callee = Sipp { calls: 2, ..Sipp::called("uas_never_answers") }.start();
    board.originate(ZERO, LegId(1), callee.sip_addr(), Law::Mu, Duration::from_secs(1));
    let end = board.ended(LegId(1));
    assert!(!end.answered);
    assert_eq!(end.cause, Cause::new(Some(408), Cause::NO_ANSWER, Whose::Us));

    board.originate(ZERO, LegId(2), callee.sip_addr(), Law::Mu, Duration::from_secs(60));
    board.wait("ringing", |_, event| {
        matches!(event, call::Event::Progress { leg: LegId(2), code: 180, early_media: false }).then_some(())
    });
    let end = board.hang_up(ZERO, LegId(2));
    assert!(!end.answered);
    assert_eq!((end.cause.code, end.cause.whose), (Some(487), Whose::Us), "{end:?}");
    callee.succeeds(); // two CANCELs, each with the ACK of its 487
    board.close();
}

#[test]
fn a_caller_hears_the_prompt_and_hangs_up() {
    let mut board = Board::start(1, 5);
    let speech = &voices().agent;
    // From the answer on: the prompt, its echo, and some seconds for a crowded machine.
    let pause_ms = speech.duration().as_ms() as u32 + 3_000;
    let caller = Sipp { pause_ms, ..Sipp::caller("uac_echoes", board.sip_addr()) }.start();
    let (shard, leg) = board.incoming();
    board.order(shard, Command::Ring { leg, early_media: false });
    board.order(shard, Command::Answer { leg, learn: false });
    board.answered(leg);
    board.order(shard, Command::Tap { leg, on: true });
    board.play(shard, leg, speech);
    let end = board.ended(leg);
    assert_heard("echo of the caller", speech, board.heard(leg));
    assert!(end.answered);
    assert_eq!(end.cause, Cause::new(None, Cause::BYE, Whose::Peer));
    caller.succeeds();
    board.close();
}

#[test]
fn a_caller_is_heard_and_hung_up_on() {
    let mut board = Board::start(2, 6);
    let speech = &voices().agent;
    let caller = Sipp { speech: &speech.samples, ..Sipp::caller("uac_speaks", board.sip_addr()) }.start();
    let (shard, leg) = board.incoming();
    board.order(shard, Command::Answer { leg, learn: false });
    board.answered(leg);
    board.order(shard, Command::Tap { leg, on: true });
    // Two rounds hold one that is whole, wherever the tap begins.
    board.listen(leg, speech.duration() * 2);
    let end = board.hang_up(shard, leg);
    assert_heard("speech of the caller", speech, board.heard(leg));
    assert_eq!(end.cause, Cause::new(None, Cause::HANGUP, Whose::Us));
    caller.succeeds();
    board.close();
}

/// 50 calls a second for 4 s, each up for 2 s: some 100 at a time. Every tenth is listened to. The prompt is a second of
/// speech over and over, so that one whole round of it comes back while the call is up.
#[test]
fn two_hundred_callers_at_fifty_a_second_leave_nothing_behind() {
    const CALLS: u32 = 200;
    let mut board = Board::start(2, 7);
    let second = &voices().agent.samples[..RATE_HZ as usize];
    let speech = Clip { prompt: Arc::new(Prompt::from_samples(second)), samples: second.into() };
    let caller =
        Sipp { calls: CALLS, rate: 50, pause_ms: 2_000, ..Sipp::caller("uac_echoes", board.sip_addr()) }.start();
    let mut tapped = BTreeMap::new();
    let (mut begun, mut ended) = (0_u32, 0);
    while ended < CALLS {
        let (shard, event) = board.wait("the next call", |shard, event| Some((shard, event.clone())));
        match event {
            call::Event::Incoming { leg, .. } => {
                board.order(shard, Command::Answer { leg, learn: false });
                begun += 1;
                if begun.is_multiple_of(10) {
                    board.order(shard, Command::Tap { leg, on: true });
                    tapped.insert(leg, shard);
                }
                let prompt = Arc::clone(&speech.prompt);
                board.order(shard, Command::Play { leg, play: base::PlayId(0), prompt, repeat: true });
            }
            call::Event::Ended { leg, cause, answered, media } => {
                assert!(answered, "leg {leg}: {cause:?}");
                assert_eq!(cause, Cause::new(None, Cause::BYE, Whose::Peer), "leg {leg}");
                let media = media.expect("an answered leg has media");
                let errors = (media.foreign, media.malformed, media.unconfirmed, media.restarts);
                assert_eq!(errors, (0, 0, 0, 0), "leg {leg}: {media:?}");
                assert!(media.packets_sent > 0 && media.packets_received > 0, "leg {leg}: {media:?}");
                ended += 1;
            }
            _ => {}
        }
    }
    assert_eq!(tapped.len() as u32, CALLS / 10);
    for leg in tapped.keys() {
        assert_heard("echo under load", &speech, board.heard(*leg));
    }
    caller.succeeds();
    let stats = board.close();
    println!("lateness µs {:?}", stats.send_lateness_us());
}
