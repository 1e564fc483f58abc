//! Answer detection around the calls: what is kept of each verdict, what the labels say of them, what is learnt.
//!
//! ```text
//!  verdict ──> listening: a row with trace and features ──> store <── labels (dispositions, the listening queue)
//!                                                             ├──> figures: shares with intervals, drift ──> report,
//!                                                             │       the pacer's budget, health
//!                                                             └──> command: amd train, calibrate, eval --from
//! ```
//!
//! **Invariants.** Nothing here decides about a call. Absent: the detectors (`engine/detect`) and their examination
//! (`engine/school`).

mod command;
pub(crate) mod figures;
mod learn;
pub(crate) mod listening;
pub(crate) mod measured;
pub(crate) mod recordings;

pub use command::{AmdArgs, run};
pub use listening::Listening;

#[cfg(test)]
mod tests;
