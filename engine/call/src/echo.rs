//! Our own prompts as they come back: line hybrids and loudspeakers return a part of what is played to the far end, and
//! answer detection must not take it for somebody there.
//!
//! ```text
//!  frames sent ──peak──> the last 320 ms ──loudest──┐
//!  frame heard ──peak──> less than half of it? ──> echo: turned down to the line's own quiet
//!                        more, or 100 ms since: a voice of its own, as it is
//! ```
//!
//! The comparison is Geigel's test for two voices at once, as echo cancellers know it (D. L. Duttweiler, "A twelve-channel
//! digital echo canceler", IEEE Transactions on Communications 26, 1978): a line returns at most half of what it is given,
//! 6 dB less (ITU-T G.168). **Invariants.** A line on which nothing is played is heard bit for bit. Absent: a line that
//! returns more than half, such as a loop; and whoever speaks while we do with less than half of our level is not heard.

use media::FRAME_SAMPLES;

/// How long after it was sent a frame may come back: a round trip of 250 ms, the jitter buffer's 40 and a frame's length.
/// Who answers a prompt hears its end as late, and takes a fifth of a second to begin.
const RETURN_FRAMES: usize = 16;
/// A voice that is louder than an echo is heard for so long on: syllables fall and rise.
const VOICE_FRAMES: u32 = 5;
/// Frames of which the quietest is the line's own quiet: a second.
const QUIET_FRAMES: usize = 50;

/// Remembers what was played and tells its echo from a voice.
#[derive(Clone, Debug)]
pub(crate) struct EchoGuard {
    /// Peaks of the last frames sent, zero where no prompt played.
    sent: [u16; RETURN_FRAMES],
    sent_at: usize,
    /// Peaks of the last frames heard while nothing played.
    heard: [u16; QUIET_FRAMES],
    heard_at: usize,
    /// Frames for which a voice is still heard.
    voice: u32,
}

impl EchoGuard {
    pub(crate) fn new() -> EchoGuard {
        EchoGuard { sent: [0; RETURN_FRAMES], sent_at: 0, heard: [0; QUIET_FRAMES], heard_at: 0, voice: 0 }
    }

    /// A frame of a prompt was sent; `None`: something else was.
    pub(crate) fn sent(&mut self, prompt: Option<&[i16; FRAME_SAMPLES]>) {
        self.sent[self.sent_at] = prompt.map_or(0, peak);
        self.sent_at = (self.sent_at + 1) % RETURN_FRAMES;
    }

    /// The next frame that was heard: turned down where it may be our own.
    pub(crate) fn hear(&mut self, samples: &mut [i16; FRAME_SAMPLES]) {
        let loudest = self.sent.iter().copied().max().unwrap_or(0);
        let peak = peak(samples);
        if loudest == 0 {
            self.voice = 0;
            self.heard[self.heard_at] = peak;
            self.heard_at = (self.heard_at + 1) % QUIET_FRAMES;
            return;
        }
        if u32::from(peak) * 2 > u32::from(loudest) {
            self.voice = VOICE_FRAMES;
        } else if self.voice > 0 {
            self.voice -= 1;
        }
        let quiet = self.heard.iter().copied().min().unwrap_or(0);
        if self.voice == 0 && peak > quiet {
            let turned = |sample: i16| (i32::from(sample) * i32::from(quiet) / i32::from(peak)) as i16;
            samples.iter_mut().for_each(|sample| *sample = turned(*sample));
        }
    }
}

fn peak(samples: &[i16; FRAME_SAMPLES]) -> u16 {
    samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(level: i16) -> [i16; FRAME_SAMPLES] {
        std::array::from_fn(|n| if n % 8 < 4 { level } else { -level })
    }

    /// What is heard of a frame of this level.
    fn heard(guard: &mut EchoGuard, level: i16) -> u16 {
        let mut samples = frame(level);
        guard.hear(&mut samples);
        peak(&samples)
    }

    #[test]
    fn an_echo_is_turned_down_and_a_louder_voice_is_heard_to_its_end() {
        let mut guard = EchoGuard::new();
        for _ in 0..QUIET_FRAMES {
            guard.sent(None);
            assert_eq!(heard(&mut guard, 40), 40);
        }
        guard.sent(Some(&frame(8_000)));
        assert_eq!(heard(&mut guard, 4_000), 40, "half of it, as loud as the line was");
        assert_eq!(heard(&mut guard, 30), 30, "what is as quiet as the line stays");
        assert_eq!(heard(&mut guard, 4_001), 4_001);
        for _ in 1..VOICE_FRAMES {
            assert_eq!(heard(&mut guard, 900), 900, "between two syllables");
        }
        assert_eq!(heard(&mut guard, 900), 40);
    }

    #[test]
    fn after_the_prompt_and_its_way_back_all_is_heard() {
        let mut guard = EchoGuard::new();
        guard.sent(Some(&frame(8_000)));
        for _ in 1..RETURN_FRAMES {
            guard.sent(None);
            assert_eq!(heard(&mut guard, 900), 0, "a line of which no quiet is known");
        }
        guard.sent(None);
        assert_eq!(heard(&mut guard, 900), 900);
        let mut loudest = [i16::MIN; FRAME_SAMPLES];
        guard.hear(&mut loudest);
        assert_eq!(loudest, [i16::MIN; FRAME_SAMPLES]);
    }
}
