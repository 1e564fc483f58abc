use super::*;

/// Output value of a mu-law code from the words of G.711 table 2: value y of interval n is the middle of its two
/// decision values, on a scale of 8,159; times 4 for 16 bits.
fn itu_mu_value(code: u8) -> i32 {
    let inverted = !code;
    let index = usize::from(inverted & 0x7F);
    let decisions = itu_mu_decisions();
    let middle = if index == 0 { 0 } else { (decisions[index] + decisions[index + 1]) / 2 };
    4 * if inverted & 0x80 != 0 { -middle } else { middle }
}

/// The 129 decision values of G.711 table 2: 0, 1, then steps of 2, 4, 8 … 256 with 15 or 16 of each.
fn itu_mu_decisions() -> Vec<i32> {
    let mut values = vec![0, 1];
    for segment in 0..8 {
        let count = if segment == 0 { 15 } else { 16 };
        for _ in 0..count {
            values.push(values.last().unwrap() + (2 << segment));
        }
    }
    assert_eq!(values.len(), 129);
    assert_eq!(values[16], 31);
    assert_eq!(values[128], 8_159);
    values
}

/// The 129 decision values of G.711 table 1 on its scale of 4,096: 32 steps of 2, then 16 each of 4, 8 … 128.
fn itu_a_decisions() -> Vec<i32> {
    let mut values = vec![0];
    for segment in 0..8_u32 {
        for _ in 0..16 {
            values.push(values.last().unwrap() + (1 << segment.max(1)));
        }
    }
    assert_eq!(values.len(), 129);
    assert_eq!(values[32], 64);
    assert_eq!(values[128], 4_096);
    values
}

fn itu_a_value(code: u8) -> i32 {
    let plain = code ^ 0x55;
    let index = usize::from(plain & 0x7F);
    let decisions = itu_a_decisions();
    let middle = (decisions[index] + decisions[index + 1]) / 2;
    8 * if plain & 0x80 != 0 { middle } else { -middle }
}

#[test]
fn all_256_codes_decode_to_the_tables_of_the_standard() {
    for code in 0..=255_u8 {
        assert_eq!(i32::from(pcmu::decode(code)), itu_mu_value(code), "mu-law code {code:#04x}");
        assert_eq!(i32::from(pcma::decode(code)), itu_a_value(code), "A-law code {code:#04x}");
    }
    assert_eq!(pcmu::decode(pcmu::SILENCE), 0);
    assert_eq!(pcma::decode(pcma::SILENCE), 8);
    assert_eq!(pcmu::decode(0x80), 32_124);
    assert_eq!(pcma::decode(0xAA), 32_256);
}

#[test]
fn every_sample_falls_into_the_interval_the_decision_values_say() {
    let mu = itu_mu_decisions();
    let a = itu_a_decisions();
    for sample in i16::MIN..=i16::MAX {
        let magnitude = i32::from(if sample < 0 { !sample } else { sample });
        // Interval n holds decision n up to but not decision n+1; the last one also holds what is louder.
        let mu_index = mu.partition_point(|decision| *decision <= magnitude / 4).clamp(1, 128) - 1;
        let a_index = a.partition_point(|decision| *decision <= magnitude / 8).clamp(1, 128) - 1;
        let mu_code = !(mu_index as u8 | if sample < 0 { 0x80 } else { 0 });
        let a_code = (a_index as u8 | if sample < 0 { 0 } else { 0x80 }) ^ 0x55;
        assert_eq!(pcmu::encode(sample), mu_code, "mu-law of {sample}");
        assert_eq!(pcma::encode(sample), a_code, "A-law of {sample}");
    }
}

#[test]
fn codes_survive_a_round_trip() {
    for code in 0..=255_u8 {
        // Mu-law's negative zero (0x7F) decodes to 0 and comes back as the positive zero.
        let expected = if code == 0x7F { 0xFF } else { code };
        assert_eq!(pcmu::encode(pcmu::decode(code)), expected);
        assert_eq!(pcma::encode(pcma::decode(code)), code);
    }
}

#[test]
fn law_to_law_equals_the_way_over_linear_samples() {
    let all: Vec<u8> = (0..=255).collect();
    let mut out = [0; 256];
    assert_eq!(transcode(Law::Mu, Law::A, &all, &mut out), 256);
    for (code, converted) in all.iter().zip(out) {
        assert_eq!(converted, pcma::encode(pcmu::decode(*code)));
    }
    assert_eq!(transcode(Law::A, Law::Mu, &all, &mut out), 256);
    for (code, converted) in all.iter().zip(out) {
        assert_eq!(converted, pcmu::encode(pcma::decode(*code)));
    }
    let mut short = [0; 3];
    assert_eq!(transcode(Law::A, Law::A, &all, &mut short), 3);
    assert_eq!(short, [0, 1, 2]);
}

#[test]
fn slices_stop_at_the_shorter_one() {
    let mut codes = [0; 2];
    assert_eq!(pcmu::encode_slice(&[0, 0, 0], &mut codes), 2);
    assert_eq!(codes, [pcmu::SILENCE; 2]);
    let mut samples = [7; 4];
    assert_eq!(pcma::decode_slice(&[pcma::SILENCE; 2], &mut samples), 2);
    assert_eq!(samples, [8, 8, 7, 7]);
    for law in [Law::Mu, Law::A] {
        let mut codes = [0; 4];
        assert_eq!(law.encode_slice(&[0; 3], &mut codes), 3);
        assert_eq!(codes, [law.silence(), law.silence(), law.silence(), 0]);
        assert_eq!(law.decode_slice(&codes[..3], &mut samples), 3);
        assert!(samples[..3].iter().all(|sample| *sample == law.decode(law.silence())));
    }
    assert_eq!([Law::Mu.payload_type(), Law::A.payload_type()], [0, 8]);
}

#[test]
fn a_tone_keeps_the_signal_to_noise_ratio_of_the_standard() {
    // ITU-T G.712 asks for about 33 dB at 0 dBm0; a full-band sine through one encoding has 37 to 38 dB.
    for law in [Law::Mu, Law::A] {
        let (mut signal, mut noise) = (0.0, 0.0);
        for n in 0..8_000 {
            let sample = (20_000.0 * (f64::from(n) * 0.7991).sin()) as i16;
            let back = law.decode(law.encode(sample));
            signal += f64::from(sample).powi(2);
            noise += (f64::from(sample) - f64::from(back)).powi(2);
        }
        let ratio_db = 10.0 * f64::log10(signal / noise);
        assert!((35.0..42.0).contains(&ratio_db), "{law:?}: {ratio_db:.1} dB");
    }
}
