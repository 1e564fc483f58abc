//! FLAC files (RFC 9639), decoded by `symphonia` with only its FLAC part.

use crate::file::{Recording, check_shape};
use crate::limits::{Reject, SAMPLES_MAX};
use std::io::Cursor;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::default::codecs::FlacDecoder;
use symphonia::default::formats::FlacReader;

/// Reads a FLAC file into mono samples at 8 kHz.
///
/// # Errors
/// See [`Reject`].
pub fn read(bytes: &[u8]) -> Result<Vec<i16>, Reject> {
    decode(bytes)?.to_mono_8khz()
}

/// Reads a FLAC file as it is; samples wider than 16 bits lose their lowest bits.
///
/// # Errors
/// See [`Reject`].
pub fn decode(bytes: &[u8]) -> Result<Recording, Reject> {
    let source = Box::new(Cursor::new(bytes.to_vec()));
    let stream = MediaSourceStream::new(source, MediaSourceStreamOptions::default());
    let mut reader = FlacReader::try_new(stream, FormatOptions::default()).map_err(reject_of)?;
    let track = reader.default_track(TrackType::Audio).ok_or(Reject::NotAudio)?;
    let promised = track.num_frames;
    let parameters = track.codec_params.as_ref().and_then(|any| any.audio()).ok_or(Reject::NotAudio)?.clone();
    let rate_hz = parameters.sample_rate.ok_or(Reject::Rate)?;
    let channels = parameters.channels.as_ref().map_or(0, |channels| channels.count());
    check_shape(channels, rate_hz)?;
    let mut decoder = FlacDecoder::try_new(&parameters, &AudioDecoderOptions::default()).map_err(reject_of)?;
    let mut interleaved = Vec::new();
    while let Some(packet) = reader.next_packet().map_err(reject_of)? {
        let block = decoder.decode(&packet).map_err(reject_of)?;
        let start = interleaved.len();
        // A block may not change its shape half-way: the samples would no longer line up.
        if block.spec().channels().count() != channels || block.spec().rate() != rate_hz {
            return Err(Reject::Damaged);
        }
        interleaved.resize(start + block.samples_interleaved(), 0);
        block.copy_to_slice_interleaved(&mut interleaved[start..]);
        if interleaved.len() / channels > SAMPLES_MAX {
            return Err(Reject::TooLong);
        }
    }
    // The reader ends quietly when the file is cut off; the header's count (RFC 9639 §8.2) tells.
    if promised.is_some_and(|promised| promised > (interleaved.len() / channels) as u64) {
        return Err(Reject::Damaged);
    }
    Ok(Recording { interleaved, channels, rate_hz })
}

fn reject_of(error: Error) -> Reject {
    match error {
        Error::Unsupported(_) => Reject::NotAudio,
        Error::LimitError(_) => Reject::TooLong,
        _ => Reject::Damaged,
    }
}

#[cfg(test)]
mod tests;
