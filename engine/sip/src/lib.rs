//! Floor 3: SIP over UDP as a sans-IO machine. Transactions, dialogs, registration and digest of one shard.
//!
//! ```text
//!  datagram ─> Endpoint::handle_datagram ─> transaction (4 machines, RFC 3261 §17) ─┐
//!  invite(), answer(), hangup(), … ───────> dialog (caller, callee, mid-call) ──────┼─> poll_output
//!  handle_timeout ─> one TimerWheel ──────> registration, ping ─────────────────────┘    Datagram | Event
//! ```
//!
//! **Invariants.**
//! - Every [`DialogId`] that is given out ends with exactly one [`Event::Failed`] or [`Event::Ended`]; afterwards the id
//!   is stale and calls with it are refused harmlessly.
//! - Every state of every machine has a deadline, so after the last call everything goes back to zero ([`Counts`]).
//! - Datagrams of strangers make state only as an INVITE that we would ring for, or as a 2xx to a call of the process
//!   before this one; all else is answered without state, and no more often than `limits.rs` allows.
//! - Credentials answer challenges of first INVITEs and REGISTERs, of one realm, at most twice; never inside a dialog.
//! - No clock, socket, thread or OS randomness; nothing iterates a hash map. The same inputs and the same random stream
//!   give the same bytes.
//!
//! **Absent.** TCP and TLS, DNS (a host name goes to the configured next hop), reliable provisional responses (PRACK),
//! UPDATE, REFER, session timers (RFC 4028; [`DIALOG_AGE_MAX`] bounds a call meanwhile), redirection (a 3xx fails the
//! call), offer/answer and SDP of any kind: bodies pass through as bytes.
//!
//! **Units.** Times are `base::Duration`; names that end in `_s` are whole seconds as in the SIP headers.

mod allowance;
mod dialog;
mod digest;
mod endpoint;
mod identity;
mod limits;
mod mint;
mod reply;
mod text;
mod transaction;
mod types;

pub use endpoint::Endpoint;
pub use identity::{DialogIdentity, IdentityFault};
pub use limits::{ANSWER_LIMIT, DIALOG_AGE_MAX};
pub use mint::Mint;
pub use types::{
    Cause, Config, Counts, Credentials, DialogId, Drops, Event, Invite, OptionsId, Output, Refusal, Register,
    RegistrationId, Whose,
};

#[cfg(test)]
mod tests;
