//! What a call shows after its first verdict: the end of a machine's greeting, beeps, a person who picks up, fax and
//! network tones.
//!
//! ```text
//!  first verdict ──> machine, menu, assistant: greeting's end · beep · a turn that is a person's ──> Revision
//!                    silence: the first turn, judged like a call                               ──> Revision
//!                    person: a beep behind speech, for 10 s                                     ──> Revision
//!  rest of 600 ms ──> the ear begins anew, so that the net hears the next turn as it would hear an opening
//! ```
//!
//! **Invariants.** The first verdict stays what it is. Doubt is decided for the person only where nobody has spoken: after
//! a machine has spoken a person must be likely (`Tuning::again`), a rest alone says nothing, since machines rest too. At
//! most [`REVISIONS_MAX`] revisions a call, none after [`LISTEN_MAX_MS`] or after a person. A person who breaks into a
//! greeting without a rest before is not told.

use crate::decide::{Decider, HELD_MS, Look, Tuning, UTTERANCE_MS};
use crate::front::FRAME_MS;
use crate::{Decision, Revision, Sign, Verdict};
use codecs::tones::Signal;

/// Most revisions of one call: greeting's end and beep of a mailbox with several steps; the rest of the call is not ours.
pub const REVISIONS_MAX: u32 = 16;
/// Listening ends so long after the answer: longer than greetings and an assistant's patience together.
pub const LISTEN_MAX_MS: u32 = 120_000;
/// After a person's verdict: a beep comes within the first seconds, and who waits for an agent costs as little as can be.
const PERSON_LISTEN_MS: u32 = 10_000;
/// Rest that ends a turn: longer than between sentences that are read out.
const TURN_REST_MS: u32 = 600;
/// While nobody speaks the ear begins anew so often: the net knows openings that begin within a second of the answer.
const TURN_AGE_MS: u32 = 1_000;
/// Rest after which a greeting is over when no beep has come: longer than mailboxes wait with their beep.
const GREETING_REST_MS: u32 = 2_400;
/// The same of a screening assistant, which waits for an answer and beeps seldom.
const SCREENING_REST_MS: u32 = 1_000;
/// Speech after which a rest ends a greeting again.
const SPEAKS_ON_MS: u32 = 300;

/// Listens on.
#[derive(Clone, Debug)]
pub(crate) struct After {
    tuning: Tuning,
    verdict: Verdict,
    until_ms: u32,
    /// Speech of the whole call up to now.
    spoke_ms: u32,
    /// Speech since the last greeting's end or beep.
    fresh_ms: u32,
    rest_ms: u32,
    speech_end_ms: u32,
    /// Judges the turn at hand, until it has.
    turn: Option<Decider>,
    turned_ms: u32,
    told: u32,
    done: bool,
}

impl After {
    /// After the verdict that fell `at_ms` after the answer, with so much speech before it and rest since.
    pub(crate) fn new(verdict: Verdict, at_ms: u32, spoke_ms: u32, rest_ms: u32, tuning: Tuning) -> After {
        let until_ms = match verdict {
            Verdict::Fax | Verdict::Sit => 0,
            Verdict::Human => at_ms + PERSON_LISTEN_MS,
            _ => LISTEN_MAX_MS,
        };
        After {
            tuning,
            verdict,
            until_ms,
            spoke_ms,
            fresh_ms: spoke_ms,
            rest_ms,
            speech_end_ms: at_ms - rest_ms,
            turn: None,
            turned_ms: 0,
            told: 0,
            done: at_ms >= until_ms,
        }
    }

    /// True when nothing more will be told.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// The next 20 ms; true when the ear shall begin anew.
    pub(crate) fn look(&mut self, look: &Look, mut revised: impl FnMut(Revision)) -> bool {
        if self.done {
            return false;
        }
        if look.speech_ms > 0 && look.rest_ms == 0 {
            self.spoke_ms += FRAME_MS;
            self.fresh_ms += FRAME_MS;
            self.rest_ms = 0;
            self.speech_end_ms = look.at_ms;
        } else {
            self.rest_ms += FRAME_MS;
        }
        let known = look.recording.filter(|_| self.verdict == Verdict::Human).map(|known| {
            self.verdict = known.verdict;
            (Sign::Machine, look.speech_end_ms)
        });
        let found = known.or_else(|| self.tone(look)).or_else(|| self.turn(look)).or_else(|| self.greeting_end());
        if let Some((sign, since_ms)) = found {
            revised(Revision { sign, at_ms: look.at_ms, since_ms });
            self.told += 1;
            self.done = matches!(sign, Sign::Person | Sign::Fax | Sign::Sit(_));
        }
        self.done |= self.told == REVISIONS_MAX || look.at_ms >= self.until_ms;
        !self.done && self.begins_anew(look)
    }

    /// What a tone says, also one that was the verdict's reason.
    pub(crate) fn tone(&mut self, look: &Look) -> Option<(Sign, u32)> {
        let sign = match look.tone? {
            Signal::Sit(reason) => Sign::Sit(reason),
            tone if tone.is_fax() => Sign::Fax,
            Signal::Beep if self.spoke_ms >= self.tuning.speech_before_beep_ms => Sign::Beep,
            _ => return None,
        };
        self.fresh_ms = 0;
        Some((sign, look.tone_end_ms))
    }

    fn greeting_end(&mut self) -> Option<(Sign, u32)> {
        let rest_ms = match self.verdict {
            Verdict::Screening => SCREENING_REST_MS,
            Verdict::Machine | Verdict::Ivr => GREETING_REST_MS,
            _ => return None,
        };
        let over = self.rest_ms >= rest_ms && self.fresh_ms >= SPEAKS_ON_MS.min(self.spoke_ms);
        over.then(|| {
            self.fresh_ms = 0;
            (Sign::GreetingEnd, self.speech_end_ms.saturating_sub(HELD_MS))
        })
    }

    fn turn(&mut self, look: &Look) -> Option<(Sign, u32)> {
        let mut decider = self.turn?;
        // A person who picks up is often quieter than the machine that spoke before: lulls say nothing here.
        let heard = decider.look(&Look {
            posterior: look.wordless,
            at_ms: look.at_ms - self.turned_ms,
            tone: None,
            lull_ms: 0,
            across: None,
            ..*look
        });
        self.turn = Some(decider);
        let Decision { verdict, cause, utterance_end_ms, .. } = heard?;
        self.turn = None;
        let since_ms = utterance_end_ms.unwrap_or(look.at_ms);
        match (self.verdict, verdict) {
            (Verdict::Silence, Verdict::Human) => Some((Sign::Person, since_ms)),
            (Verdict::Silence, machine) => {
                self.verdict = machine;
                Some((Sign::Machine, since_ms))
            }
            (_, Verdict::Human) if cause == "NET" => Some((Sign::Person, since_ms)),
            _ => None,
        }
    }

    fn begins_anew(&mut self, look: &Look) -> bool {
        if self.verdict == Verdict::Human || self.rest_ms < TURN_REST_MS {
            return false;
        }
        let waits = self.turn.is_some() && (look.speech_ms < UTTERANCE_MS || look.is_likely_silence());
        let anew = self.turn.is_none() || waits && look.at_ms - self.turned_ms >= TURN_AGE_MS;
        if anew {
            let human = if self.verdict == Verdict::Silence { self.tuning.human } else { self.tuning.again };
            // A turn has no time limit of its own, a rest without speech is no verdict, and a machine's second sentence is
            // likely a person's for long.
            let tuning = Tuning { human, silence_ms: u32::MAX, person_hold_ms: u32::MAX, ..self.tuning };
            self.turn = Some(Decider::new(tuning));
            self.turned_ms = look.at_ms;
        }
        anew
    }
}
