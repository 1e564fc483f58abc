//! Floor 4: legs, calls and the [`Shard`], one core's whole world of them. Joins SIP dialogs to RTP sessions.
//!
//! ```text
//!  Command ─┐                                  ┌─> Output::Event  (control plane)
//!  SIP  ────┤          ┌── sip::Endpoint       ├─> Output::Sip    (driver sends)
//!  RTP  ────┼─> Shard ─┤                       ├─> Output::Peer   (another shard)
//!  peer ────┤          └── Leg ── LegMedia     └─> PacketBatch    (driver sends, one batch a drain)
//!  timer ───┘               └──── partner (here or on another shard)
//! ```
//!
//! **The one shape.** One input (`handle_*`), then drain `poll_output` and `packets`, then wait until `poll_timeout`.
//!
//! **Invariants.** A leg lives on one shard from its first command to its one `Event::Ended`. A leg's outgoing RTP
//! timeline outlives whatever feeds it. A leg's 20 ms grid is a function of its id, never of the shard, so that the
//! same calls on 1, 2 or 4 shards do the same at the same moments. An SDP answer is computed anew from (offer, policy,
//! state) each time. Handling audio allocates nothing.
//!
//! A panic in the work for one leg costs that leg (`Shard::abandon_current`).
//!
//! **Absent.** No sockets, clocks, threads, maps iterated in hash order. No idea of campaigns, leads or agents.
//!
//! **Units.** Times are `base` types; audio is 160-sample frames at 8 kHz; ports are the even RTP port of a pair.

mod api;
mod echo;
mod ingress;
mod leg;
mod offer;
mod packets;
mod ports;
mod shard;

pub use api::{Command, Counts, Event, Frame, INTERNAL_FAULT, MEDIA_TIMEOUT, Originate, Output, PeerMessage, Register};
pub use packets::{Packet, PacketBatch};
#[cfg(any(test, feature = "fault-injection"))]
pub use shard::{Fault, FaultPoint};
pub use shard::{Shard, ShardConfig};

#[cfg(test)]
mod tests;
