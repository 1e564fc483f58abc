//! What a campaign does with what answered, where that is no person: a machine, a menu, a screening assistant, silence, a
//! fax, the network's tones.
//!
//! ```text
//!   machine ───> hang up | wait for the beep (or the greeting's end) ─> message
//!   menu ──────> hang up | agent
//!   screening ─> hang up | identify ─> a live voice ─> agent
//!   silence ───> agent | "hello?" ─> agent, or hang up when nobody speaks
//!   fax ───────> hang up, mark the number          tones ──> the outcome that they name
//! ```
//!
//! **Invariants.** Whatever is waited for has a limit. A message is left only where the profile allows recorded messages,
//! and to whom it allows them. Absent: audio; what detection hears is told from outside ([`Revision`]).

use base::Duration;

use crate::attempt::Outcome;
use crate::campaign::ConfigError;
use crate::compliance::Profile;
use crate::recording::{MESSAGE_MAX, Recording};

/// Shortest and longest time that a machine's greeting or an assistant is waited for.
pub const ANSWER_WAIT_MIN: Duration = Duration::from_secs(5);
/// Longer greetings are no greetings, and a trunk's channel is dear.
pub const ANSWER_WAIT_MAX: Duration = Duration::from_secs(120);
/// Longest time that a silent line may take to answer a "hello?".
pub const HELLO_WAIT_MAX: Duration = Duration::from_secs(10);
/// An assistant is told who calls when its sentence is over; one whose end is not heard, so long after the verdict. Its
/// sentences last 3 to 6 s, and a verdict falls after two or three of them.
pub(crate) const IDENTIFY_LATEST: Duration = Duration::from_secs(4);

/// What is done with each kind of answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Policies {
    /// A machine or mailbox.
    pub machine: OnMachine,
    /// A menu.
    pub ivr: OnIvr,
    /// A screening assistant.
    pub screening: OnScreening,
    /// Nobody spoke.
    pub silence: OnSilence,
    /// A fax machine's number is marked: the campaign never calls it again.
    pub fax_marks: bool,
    /// Special information tones: the outcome is what they name, and a number that they call dead is marked. Otherwise the
    /// outcome is [`Outcome::Sit`].
    pub sit_by_meaning: bool,
}

impl Default for Policies {
    fn default() -> Self {
        Policies {
            machine: OnMachine::HangUp,
            ivr: OnIvr::HangUp,
            screening: OnScreening::HangUp,
            silence: OnSilence::Agent,
            fax_marks: true,
            sit_by_meaning: true,
        }
    }
}

/// A machine or mailbox answered.
#[derive(Clone, Debug, PartialEq)]
pub enum OnMachine {
    /// The call ends.
    HangUp,
    /// A message is left, where the law lets it.
    Message {
        /// What.
        recording: Recording,
        /// When it begins.
        after: MessageAfter,
        /// When that has not come so long after the verdict, the call ends.
        wait: Duration,
    },
}

/// When a message on a machine begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageAfter {
    /// When the beep is over, never without one.
    Beep,
    /// When the greeting is over, with a beep or without; a beep that comes later begins it anew.
    GreetingEnd,
}

/// A menu answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnIvr {
    /// The call ends.
    HangUp,
    /// An agent works it.
    Agent,
}

/// A screening assistant answered.
#[derive(Clone, Debug, PartialEq)]
pub enum OnScreening {
    /// The call ends.
    HangUp,
    /// It is told who calls and why; when a live voice comes, an agent is connected.
    Identify {
        /// What it is told.
        recording: Recording,
        /// When nobody has come so long after the verdict, the call ends.
        wait: Duration,
    },
}

/// Nobody spoke.
#[derive(Clone, Debug, PartialEq)]
pub enum OnSilence {
    /// An agent speaks first.
    Agent,
    /// A short prompt asks whether somebody is there; whoever speaks then gets an agent.
    Hello {
        /// What is said.
        recording: Recording,
        /// So long after its end somebody may speak.
        wait: Duration,
        /// What then.
        then: HelloThen,
    },
}

/// A silent line has stayed silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HelloThen {
    /// An agent speaks.
    Agent,
    /// The call ends.
    HangUp,
}

impl Policies {
    pub(crate) fn recordings_mut(&mut self) -> impl Iterator<Item = &mut Recording> {
        let machine = match &mut self.machine {
            OnMachine::Message { recording, .. } => Some(recording),
            OnMachine::HangUp => None,
        };
        let screening = match &mut self.screening {
            OnScreening::Identify { recording, .. } => Some(recording),
            OnScreening::HangUp => None,
        };
        let silence = match &mut self.silence {
            OnSilence::Hello { recording, .. } => Some(recording),
            OnSilence::Agent => None,
        };
        [machine, screening, silence].into_iter().flatten()
    }

    /// Every fault.
    pub(crate) fn validate(&self, profile: &Profile) -> Result<(), ConfigError> {
        let waits = ANSWER_WAIT_MIN..=ANSWER_WAIT_MAX;
        let short = |recording: &Recording| recording.is_valid() && recording.max <= MESSAGE_MAX;
        if let OnMachine::Message { recording, wait, .. } = &self.machine {
            if !profile.agentless_allowed {
                return Err(ConfigError::NoMachineMessage(profile.name.clone()));
            }
            if !recording.is_valid() || !waits.contains(wait) {
                return Err(ConfigError::OnMachine);
            }
        }
        if let OnScreening::Identify { recording, wait } = &self.screening
            && !(short(recording) && waits.contains(wait))
        {
            return Err(ConfigError::OnScreening);
        }
        if let OnSilence::Hello { recording, wait, .. } = &self.silence
            && !(short(recording) && !wait.is_zero() && *wait <= HELLO_WAIT_MAX)
        {
            return Err(ConfigError::OnSilence);
        }
        Ok(())
    }
}

/// What detection hears after its verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revision {
    /// The far end has finished speaking.
    GreetingEnd,
    /// A beep is over: a machine records.
    BeepEnd,
    /// A live voice: somebody has picked up.
    Person,
    /// A machine speaks where nobody spoke.
    Machine,
    /// A fax machine's tone.
    Fax,
    /// Special information tones.
    Sit(SitMeaning),
}

/// What special information tones say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SitMeaning {
    /// The number has been changed or is out of service.
    Intercept,
    /// There is no such number.
    Vacant,
    /// The network could not: no path or no circuit is free.
    Network,
    /// Anything else: the announcement behind them tells.
    Other,
}

impl SitMeaning {
    pub(crate) const fn outcome(self) -> Outcome {
        match self {
            SitMeaning::Intercept | SitMeaning::Vacant => Outcome::BadNumber,
            SitMeaning::Network => Outcome::Failed,
            SitMeaning::Other => Outcome::Sit,
        }
    }

    pub(crate) const fn mark(self) -> Option<Mark> {
        match self {
            SitMeaning::Intercept => Some(Mark::Intercept),
            SitMeaning::Vacant => Some(Mark::Vacant),
            SitMeaning::Network | SitMeaning::Other => None,
        }
    }
}

/// Why a number is of no use to any campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// A fax machine answers.
    Fax,
    /// The network says that it has been changed or is out of service.
    Intercept,
    /// The network says that there is no such number.
    Vacant,
}

impl Mark {
    /// Every mark, in order.
    pub const ALL: [Mark; 3] = [Mark::Fax, Mark::Intercept, Mark::Vacant];

    /// As rows and the API spell it: `fax`, `intercept`, `vacant`.
    pub const fn name(self) -> &'static str {
        match self {
            Mark::Fax => "fax",
            Mark::Intercept => "intercept",
            Mark::Vacant => "vacant",
        }
    }

    /// The mark of this name.
    pub fn named(name: &str) -> Option<Mark> {
        Mark::ALL.into_iter().find(|mark| mark.name() == name)
    }

    /// The gate's rule that holds such a number back.
    pub(crate) const fn rule(self) -> &'static str {
        match self {
            Mark::Fax => "number-fax",
            Mark::Intercept => "number-intercept",
            Mark::Vacant => "number-vacant",
        }
    }
}
