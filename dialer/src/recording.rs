//! What people hear from a machine: the safe-harbour message of a person whom no agent could take, and the recording of
//! a campaign without agents. The audio belongs to whoever owns media; here are its name and its limits.
//!
//! 47 CFR 64.1200(a)(7)(i): name, number for a do-not-call request, and that the call was for telemarketing; 16 CFR
//! 310.4(b)(4)(iii): a recorded message with the seller's name and number.

use base::Duration;

/// Shortest message that can hold a name and a number.
pub const MESSAGE_MIN: Duration = Duration::from_secs(2);
/// Longest: an opt-out sentence read slowly; after this the call is ended even when media has not reported the end.
pub const MESSAGE_MAX: Duration = Duration::from_secs(30);
/// Longest recording of a campaign without agents: a notice that nobody hears to its end reaches nobody.
pub const RECORDING_MAX: Duration = Duration::from_secs(300);

/// Which message a campaign plays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafeHarbour {
    /// Name of the recording.
    pub message: String,
    /// End the call after this time at the latest; within [`MESSAGE_MIN`]..=[`MESSAGE_MAX`].
    pub max: Duration,
}

impl Default for SafeHarbour {
    fn default() -> Self {
        SafeHarbour { message: "safe-harbour".into(), max: MESSAGE_MAX }
    }
}

impl SafeHarbour {
    /// True when the limits hold and the message has a name.
    pub fn is_valid(&self) -> bool {
        !self.message.is_empty() && (MESSAGE_MIN..=MESSAGE_MAX).contains(&self.max)
    }
}

/// What a campaign without agents says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Name of the recording.
    pub message: String,
    /// End the call after this time at the latest; within [`MESSAGE_MIN`]..=[`RECORDING_MAX`].
    pub max: Duration,
}

impl Recording {
    /// True when the limits hold and the recording has a name.
    pub fn is_valid(&self) -> bool {
        !self.message.is_empty() && (MESSAGE_MIN..=RECORDING_MAX).contains(&self.max)
    }
}
