//! Calls that come in from SIPp and go the ways of the inbound routes, and calls that outlive the engine that made them.

use base::{Duration, LegId, ShardId};
use call::{Command, Event};
use codecs::g711::Law;
use sip::{Cause, Whose};
use tests::baresip::{PAUSE, Telephone};
use tests::board::Board;
use tests::sipp::Sipp;
use tests::voices::{assert_heard, assert_not_heard, voices};

const ZERO: ShardId = ShardId(0);
const LEG: LegId = LegId(1);

#[test]
fn who_is_echoed_hears_himself() {
    let mut board = Board::start(1, 21);
    let speech = &voices().agent;
    let telephone = Telephone::start(&speech.samples);
    board.call(ZERO, LEG, telephone.peer().sip_addr(), Law::Mu);
    board.order(ZERO, Command::Echo { leg: LEG, on: true });
    // Two rounds of the speech hold one that is whole.
    board.listen(LEG, (speech.duration() + PAUSE) * 2);
    let media = board.hang_up(ZERO, LEG).media.expect("an answered leg has media");
    assert_eq!((media.foreign, media.malformed), (0, 0), "{media:?}");
    assert_heard("the telephone's ear", speech, &telephone.heard());
    assert_not_heard("the telephone's ear", &voices().customer, &telephone.heard());
    board.close();
}

#[test]
fn a_caller_is_echoed_until_he_hangs_up() {
    let mut board = Board::start(2, 22);
    let speech = &voices().agent;
    let caller = Sipp { speech: &speech.samples, ..Sipp::caller("uac_speaks", board.sip_addr()) }.start();
    let (shard, leg) = board.incoming();
    board.order(shard, Command::Answer { leg, learn: false });
    board.answered(leg);
    board.order(shard, Command::Echo { leg, on: true });
    board.order(shard, Command::Tap { leg, on: true });
    board.listen(leg, Duration::from_secs(2));
    let media = board.hang_up(shard, leg).media.expect("an answered leg has media");
    assert!(media.packets_sent >= 95 && media.packets_received >= 95, "{media:?}");
    caller.succeeds();
    board.close();
}

#[test]
fn a_refused_caller_acknowledges_the_refusal() {
    let mut board = Board::start(1, 23);
    let caller = Sipp::caller("uac_refused", board.sip_addr()).start();
    let (shard, leg) = board.incoming();
    board.order(shard, Command::Reject { leg, code: 486, retry_after_s: None });
    let end = board.ended(leg);
    assert_eq!((end.cause.code, end.cause.whose, end.answered), (Some(486), Whose::Us, false));
    caller.succeeds();
    board.close();
}

#[test]
fn a_caller_who_gives_up_while_it_rings_ends_the_leg() {
    let mut board = Board::start(1, 24);
    let caller = Sipp::caller("uac_gives_up", board.sip_addr()).start();
    let (shard, leg) = board.incoming();
    board.order(shard, Command::Ring { leg, early_media: false });
    let end = board.ended(leg);
    assert_eq!(end.cause, Cause::new(Some(487), Cause::CALLER_GAVE_UP, Whose::Peer));
    caller.succeeds();
    board.close();
}

#[test]
fn a_late_ack_brings_the_call_up() {
    let mut board = Board::start(1, 25);
    let caller = Sipp { pause_ms: 300, ..Sipp::caller("uac_acknowledges_late", board.sip_addr()) }.start();
    let (shard, leg) = board.incoming();
    board.order(shard, Command::Answer { leg, learn: false });
    board.order(shard, Command::Echo { leg, on: true });
    board.answered(leg);
    let end = board.ended(leg);
    assert_eq!((end.answered, end.cause.reason.as_str()), (true, Cause::BYE));
    caller.succeeds();
    board.close();
}

#[test]
fn a_caller_who_holds_and_comes_back_goes_on_hearing() {
    let mut board = Board::start(1, 26);
    let caller = Sipp { pause_ms: 1_500, ..Sipp::caller("uac_holds", board.sip_addr()) }.start();
    let (shard, leg) = board.incoming();
    board.order(shard, Command::Answer { leg, learn: false });
    board.answered(leg);
    board.order(shard, Command::Tap { leg, on: true });
    let prompt = voices().customer.prompt.clone();
    board.order(shard, Command::Play { leg, play: base::PlayId(0), prompt, repeat: true });
    let end = board.ended(leg);
    assert!(end.answered);
    let media = end.media.expect("an answered leg has media");
    // Three pauses of 1.5 s, in all of which we are heard: `sendonly` asks us to listen, and RFC 3264 §5.1 lets the
    // holder play to us; we send nothing then.
    assert!((125..=200).contains(&media.packets_sent), "{media:?}");
    assert_eq!(media.restarts, 0, "{media:?}");
    caller.succeeds();
    board.close();
}

#[test]
fn a_call_that_outlives_its_engine_is_ended_by_the_next_one() {
    let mut board = Board::start(2, 27);
    let callee = Sipp::called("uas_echoes").start();
    board.originate(ShardId(1), LEG, callee.sip_addr(), Law::Mu, Duration::from_secs(30));
    let dialog = board.wait("an answer", |_, event| match event {
        Event::Answered { dialog, .. } => Some(dialog.clone()),
        _ => None,
    });
    let sip = board.die();
    // The next one has another number of shards.
    let mut board = Board::start_at(sip, 3, 28);
    assert_eq!(board.end_orphan(dialog), Some(200));
    callee.succeeds();
    board.close();
}

#[test]
fn who_answers_when_the_engine_is_gone_gets_ack_and_bye_from_the_next_one() {
    let mut board = Board::start(2, 29);
    let callee = Sipp { pause_ms: 1_500, ..Sipp::called("uas_answers_late") }.start();
    board.originate(ShardId(1), LEG, callee.sip_addr(), Law::Mu, Duration::from_secs(30));
    board.wait("ringing", |_, event| matches!(event, Event::Progress { code: 180, .. }).then_some(()));
    let sip = board.die();
    let mut board = Board::start_at(sip, 1, 30);
    assert_eq!(board.orphan_ended(), Some(200));
    callee.succeeds();
    board.close();
}
