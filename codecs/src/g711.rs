//! G.711: one byte a sample (ITU-T G.711, 1988). Decoding and law-to-law conversion are tables of 256 entries built
//! at compile time; encoding is a handful of integer operations.

/// PCMU, the mu-law of G.711 table 2 (RTP payload type 0, RFC 3551 §4.5.14).
pub mod pcmu {
    use super::{LINEAR_FROM_MU, encode_slice_with};

    /// The code of silence: positive zero.
    pub const SILENCE: u8 = 0xFF;

    /// One 16-bit linear sample to its mu-law code.
    pub const fn encode(sample: i16) -> u8 {
        super::mu_from_linear(sample)
    }
    /// One mu-law code to 16-bit linear; the extremes are ±32,124.
    #[inline]
    pub const fn decode(code: u8) -> i16 {
        LINEAR_FROM_MU[code as usize]
    }
    /// Encodes the shorter of the two slices; returns how many samples that was.
    pub fn encode_slice(samples: &[i16], codes: &mut [u8]) -> usize {
        encode_slice_with(samples, codes, encode)
    }
    /// Decodes the shorter of the two slices; returns how many samples that was.
    pub fn decode_slice(codes: &[u8], samples: &mut [i16]) -> usize {
        super::decode_slice_with(codes, samples, &LINEAR_FROM_MU)
    }
    /// Mu-law to A-law by table, without going through linear samples; returns how many codes were converted.
    pub fn to_pcma(codes: &[u8], out: &mut [u8]) -> usize {
        super::convert_with(codes, out, &super::A_FROM_MU)
    }
}

/// PCMA, the A-law of G.711 table 1 with its even bits inverted (RTP payload type 8, RFC 3551 §4.5.14).
pub mod pcma {
    use super::{LINEAR_FROM_A, encode_slice_with};

    /// The code of silence: the smallest positive value (A-law has no zero).
    pub const SILENCE: u8 = 0xD5;

    /// One 16-bit linear sample to its A-law code.
    pub const fn encode(sample: i16) -> u8 {
        super::a_from_linear(sample)
    }
    /// One A-law code to 16-bit linear; the extremes are ±32,256.
    #[inline]
    pub const fn decode(code: u8) -> i16 {
        LINEAR_FROM_A[code as usize]
    }
    /// Encodes the shorter of the two slices; returns how many samples that was.
    pub fn encode_slice(samples: &[i16], codes: &mut [u8]) -> usize {
        encode_slice_with(samples, codes, encode)
    }
    /// Decodes the shorter of the two slices; returns how many samples that was.
    pub fn decode_slice(codes: &[u8], samples: &mut [i16]) -> usize {
        super::decode_slice_with(codes, samples, &LINEAR_FROM_A)
    }
    /// A-law to mu-law by table, without going through linear samples; returns how many codes were converted.
    pub fn to_pcmu(codes: &[u8], out: &mut [u8]) -> usize {
        super::convert_with(codes, out, &super::MU_FROM_A)
    }
}

/// The two laws of G.711.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Law {
    /// Mu-law, PCMU.
    Mu,
    /// A-law, PCMA.
    A,
}

impl Law {
    /// The code of silence.
    pub const fn silence(self) -> u8 {
        match self {
            Law::Mu => pcmu::SILENCE,
            Law::A => pcma::SILENCE,
        }
    }
    /// One 16-bit linear sample to its code.
    pub const fn encode(self, sample: i16) -> u8 {
        match self {
            Law::Mu => pcmu::encode(sample),
            Law::A => pcma::encode(sample),
        }
    }
    /// One code to 16-bit linear.
    #[inline]
    pub const fn decode(self, code: u8) -> i16 {
        match self {
            Law::Mu => pcmu::decode(code),
            Law::A => pcma::decode(code),
        }
    }
    /// Encodes the shorter of the two slices; returns how many samples that was.
    pub fn encode_slice(self, samples: &[i16], codes: &mut [u8]) -> usize {
        match self {
            Law::Mu => pcmu::encode_slice(samples, codes),
            Law::A => pcma::encode_slice(samples, codes),
        }
    }
    /// Decodes the shorter of the two slices; returns how many samples that was.
    pub fn decode_slice(self, codes: &[u8], samples: &mut [i16]) -> usize {
        match self {
            Law::Mu => pcmu::decode_slice(codes, samples),
            Law::A => pcma::decode_slice(codes, samples),
        }
    }
    /// The static RTP payload type of RFC 3551 table 4: 0 or 8.
    pub const fn payload_type(self) -> u8 {
        match self {
            Law::Mu => 0,
            Law::A => 8,
        }
    }
}

/// Converts codes of one law into the other's; equal laws are a copy. Returns how many codes were converted: the
/// shorter of the two slices.
pub fn transcode(from: Law, to: Law, codes: &[u8], out: &mut [u8]) -> usize {
    match (from, to) {
        (Law::Mu, Law::A) => pcmu::to_pcma(codes, out),
        (Law::A, Law::Mu) => pcma::to_pcmu(codes, out),
        (Law::Mu, Law::Mu) | (Law::A, Law::A) => {
            let count = codes.len().min(out.len());
            out[..count].copy_from_slice(&codes[..count]);
            count
        }
    }
}

/// Linear samples of the 256 mu-law codes.
static LINEAR_FROM_MU: [i16; 256] = linear_table(Law::Mu);
/// Linear samples of the 256 A-law codes.
static LINEAR_FROM_A: [i16; 256] = linear_table(Law::A);
/// A-law code for each mu-law code, and the reverse.
static A_FROM_MU: [u8; 256] = law_table(Law::Mu);
static MU_FROM_A: [u8; 256] = law_table(Law::A);

/// Mu-law works on 14 bits: the two lowest bits of a 16-bit sample are dropped. Negative samples are taken in ones'
/// complement, which keeps both halves mirror images.
const fn mu_from_linear(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = (if sample < 0 { !sample } else { sample } as u32) >> 2;
    // 33 is the bias that makes each segment begin at a power of two; 8,158 + 33 = 8,191 is the largest 13-bit value.
    let biased = if magnitude > 8_158 { 8_191 } else { magnitude + 33 };
    let segment = biased.ilog2() - 5;
    let step = (biased >> (segment + 1)) & 0x0F;
    !(sign | (segment << 4) as u8 | step as u8)
}

/// A-law works on 13 bits: the three lowest bits of a 16-bit sample are dropped.
const fn a_from_linear(sample: i16) -> u8 {
    let sign = if sample < 0 { 0 } else { 0x80 };
    let magnitude = (if sample < 0 { !sample } else { sample } as u32) >> 3;
    let code = if magnitude < 32 {
        magnitude >> 1 // segments 0 and 1 share one slope
    } else {
        let segment = magnitude.ilog2() - 4;
        (segment << 4) | ((magnitude >> segment) & 0x0F)
    };
    (sign | code as u8) ^ 0x55
}

const fn linear_from_mu(code: u8) -> i16 {
    let code = !code;
    let segment = (code >> 4) & 7;
    let step = (code & 0x0F) as i32;
    let magnitude = (((2 * step + 33) << segment) - 33) * 4;
    (if code & 0x80 != 0 { -magnitude } else { magnitude }) as i16
}

const fn linear_from_a(code: u8) -> i16 {
    let code = code ^ 0x55;
    let segment = (code >> 4) & 7;
    let step = (code & 0x0F) as i32;
    let magnitude = if segment == 0 { 2 * step + 1 } else { (2 * step + 33) << (segment - 1) } * 8;
    (if code & 0x80 != 0 { magnitude } else { -magnitude }) as i16
}

const fn linear_table(law: Law) -> [i16; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = match law {
            Law::Mu => linear_from_mu(code as u8),
            Law::A => linear_from_a(code as u8),
        };
        code += 1;
    }
    table
}

/// From `law` into the other one.
const fn law_table(law: Law) -> [u8; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = match law {
            Law::Mu => a_from_linear(linear_from_mu(code as u8)),
            Law::A => mu_from_linear(linear_from_a(code as u8)),
        };
        code += 1;
    }
    table
}

fn encode_slice_with(samples: &[i16], codes: &mut [u8], encode: impl Fn(i16) -> u8) -> usize {
    for (sample, code) in samples.iter().zip(codes.iter_mut()) {
        *code = encode(*sample);
    }
    samples.len().min(codes.len())
}

fn decode_slice_with(codes: &[u8], samples: &mut [i16], table: &[i16; 256]) -> usize {
    for (code, sample) in codes.iter().zip(samples.iter_mut()) {
        *sample = table[usize::from(*code)];
    }
    samples.len().min(codes.len())
}

fn convert_with(codes: &[u8], out: &mut [u8], table: &[u8; 256]) -> usize {
    for (code, converted) in codes.iter().zip(out.iter_mut()) {
        *converted = table[usize::from(*code)];
    }
    codes.len().min(out.len())
}

#[cfg(test)]
mod tests;
