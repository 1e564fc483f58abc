//! What drives a node: told its shards' events, it answers with commands. The actors are controllers; so is the
//! product's control loop in a simulated world.

use base::{Duration, Instant, LegId, ShardId, TimerWheel};
use call::{Command, Event};
use std::any::Any;

/// A sans-IO controller over the shards of one node. One input, then drain `poll_command` until `None`.
pub trait Controller: Any {
    /// A fact of one of the node's shards.
    fn handle_event(&mut self, now: Instant, shard: ShardId, event: Event);
    /// Does what is due by `now`.
    fn handle_timeout(&mut self, now: Instant);
    /// When to call `handle_timeout`.
    fn poll_timeout(&self) -> Option<Instant>;
    /// The next command and the shard that it is for.
    fn poll_command(&mut self) -> Option<(ShardId, Command)>;
}

/// One wake-up a line, set lazily: a deadline that moves later costs nothing, the early wake-up only looks again.
#[derive(Default)]
pub(crate) struct Agenda {
    wheel: TimerWheel<LegId>,
}

impl Agenda {
    /// Wakes `leg` by `due`, unless an earlier wake-up is `armed` already.
    pub(crate) fn arm(&mut self, leg: LegId, armed: &mut Option<Instant>, due: Option<Instant>) {
        if let Some(due) = due
            && armed.is_none_or(|armed| due < armed)
        {
            self.wheel.insert(due, leg);
            *armed = Some(due);
        }
    }

    /// The next leg to wake. Its `armed` is to be cleared first.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<LegId> {
        self.wheel.pop_expired(now).map(|(_, leg)| leg)
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.wheel.poll_timeout()
    }
}

/// The earlier of two moments that may not be.
pub(crate) fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Quiet time after the other's last word before one speaks: the middle of the 0.2–0.6 s that people leave.
const TURN_GAP: Duration = Duration::from_ms(450);
/// Both silent for so long: one speaks again.
const LULL: Duration = Duration::from_secs(3);

/// Taking turns in a talk: says when to speak next, from what is heard.
pub(crate) struct Talker {
    speaking: bool,
    last_voice: Option<Instant>,
    not_before: Instant,
}

impl Talker {
    /// Somebody who speaks at `opens` unless the other speaks first.
    pub(crate) fn new(opens: Instant) -> Self {
        Talker { speaking: false, last_voice: None, not_before: opens }
    }

    /// The other's voice is heard.
    pub(crate) fn hear_voice(&mut self, at: Instant) {
        self.last_voice = Some(at);
    }

    /// When to speak if nothing else is heard; `None` while speaking.
    pub(crate) fn turn_at(&self) -> Option<Instant> {
        let answer = self.last_voice.map(|voice| voice + TURN_GAP);
        (!self.speaking).then(|| answer.unwrap_or(self.not_before))
    }

    /// The turn begins.
    pub(crate) fn speaks(&mut self) {
        self.speaking = true;
    }

    /// The turn is over.
    pub(crate) fn has_spoken(&mut self, now: Instant) {
        self.speaking = false;
        // What was heard meanwhile is answered when it ends; silence only after a lull.
        if self.last_voice.is_none_or(|voice| voice + TURN_GAP < now) {
            self.last_voice = None;
        }
        self.not_before = now + LULL;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Instant {
        Instant::ZERO + Duration::from_ms(ms)
    }

    #[test]
    fn turns_follow_the_other_voice_and_end_a_lull() {
        let mut talker = Talker::new(ms(300));
        assert_eq!(talker.turn_at(), Some(ms(300)));
        talker.hear_voice(ms(280));
        talker.hear_voice(ms(500));
        assert_eq!(talker.turn_at(), Some(ms(950)), "lets the other end");
        talker.speaks();
        assert_eq!(talker.turn_at(), None);
        talker.has_spoken(ms(3_000));
        assert_eq!(talker.turn_at(), Some(ms(6_000)), "a lull");
        talker.hear_voice(ms(4_000));
        assert_eq!(talker.turn_at(), Some(ms(4_450)));
        talker.speaks();
        talker.hear_voice(ms(5_900));
        talker.has_spoken(ms(6_000));
        assert_eq!(talker.turn_at(), Some(ms(6_350)), "answers what was said meanwhile");
    }

    #[test]
    fn the_agenda_wakes_once_for_the_earliest() {
        let mut agenda = Agenda::default();
        let mut armed = None;
        agenda.arm(LegId(1), &mut armed, Some(ms(10)));
        agenda.arm(LegId(1), &mut armed, Some(ms(20)));
        agenda.arm(LegId(1), &mut armed, None);
        assert_eq!((agenda.poll_timeout(), armed), (Some(ms(10)), Some(ms(10))));
        agenda.arm(LegId(1), &mut armed, Some(ms(5)));
        assert_eq!(agenda.pop(ms(5)), Some(LegId(1)));
        assert_eq!(agenda.pop(ms(9)), None);
        assert_eq!(agenda.pop(ms(10)), Some(LegId(1)));
        assert_eq!(agenda.pop(ms(100)), None);
    }
}
