//! Floor 6: what the engine costs, measured from outside. Behind the commands `outpace bench media` and `outpace bench
//! sip`.
//!
//! ```text
//!  the command (reports, costs nothing while the window runs)
//!    ├─ JSON lines ─> part "load"    a far end of few sockets: real SIP, 50 packets a second a leg, hears every packet
//!    ├─ JSON lines ─> part "floor"   the minimal loop of the same number of streams, before and after
//!    └─ JSON lines ─> part "engine"  net::Engine alone in its process: processor time, allocations, lateness
//! ```
//!
//! Each part is the same binary started again with a hidden command ([`run_part`]), in a session of its own whose
//! scheduling group is raised where the system allows it, so that the neighbours are not what is measured.
//!
//! **Invariants.** The processor time of a figure is that of the engine's process and of nothing else, between two moments
//! after the calls have settled. Every packet that comes back is checked for its audio, not only counted. A part ends when
//! its orders end, so nothing is left behind when the command is killed. Absent: thresholds; a measurement judges nothing
//! but its own soundness.
//!
//! **Units.** `_us` and `_ns` are micro- and nanoseconds; a *pair* is one packet sent and one received on a leg.

mod child;
mod fault;
pub mod media;
mod process;
pub mod sip;
mod spread;

pub use child::{Part, Parts};
pub use fault::Fault;
pub use media::floor::{FloorSettings, Loops};
pub use process::{enter_own_session, open_files, processor_ns, rss_bytes};
pub use spread::Spread;

/// What a part's process runs: carries out the orders of its stdin until they end. `start_floor` starts the minimal loops
/// (they stand in a room of their own beside this one, which it does not import).
///
/// # Errors
/// Sockets or threads cannot be had, or the orders make no sense.
pub fn run_part(part: Part, start_floor: impl FnOnce(&FloorSettings) -> std::io::Result<Loops>) -> Result<(), Fault> {
    let group = enter_own_session();
    match part {
        Part::Engine => media::engine::run(&group),
        Part::Load => media::load::run(),
        Part::Floor => media::floor::run(start_floor),
        Part::Caller => sip::caller::run(),
        Part::Callee => sip::callee::run(),
    }
}
