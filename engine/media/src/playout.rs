//! Prompts: encoded once per codec, shared by every leg that plays them. Playing costs a header per packet.

use crate::{FRAME_SAMPLES, Law};
use std::sync::Arc;

/// Longest prompt in frames: 30 minutes of music on hold × 50 a second = 90,000 frames = 14.4 MB per codec, held
/// once for all legs. What is longer is cut off there.
pub const PROMPT_FRAMES_MAX: usize = 30 * 60 * 50;

/// Audio ready to send in every codec we speak: both laws of G.711.
pub struct Prompt {
    pcmu: Box<[u8]>,
    pcma: Box<[u8]>,
}

impl Prompt {
    /// From linear samples at 8 kHz; the last frame is filled up with silence.
    pub fn from_samples(samples: &[i16]) -> Prompt {
        let samples = &samples[..samples.len().min(PROMPT_FRAMES_MAX * FRAME_SAMPLES)];
        let padded = samples.len().next_multiple_of(FRAME_SAMPLES);
        let encoded = |law: Law| {
            let mut bytes = vec![law.silence(); padded].into_boxed_slice();
            law.encode_slice(samples, &mut bytes);
            bytes
        };
        Prompt { pcmu: encoded(Law::Mu), pcma: encoded(Law::A) }
    }

    /// Length in frames of 20 ms.
    pub fn frames(&self) -> usize {
        self.pcmu.len() / FRAME_SAMPLES
    }

    /// Length in milliseconds, the padding included.
    pub fn duration_ms(&self) -> u32 {
        (self.frames() * 20) as u32
    }

    /// One frame as payload bytes; `None` past the end.
    pub fn frame(&self, law: Law, index: usize) -> Option<&[u8; FRAME_SAMPLES]> {
        let bytes = match law {
            Law::Mu => &self.pcmu,
            Law::A => &self.pcma,
        };
        bytes.as_chunks::<FRAME_SAMPLES>().0.get(index)
    }
}

impl std::fmt::Debug for Prompt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Prompt({} ms)", self.duration_ms())
    }
}

/// One leg's place in a prompt. The law may change between frames (a re-INVITE); the place stays.
#[derive(Clone, Debug)]
pub struct Player {
    prompt: Arc<Prompt>,
    position: usize,
    repeat: bool,
}

impl Player {
    /// Starts at the beginning; with `repeat` it never ends (unless the prompt is empty).
    pub fn new(prompt: Arc<Prompt>, repeat: bool) -> Player {
        Player { prompt, position: 0, repeat }
    }

    /// The next frame's payload, always 160 bytes; `None` when the prompt has ended.
    pub fn next_frame(&mut self, law: Law) -> Option<&[u8]> {
        if self.repeat && self.position >= self.prompt.frames() {
            self.position = 0;
        }
        let frame = self.prompt.frame(law, self.position)?;
        self.position += 1;
        Some(frame)
    }

    /// True when `next_frame` will give nothing more.
    pub fn is_finished(&self) -> bool {
        self.position >= self.prompt.frames() && (!self.repeat || self.prompt.frames() == 0)
    }

    /// Frames played since the beginning (since the last start over, when it repeats).
    pub fn position(&self) -> usize {
        self.position
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_padded_and_ends() {
        let prompt = Arc::new(Prompt::from_samples(&[1_000; 200]));
        assert_eq!((prompt.frames(), prompt.duration_ms()), (2, 40));
        let mut player = Player::new(prompt.clone(), false);
        assert_eq!(player.next_frame(Law::Mu).unwrap(), [Law::Mu.encode(1_000); 160]);
        let last = player.next_frame(Law::A).unwrap();
        assert_eq!(last[..40], [Law::A.encode(1_000); 40]);
        assert_eq!(last[40..], [Law::A.silence(); 120]);
        assert!(player.is_finished());
        assert_eq!(player.next_frame(Law::Mu), None);
    }

    #[test]
    fn a_repeating_prompt_starts_over_and_an_empty_one_does_not_hang() {
        let samples: Vec<i16> = (0..320).map(|n| if n < 160 { 8_000 } else { -8_000 }).collect();
        let mut player = Player::new(Arc::new(Prompt::from_samples(&samples)), true);
        let firsts: Vec<u8> = (0..5).map(|_| player.next_frame(Law::Mu).unwrap()[0]).collect();
        let (up, down) = (Law::Mu.encode(8_000), Law::Mu.encode(-8_000));
        assert_eq!(firsts, [up, down, up, down, up]);
        assert!(!player.is_finished());
        let mut empty = Player::new(Arc::new(Prompt::from_samples(&[])), true);
        assert!(empty.is_finished());
        assert_eq!(empty.next_frame(Law::A), None);
    }

    #[test]
    fn a_prompt_has_a_longest_length() {
        let prompt = Prompt::from_samples(&vec![0; (PROMPT_FRAMES_MAX + 3) * FRAME_SAMPLES]);
        assert_eq!(prompt.frames(), PROMPT_FRAMES_MAX);
    }
}
