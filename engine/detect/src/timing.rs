//! What a rule about turns needs to know, all of it from the past: how long speech and rests have been.

use crate::vad::Gate;
use codecs::maths::ln_1p;

/// Numbers that [`Timing::features`] gives.
pub(crate) const TIMING_FEATURES: usize = 12;
/// Frames (20 ms) of rest that end a stretch of talk: 0.5 s.
const REST_FRAMES: u32 = 25;
/// Frames of rest that count as a pause: 0.3 s.
const PAUSE_FRAMES: u32 = 15;
/// Frames of speech that make a word: 0.1 s.
const WORD_FRAMES: u32 = 5;

/// Frames of speech that make an utterance; less is a click: 0.12 s.
pub(crate) const UTTERANCE_FRAMES: u32 = 6;

/// Counts in frames of 20 ms.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Timing {
    now: u32,
    speaking: bool,
    run: u32,
    rest: u32,
    total: u32,
    words: u32,
    longest_run: u32,
    longest_rest: u32,
    before_first_rest: u32,
    rested: bool,
    since_rest: u32,
    pauses: u32,
    since_speech_began: u32,
    /// The frame after the last one with speech.
    speech_end: u32,
    /// Frames of lull since an utterance was heard.
    lull: u32,
    /// The frame in which words that were cut in became known, 0 for none.
    cut_in: u32,
}

impl Timing {
    pub(crate) fn frame(&mut self, gate: Gate) {
        let speaking = gate.speech;
        self.now += 1;
        self.speaking = speaking;
        if speaking {
            self.run += 1;
            self.total += 1;
            self.words += u32::from(self.run == WORD_FRAMES);
            self.longest_run = self.longest_run.max(self.run);
            self.rest = 0;
            self.since_rest += 1;
            self.before_first_rest += u32::from(!self.rested);
            self.speech_end = self.now;
        } else {
            self.run = 0;
            self.rest += 1;
            if self.total > 0 {
                self.longest_rest = self.longest_rest.max(self.rest);
                self.pauses += u32::from(self.rest == PAUSE_FRAMES);
                self.rested |= self.rest >= REST_FRAMES;
            }
            if self.rest == REST_FRAMES {
                self.since_rest = 0;
            }
        }
        self.since_speech_began += u32::from(self.total > 0);
        self.lull = if gate.lull && self.total >= UTTERANCE_FRAMES { self.lull + 1 } else { 0 };
        if gate.cut_in && self.total < UTTERANCE_FRAMES {
            self.cut_in = self.now;
        }
    }

    pub(crate) fn features(&self, out: &mut [f32; TIMING_FEATURES]) {
        let counts = [
            self.now,
            if self.speaking { 50 } else { 0 },
            self.run,
            self.rest,
            self.total,
            self.words * 10,
            self.longest_run,
            self.longest_rest,
            self.before_first_rest,
            self.since_rest,
            self.pauses * 10,
            self.since_speech_began,
        ];
        for (out, count) in out.iter_mut().zip(counts) {
            *out = ln_1p(count as f32 / 10.0);
        }
    }

    /// Frames with speech so far.
    pub(crate) fn speech_frames(&self) -> u32 {
        self.total
    }

    /// Frames of rest that last until now.
    pub(crate) fn rest_frames(&self) -> u32 {
        self.rest
    }

    /// Frames since anybody spoke as loud as before; none before an utterance.
    pub(crate) fn lull_frames(&self) -> u32 {
        self.lull
    }

    /// The frame in which words became known that had been cut in, 0 when none were.
    pub(crate) fn cut_in(&self) -> u32 {
        self.cut_in
    }

    /// The frame after the last one with speech, 0 when there was none.
    pub(crate) fn speech_end(&self) -> u32 {
        self.speech_end
    }
}
