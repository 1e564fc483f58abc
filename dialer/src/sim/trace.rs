//! A hash over everything that goes in and out of the dialer: two runs with the same one were the same run.

use std::fmt::Write;
use std::hash::{Hash, Hasher};

use base::Instant;

use super::run::Watch;
use crate::io::{AttemptIntent, Input, Output};

/// FNV-1a, eight bytes at a time (64 bit, public constants): stable across runs and machines, cheap, not secret. What comes
/// with each call is hashed by a number for its kind and its fields, all else by its debug text: formatting a day took as
/// long as living it.
pub(super) struct Trace {
    hash: u64,
    events: u64,
}

impl Trace {
    pub(super) fn new() -> Trace {
        Trace { hash: 0xcbf2_9ce4_8422_2325, events: 0 }
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

    pub(super) fn events(&self) -> u64 {
        self.events
    }

    fn begins(&mut self, now: Instant) {
        self.events += 1;
        self.mix(now.as_ns());
    }

    fn text(&mut self, what: &dyn std::fmt::Debug) {
        // Writing into a hash cannot fail.
        let _ = write!(self, "{what:?}");
    }

    fn mix(&mut self, word: u64) {
        self.hash = (self.hash ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29);
    }
}

impl Watch for Trace {
    fn input(&mut self, now: Instant, input: &Input) {
        self.begins(now);
        match input {
            Input::AddLeads { campaign, leads } => (1, campaign, leads).hash(self),
            Input::IntentDurable { attempt } => (2, attempt).hash(self),
            Input::Progress { attempt, early_media } => (3, attempt, early_media).hash(self),
            Input::Answered { attempt } => (4, attempt).hash(self),
            Input::Ended { attempt, cause } => (5, attempt, cause).hash(self),
            other => self.text(other),
        }
    }

    fn output(&mut self, now: Instant, output: &Output) {
        self.begins(now);
        match output {
            Output::RecordIntent(intent) => {
                // Taken apart, so that a new field is not forgotten.
                let AttemptIntent {
                    attempt,
                    campaign,
                    lead,
                    number,
                    attempt_number,
                    trunk,
                    caller_id,
                    at,
                    consent,
                    why,
                    forecast_person,
                    forecast_no_agent,
                } = intent;
                (1, attempt, campaign, lead, number, attempt_number, trunk).hash(self);
                (caller_id, at, consent, why).hash(self);
                [forecast_person, forecast_no_agent].map(|share| share.to_bits()).hash(self);
            }
            Output::Originate { attempt, number, trunk, caller_id, ring_timeout, amd } => {
                (2, attempt, number, trunk, caller_id, ring_timeout, amd).hash(self);
            }
            Output::AttemptClosed(record) => (3, record).hash(self),
            Output::LeadChanged { lead, state, next_at, number } => (4, lead, state, next_at, number).hash(self),
            Output::Counted { attempt, as_what, at, rang } => (5, attempt, as_what, at, rang).hash(self),
            Output::AgentChanged { agent, state } => (6, agent, *state as u8).hash(self),
            other => self.text(other),
        }
    }
}

impl Hasher for Trace {
    fn finish(&self) -> u64 {
        self.hash
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.mix(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        // With its length, so that a piece of text is none that ends in zeros.
        self.mix(u64::from_le_bytes(last) ^ ((rest.len() as u64) << 56));
    }

    // Numbers as words of eight bytes, whatever their width on a machine.
    fn write_u8(&mut self, value: u8) {
        self.mix(value.into());
    }

    fn write_u16(&mut self, value: u16) {
        self.mix(value.into());
    }

    fn write_u32(&mut self, value: u32) {
        self.mix(value.into());
    }

    fn write_u64(&mut self, value: u64) {
        self.mix(value);
    }

    fn write_i32(&mut self, value: i32) {
        self.mix(value as u64);
    }

    fn write_i64(&mut self, value: i64) {
        self.mix(value as u64);
    }

    fn write_usize(&mut self, value: usize) {
        self.mix(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.mix(value as u64);
    }
}

impl Write for Trace {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        Hasher::write(self, text.as_bytes());
        Ok(())
    }
}
