//! The one table of tone plans: what each script says, and where it is spoken.
//!
//! Sources: ITU-T E.180 and its supplement 2, ANSI T1.401, and for the special information tones GR-1162.

use super::*;

/// Why the network refused, as a special information tone says it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SitReason {
    /// The number has been changed or is out of service.
    Intercept,
    /// There is no such number.
    VacantCode,
    /// All paths are busy.
    Reorder,
    /// No circuit is free.
    NoCircuit,
    /// Something else, misdialled calls among them.
    Ineffective,
    /// Reserved; some switches send it.
    Reserved,
    /// The ITU's one tone for everything: the announcement behind it tells.
    Information,
}

impl SitReason {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            SitReason::Intercept => "intercept",
            SitReason::VacantCode => "vacant-code",
            SitReason::Reorder => "reorder",
            SitReason::NoCircuit => "no-circuit",
            SitReason::Ineffective => "ineffective",
            SitReason::Reserved => "reserved",
            SitReason::Information => "information",
        }
    }

    /// True when the number itself is at fault, so that dialling it again is in vain; false when the network was.
    pub const fn number_is_dead(self) -> bool {
        matches!(self, SitReason::Intercept | SitReason::VacantCode)
    }
}

/// What a tone says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Signal {
    /// The far telephone rings.
    Ringback,
    /// The far telephone is in use.
    Busy,
    /// The network is.
    Reorder,
    /// Somebody else calls the one we talk to.
    CallWaiting,
    /// The network could not, and why.
    Sit(SitReason),
    /// A fax machine calls (1,100 Hz).
    FaxCng,
    /// A fax machine or modem answers (2,100 Hz).
    FaxCed,
    /// The same with the level moved 15 times a second (ITU-T V.8): a modem or a fast fax.
    FaxAnsam,
    /// Fax machines exchange their abilities (ITU-T V.21, channel 2).
    FaxV21,
    /// A beep, as answering machines give it.
    Beep,
}

impl Signal {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Signal::Ringback => "ringback",
            Signal::Busy => "busy",
            Signal::Reorder => "reorder",
            Signal::CallWaiting => "call-waiting",
            Signal::Sit(_) => "sit",
            Signal::FaxCng => "cng",
            Signal::FaxCed => "ced",
            Signal::FaxAnsam => "ansam",
            Signal::FaxV21 => "v21",
            Signal::Beep => "beep",
        }
    }

    /// True for a fax machine's or modem's tones.
    pub const fn is_fax(self) -> bool {
        matches!(self, Signal::FaxCng | Signal::FaxCed | Signal::FaxAnsam | Signal::FaxV21)
    }
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What it says.
    pub signal: Signal,
    /// How it sounds.
    pub script: &'static ToneScript,
}

macro_rules! plans {
    ($($signal:expr => $script:ident,)+) => {
        /// Every tone with a fixed rhythm or melody. The bank reads ringback, busy, reorder and call waiting from here
        /// by frequency and rhythm; of two plans that sound alike the first is named.
        pub static PLANS: &[Plan] = &[$(Plan { signal: $signal, script: { static S: ToneScript = $script; &S } },)+];
    };
}

plans! {
    Signal::Ringback => RINGBACK_CN,
    Signal::Busy => BUSY_CN,
    Signal::Ringback => RINGBACK_US,
    Signal::Busy => BUSY_US,
    Signal::Reorder => REORDER_US,
    Signal::CallWaiting => CALL_WAITING_US,
    Signal::Ringback => RINGBACK_UK,
    Signal::Busy => BUSY_UK,
    Signal::Reorder => REORDER_UK,
    Signal::Ringback => RINGBACK_EU,
    Signal::Ringback => RINGBACK_FR,
    Signal::Busy => BUSY_EU,
    Signal::Reorder => REORDER_EU,
    Signal::Busy => BUSY_FR,
    Signal::Ringback => RINGBACK_JP,
    Signal::Busy => BUSY_JP,
    Signal::Ringback => RINGBACK_AU,
    Signal::Busy => BUSY_AU,
    Signal::Sit(SitReason::Intercept) => SIT_INTERCEPT,
    Signal::Sit(SitReason::VacantCode) => SIT_VACANT_CODE,
    Signal::Sit(SitReason::Reorder) => SIT_REORDER,
    Signal::Sit(SitReason::Reorder) => SIT_REORDER_CARRIER,
    Signal::Sit(SitReason::NoCircuit) => SIT_NO_CIRCUIT,
    Signal::Sit(SitReason::NoCircuit) => SIT_NO_CIRCUIT_CARRIER,
    Signal::Sit(SitReason::Ineffective) => SIT_INEFFECTIVE,
    Signal::Sit(SitReason::Reserved) => SIT_RESERVED,
    Signal::Sit(SitReason::Information) => SIT_ITU,
    Signal::FaxCng => FAX_CNG,
    Signal::FaxCed => FAX_CED,
    Signal::Beep => VOICEMAIL_BEEP,
}
