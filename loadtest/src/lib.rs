//! Floor 6: actors of the outside world. A carrier with its callees and the agents' telephones, which speak real SIP and
//! send real RTP with speech, over UDP in the demo and over a simulated network in tests.
//!
//! ```text
//!  Crowd, SpeechBank ──> Carrier ─────┐                  ┌─ runner: net::Engine, sockets, real time
//!                        AgentPhones ─┤ Controller ─────>┤
//!  the product's loop ────────────────┘                  └─ World: call::Shard on NetSim, virtual time
//!  leads ──> CSV for the importer        correlate ──> was this prompt heard?
//! ```
//!
//! **Invariants.** An actor learns of a call only from its own shard's events and from the content of the audio it
//! receives, never from the product; so its ledger is a witness. What a callee does follows from seed and number alone.
//! Controllers, `NetSim` and `World` do no IO and take `now` as a parameter; only `runner` has threads and `speech`
//! reads files and runs synthesisers.
//!
//! **Absent.** No mocks: the actors' SIP and RTP are the engine's own shards. SIPp scenarios stand in `tests/`.
//!
//! **Units.** Audio is samples at 8 kHz; times are `base` types, on the clock of whoever keeps the record.

pub mod callee;
pub mod carrier;
pub mod controller;
pub mod correlate;
#[cfg(test)]
mod driver;
pub mod ear;
pub mod leads;
pub mod ledger;
pub mod netsim;
pub mod phones;
pub mod room;
pub mod runner;
pub mod speech;
pub mod world;

pub use callee::{Callee, Crowd, Nature};
pub use carrier::Carrier;
pub use controller::Controller;
pub use ledger::{CalleeRecord, Ledger, LedgerSummary};
pub use netsim::{LinkConfig, NetSim};
pub use phones::AgentPhones;
pub use speech::SpeechBank;
pub use world::{NodeConfig, NodeId, World};
