//! `outpace serve` as a whole: the real binary with its own folder, a carrier and agents' phones that speak real SIP and
//! RTP over loopback, and books that are compared with what the carrier saw.
//!
//! ```text
//!  test ── Site (folder, configuration, ports) ── Product (the process: kill -9, SIGTERM, SIGHUP)
//!    │                                               │ SIP, RTP
//!    └── Witness (carrier, phones: loadtest's actors, and a book of every call as the other side saw it)
//! ```
//!
//! **Invariants.** Whatever happens to a test, its processes are ended by their own ids and its folders are removed.
//! What is asserted are counts, orders and ratios; spans of wall time only in the tests named `soak_`, which run by hand
//! (`--ignored`) on a machine that has nothing else to do.

mod amd;
mod books;
mod calls;
mod capture;
mod crash;
mod day;
mod disk;
mod drain;
mod harness;
mod modes;
mod outage;
mod stage;
mod wire;
mod witness;
