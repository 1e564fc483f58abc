//! baresip as an agent's telephone on a nailed-up leg, alone and joined to customers played by SIPp.

use base::{CallId, LegId, ShardId};
use call::{Command, Event};
use codecs::g711::Law;
use sip::{Cause, Whose};
use tests::baresip::{PAUSE, Telephone};
use tests::board::Board;
use tests::sipp::Sipp;
use tests::voices::{assert_heard, assert_not_heard, voices};

const AGENT: LegId = LegId(1);

#[test]
fn the_agent_hears_the_prompt_and_is_heard() {
    let zero = ShardId(0);
    let mut board = Board::start(1, 11);
    let (prompt, speech) = (&voices().customer, &voices().agent);
    let telephone = Telephone::start(&speech.samples);
    board.call(zero, AGENT, telephone.peer().sip_addr(), Law::Mu);
    board.play(zero, AGENT, prompt);
    board.play_ended(AGENT);
    // Two rounds of the agent's speech hold one that is whole.
    board.listen(AGENT, (speech.duration() + PAUSE) * 2);
    let end = board.hang_up(zero, AGENT);
    assert!(end.answered);
    assert_eq!(end.cause, Cause::new(None, Cause::HANGUP, Whose::Us));
    let media = end.media.expect("an answered leg has media");
    assert_eq!((media.foreign, media.malformed), (0, 0), "{media:?}");
    assert_heard("agent's ear", prompt, &telephone.heard());
    assert_heard("tap on the agent", speech, board.heard(AGENT));
    assert_not_heard("tap on the agent", prompt, board.heard(AGENT));
    board.close();
}

/// The walk of a predictive dialer: one agent's leg stays up, customers come and go, and the two legs of a call live on
/// different shards. One customer speaks, so the agent's own recording must hold that speech; the next one echoes, so the
/// agent's speech must come back through the bridge from the customer's end.
#[test]
fn customers_on_another_shard_are_joined_to_the_agent_in_turn() {
    let (ours, theirs) = (ShardId(0), ShardId(1));
    let (first, second) = (LegId(2), LegId(3));
    let mut board = Board::start(2, 12);
    let (customer, agent) = (&voices().customer, &voices().agent);
    let telephone = Telephone::start(&agent.samples);
    // The agent's leg speaks the other law, so the bridge has to convert, too.
    board.call(ours, AGENT, telephone.peer().sip_addr(), Law::A);

    // Two rounds hold one that is whole, wherever the bridge begins.
    let pause_ms = 2 * customer.duration().as_ms() as u32 + 1_000;
    let speaker = Sipp { pause_ms, speech: &customer.samples, ..Sipp::called("uas_speaks") }.start();
    board.call(theirs, first, speaker.sip_addr(), Law::Mu);
    join(&mut board, CallId(1), (ours, AGENT), (theirs, first));
    // It hangs up after its speech; the agent's leg stays.
    assert_eq!(board.ended(first).cause, Cause::new(None, Cause::BYE, Whose::Peer));
    speaker.succeeds();
    board.order(ours, Command::Unbridge { leg: AGENT });

    let echo = Sipp::called("uas_echoes").start();
    board.call(theirs, second, echo.sip_addr(), Law::Mu);
    join(&mut board, CallId(2), (ours, AGENT), (theirs, second));
    // Two rounds of the agent's speech hold one that is whole.
    let rounds = (agent.duration() + PAUSE) * 2;
    board.listen(second, rounds);
    board.hang_up(theirs, second);
    echo.succeeds();
    assert_heard("tap on the customer who echoes", agent, board.heard(second));
    assert_not_heard("tap on the customer who echoes", customer, board.heard(second));

    let end = board.hang_up(ours, AGENT);
    assert_eq!(end.cause, Cause::new(None, Cause::HANGUP, Whose::Us));
    let heard = telephone.heard();
    assert_heard("agent's ear, the first customer", customer, &heard);
    assert_heard("agent's ear, the echo of the second", agent, &heard);
    let counters = board.close().counters();
    assert!(counters.peer_frames_sent > 0, "the legs were on different shards: {counters:?}");
}

/// Joins two legs and waits until each has the other's audio on its way.
fn join(board: &mut Board, call: CallId, one: (ShardId, LegId), other: (ShardId, LegId)) {
    for ((shard, leg), (with_shard, with)) in [(one, other), (other, one)] {
        board.order(shard, Command::Bridge { call, leg, with, with_shard });
    }
    for wanted in [one.1, other.1] {
        board.wait("audio of the partner", |_, event| {
            matches!(event, Event::BridgeAudio { leg, .. } if *leg == wanted).then_some(())
        });
    }
}
