//! Floor 7: the binary `outpace`. Command line, configuration, the conductor between dialer and shards, the control
//! thread, the HTTP API.
//!
//! ```text
//!  main ─> serve | demo | simulate | import | check | token | bench
//!            └─> Runtime (control thread) ─> Conductor (sans-IO) ─> Dialer
//!                  ├── net::Engine   Command / Event
//!                  ├── Backlog ─> store::Store   Op / Ack
//!                  ├── Feeder <─ store   pages of leads
//!                  └── control: Request, Snapshot, Journal <── http, signals
//! ```
//!
//! **Invariants.** Every command ends with 0, or with one line `error: …` and exit code 1 (failed) or 2 (used wrongly).
//! No telephone number is logged in full above DEBUG. The conductor does no IO, so tests run it over a simulated network.
//! The control thread waits for nobody: not for the store, not for a resolver, not for an asker.
//!
//! **Absent.** No console yet, no inbound queues, no TLS: settings that would switch them on are refused.

pub mod account;
pub mod amd;
pub mod backlog;
pub mod bench;
pub mod check;
pub mod compliance;
pub mod conductor;
pub mod config;
pub mod control;
pub mod demo;
pub mod failure;
pub mod feeder;
pub mod http;
pub mod import;
pub mod logging;
pub mod manual;
pub mod office;
pub mod password;
pub mod runtime;
pub(crate) mod secrets;
pub mod serve;
pub mod simulate;
pub mod token;
