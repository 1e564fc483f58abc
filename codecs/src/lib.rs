//! Floor 2: samples in, samples out. G.711, WAV and FLAC files, resampling, call-progress tones, frame energy.
//!
//! ```text
//!  WAV / FLAC bytes ──> file::read ──> resample ──> i16 at 8 kHz ──> g711::pcmu / pcma ──> payload bytes
//!  ToneScript ────────────────────────> render ───────┘   ▲
//!  payload bytes ──> g711 decode ──> energy, tones::tone_share
//!                                  └─> spectrum (every 10 ms) ──> tones::bank: beep, fax, SIT, ringback, busy …
//! ```
//!
//! **Invariants.** No file, clock or randomness: bytes and samples come in as parameters. Everything that a packet
//! needs (`g711`, `energy`, `halve`, `maths`, `spectrum`, `tones::bank`) allocates nothing once it is made, and gives the
//! same bits on every machine; what allocates (`wav`, `flac`, `resample`, `tones`) runs when a prompt is made, never per
//! packet. A broken file is a [`Reject`], never a panic, and no file
//! can make more than [`limits::SAMPLES_MAX`] samples. G.722, Opus and loss concealment are not here yet.
//!
//! **Units.** Linear samples are 16-bit signed at 8,000 Hz, one channel, unless a parameter says otherwise; levels are
//! dBm0 (a full-scale sine is +3.14, ITU-T G.711 table note); times are milliseconds.

pub mod energy;
pub mod file;
pub mod flac;
pub mod g711;
pub mod halve;
pub mod limits;
pub mod maths;
pub mod resample;
pub mod spectrum;
pub mod tones;
pub mod wav;

pub use limits::{RATE_HZ, Reject};
