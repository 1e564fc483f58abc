//! The simulator: the production [`Dialer`](crate::Dialer) in a statistical world under virtual time.
//!
//! ```text
//!   Dialer ──Output──> World (callees, agents, carrier: hidden state)
//!      ^                 │
//!      └─────Input───────┘      one queue of moments; nothing waits in real time
//! ```
//!
//! The world's state is private to its module: a pacer sees only what comes through the dialer's inputs. Statistical
//! callees stand for whole calls, so a day of 100,000 attempts takes seconds; days of SIP and RTP bytes do not exist
//! (720 million packets each way for 500 calls).

pub mod callee;
mod callers;
mod market;
mod open_loop;
pub mod optimum;
mod policy;
mod run;
mod tally;
pub mod theory;
mod trace;
mod world;

pub use policy::POLICIES;
pub use run::{Options, Progress, SimError, simulate};

#[cfg(test)]
mod tests;
