use super::*;
use crate::file;

/// A WAV file by hand: format tag, channels, rate, bits, data.
fn wav_of(tag: u16, channels: u16, rate_hz: u32, bits: u16, data: &[u8]) -> Vec<u8> {
    let block = channels * bits.div_ceil(8);
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + data.len() as u32).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16_u32.to_le_bytes());
    bytes.extend(tag.to_le_bytes());
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate_hz.to_le_bytes());
    bytes.extend((rate_hz * u32::from(block)).to_le_bytes());
    bytes.extend(block.to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn what_is_written_is_read_back_exactly() {
    let samples: Vec<i16> = (0..1_000).map(|n| (n * 31 % 65_536 - 32_768) as i16).collect();
    let bytes = write(&samples).unwrap();
    assert_eq!(bytes.len(), 44 + 2_000);
    assert_eq!(read(&bytes).unwrap(), samples);
    assert_eq!(file::read(&bytes).unwrap(), samples);
    let empty = write(&[]).unwrap();
    assert_eq!(read(&empty), Err(Reject::Empty));
}

#[test]
fn eight_bits_are_unsigned_and_stereo_is_mixed_down() {
    assert_eq!(read(&wav_of(1, 1, 8_000, 8, &[128, 255, 0])).unwrap(), [0, 127 << 8, -32_768]);
    let mut data = Vec::new();
    for sample in [1_000_i16, 3_000, -500, -1_500] {
        data.extend(sample.to_le_bytes());
    }
    assert_eq!(read(&wav_of(1, 2, 8_000, 16, &data)).unwrap(), [2_000, -1_000]);
}

#[test]
fn wide_and_float_samples_are_brought_to_16_bits() {
    let data: Vec<u8> =
        [0x12_3456_i32, -0x12_3456].iter().flat_map(|value| value.to_le_bytes()[..3].to_vec()).collect();
    assert_eq!(read(&wav_of(1, 1, 8_000, 24, &data)).unwrap(), [0x1234, -0x1235]);
    let data: Vec<u8> = [0.5_f32, -2.0, f32::NAN].iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!(read(&wav_of(3, 1, 8_000, 32, &data)).unwrap(), [16_384, i16::MIN, 0]);
}

#[test]
fn g711_files_are_read() {
    let codes: Vec<u8> = (0..=255).collect();
    let mu = read(&wav_of(7, 1, 8_000, 8, &codes)).unwrap();
    let a = read(&wav_of(6, 1, 8_000, 8, &codes)).unwrap();
    for code in 0..=255_u8 {
        assert_eq!(mu[usize::from(code)], pcmu::decode(code));
        assert_eq!(a[usize::from(code)], pcma::decode(code));
    }
    assert_eq!(read(&wav_of(7, 1, 8_000, 16, &codes)), Err(Reject::Format));
}

#[test]
fn other_chunks_are_skipped_with_their_padding() {
    let plain = wav_of(1, 1, 8_000, 16, &[1, 0, 2, 0]);
    let mut bytes = plain[..12].to_vec();
    bytes.extend(b"LIST\x03\x00\x00\x00abc\x00");
    bytes.extend(&plain[12..]);
    assert_eq!(read(&bytes).unwrap(), [1, 2]);
}

#[test]
fn rubbish_is_named_and_never_panics() {
    let good = wav_of(1, 1, 8_000, 16, &[1, 0, 2, 0]);
    assert_eq!(read(b""), Err(Reject::NotAudio));
    assert_eq!(read(b"RIFF\0\0\0\0WAVE"), Err(Reject::NotAudio));
    assert_eq!(read(&good[..good.len() - 1]), Err(Reject::Damaged));
    assert_eq!(read(&wav_of(1, 0, 8_000, 16, &[])), Err(Reject::Channels));
    assert_eq!(read(&wav_of(1, 9, 8_000, 16, &[])), Err(Reject::Channels));
    assert_eq!(read(&wav_of(1, 1, 0, 16, &[1, 0])), Err(Reject::Rate));
    assert_eq!(read(&wav_of(1, 1, 500_000, 16, &[1, 0])), Err(Reject::Rate));
    assert_eq!(read(&wav_of(0x55, 1, 8_000, 16, &[1, 0])), Err(Reject::Format), "MP3 in a WAV");
    // Every byte of the header replaced by every value: an answer each time, whatever it is.
    let mut refused = 0;
    for at in 0..44 {
        for value in 0..=255 {
            let mut bytes = good.clone();
            bytes[at] = value;
            refused += usize::from(read(&bytes).is_err());
        }
    }
    assert!(refused > 5_000, "{refused}");
}
