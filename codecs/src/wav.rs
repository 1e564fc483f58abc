//! WAV files. The library `hound` reads PCM and float and writes; it does not know the G.711 formats that telephony
//! recordings use, so their chunks are walked here (RIFF, Microsoft 1991; format tags of RFC 2361).

use crate::file::{Recording, check_shape};
use crate::g711::{pcma, pcmu};
use crate::limits::{RATE_HZ, Reject, SAMPLES_MAX};
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use std::io::Read;

/// Format tags of RFC 2361: A.7 A-law and mu-law.
const TAG_A_LAW: u16 = 6;
const TAG_MU_LAW: u16 = 7;

/// Reads a WAV file (PCM of 8 to 32 bits, float, mu-law, A-law; any rate and channels within the limits) into mono
/// samples at 8 kHz.
///
/// # Errors
/// See [`Reject`].
pub fn read(bytes: &[u8]) -> Result<Vec<i16>, Reject> {
    decode(bytes)?.to_mono_8khz()
}

/// Reads a WAV file as it is.
///
/// # Errors
/// See [`Reject`].
pub fn decode(bytes: &[u8]) -> Result<Recording, Reject> {
    let (format, data) = find_chunks(bytes)?;
    let field = |at: usize| u16::from_le_bytes([format[at], format[at + 1]]);
    let (tag, channels) = (field(0), usize::from(field(2)));
    let rate_hz = u32::from_le_bytes([format[4], format[5], format[6], format[7]]);
    check_shape(channels, rate_hz)?;
    if tag != TAG_A_LAW && tag != TAG_MU_LAW {
        return decode_linear(format, data);
    }
    if field(14) != 8 {
        return Err(Reject::Format);
    }
    if data.len() / channels > SAMPLES_MAX {
        return Err(Reject::TooLong);
    }
    let mut interleaved = vec![0; data.len()];
    match tag {
        TAG_MU_LAW => pcmu::decode_slice(data, &mut interleaved),
        _ => pcma::decode_slice(data, &mut interleaved),
    };
    Ok(Recording { interleaved, channels, rate_hz })
}

/// Writes 16-bit mono PCM at 8 kHz.
///
/// # Errors
/// `TooLong` beyond `SAMPLES_MAX` samples.
pub fn write(samples: &[i16]) -> Result<Vec<u8>, Reject> {
    if samples.len() > SAMPLES_MAX {
        return Err(Reject::TooLong);
    }
    let spec = WavSpec { channels: 1, sample_rate: RATE_HZ, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut bytes = Vec::with_capacity(44 + samples.len() * 2);
    // Writing into memory can only fail past the 4 GiB of RIFF, which the limit above excludes.
    let write_all = |bytes: &mut Vec<u8>| -> Result<(), hound::Error> {
        let mut writer = WavWriter::new(std::io::Cursor::new(bytes), spec)?;
        let mut block = writer.get_i16_writer(samples.len() as u32);
        for sample in samples {
            block.write_sample(*sample);
        }
        block.flush()?;
        writer.finalize()
    };
    write_all(&mut bytes).map_err(|_| Reject::TooLong)?;
    Ok(bytes)
}

fn decode_linear(format: &[u8], data: &[u8]) -> Result<Recording, Reject> {
    // hound loses its way after a chunk of odd length (it does not skip the pad byte), and recorders write such
    // chunks; it gets a file of only the two chunks it needs. Lengths fit: they came out of 32-bit fields.
    let mut head = b"RIFF\0\0\0\0WAVEfmt ".to_vec();
    head.extend((format.len() as u32).to_le_bytes());
    head.extend(format);
    head.extend(b"data");
    head.extend((data.len() as u32).to_le_bytes());
    let mut reader = WavReader::new(head.as_slice().chain(data)).map_err(reject_of)?;
    let spec = reader.spec();
    let channels = usize::from(spec.channels);
    check_shape(channels, spec.sample_rate)?;
    if reader.duration() as usize > SAMPLES_MAX {
        return Err(Reject::TooLong);
    }
    let bits = u32::from(spec.bits_per_sample);
    let interleaved = match spec.sample_format {
        SampleFormat::Float => reader
            .samples::<f32>()
            // Rust's cast saturates and turns NaN into 0, which is what loud or broken floats should become.
            .map(|sample| sample.map(|value| (value * 32_767.0).round() as i16))
            .collect::<Result<Vec<i16>, _>>(),
        SampleFormat::Int => reader
            .samples::<i32>()
            .map(|sample| {
                sample
                    .map(|value| if bits > 16 { (value >> (bits - 16)) as i16 } else { (value << (16 - bits)) as i16 })
            })
            .collect(),
    };
    Ok(Recording { interleaved: interleaved.map_err(reject_of)?, channels, rate_hz: spec.sample_rate })
}

fn reject_of(error: hound::Error) -> Reject {
    match error {
        hound::Error::IoError(_) | hound::Error::UnfinishedSample => Reject::Damaged,
        hound::Error::FormatError(_) => Reject::NotAudio,
        hound::Error::TooWide | hound::Error::Unsupported | hound::Error::InvalidSampleFormat => Reject::Format,
    }
}

/// The bodies of the `fmt ` chunk (at least 16 bytes) and of the `data` chunk.
fn find_chunks(bytes: &[u8]) -> Result<(&[u8], &[u8]), Reject> {
    if bytes.len() < 12 || &bytes[..4] != b"RIFF" || &bytes[8..12] != b"WAVE" {
        return Err(Reject::NotAudio);
    }
    let mut rest = &bytes[12..];
    let mut format = None;
    // Each turn takes at least the 8 bytes of a chunk's header away, so this ends.
    while rest.len() >= 8 {
        let length = u32::from_le_bytes([rest[4], rest[5], rest[6], rest[7]]) as usize;
        let (kind, body) = (&rest[..4], &rest[8..]);
        if length > body.len() {
            return Err(Reject::Damaged);
        }
        match kind {
            b"fmt " if length < 16 => return Err(Reject::NotAudio),
            b"fmt " => format = Some(&body[..length]),
            b"data" => return Ok((format.ok_or(Reject::NotAudio)?, &body[..length])),
            _ => {}
        }
        // Chunks are padded to an even length (RIFF); the pad of the last one is often missing.
        rest = &body[(length + length % 2).min(body.len())..];
    }
    Err(Reject::NotAudio)
}

#[cfg(test)]
mod tests;
