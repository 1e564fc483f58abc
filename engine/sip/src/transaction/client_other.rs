//! Non-INVITE client transaction: RFC 3261 §17.1.2.
//!
//! ```text
//!  Trying ──1xx──> Proceeding ──200-699──> Completed ──K──> end
//!     └────────────200-699───────────────────┘
//! ```

use super::{Action, Actions, Input, Letter, Times};
use base::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Trying,
    Proceeding,
    Completed,
}

#[derive(Debug)]
pub(crate) struct ClientOther {
    state: State,
    /// Timer E's next wait.
    interval: Duration,
}

impl ClientOther {
    pub(crate) fn new(times: &Times) -> Self {
        ClientOther { state: State::Trying, interval: times.t1 }
    }

    pub(crate) fn handle(&mut self, times: &Times, input: Input, actions: &mut Actions) {
        match self.state {
            State::Trying => self.trying(times, input, actions),
            State::Proceeding => self.proceeding(times, input, actions),
            State::Completed => self.completed(input, actions),
        }
    }

    fn trying(&mut self, times: &Times, input: Input, actions: &mut Actions) {
        match input {
            Input::Start => {
                actions.push(Action::Send);
                actions.push(Action::Arm(Letter::E, self.interval));
                actions.push(Action::Arm(Letter::F, times.lifetime()));
            }
            Input::Timer(Letter::E) => {
                self.interval = times.doubled(self.interval);
                actions.push(Action::Send);
                actions.push(Action::Arm(Letter::E, self.interval));
            }
            input => self.waiting(times, input, actions),
        }
    }

    fn proceeding(&mut self, times: &Times, input: Input, actions: &mut Actions) {
        match input {
            Input::Timer(Letter::E) => {
                actions.push(Action::Send);
                actions.push(Action::Arm(Letter::E, times.t2));
            }
            input => self.waiting(times, input, actions),
        }
    }

    /// What Trying and Proceeding have in common.
    fn waiting(&mut self, times: &Times, input: Input, actions: &mut Actions) {
        match input {
            Input::Timer(Letter::F) => {
                actions.push(Action::TimedOut);
                actions.push(Action::End);
            }
            Input::Response(100..=199) => {
                self.state = State::Proceeding;
                actions.push(Action::Deliver);
            }
            Input::Response(_) => {
                self.state = State::Completed;
                actions.push(Action::Quiet);
                actions.push(Action::Arm(Letter::K, times.t4));
                actions.push(Action::Deliver);
            }
            _ => {}
        }
    }

    fn completed(&mut self, input: Input, actions: &mut Actions) {
        if input == Input::Timer(Letter::K) {
            actions.push(Action::End);
        }
    }
}
