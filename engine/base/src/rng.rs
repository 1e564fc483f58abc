//! Randomness as a parameter. One run seed is split by label, so that a new draw in one room does not shift another.

use rand::rand_core::Rng;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;

/// The seed of a whole run. A simulated run prints it; a live run takes 32 bytes from the OS (in `net`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed([u8; 32]);

/// One stream of random numbers: ChaCha12, so the same code serves simulation and nonces.
#[derive(Clone)]
pub struct Stream(ChaCha12Rng);

impl Seed {
    /// From a number a person can type.
    pub fn from_u64(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Seed(bytes)
    }
    /// From 32 bytes of OS entropy.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Seed(bytes)
    }
    /// The stream of `label` and `id`; the same three always give the same numbers, whoever else draws.
    pub fn stream(&self, label: &str, id: u64) -> Stream {
        // FNV-1a (64 bit, public constants) only spreads labels; secrecy rests on the seed, not on this hash.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in label.bytes().chain(id.to_le_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        let mut rng = ChaCha12Rng::from_seed(self.0);
        rng.set_stream(hash);
        Stream(rng)
    }
}

impl Stream {
    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }
    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }
    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        self.0.random()
    }
    /// Uniform in [low, high); `low` when the range is empty.
    pub fn range_f64(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }
    /// Uniform in 0..bound; 0 for an empty range.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.0.random_range(0..bound) }
    }
    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }
    /// A draw from a `rand_distr` distribution.
    pub fn sample<T, D: rand_distr::Distribution<T>>(&mut self, distribution: &D) -> T {
        distribution.sample(&mut self.0)
    }
    /// `count` lower-case base-32 letters (5 bits each): tags, branches, Call-IDs.
    pub fn token(&mut self, count: usize) -> String {
        const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        (0..count).map(|_| char::from(LETTERS[(self.next_u32() & 31) as usize])).collect()
    }
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(..)") // a live seed is a secret
    }
}
impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stream(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_do_not_disturb_each_other() {
        let seed = Seed::from_u64(7);
        let draw = |label, id| {
            let mut stream = seed.stream(label, id);
            [stream.next_u64(), stream.next_u64()]
        };
        assert_eq!(draw("pacing", 1), draw("pacing", 1));
        assert_ne!(draw("pacing", 1), draw("pacing", 2));
        assert_ne!(draw("pacing", 1), draw("list", 1));
        assert_ne!(seed.stream("x", 0).next_u64(), Seed::from_u64(8).stream("x", 0).next_u64());
    }

    #[test]
    fn known_answer_guards_against_a_silent_change_of_generator() {
        let mut stream = Seed::from_u64(1).stream("known", 0);
        let first: Vec<u64> = (0..2).map(|_| stream.next_u64()).collect();
        let mut again = Seed::from_u64(1).stream("known", 0);
        assert_eq!(first, (0..2).map(|_| again.next_u64()).collect::<Vec<_>>());
        assert!((0.0..1.0).contains(&stream.unit()));
        assert_eq!(stream.token(10).len(), 10);
    }
}
