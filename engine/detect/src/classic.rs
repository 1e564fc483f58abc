//! The published energy rules of Asterisk's AMD application with their nine parameters, written from their
//! documentation.
//!
//! A frame is voice when its mean absolute sample reaches `silence_threshold`. Voice of `min_word_length_ms` makes a
//! word, and starts the greeting; a word counts as a further one only after `between_words_silence_ms` of quiet.
//!
//! **Known limits.** It knows lengths and pauses, nothing else: people who answer with a phrase or sentence, on a
//! noisy line or after a pause are lost as machines (the literature and our own tests say 15 to 45 % of people at the
//! defaults), a machine that says "Hi." and pauses is a person to it, and it never says ivr, screening, fax or sit.
//! The word under way when the call is answered is not counted, as published. It is the yardstick for better detectors.

use crate::RATE_HZ;
use crate::{Decision, Verdict};

/// The nine parameters, named as in `amd.conf`; the defaults are the published ones. Times in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClassicConfig {
    /// Longest silence before the greeting; more is a machine.
    pub initial_silence_ms: u32,
    /// Longest greeting of a person, counted in voice; more is a machine.
    pub greeting_ms: u32,
    /// Silence after a greeting that makes it a person's.
    pub after_greeting_silence_ms: u32,
    /// Time after which nothing more is waited for.
    pub total_analysis_time_ms: u32,
    /// Shortest voice that counts as a word.
    pub min_word_length_ms: u32,
    /// Silence that ends a word.
    pub between_words_silence_ms: u32,
    /// Most words of a person. One **more** is a machine: the documentation says "if exceeded" and the current source
    /// compares with `>`; early releases compared with `>=`, which loses people at the second word.
    pub maximum_number_of_words: u32,
    /// Longest single word of a person; more is a machine.
    pub maximum_word_length_ms: u32,
    /// Mean absolute sample (0 to 32,767) below which a frame is silence.
    pub silence_threshold: u32,
}

impl Default for ClassicConfig {
    fn default() -> Self {
        ClassicConfig {
            initial_silence_ms: 2_500,
            greeting_ms: 1_500,
            after_greeting_silence_ms: 800,
            total_analysis_time_ms: 5_000,
            min_word_length_ms: 100,
            between_words_silence_ms: 50,
            maximum_number_of_words: 2,
            maximum_word_length_ms: 5_000,
            silence_threshold: 256,
        }
    }
}

/// The rules of the detector `classic`: one call's verdict.
#[derive(Clone, Debug)]
pub struct Classic {
    config: ClassicConfig,
    /// Samples heard; the clock of all rules, so that 10 ms frames decide like 20 ms frames.
    heard_samples: u64,
    quiet_run_ms: u32,
    voice_run_ms: u32,
    voice_total_ms: u32,
    words: u32,
    /// The last word has ended: the next long enough voice is a new one.
    between_words: bool,
    /// A first word has been heard.
    greeted: bool,
    voice_end_ms: Option<u32>,
    decision: Option<Decision>,
}

impl Classic {
    /// A detector at the moment of the answer.
    pub const fn new(config: ClassicConfig) -> Classic {
        Classic {
            config,
            heard_samples: 0,
            quiet_run_ms: 0,
            voice_run_ms: 0,
            voice_total_ms: 0,
            words: 0,
            between_words: false,
            greeted: false,
            voice_end_ms: None,
            decision: None,
        }
    }

    /// Milliseconds of audio heard since the answer.
    fn elapsed_ms(&self) -> u32 {
        (self.heard_samples * 1_000 / u64::from(RATE_HZ)) as u32
    }

    fn decide(&mut self, verdict: Verdict, cause: &'static str) -> Decision {
        let utterance_end_ms = self.voice_end_ms.filter(|_| self.greeted);
        let decision = Decision { verdict, cause, at_ms: self.elapsed_ms(), utterance_end_ms };
        *self.decision.insert(decision)
    }

    fn quiet(&mut self, frame_ms: u32) -> Option<(Verdict, &'static str)> {
        self.quiet_run_ms += frame_ms;
        if self.quiet_run_ms >= self.config.between_words_silence_ms {
            self.between_words = true;
            self.voice_run_ms = 0;
        }
        if !self.greeted && self.quiet_run_ms >= self.config.initial_silence_ms {
            return Some((Verdict::Machine, "INITIALSILENCE"));
        }
        if self.greeted && self.quiet_run_ms >= self.config.after_greeting_silence_ms {
            return Some((Verdict::Human, "HUMAN"));
        }
        None
    }

    fn voice(&mut self, frame_ms: u32) -> Option<(Verdict, &'static str)> {
        self.quiet_run_ms = 0;
        self.voice_run_ms += frame_ms;
        self.voice_total_ms += frame_ms;
        self.voice_end_ms = Some(self.elapsed_ms());
        if self.between_words && self.voice_run_ms >= self.config.min_word_length_ms {
            self.words += 1;
            self.between_words = false;
        }
        // The greeting is judged before this frame can start it, as published: a first word never is a long greeting.
        let greeted = self.greeted;
        self.greeted |= self.voice_run_ms >= self.config.min_word_length_ms;
        if self.voice_run_ms >= self.config.maximum_word_length_ms {
            return Some((Verdict::Machine, "MAXWORDLENGTH"));
        }
        if self.words > self.config.maximum_number_of_words {
            return Some((Verdict::Machine, "MAXWORDS"));
        }
        if greeted && self.voice_total_ms >= self.config.greeting_ms {
            return Some((Verdict::Machine, "LONGGREETING"));
        }
        None
    }

    /// The next frame of the far end; the verdict when it falls, once.
    pub fn push_frame(&mut self, samples: &[i16]) -> Option<Decision> {
        if self.decision.is_some() {
            return None;
        }
        let before_ms = self.elapsed_ms();
        self.heard_samples += samples.len() as u64;
        let frame_ms = self.elapsed_ms() - before_ms;
        if self.elapsed_ms() >= self.config.total_analysis_time_ms {
            return Some(self.at_deadline());
        }
        let loud = codecs::energy::mean_absolute(samples) >= self.config.silence_threshold;
        let found = if loud { self.voice(frame_ms) } else { self.quiet(frame_ms) };
        found.map(|(verdict, cause)| self.decide(verdict, cause))
    }

    /// Published: NOTSURE, with the cause TOOLONG, or NOAUDIODATA when not one frame came. Here the doubt is decided
    /// for the person: a machine given to an agent costs seconds, a person taken for a machine is an abandoned call.
    pub fn at_deadline(&mut self) -> Decision {
        if let Some(decision) = self.decision {
            return decision;
        }
        let cause = if self.heard_samples == 0 { "NOAUDIODATA" } else { "TOOLONG" };
        self.decide(Verdict::Human, cause)
    }
}

#[cfg(test)]
mod tests;
