//! The control plane's middle: what HTTP and the command line ask of the control thread, and what it shows of itself.
//!
//! ```text
//!  HTTP handlers ── Request ──> bounded queue ──> control thread (one owner of all live state)
//!       ^  ^  └─ reads ──> store                      │       │
//!       │  └───── oneshot: Reply | Refusal <──────────┘       ├── Snapshot (swapped whole, ten times a second at most)
//!       ├──────── History: a point a second <─────────────────┤
//!       └──────── Journal: events by number, resumable <──────┘
//! ```
//!
//! **Invariants.** A request is answered exactly once, or its sender learns that the control thread is gone. Nobody
//! waits for room: a full queue is a refusal with a time to come back. A snapshot is consistent in itself. Events are
//! numbered without gaps within one run of the process.
//!
//! **Units.** Moments are microseconds since the Unix epoch (`_us`); spans carry their unit in the name.

pub mod api;
pub mod decisions;
pub mod history;
pub mod journal;
pub mod views;

pub use api::{Control, Refusal, Reply, Request};
pub use journal::{Journal, Notice, Resume};
pub use views::Snapshot;
