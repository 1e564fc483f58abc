use super::*;

/// A FLAC file by hand: one mono frame of verbatim 16-bit samples (RFC 9639 §8, §9).
fn flac_of(samples: &[i16], rate_hz: u32) -> Vec<u8> {
    let count = samples.len() as u16;
    let mut bytes = b"fLaC".to_vec();
    // STREAMINFO, the last metadata block, 34 bytes (§8.2).
    bytes.extend([0x80, 0, 0, 34]);
    bytes.extend(count.to_be_bytes());
    bytes.extend(count.to_be_bytes());
    bytes.extend([0; 6]);
    // 20 bits of rate, 3 of channels - 1, 5 of bits - 1, 36 of samples.
    let packed = (u64::from(rate_hz) << 44) | (15 << 36) | u64::from(count);
    bytes.extend(packed.to_be_bytes());
    bytes.extend([0; 16]);
    // Frame header (§9.1): sync, fixed block size; 16-bit size and rate from STREAMINFO; mono, 16 bits; number 0.
    let mut frame = vec![0xFF, 0xF8, 0b0111_0000, 0b0000_1000, 0];
    frame.extend((count - 1).to_be_bytes());
    frame.push(crc8(&frame));
    // Verbatim subframe (§9.2.2).
    frame.push(0b0000_0010);
    for sample in samples {
        frame.extend(sample.to_be_bytes());
    }
    frame.extend(crc16(&frame).to_be_bytes());
    bytes.extend(frame);
    bytes
}

/// Polynomial x^8 + x^2 + x + 1 (§9.1.8).
fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc: u8, _| if crc & 0x80 != 0 { (crc << 1) ^ 0x07 } else { crc << 1 })
    })
}

/// Polynomial x^16 + x^15 + x^2 + 1 (§9.3).
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(
            crc ^ (u16::from(*byte) << 8),
            |crc: u16, _| {
                if crc & 0x8000 != 0 { (crc << 1) ^ 0x8005 } else { crc << 1 }
            },
        )
    })
}

fn ramp() -> Vec<i16> {
    (0..1_024).map(|n| (n * 61 % 60_000 - 30_000) as i16).collect()
}

#[test]
fn a_hand_made_file_comes_back_sample_for_sample() {
    let bytes = flac_of(&ramp(), 8_000);
    assert_eq!(read(&bytes).unwrap(), ramp());
    assert_eq!(crate::file::read(&bytes).unwrap(), ramp());
    let fast = flac_of(&ramp(), 16_000);
    assert_eq!(read(&fast).unwrap().len(), 512);
}

#[test]
fn damage_is_named_and_never_panics() {
    let good = flac_of(&ramp(), 8_000);
    for length in [0, 4, 20, 42, 60, good.len() / 2, good.len() - 1] {
        assert!(read(&good[..length]).is_err(), "cut at {length}");
    }
    // Every byte up to the first samples, a few values each: the checksums or the shape catch nearly all.
    let mut refused = 0;
    for at in 0..80 {
        for value in [0, 1, 0x7F, 0x80, 0xFF] {
            let mut bytes = good.clone();
            bytes[at] = value;
            refused += usize::from(read(&bytes).is_err());
        }
    }
    assert!(refused > 150, "{refused}");
}

#[test]
fn real_telephone_speech_is_read_when_it_is_there() {
    let Some(folder) = std::env::var_os("OUTPACE_SPEECH_DIR").filter(|f| !f.is_empty()) else {
        println!("OUTPACE_SPEECH_DIR is not set: real FLAC files not read");
        return;
    };
    let mut names: Vec<_> = std::fs::read_dir(std::path::Path::new(&folder).join("flac"))
        .expect("the folder flac")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    names.sort();
    for name in names.iter().step_by(names.len() / 20 + 1) {
        let bytes = test_read(name);
        let samples = read(&bytes).unwrap_or_else(|reject| panic!("{}: {reject}", name.display()));
        assert!((800..8_000 * 60).contains(&samples.len()), "{}: {} samples", name.display(), samples.len());
        assert!(crate::energy::rms(&samples) > 10.0, "{}: silent", name.display());
    }
}

#[allow(clippy::disallowed_methods)] // tests read files, the room does not
fn test_read(path: &std::path::Path) -> Vec<u8> {
    std::fs::read(path).expect("a readable file")
}
