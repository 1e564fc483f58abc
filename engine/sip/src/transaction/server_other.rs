//! Non-INVITE server transaction: RFC 3261 §17.2.2. This endpoint answers every such request at once and finally, so
//! the RFC's Proceeding is never entered.
//!
//! ```text
//!  Trying ──200-699──> Completed ──J──> end
//! ```

use super::{Action, Actions, Input, Letter, Times};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Trying,
    Completed,
}

#[derive(Debug)]
pub(crate) struct ServerOther {
    state: State,
}

impl ServerOther {
    pub(crate) fn new() -> Self {
        ServerOther { state: State::Trying }
    }

    pub(crate) fn handle(&mut self, times: &Times, input: Input, actions: &mut Actions) {
        match self.state {
            State::Trying => self.trying(times, input, actions),
            State::Completed => self.completed(input, actions),
        }
    }

    fn trying(&mut self, times: &Times, input: Input, actions: &mut Actions) {
        if let Input::Reply(200..=699) = input {
            self.state = State::Completed;
            actions.push(Action::Send);
            actions.push(Action::Arm(Letter::J, times.lifetime()));
        }
    }

    fn completed(&mut self, input: Input, actions: &mut Actions) {
        match input {
            Input::Request => actions.push(Action::Send),
            Input::Timer(Letter::J) => actions.push(Action::End),
            _ => {}
        }
    }
}
