//! INVITE client transaction: RFC 3261 §17.1.1, with Accepted and timer M of RFC 6026 §7.2.
//!
//! ```text
//!  Calling ──1xx──> Proceeding ──2xx──> Accepted ──M──> end
//!     │  └───────2xx──────┼───────────────┘
//!     └────3xx-6xx────────┴──> Completed ──D──> end
//! ```

use super::{Action, Actions, Input, Letter, Times};
use base::Duration;

/// Timer D: "at least 32 seconds for unreliable transports", whatever T1 is.
const D: Duration = Duration::from_secs(32);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Calling,
    Proceeding,
    Completed,
    Accepted,
}

#[derive(Debug)]
pub(crate) struct ClientInvite {
    state: State,
    /// Timer A's next wait.
    interval: Duration,
    /// Timer C: longest wait for a final response after the first provisional one.
    proceeding_limit: Duration,
}

impl ClientInvite {
    pub(crate) fn new(times: &Times, proceeding_limit: Duration) -> Self {
        ClientInvite { state: State::Calling, interval: times.t1, proceeding_limit }
    }

    /// True until a final response has come.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Calling | State::Proceeding)
    }

    pub(crate) fn handle(&mut self, times: &Times, input: Input, actions: &mut Actions) {
        match self.state {
            State::Calling => self.calling(times, input, actions),
            State::Proceeding => self.proceeding(times, input, actions),
            State::Completed => self.completed(input, actions),
            State::Accepted => self.accepted(input, actions),
        }
    }

    fn calling(&mut self, times: &Times, input: Input, actions: &mut Actions) {
        match input {
            Input::Start => {
                actions.push(Action::Send);
                actions.push(Action::Arm(Letter::A, self.interval));
                actions.push(Action::Arm(Letter::B, times.lifetime()));
            }
            Input::Timer(Letter::A) => {
                actions.push(Action::Send);
                // §17.1.1.2: doubles without the T2 cap; timer B ends it after seven sendings.
                self.interval = self.interval * 2;
                actions.push(Action::Arm(Letter::A, self.interval));
            }
            Input::Timer(Letter::B) => {
                actions.push(Action::TimedOut);
                actions.push(Action::End);
            }
            Input::Response(code) => {
                actions.push(Action::Quiet);
                self.response(times, code, actions);
            }
            _ => {}
        }
    }

    fn proceeding(&mut self, times: &Times, input: Input, actions: &mut Actions) {
        match input {
            Input::Response(code) => self.response(times, code, actions),
            Input::Timer(Letter::C) => {
                actions.push(Action::TimedOut);
                actions.push(Action::End);
            }
            _ => {}
        }
    }

    fn response(&mut self, times: &Times, code: u16, actions: &mut Actions) {
        match code {
            100..=199 => {
                if self.state == State::Calling {
                    self.state = State::Proceeding;
                    actions.push(Action::Arm(Letter::C, self.proceeding_limit));
                }
            }
            200..=299 => {
                self.state = State::Accepted;
                actions.push(Action::Arm(Letter::M, times.lifetime()));
            }
            _ => {
                self.state = State::Completed;
                actions.push(Action::SendAck);
                actions.push(Action::Arm(Letter::D, D));
            }
        }
        actions.push(Action::Deliver);
    }

    fn completed(&mut self, input: Input, actions: &mut Actions) {
        match input {
            // The server repeats its final response until it hears the ACK.
            Input::Response(300..=699) => actions.push(Action::SendAck),
            Input::Timer(Letter::D) => actions.push(Action::End),
            _ => {}
        }
    }

    fn accepted(&mut self, input: Input, actions: &mut Actions) {
        match input {
            // A repeated 2xx, or another branch of a fork: the owner tells them apart by the To tag.
            Input::Response(200..=299) => actions.push(Action::Deliver),
            Input::Timer(Letter::M) => actions.push(Action::End),
            _ => {}
        }
    }
}
