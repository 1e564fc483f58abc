//! Bridging by payload: what one leg received becomes what the other sends, converted by table when the laws differ.

use crate::{FRAME_SAMPLES, Law};

/// One direction of a bridge with its own buffer, so that converting allocates nothing.
#[derive(Clone, Debug)]
pub struct Relay {
    buffer: [u8; FRAME_SAMPLES],
}

impl Default for Relay {
    fn default() -> Self {
        Self::new()
    }
}

impl Relay {
    /// An idle relay.
    pub const fn new() -> Relay {
        Relay { buffer: [0; FRAME_SAMPLES] }
    }

    /// The payload in the law of the leg it goes to: the bytes themselves when the laws agree, else converted.
    /// A payload is at most one frame; a longer one is cut to a frame when it must be converted.
    pub fn convert<'a>(&'a mut self, from: Law, to: Law, payload: &'a [u8]) -> &'a [u8] {
        if from == to {
            return payload;
        }
        let count = codecs::g711::transcode(from, to, payload, &mut self.buffer);
        &self.buffer[..count]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_laws_pass_the_very_bytes_and_unequal_ones_keep_the_sound() {
        let payload: Vec<u8> = (0..160).map(|n| Law::Mu.encode((n * 200 - 16_000) as i16)).collect();
        let mut relay = Relay::new();
        assert_eq!(relay.convert(Law::Mu, Law::Mu, &payload).as_ptr(), payload.as_ptr());
        let converted = relay.convert(Law::Mu, Law::A, &payload).to_vec();
        assert_eq!(converted.len(), 160);
        for (mu, a) in payload.iter().zip(&converted) {
            let (before, after) = (i32::from(Law::Mu.decode(*mu)), i32::from(Law::A.decode(*a)));
            // Half a step of the coarser law at that level: 1/32 of the value, 8 near zero.
            assert!((before - after).abs() <= 8 + before.abs() / 32, "{before} became {after}");
        }
        assert_eq!(relay.convert(Law::A, Law::Mu, &[0; 400]).len(), 160);
    }

    #[test]
    fn silence_stays_silence() {
        let mut relay = Relay::new();
        let out = relay.convert(Law::A, Law::Mu, &[Law::A.silence(); 160]).to_vec();
        assert!(out.iter().all(|code| Law::Mu.decode(*code).abs() <= 8));
    }
}
