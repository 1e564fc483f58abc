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
    /// How often the request may still be repeated, when that is limited.
    repeats: Option<usize>,
}

impl ClientOther {
    pub(crate) fn new(times: &Times) -> Self {
        ClientOther { state: State::Trying, interval: times.t1, repeats: None }
    }

    /// Repeats the request so many times at most: for one that whoever provoked it must provoke again.
    pub(crate) fn limited(times: &Times, repeats: usize) -> Self {
        ClientOther { repeats: Some(repeats), ..Self::new(times) }
    }

    /// True until a final response has come.
    pub(crate) fn is_unanswered(&self) -> bool {
        self.state != State::Completed
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
            Input::Timer(Letter::E) if self.may_repeat() => {
                self.interval = times.doubled(self.interval);
                actions.push(Action::Send);
                actions.push(Action::Arm(Letter::E, self.interval));
            }
            input => self.waiting(times, input, actions),
        }
    }

    fn proceeding(&mut self, times: &Times, input: Input, actions: &mut Actions) {
        match input {
            Input::Timer(Letter::E) if self.may_repeat() => {
                actions.push(Action::Send);
                actions.push(Action::Arm(Letter::E, times.t2));
            }
            input => self.waiting(times, input, actions),
        }
    }

    fn may_repeat(&mut self) -> bool {
        match &mut self.repeats {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
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
