//! The machines by themselves, letter by letter.

use super::*;

const TIMES: Times = Times { t1: Duration::from_ms(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) };
const LIFE: Duration = Duration::from_secs(32);
const GUARD: Duration = Duration::from_secs(200);

fn feed(machine: &mut Machine, input: Input) -> Vec<Action> {
    machine.handle(&TIMES, input).iter().collect()
}

/// The waits that a repeating timer asks for when it fires again and again.
fn waits(machine: &mut Machine, letter: Letter, count: usize) -> Vec<u64> {
    let fire = |_| {
        let actions = feed(machine, Input::Timer(letter));
        assert_eq!(actions[0], Action::Send);
        match actions[1] {
            Action::Arm(armed, after) if armed == letter => after.as_ms(),
            other => panic!("{other:?}"),
        }
    };
    (0..count).map(fire).collect()
}

#[test]
fn invite_client_walks() {
    let new = || Machine::ClientInvite(ClientInvite::new(&TIMES, GUARD));
    let start = [Action::Send, Action::Arm(Letter::A, TIMES.t1), Action::Arm(Letter::B, LIFE)];
    let mut machine = new();
    assert_eq!(feed(&mut machine, Input::Start), start);
    assert_eq!(waits(&mut machine, Letter::A, 4), [1_000, 2_000, 4_000, 8_000], "no T2 cap");
    assert_eq!(feed(&mut machine, Input::Timer(Letter::B)), [Action::TimedOut, Action::End]);

    let mut machine = new();
    feed(&mut machine, Input::Start);
    let first = [Action::Quiet, Action::Arm(Letter::C, GUARD), Action::Deliver];
    assert_eq!(feed(&mut machine, Input::Response(180)), first);
    assert_eq!(feed(&mut machine, Input::Response(183)), [Action::Deliver], "timer C is not extended");
    assert_eq!(feed(&mut machine, Input::Timer(Letter::B)), [], "B belongs to Calling");
    assert_eq!(feed(&mut machine, Input::Response(200)), [Action::Arm(Letter::M, LIFE), Action::Deliver]);
    assert_eq!(feed(&mut machine, Input::Response(200)), [Action::Deliver]);
    assert_eq!(feed(&mut machine, Input::Response(486)), []);
    assert_eq!(feed(&mut machine, Input::Timer(Letter::M)), [Action::End]);

    let mut machine = new();
    feed(&mut machine, Input::Start);
    let refused = [Action::Quiet, Action::SendAck, Action::Arm(Letter::D, LIFE), Action::Deliver];
    assert_eq!(feed(&mut machine, Input::Response(486)), refused);
    assert_eq!(feed(&mut machine, Input::Response(486)), [Action::SendAck]);
    assert_eq!(feed(&mut machine, Input::Response(180)), []);
    assert_eq!(feed(&mut machine, Input::Timer(Letter::D)), [Action::End]);

    let mut machine = new();
    feed(&mut machine, Input::Start);
    feed(&mut machine, Input::Response(100));
    assert_eq!(feed(&mut machine, Input::Timer(Letter::C)), [Action::TimedOut, Action::End]);
}

#[test]
fn other_client_walks() {
    let mut machine = Machine::ClientOther(ClientOther::new(&TIMES));
    let start = [Action::Send, Action::Arm(Letter::E, TIMES.t1), Action::Arm(Letter::F, LIFE)];
    assert_eq!(feed(&mut machine, Input::Start), start);
    assert_eq!(waits(&mut machine, Letter::E, 5), [1_000, 2_000, 4_000, 4_000, 4_000], "up to T2");
    assert_eq!(feed(&mut machine, Input::Timer(Letter::F)), [Action::TimedOut, Action::End]);

    let mut machine = Machine::ClientOther(ClientOther::new(&TIMES));
    feed(&mut machine, Input::Start);
    assert_eq!(feed(&mut machine, Input::Response(100)), [Action::Deliver]);
    assert_eq!(waits(&mut machine, Letter::E, 2), [4_000, 4_000], "T2 at once in Proceeding");
    let done = [Action::Quiet, Action::Arm(Letter::K, TIMES.t4), Action::Deliver];
    assert_eq!(feed(&mut machine, Input::Response(200)), done);
    assert_eq!(feed(&mut machine, Input::Response(200)), []);
    assert_eq!(feed(&mut machine, Input::Timer(Letter::K)), [Action::End]);
}

#[test]
fn invite_server_walks() {
    let new = || Machine::ServerInvite(ServerInvite::new(&TIMES, GUARD));
    let mut machine = new();
    assert_eq!(feed(&mut machine, Input::Start), [Action::Arm(Letter::C, GUARD)]);
    assert_eq!(feed(&mut machine, Input::Reply(100)), [Action::Send]);
    assert_eq!(feed(&mut machine, Input::Request), [Action::Send]);
    assert_eq!(feed(&mut machine, Input::Timer(Letter::C)), [Action::TimedOut]);
    let refused = [Action::Send, Action::Arm(Letter::G, TIMES.t1), Action::Arm(Letter::H, LIFE)];
    assert_eq!(feed(&mut machine, Input::Reply(486)), refused);
    assert_eq!(waits(&mut machine, Letter::G, 4), [1_000, 2_000, 4_000, 4_000]);
    assert_eq!(feed(&mut machine, Input::Request), [Action::Send]);
    assert_eq!(feed(&mut machine, Input::Reply(200)), [], "one final response only");
    assert_eq!(feed(&mut machine, Input::Ack), [Action::Quiet, Action::Arm(Letter::I, TIMES.t4)]);
    assert_eq!(feed(&mut machine, Input::Request), []);
    assert_eq!(feed(&mut machine, Input::Ack), []);
    assert_eq!(feed(&mut machine, Input::Timer(Letter::I)), [Action::End]);

    let mut machine = new();
    feed(&mut machine, Input::Start);
    feed(&mut machine, Input::Reply(486));
    assert_eq!(feed(&mut machine, Input::Timer(Letter::H)), [Action::End]);

    let mut machine = new();
    feed(&mut machine, Input::Start);
    assert_eq!(feed(&mut machine, Input::Reply(200)), [Action::Send, Action::Arm(Letter::L, LIFE)]);
    assert_eq!(feed(&mut machine, Input::Request), [], "RFC 6026: absorbed, the dialog repeats its 2xx");
    assert_eq!(feed(&mut machine, Input::Ack), []);
    assert_eq!(feed(&mut machine, Input::Timer(Letter::L)), [Action::End]);
}

#[test]
fn other_server_walks() {
    let mut machine = Machine::ServerOther(ServerOther::new());
    assert_eq!(feed(&mut machine, Input::Request), []);
    assert_eq!(feed(&mut machine, Input::Reply(200)), [Action::Send, Action::Arm(Letter::J, LIFE)]);
    assert_eq!(feed(&mut machine, Input::Request), [Action::Send]);
    assert_eq!(feed(&mut machine, Input::Reply(500)), []);
    assert_eq!(feed(&mut machine, Input::Timer(Letter::J)), [Action::End]);
}
