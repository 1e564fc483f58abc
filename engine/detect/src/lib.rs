//! Floor 3: answer detection. What answered the call: a person, a machine, a menu, a screening assistant, nobody, a fax,
//! the network?
//!
//! ```text
//!  20 ms of samples ──> Detector::push_frame ──> Decision, once
//!    classic: the published app_amd rules
//!    default: front (tones, speech, features) ──> model (posterior every 40 ms) ──> decide
//!  frames before the answer ──> EarlyEar ──> EarlySound, once
//!  labelled clips ──> front ──> train ──> Net
//! ```
//!
//! **Invariants.** No clock: time is the audio's. After construction nothing allocates. The same samples and the same
//! net give the same bits on every machine, in portions of any size. A detector decides once; in doubt for the person.
//! Not here yet: words and fingerprints of recordings, revision after the first verdict, audio at 16 kHz.
//!
//! **Units.** Samples are 16-bit linear at 8 kHz, one channel; times milliseconds since the answer.

pub mod decide;
pub mod early;
#[cfg(any(test, feature = "exercise"))]
pub mod exercise;
pub mod front;
pub mod model;
mod neural;
mod timing;
pub mod train;
mod vad;

mod classic;

use crate::decide::Tuning;
use crate::model::Net;
use std::sync::{Arc, LazyLock};

pub use classic::{Classic, ClassicConfig};
pub use early::{EarlyEar, EarlySound};
pub use neural::{Listener, Neural};

/// The net that ships, with its thresholds: see its card, and docs/answer-detection.md for how it was made.
static SHIPPED: LazyLock<Arc<Net>> =
    LazyLock::new(|| match Net::from_bytes(include_bytes!("../weights/default.net")) {
        Ok(net) => Arc::new(net),
        Err(reject) => panic!("the net that ships {reject}"), // a test reads it, so no build gets here
    });

/// The net that ships.
pub fn shipped() -> Arc<Net> {
    Arc::clone(&SHIPPED)
}

/// Samples a second of all audio here.
pub const RATE_HZ: u32 = codecs::RATE_HZ;

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
    /// All, in the order of the net's classes.
    pub const ALL: [Verdict; 7] = [
        Verdict::Human,
        Verdict::Machine,
        Verdict::Ivr,
        Verdict::Screening,
        Verdict::Silence,
        Verdict::Fax,
        Verdict::Sit,
    ];

    /// The verdict of this name.
    pub fn named(name: &str) -> Option<Verdict> {
        Verdict::ALL.into_iter().find(|verdict| verdict.name() == name)
    }

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
    /// The net that ships, with these thresholds: see [`DetectorConfig::for_share`].
    Default(Tuning),
}

impl DetectorConfig {
    /// The detector `default`, so set that at most this share of people is taken for machines; `None` for less than its
    /// net was calibrated to. Reads the net and makes the tables, so that no call waits for them.
    pub fn for_share(share: f64) -> Option<DetectorConfig> {
        let tuning = shipped().tuning(share)?;
        let config = DetectorConfig::Default(tuning);
        drop(config.build());
        Some(config)
    }

    /// A detector at its start.
    pub fn build(self) -> Box<dyn Detector> {
        match self {
            DetectorConfig::Classic(config) => Box::new(Classic::new(config)),
            DetectorConfig::Default(tuning) => Box::new(Neural::new(shipped(), tuning)),
        }
    }
}
