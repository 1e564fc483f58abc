//! Floor 3: SIP over UDP, sans-IO. Room under construction: the types stand, the machines follow.

mod endpoint;
mod types;

pub use endpoint::Endpoint;
pub use types::{
    Cause, Config, Counts, Credentials, DialogId, Event, Invite, OptionsId, Output, Refusal, Register, RegistrationId,
    Whose,
};

/// An incoming call that the call above neither answers nor rejects is refused with 480 after this time: RFC 3261
/// §16.6 lets proxies give up after "more than 3 minutes", so nobody waits longer.
pub const ANSWER_LIMIT: base::Duration = base::Duration::from_secs(180);

/// An answered dialog is ended after this time even if nobody hangs up, so that a peer that vanished cannot keep its
/// state for ever: longer than any shift of a nailed-up agent phone (24 h).
pub const DIALOG_AGE_MAX: base::Duration = base::Duration::from_secs(24 * 3600);
