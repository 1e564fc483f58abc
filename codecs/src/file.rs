//! Any audio file of the two kinds we read, told apart by its first bytes, as samples at 8 kHz.

use crate::limits::{CHANNELS_MAX, RATE_HZ, RATE_HZ_MAX, RATE_HZ_MIN, Reject, SAMPLES_MAX};
use crate::{flac, resample, wav};

/// Audio as a file holds it: interleaved samples (16-bit), its channels and its rate in Hz.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recording {
    /// Samples, channel after channel of each moment.
    pub interleaved: Vec<i16>,
    /// How many channels (1 to `CHANNELS_MAX`).
    pub channels: usize,
    /// Samples a second and channel.
    pub rate_hz: u32,
}

/// Reads a WAV or FLAC file into mono samples at 8 kHz.
///
/// # Errors
/// See [`Reject`]; a file cut short is refused and not read in part.
pub fn read(bytes: &[u8]) -> Result<Vec<i16>, Reject> {
    if bytes.starts_with(b"fLaC") { flac::read(bytes) } else { wav::read(bytes) }
}

/// A WAV or FLAC file as it is.
///
/// # Errors
/// See [`Reject`].
pub fn decode(bytes: &[u8]) -> Result<Recording, Reject> {
    if bytes.starts_with(b"fLaC") { flac::decode(bytes) } else { wav::decode(bytes) }
}

impl Recording {
    /// Mixes the channels down by their mean and brings them to 8 kHz.
    ///
    /// # Errors
    /// `Rate`, `Channels`, `TooLong` or `Empty`.
    pub fn to_mono_8khz(&self) -> Result<Vec<i16>, Reject> {
        resample::resample(&self.to_mono()?, self.rate_hz, RATE_HZ)
    }

    /// Mixes the channels down by their mean, at the rate that they have.
    ///
    /// # Errors
    /// `Rate`, `Channels`, `TooLong` or `Empty`.
    pub fn to_mono(&self) -> Result<Vec<i16>, Reject> {
        check_shape(self.channels, self.rate_hz)?;
        let mono: Vec<i16> = self
            .interleaved
            .chunks_exact(self.channels)
            .map(|moment| (moment.iter().map(|sample| i32::from(*sample)).sum::<i32>() / moment.len() as i32) as i16)
            .collect();
        if mono.is_empty() {
            return Err(Reject::Empty);
        }
        if mono.len() > SAMPLES_MAX {
            return Err(Reject::TooLong);
        }
        Ok(mono)
    }
}

/// What both readers refuse before they decode anything.
pub(crate) fn check_shape(channels: usize, rate_hz: u32) -> Result<(), Reject> {
    if channels == 0 || channels > CHANNELS_MAX {
        return Err(Reject::Channels);
    }
    if !(RATE_HZ_MIN..=RATE_HZ_MAX).contains(&rate_hz) {
        return Err(Reject::Rate);
    }
    Ok(())
}
