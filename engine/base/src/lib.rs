//! Floor 1: what every other room stands on. Time, randomness, ids, limits, the timer wheel, bounded queues.
//!
//! ```text
//!  driver's clock ──> Instant ──> every machine's handle_*(now, …)
//!  run seed ──> Seed::stream("label", id) ──> Stream (one per room and object)
//! ```
//!
//! **Invariants.** Nothing here reads a clock, asks the OS for randomness, starts a thread or allocates per packet.
//! `Instant` subtraction saturates; there is no way to get a negative `Duration`. Only `net::clock` and the tests'
//! simulated world may make an `Instant` out of nothing.
//!
//! **Units.** `Instant` and `Duration` count nanoseconds; `WallTime` counts microseconds since the Unix epoch.

pub mod ids;
pub mod limits;
pub mod queue;
pub mod rng;
pub mod time;
pub mod wheel;

pub use ids::{AgentId, AttemptId, CallId, CampaignId, LeadId, LegId, ListId, PlayId, ShardId, TrunkId};
pub use rng::{Seed, Stream};
pub use time::{Duration, Instant, WallAnchor, WallTime};
pub use wheel::{TimerKey, TimerWheel};
