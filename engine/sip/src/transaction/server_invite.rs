//! INVITE server transaction: RFC 3261 §17.2.1, with Accepted and timer L of RFC 6026 §7.1.
//!
//! ```text
//!  Proceeding ──2xx──> Accepted ──L──> end           (the dialog repeats the 2xx, not the transaction)
//!      └────3xx-6xx──> Completed ──ACK──> Confirmed ──I──> end
//!                          └──H──> end
//! ```

use super::{Action, Actions, Input, Letter, Times};
use base::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Proceeding,
    Completed,
    Confirmed,
    Accepted,
}

#[derive(Debug)]
pub(crate) struct ServerInvite {
    state: State,
    /// Timer G's next wait.
    interval: Duration,
    /// Timer C: longest wait for the user's final response.
    answer_limit: Duration,
}

impl ServerInvite {
    pub(crate) fn new(times: &Times, answer_limit: Duration) -> Self {
        ServerInvite { state: State::Proceeding, interval: times.t1, answer_limit }
    }

    /// True until a final response was sent.
    pub(crate) fn is_open(&self) -> bool {
        self.state == State::Proceeding
    }

    pub(crate) fn handle(&mut self, times: &Times, input: Input, actions: &mut Actions) {
        match self.state {
            State::Proceeding => self.proceeding(times, input, actions),
            State::Completed => self.completed(times, input, actions),
            State::Confirmed => self.confirmed(input, actions),
            State::Accepted => self.accepted(input, actions),
        }
    }

    fn proceeding(&mut self, times: &Times, input: Input, actions: &mut Actions) {
        match input {
            Input::Start => actions.push(Action::Arm(Letter::C, self.answer_limit)),
            Input::Request | Input::Reply(100..=199) => actions.push(Action::Send),
            Input::Reply(200..=299) => {
                self.state = State::Accepted;
                actions.push(Action::Send);
                actions.push(Action::Arm(Letter::L, times.lifetime()));
            }
            Input::Reply(_) => {
                self.state = State::Completed;
                actions.push(Action::Send);
                actions.push(Action::Arm(Letter::G, self.interval));
                actions.push(Action::Arm(Letter::H, times.lifetime()));
            }
            // The owner answers with a final response of its own.
            Input::Timer(Letter::C) => actions.push(Action::TimedOut),
            _ => {}
        }
    }

    fn completed(&mut self, times: &Times, input: Input, actions: &mut Actions) {
        match input {
            Input::Request => actions.push(Action::Send),
            Input::Timer(Letter::G) => {
                self.interval = times.doubled(self.interval);
                actions.push(Action::Send);
                actions.push(Action::Arm(Letter::G, self.interval));
            }
            Input::Ack => {
                self.state = State::Confirmed;
                actions.push(Action::Quiet);
                actions.push(Action::Arm(Letter::I, times.t4));
            }
            // No ACK for a refusal: the peer is gone and so is the call, so there is nobody to tell.
            Input::Timer(Letter::H) => actions.push(Action::End),
            _ => {}
        }
    }

    fn confirmed(&mut self, input: Input, actions: &mut Actions) {
        if input == Input::Timer(Letter::I) {
            actions.push(Action::End);
        }
    }

    fn accepted(&mut self, input: Input, actions: &mut Actions) {
        // A repeated INVITE is absorbed here: the dialog's own repetition of the 2xx answers it.
        if input == Input::Timer(Letter::L) {
            actions.push(Action::End);
        }
    }
}
