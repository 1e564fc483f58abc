//! Floor 8: what the tests of the whole need. Interoperability with telephones that others wrote.
//!
//! ```text
//!  tests/interop_*.rs ──> Board ──> net::Engine ──SIP, RTP over loopback──> SIPp, baresip
//!                           │ taps                                            │ recordings, exit codes
//!                           └──────────── voices: was this clip heard? <──────┘
//! ```
//!
//! **Invariants.** Each test has its own engine, its own peers and ports that were free a moment ago; a peer whose port
//! was taken meanwhile is started anew on another. A peer ends with the test that started it, by its own process id. Nothing
//! leaves the loopback interface. A clip counts as heard only when another voice measured in the same audio scores far less.
//!
//! **Absent.** No mocks and no skipping: a missing program fails the test and the message names the script that installs it.
//!
//! **Units.** Audio is samples at 8 kHz.

pub mod baresip;
pub mod board;
pub mod peer;
pub mod sipp;
pub mod voices;
