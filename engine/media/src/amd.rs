//! Answer detection: who or what answered. The interface every detector fills, and `classic`, the published rules.

mod classic;

pub use classic::{Classic, ClassicConfig};

/// What answered (names of the public contract).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Verdict {
    /// A person.
    Human,
    /// Voicemail or an answering machine.
    Machine,
    /// An automatic menu.
    Ivr,
    /// A screening assistant that asks who calls.
    Screening,
    /// Nobody spoke.
    Silence,
    /// A fax or modem.
    Fax,
    /// Special information tones: the network, not the callee.
    Sit,
}

impl Verdict {
    /// The contract's name, as reports and configuration spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Human => "human",
            Verdict::Machine => "machine",
            Verdict::Ivr => "ivr",
            Verdict::Screening => "screening",
            Verdict::Silence => "silence",
            Verdict::Fax => "fax",
            Verdict::Sit => "sit",
        }
    }
}

/// A verdict with its reason and its times.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decision {
    /// What answered.
    pub verdict: Verdict,
    /// Which rule said so, for example `MAXWORDS`.
    pub cause: &'static str,
    /// When the verdict fell, in milliseconds of audio since the answer.
    pub at_ms: u32,
    /// Where the speech heard so far ended, in milliseconds since the answer; `None` when there was none.
    pub utterance_end_ms: Option<u32>,
}

/// Listens to one answered call. The first decision stands: after it `push_frame` gives `None`.
pub trait Detector: Send {
    /// The next frame of the far end: one ptime of linear samples at 8 kHz. A lost frame is given as silence, so that
    /// the detector's clock keeps up with the call's.
    fn push_frame(&mut self, samples: &[i16]) -> Option<Decision>;

    /// The name that configuration and reports use.
    fn name(&self) -> &'static str;

    /// The decision when time is up, also when no audio came. After a decision: that decision again.
    fn at_deadline(&mut self) -> Decision;
}

/// Which detector listens, and how it is set. One value to pass around; `build` makes the machine.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum DetectorConfig {
    /// The published app_amd rules.
    Classic(ClassicConfig),
}

impl DetectorConfig {
    /// A detector at its start.
    pub fn build(self) -> Box<dyn Detector> {
        match self {
            DetectorConfig::Classic(config) => Box::new(Classic::new(config)),
        }
    }
}
