//! What the room refuses, and why so much and not more.

/// Sample rate of all audio inside the engine, in Hz.
pub const RATE_HZ: u32 = 8_000;

/// Longest audio read from one file, in samples at its own rate and per channel: one hour at 48 kHz = 172.8 million;
/// more is not a prompt. The result at 8 kHz is at most 28.8 million samples (57.6 MB) for that rate.
pub const SAMPLES_MAX: usize = 3_600 * 48_000;

/// Lowest rate read, in Hz: below it nothing of a voice is left.
pub const RATE_HZ_MIN: u32 = 4_000;

/// Highest rate read, in Hz: the highest that studio files use.
pub const RATE_HZ_MAX: u32 = 192_000;

/// Most channels mixed down: 7.1 surround.
pub const CHANNELS_MAX: usize = 8;

/// Why a file was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reject {
    /// Neither a RIFF/WAVE nor a FLAC file, or its structure is broken.
    NotAudio,
    /// The file ends before its audio does, or a block of it cannot be decoded.
    Damaged,
    /// A sample format that is not read (WAV: PCM 8 to 32 bit, float 32 bit, mu-law and A-law are).
    Format,
    /// The rate lies outside `RATE_HZ_MIN..=RATE_HZ_MAX`.
    Rate,
    /// No channel, or more than `CHANNELS_MAX`.
    Channels,
    /// More than `SAMPLES_MAX` samples.
    TooLong,
    /// Not one sample.
    Empty,
}

impl std::fmt::Display for Reject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Reject::NotAudio => "not a WAV or FLAC file",
            Reject::Damaged => "the audio is cut short or damaged",
            Reject::Format => "sample format not read: use PCM, float, mu-law or A-law",
            Reject::Rate => "sample rate outside 4,000 to 192,000 Hz",
            Reject::Channels => "no channel, or more than 8",
            Reject::TooLong => "longer than one hour",
            Reject::Empty => "no samples in it",
        })
    }
}

impl std::error::Error for Reject {}
