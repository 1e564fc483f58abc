//! Floor 3: answer detection. What answered the call: a person, a machine, a menu, a screening assistant, nobody, a fax,
//! the network?
//!
//! ```text
//!  20 ms of samples ──> Detector::push_frame ──> Told: a person is likely · the verdict, once · revisions
//!    classic: the published app_amd rules ────────────────────────────────────────┐
//!    default: front (tones, speech, features) ──> model (posterior every 40 ms) ──┬─> decide ──> after
//!                                             ──> words (phrases spotted) ─────────┘
//!  openings of all calls ──> print::Learner ──> Recordings, which the next calls are held against
//!  frames before the answer ──> Detector::push_early ──> EarlySound, once · talk that goes on across the answer
//!  what was heard until the verdict ──> evidence ──> a record, lessons
//!  labelled clips ──> front ──> train ──> Net
//! ```
//!
//! **Invariants.** No clock: time is the audio's. After construction nothing allocates. The same samples and the same
//! net give the same bits on every machine, in portions of any size. A detector decides once, in doubt for the person;
//! what it hears later are revisions, and the verdict stays what it was.
//!
//! **Units.** Samples are 16-bit linear at 8 kHz, one channel (a [`Listener`] takes 16 kHz too); times milliseconds since the answer.

mod after;
pub mod decide;
pub mod early;
pub mod evidence;
#[cfg(any(test, feature = "exercise"))]
pub mod exercise;
pub mod front;
mod gru;
pub mod model;
mod neural;
pub mod print;
mod rules;
mod timing;
pub mod train;
mod vad;
pub mod words;

mod classic;

use crate::decide::Tuning;
use crate::model::Net;
use codecs::tones::SitReason;
use std::sync::{Arc, LazyLock};

pub use after::{LISTEN_MAX_MS, REVISIONS_MAX};
pub use classic::{Classic, ClassicConfig};
pub use early::{Across, EarlySound};
pub use evidence::{Evidence, Keep, Keeper, Listen};
pub use front::Front;
pub use gru::Shape;
pub use neural::{Listener, Neural};
pub use print::Recordings;
pub use rules::Rules;

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

/// What a call showed after its first verdict.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Sign {
    /// A machine, menu or assistant has stopped talking, and no beep came while it might have. May come again, when it
    /// speaks on. After an assistant it means: it waits for an answer.
    GreetingEnd,
    /// A beep behind speech: a mailbox records. After a person's verdict it says that a machine was taken for a person.
    Beep,
    /// A person picked up, or spoke after silence.
    Person,
    /// A machine spoke after silence, or a known recording was taken for a person at first.
    Machine,
    /// A fax or modem.
    Fax,
    /// Special information tones, with what they say.
    Sit(SitReason),
}

impl Sign {
    /// The contract's name.
    pub const fn name(self) -> &'static str {
        match self {
            Sign::GreetingEnd => "greeting_end",
            Sign::Beep => "beep",
            Sign::Person => "person",
            Sign::Machine => "machine",
            Sign::Fax => "fax",
            Sign::Sit(_) => "sit",
        }
    }
}

/// A sign with its times, in milliseconds of audio since the answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Revision {
    /// What was heard.
    pub sign: Sign,
    /// When it was known.
    pub at_ms: u32,
    /// Where the sound ended that it is about: the greeting, the beep, the person's words so far.
    pub since_ms: u32,
}

/// What a detector tells of a call, in this order: that a person has become likely, once at most; the verdict, once; then
/// revisions. A known recording is told when it is recognised, before the verdict or the revision that it brings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "an opening passes once a call and over the stack; listening allocates nothing"
)]
pub enum Told {
    /// A person is as likely as not, before the verdict: time to hold an agent. Rules know no probabilities and never say
    /// it.
    Likely {
        /// When, in milliseconds of audio since the answer.
        at_ms: u32,
    },
    /// What answered.
    Verdict(Decision),
    /// What showed later.
    Revision(Revision),
    /// A known recording speaks; once at most.
    Recognised(print::Met),
    /// The fingerprint of the first 3.2 s since the first word, for [`print::Learner`], when it is complete, before or after the
    /// verdict; and right behind the verdict of a machine, menu or assistant that comes before, of what it has said until then.
    Opening(print::Opening),
}

/// Listens to one call: to its early media, where there is any, and from the answer on.
pub trait Detector: Send {
    /// What comes in while the call rings: linear samples at 8 kHz. `told` is given what a tone in them says, once a call.
    fn push_early(&mut self, samples: &[i16], told: &mut dyn FnMut(EarlySound));

    /// The call is answered, `quiet_ms` after the last early sample; without early media it need not be said.
    fn answered(&mut self, quiet_ms: u32);

    /// The next frame of the far end: one ptime of linear samples at 8 kHz. A lost frame is given as silence, so that
    /// the detector's clock keeps up with the call's. `told` is given what these samples showed.
    fn push_frame(&mut self, samples: &[i16], told: &mut dyn FnMut(Told));

    /// The name that configuration and reports use.
    fn name(&self) -> &'static str;

    /// True when nothing more will be told, so that nobody needs to listen on.
    fn is_done(&self) -> bool;

    /// From now on what the net hears and thinks is kept; false where no net listens.
    fn keep_tape(&mut self) -> bool {
        false
    }

    /// What was kept, once; nothing is kept after it.
    fn take_tape(&mut self) -> Option<evidence::Taped> {
        None
    }
}

/// Which detector listens, and how it is set. One value to pass around; `build` makes the machine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum DetectorConfig {
    /// The published app_amd rules.
    Classic(ClassicConfig),
    /// The net that ships, with these thresholds: see [`DetectorConfig::for_share`]; and the recordings that it knows.
    Default(Tuning, Arc<Recordings>),
}

impl DetectorConfig {
    /// The detector `default`, so set that at most this share of people is taken for machines; `None` for less than its
    /// net was calibrated to. Reads the net and makes the tables, so that no call waits for them.
    pub fn for_share(share: f64) -> Option<DetectorConfig> {
        let tuning = shipped().tuning(share)?;
        let config = DetectorConfig::Default(tuning, Arc::default());
        drop(config.build());
        Some(config)
    }

    /// The same with other recordings; rules know none.
    pub fn knowing(self, known: Arc<Recordings>) -> DetectorConfig {
        match self {
            DetectorConfig::Default(tuning, _) => DetectorConfig::Default(tuning, known),
            rules => rules,
        }
    }

    /// A detector at its start.
    pub fn build(&self) -> Box<dyn Detector> {
        match self {
            DetectorConfig::Classic(config) => Box::new(Rules::new(*config, shipped(), Tuning::LATER)),
            DetectorConfig::Default(tuning, known) => Box::new(Neural::knowing(shipped(), *tuning, Arc::clone(known))),
        }
    }
}
