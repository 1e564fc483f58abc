//! Learning recordings: what opens alike on three numbers.
//!
//! **Invariants.** Numbers are known as hashes only, and only until a recording is learnt; what waits is bounded. Of the calls that
//! opened alike the longest opening is kept. Absent: where openings come from, and the store.

use super::{CANDIDATES_MAX, NUMBERS_LEAST, OPENING_FRAMES, Opening, RECORDINGS_MAX, Recording, Recordings, SAME, fnv};
use crate::Verdict;
use std::collections::VecDeque;

/// An opening that was heard on fewer than three numbers so far.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    opening: Opening,
    /// Hashes of the numbers.
    numbers: Vec<u64>,
    /// Verdicts that said machine, menu, assistant.
    kinds: [u32; 3],
}

/// Learns recordings from the openings of calls.
#[derive(Clone, Debug, Default)]
pub struct Learner {
    known: Recordings,
    /// The latest last.
    pub(super) candidates: VecDeque<Candidate>,
}

impl Learner {
    /// Goes on from what is known.
    pub fn new(known: Recordings) -> Learner {
        Learner { known, candidates: VecDeque::new() }
    }

    /// What is known now.
    pub fn known(&self) -> &Recordings {
        &self.known
    }

    /// Forgets a recording by its name; false where there is none. The same on three numbers teaches it again.
    pub fn forget(&mut self, id: &str) -> bool {
        let before = self.known.len();
        self.known.list.retain(|known| known.id() != id);
        self.known.len() < before
    }

    /// An opening was heard on this number, whole or as far as its call went, and answer detection said `verdict` or nothing yet. True when that
    /// made a recording of it, the last of those known: the same on three numbers. It is the kind that most verdicts said;
    /// where all took it for a person, who cannot speak alike on three numbers, a machine.
    pub fn heard(&mut self, number: &str, opening: &Opening, verdict: Option<Verdict>) -> bool {
        if self.known.len() == RECORDINGS_MAX || self.known.place(opening).is_some() {
            return false;
        }
        let kind = match verdict {
            Some(Verdict::Machine) => Some(0),
            Some(Verdict::Ivr) => Some(1),
            Some(Verdict::Screening) => Some(2),
            _ => None,
        };
        let like = |candidate: &Candidate| opening.likeness(&candidate.opening) >= SAME;
        let found = self.candidates.iter().rposition(like).and_then(|place| self.candidates.remove(place));
        let mut candidate =
            found.unwrap_or_else(|| Candidate { opening: *opening, numbers: Vec::new(), kinds: [0; 3] });
        // Where a machine is hung up on at once, calls end after some words; whoever heard more knows it better.
        if opening.spoken(OPENING_FRAMES) > candidate.opening.spoken(OPENING_FRAMES) {
            candidate.opening = *opening;
        }
        let number = fnv(number.bytes());
        if !candidate.numbers.contains(&number) {
            candidate.numbers.push(number);
            if let Some(kind) = kind {
                candidate.kinds[kind] += 1;
            }
        }
        if candidate.numbers.len() < NUMBERS_LEAST {
            if self.candidates.len() == CANDIDATES_MAX {
                self.candidates.pop_front();
            }
            self.candidates.push_back(candidate);
            return false;
        }
        let [machine, ivr, screening] = candidate.kinds;
        let verdict = if screening > machine && screening > ivr {
            Verdict::Screening
        } else if ivr > machine {
            Verdict::Ivr
        } else {
            Verdict::Machine
        };
        self.known.list.push(Recording { opening: candidate.opening, verdict });
        true
    }
}
