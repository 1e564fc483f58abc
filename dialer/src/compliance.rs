//! The gate before every launch: do-not-call, consent, calling hours in the callee's zone, attempts per number, the
//! pause after an abandoned call. The abandon limit itself is the [`crate::ledger`]'s.
//!
//! Two time lines: calling hours follow the wall clock as it is set; counts and gaps follow the *steady* line (the
//! wall time of the dialer's first anchor, which never steps), so that setting the clock cannot allow a call.

mod gate;
mod profile;
mod sheet;
mod stricter;
mod value;
mod zone;

pub use gate::ZoneHours;
pub(crate) use gate::{DO_NOT_CALL, Gate, GateAnswer, HISTORY_DAYS, Known, Query, Zones};
pub use profile::{AttemptCap, Bands, DeadlineFrom, Denominator, Holiday, Profile, Week, Window};
pub use sheet::{Confirmation, FieldView, ProfileError, Profiles, Sheet};
pub use zone::{zone_of, zone_of_record, zone_of_region};

/// Why an attempt was allowed, kept with it for ever.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConsentDecision {
    /// True for every attempt that was made; the decision is recorded so that a reader need not infer it.
    pub allowed: bool,
    /// The rule that decided: `consent-on-file`, or `not-required:PROFILE`.
    pub rule: String,
    /// Proof of the consent that was relied on.
    pub proof_id: Option<String>,
}
